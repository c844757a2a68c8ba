"""`starvid handcount`, `agreement` and `flicker`: is the judge right, and do clips hold still?"""

from __future__ import annotations

from typing import Annotated

import typer

from starvid_core.cli.app import Quick, app

Study = Annotated[str, typer.Argument(help="A file of data/studies, such as benchmark_pairs")]


@app.command()
def handcount(
    study: Study,
    name: Annotated[str | None, typer.Option(help="Of the count; default: the study's.")] = None,
    count: Annotated[int, typer.Option(help="How many clips to draw.")] = 100,
    seed: Annotated[int, typer.Option(help="Of the draw.")] = 0,
    quick: Quick = False,
) -> None:
    """Draw clips of a study for a person to count: contact sheets and a form to fill in."""
    from starvid_core.checks import counting

    form, folder = counting.prepare(study, name or study, count, seed, quick)
    typer.echo(f"{folder}: count what count_*.png show; judge_*.png are for afterwards")
    typer.echo(f"{form}: write the count here, then run starvid agreement {name or study}")


@app.command()
def agreement(
    name: Annotated[str, typer.Argument(help="A count in data/judge_handcount")],
) -> None:
    """How the judge's reading of clips agrees with a person's; brackets are 95 % intervals."""
    from starvid_core.checks import handcount as counts

    found = counts.agreement(name)
    typer.echo(f"{found.clips} clips counted, {found.uncounted} not yet")
    typer.echo(f"{'same subjects and numbers':34} {found.exact}")
    typer.echo(f"{'of what the person sees, found':34} {found.presence.found}")
    typer.echo(f"{'of what the judge sees, there':34} {found.presence.right}")
    for who, rate in found.as_asked.items():
        typer.echo(f"{f'exactly as asked, says the {who}':34} {rate}")
    for subject, seen in found.subjects.items():
        typer.echo(f"  {subject:12} found {seen.found}   there {seen.right}")
    if found.differing:
        typer.echo(f"differing clips: {', '.join(found.differing)}")


@app.command()
def flicker(study: Study, quick: Quick = False) -> None:
    """Compare the clips of a study with real renders of the same subjects, motions and places."""
    from starvid_core import paths, specs
    from starvid_core.checks import renders

    specs.known("study", study, sorted(path.stem for path in paths.STUDIES.glob("*.json")))
    rows, written = renders.report(study, quick)
    typer.echo(f"{'variant':12} {'measure':18} clips    real  difference [95 %]         tolerance")
    for row in rows:
        apart = f"{row.difference:+.4f} [{row.low:+.4f}, {row.high:+.4f}]"
        told = f"{row.generated:7.4f} {row.rendered:7.4f}  {apart}  {row.tolerance:g} {row.verdict}"
        typer.echo(f"{row.variant:12} {row.measure:18} {told}")
    typer.echo(str(written))
