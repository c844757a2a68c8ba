"""Pairs: who wins, who loses, who is neither; and a table that cannot be changed unseen."""

import numpy as np
import pytest

from starvid_core import experiment, paths
from starvid_core.errors import InputError
from starvid_core.finetuning import pairs
from starvid_core.finetuning.pairs import Record, build_pairs
from starvid_core.perception.base import Detection
from starvid_core.relations import Transition
from starvid_core.scene import Box

TOLD = Transition("At night", "dog", "L", "cat", "R", "runs")


def records(prompt: str, *scores: float | None) -> list[Record]:
    return [Record(prompt, n, f"{prompt}{n}", score) for n, score in enumerate(scores)]


def test_winners_reach_0_7_losers_are_valid_and_below_and_invalid_is_neither() -> None:
    chosen = build_pairs(records("a", 0.7, 0.69, None, 0.95, 0.1, None))["a"]
    assert [r.seed for r in chosen.winners] == [0, 3]
    assert [r.seed for r in chosen.losers] == [1, 4]


@pytest.mark.parametrize(
    "scores", [(0.9, 0.8), (0.1, 0.2), (0.9, None), (None, None), (0.9,), (0.1, None)]
)
def test_a_prompt_without_a_winner_or_without_a_loser_gives_no_pair(scores) -> None:
    assert build_pairs(records("a", *scores)) == {}


def test_prompts_keep_their_order_and_another_threshold_makes_other_pairs() -> None:
    found = [*records("b", 0.6, 0.4), *records("a", 0.9, 0.1)]
    assert list(build_pairs(found)) == ["a"]
    assert list(build_pairs(found, 0.5)) == ["b", "a"]


def test_a_summary_counts_what_there_is() -> None:
    found = [*records("a", 0.7, None, 0.2), *records("b", 0.9, 0.8)]
    assert pairs.summary(found) == {
        "videos": 5,
        "winners": 3,
        "strict": 0,
        "invalid": 1,
        "prompts": 2,
        "prompts_with_pairs": 1,
    }


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(paths, "RUNS", tmp_path / "runs")
    return tmp_path / "results"


def test_a_table_reads_back_and_says_what_it_stands_on(results) -> None:
    found = records('A dog, then "the" cat', 0.7, None, 0.123456)
    pairs.write("pairs", found, {"checkpoint": "abc"})
    assert pairs.read("pairs") == found
    assert '"checkpoint": "abc"' in (results / "pairs.json").read_text()


def test_a_table_that_was_changed_or_is_missing_is_refused(results) -> None:
    with pytest.raises(InputError, match="no scores in .*pairs.csv; make them with `starvid align"):
        pairs.read("pairs")
    pairs.write("pairs", records("a", 0.7), {})
    (results / "pairs.csv").write_text((results / "pairs.csv").read_text().replace("0.7", "0.9"))
    with pytest.raises(InputError, match="pairs.csv was changed; make it again"):
        pairs.read("pairs")


def test_one_video_of_a_prompt_makes_no_pair(tiny_backbone) -> None:
    with pytest.raises(InputError, match="1 videos of a prompt make no pair; take 2 or more"):
        pairs.specs(tiny_backbone, [TOLD.prompt], samples=1)


class Passing:
    """Sees a dog pass a cat in videos that begin bright, and only a cat in the others."""

    def detect(self, video):
        cat = Detection("cat", Box(0.4, 0.4, 0.6, 0.9), 0.9)
        if video[0].mean() < 127:
            return ((cat,),) * len(video)
        places = np.linspace(0.1, 0.9, len(video))
        return tuple((Detection("dog", Box(x - 0.1, 0.4, x + 0.1, 0.9), 0.9), cat) for x in places)

    def motion(self, video, row):
        return {}


def test_samples_are_runs_of_the_base_model_and_are_made_once(tiny_backbone, monkeypatch) -> None:
    wanted = pairs.specs(tiny_backbone, [TOLD.prompt, TOLD.mirrored.prompt], samples=2)
    assert [(s.method, s.seed, s.lora) for s in wanted] == [("none", n, "") for n in (0, 1)] * 2
    found = pairs.sample(wanted, tiny_backbone, Passing(), batch=4)
    assert [r.run for r in found] == [s.key for s in wanted]
    assert all(r.score is None for r in found)  # three frames are fewer than four
    monkeypatch.setattr(experiment, "_sample", lambda *_: pytest.fail("made again"))
    assert pairs.sample(wanted, tiny_backbone, Passing(), batch=4) == found
