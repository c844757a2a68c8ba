"""`starvid study`: the experiments behind the tables, run to their results in `data/results`."""

from __future__ import annotations

from typing import Annotated

import typer

from starvid_core.cli.app import Cores, Profile, app
from starvid_core.errors import InputError

SPREAD = ("mean", "low", "high")
SAID = ("numeracy", "action_binding", "leakage", "iou")


@app.command()
def study(
    names: Annotated[
        list[str] | None, typer.Argument(help="Files of data/studies; none: list them.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every study that `starvid reproduce` does not make.")
    ] = False,
    cores: Cores = None,
    profile: Profile = "",
    quick: Annotated[
        bool, typer.Option("--quick/--full", help="Few prompts and steps: a smoke test.")
    ] = False,
) -> None:
    """Make and score every clip of a study and write its table and its means to data/results.

    What is finished is not made again: a study that was killed goes on where it was.
    """
    from starvid_core import studies
    from starvid_core.workflow import reproduce

    if everything and names:
        raise InputError("give names of studies or --all, not both")
    if not everything and not names:
        _list()
        return
    chosen = names or [
        n for n in studies.names() if studies.declaration(n).made_by == studies.STUDY
    ]
    for name in chosen:
        _tell_cost(name, quick)
    reproduce.study(chosen, cores, quick, profile)
    for name in chosen:
        _tell_results(name, quick)


def _list() -> None:
    """Every study with its size, its stated cost and the state of its results."""
    from starvid_core import studies
    from starvid_core.studies import results

    typer.echo(f"{'study':26} {'made by':>9} {'prompts':>7} {'left out':>8} {'clips':>6}  hours")
    for name in studies.names():
        one, maker = studies.load(name), studies.declaration(name).made_by
        out = sum(one.chosen.left_out.values())
        line = f"{name:26} {maker:>9} {len(one.prompts):7} {out:8} {len(one.cells):6}"
        state = results.state(name) if maker == studies.STUDY else ""
        typer.echo(f"{line}  {one.hours:5.2f}  {state}")


def _tell_cost(name: str, quick: bool) -> None:
    from starvid_core import studies
    from starvid_core.studies import progress

    one = studies.load(name, quick)
    wanted = list(one.specs.values())
    left = progress.note(wanted, 0.0 if quick else one.hours)
    typer.echo(f"{name}: {len(one.prompts)} prompts, {len(one.variants)} variants{left}")


def _tell_results(name: str, quick: bool) -> None:
    from starvid_core.studies import results

    found = results.load(name, quick)
    typer.echo(found.source)
    typer.echo(f"{'variant':20} {'metric':15}   mean  95 % interval   difference")
    for row in found.facts["summary"]:
        if row["metric"] in SAID:
            mean, low, high = (row[k] if row[k] is not None else float("nan") for k in SPREAD)
            change = f"{row['difference']:+.3f} {row['verdict']}" if row["difference"] else ""
            line = f"{row['variant']:20} {row['metric']:15} {mean:6.3f}  {low:.3f} to {high:.3f}"
            typer.echo(f"{line}  {change}")
    for file in results.files(name, quick):
        typer.echo(str(file))
