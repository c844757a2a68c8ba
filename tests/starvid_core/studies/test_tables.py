"""The paper's tables beside ours: what is compared, what is said of it, how it is printed."""

import json
import math

import numpy as np
import pandas
import pytest

from starvid_core import paths
from starvid_core.errors import InputError
from starvid_core.studies import Study, latex, tables
from starvid_core.studies.results import Results

PAPER = {"table": "III", "rows": {"StarVid": "Ours", "without L_sp": "w/o L_sp"}}
VARIANTS = {
    "plain": {"method": "none"},
    "best of 2": {"method": "best_of_n", "n": 2},
    "best of 4": {"method": "best_of_n", "n": 4},
    "without L_sp": {"spatial_weight": 0.0},
    "StarVid": {},
}
TIMES = {"plain": 2.0, "best of 2": 4.0, "best of 4": 8.0, "without L_sp": 3.9, "StarVid": 9.0}


def made(scores, benchmark="llm_benchmark", variants=VARIANTS, paper=PAPER):
    """Results with these mean numeracies; all other metrics are half of it."""
    rows = []
    noise = np.linspace(-0.05, 0.05, 20)
    for variant in variants:
        for k, shift in enumerate(noise):
            value = scores[variant] + (shift if variant == "plain" else -shift)
            row = {"variant": variant, "prompt": str(k), "seed": k, "benchmark": benchmark}
            metrics = {metric: value / 2 for metric in tables.METRICS} | {"numeracy": value}
            cost = {"seconds": TIMES[variant] / 2, "core_seconds": TIMES[variant]}
            rows.append(row | metrics | cost | {"passes": 50, "gradients": 0})
    study = Study("fig99", variants, ("0",), (0,), reference="StarVid", paper=paper)
    facts = {"profile": "full", "command": "starvid study fig99"}
    return Results(study, facts, pandas.DataFrame(rows), paths.RESULTS)


@pytest.fixture
def found():
    return made(
        {"plain": 0.5, "best of 2": 0.6, "best of 4": 0.7, "without L_sp": 0.55, "StarVid": 0.8}
    )


def pick(rows, variant, metric="numeracy"):
    (row,) = rows[(rows["variant"] == variant) & (rows["metric"] == metric)].to_dict("records")
    return row


@pytest.mark.parametrize(
    ("paper", "low", "high", "said"),
    [
        (-0.2, -0.3, -0.1, "same direction"),
        (0.2, 0.1, 0.3, "same direction"),
        (0.2, -0.3, -0.1, "opposite"),
        (-0.2, 0.1, 0.3, "opposite"),
        (0.2, -0.1, 0.3, "not significant"),
        (0.2, 0.0, 0.3, "not significant"),
        (math.nan, -0.1, 0.1, "not significant"),
        (math.nan, 0.1, 0.2, "higher"),
        (math.nan, -0.2, -0.1, "lower"),
        (0.0, -0.2, -0.1, "lower"),
    ],
)
def test_a_verdict_holds_our_difference_against_the_papers(paper, low, high, said):
    assert tables.verdict(paper, low, high) == said


@pytest.mark.parametrize(
    ("value", "sign", "said"),
    [(-0.001, "+", "0.00"), (0.004, "+", "0.00"), (-0.001, "", "0.00"), (0.126, "+", "+0.13"),
     (-0.126, "", "−0.13"), (math.nan, "+", "")],
)  # fmt: skip
def test_a_number_has_a_true_minus_and_0_no_sign(value, sign, said):
    assert tables.number(value, sign) == said


def test_a_comparison_has_the_papers_value_ours_and_both_differences(found):
    row = pick(tables.compare(found), "without L_sp")
    assert row["block"] == "LLM-generated benchmark, 20 prompts"
    assert row["paper"] == 0.545 and row["paper_difference"] == pytest.approx(0.545 - 0.871)
    assert row["mean"] == pytest.approx(0.55) and row["low"] < 0.55 < row["high"]
    assert row["difference"] == pytest.approx(-0.25) and row["verdict"] == "same direction"
    assert pick(tables.compare(found), "StarVid")["verdict"] == "reference"
    assert pick(tables.compare(found), "plain")["verdict"] == "lower"


def test_the_papers_values_stand_beside_its_own_benchmark_alone(found):
    other = made(dict.fromkeys(VARIANTS, 0.5), benchmark="action_binding")
    assert tables.compare(other)["paper"].isna().all()
    part = {"table": "V", "part": "spatial", "rows": {"StarVid": "timesteps=5"}}
    assert pick(tables.compare(made(TIMES, paper=part)), "StarVid")["paper"] == 0.871
    other = made(TIMES, benchmark="action_binding", paper=part)
    assert tables.compare(other)["paper"].isna().all()


