"""`starvid train`: the embedded model and those that read its clips, trained by this repository."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from starvid_core.cli.app import app

PARTS = ["model", "judge", "embedding"]


@app.command()
def train(
    what: Annotated[str, typer.Argument(help="model, judge or embedding")] = "model",
    world: Annotated[str, typer.Option(help="Which part of the world: first or full")] = "first",
    device: Annotated[str, typer.Option(help="cpu, or an accelerator as torch names it")] = "cpu",
    start: Annotated[Path | None, typer.Option(help="A model whose weights to begin with.")] = None,
) -> None:
    """Train the embedded model, its judge or its embedding; goes on where it was stopped."""
    from starvid_core import specs
    from starvid_core.moving_emoji.world import WORLDS
    from starvid_core.training import embedding, judge
    from starvid_core.training import text_to_video as model

    specs.known("part to train", what, PARTS)
    specs.known("world", world, sorted(WORLDS))
    trainings = {
        "model": lambda: model.train(world, device, start),
        "judge": lambda: judge.train(world),
        "embedding": lambda: embedding.train(world),
    }
    typer.echo(f"wrote {trainings[what]()}")
