"""`starvid compare-planners`: planners on the same prompts, checked and counted (Fig. 8)."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from starvid_core.cli.app import app, printable

SHOWN = {
    "planned": "plans",
    "valid": "valid",
    "subjects_right": "subjects",
    "motions_right": "motions",
    "overlap": "overlap",
    "copied_boxes": "copied",
    "requests": "requests",
    "tokens": "tokens",
    "seconds": "seconds",
}


@app.command("compare-planners")
def compare_planners(
    planners: Annotated[
        list[str] | None, typer.Argument(help="Of data/planners.json; default: all that are here")
    ] = None,
    prompts: Annotated[
        int | None, typer.Option(help="How many, spread over the benchmark; default: 100 or all")
    ] = None,
    benchmark: Annotated[str, typer.Option(help="A file of data/prompts")] = "llm_benchmark",
    replay: Annotated[
        bool, typer.Option("--replay", help="Ask no model: what is not recorded is an error.")
    ] = False,
) -> None:
    """Let planners plan the prompts of a benchmark, and count what is wrong with their plans.

    Replies are kept in data/transcripts: what was asked before is not asked again.
    """
    from starvid_core.artifacts import read_json
    from starvid_core.studies import planner_results

    written = planner_results.report(planners or (), benchmark, prompts, replay)
    facts = read_json(written)
    _tell(facts)
    typer.echo(f"{facts['prompts']} prompts of {facts['benchmark']}; {written}")


def _tell(facts: dict[str, Any]) -> None:
    """Means for every planner; the interval of the plans that are valid, and what the others break.

    What they break is the share of plans that break a check.
    """
    found = {(row["variant"], row["metric"]): row for row in facts["summary"]}
    names = [one["name"] for one in facts["planners"]]
    typer.echo(f"{'planner':26}" + "".join(f"{title:>9}" for title in SHOWN.values()))
    for name in names:
        means = (_number(found[name, key]["mean"]) for key in SHOWN)
        typer.echo(f"{name:26}" + "".join(f"{mean:>9}" for mean in means))
    for name in names:
        valid = found[name, "valid"]
        spread = f"valid {_number(valid['mean'])} [{_number(valid['low'])}, "
        typer.echo(f"{name:26} {spread}{_number(valid['high'])}]{_broken(name, facts['summary'])}")
    for line in facts["left_out"]:
        typer.echo(printable(f"note: {line}"), err=True)


def _broken(name: str, summary: list[dict[str, Any]]) -> str:
    shares = {
        row["metric"].removeprefix("breaks_"): row["mean"]
        for row in summary
        if row["variant"] == name and row["metric"].startswith("breaks_") and row["mean"]
    }
    listed = ", ".join(f"{code} {_number(share)}" for code, share in shares.items())
    return f"; breaks {listed}" if listed else ""


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.0f}"
