"""How well every frame matches the prompt: the embedded counterpart of CLIP-T.

The model, `perception.emoji_clip`, saw only the Moving-Emoji world; the number is no CLIP-T.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starvid_core.video import Video

if TYPE_CHECKING:
    from starvid_core.perception.emoji_clip import EmojiClip
else:  # the arithmetic needs no torch
    EmojiClip = Any


def score(video: Video, prompt: str, embedding: EmojiClip) -> dict[str, float]:
    """`emoji_clip_t`: cosine of prompt and frame, mean over frames, in [-1, 1];
    `emoji_clip_t_cut`: tokens of the prompt beyond what the model reads."""
    cosines = embedding.frames(video) @ embedding.text(prompt)
    return {
        "emoji_clip_t": float(cosines.mean()),
        "emoji_clip_t_cut": float(embedding.cut(prompt)),
    }
