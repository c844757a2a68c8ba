"""`starvid plan`: from a prompt to the plan of its scene."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from starvid_core.cli.app import Output, Prompt, app, printable

if TYPE_CHECKING:
    from starvid_core.scene import Trajectory
else:
    Trajectory = Any


@app.command()
def plan(prompt: Prompt, output: Output = None) -> None:
    """Lay out who is where in each frame, by rules; print the plan or write it to a file."""
    from planners import physics, rules, schema
    from starvid_core.artifacts import write_text

    trajectory = rules.plan(prompt)
    for violation in physics.check(trajectory):
        typer.echo(printable(f"note: {violation}"), err=True)
    if output is None:
        typer.echo(schema.dumps(trajectory), nl=False)
    else:
        write_text(output, schema.dumps(trajectory))
        typer.echo(f"{output}: {_summary(trajectory)}")


def _summary(trajectory: Trajectory) -> str:
    subjects = ", ".join(f"{s.noun} {s.verb}" for s in trajectory.plan.instances)
    return printable(f"{subjects}; {trajectory.frames} frames")
