"""`starvid score`: what the judges say of videos, of ours or of another system."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from starvid_core.cli.app import app, printable, setting
from starvid_core.errors import InputError

if TYPE_CHECKING:
    from starvid_core.scoring import Row
    from starvid_core.scoring.run import Scores
else:
    Row = Scores = Any


@app.command()
def score(
    videos: Annotated[Path, typer.Argument(help="A video, frames, or a folder of such")],
    prompts: Annotated[
        str, typer.Option(help="A benchmark, or .txt, .json, .jsonl, .csv; 0007.mp4 is of line 7")
    ] = "",
    plan: Annotated[
        Path | None, typer.Option("--plan", help="A plan file, or a folder of 0007.json")
    ] = None,
    metrics: Annotated[str, typer.Option(help="As clip_t,numeracy; default: all")] = "",
    judge: Annotated[str, typer.Option(help="emoji (embedded) or published (weights)")] = "emoji",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder of scores.csv and summary.json")
    ] = None,
    models: Annotated[
        Path | None, typer.Option(help="Folder of weights; default: Hugging Face's cache")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, or as torch names it")] = "auto",
    batch: Annotated[int, typer.Option(help="Frames that a model sees at once")] = 16,
    engine: Annotated[
        str, typer.Option(help="Of the published action_binding: vllm, openai or recorded")
    ] = "",
    option: Annotated[
        list[str] | None, typer.Option("-O", "--option", help="NAME=VALUE of the engine")
    ] = None,
    binding: Annotated[str, typer.Option(help="Version of action_binding: v1 or v2")] = "v1",
    pairs: Annotated[
        str, typer.Option(help="Frames that CLIP-I compares: all or adjacent")
    ] = "all",
    record: Annotated[
        Path | None, typer.Option(help="Transcript that keeps the engine's replies")
    ] = None,
) -> None:
    """Score VIDEOS; what was scored before is not looked at again."""
    from starvid_core import scoring

    chosen = scoring.chosen(judge, [name.strip() for name in metrics.split(",") if name.strip()])
    cases = scoring.find(videos, prompts, plan)
    if output is not None:
        from starvid_core.artifacts import check_writable

        check_writable(output / "summary.json")
    settings = dict(setting(text) for text in option or [])
    given = scoring.Options(models, device, batch, engine, settings, record, binding, pairs)
    made = scoring.score(cases, chosen, given)
    if output is not None:
        facts = {"judge": judge, "source": str(videos), "prompts_from": prompts}
        scoring.write(made, output, facts)
    _tell(made, output)


def _tell(made: Scores, output: Path | None) -> None:
    """Every value of one video, or the means of many; what is missing, beside the output."""
    if not any(row.values for row in made.rows):
        raise InputError(next(iter(made.rows[0].dropped.values())))
    if len(made.rows) == 1:
        for values in made.rows[0].values.values():
            for name, value in values.items():
                typer.echo(f"{name:15} {value:.3f}")
    else:
        _tell_means(made)
    for metric, found in _dropped(made).items():
        first = next(row for row in made.rows if metric in row.dropped)
        typer.echo(
            printable(
                f"note: {metric} leaves out {found} of {len(made.rows)} videos, first "
                f"{first.case.name}: {first.dropped[metric]}"
            ),
            err=True,
        )
    if output is not None:
        typer.echo(f"{output}/scores.csv, summary.json")


def _tell_means(made: Scores) -> None:
    from starvid_core import scoring

    typer.echo(f"{'value':18} {'n':>5}     mean  95 % interval")
    for name, found in scoring.summary(made)["scores"].items():
        if found["n"]:
            spread = f"{found['low']:.3f} to {found['high']:.3f}"
            typer.echo(f"{name:18} {found['n']:5d} {found['mean']:8.3f}  {spread}")


def _dropped(made: Scores) -> dict[str, int]:
    counts = {metric: sum(metric in row.dropped for row in made.rows) for metric in made.models}
    return {metric: count for metric, count in counts.items() if count}
