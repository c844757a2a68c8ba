"""Weights are found, or one line says how to fetch them; a wrong folder is refused in one line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load_file, save_file

from starvid_core import backbones, experiment, paths
from starvid_core.backbones import zeroscope
from starvid_core.errors import InputError

SIZE = {"height": 16, "width": 24, "frames": 3}
SHA = zeroscope.WEIGHTS.revision


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch) -> None:
    """No weights where they are looked for by default."""
    monkeypatch.setattr(paths, "WEIGHTS", tmp_path / "weights")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.fixture
def folder(text_to_video_folder, tmp_path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(text_to_video_folder, tmp_path / "copy"))


def cached(folder: Path, repository: str, revision: str) -> None:
    """Put a folder where huggingface_hub keeps what it has fetched."""
    place = Path(constants.HF_HUB_CACHE) / f"models--{repository.replace('/', '--')}"
    shutil.copytree(folder, place / "snapshots" / revision)


def test_missing_weights_are_one_line_with_the_command(tmp_path) -> None:
    with pytest.raises(InputError) as raised:
        backbones.load("zeroscope")
    said = str(raised.value)
    assert "\n" not in said
    assert "needs cerspense/zeroscope_v2_576w at 1f35e3d (3.7 GB)" in said
    assert said.endswith(
        f"fetch it: hf download cerspense/zeroscope_v2_576w --revision {SHA} --exclude '*.bin' "
        f"--exclude '*.pth' --exclude 'zs2_576w/*' --local-dir {tmp_path / 'weights' / 'zeroscope'}"
    )


def test_a_run_needs_the_weights_before_it_is_planned_for(folder, two_subject_trajectory) -> None:
    plan, prompt = two_subject_trajectory, two_subject_trajectory.plan.prompt
    with pytest.raises(InputError, match="zeroscope needs cerspense"):
        experiment.spec(prompt, backbone="zeroscope", plan=plan)
    shutil.copytree(folder, paths.WEIGHTS / "zeroscope")
    spec = experiment.spec(prompt, backbone="zeroscope", plan=plan)
    assert spec.checkpoint == zeroscope.WEIGHTS.identity(folder, {})
    assert (spec.sampling.steps, spec.sampling.guidance_scale) == (50, 9.0)


def test_weights_are_taken_from_their_folder_or_the_cache_of_the_hub(folder) -> None:
    with pytest.raises(InputError, match="neither in .*weights/zeroscope nor in the cache"):
        zeroscope.WEIGHTS.find()
    cached(folder, "cerspense/zeroscope_v2_576w", SHA)
    assert zeroscope.WEIGHTS.find().name == SHA
    assert zeroscope.WEIGHTS.find("cerspense/zeroscope_v2_576w").name == SHA
    shutil.copytree(folder, paths.WEIGHTS / "zeroscope")
    assert zeroscope.WEIGHTS.find() == paths.WEIGHTS / "zeroscope"
    assert zeroscope.load(device="cpu", **SIZE).frames == 3


def test_another_repository_needs_its_commit(folder) -> None:
    with pytest.raises(InputError, match="name the commit of someone/model .*model@COMMIT"):
        zeroscope.WEIGHTS.find("someone/model")
    named = f"someone/model@{'a' * 40}"
    with pytest.raises(InputError, match="fetch it: hf download someone/model --revision aaa"):
        zeroscope.WEIGHTS.find(named)
    cached(folder, "someone/model", "a" * 40)
    assert zeroscope.WEIGHTS.find(named).name == "a" * 40
    with pytest.raises(InputError, match="no/such/folder is neither a folder nor OWNER/NAME"):
        zeroscope.WEIGHTS.find("no/such/folder")


def retell(file: Path, **facts: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | facts))


def pickled(folder: Path) -> None:
    (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    (folder / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"")


def without_a_tensor(folder: Path) -> None:
    file = folder / "unet" / "diffusion_pytorch_model.safetensors"
    state = load_file(file)
    del state["conv_out.bias"]
    save_file(state, file)


def not_finite(folder: Path) -> None:
    file = folder / "vae" / "diffusion_pytorch_model.safetensors"
    state = load_file(file)
    save_file(state | {"decoder.conv_in.bias": torch.full((4,), torch.nan)}, file)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (
            lambda f: (f / "model_index.json").unlink(),
            "has no model_index.json, so no model; fetch",
        ),
        (
            lambda f: retell(f / "model_index.json", _class_name="WanPipeline"),
            "holds a WanPipeline, and zeroscope is a TextToVideoSDPipeline; fetch",
        ),
        (lambda f: shutil.rmtree(f / "vae"), "has no folder vae; fetch"),
        (lambda f: shutil.rmtree(f / "tokenizer"), "has no folder tokenizer; fetch"),
        (pickled, r"unet holds pickled weights \(diffusion_pytorch_model.bin\), which are never"),
        (
            lambda f: retell(f / "unet" / "config.json", _class_name="UNet2DConditionModel"),
            "unet holds a UNet2DConditionModel, expected a UNet3DConditionModel",
        ),
        (without_a_tensor, "does not fit a UNet3DConditionModel: missing conv_out.bias"),
        (not_finite, "vae: decoder.conv_in.bias is not finite"),
        (
            lambda f: (f / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(b"\x08"),
            "unet cannot be read as a UNet3DConditionModel",
        ),
    ],
)
def test_a_wrong_folder_is_one_line(folder: Path, damage, said: str) -> None:
    damage(folder)
    with pytest.raises(InputError, match=said) as raised:
        zeroscope.load(folder, device="cpu", **SIZE)
    assert "\n" not in str(raised.value)


def test_half_precision_is_read_where_nothing_else_is(folder: Path) -> None:
    whole = folder / "unet" / "diffusion_pytorch_model.safetensors"
    state = {name: value.half() for name, value in load_file(whole).items()}
    save_file(state, whole.with_name("diffusion_pytorch_model.fp16.safetensors"))
    whole.unlink()
    weight = zeroscope.load(folder, device="cpu", **SIZE).network.module.conv_in.weight
    assert weight.dtype == torch.float32 and weight.equal(state["conv_in.weight"].float())


def test_every_byte_of_small_files_and_the_tensors_of_large_ones_name_the_weights(folder) -> None:
    before = zeroscope.WEIGHTS.identity(folder, {})
    assert zeroscope.WEIGHTS.identity(folder, {"height": 320}) == before
    assert zeroscope.WEIGHTS.identity(folder, {"height": 256}) != before
    (folder / "README.md").write_text("not part of the model")
    assert zeroscope.WEIGHTS.identity(folder, {}) == before
    retell(folder / "scheduler" / "scheduler_config.json", beta_end=0.013)
    assert zeroscope.WEIGHTS.identity(folder, {}) != before
