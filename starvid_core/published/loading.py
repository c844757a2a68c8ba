"""A published model, tokenizer or processor out of its folder: from safetensors alone, whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from starvid_core.errors import InputError

# Buffers that older checkpoints carry and newer classes compute.
_COMPUTED = "position_ids"
_REFUSED = (OSError, ValueError, RuntimeError, KeyError, TypeError, SafetensorError)


def model(
    kind: Any, folder: Path, dtype: torch.dtype = torch.float32, variant: str | None = None
) -> Any:
    """A model of the diffusers or transformers class `kind`, on the CPU and without gradients.

    Raises InputError for what cannot be read, and for tensors that are missing, left over, of
    another shape or not finite.
    """
    try:
        made, told = kind.from_pretrained(
            folder,
            dtype=dtype,
            variant=variant,
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
        )
    except _REFUSED as error:
        raise InputError(f"{folder} cannot be read as a {kind.__name__}: {_brief(error)}") from None
    for trouble in ("missing", "unexpected", "mismatched"):
        if names := _names(told.get(f"{trouble}_keys", ())):
            raise InputError(f"{folder} does not fit a {kind.__name__}: {trouble} {names[0]}")
    for name, tensor in made.state_dict().items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise InputError(f"{folder}: {name} is not finite; fetch it again")
    return made.eval().requires_grad_(False)


def tokenizer(kind: Any, folder: Path, words: int) -> Any:
    """A tokenizer of so many words: without its files transformers makes up one that knows none."""
    made = processor(kind, folder)
    if len(made) != words:
        raise InputError(
            f"{folder} holds no whole {kind.__name__}: {len(made)} words, not {words}; fetch it "
            "again"
        )
    return made


def processor(kind: Any, folder: Path) -> Any:
    """An image processor or tokenizer of the folder."""
    try:
        return kind.from_pretrained(folder, local_files_only=True)
    except _REFUSED as error:
        raise InputError(f"{folder} holds no {kind.__name__}: {_brief(error)}") from None


def _names(keys: Any) -> list[str]:
    """Of mismatched tensors transformers tells the shapes beside the names."""
    names = [key if isinstance(key, str) else str(key[0]) for key in keys]
    return sorted(name for name in names if not name.endswith(_COMPUTED))


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
