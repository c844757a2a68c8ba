"""LoRA on the keys and values of the layers that read the text, kept as ordinary folders of peft.

SpatialAlign trains these alone. Temporal layers called `attn2` read no text and are left out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from diffusers.models.unets.unet_3d_condition import UNet3DConditionModel
from peft import LoraConfig
from peft.tuners.lora import LoraModel
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from starvid_core.adapters import CONFIG, WEIGHTS
from starvid_core.artifacts import read_json
from starvid_core.errors import InputError
from starvid_core.layers import text_layers

RANK, ALPHA = 16, 16  # SpatialAlign
MOST_RANK = 1024
NOT_PLAIN = ("use_dora", "use_rslora", "rank_pattern", "alpha_pattern", "modules_to_save")
_NAME = "default"
_PREFIX = "base_model.model."
# Of transformers such as Wan's SpatialAlign trains the projections of the text, too.
_TRANSFORMER = re.compile(
    r"blocks\.\d+\.attn2\.to_[kv]|condition_embedder\.text_embedder\.linear_[12]"
)


def targets(model: nn.Module) -> tuple[str, ...]:
    """The linear layers that make keys and values of the text, by their names in the model."""
    if isinstance(model, UNet3DConditionModel):
        return tuple(f"{layer}.{part}" for layer in text_layers(model) for part in ("to_k", "to_v"))
    found = tuple(name for name, _ in model.named_modules() if _TRANSFORMER.fullmatch(name))
    if not found:
        raise InputError(
            f"a {type(model).__name__} has no cross-attention of its own to the text; SpatialAlign "
            "trains UNets and transformers such as Wan's"
        )
    return found


class Adapter:
    """A LoRA inside a model, whose own weights never change."""

    def __init__(self, model: nn.Module, config: LoraConfig) -> None:
        self.model, self.config = model, config
        self._trained = [p for p in model.parameters() if p.requires_grad]
        self._tuner = LoraModel(model, config, _NAME)
        self._tuner.eval()
        for parameter in self.parameters.values():
            parameter.data = parameter.data.float()  # whatever the model itself is kept in

    @property
    def parameters(self) -> dict[str, nn.Parameter]:
        """The LoRA's own weights, named as peft names them in its files."""
        return {
            f"{_PREFIX}{name.replace(f'.{_NAME}.', '.')}": parameter
            for name, parameter in self.model.named_parameters()
            if ".lora_A." in name or ".lora_B." in name
        }

    @contextmanager
    def off(self) -> Iterator[None]:
        """The model without the LoRA, bit for bit: the reference of SpatialAlign's loss."""
        learning = [p for p in self.parameters.values() if p.requires_grad]
        self._tuner.disable_adapter_layers()
        try:
            yield
        finally:
            self._tuner.enable_adapter_layers()
            for parameter in self.parameters.values():
                parameter.requires_grad_(any(parameter is p for p in learning))

    def remove(self) -> None:
        """Leave the model as it was."""
        self._tuner.unload()
        for parameter in self._trained:
            parameter.requires_grad_(True)

    def save(self, folder: Path) -> None:
        """Write the two files that peft's own `from_pretrained` reads."""
        folder.mkdir(parents=True, exist_ok=True)
        weights = {name: p.detach().cpu().contiguous() for name, p in self.parameters.items()}
        save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
        self.config.save_pretrained(str(folder))


def inject(model: nn.Module, seed: int, rank: int = RANK, alpha: int = ALPHA) -> Adapter:
    """A new LoRA that changes nothing yet: A uniform as Kaiming has it, B zero."""
    names = "|".join(re.escape(name) for name in targets(model))
    adapter = Adapter(model, LoraConfig(r=rank, lora_alpha=alpha, target_modules=names))
    draw = torch.Generator().manual_seed(seed)
    for name, parameter in adapter.parameters.items():
        if ".lora_A." in name:
            fresh = torch.empty(parameter.shape)
            nn.init.kaiming_uniform_(fresh, math.sqrt(5), generator=draw)
            parameter.data.copy_(fresh)
    return adapter


def load(model: nn.Module, folder: Path) -> Adapter:
    """The LoRA of a folder inside a model, frozen.

    Raises InputError for files that are damaged, or of a LoRA that does not fit the model.
    """
    weights = _read(folder)
    adapter = Adapter(model, _config(folder, model, weights))
    try:
        _fill(adapter, weights, folder)
    except InputError:
        adapter.remove()
        raise
    return adapter


@contextmanager
def applied(model: nn.Module, folder: Path | None) -> Iterator[None]:
    """The model with the LoRA of a folder (or none) while inside, as it was afterwards."""
    adapter = load(model, folder) if folder else None
    try:
        yield
    finally:
        if adapter:
            adapter.remove()


def _config(folder: Path, model: nn.Module, weights: dict[str, Tensor]) -> LoraConfig:
    """Rank, alpha and targets of a plain LoRA; whatever else peft could do is refused."""
    given = read_json(folder / CONFIG)
    names = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    wanted = given.get("target_modules") if isinstance(given, dict) else None
    if not isinstance(wanted, str | list) or given.get("peft_type") != "LORA":
        raise InputError(f"{folder / CONFIG} is not the configuration of a LoRA; restore it")
    special = [key for key in NOT_PLAIN if given.get(key)]
    if special:
        raise InputError(f"{folder / CONFIG} sets {special[0]}; only a plain LoRA can be read")
    rank, alpha = (_count(given.get(key), key, folder) for key in ("r", "lora_alpha"))
    chosen = sorted({n.removeprefix(_PREFIX).rpartition(".lora_")[0] for n in weights})
    for name in chosen:
        if name not in names:
            raise InputError(f"{folder} is of another model: this one has no layer {name!r}")
    return LoraConfig(r=rank, lora_alpha=alpha, target_modules="|".join(map(re.escape, chosen)))


def _count(value: Any, key: str, folder: Path) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_RANK:
        raise InputError(f"{folder / CONFIG}: {key} must be 1 to {MOST_RANK}, got {value!r}")
    return value


def _read(folder: Path) -> dict[str, Tensor]:
    if not (folder / WEIGHTS).is_file():
        raise InputError(f"no LoRA in {folder}: {WEIGHTS} is missing")
    try:
        return load_file(folder / WEIGHTS)
    except (SafetensorError, OSError) as error:
        raise InputError(f"{folder / WEIGHTS} cannot be read: {error}; restore it") from None


def _fill(adapter: Adapter, weights: dict[str, Tensor], folder: Path) -> None:
    expected = adapter.parameters
    odd = sorted(expected.keys() ^ weights.keys())
    if odd:
        raise InputError(f"{folder / WEIGHTS} lacks or adds {odd[0]}; restore it")
    for name, value in weights.items():
        shape, wanted = tuple(value.shape), tuple(expected[name].shape)
        if shape != wanted:
            raise InputError(f"{folder / WEIGHTS}: {name} has shape {shape}, expected {wanted}")
        if not torch.isfinite(value).all():
            raise InputError(f"{folder / WEIGHTS}: {name} is not finite; restore it")
        expected[name].data.copy_(value)
        expected[name].requires_grad_(False)
