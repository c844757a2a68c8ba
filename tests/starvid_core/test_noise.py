"""Noise that is the same on every machine."""

import hashlib

import torch

from starvid_core.noise import noise


def test_the_bytes_of_a_seed_never_change() -> None:
    digest = hashlib.sha256(noise((4, 3, 5, 7), 7, "latents").numpy().tobytes()).hexdigest()
    assert digest == "af95d0a5ddbabb631d05041ae395a2f4ff9e58c0c3c884c0b063a7c6b16c409b"


def test_noise_depends_on_seed_and_name_alone() -> None:
    first = noise((100,), 1, "latents")
    assert first.equal(noise((100,), 1, "latents"))
    assert not first.equal(noise((100,), 2, "latents"))
    assert not first.equal(noise((100,), 1, "step 0"))
    assert not noise((100,), 1, "1:x").equal(noise((100,), 11, "x"))


def test_noise_is_standard_normal() -> None:
    values = noise((100_000,), 3, "latents")
    assert values.dtype == torch.float32
    assert abs(values.mean().item()) < 0.02
    assert abs(values.std().item() - 1) < 0.02
