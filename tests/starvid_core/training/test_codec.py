"""Training of the codec: it learns detail, and it writes what a model can be trained with."""

from pathlib import Path

import pytest
import torch

from starvid_core.artifacts import read_json, verify_manifest
from starvid_core.moving_emoji.codec import CodecConfig, PatchCodec, load_codec, psnr
from starvid_core.moving_emoji.world import FIRST
from starvid_core.training import codec
from starvid_core.training.fit import Fit

TINY = CodecConfig(8, 8, (16, 16), 4)


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(codec, "BUILD", tmp_path)
    return tmp_path


def test_the_decoder_learns_what_the_components_leave_out() -> None:
    torch.manual_seed(0)
    model, video = PatchCodec(8, 8, (16, 16), 4), codec.frames(FIRST, 4, 5)
    model.fit(video)
    optimizer = torch.optim.Adam(model.parameters(), 5e-3)
    losses = []
    for _ in range(120):
        losses.append(codec.loss_of(model, video))
        optimizer.zero_grad()
        losses[-1].backward()
        optimizer.step()
    assert losses[-1].item() < 0.8 * losses[0].item()


def test_training_writes_a_codec_whose_latents_have_unit_variance(build: Path) -> None:
    folder = codec.train("first", TINY, Fit("codec", 2, 2, workers=0))
    verify_manifest(folder)
    told = read_json(folder / "accuracy.json")
    assert told["psnr"] > 15 and told["linear_psnr"] > 15
    z = load_codec(folder / "codec").encode(codec.frames(FIRST, 8, 5))
    assert z.shape == (8, 8, 1, 8, 16) and 0.7 < float(z.std()) < 1.3


def test_a_finished_training_is_not_done_again(build: Path) -> None:
    short = Fit("codec", 4, 2, checkpoint_every=2, workers=0)
    log = codec.train("first", TINY, short).parent / "codec.csv"
    before = log.read_text()
    codec.train("first", TINY, short)
    assert log.read_text() == before


def test_with_all_components_the_untrained_codec_is_the_identity() -> None:
    whole = PatchCodec(4, 48, (8,), 4)
    video = codec.frames(FIRST, 8, 5)
    whole.fit(video)
    with torch.no_grad():
        assert psnr(whole.decode(whole.encode(video)), video) > 60
