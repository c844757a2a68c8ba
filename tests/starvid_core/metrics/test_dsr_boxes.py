"""Screening by the one-subject-one-object rule, and boxes by detection or by tracking."""

import numpy as np
import pytest

from starvid_core.metrics.dsr_boxes import locate
from starvid_core.metrics.dsr_quality import identity
from starvid_core.metrics.dsr_screening import PAPER, DSRConfig, screen
from starvid_core.perception.base import Detection
from starvid_core.scene import Box

WANT = ("cat", "box")
OK, ONE, THREE = ["cat", "box"], ["cat"], ["cat", "cat", "box"]


@pytest.mark.parametrize(
    ("labels", "reason", "seed"),
    [
        ([OK] * 81, "", 0),
        ([OK] * 20 + [ONE] * 61, "", 0),
        ([OK] * 19 + [ONE] * 62, "too_few_valid", 0),
        ([THREE] * 17 + [OK] * 64, "redundant", 0),
        ([THREE] * 16 + [OK] * 65, "", 16),
        ([OK, OK, OK, ONE] * 20 + [ONE], "no_run", 0),
        ([["cat", "cat"]] * 17 + [OK] * 64, "redundant", 0),
        ([["cat", "box cat"]] * 5 + [OK] * 76, "", 5),
        ([["box", "cat"]] * 81, "", 0),
        ([[]] * 81, "too_few_valid", 0),
    ],
)
def test_the_validity_of_the_specification(labels, reason: str, seed: int) -> None:
    found = screen(labels, WANT, PAPER)
    assert found.reason == reason
    if not reason:
        assert found.seed == seed


def test_every_frame_has_a_status() -> None:
    found = screen([OK, ONE, THREE, []], WANT, DSRConfig(min_valid=1, min_run=1))
    assert found.statuses == ("valid", "miss", "redundant", "miss")
    assert [found.count(s) for s in ("valid", "miss", "redundant")] == [1, 2, 1]


VIDEO = np.zeros((8, 48, 96, 3), np.uint8)
SHORT = DSRConfig(1, 1, 4, 1, 2)
LEFT, MIDDLE = Box(0.0, 0.5, 0.25, 1.0), Box(0.5, 0.5, 0.75, 1.0)
BOTH = (Detection("box", MIDDLE, 0.9), Detection("cat", LEFT, 0.8))


class Eye:
    """What detects and cannot track."""

    def __init__(self, frames) -> None:
        self.frames = frames

    def detect(self, video):
        return self.frames

    def motion(self, video, row):
        return {}


class Tracker:
    """What finds in some frames and then follows through all of them."""

    def __init__(self, frames) -> None:
        self.frames, self.asked = frames, []

    def find(self, video, names):
        return self.frames

    def follow(self, video, frame, boxes):
        self.asked.append((frame, boxes))
        return [(box,) * len(video) for box in boxes]


def test_without_a_tracker_only_valid_frames_have_boxes() -> None:
    screening, subject, thing = locate(VIDEO, WANT, Eye([BOTH] * 6 + [BOTH[:1]] * 2), SHORT)
    assert not screening.reason
    assert subject[0].tolist() == [0, 24, 24, 48] and thing[5].tolist() == [48, 24, 72, 48]
    assert np.isnan(subject[6:]).all() and np.isnan(thing[6:]).all()


def test_a_tracker_starts_from_the_first_run_and_gives_all_frames() -> None:
    tracker = Tracker([()] * 2 + [BOTH] * 4 + [()] * 2)
    screening, subject, thing = locate(VIDEO, WANT, tracker, SHORT)
    assert tracker.asked == [(2, [LEFT, MIDDLE])] and screening.seed == 2
    assert np.isfinite(subject).all() and np.isfinite(thing).all()


def test_an_invalid_video_is_never_tracked() -> None:
    tracker = Tracker([()] * 8)
    screening, subject, _ = locate(VIDEO, WANT, tracker, SHORT)
    assert screening.reason == "too_few_valid" and not tracker.asked
    assert np.isnan(subject).all() and subject.shape == (8, 4)


def boxes(*corners) -> np.ndarray:
    return np.array(corners, float)


def test_identity_is_one_for_a_still_look_and_falls_with_change() -> None:
    rng = np.random.default_rng(0)
    look = rng.integers(0, 255, (20, 20, 3), dtype=np.uint8)
    video = np.zeros((4, 48, 96, 3), np.uint8)
    track = boxes(*[(4 + 5 * n, 8, 24 + 5 * n, 28) for n in range(4)])
    for n, frame in enumerate(video):
        frame[8:28, 4 + 5 * n : 24 + 5 * n] = look
    assert identity(video, track) == pytest.approx(1)
    video[2, 8:28, 14:34] = rng.integers(0, 255, (20, 20, 3), dtype=np.uint8)
    assert identity(video, track) < 0.8
    assert np.isnan(identity(video, np.full((4, 4), np.nan)))
