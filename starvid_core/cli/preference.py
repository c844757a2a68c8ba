"""`starvid preference`: which of two systems do people prefer (Table II)?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from starvid_core.cli.app import app, printable
from starvid_core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
else:
    Mapping = Any

preference = typer.Typer(help="Preference studies with people.", no_args_is_help=True)
app.add_typer(preference, name="preference")


@preference.command()
def make(
    first: Annotated[Path, typer.Argument(help="Videos of one system")],
    second: Annotated[Path, typer.Argument(help="Videos of another, by the same names")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the study")],
    prompts: Annotated[
        str, typer.Option(help="A benchmark, or .txt, .json, .jsonl, .csv; 0007.mp4 is of line 7")
    ] = "",
    plan: Annotated[
        Path | None, typer.Option("--plan", help="Plans that name the prompts, instead")
    ] = None,
    count: Annotated[int, typer.Option("-n", "--count", help="How many pairs")] = 30,
    seed: Annotated[int, typer.Option(help="Of the pairs, of sides and order")] = 0,
    names: Annotated[str, typer.Option(help="Of the systems: A,B; default: the folders'")] = "",
    rate: Annotated[int, typer.Option(min=1, max=60, help="Frames a second")] = 8,
) -> None:
    """Build a page that asks people which video is better; it needs no server."""
    from starvid_core import preference as studies
    from starvid_core import scoring
    from starvid_core.preference.page import drawn
    from starvid_core.preference.study import KEY, PAGE

    systems = (
        tuple(name.strip() for name in names.split(",")) if names else (first.name, second.name)
    )
    if len(systems) != 2 or len(set(systems)) != 2 or not all(systems):
        raise InputError(
            f"the systems are called {', '.join(systems)}; give two names: --names A,B"
        )
    found = [scoring.find(place, prompts, plan) for place in (first, second)]
    pairs = drawn(found[0], found[1], count, seed)
    study = studies.make(pairs, (systems[0], systems[1]), output, seed, rate)
    typer.echo(f"{output / PAGE}: {count} pairs, study {study.id}; open it in a browser")
    typer.echo(f"{output / KEY}: which clip is whose; keep it from raters")


@preference.command()
def analyse(
    study: Annotated[Path, typer.Argument(help="Folder of the study")],
    answers: Annotated[list[Path], typer.Argument(help="Files of raters, or folders of them")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder of table and figure")
    ] = None,
) -> None:
    """Win rates of every question with their intervals, and how far raters agree."""
    from starvid_core import preference as studies

    votes = studies.read(studies.load(study), answers)
    found = studies.analyse(votes)
    _tell(found)
    if output is not None:
        _write(found, output)
        typer.echo(f"{output}/preference.csv, .json, .png, .pdf")


def _tell(found: Mapping[str, Any]) -> None:
    first, second = found["systems"]
    if found["simulated"]:
        typer.echo("SIMULATED RATERS: no person gave these answers")
    told = f"{first} v.s. {second}: {found['raters']} raters, {found['pairs']} pairs"
    typer.echo(printable(told))
    typer.echo(f"{'question':20} votes   wins  95 % interval   agree  kappa")
    for row in found["rows"]:
        numbers = [row[key] for key in ("win_rate", "low", "high", "agreement", "kappa")]
        win, low, high, agree, kappa = (float("nan") if v is None else v for v in numbers)
        line = f"{win:6.1%}  {low:.1%} to {high:.1%}   {agree:5.0%}  {kappa:5.2f}"
        typer.echo(f"{row['title']:20} {row['votes']:5d} {line}")
    for rater, count in found["unanswered"].items():
        typer.echo(printable(f"note: {rater} left {count} questions unanswered"), err=True)
    if not 0.4 < found["chose_left"] < 0.6:
        share = f"{found['chose_left']:.0%}"
        typer.echo(f"note: the left video was chosen {share} of the time, not half", err=True)


def _write(found: Mapping[str, Any], output: Path) -> None:
    import pandas

    from starvid_core import plotting
    from starvid_core.artifacts import write_json, write_text

    plotting.use_style()
    lines = pandas.DataFrame(found["rows"])
    write_text(output / "preference.csv", lines.to_csv(index=False, float_format="%.6g"))
    write_json(output / "preference.json", dict(found))
    plotting.save(plotting.plot_preference([found]), output / "preference")
