"""`starvid convert`: a checkpoint that was published for other code, as a folder of diffusers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from starvid_core.cli.app import app


@app.command()
def convert(
    what: Annotated[str, typer.Argument(help="videocrafter2")],
    checkpoint: Annotated[Path, typer.Argument(help="model.ckpt, a pickle")],
    folder: Annotated[Path, typer.Argument(help="Folder to write.")],
    tokenizer: Annotated[
        Path | None, typer.Option(help="Folder with CLIP's vocabulary; default: ZeroScope's.")
    ] = None,
) -> None:
    """Turn a published CHECKPOINT into a FOLDER that `generate --weights` takes.

    A pickle may run code when it is opened. This one is read with weights_only=True: tensors and
    nothing else are built from it, and every other file of weights here is safetensors.
    """
    from starvid_core import conversion, paths, specs

    specs.known("checkpoint to convert", what, ["videocrafter2"])
    words = tokenizer or paths.WEIGHTS / "zeroscope" / "tokenizer"
    conversion.videocrafter2(checkpoint, folder, words)
    typer.echo(
        f"wrote {folder} from {checkpoint}, a pickle that was read as tensors and nothing else "
        "(weights_only=True)"
    )
