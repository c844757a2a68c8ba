"""`starvid figures`, `reproduce` and `study`: figures and tables, from their runs."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from starvid_core.cli.app import Quick, app, setting

SPREAD = ("mean", "low", "high")


@app.command()
def figures(
    names: Annotated[list[str] | None, typer.Argument(help="Default: every figure.")] = None,
    parameter: Annotated[
        list[str] | None, typer.Option("-p", "--parameter", help="NAME=VALUE of the notebook")
    ] = None,
    quick: Quick = False,
) -> None:
    """Run the notebooks that draw the figures; runs that exist are not made again."""
    from starvid_core import notebooks, paths

    given = dict(_parameter(text) for text in parameter or [])
    sources = [notebooks.find(name) for name in names or notebooks.figures()]
    if quick:
        given["quick"] = True
    for source in sources:
        notebooks.check_parameters(source, given)
    for source in sources:
        target = paths.BUILD / "notebooks" / source.name
        seconds = notebooks.execute(source, target, given, progress=sys.stderr.isatty())
        typer.echo(f"{source.stem:30} {seconds:6.0f} s")


@app.command()
def reproduce(
    cores: Annotated[int, typer.Option(min=1, help="Processor cores to use.")] = 2,
    quick: Quick = False,
) -> None:
    """Bring every figure up to date; what is finished is not made again."""
    from starvid_core import reproduce as workflow

    made = workflow.reproduce(cores, quick)
    for name, commands in ({} if quick else workflow.left_out()).items():
        typer.echo(f"note: {name} is left out; it draws from: {', '.join(commands)}", err=True)
    typer.echo(f"{'figure':30} {'plans':>7} {'clips':>7} {'scores':>7} {'drawing':>7}  seconds")
    for figure in made:
        spent = workflow.seconds(figure)
        typer.echo(f"{figure.name:30} " + " ".join(f"{spent[s]:7.0f}" for s in workflow.STAGES))


@app.command()
def study(
    name: Annotated[str, typer.Argument(help="A file of data/studies, such as benchmark_pairs")],
    quick: Quick = False,
) -> None:
    """Run and score every clip of a study; write its table and its means to data/results."""
    from starvid_core import paths, results, specs
    from starvid_core.artifacts import read_json

    specs.known("study", name, sorted(path.stem for path in paths.STUDIES.glob("*.json")))
    written = results.report(name, quick)
    typer.echo(f"{'variant':12} {'metric':15}   mean  95 % interval   difference")
    for row in read_json(written)["summary"]:
        mean, low, high = (row[k] if row[k] is not None else float("nan") for k in SPREAD)
        change = f"{row['difference']:+.3f} {row['verdict']}" if row["difference"] else ""
        line = f"{row['variant']:12} {row['metric']:15} {mean:6.3f}  {low:.3f} to {high:.3f}"
        typer.echo(f"{line}  {change}")
    typer.echo(str(written))


def _parameter(text: str) -> tuple[str, Any]:
    """NAME=VALUE, the value as JSON if it is that and as text if not."""
    name, value = setting(text)
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value
