"""LoRA: only where the text is read, nothing at first, gone without a trace, and peft reads it."""

import copy
import json
from pathlib import Path

import pytest
import torch
from diffusers import UNet3DConditionModel, WanTransformer3DModel
from peft import PeftModel
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from starvid_core import lora
from starvid_core.adapters import CONFIG, WEIGHTS
from starvid_core.errors import InputError
from starvid_core.passes.prefix import attention_maps
from starvid_core.unet import UNet

Z = torch.linspace(-1, 1, 2 * 4 * 3 * 8 * 12).reshape(2, 4, 3, 8, 12)
TEXT = torch.linspace(-1, 1, 2 * 7 * 16).reshape(2, 7, 16)


@pytest.fixture
def unet(tiny_backbone) -> UNet3DConditionModel:
    # Frozen as loaded models are: kernels of weights that learn round otherwise.
    return copy.deepcopy(tiny_backbone.network.module).requires_grad_(False)


def output(unet: nn.Module) -> Tensor:
    with torch.no_grad():
        return unet(Z, 5, TEXT).sample


def trained(unet: nn.Module, rank: int = 4) -> lora.Adapter:
    """A LoRA that changes something."""
    adapter = lora.inject(unet, seed=1, rank=rank, alpha=rank)
    draw = torch.Generator().manual_seed(2)
    for parameter in adapter.parameters.values():
        parameter.data += 0.3 * torch.randn(parameter.shape, generator=draw)
    return adapter


def test_only_keys_and_values_of_the_text_are_trained(unet) -> None:
    names = lora.targets(unet)
    assert len(names) == 14 and all(".attentions." in name for name in names)
    assert not [n for n in names if "temp_attentions" in n or "transformer_in" in n]
    adapter = lora.inject(unet, seed=0)
    learning = {name for name, p in unet.named_parameters() if p.requires_grad}
    assert len(learning) == len(adapter.parameters) == 2 * 14
    assert all(p.dtype == torch.float32 for p in adapter.parameters.values())


def test_the_targets_of_zeroscope_are_those_of_the_specification() -> None:
    with torch.device("meta"):
        unet = UNet3DConditionModel()
        names = lora.targets(unet)
        shapes = [unet.get_submodule(name).weight.shape for name in names]
    assert len(names) == 32
    assert sum(16 * (rows + columns) for rows, columns in shapes) == 923_648


def test_a_transformer_is_trained_at_its_text_too() -> None:
    wan = WanTransformer3DModel(
        patch_size=(1, 2, 2),
        num_attention_heads=2,
        attention_head_dim=8,
        in_channels=4,
        out_channels=4,
        text_dim=16,
        freq_dim=16,
        ffn_dim=32,
        num_layers=2,
    )
    names = lora.targets(wan)
    assert names == (
        "condition_embedder.text_embedder.linear_1",
        "condition_embedder.text_embedder.linear_2",
        *(f"blocks.{n}.attn2.to_{part}" for n in range(2) for part in "kv"),
    )
    adapter = lora.inject(wan, seed=0)
    assert len(adapter.parameters) == 2 * len(names)


def test_a_model_without_cross_attention_is_refused() -> None:
    with pytest.raises(InputError, match="Linear has no cross-attention of its own to the text"):
        lora.targets(nn.Linear(2, 2))


def test_a_new_lora_changes_nothing_and_comes_from_its_seed(unet) -> None:
    before = output(unet)
    first = lora.inject(unet, seed=3)
    assert torch.equal(output(unet), before)
    drawn = {name: p.clone() for name, p in first.parameters.items()}
    assert all((p == 0).all() for n, p in drawn.items() if "lora_B" in n)
    first.remove()
    again = lora.inject(unet, seed=3).parameters
    assert all(torch.equal(drawn[name], again[name]) for name in drawn)


def test_switched_off_it_is_the_base_bit_for_bit(unet) -> None:
    before = output(unet)
    adapter = trained(unet)
    changed = output(unet)
    assert not torch.equal(changed, before)
    with adapter.off():
        assert torch.equal(output(unet), before)
    assert torch.equal(output(unet), changed)
    assert all(p.requires_grad for p in adapter.parameters.values())


