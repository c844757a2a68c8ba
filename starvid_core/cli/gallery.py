"""`starvid gallery`: every figure beside what the paper says, as pages for a browser."""

from __future__ import annotations

import typer

from starvid_core.cli.app import Quick, app


@app.command()
def gallery(quick: Quick = False) -> None:
    """Write pages with every figure, the paper's values, ours, verdicts, clips and notebooks."""
    from starvid_core import gallery as pages

    typer.echo(str(pages.write(quick)))
