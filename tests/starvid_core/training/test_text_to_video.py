"""Training: it learns, and a run that was killed goes on as if it had not been."""

import re
from dataclasses import asdict, replace
from operator import attrgetter
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from starvid_core import paths
from starvid_core.backbones import emoji, emoji_spatial
from starvid_core.errors import InputError
from starvid_core.moving_emoji.codec import CodecConfig, PatchCodec
from starvid_core.moving_emoji.model import ModelConfig, build_tokenizer, build_unet
from starvid_core.moving_emoji.world import FIRST
from starvid_core.training import text_to_video
from starvid_core.training.recipe import Stage, TrainConfig
from starvid_core.training.text_to_video import Trainer, still_images
from starvid_core.weights import alter

TINY_CODEC = CodecConfig(8, 4, (8, 8), 4)
TINY = TrainConfig(
    world="first",
    model=ModelConfig(TINY_CODEC, (16, 16), head=16, groups=8, text_width=32, text_layers=1),
    stages=(
        Stage("images", 3, 4, 1e-3, images=True, warmup=1),
        Stage("videos", 3, 2, 1e-3, images=False, spatial_rate=0.3, warmup=1),
    ),
    checkpoint_every=2,
    workers=0,
)

FRAME = torch.linspace(-1, 1, 3 * 8 * 8).reshape(1, 3, 1, 8, 8)


@pytest.fixture(scope="module")
def codec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("codec")
    PatchCodec(**asdict(TINY_CODEC)).save_pretrained(folder)
    return folder


def test_the_tokenizer_keeps_known_words_whole_and_reads_any_text() -> None:
    tokenizer = build_tokenizer(["A man rides a bicycle."] * 9, 16)
    assert tokenizer.tokenize("Man") == ["man</w>"]
    for text in ("zebra", "ünïcode", "\U0001f600", "a\x00b"):
        ids = tokenizer(text).input_ids
        assert tokenizer.unk_token_id not in ids[1:-1]


def test_temporal_layers_are_the_identity_at_first_so_that_images_may_skip_them() -> None:
    torch.manual_seed(0)
    unet = build_unet(TINY.model, FIRST).eval()
    z, text = torch.randn(2, 4, 1, 6, 12), torch.randn(2, 7, 32)
    whole = unet(z, 5, text).sample
    with still_images(unet):
        assert torch.allclose(unet(z, 5, text).sample, whole, atol=1e-5)
    assert torch.equal(unet(z, 5, text).sample, whole)


def test_a_killed_training_goes_on_to_the_same_weights(tmp_path: Path, codec: Path) -> None:
    through = Trainer(TINY, tmp_path / "through", "cpu", codec)
    through.run()
    cut = Trainer(replace(TINY, stages=(TINY.stages[0],)), tmp_path / "cut", "cpu", codec)
    cut.run()
    cut.log.add("images", 4, 16, 0.5, 0.1)  # a step after the checkpoint, lost by the kill
    again = Trainer(TINY, tmp_path / "cut", "cpu", codec)
    again.run()
    assert again.seen == through.seen == 3 * 4 + 3 * 2
    resumed = again.average.state_dict()
    for name, value in through.average.state_dict().items():
        assert torch.allclose(value, resumed[name], atol=1e-4), name
    lines = (tmp_path / "cut" / "log.csv").read_text().splitlines()
    assert len(lines) == 1 + 6


def test_what_training_exports_loads_as_a_backbone(tmp_path: Path, codec: Path) -> None:
    trainer = Trainer(TINY, tmp_path, "cpu", codec)
    trainer.export(tmp_path / "model")
    backbone = emoji.load(tmp_path / "model")
    assert backbone.latent_shape == (4, 8, 8, 16)
    assert backbone.subjects == frozenset(FIRST.subjects)
    assert backbone.encode_text(["A man runs."]).shape == (1, 64, 32)


def test_training_can_begin_with_an_exported_model(tmp_path: Path, codec: Path) -> None:
    Trainer(replace(TINY, seed=5), tmp_path, "cpu", codec).export(tmp_path / "model")
    other = Trainer(TINY, tmp_path / "other", "cpu", codec, start=tmp_path / "model")
    weights, shipped = other.model.unet, emoji.load(tmp_path / "model").network.module
    assert torch.equal(weights.conv_in.weight, shipped.conv_in.weight)
    assert torch.equal(other.average.unet.conv_in.weight, weights.conv_in.weight)
    assert all(p.requires_grad for p in other.model.parameters())


def test_what_a_recipe_leaves_alone_stays_and_what_it_teaches_ships_on_its_own(
    tmp_path: Path, codec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints = tmp_path / "checkpoints"
    Trainer(TINY, tmp_path / "first", "cpu", codec).export(checkpoints / "emoji")
    taught = replace(TINY, learning="attentions|transformer_in|text_encoder")
    monkeypatch.setitem(text_to_video.RECIPES, "first", taught)
    monkeypatch.setattr(text_to_video, "BUILD", tmp_path)
    monkeypatch.setattr(paths, "CHECKPOINTS", checkpoints)
    folder = text_to_video.train("first", start=checkpoints / "emoji")
    changed = load_file(folder / "unet" / "changed.safetensors")
    assert changed and all(re.search(taught.learning, name) for name in changed)
    assert any("transformer_in" in name for name in changed)
    whole = emoji.load(tmp_path / "train" / "first" / "model")
    parts = emoji_spatial.load(folder)
    for part in ("network.module", "text_encoder"):
        expected = attrgetter(part)(whole).state_dict()
        for name, value in attrgetter(part)(parts).state_dict().items():
            assert value.equal(expected[name]), name
    assert parts.name == "emoji_spatial" and parts.fingerprint != whole.fingerprint
    Trainer(replace(TINY, seed=5), tmp_path / "other", "cpu", codec).export(checkpoints / "emoji")
    with pytest.raises(InputError, match="changes weights .* train it again: `make spatial`"):
        emoji_spatial.load(folder)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"other": torch.ones(1)}, "has an unknown tensor other"),
        ({"bias": torch.ones(3)}, "bias has shape"),
        ({"bias": torch.tensor([1.0, torch.inf])}, "bias is not finite"),
    ],
)
def test_changed_tensors_that_do_not_fit_are_refused(tmp_path: Path, state, said: str) -> None:
    save_file(state, tmp_path / "changed.safetensors")
    with pytest.raises(InputError, match=said):
        alter(torch.nn.Linear(2, 2), tmp_path)


def test_a_resumed_run_keeps_the_tokenizer_that_it_began_with(
    tmp_path: Path, codec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = Trainer(TINY, tmp_path, "cpu", codec)
    begun.save()
    monkeypatch.setattr(text_to_video, "varied", lambda scene, rng: "Other words entirely.")
    again = Trainer(TINY, tmp_path, "cpu", codec)
    assert again.tokenizer.get_vocab() == begun.tokenizer.get_vocab()
    assert torch.allclose(again.codec.encode(FRAME), begun.codec.encode(FRAME), atol=1e-2)


def test_a_changed_weight_file_is_refused_by_its_hash(tmp_path: Path, codec: Path) -> None:
    Trainer(TINY, tmp_path, "cpu", codec).export(tmp_path / "model")
    file = next((tmp_path / "model" / "unet").glob("*.safetensors"))
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(InputError, match="sha256"):
        emoji.load(tmp_path / "model")
