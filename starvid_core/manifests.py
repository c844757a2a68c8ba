"""What ships, against the manifests beside it: results, figures, prompts and weights."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from starvid_core import paths
from starvid_core.artifacts import (
    MANIFEST,
    entry,
    listable,
    listed,
    read_json,
    readable_json,
    verify,
    write_json,
)
from starvid_core.errors import InputError

DOCUMENT = "README.md"


def inputs() -> list[Path]:
    """The folders that figures are drawn from, beside the weights, which are checked on loading."""
    folders = (paths.RESULTS, paths.PROMPTS, paths.TRANSCRIPTS, paths.SPRITES)
    return [*folders, paths.DATA / "paper"]


def shipped() -> list[Path]:
    """Every folder that ships with a manifest."""
    weights = [path for path in paths.CHECKPOINTS.glob("*") if path.is_dir()]
    if paths.LORAS in weights:
        weights.remove(paths.LORAS)
        weights += [path for path in paths.LORAS.glob("*") if path.is_dir()]
    return [folder for folder in (*inputs(), paths.FIGURES, *sorted(weights)) if folder.is_dir()]


def relist(files: Iterable[Path]) -> None:
    """Put files that were just written, or are gone, into the manifests of their folders.

    No other line of a manifest changes: what was damaged before still shows.
    """
    for folder in sorted({file.parent for file in files}):
        with _alone(folder):
            lines = listed(folder) if (folder / MANIFEST).is_file() else {}
            for file in (f for f in files if f.parent == folder):
                lines.pop(file.name, None)
                if file.is_file():
                    lines[file.name] = entry(file)
            write_json(folder / MANIFEST, {"files": lines})


def check(files: Iterable[Path]) -> None:
    """Refuse a file that is not what the manifest of its folder says, if that has one."""
    for file in files:
        if not (file.parent / MANIFEST).is_file():
            continue
        said = listed(file.parent).get(file.name)
        if said is None:
            raise InputError(f"{file} is not in {MANIFEST}; {_cure(file.parent)}")
        verify(file, said, _cure(file.parent))


def check_inputs(results: bool = True) -> None:
    """Refuse to work on a file that changed or went missing since it was listed."""
    for folder in inputs():
        if (folder / MANIFEST).is_file() and (results or folder != paths.RESULTS):
            found = [line for line in differences(folder) if "is not in" not in line]
            if found:
                raise InputError(found[0])


def differences(folder: Path, cure: str = "") -> list[str]:
    """A line for everything in `folder` that is not as its manifest says, each with a cure."""
    cure = cure or _cure(folder)
    try:
        lines = listed(folder)
    except InputError as error:
        return [str(error)]
    present = {str(f.relative_to(folder)) for f in listable(folder) if f.name != DOCUMENT}
    found = [f"{folder / name} is not in {MANIFEST}; {cure}" for name in present - lines.keys()]
    for name, said in lines.items():
        try:
            verify(folder / name, said, cure)
        except FileNotFoundError:
            found.append(f"{folder / name} is missing; {cure}")
        except InputError as error:
            found.append(str(error))
    return sorted(found) + _respelled(folder, cure)


def record(folder: Path) -> int:
    """List what `folder` holds now, on purpose; return how many files these are."""
    files = [file for file in listable(folder) if file.name != DOCUMENT]
    lines = {str(file.relative_to(folder)): entry(file) for file in files}
    write_json(folder / MANIFEST, {"files": lines})
    return len(lines)


def _respelled(folder: Path, cure: str) -> list[str]:
    """A manifest with a byte that means nothing was still not written by us."""
    path = folder / MANIFEST
    found = read_json(path)
    if found.keys() == {"files"} and path.read_text() == readable_json(found):
        return []
    return [f"{path} is not spelled as it was written; {cure}"]


def _cure(folder: Path) -> str:
    return (
        f"restore it with `git checkout -- {folder}`, or, if you changed it on purpose, list it "
        f"with `starvid verify --record {folder}`"
    )


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One writer of a manifest at a time; the kernel frees the folder, however that ends."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
