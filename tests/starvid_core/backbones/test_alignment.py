"""SpatialAlign's training on a published transformer: the same code as for the embedded model."""

import math
from pathlib import Path

import numpy as np
import pytest

from starvid_core import lora
from starvid_core.backbones import wan
from starvid_core.finetuning.clips import Clips
from starvid_core.finetuning.pairs import Choice, Record
from starvid_core.finetuning.recipe import Recipe
from starvid_core.finetuning.training import train

SIZE = {"height": 32, "width": 48, "frames": 5, "blocks": (0,)}


def video_of(record: Record) -> np.ndarray:
    return np.full((5, 32, 48, 3), 40 * (record.seed + 1), np.uint8)


def test_a_lora_of_wan_is_trained_saved_and_used(folders: dict[str, Path], tmp_path: Path) -> None:
    backbone = wan.load(folders["wan"], device="cpu", **SIZE)
    prompt = "a dog runs and a cat jumps on the grass"
    records = [Record(prompt, seed, str(seed), score) for seed, score in enumerate((0.9, 0.1))]
    clips = Clips(backbone, {prompt: Choice((records[0],), (records[1],))}, 0, read=video_of)
    assert clips.latents(records[0]).shape == backbone.latent_shape
    recipe = Recipe(steps=2, pairs=1, part=1, rank=2, alpha=2)
    out = train(backbone, clips, recipe, tmp_path / "run", tmp_path / "lora", {})
    rows = (out / "log.csv").read_text().splitlines()
    assert float(rows[1].split(",")[1]) == pytest.approx(math.log(2), abs=1e-6)
    part = clips.part(0, 1)
    before = backbone.network.predict(part.winner, 500, part.text)
    with lora.applied(backbone.network.module, out):
        assert not np.array_equal(
            before.detach(), backbone.network.predict(part.winner, 500, part.text).detach()
        )
    assert np.array_equal(
        before.detach(), backbone.network.predict(part.winner, 500, part.text).detach()
    )
