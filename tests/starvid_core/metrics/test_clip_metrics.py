"""CLIP-T, CLIP-I and PickScore on embeddings written by hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from starvid_core.errors import InputError
from starvid_core.metrics import clip_i, clip_t, pick_score
from starvid_core.metrics.base import Unscored

PROMPT = "a dog runs"


@dataclass(frozen=True)
class Angles:
    """Every frame and the prompt as a direction in the plane."""

    degrees: tuple[float, ...]
    prompt: float = 0.0
    scale: float = 100.0

    def frames(self, video: np.ndarray) -> np.ndarray:
        return np.array([self._unit(angle) for angle in self.degrees])

    def text(self, prompt: str) -> np.ndarray:
        return self._unit(self.prompt)

    def cut(self, prompt: str) -> int:
        return 3

    @staticmethod
    def _unit(degrees: float) -> np.ndarray:
        return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])


def video(frames: int) -> np.ndarray:
    return np.zeros((frames, 8, 8, 3), np.uint8)


def test_clip_t_is_a_hundred_times_the_mean_cosine_of_prompt_and_frame() -> None:
    found = clip_t.score(video(3), PROMPT, Angles((0, 60, 90)))
    assert found == {"clip_t": pytest.approx(100 * (1 + 0.5 + 0) / 3), "clip_t_cut": 3.0}


def test_pick_score_is_the_models_scale_times_the_mean_cosine() -> None:
    found = pick_score.score(video(2), PROMPT, Angles((0, 60), scale=98.0))
    assert found == {"pick_score": pytest.approx(98 * 0.75), "pick_score_cut": 3.0}


def test_clip_i_is_the_mean_cosine_of_all_pairs_or_of_neighbors() -> None:
    embedder = Angles((0, 60, 120))
    assert clip_i.score(video(3), embedder)["clip_i"] == pytest.approx((0.5 + 0.5 - 0.5) / 3)
    assert clip_i.score(video(3), embedder, "adjacent")["clip_i"] == pytest.approx(0.5)
    with pytest.raises(InputError, match="unknown pairs 'some', expected all, adjacent"):
        clip_i.score(video(3), embedder, "some")


@given(st.floats(-180, 180), st.integers(2, 20), st.sampled_from(("all", "adjacent")))
def test_identical_frames_give_clip_i_one(angle: float, frames: int, pairs: str) -> None:
    found = clip_i.score(video(frames), Angles((angle,) * frames), pairs)
    assert found["clip_i"] == pytest.approx(1)


@given(st.lists(st.floats(-180, 180), min_size=2, max_size=8), st.randoms())
def test_clip_i_does_not_depend_on_the_order_of_frames(angles: list, rnd: object) -> None:
    mixed = list(angles)
    rnd.shuffle(mixed)  # type: ignore[attr-defined]
    one, other = (clip_i.score(video(len(a)), Angles(tuple(a))) for a in (angles, mixed))
    assert one["clip_i"] == pytest.approx(other["clip_i"]) and -1.001 <= one["clip_i"] <= 1.001


def test_one_frame_has_a_clip_t_and_no_clip_i() -> None:
    assert clip_t.score(video(1), PROMPT, Angles((0,)))["clip_t"] == pytest.approx(100)
    with pytest.raises(Unscored, match="1 frame where 2 are needed"):
        clip_i.score(video(1), Angles((0,)))


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((0, 8, 8, 3), np.uint8),
        np.zeros((2, 8, 8, 4), np.uint8),
        np.zeros((2, 8, 8, 3), float),
        np.zeros((8, 8, 3), np.uint8),
    ],
    ids=["no frames", "four channels", "floats", "one picture"],
)
def test_what_is_no_video_is_said_in_one_line(wrong: np.ndarray) -> None:
    for module in (clip_t, clip_i, pick_score):
        given = (PROMPT,) if module is not clip_i else ()
        with pytest.raises(Unscored, match=r"is no video; give uint8 \[frame, h, w, 3\]"):
            module.validate.__wrapped__(wrong, *given)


def test_a_model_that_sees_nothing_is_no_score() -> None:
    for module in (clip_t, pick_score):
        with pytest.raises(Unscored, match="is nan: the model saw nothing"):
            module.score(video(1), PROMPT, Angles((float("nan"),)))
    with pytest.raises(Unscored, match="clip_i is nan"):
        clip_i.score(video(2), Angles((float("nan"), 0)))
