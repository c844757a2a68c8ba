"""What the embedding says of runs: counterparts of CLIP-T, CLIP-I and PickScore, kept in files.

These are no published metrics; `data/checkpoints/README.md` says what the model was trained on.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starvid_core import paths
from starvid_core.artifacts import fingerprint, read_json, sha256_files, sha256_text, write_json
from starvid_core.experiment import Run
from starvid_core.video import Video

if TYPE_CHECKING:
    from starvid_core.perception.emoji_clip import EmojiClip
else:  # finding scores must not wait for torch
    EmojiClip = Any


def scores(runs: Iterable[Run]) -> list[dict[str, float]]:
    """One row for every run; kept in files, so that the embedding looks once."""
    found = []
    for run in runs:
        path = paths.RUNS / "scores" / f"{run.folder.name}-{reading()}.json"
        if not path.is_file():
            write_json(path, score(run.video, run.trajectory.plan.prompt, shipped()))
        found.append(read_json(path))
    return found


def score(video: Video, prompt: str, embedding: EmojiClip) -> dict[str, float]:
    """Every counterpart's score of one video for its prompt."""
    from starvid_core.metrics import emoji_clip_i, emoji_clip_t, emoji_preference

    return (
        emoji_clip_t.score(video, prompt, embedding)
        | emoji_clip_i.score(video, embedding)
        | emoji_preference.score(video, prompt, embedding)
    )


@cache
def shipped() -> EmojiClip:
    """The embedding of `data/checkpoints/embedding`."""
    from starvid_core.perception import emoji_clip

    return emoji_clip.load()


@cache
def reading() -> str:
    """Names the embedding's weights and the code of its metrics."""
    code = sorted((Path(__file__).parent / "metrics").glob("emoji_*.py"))
    return sha256_text(fingerprint(paths.CHECKPOINTS / "embedding") + sha256_files(code))[:12]
