"""`starvid status`: what is done, running, stale and waiting."""

from __future__ import annotations

import time

import typer

from starvid_core.cli.app import Quick, app


@app.command()
def status(quick: Quick = False) -> None:
    """Say of every figure and study what is done, what runs, what is stale, and what it took."""
    from starvid_core import studies
    from starvid_core.studies import results
    from starvid_core.studies.progress import duration
    from starvid_core.workflow import status as known
    from starvid_core.workflow.reproduce import STAGES

    typer.echo(f"{'figure':27} {'state':8}" + "".join(f"{s:>9}" for s in STAGES) + "     took")
    for one in known.figures(quick):
        counts = [f"{there}/{wanted}" if wanted else "" for there, wanted in one.stages.values()]
        line = f"{one.name:27} {one.state:8}" + "".join(f"{count:>9}" for count in counts)
        typer.echo(f"{line} {duration(one.seconds):>8}  {_when(one.made)}{', '.join(one.waits)}")
    if not quick:
        typer.echo("\nstudies whose results ship in data/results")
        for name in studies.names():
            if studies.declaration(name).made_by == studies.STUDY:
                typer.echo(f"{name:27} {results.state(name)}")
    for job, seconds in known.jobs().items():
        typer.echo(f"running: {job} for {duration(seconds)}")


def _when(made: float | None) -> str:
    return time.strftime("%Y-%m-%d %H:%M  ", time.localtime(made)) if made else ""
