"""Published models through transformers: from safetensors alone, whole, finite, on one device."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from starvid_core.errors import InputError

# Buffers that older checkpoints carry and newer classes compute.
_COMPUTED = "position_ids"


def load(kind: Any, folder: Path) -> Any:
    """A model of the class `kind` in full precision on the CPU, every tensor from the folder."""
    try:
        model, told = kind.from_pretrained(
            folder,
            dtype=torch.float32,
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{folder} is not a whole {kind.__name__}: {reason}") from None
    wrong = [str(key) for keys in told.values() for key in keys if not str(key).endswith(_COMPUTED)]
    if wrong:
        raise InputError(f"{folder} misses or adds {wrong[0]}; restore the weights")
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise InputError(f"{folder}: {name} is not finite; restore the weights")
    return model.eval().requires_grad_(False)


def tokenizer(kind: Any, folder: Path, words: int) -> Any:
    """A tokenizer of so many words: without its files transformers makes up one that knows none."""
    made = part(kind, folder)
    if len(made) != words:
        raise InputError(
            f"{folder} holds no whole {kind.__name__}: {len(made)} words, not {words}; restore it"
        )
    return made


def part(kind: Any, folder: Path) -> Any:
    """An image processor or tokenizer of the folder."""
    try:
        return kind.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{folder} holds no {kind.__name__}: {reason}") from None