def test_it_leaves_no_trace(unet) -> None:
    unet.conv_in.requires_grad_(True)
    before, modules = output(unet), {n: id(m) for n, m in unet.named_modules()}
    trained(unet).remove()
    assert torch.equal(output(unet), before)
    assert modules == {n: id(m) for n, m in unet.named_modules()}
    learning = [n for n, p in unet.named_parameters() if p.requires_grad]
    assert learning == ["conv_in.weight", "conv_in.bias"] and not unet.training


def test_it_is_kept_as_peft_keeps_it(unet, tmp_path: Path) -> None:
    bare = copy.deepcopy(unet)
    adapter = trained(unet)
    adapter.save(tmp_path)
    wanted = output(unet)
    assert sorted(f.name for f in tmp_path.iterdir()) == [CONFIG, WEIGHTS]
    with lora.applied(bare, tmp_path):
        assert torch.equal(output(bare), wanted)
        assert not any(p.requires_grad for p in bare.parameters())
    theirs = PeftModel.from_pretrained(bare, tmp_path)
    with torch.no_grad():
        assert torch.equal(theirs(Z, 5, TEXT).sample, wanted)


def test_without_a_folder_nothing_is_applied(unet) -> None:
    before = output(unet)
    with lora.applied(unet, None):
        assert torch.equal(output(unet), before)


def test_attention_maps_are_those_of_the_adapted_keys(unet) -> None:
    before = attention_maps(UNet(unet), Z, 5, TEXT)
    adapter = trained(unet)
    assert not torch.allclose(attention_maps(UNet(unet), Z, 5, TEXT), before, atol=1e-4)
    adapter.remove()
    assert torch.equal(attention_maps(UNet(unet), Z, 5, TEXT), before)


@pytest.fixture
def kept(unet, tmp_path: Path) -> Path:
    adapter = trained(unet)
    adapter.save(tmp_path / "lora")
    adapter.remove()
    return tmp_path / "lora"


def configured(folder: Path, **changes) -> None:
    given = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps(given | changes))


def weighed(folder: Path, change) -> None:
    save_file(change(load_file(folder / WEIGHTS)), folder / WEIGHTS)


def first(weights: dict[str, Tensor], value) -> dict[str, Tensor]:
    name = min(weights)
    return weights | {name: value(weights[name])}


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda f: (f / WEIGHTS).unlink(), "adapter_model.safetensors is missing"),
        (lambda f: (f / WEIGHTS).write_bytes(b"x" * 90), "cannot be read"),
        (lambda f: (f / CONFIG).unlink(), "adapter_config.json does not exist"),
        (lambda f: (f / CONFIG).write_text("[]"), "is not the configuration of a LoRA"),
        (lambda f: configured(f, peft_type="IA3"), "is not the configuration of a LoRA"),
        (lambda f: configured(f, use_dora=True), "sets use_dora; only a plain LoRA"),
        (lambda f: configured(f, r=0), "r must be 1 to 1024, got 0"),
        (lambda f: configured(f, lora_alpha="16"), "lora_alpha must be 1 to 1024, got '16'"),
        (lambda f: configured(f, r=8), "has shape .*, expected"),
        (lambda f: weighed(f, lambda w: first(w, lambda v: v * torch.nan)), "is not finite"),
        (lambda f: weighed(f, lambda w: {n: w[n] for n in sorted(w)[1:]}), "lacks or adds"),
        (
            lambda f: weighed(f, lambda w: w | {"base_model.model.x.lora_A.weight": torch.ones(2)}),
            "is of another model: this one has no layer 'x'",
        ),
    ],
)
def test_a_damaged_lora_is_refused_and_the_model_is_as_before(unet, kept, damage, said) -> None:
    before = output(unet)
    damage(kept)
    with pytest.raises(InputError, match=said), lora.applied(unet, kept):
        pass
    assert torch.equal(output(unet), before)
    assert not [n for n, _ in unet.named_parameters() if "lora" in n]