def test_a_method_meets_the_best_of_as_many_clips_as_its_time_buys(found):
    rows = tables.equal_compute(found)
    assert set(rows["variant"]) == {"without L_sp", "StarVid"}
    cheap, dear = pick(rows, "without L_sp"), pick(rows, "StarVid")
    assert (cheap["rival"], cheap["verdict"]) == ("best of 2", "lower")
    assert (dear["rival"], dear["verdict"]) == ("best of 4", "higher")
    assert dear["difference"] == pytest.approx(0.1)


def test_costs_are_multiples_of_the_plain_models(found):
    times = {variant: time / TIMES["plain"] for variant, time in TIMES.items()}
    assert tables.costs(found)["times"].to_dict() == pytest.approx(times)
    assert tables.sizes(found) == {"plain": 1, "best of 2": 2, "best of 4": 4}
    point = tables.points(found, "numeracy")[-1]
    assert (point.variant, point.times, len(point.scores)) == ("StarVid", 4.5, 20)


def test_clips_without_costs_are_refused(found):
    found.table.loc[0, "seconds"] = math.nan
    with pytest.raises(InputError, match="clips from before costs were kept; remove"):
        tables.costs(found)


def test_a_study_without_the_plain_model_has_no_costs_to_compare():
    with pytest.raises(InputError, match="fig99 has no variant of the method none"):
        tables.costs(made(TIMES, variants={"StarVid": {}}))


def test_a_printed_line_has_value_interval_difference_and_verdict(found):
    lines = tables.printed(tables.compare(found))
    row = lines.xs("without L_sp", level=1).iloc[0]
    assert row["Numeracy ↑", "paper"] == "0.545"
    assert row["Numeracy ↑", "ours"].startswith("0.55 [0.5")
    assert row["Numeracy ↑", "difference"].startswith("−0.25 [−0.2")
    assert row["Numeracy ↑", "verdict"] == "same direction"
    assert ("Motion leakage ↓", "paper") not in lines and ("Motion leakage ↓", "ours") in lines
    assert lines.xs("StarVid", level=1).iloc[0]["Numeracy ↑", "difference"] == ""
    timed = tables.with_time(lines, [found])
    assert timed.xs("StarVid", level=1).iloc[0]["Time", ""] == "4.5 ×"


def test_tex_has_a_column_for_every_cell_and_no_bare_special_character(found, tmp_path):
    rows = tables.compare(found)
    lines = tables.printed(rows)
    tables.save(tmp_path / "tab", rows, lines, "100 % of it")
    text = (tmp_path / "tab.tex").read_text()
    assert "% \\usepackage{booktabs}; 100 % of it" in text.splitlines()[0]
    body = [line for line in text.splitlines() if line.endswith("\\\\")]
    assert {line.count("&") for line in body if "multicolumn" not in line} == {lines.shape[1]}
    assert "without L\\_sp" in text and "−" not in text and "↑" not in text
    assert text.count("{") == text.count("}") and text.count("\\midrule") == 1
    assert len(pandas.read_csv(tmp_path / "tab.csv")) == len(VARIANTS) * len(tables.METRICS)


def test_special_characters_are_escaped():
    assert latex.escaped("a_b & 5% $x$ {~^\\}") == (
        r"a\_b \& 5\% \$x\$ \{\textasciitilde{}\textasciicircum{}\textbackslash{}\}"
    )


def test_the_papers_tables_are_whole():
    found = json.loads((paths.DATA / "paper" / "tables.json").read_text())
    counts = {t: [len(rows) for rows in parts.values()] for t, parts in found.items()}
    assert counts.pop("XIV") == [2] and found.pop("XIV")
    assert counts == {"I": [6, 6], "III": [4], "IV": [4], "V": [12, 12], "VI": [4], "XIII": [4]}
    rows = [row for parts in found.values() for part in parts.values() for row in part.values()]
    metrics = ["pick_score", "clip_i", "clip_t", "numeracy", "action_binding"]
    assert all(list(row) == metrics for row in rows)
    ours = found["I"]["llm_benchmark"]["Ours"]
    same = [
        found["III"]["llm_benchmark"]["Ours"],
        found["IV"]["llm_benchmark"]["num=1"],
        found["V"]["spatial"]["itors=10"],
        found["V"]["syntax"]["loss weight=20"],
        found["VI"]["llm_benchmark"]["Ours"],
        found["XIII"]["llm_benchmark"]["Ours"],
    ]
    assert all(row == ours for row in same)


def test_an_unknown_table_is_one_line():
    with pytest.raises(InputError, match="unknown table of the paper 'XX', expected I, III"):
        tables.published("XX", "llm_benchmark")
