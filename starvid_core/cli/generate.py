"""`starvid generate`: a video of a prompt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from starvid_core.cli.app import Prompt, app, printable, setting

if TYPE_CHECKING:
    from starvid_core.backbones import Backbone
    from starvid_core.experiment import RunSpec
else:
    Backbone = RunSpec = Any


@app.command()
def generate(
    prompt: Prompt,
    output: Annotated[Path, typer.Option("-o", "--output", help="out.mp4 or out.gif")],
    method: Annotated[str, typer.Option(help="A row of the tables, as none or lvd")] = "starvid",
    backbone: Annotated[str, typer.Option(help="The model, as emoji or zeroscope")] = "emoji",
    weights: Annotated[
        str | None, typer.Option(help="Folder, or OWNER/NAME@COMMIT in the hub's cache.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="As torch names it.")] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same noise.")] = 0,
    plan_file: Annotated[Path | None, typer.Option("--plan", help="Default: by rules.")] = None,
    steps: Annotated[int | None, typer.Option(help="Denoising steps.")] = None,
    guidance_scale: Annotated[float | None, typer.Option(help="Classifier-free.")] = None,
    lora: Annotated[str, typer.Option(help="A LoRA: a name, or its folder")] = "",
    option: Annotated[
        list[str] | None, typer.Option("-O", "--option", help="NAME=VALUE of method or sampling")
    ] = None,
    save_attention: Annotated[
        bool, typer.Option("--save-attention", help="Also write OUT.attention.npz.")
    ] = False,
) -> None:
    """Make a video of PROMPT."""
    from planners import schema
    from starvid_core import experiment, specs, video
    from starvid_core.artifacts import check_writable
    from starvid_core.errors import InputError

    video.suffix(output)
    check_writable(output)
    chosen = {"steps": steps, "guidance_scale": guidance_scale}
    given = schema.load(plan_file) if plan_file else None
    options: dict[str, Any] = {name: value for name, value in chosen.items() if value is not None}
    settings = {k: v for k, v in (("weights", weights), ("device", device)) if v is not None}
    model = _load(backbone, settings) if settings else backbone
    typed = specs.typed(method, [setting(text) for text in option or []])
    if twice := ", ".join(options.keys() & typed.keys()):
        raise InputError(f"{twice} is given twice, by its own option and by -O; give it once")
    one = experiment.spec(prompt, method, seed, model, given, lora=lora, **options, **typed)
    if save_attention:
        # The fifth step and every fifth after it, as in Fig. 2.
        every_fifth = range(4, one.sampling.steps, 5) or [one.sampling.steps - 1]
        one = replace(one, record=tuple(every_fifth))
    _make(one, output, model)


def _load(backbone: str, settings: dict[str, str]) -> Backbone:
    from starvid_core import backbones

    return backbones.load(backbone, **settings)


def _make(one: RunSpec, output: Path, model: str | Backbone) -> None:
    from starvid_core import experiment, video

    clip = experiment.generate(one, None if isinstance(model, str) else model)
    video.save(output, clip.video, clip.rate)
    for warning in clip.warnings:
        typer.echo(printable(f"note: {warning}"), err=True)
    if one.record:
        experiment.save_maps(output.with_suffix(".attention.npz"), clip)
    typer.echo(f"{output}: {len(clip.video)} frames of {printable(one.prompt)!r}, seed {one.seed}")
