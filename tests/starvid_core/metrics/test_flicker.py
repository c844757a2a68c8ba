"""Flicker: nothing for a still ground, light and grain told apart, what is covered left out."""

from dataclasses import dataclass

import numpy as np
import pytest

from starvid_core.metrics import flicker
from starvid_core.perception.base import Detection
from starvid_core.scene import Box, Trajectory

DOG = Detection("dog", Box(0.1, 0.3, 0.4, 0.9), 0.9)


@dataclass(frozen=True)
class Reading:
    """A judge that sees the same in every frame."""

    seen: tuple[Detection, ...]

    def detect(self, video: np.ndarray) -> tuple[tuple[Detection, ...], ...]:
        return (self.seen,) * len(video)

    def motion(self, video: np.ndarray, row: tuple[Box | None, ...]) -> dict[str, float]:
        return {}


def test_a_still_ground_has_none_whatever_moves_in_the_boxes(
    two_subject_trajectory: Trajectory,
) -> None:
    video = np.full((4, 20, 40, 3), 90, np.uint8)
    video[:, 6:18, 4:16] = np.random.default_rng(0).integers(0, 256, (4, 12, 12, 3))
    scores = flicker.score(video, two_subject_trajectory, Reading((DOG,)))
    assert scores["background_change"] == scores["background_drift"] == 0.0
    grown = 17 * 18 / (20 * 40)  # the box and a quarter of its size around it, cut to the frame
    assert scores["background_covered"] == pytest.approx(grown)
    assert flicker.score(video, two_subject_trajectory, Reading(()))["background_change"] > 1


def test_light_drifts_and_grain_does_not(two_subject_trajectory: Trajectory) -> None:
    rng = np.random.default_rng(0)
    light = np.full((3, 20, 40, 3), 90, np.uint8)
    light[1] += 12
    scores = flicker.score(light, two_subject_trajectory, Reading(()))
    assert scores["background_change"] == scores["background_drift"] == 12.0
    grain = np.clip(rng.normal(90, 10, (3, 20, 40, 3)), 0, 255).astype(np.uint8)
    scores = flicker.score(grain, two_subject_trajectory, Reading(()))
    assert scores["background_change"] > 9 and scores["background_drift"] < 1.5


def test_a_covered_frame_has_no_number(two_subject_trajectory: Trajectory) -> None:
    video = np.zeros((2, 8, 8, 3), np.uint8)
    everything = Detection("dog", Box(0.0, 0.0, 1.0, 1.0), 0.9)
    scores = flicker.score(video, two_subject_trajectory, Reading((everything,)))
    assert np.isnan(scores["background_change"]) and np.isnan(scores["background_drift"])
    assert scores["background_covered"] == 1.0
