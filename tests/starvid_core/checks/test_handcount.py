"""A hand count: what is written for the person, what is read back, and how agreement is told."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from starvid_core import experiment, paths
from starvid_core.artifacts import read_json, write_json
from starvid_core.checks import counting, handcount
from starvid_core.checks.handcount import Rate
from starvid_core.errors import InputError
from starvid_core.experiment import Run, RunSpec
from starvid_core.perception.base import Detection
from starvid_core.scene import Box

PROMPT = "a dog runs and a cat jumps on the grass"
BOXES = (Box(0.1, 0.3, 0.4, 0.9), Box(0.5, 0.3, 0.9, 0.9))


def frame(*names: str) -> tuple[Detection, ...]:
    return tuple(Detection(n, BOXES[k % 2], 0.9) for k, n in enumerate(names))


@dataclass(frozen=True)
class Reading:
    """A judge that sees these subjects in every frame."""

    names: tuple[str, ...]

    def detect(self, video: np.ndarray) -> tuple[tuple[Detection, ...], ...]:
        return (frame(*self.names),) * len(video)

    def motion(self, video: np.ndarray, row: tuple[Box | None, ...]) -> dict[str, float]:
        return {}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(paths, "HANDCOUNTS", tmp_path / "counts")
    monkeypatch.setattr(paths, "RUNS", tmp_path / "runs")
    return tmp_path


@pytest.fixture
def specs(tiny_backbone, two_subject_trajectory) -> list[RunSpec]:
    return [
        experiment.spec(PROMPT, "none", seed, tiny_backbone, two_subject_trajectory, steps=1)
        for seed in range(3)
    ]


@pytest.fixture
def runs(specs, tiny_backbone) -> list[Run]:
    return experiment.ensure(specs, tiny_backbone, progress=False)


def filled(name: str, *counts: dict[str, int] | None) -> None:
    form = read_json(paths.HANDCOUNTS / f"{name}.json")
    form["clips"] = dict(zip(form["clips"], counts, strict=True))
    write_json(paths.HANDCOUNTS / f"{name}.json", form)


def test_most_frames_decide_what_a_clip_shows() -> None:
    frames = [frame("dog", "cat"), frame("dog"), frame("dog", "dog"), frame("cat", "dog", "dog")]
    assert handcount.usual(frames) == {"dog": 1}
    assert handcount.usual([frame("dog", "dog")] * 2) == {"dog": 2}
    assert handcount.usual([(), ()]) == {}


def test_the_form_says_nothing_of_the_judge_and_its_reading_lies_beside_it(runs) -> None:
    form = handcount.make("first", runs, Reading(("dog", "dog")))
    assert form == paths.HANDCOUNTS / "first.json"
    written = read_json(form)
    assert written["clips"] == {"001": None, "002": None, "003": None} and written["how"]
    assert "dog runs" not in form.read_text()
    reading = read_json(paths.HANDCOUNTS / "first_judge.json")
    clip = reading["clips"]["002"]
    assert clip["judge"] == {"dog": 2} and clip["asked"] == {"cat": 1, "dog": 1}
    assert clip["run"] == runs[1].folder.name and clip["prompt"] == PROMPT
    with pytest.raises(InputError, match="is there already; count on, or give another name"):
        handcount.make("first", runs, Reading(()))


def test_agreement_counts_clips_subjects_and_what_was_asked_for(runs) -> None:
    handcount.make("second", runs, Reading(("dog", "cat")))
    filled("second", {"dog": 1, "cat": 1}, {"dog": 2}, None)
    found = handcount.agreement("second")
    assert (found.clips, found.uncounted, found.differing) == (2, 1, ("002",))
    assert found.exact == Rate(1, 2)
    assert found.subjects["dog"].found == Rate(2, 2) and found.subjects["dog"].right == Rate(2, 2)
    assert found.subjects["cat"].found == Rate(1, 1) and found.subjects["cat"].right == Rate(1, 2)
    assert found.presence.right == Rate(3, 4)
    assert found.as_asked == {"person": Rate(1, 2), "judge": Rate(2, 2)}


def test_a_subject_that_the_judge_missed_is_not_found(runs) -> None:
    handcount.make("third", runs, Reading(()))
    filled("third", {"bird": 1}, {}, {"bird": 1})
    found = handcount.agreement("third")
    assert found.subjects["bird"].found == Rate(0, 2) and found.exact == Rate(1, 3)
    assert str(found.subjects["bird"].right).startswith("nan")


def test_the_interval_is_wilsons() -> None:
    low, high = Rate(98, 100).interval
    assert low == pytest.approx(0.930, abs=0.001) and high == pytest.approx(0.994, abs=0.001)
    assert str(Rate(98, 100)) == "0.980 [0.930, 0.994] (98 of 100)"
    assert Rate(100, 100).interval[0] < 0.97


@pytest.mark.parametrize(
    ("count", "said"),
    [
        ({"dgo": 1}, "unknown subject of clip 001 'dgo', expected .*; did you mean dog"),
        ({"dog": 0}, "clip 001 has {'dog': 0}; give a count such as"),
        ({"dog": True}, "clip 001 has"),
        (["dog"], r"clip 001 has \['dog'\]; give a count"),
        ("dog", "clip 001 has 'dog'"),
    ],
)
def test_what_is_no_count_is_refused_in_one_line(count, said: str, runs) -> None:
    handcount.make("wrong", runs, Reading(()))
    filled("wrong", count, None, None)
    with pytest.raises(InputError, match=said) as refused:
        handcount.agreement("wrong")
    assert "\n" not in str(refused.value)


def test_a_count_that_is_absent_empty_or_of_other_clips_is_refused(runs) -> None:
    with pytest.raises(InputError, match=r"none.json does not exist"):
        handcount.agreement("none")
    with pytest.raises(InputError, match="a file's without its folder"):
        handcount.agreement("../none")
    form = handcount.make("empty", runs, Reading(()))
    with pytest.raises(InputError, match="has no counted clip yet; fill in its clips"):
        handcount.agreement("empty")
    form.write_text(json.dumps({"clips": {"001": {}}}))
    with pytest.raises(InputError, match="are not of the same clips"):
        handcount.agreement("empty")
    form.write_text("[]")
    with pytest.raises(InputError, match="are not of the same clips"):
        handcount.agreement("empty")


def test_clips_are_drawn_without_repetition_and_the_same_every_time(specs) -> None:
    drawn = handcount.chosen([*specs, *specs], 2, seed=1)
    assert len(set(drawn)) == 2 and drawn == handcount.chosen(specs, 2, seed=1)
    with pytest.raises(InputError, match="cannot draw 4 of 3 clips"):
        handcount.chosen(specs, 4)


def test_sheets_are_blind_or_show_what_the_judge_says(home: Path, runs) -> None:
    folder = counting.sheets(home / "sheets", runs, Reading(("dog",)))
    assert sorted(p.name for p in folder.iterdir()) == ["count_01.png", "judge_01.png"]
    sizes = []
    for name in ("count", "judge"):
        with Image.open(folder / f"{name}_01.png") as picture:
            sizes.append(picture.size)
    assert sizes[0][0] == sizes[1][0] and sizes[0][1] < sizes[1][1]
    row = counting.read_row("001", runs[0], Reading(("dog",)))
    assert row.caption.endswith("judge: 1 dog") and row.seen[0] == (("dog", BOXES[0]),)
