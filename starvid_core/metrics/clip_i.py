"""CLIP-I (Table I): how alike the frames of a video are, a measure of its consistency."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from starvid_core.metrics.base import check_video, finite
from starvid_core.options import known
from starvid_core.perception.base import Embedder
from starvid_core.video import Video


def validate(video: Video) -> None:
    """Refuse what has no two frames to compare."""
    check_video(video, frames=2)


def score(video: Video, embedder: Embedder, pairs: str = "all") -> dict[str, float]:
    """`clip_i`: cosine of two frames, mean over all pairs (as the paper says) or adjacent ones."""
    compare = PAIRS[known("pairs", pairs, list(PAIRS))]
    validate(video)
    return {"clip_i": finite("clip_i", compare(embedder.frames(video)))}


def _all(frames: Float[np.ndarray, "frame dim"]) -> float:
    cosines = frames @ frames.T
    return float(cosines[np.triu_indices(len(frames), k=1)].mean())


def _adjacent(frames: Float[np.ndarray, "frame dim"]) -> float:
    return float((frames[1:] * frames[:-1]).sum(-1).mean())


PAIRS = {"all": _all, "adjacent": _adjacent}
