"""The embedded backbone that was taught changes of sides: what SpatialAlign starts from.

It is `emoji` with other attention layers and another text encoder; the rest of the weights is the
same, and only what changed ships.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from starvid_core import paths
from starvid_core.artifacts import read_json, verify_manifest
from starvid_core.backbones import emoji
from starvid_core.backbones.base import Backbone
from starvid_core.errors import InputError
from starvid_core.weights import alter

SAMPLING = emoji.SAMPLING


def load(
    weights: Path | None = None, device: str = "cpu", dtype: torch.dtype = torch.float32
) -> Backbone:
    """The shipped `emoji` with the tensors of the folder `weights` in the place of its own.

    Raises InputError for files that are damaged, or that belong to another `emoji`.
    """
    place = Path(weights or paths.CHECKPOINTS / "emoji_spatial")
    fingerprint = verify_manifest(place)
    base, world = emoji.load(device=device, dtype=dtype), read_json(place / "world.json")
    wanted = read_json(place / "base.json")["checkpoint"]
    if wanted != base.fingerprint:
        raise InputError(
            f"{place} changes weights {wanted[:12]}, and those of emoji are "
            f"{base.fingerprint[:12]}; train it again: `make spatial`"
        )
    alter(base.network.module, place / "unet")
    alter(base.text_encoder, place / "text_encoder")
    return replace(
        base,
        name="emoji_spatial",
        fingerprint=fingerprint,
        subjects=frozenset(world["subjects"]),
        motions=frozenset(world["motions"]),
    )
