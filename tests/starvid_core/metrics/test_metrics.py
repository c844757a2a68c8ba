"""Metrics, on hand-written detections and on real renders read by the shipped judge."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from starvid_core.metrics import METRICS, action_binding, layout, numeracy
from starvid_core.metrics.base import Unscored
from starvid_core.metrics.tracks import tracks
from starvid_core.perception.base import Detection
from starvid_core.scene import Box, ScenePlan, Subject, Trajectory

LEFT, RIGHT = Box(0.0, 0.2, 0.3, 0.8), Box(0.6, 0.2, 0.9, 0.8)
MIDDLE = Box(0.3, 0.2, 0.6, 0.8)
VIDEO = np.zeros((4, 48, 96, 3), np.uint8)


@dataclass(frozen=True)
class Reading:
    """A judge whose reading of every frame is written down."""

    frames: tuple[tuple[Detection, ...], ...]
    doing: dict[float, str]

    def detect(self, video: np.ndarray) -> tuple[tuple[Detection, ...], ...]:
        return self.frames

    def motion(self, video: np.ndarray, row: tuple[Box | None, ...]) -> dict[str, float]:
        seen = next(box for box in row if box is not None)
        return {self.doing[seen.x0]: 0.9, "driving": 0.1}


@pytest.fixture
def plan() -> Trajectory:
    subjects = (Subject(0, "dog", "runs", 1, "running"), Subject(1, "cat", "sits", 1, "sitting"))
    return Trajectory(
        ScenePlan("A dog runs and a cat sits.", subjects), ((LEFT, LEFT), (RIGHT, RIGHT))
    )


def frame(*found: tuple[str, Box]) -> tuple[Detection, ...]:
    return tuple(Detection(name, box, 0.9) for name, box in found)


BOTH = frame(("dog", LEFT), ("cat", RIGHT))


def test_a_perfect_video_scores_one_everywhere(plan: Trajectory) -> None:
    judge = Reading((BOTH,) * 4, {0.0: "running", 0.6: "sitting"})
    assert numeracy.score(VIDEO, plan, judge) == {
        "numeracy": 1.0,
        "exact_frames": 1.0,
        "exact": 1.0,
        "present": 1.0,
        "extra": 0.0,
        "duplicates": 0.0,
        "unasked": 0.0,
    }
    assert layout.score(VIDEO, plan, judge) == {"iou": 1.0, "center_error": 0.0, "unseen": 0.0}
    assert action_binding.score(VIDEO, plan, judge) == {"action_binding": 1.0, "leakage": 0.0}


def test_numeracy_counts_every_object_on_its_own_as_t2v_compbench_does(plan: Trajectory) -> None:
    frames = (
        BOTH,
        frame(("dog", LEFT), ("dog", MIDDLE), ("cat", RIGHT)),
        frame(("dog", LEFT)),
        frame(("dog", LEFT), ("cat", RIGHT), ("bird", MIDDLE)),
    )
    scores = numeracy.score(VIDEO, plan, Reading(frames, {}))
    assert scores["numeracy"] == pytest.approx((1 + 0.5 + 0.5 + 1) / 4)
    assert scores["exact_frames"] == 0.25 and scores["exact"] == 0.0
    assert scores["present"] == pytest.approx((2 + 2 + 1 + 2) / 8)
    assert scores["extra"] == 0.5 and scores["unasked"] == 1.0


GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "numeracy.json").read_text())


def asked(case: dict) -> Trajectory:
    pairs = zip(case["objects"], case["numbers"], strict=True)
    subjects = tuple(Subject(n, noun, "", k) for n, (noun, k) in enumerate(pairs))
    plan = ScenePlan("", subjects)
    return Trajectory(plan, ((None,),) * len(plan.instances))


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["name"])
def test_numeracy_is_the_published_procedures_on_recorded_detections(case: dict) -> None:
    """The numbers were made by T2V-CompBench's own evaluation (v1) from these detections."""
    frames = tuple(
        tuple(Detection(name, Box(*corners), score) for name, *corners, score in frame)
        for frame in case["frames"]
    )
    video = np.zeros((16, 8, 8, 3), np.uint8)
    assert numeracy.score(video, asked(case), Reading(frames, {}))["numeracy"] == case["numeracy"]


def test_numeracy_counts_three_subjects_and_more_alike() -> None:
    plan = asked({"objects": ["dog", "cat", "bird"], "numbers": [1, 2, 1]})
    frames = (frame(("dog", LEFT), ("cat", RIGHT)), frame(("bird", LEFT)))
    found = numeracy.score(VIDEO[:2], plan, Reading(frames, {}))
    assert found["numeracy"] == pytest.approx((1 / 3 + 1 / 3) / 2)


