"""`starvid verify`: is everything here what its manifest says?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from starvid_core.cli.app import app
from starvid_core.errors import InputError

MADE_AGAIN = "remove its folder: it is made again when it is asked for"


@app.command()
def verify(
    folders: Annotated[
        list[Path] | None, typer.Argument(help="Folders with a manifest; none: all of them.")
    ] = None,
    record: Annotated[
        bool, typer.Option("--record", help="List what the folders hold now, on purpose.")
    ] = False,
) -> None:
    """Hash again what manifests list: weights, results, figures, prompts and finished runs.

    Names every file that was changed, is missing, or is not listed.
    """
    from starvid_core import manifests, paths

    if record:
        if not folders:
            raise InputError("name the folders that are to be recorded as they are now")
        for folder in folders:
            _existing(folder)
            typer.echo(f"{folder}: {manifests.record(folder)} files listed")
        return
    for folder in folders or []:
        _existing(folder)
    cures = dict.fromkeys(folders or manifests.shipped(), "")
    if not folders:
        runs = (path.parent for path in paths.RUNS.glob("*/manifest.json"))
        cures |= dict.fromkeys(sorted(runs), MADE_AGAIN)
    found = [line for folder, cure in cures.items() for line in manifests.differences(folder, cure)]
    for line in found:
        typer.echo(line)
    if found:
        raise InputError(f"{len(found)} differences in {len(cures)} folders; see above")
    typer.echo(f"{len(cures)} folders are what their manifests say")


def _existing(folder: Path) -> None:
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; name one with a manifest")
