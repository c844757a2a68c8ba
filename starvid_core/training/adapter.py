"""A trained LoRA as files: a folder of peft for vLLM and transformers, and GGUF for llama.cpp."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from einops import rearrange
from gguf import MODEL_ARCH, GGUFWriter, get_tensor_name_map
from peft import PeftModel, get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import PretrainedConfig

from starvid_core.artifacts import verify_manifest, write_json
from starvid_core.errors import InputError

WEIGHTS = "adapter_model.safetensors"
GGUF = "adapter.gguf"
TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
_PREFIX = "base_model.model."


def write(model: PeftModel, folder: Path, base: str) -> None:
    """Write the adapter in half precision twice; `base` is the name of what it was trained on."""
    state = {name: value.half().contiguous() for name, value in _state(model).items()}
    save_file(state, folder / WEIGHTS, metadata={"format": "pt"})
    config = model.peft_config["default"].to_dict()
    config |= {"base_model_name_or_path": base, "inference_mode": True}
    write_json(folder / "adapter_config.json", {k: _plain(v) for k, v in config.items()})
    write_gguf(folder / GGUF, state, config["lora_alpha"], model.get_base_model().config)


def read(model: PeftModel, folder: Path) -> None:
    """Fill the adapter of a model from a folder that `write` wrote."""
    verify_manifest(folder)
    state, expected = load_file(folder / WEIGHTS), _state(model)
    if {n: v.shape for n, v in state.items()} != {n: v.shape for n, v in expected.items()}:
        raise InputError(f"{folder} holds an adapter of other sizes; give one of this rank")
    set_peft_model_state_dict(model, {n: v.to(expected[n].dtype) for n, v in state.items()})


def _state(model: PeftModel) -> dict[str, Tensor]:
    return get_peft_model_state_dict(model)


def _plain(value: Any) -> Any:
    """Sets in a fixed order."""
    return sorted(value) if isinstance(value, set) else value


def write_gguf(path: Path, state: dict[str, Tensor], alpha: float, base: PretrainedConfig) -> None:
    """The adapter of a model of the llama architecture as llama.cpp reads it."""
    writer = GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(alpha))
    names = get_tensor_name_map(MODEL_ARCH.LLAMA, base.num_hidden_layers)
    for name, value in sorted(state.items()):
        module, side, _ = name.removeprefix(_PREFIX).rsplit(".", 2)
        matrix = value.numpy()
        if side == "lora_B" and module.endswith(("q_proj", "k_proj")):
            heads = (
                base.num_attention_heads
                if module.endswith("q_proj")
                else (base.num_key_value_heads)
            )
            matrix = _rotated(matrix, heads)
        writer.add_tensor(f"{names.get_name(module)}.weight.{side.lower()}", matrix)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _rotated(matrix: np.ndarray, heads: int) -> np.ndarray:
    """Rows as llama.cpp wants those of queries and keys: what turns together stands together."""
    turned = rearrange(matrix, "(head half dim) rank -> (head dim half) rank", head=heads, half=2)
    return np.ascontiguousarray(turned)
