"""The command line as a function, a browser, and tiny random models of the published classes."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import CLIPTokenizer
from transformers.utils import logging

from starvid_core import cli
from starvid_core.artifacts import sha256_file
from starvid_core.published.pretrained import CLIP_VIT_L, GROUNDING_DINO, PICK_SCORE, WEIGHTS
from starvid_core.scoring import judges
from starvid_core.scoring.looks import Detecting, Embedding

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "dog", "cat", "polar", "bear", "a")


@pytest.fixture
def starvid(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable:
    """Run the command; return exit code, output and errors."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["starvid", *map(str, arguments)])
        monkeypatch.setattr(sys, "excepthook", sys.excepthook)
        with pytest.raises(SystemExit) as end:
            cli.main()
        written = capsys.readouterr()
        return int(end.value.code or 0), written.out, written.err

    return run


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A Chromium of this machine, without a window."""
    playwright = pytest.importorskip("playwright.sync_api")
    own = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
    if own is None:
        pytest.skip("needs a browser: apt-get install chromium")
    with playwright.sync_playwright() as started:
        # As root, Chromium refuses to run in its own sandbox.
        found = started.chromium.launch(executable_path=own, args=["--no-sandbox"])
        yield found
        found.close()


def make_clip(folder: Path, tokenizer: CLIPTokenizer) -> None:
    """CLIP with one layer of 16 for pictures of 32x32."""
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel

    layer = {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }
    text = layer | {
        "vocab_size": len(tokenizer),
        "max_position_embeddings": 77,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    seen = layer | {"image_size": 32, "patch_size": 16}
    CLIPModel(CLIPConfig(text_config=text, vision_config=seen, projection_dim=8)).save_pretrained(
        folder
    )
    tokenizer.save_pretrained(folder)
    side = {"height": 32, "width": 32}
    CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=side).save_pretrained(folder)


def make_grounding_dino(folder: Path) -> None:
    """GroundingDINO with one layer of everything, for pictures of 64 pixels."""
    # Imported here, because only few tests need them and they take seconds.
    from transformers import (
        BertConfig,
        BertTokenizer,
        GroundingDinoConfig,
        GroundingDinoForObjectDetection,
        GroundingDinoImageProcessorPil,
        SwinConfig,
    )

    words = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=64,
    )
    pictures = SwinConfig(
        image_size=64,
        embed_dim=8,
        depths=[1, 1, 1, 1],
        num_heads=[1, 1, 2, 2],
        window_size=2,
        out_features=["stage2", "stage3", "stage4"],
    )
    config = GroundingDinoConfig(
        backbone_config=pictures,
        text_config=words,
        num_queries=6,
        encoder_layers=1,
        decoder_layers=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        d_model=32,
        max_text_len=32,
        disable_custom_kernels=True,
    )
    GroundingDinoForObjectDetection(config).save_pretrained(folder)
    BertTokenizer(vocab={word: n for n, word in enumerate(WORDS)}).save_pretrained(folder)
    size = {"shortest_edge": 64, "longest_edge": 96}
    GroundingDinoImageProcessorPil(size=size).save_pretrained(folder)


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory, tokenizer: CLIPTokenizer) -> Path:
    """A folder of weights as `--models` wants it; do not change it, every test shares it."""
    folder = tmp_path_factory.mktemp("models")
    logging.disable_progress_bar()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        make_clip(folder / CLIP_VIT_L.name, tokenizer)
        make_clip(folder / PICK_SCORE.name, tokenizer)
        make_grounding_dino(folder / GROUNDING_DINO.name)
    return folder


@pytest.fixture
def models(tiny_models: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny models in the place of the published ones."""
    served = judges.JUDGES["published"]
    tiny = {
        source: replace(source, sha256=sha256_file(tiny_models / source.name / WEIGHTS))
        for source in (CLIP_VIT_L, PICK_SCORE, GROUNDING_DINO)
    }
    clip = judges.of_weights(Embedding, tiny[CLIP_VIT_L])
    detector = judges.of_weights(Detecting, tiny[GROUNDING_DINO])
    monkeypatch.setitem(served, "pick_score", judges.of_weights(Embedding, tiny[PICK_SCORE]))
    for metric, kind in (("clip_t", clip), ("clip_i", clip), ("numeracy", detector)):
        monkeypatch.setitem(served, metric, kind)
    monkeypatch.setitem(served, "layout", detector)
    return tiny_models
