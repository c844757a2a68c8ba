"""DSR-Score: the worked numbers and properties of the specification, and its metric."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from starvid_core.errors import InputError
from starvid_core.metrics import dsr_score, fitting
from starvid_core.metrics.base import Unscored
from starvid_core.metrics.dsr_score import PAPER, DSRConfig, correctness, dsr, scaled, ssr
from starvid_core.perception.base import Detection
from starvid_core.relations import TYPES, Transition
from starvid_core.scene import Box, ScenePlan, Subject, Trajectory

C, S = 3 / math.sqrt(10), 1 / math.sqrt(10)
SHORT, ENDS = DSRConfig(min_valid=1), DSRConfig(head=1, tail=1, min_valid=1)
ROW = [(x, 50) for x in (10, 30, 50, 70, 90)]
CORNER = [(90, 50), (90, 50), (80, 20), (50, 10), (50, 10)]
BEST = [(50 + 80 * C, 50 + 80 * S)] * 2 + [(75, 25)] + [(50 - 80 * S, 50 - 80 * C)] * 2
SLOW = [(x, 50) for x in (45, 46, 50, 54, 55)]
FLAT = [(0, 60), (20, 55), (50, 50), (80, 45), (100, 40)]


def boxes(centers, size=(20, 20)) -> np.ndarray:
    c, half = np.array(centers, float), np.array(size) / 2
    return np.concatenate([c - half, c + half], 1)


def thing(frames: int) -> np.ndarray:
    return boxes([(50, 50)] * frames)


@pytest.mark.parametrize(
    ("centers", "kind", "config", "parts", "score"),
    [
        (ROW, "LR", SHORT, (2 / 3, 1, 2 / 3, 1), 0.916667),
        (ROW, "LR", ENDS, (1, 1, 1, 1), 1.0),
        (ROW, "RL", SHORT, (-2 / 3, -1, -2 / 3, -1), 0.083333),
        ([(10, 50)] * 5, "LR", SHORT, (1, 0, -1, 0), 0.5),
        ([(90, 50)] * 5, "LR", SHORT, (-1, 0, 1, 0), 0.5),
        (CORNER, "RT", SHORT, (0.902369, 0.5, 0.902369, 0.5), 0.850592),
        (CORNER, "RT", ENDS, (1, 0.5, 1, 0.5), 0.875),
        (CORNER[::-1], "TR", SHORT, (0.902369, 0.5, 0.902369, 0.5), 0.850592),
        (BEST, "RT", ENDS, (0.948683, 0.632456, 0.948683, 0.632456), 0.895285),
        ([(90, 10)] * 5, "RT", SHORT, (0.707107, 0, 0.707107, 0), 0.676777),
        (SLOW, "LR", SHORT, (0.15, 0.25, 0.15, 0.25), 0.6),
        (ROW[:2] + ROW[3:], "LR", SHORT, (1 / 3, 1, 1 / 3, 1), 0.833333),
        ([(50, 50)] * 5, "LR", SHORT, (0, 0, 0, 0), 0.5),
    ],
    ids=[
        "E1",
        "E1-head-1",
        "E2",
        "E3",
        "E4",
        "E5",
        "E5-head-1",
        "E6",
        "E7",
        "E8",
        "E9",
        "E10",
        "E11",
    ],
)
def test_the_worked_examples(centers, kind, config, parts, score) -> None:
    found = dsr(boxes(centers), thing(len(centers)), kind, config)
    assert (found.r_init, found.g_init, found.r_final, found.g_final) == pytest.approx(
        parts, abs=1e-6
    )
    assert found.score == pytest.approx(score, abs=1e-6)


def test_e10_skips_the_frame_that_is_missing() -> None:
    subject = boxes(ROW)
    subject[2] = np.nan
    assert dsr(subject, thing(5), "LR", SHORT).score == pytest.approx(0.833333, abs=1e-6)


def test_e12_boxes_of_other_shapes() -> None:
    subject, still = boxes(FLAT, (40, 10)), boxes([(50, 50)] * 5, (20, 30))
    found = dsr(subject, still, "LR", SHORT)
    assert found.r_init == pytest.approx(0.655658, abs=1e-6)
    assert found.g_init == pytest.approx(0.980581, abs=1e-6)
    assert found.score == pytest.approx(0.909060, abs=1e-6)


@pytest.mark.parametrize("back", [False, True], ids=["E16", "E17"])
def test_who_stops_on_the_object_is_accepted_and_who_goes_back_is_not(back: bool) -> None:
    x = np.interp(np.arange(81), [0, 40, 80], [100, 416, 100 if back else 416])
    subject = boxes([(v, 300) for v in x], (120, 100))
    found = dsr(subject, boxes([(416, 300)] * 81, (150, 140)), "LR")
    parts = (1, 0, -1, 0) if back else (1, 0.5, 0, 0.5)
    assert (found.r_init, found.g_init, found.r_final, found.g_final) == pytest.approx(parts)
    assert found.score == pytest.approx(0.5 if back else 0.75)
    assert not found.strict


@pytest.mark.parametrize(("valid", "scored"), [(19, False), (20, True)])
def test_e15_nineteen_frames_are_too_few(valid: int, scored: bool) -> None:
    subject = boxes([(10, 50)] * 81)
    subject[valid:] = np.nan
    found = dsr(subject, thing(81), "LR")
    assert (found.score is not None) == scored == (found.reason == "")


@pytest.mark.parametrize("column", range(4))
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_frame_with_a_number_that_is_none_is_skipped(column: int, value: float) -> None:
    subject = boxes(ROW)
    subject[2, column] = value
    assert np.isnan(ssr(subject, thing(5), "L")).tolist() == [False, False, True, False, False]


def test_an_empty_box_is_skipped_whichever_side_is_empty() -> None:
    subject = boxes(ROW)
    subject[0, 2], subject[1, 3] = subject[0, 0], subject[1, 1] - 5
    assert np.isnan(ssr(subject, thing(5), "L")).tolist() == [True, True, False, False, False]


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        (8, (1, 1, 4, 1, 2)),
        (16, (1, 1, 4, 3, 2)),
        (24, (1, 1, 6, 4, 2)),
        (49, (2, 2, 13, 9, 3)),
        (81, (3, 3, 20, 16, 4)),
    ],
)
def test_the_preset_of_other_lengths(frames: int, expected: tuple) -> None:
    assert scaled(frames) == DSRConfig(*expected)
    assert scaled(81) == PAPER


def test_correctness_counts_every_video_and_an_invalid_one_as_failed() -> None:
    curve = correctness([0.7, 0.69, None, 1.0])
    assert curve.tolist() == [0.75] * 7 + [0.5, 0.25, 0.25]
    assert correctness([0.3])[3] == 1.0


@given(st.lists(st.none() | st.floats(0, 1), min_size=1))
def test_correctness_never_rises_with_the_threshold(scores) -> None:
    assert (np.diff(correctness(scores)) <= 0).all()


numbers = arrays(float, (6, 4), elements=st.floats(1, 99, width=32))


def tracks(values: np.ndarray) -> np.ndarray:
    """Centers and sizes as boxes."""
    size = 2 + values[:, 2:] / 2
    return np.concatenate([values[:, :2] - size, values[:, :2] + size], 1)


def value(subject, other, kind) -> float:
    found = dsr(subject, other, kind, SHORT).score
    assert found is not None
    return found


@settings(max_examples=60, deadline=None)
@given(numbers, numbers, st.sampled_from(TYPES))
def test_the_identities_of_the_formula(first, second, kind) -> None:
    a, b = tracks(first), tracks(second)
    score = value(a, b, kind)
    assert 0 <= score <= 1
    assert value(a, b, "LR") + value(a, b, "RL") == pytest.approx(1, abs=1e-12)
    assert value(a[::-1], b[::-1], kind[::-1]) == pytest.approx(score, abs=1e-12)
    assert value(3 * a + 7, 3 * b + 7, kind) == pytest.approx(score, abs=1e-9)
    mirrored = [np.stack([100 - x[:, 2], x[:, 1], 100 - x[:, 0], x[:, 3]], 1) for x in (a, b)]
    other = kind.translate(str.maketrans("LR", "RL"))
    assert value(*mirrored, other) == pytest.approx(score, abs=1e-12)
    assert value(b, a, "RL") == pytest.approx(value(a, b, "LR"), abs=1e-12)
    if "T" in kind:
        assert 0.104715 - 1e-6 <= score <= 0.895285 + 1e-6


@settings(max_examples=40, deadline=None)
@given(numbers, numbers, st.sampled_from(TYPES))
def test_a_video_without_motion_never_reaches_0_7(first, second, kind) -> None:
    a, b = (np.repeat(tracks(x)[:1], 6, 0) for x in (first, second))
    score = value(a, b, kind)
    if "T" in kind:
        assert score <= 0.5 + math.sqrt(2) / 8 + 1e-9 < 0.7
    else:
        assert score == pytest.approx(0.5, abs=1e-12)


def test_angles_are_of_pixels_so_a_stretched_video_scores_otherwise() -> None:
    subject = boxes([(20, 20)] * 5 + [(80, 20)])
    wide = subject * (2, 1, 2, 1), thing(6) * (2, 1, 2, 1)
    assert value(subject, thing(6), "LT") != pytest.approx(value(*wide, "LT"), abs=1e-3)


def test_our_relations_below_and_in_depth() -> None:
    subject, still = boxes([(50, 10), (50, 90)]), thing(2)
    assert ssr(subject, still, "B").tolist() == [-1.0, 1.0]
    assert (ssr(subject, still, "B") == -ssr(subject, still, "T")).all()
    over = boxes([(50, 50), (90, 50)])
    front = np.array([1.0, 1.0])
    assert ssr(over, still, "F", front).tolist() == [1.0, 0.0]
    assert ssr(over, still, "H", front).tolist() == [-1.0, 0.0]
    with pytest.raises(InputError, match="relations of depth"):
        ssr(over, still, "F")


@pytest.mark.parametrize("kind", ["L", "LX", "LRT", ""])
def test_an_unknown_type_is_refused(kind: str) -> None:
    with pytest.raises(InputError, match="two letters of L, R, T, B, F, H, as LR; got"):
        dsr(boxes(ROW), thing(5), kind, SHORT)


def test_displacement_and_jump_are_shares_of_the_diagonal() -> None:
    track = boxes([(10, 50), (40, 90), (40, 90)])
    assert dsr_score.displacement(track, (300, 400)) == pytest.approx(50 / 500)
    assert dsr_score.jump(track, (300, 400)) == pytest.approx(0.1)
    gone = np.full((3, 4), np.nan)
    assert math.isnan(dsr_score.displacement(gone, (3, 4)))
    assert math.isnan(dsr_score.jump(gone, (3, 4)))


# The metric, on detections that are written down.
TOLD = Transition("On the beach", "dog", "L", "car", "R", "runs")
VIDEO = np.zeros((8, 48, 96, 3), np.uint8)


class Reading:
    def __init__(self, frames) -> None:
        self.frames = frames

    def detect(self, video):
        return self.frames

    def motion(self, video, row):
        return {}


def at(name: str, x: float) -> Detection:
    return Detection(name, Box(x - 0.1, 0.4, x + 0.1, 0.9), 0.9)


def plan(prompt: str) -> Trajectory:
    subject = Subject(0, "dog", "runs", motion="running")
    return Trajectory(ScenePlan(prompt, (subject,)), ((Box(0, 0, 1, 1),),))


def passing(frames: int = 8) -> list:
    return [[at("dog", x), at("car", 0.5)] for x in np.linspace(0.1, 0.9, frames)]


def test_a_dog_that_passes_the_car_gets_full_marks() -> None:
    scores = dsr_score.score(VIDEO, plan(TOLD.prompt), Reading(passing()))
    assert scores["dsr"] == pytest.approx(1.0)
    assert scores["dsr_correct"] == scores["dsr_strict"] == 1 and scores["dsr_invalid"] == 0
    assert scores["displacement"] == pytest.approx(0, abs=1e-9)
    assert tuple(scores) == dsr_score.NAMES
    mirrored = dsr_score.score(VIDEO, plan(TOLD.mirrored.prompt), Reading(passing()))
    assert mirrored["dsr"] == pytest.approx(0.0) and mirrored["dsr_correct"] == 0


def test_a_second_dog_in_two_of_eight_frames_makes_it_invalid() -> None:
    frames = passing()
    frames[1].append(at("dog", 0.8))
    assert dsr_score.score(VIDEO, plan(TOLD.prompt), Reading(frames))["dsr_invalid"] == 0
    frames[2].append(at("dog", 0.8))
    scores = dsr_score.score(VIDEO, plan(TOLD.prompt), Reading(frames))
    assert scores["dsr_invalid"] == 1 and scores["dsr_correct"] == 0 and math.isnan(scores["dsr"])
    assert scores["dsr_redundant"] == 2


def test_other_prompts_are_not_asked_for_it() -> None:
    other = plan("A dog runs and a cat sits.")
    assert "dsr" not in fitting(other) and "dsr" in fitting(plan(TOLD.prompt))
    with pytest.raises(Unscored, match="'A dog runs and a cat sits.' tells of no change of place"):
        dsr_score.score(VIDEO, other, Reading(passing()))
    with pytest.raises(Unscored, match="is no video"):
        dsr_score.validate(VIDEO[:0], plan(TOLD.prompt))