def test_plural_subjects_are_counted_by_their_singular() -> None:
    plan = asked({"objects": ["dogs", "Sheep"], "numbers": [2, 1]})
    seen = (frame(("dog", LEFT), ("dog", RIGHT), ("sheep", Box(0.4, 0.1, 0.5, 0.2))),)
    assert numeracy.score(VIDEO[:1], plan, Reading(seen, {}))["numeracy"] == 1.0


def test_duplicates_are_counted_not_silently_dropped() -> None:
    plan = asked({"objects": ["dog"], "numbers": [1]})
    seen = ((Detection("dog", LEFT, 0.9), Detection("dog", LEFT, 0.8)),)
    found = numeracy.score(VIDEO[:1], plan, Reading(seen, {}))
    assert found["numeracy"] == 1.0 and found["duplicates"] == 1.0


@pytest.mark.parametrize(
    ("frames", "places"),
    [
        (1, [0]),
        (16, list(range(16))),
        (17, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16]),
        (81, [0, 5, 10, 16, 21, 26, 32, 37, 42, 48, 53, 58, 64, 69, 74, 80]),
    ],
)
def test_numeracy_looks_at_sixteen_frames_at_even_distances(frames: int, places: list) -> None:
    video = np.zeros((frames, 1, 1, 3), np.uint8)
    video[:] = np.arange(frames)[:, None, None, None]
    assert numeracy.sampled(video)[:, 0, 0, 0].tolist() == places


def test_swapped_motions_are_leakage_and_other_motions_are_not(plan: Trajectory) -> None:
    swapped = Reading((BOTH,) * 4, {0.0: "sitting", 0.6: "running"})
    assert action_binding.score(VIDEO, plan, swapped) == {"action_binding": 0.0, "leakage": 1.0}
    other = Reading((BOTH,) * 4, {0.0: "jumping", 0.6: "sitting"})
    assert action_binding.score(VIDEO, plan, other) == {"action_binding": 0.5, "leakage": 0.0}


def test_a_subject_missing_in_most_frames_has_no_motion(plan: Trajectory) -> None:
    frames = (BOTH, *(frame(("dog", LEFT)),) * 3)
    judge = Reading(frames, {0.0: "running", 0.6: "sitting"})
    assert action_binding.score(VIDEO, plan, judge)["action_binding"] == 0.5


def test_layout_reports_what_it_could_not_see(plan: Trajectory) -> None:
    scores = layout.score(VIDEO, plan, Reading((frame(("dog", LEFT)),) * 4, {}))
    assert scores == {"iou": 0.5, "center_error": 0.0, "unseen": 0.5}
    nothing = layout.score(VIDEO, plan, Reading(((),) * 4, {}))
    assert nothing["iou"] == 0.0 and np.isnan(nothing["center_error"]) and nothing["unseen"] == 1.0


def test_a_plan_that_lacks_what_a_metric_needs_is_said() -> None:
    plan = asked({"objects": ["dog"], "numbers": [1]})
    with pytest.raises(Unscored, match="no planned boxes; give the plan"):
        layout.score(VIDEO, plan, Reading(((),) * 4, {}))
    with pytest.raises(Unscored, match="no motion is known of 'dog'"):
        action_binding.score(VIDEO, plan, Reading(((),) * 4, {}))


def test_the_best_detection_is_the_subjects_wherever_it_stands(plan: Trajectory) -> None:
    seen = [(Detection("dog", RIGHT, 0.5), Detection("dog", LEFT, 0.9))]
    assert tracks(seen, plan)[0] == (LEFT,)


def test_two_of_a_kind_go_to_the_nearest_planned_boxes() -> None:
    prompt = ScenePlan("Two dogs run.", (Subject(0, "dogs", "run", 2, "running"),))
    plan = Trajectory(prompt, ((LEFT,), (RIGHT,)))
    seen = [frame(("dog", RIGHT), ("dog", LEFT))]
    assert tracks(seen, plan) == ((LEFT,), (RIGHT,))


@pytest.mark.parametrize("name", [name for name in METRICS if name != "dsr"])
def test_every_metric_survives_an_empty_reading(name: str, plan: Trajectory) -> None:
    scores = METRICS[name].score(VIDEO, plan, Reading(((),) * 4, {}))
    assert scores and all(isinstance(v, float) for v in scores.values())
