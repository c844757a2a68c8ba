"""`starvid generate` and `score`: a video of a prompt, and how well it keeps to its plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from starvid_core.cli.app import Prompt, app, printable, setting

if TYPE_CHECKING:
    from starvid_core.experiment import RunSpec
else:
    RunSpec = Any

PlanFile = Annotated[Path, typer.Option("--plan", help="A plan file, see `starvid plan`.")]


@app.command()
def generate(
    prompt: Prompt,
    output: Annotated[Path, typer.Option("-o", "--output", help="out.mp4 or out.gif")],
    method: Annotated[str, typer.Option(help="A row of the tables, as none or lvd")] = "starvid",
    backbone: Annotated[str, typer.Option(help="The model: emoji")] = "emoji",
    seed: Annotated[int, typer.Option(help="Same seed, same noise.")] = 0,
    plan_file: Annotated[Path | None, typer.Option("--plan", help="Default: by rules.")] = None,
    steps: Annotated[int | None, typer.Option(help="Denoising steps.")] = None,
    guidance_scale: Annotated[float | None, typer.Option(help="Classifier-free.")] = None,
    option: Annotated[
        list[str] | None, typer.Option("-O", "--option", help="NAME=VALUE of the method")
    ] = None,
    save_attention: Annotated[
        bool, typer.Option("--save-attention", help="Also write OUT.attention.npz.")
    ] = False,
) -> None:
    """Make a video of PROMPT."""
    from planners import schema
    from starvid_core import experiment, specs, video
    from starvid_core.artifacts import check_writable

    video.suffix(output)
    check_writable(output)
    chosen = {"steps": steps, "guidance_scale": guidance_scale}
    given = schema.load(plan_file) if plan_file else None
    options = {name: value for name, value in chosen.items() if value is not None}
    options |= specs.typed(method, [setting(text) for text in option or []])
    one = experiment.spec(prompt, method, seed, backbone, given, **options)
    if save_attention:
        # The fifth step and every fifth after it, as in Fig. 2.
        every_fifth = range(4, one.sampling.steps, 5) or [one.sampling.steps - 1]
        one = experiment.spec(
            prompt, method, seed, backbone, given, **options, record=tuple(every_fifth)
        )
    _make(one, output)


@app.command()
def score(
    video_file: Annotated[Path, typer.Argument(metavar="VIDEO", help=".mp4, .gif or .npy")],
    plan_file: PlanFile,
) -> None:
    """Let the embedded judge compare a Moving-Emoji video with its plan."""
    from planners import schema
    from starvid_core import experiment, paths, specs, video

    trajectory = schema.load(plan_file)
    frames = video.load(video_file)
    world = specs.world(paths.CHECKPOINTS / "emoji")
    small = video.shrink(frames, world["height"], world["width"])
    specs.check_vocabulary(trajectory, "emoji")
    for name, value in experiment.score(small, trajectory).items():
        typer.echo(f"{name:15} {value:.3f}")


def _make(one: RunSpec, output: Path) -> None:
    from starvid_core import experiment, video

    clip = experiment.generate(one)
    video.save(output, clip.video)
    for warning in clip.warnings:
        typer.echo(printable(f"note: {warning}"), err=True)
    if one.record:
        experiment.save_maps(output.with_suffix(".attention.npz"), clip)
    typer.echo(f"{output}: {len(clip.video)} frames of {printable(one.prompt)!r}, seed {one.seed}")
