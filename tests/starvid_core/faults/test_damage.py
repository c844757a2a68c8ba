"""One byte of anything that ships is changed: it is always found, and named."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from starvid_core import backbones, manifests, paths
from starvid_core.artifacts import listed
from starvid_core.errors import InputError

FLIPS = 100


def test_a_hundred_changed_bytes_of_what_ships_are_found(tmp_path: Path) -> None:
    rng = random.Random(0)
    folders = manifests.shipped()
    copies = [Path(shutil.copytree(f, tmp_path / f.name)) for f in folders]
    for number in range(FLIPS):
        copy = copies[number % len(copies)]
        file = copy / rng.choice(sorted(listed(copy)))
        with file.open("r+b") as opened:
            place = rng.randrange(max(file.stat().st_size, 1))
            opened.seek(place)
            byte = opened.read(1)
            opened.seek(place)
            opened.write(bytes([byte[0] ^ 1 << rng.randrange(8)]))
        (line,) = manifests.differences(copy)
        assert str(file) in line and "sha256" in line
        with file.open("r+b") as opened:
            opened.seek(place)
            opened.write(byte)
    assert not any(manifests.differences(copy) for copy in copies)


def test_a_model_with_a_changed_byte_is_not_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(paths.CHECKPOINTS / "emoji", tmp_path / "emoji")
    monkeypatch.setattr(paths, "CHECKPOINTS", tmp_path)
    (weights,) = sorted((tmp_path / "emoji" / "unet").glob("*.safetensors"))[:1]
    changed = bytearray(weights.read_bytes())
    changed[-1] ^= 1
    weights.write_bytes(changed)
    with pytest.raises(InputError, match=f"{weights.name} does not have the sha256"):
        backbones.load("emoji")
