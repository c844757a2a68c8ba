"""Win rates, intervals and agreement on votes written by hand, and the command from end to end."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from starvid_core import plotting, preference
from starvid_core.errors import InputError
from starvid_core.preference import QUESTIONS, Study, analysis
from starvid_core.preference.answers import votes
from starvid_core.preference.simulated import Simulation
from starvid_core.preference.study import KEY, PAGE

pytest.importorskip("statsmodels")

nan = np.nan


def rates(**given: float) -> Simulation:
    return Simulation({q.id: given.get(q.id, 0.5) for q in QUESTIONS}, share=0.0)


def test_rates_are_shares_of_votes_for_the_first_system() -> None:
    wins = np.array([[1, 1, 0, 1], [1, 0, 0, nan]], float)
    found = analysis._rates(wins)
    assert found["votes"] == 7 and found["win_rate"] == pytest.approx(4 / 7)
    assert 0 <= found["low"] < 4 / 7 < found["high"] <= 1
    assert found["agreement"] == pytest.approx(2 / 3)


def test_kappa_is_that_of_fleiss_over_trials_that_all_answered() -> None:
    # Four raters: three trials alike (all, none, all), one split in halves.
    wins = np.array([[1, 0, 1, 1], [1, 0, 1, 1], [1, 0, 1, 0], [1, 0, 1, 0]], float)
    counts = np.array([[0, 4], [4, 0], [0, 4], [2, 2]])
    share = (counts * (counts - 1)).sum(1) / 12
    chance = ((counts.sum(0) / 16) ** 2).sum()
    expected = (share.mean() - chance) / (1 - chance)
    assert analysis._agreement(wins)["kappa"] == pytest.approx(expected)
    missing = np.hstack([wins, [[0], [1], [nan], [1]]])
    assert analysis._agreement(missing)["kappa"] == pytest.approx(expected)


@pytest.mark.parametrize(
    "wins",
    [
        np.ones((3, 4)),
        np.array([[1.0, 0.0, 1.0]]),
        np.array([[1.0, nan], [nan, 0.0]]),
    ],
    ids=["all alike", "one rater", "nothing in common"],
)
def test_kappa_is_null_where_it_is_not_defined(wins: np.ndarray) -> None:
    assert analysis._agreement(wins)["kappa"] is None


def test_votes_that_are_all_alike_are_not_certain() -> None:
    low, high = analysis.interval(np.ones((20, 30)))
    assert 0.85 < low < 0.92 and high == 1.0
    low, high = analysis.interval(np.zeros((20, 30)))
    assert low == 0.0 and 0.08 < high < 0.15


def test_an_interval_counts_raters_and_pairs_not_votes() -> None:
    rng = np.random.default_rng(3)
    opinion = (rng.random(30) < 0.7).astype(float)
    alike = np.tile(opinion, (20, 1))
    apart = (rng.random((20, 30)) < opinion.mean()).astype(float)
    wide, narrow = (np.diff(analysis.interval(w))[0] for w in (alike, apart))
    assert wide > 2 * narrow and wide > 0.25


def test_intervals_hold_the_truth_about_as_often_as_they_say(study: Study) -> None:
    hits = 0
    for seed in range(60):
        truth = 0.7
        rng = np.random.default_rng(seed)
        trial, rater = rng.normal(0, 0.1, 30), rng.normal(0, 0.05, 12)
        chance = np.clip(truth + trial[None] + rater[:, None], 0, 1)
        low, high = analysis.interval((rng.random((12, 30)) < chance).astype(float))
        hits += low <= truth <= high
    assert hits >= 54


def test_every_question_has_its_row_and_unknown_systems_none(study: Study) -> None:
    given = preference.simulate(study, rates(motion=1.0, number=0.0), 10, seed=2)
    found = preference.analyse(votes(study, given))
    rows = {row["question"]: row for row in found["rows"]}
    assert list(rows) == [q.id for q in QUESTIONS]
    assert rows["motion"]["win_rate"] == 1.0 and rows["number"]["win_rate"] == 0.0
    assert 0.2 < rows["quality"]["win_rate"] < 0.8
    assert found["simulated"] and found["raters"] == 10 and found["pairs"] == 4
    assert 0.35 < found["chose_left"] < 0.65


def test_a_question_that_nobody_answered_has_no_rate(study: Study) -> None:
    [one] = preference.simulate(study, rates(), 1)
    part = [answer for answer in one.answers if answer.question != "motion"]
    found = preference.analyse(votes(study, [one.model_copy(update={"answers": part})]))
    motion = found["rows"][-1]
    assert motion["votes"] == 0 and motion["win_rate"] is None and motion["kappa"] is None
    plotting.plot_preference([found])
    empty = votes(study, [one.model_copy(update={"answers": []})])
    with pytest.raises(InputError, match="the files hold no answer"):
        preference.analyse(empty)


def test_simulated_raters_say_so_on_the_figure(study: Study) -> None:
    found = preference.analyse(votes(study, preference.simulate(study, rates(), 3)))
    figure = plotting.plot_preference(
        [found, found | {"simulated": False}], [{"motion": 0.9}, None]
    )
    texts = [text.get_text() for text in figure.texts]
    assert sum("SIMULATED RATERS" in text for text in texts) == 1


def test_a_study_is_made_and_analysed_by_two_commands(
    starvid: Callable, systems: Path, tmp_path: Path
) -> None:
    out, first, second = tmp_path / "study", systems / "StarVid", systems / "ZeroScope"
    given = ("--prompts", systems / "prompts.txt", "-n", 3, "--seed", 1, "-o", out)
    code, said, notes = starvid("preference", "make", first, second, *given)
    assert code == 0, notes
    assert f"{out / PAGE}: 3 pairs, study " in said and "keep it from raters" in said
    study = preference.load(out)
    assert study.systems == ("StarVid", "ZeroScope")
    for answers in preference.simulate(study, rates(overall=1.0), 4):
        (tmp_path / f"answers-{answers.rater}.json").write_text(answers.model_dump_json())
    files = sorted(tmp_path.glob("answers*.json"))
    code, said, notes = starvid("preference", "analyse", out, *files, "-o", tmp_path / "table")
    assert code == 0, notes
    assert said.startswith("SIMULATED RATERS") and "Overall preference" in said
    assert {p.name for p in (tmp_path / "table").iterdir()} == {
        f"preference.{kind}" for kind in ("csv", "json", "png", "pdf")
    }
    told = json.loads((tmp_path / "table" / "preference.json").read_text())
    assert told["rows"][2]["win_rate"] == 1.0 and told["simulated"] is True


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("-n", "6"), "6 pairs are wanted, and 5 videos have the same name"),
        (("--names", "A"), "the systems are called A; give two names"),
        (("--names", "A,A"), "give two names: --names A,B"),
        (("--rate", "0"), "--rate"),
    ],
)
def test_a_study_that_cannot_be_is_one_line(
    starvid: Callable, systems: Path, tmp_path: Path, given: tuple, said: str
) -> None:
    folders = (systems / "StarVid", systems / "ZeroScope")
    options = ("--prompts", systems / "prompts.txt", "-o", tmp_path / "out", *given)
    code, out, err = starvid("preference", "make", *folders, *options)
    assert code == 2 and not out and said in err
    assert not (tmp_path / "out" / KEY).exists()


def test_an_analysis_without_study_or_answers_is_one_line(
    starvid: Callable, folder: Path, tmp_path: Path
) -> None:
    code, _, err = starvid("preference", "analyse", tmp_path, tmp_path)
    assert code == 2 and "give the folder of `preference make`" in err
    code, _, err = starvid("preference", "analyse", folder, tmp_path)
    assert code == 2 and "no answers; give the files that raters saved" in err
