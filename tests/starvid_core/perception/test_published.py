"""Published weights: found, checked, loaded whole, or refused in a line that says what to do."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import CLIPImageProcessorPil, CLIPModel

from starvid_core import machine
from starvid_core.errors import InputError
from starvid_core.perception import clip, grounding_dino
from starvid_core.perception.latest import Latest
from starvid_core.published import loading
from starvid_core.published.pretrained import (
    CLIP_VIT_L,
    GROUNDING_DINO,
    LLAVA,
    PICK_SCORE,
    WEIGHTS,
    Found,
    Pretrained,
)

NOISE = np.random.default_rng(0).integers(0, 256, (5, 48, 96, 3), dtype=np.uint8)
OTHER = Pretrained("someone/tiny", "0" * 40, 0.1)


@pytest.fixture
def own(models: Path, tmp_path: Path) -> Path:
    """A copy of the tiny CLIP that a test may damage."""
    return Path(shutil.copytree(models / CLIP_VIT_L.name, tmp_path / "tiny"))


@pytest.fixture(scope="module")
def tiny_clip(tiny_models: Path) -> clip.Clip:
    return clip.load(Found(tiny_models / CLIP_VIT_L.name, ""), "cpu", batch=2)


@pytest.fixture(scope="module")
def tiny_dino(tiny_models: Path) -> grounding_dino.GroundingDino:
    return grounding_dino.load(Found(tiny_models / GROUNDING_DINO.name, ""), "cpu", batch=2)


def test_missing_weights_say_which_how_large_where_and_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(InputError) as told:
        PICK_SCORE.find(tmp_path)
    assert str(told.value) == (
        f"no weights of yuvalkirstain/PickScore_v1 (3.9 GB) in {tmp_path}/PickScore_v1; fetch "
        "them: `hf download yuvalkirstain/PickScore_v1 --revision "
        "a4e4367c6dfa7288a00c550414478f865b875800 --include '*.json' --include '*.txt' --include "
        f"'model.safetensors' --local-dir {tmp_path}/PickScore_v1`"
    )


def test_without_a_folder_the_cache_of_hugging_face_is_searched_and_nothing_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    with pytest.raises(InputError, match="in the cache of Hugging Face; fetch them"):
        OTHER.find()
    held = cache / "models--someone--tiny" / "snapshots" / OTHER.revision
    held.mkdir(parents=True)
    (held / WEIGHTS).write_bytes(b"weights")
    assert OTHER.find().folder == held


def test_weights_that_are_not_the_published_ones_are_refused(models: Path) -> None:
    source = Pretrained(f"someone/{CLIP_VIT_L.name}", "0", 1, sha256="f" * 64)
    with pytest.raises(InputError, match="has sha256 .*, not ffffffffffff... of someone/clip-vit"):
        source.find(models)


def test_pinned_models_are_commits_with_the_hash_of_their_weights() -> None:
    for source in (CLIP_VIT_L, PICK_SCORE, GROUNDING_DINO, LLAVA):
        assert len(source.revision) == 40
    assert len(CLIP_VIT_L.sha256) == len(GROUNDING_DINO.sha256) == 64


def damaged(folder: Path, change: str) -> None:
    state = load_file(folder / WEIGHTS)
    name = "text_projection.weight"
    if change == "misses":
        del state[name]
    elif change == "adds":
        state["surplus"] = torch.ones(1)
    elif change == "not finite":
        state[name][0, 0] = torch.nan
    elif change == "shape":
        state[name] = state[name][:1].clone()
    save_file(state, folder / WEIGHTS, metadata={"format": "pt"})
    if change == "cut":
        (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:1000])
    if change == "pickle":
        (folder / WEIGHTS).rename(folder / "pytorch_model.bin")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("misses", "does not fit a CLIPModel: missing text_projection.weight"),
        ("adds", "does not fit a CLIPModel: unexpected surplus"),
        ("not finite", "text_projection.weight is not finite"),
        ("shape", "cannot be read as a CLIPModel|mismatched text_projection.weight"),
        ("cut", "cannot be read as a CLIPModel"),
        ("pickle", "cannot be read as a CLIPModel"),
    ],
)
def test_damaged_weights_are_one_line(own: Path, change: str, said: str) -> None:
    damaged(own, change)
    with pytest.raises(InputError, match=said) as told:
        loading.model(CLIPModel, own)
    assert "\n" not in str(told.value)


def test_a_folder_without_an_image_processor_is_one_line(own: Path) -> None:
    (own / "preprocessor_config.json").unlink()
    with pytest.raises(InputError, match="holds no CLIPImageProcessorPil"):
        loading.processor(CLIPImageProcessorPil, own)


def test_a_tokenizer_that_transformers_makes_up_is_refused(own: Path, models: Path) -> None:
    for file in ("tokenizer.json", "tokenizer_config.json"):
        (own / file).unlink()
    with pytest.raises(InputError, match="holds no whole CLIPTokenizer: "):
        clip.load(Found(own, ""), "cpu")


def test_clip_gives_unit_vectors_whatever_the_batch(tiny_clip: clip.Clip) -> None:
    seen = tiny_clip.frames(NOISE)
    assert seen.shape == (5, 8) and np.allclose(np.linalg.norm(seen, axis=1), 1, atol=1e-6)
    whole = replace(tiny_clip, batch=99, _latest=Latest())
    assert np.allclose(whole.frames(NOISE), seen, atol=1e-6)
    assert np.isclose(np.linalg.norm(tiny_clip.text("a dog runs")), 1)


def test_half_precision_does_not_round_the_scale(
    tiny_clip: clip.Clip, tiny_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "precision", lambda place: torch.float16)
    half = clip.load(Found(tiny_models / CLIP_VIT_L.name, ""), "cpu")
    assert half.model.dtype == torch.float16 and half.scale == tiny_clip.scale
    assert np.allclose(half.frames(NOISE), tiny_clip.frames(NOISE), atol=5e-3)
    assert half.text("a dog runs").dtype == np.float32


def test_clip_is_what_transformers_computes(tiny_clip: clip.Clip) -> None:
    words = tiny_clip.tokenizer(["a dog runs"], return_tensors="pt")
    pixels = tiny_clip.processor(images=list(NOISE), return_tensors="pt")
    with torch.no_grad():
        theirs = tiny_clip.model(**words, **pixels).logits_per_image[:, 0].numpy()
    ours = tiny_clip.scale * tiny_clip.frames(NOISE) @ tiny_clip.text("a dog runs")
    assert np.allclose(ours, theirs, atol=1e-5)


def test_clip_counts_the_tokens_that_it_cannot_read(tiny_clip: clip.Clip) -> None:
    assert tiny_clip.cut("a dog runs") == 0
    long = "dog " * 100
    count = len(tiny_clip.tokenizer(long, verbose=False).input_ids)
    assert tiny_clip.cut(long) == count - 77 > 0 and tiny_clip.text(long).shape == (8,)


def test_a_video_is_looked_at_once(tiny_clip: clip.Clip) -> None:
    assert tiny_clip.frames(NOISE) is tiny_clip.frames(NOISE)
    assert tiny_clip.frames(NOISE) is not tiny_clip.frames(NOISE.copy())


def test_each_name_is_a_query_of_its_own(
    tiny_dino: grounding_dino.GroundingDino, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grounding_dino, "BOX_THRESHOLD", 0.0)
    both = tiny_dino.find(NOISE[:3], ("dog", "Polar Bear"))
    alone = tiny_dino.find(NOISE[:3], ("dog",))
    assert len(both) == len(alone) == 3
    for whole, first in zip(both, alone, strict=True):
        assert whole[: len(first)] == first and len(whole) > len(first)
        assert all("polar" in d.name or "bear" in d.name or "dog" not in d.name for d in whole[6:])


def test_detections_are_what_the_processor_makes_of_the_models_output(
    tiny_dino: grounding_dino.GroundingDino,
) -> None:
    given = tiny_dino.processor(images=[NOISE[0]], text=["dog."], return_tensors="pt")
    with torch.no_grad():
        [theirs] = tiny_dino.processor.post_process_grounded_object_detection(
            tiny_dino.model(**given), given.input_ids, threshold=0.4, text_threshold=0.25
        )
    [ours] = tiny_dino.find(NOISE[:1], ("dog",))
    assert [d.name for d in ours] == theirs["text_labels"]
    assert np.allclose([d.score for d in ours], theirs["scores"], atol=1e-6)
