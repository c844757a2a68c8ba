"""How a clip would fare beside another of its prompt: PickScore's embedded counterpart.

No person's choice is in it: the head behind it learned to prefer clean renders to spoiled or wrong
ones (grain, a subject missing, too many, of another kind or half drawn, frozen, flickering), see
`perception.emoji_preference`. It is not PickScore (Table I).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starvid_core.video import Video

if TYPE_CHECKING:
    from starvid_core.perception.emoji_clip import EmojiClip
else:  # the arithmetic needs no torch
    EmojiClip = Any


def score(video: Video, prompt: str, embedding: EmojiClip) -> dict[str, float]:
    """`emoji_preference`: a log-odds; clip A is preferred to B with probability sigmoid(A - B)."""
    return {"emoji_preference": embedding.preference(video, prompt)}
