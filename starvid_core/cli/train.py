"""`starvid train`: the embedded model, those that read its clips, and the planner's adapter."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from starvid_core.cli.app import app
from starvid_core.errors import InputError

PARTS = ["model", "judge", "embedding", "planner"]


@app.command()
def train(
    what: Annotated[str, typer.Argument(help="model, judge, embedding or planner")] = "model",
    world: Annotated[str, typer.Option(help="Of the world: first, full, spatial")] = "full",
    device: Annotated[str, typer.Option(help="cpu, or an accelerator as torch names it")] = "cpu",
    start: Annotated[Path | None, typer.Option(help="Exported weights to begin with.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Of the planner.")] = None,
) -> None:
    """Train the embedded model, its judge or embedding, or a small language model that plans.

    Goes on where it was stopped.
    """
    from starvid_core import specs
    from starvid_core.moving_emoji.world import WORLDS

    specs.known("part to train", what, PARTS)
    specs.known("world", world, sorted(WORLDS))
    if steps and what != "planner":
        raise InputError(f"steps are of the planner; the {what} has a recipe of its own")
    if what == "planner":
        folder = _planner(device, start, steps)
    else:
        folder = _of_the_world(what, world, device, start)
    typer.echo(f"wrote {folder}")


def _of_the_world(what: str, world: str, device: str, start: Path | None) -> Path:
    from starvid_core.training import embedding, judge, text_to_video

    if what == "model":
        return text_to_video.train(world, device, start)
    return (judge if what == "judge" else embedding).train(world)


def _planner(device: str, start: Path | None, steps: int | None) -> Path:
    try:
        from starvid_core.training import planner
    except ImportError as error:
        raise InputError(
            f"tuning needs packages of the extra llm ({error}); run `pip install 'starvid[llm]'`"
        ) from None
    return planner.train(device, start, steps)
