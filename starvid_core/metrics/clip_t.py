"""CLIP-T (Table I): how well every frame matches the prompt."""

from __future__ import annotations

from starvid_core.metrics.base import check_video, finite
from starvid_core.perception.base import Embedder
from starvid_core.video import Video


def validate(video: Video, prompt: str) -> None:
    """Refuse what is no video."""
    check_video(video)


def score(video: Video, prompt: str, embedder: Embedder) -> dict[str, float]:
    """`clip_t`: 100 times the cosine of prompt and frame, mean over frames, in [-100, 100];
    `clip_t_cut`: tokens of the prompt beyond what the model reads."""
    validate(video, prompt)
    cosine = float((embedder.frames(video) @ embedder.text(prompt)).mean())
    return {"clip_t": finite("clip_t", 100 * cosine), "clip_t_cut": float(embedder.cut(prompt))}
