"""PickScore (Table I): what people would pick, as CLIP-H tuned on their choices predicts it."""

from __future__ import annotations

from starvid_core.metrics.base import check_video, finite
from starvid_core.perception.base import Embedder
from starvid_core.video import Video


def validate(video: Video, prompt: str) -> None:
    """Refuse what is no video."""
    check_video(video)


def score(video: Video, prompt: str, embedder: Embedder) -> dict[str, float]:
    """`pick_score`: the model's scale times the cosine of prompt and frame, mean over frames;
    `pick_score_cut`: tokens of the prompt beyond what the model reads."""
    validate(video, prompt)
    cosine = float((embedder.frames(video) @ embedder.text(prompt)).mean())
    found = finite("pick_score", embedder.scale * cosine)
    return {"pick_score": found, "pick_score_cut": float(embedder.cut(prompt))}
