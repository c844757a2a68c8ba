"""`starvid figures` and `reproduce`: figures and tables, from their runs or their results."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from starvid_core.cli.app import Cores, Profile, Quick, app, setting


@app.command()
def figures(
    names: Annotated[list[str] | None, typer.Argument(help="Default: every figure.")] = None,
    parameter: Annotated[
        list[str] | None, typer.Option("-p", "--parameter", help="NAME=VALUE of the notebook")
    ] = None,
    quick: Quick = False,
) -> None:
    """Run the notebooks that draw the figures; runs that exist are not made again."""
    from starvid_core.workflow import drawings, notebooks
    from starvid_core.workflow import reproduce as workflow

    given = dict(_parameter(text) for text in parameter or [])
    if quick:
        given["quick"] = True
    else:
        tell_missing(names or notebooks.figures())
    ready = [figure.name for figure in workflow.figures(quick)]
    sources = [notebooks.find(name) for name in names or ready]
    for source in sources:
        notebooks.check_parameters(source, given)
    for source in sources:
        _, seconds = drawings.draw(source.stem, given, quick, sys.stderr.isatty())
        typer.echo(f"{source.stem:30} {seconds:6.0f} s")


@app.command()
def reproduce(
    cores: Cores = None,
    quick: Annotated[
        bool,
        typer.Option("--quick/--full", help="Few prompts and steps, or all of them."),
    ] = False,
    profile: Profile = "",
    recompute: Annotated[
        bool,
        typer.Option("--recompute", help="Make the results of every study too, not only figures."),
    ] = False,
) -> None:
    """Bring every figure up to date, and a gallery of them; what is finished is not made again.

    Figures are drawn from the results that ship; `--recompute` makes those first (hours: see
    `starvid study`).
    """
    from starvid_core import gallery
    from starvid_core.workflow import notebooks
    from starvid_core.workflow import reproduce as workflow

    made = workflow.reproduce(cores, quick, profile, recompute)
    if not quick:
        tell_missing(notebooks.figures())
    typer.echo(f"{'figure':30} {'plans':>7} {'clips':>7} {'scores':>7} {'drawing':>7}  seconds")
    for figure in made:
        spent = workflow.seconds(figure)
        typer.echo(f"{figure.name:30} " + " ".join(f"{spent[s]:7.0f}" for s in workflow.STAGES))
    typer.echo(str(gallery.write(quick)))


def tell_missing(names: list[str]) -> None:
    """Which of these notebooks wait for results, and which commands make those."""
    from starvid_core.workflow import reproduce as workflow

    for name in names:
        if waited := workflow.missing(name):
            typer.echo(f"note: {name} waits for results of: {', '.join(waited)}", err=True)


def _parameter(text: str) -> tuple[str, Any]:
    """NAME=VALUE, the value as JSON if it is that and as text if not."""
    name, value = setting(text)
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value
