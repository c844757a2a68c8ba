"""Generated clips beside real renders: the scene is the same, and the verdict follows the rows."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from starvid_core import experiment, paths
from starvid_core.checks import renders
from starvid_core.checks.renders import Difference
from starvid_core.perception.base import Detection
from starvid_core.scene import Box, Trajectory

PROMPT = "a dog runs and a cat jumps on the grass"


class Blind:
    """A judge that sees nothing, so that every pixel is background."""

    def detect(self, video: np.ndarray) -> tuple[tuple[Detection, ...], ...]:
        return ((),) * len(video)

    def motion(self, video: np.ndarray, row: tuple[Box | None, ...]) -> dict[str, float]:
        return {}


@pytest.mark.parametrize(
    ("prompt", "place"),
    [
        ("A dog is running in the snow.", "snow"),
        ("In the hot sand, a dog runs.", "desert"),
        ("At night, a bird flies.", "night"),
        ("A dog is running.", "grass"),
    ],
)
def test_the_place_of_a_prompt_is_read(prompt: str, place: str) -> None:
    assert renders.place_of(prompt) == place


def test_a_render_has_the_size_and_the_subjects_of_the_plan(
    two_subject_trajectory: Trajectory,
) -> None:
    video = renders.rendered(two_subject_trajectory, (5, 48, 96))
    assert video.shape == (5, 48, 96, 3) and video.dtype == np.uint8
    assert np.array_equal(video, renders.rendered(two_subject_trajectory, (5, 48, 96)))
    assert not np.array_equal(video, renders.rendered(two_subject_trajectory, (5, 48, 96), 1))
    assert not np.array_equal(video[0], video[-1])


def test_runs_are_compared_prompt_by_prompt(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tiny_backbone,
    tiny_embedding,
    two_subject_trajectory: Trajectory,
) -> None:
    monkeypatch.setattr(paths, "RUNS", tmp_path)
    specs = [
        experiment.spec(PROMPT, "none", seed, tiny_backbone, two_subject_trajectory, steps=1)
        for seed in range(2)
    ]
    runs = experiment.ensure(specs, tiny_backbone, progress=False)
    rows = renders.compared("plain", runs, Blind(), tiny_embedding)
    assert [row.measure for row in rows] == list(renders.TOLERANCE)
    assert all(row.clips == 2 and row.left_out == 0 for row in rows)
    for row in rows:
        assert row.difference == pytest.approx(row.generated - row.rendered)
        assert row.low == row.high == pytest.approx(row.difference)  # of one prompt


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(-0.004, 0.009, "within"), (0.012, 0.02, "outside"), (-0.03, -0.02, "outside")]
    + [(0.005, 0.02, "open")],
)
def test_the_verdict_is_of_the_whole_interval(low: float, high: float, verdict: str) -> None:
    row = Difference("plain", "emoji_clip_i", 9, 0, 0.9, 0.9, 0.0, low, high, 0.01)
    assert row.verdict == verdict
    assert replace(row, tolerance=1.0).verdict == "within"
