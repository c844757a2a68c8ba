"""`starvid train`: the embedded model and its judge, trained by this repository."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from starvid_core.cli.app import app


@app.command()
def train(
    what: Annotated[str, typer.Argument(help="model or judge")] = "model",
    world: Annotated[str, typer.Option(help="Of the world: first, full, spatial")] = "first",
    device: Annotated[str, typer.Option(help="cpu, or an accelerator as torch names it")] = "cpu",
    start: Annotated[Path | None, typer.Option(help="A model whose weights to begin with.")] = None,
) -> None:
    """Train the embedded model or its judge; goes on where it was stopped."""
    from starvid_core import specs
    from starvid_core.moving_emoji.world import WORLDS
    from starvid_core.training import judge
    from starvid_core.training import text_to_video as model

    specs.known("part to train", what, ["model", "judge"])
    specs.known("world", world, sorted(WORLDS))
    folder = judge.train(world) if what == "judge" else model.train(world, device, start)
    typer.echo(f"wrote {folder}")
