"""`starvid plan`: from a prompt to the plan of its scene, by rules or by a language model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from starvid_core.cli.app import Output, Prompt, app, printable, setting
from starvid_core.errors import InputError

if TYPE_CHECKING:
    from planners.planning import Planned
    from starvid_core.scene import Trajectory
else:
    Planned = Trajectory = Any

ENGINES = "llama_cpp, outlines, vllm, openai, pasted, recorded"


@app.command()
def plan(
    prompt: Prompt,
    output: Output = None,
    engine: Annotated[str, typer.Option(help=f"rules, or a model's: {ENGINES}")] = "rules",
    option: Annotated[
        list[str] | None, typer.Option("-O", "--option", help="NAME=VALUE of the engine")
    ] = None,
    stages: Annotated[int, typer.Option(help="Requests for a plan: 2 as in the paper, or 1")] = 2,
    decode: Annotated[
        str, typer.Option(help="oneshot, or stepwise: box by box, lawful by construction")
    ] = "stepwise",
    template: Annotated[
        str, typer.Option(help="paper, or short, for a tuned model; default: as it was taught")
    ] = "",
    unit: Annotated[int | None, typer.Option(help="Pixels that a number of it counts")] = None,
    attempts: Annotated[int, typer.Option(help="How often a stage may be asked for")] = 3,
    fallback: Annotated[str, typer.Option(help="rules: plan by rules if the model fails")] = "",
    record: Annotated[
        Path | None, typer.Option(help="Transcript that keeps the model's replies")
    ] = None,
) -> None:
    """Lay out who is where in each frame; print the plan or write it to a file."""
    from planners import planner, schema
    from planners.planning import PlanOptions, wire_of
    from starvid_core.artifacts import check_writable, write_text

    if output is not None:
        check_writable(output)
    if fallback not in ("", planner.RULES):
        raise InputError(f"fallback is {fallback!r}; give {planner.RULES}, or leave it out")
    template = template or ("paper" if unit else "")
    wire = wire_of(template, unit)
    options = PlanOptions(decode=decode, template=template, wire=wire, attempts=attempts)
    settings = dict(setting(text) for text in option or [])
    name = engine
    try:
        with planner.load(engine, stages, options, record, **settings) as asked:
            made = asked.plan(prompt)
    except InputError as error:
        if not fallback:
            raise
        typer.echo(printable(f"note: planned by rules, because {error}"), err=True)
        name = planner.RULES
        made = planner.load().plan(prompt)
    _tell(made)
    written = schema.dumps(made.trajectory, name)
    if output is None:
        typer.echo(written, nl=False)
    else:
        write_text(output, written)
        typer.echo(f"{output}: {_summary(made.trajectory)}")


def _tell(made: Planned) -> None:
    """What the plan cost, and what is wrong with it, beside the output."""
    if made.exchanges:
        refused = sum(bool(exchange.problem) for exchange in made.exchanges)
        typer.echo(
            f"note: {len(made.exchanges)} requests, {refused} refused replies, {made.tokens} tokens"
            f", {made.seconds:.1f} s",
            err=True,
        )
    for violation in made.violations:
        typer.echo(printable(f"note: {violation}"), err=True)


def _summary(trajectory: Trajectory) -> str:
    subjects = ", ".join(f"{s.noun} {s.verb}" for s in trajectory.plan.instances)
    return printable(f"{subjects}; {trajectory.frames} frames")
