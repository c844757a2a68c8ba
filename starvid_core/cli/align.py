"""`starvid align`: SpatialAlign, a LoRA from the model's own better and worse videos."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from starvid_core.cli.app import app


@app.command()
def align(
    loss: Annotated[
        str, typer.Option(help="zo_dpo, unregularized, diffusion_dpo, dpo_sft or sft")
    ] = "zo_dpo",
    weight: Annotated[float | None, typer.Option(help="Of the regularizer, lambda.")] = None,
    beta: Annotated[float | None, typer.Option(help="Of the margin.")] = None,
    recipe: Annotated[str, typer.Option(help="small, or paper (Wan 2.1 1.3B)")] = "small",
    steps: Annotated[int | None, typer.Option(help="Training steps.")] = None,
    pairs: Annotated[int | None, typer.Option(help="Pairs of a step.")] = None,
    part: Annotated[int | None, typer.Option(help="Pairs that pass at once.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="At its highest.")] = None,
    precision: Annotated[str | None, typer.Option(help="float32 or bfloat16")] = None,
    seed: Annotated[int, typer.Option(help="Of the LoRA and of all draws.")] = 0,
    stop: Annotated[bool, typer.Option(help="End when winners get worse.")] = True,
    name: Annotated[str, typer.Option(help="Of the LoRA; default: by its loss.")] = "",
    prompts: Annotated[str, typer.Option(help="train, eval, or a file, one a line")] = "train",
    samples: Annotated[int, typer.Option(help="Videos of every prompt.")] = 10,
    backbone: Annotated[str, typer.Option(help="The model: emoji_spatial, wan")] = "emoji_spatial",
    judge: Annotated[str, typer.Option(help="emoji or grounded_sam")] = "emoji",
    models: Annotated[Path | None, typer.Option(help="Folder of grounded_sam's weights")] = None,
    device: Annotated[str, typer.Option(help="cpu, or an accelerator as torch names it")] = "cpu",
    batch: Annotated[int, typer.Option(min=1, help="Videos that are made at once.")] = 8,
    pairs_only: Annotated[
        bool, typer.Option("--pairs-only", help="Make and score the videos, train nothing.")
    ] = False,
) -> None:
    """Sample the model, score its videos, and train a LoRA on winners and losers; resumes."""
    from dataclasses import replace

    from starvid_core.finetuning import align as spatialalign
    from starvid_core.finetuning.pairs import summary
    from starvid_core.finetuning.recipe import RECIPES
    from starvid_core.options import known

    source = spatialalign.Source(backbone, prompts, samples, judge, models, device, batch)
    objective, named = spatialalign.objective(loss, weight, beta)
    given: dict[str, Any] = {
        "steps": steps,
        "pairs": pairs,
        "part": part,
        "learning_rate": learning_rate,
        "precision": precision,
    }
    chosen = {key: value for key, value in given.items() if value is not None}
    base = RECIPES[known("recipe", recipe, list(RECIPES))]
    full = replace(base, objective=objective, seed=seed, stop=stop, **chosen)
    if pairs_only:
        for key, value in summary(spatialalign.sampled(source, spatialalign.load(source))).items():
            typer.echo(f"{key:20} {value}")
    else:
        typer.echo(f"wrote {spatialalign.align(source, full, name or named)}")
