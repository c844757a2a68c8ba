"""What every backbone gives, and how one is found."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from starvid_core import backbones
from starvid_core.backbones.base import Codec
from starvid_core.discovery import find, names
from starvid_core.errors import InputError
from starvid_core.noise import noise


@pytest.mark.parametrize("name", names(backbones))
def test_every_file_in_backbones_can_be_loaded_by_name(name: str) -> None:
    assert callable(find(backbones, name).load)


@pytest.mark.parametrize("name", [name for name in names(backbones) if "emoji" not in name])
def test_every_published_backbone_names_its_commit_and_its_setting(name: str) -> None:
    file = find(backbones, name)
    assert file.WEIGHTS.name == name and re.fullmatch("[0-9a-f]{40}", file.WEIGHTS.revision)
    assert {"height", "width", "frames"} <= set(file.WEIGHTS.options)
    assert file.SAMPLING.steps == 50 and file.__doc__


def test_an_unknown_backbone_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(InputError, match="backbone 'moji' is unknown"):
        backbones.load("moji")
    with pytest.raises(InputError, match="backbone 'base' is unknown"):
        backbones.load("base")


def test_the_initial_noise_is_keyed_by_seed_alone(tiny_backbone) -> None:
    z = tiny_backbone.initial_noise([4, 5])
    assert z.shape == (2, *tiny_backbone.latent_shape) == (2, 4, 3, 8, 12)
    assert z[1].equal(noise(tiny_backbone.latent_shape, 5, "latents"))
    assert z[1:].equal(tiny_backbone.initial_noise([5]))


def test_text_is_padded_to_the_limit_of_the_tokenizer(tiny_backbone) -> None:
    text = tiny_backbone.encode_text(["a dog runs", "", "a cat"])
    assert text.shape == (3, 77, 16)
    torch.testing.assert_close(text[:1], tiny_backbone.encode_text(["a dog runs"]))
    assert not text.requires_grad


def test_a_prompt_that_would_be_cut_short_is_refused(tiny_backbone) -> None:
    tiny_backbone.encode_text(["a " * 75])
    with pytest.raises(InputError, match="a prompt has 78 tokens and tiny reads 77; shorten it"):
        tiny_backbone.encode_text(["a dog", "a " * 76])


def test_videos_are_bytes_and_survive_the_codec(tiny_backbone) -> None:
    z = torch.zeros(2, *tiny_backbone.latent_shape)
    z[0], z[1, 0] = 9.0, -9.0
    bright, cyan = tiny_backbone.decode(z)
    assert bright.dtype == np.uint8
    assert bright.shape == (3, 32, 48, 3)
    assert (bright == 255).all()
    assert cyan[0, 0, 0].tolist() == [0, 128, 128]
    assert isinstance(tiny_backbone.codec, Codec)


def test_the_codec_undoes_itself_on_its_own_videos(tiny_backbone) -> None:
    z = tiny_backbone.initial_noise([1]) / 3
    back = tiny_backbone.codec.encode(tiny_backbone.codec.decode(z))
    torch.testing.assert_close(back[:, :3], z[:, :3].tanh())


def test_a_frame_that_the_codec_cannot_divide_is_refused(tiny_backbone) -> None:
    with pytest.raises(InputError, match="34x48 pixels must be divisible by 4"):
        replace(tiny_backbone, height=34)
