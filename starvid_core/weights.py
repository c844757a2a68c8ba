"""Weights from safetensors into a module: all there, of their shapes, finite, none left over."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from starvid_core.errors import InputError

Module = TypeVar("Module", bound=nn.Module)


def fill(module: Module, folder: Path, dtype: torch.dtype = torch.float32) -> Module:
    """Load all `*.safetensors` of `folder` into `module`, in evaluation mode and without gradients.

    Raises InputError when a tensor is missing, left over, of another shape, or not finite.
    """
    state = read(folder)
    check(module, state, folder)
    module.load_state_dict(state)
    if dtype != torch.float32:
        module.to(dtype)
    return module.eval().requires_grad_(False)


def alter(module: nn.Module, folder: Path) -> None:
    """Put the tensors of a folder in the place of those of `module`; the others stay.

    Raises InputError for a tensor that `module` has not, of another shape, or not finite.
    """
    changed = read(folder)
    check(module, module.state_dict() | changed, folder)
    module.load_state_dict(changed, strict=False)


def check(module: nn.Module, state: Mapping[str, Tensor], source: Path) -> None:
    """Refuse tensors that are not exactly those of `module`, or not finite, as an InputError."""
    expected = module.state_dict()
    for kind, names in (
        ("lacks", expected.keys() - state.keys()),
        ("has an unknown", state.keys() - expected.keys()),
    ):
        if names:
            raise InputError(f"{source} {kind} tensor {min(names)}; restore the checkpoint")
    for name, value in state.items():
        if value.shape != expected[name].shape:
            shape, wanted = tuple(value.shape), tuple(expected[name].shape)
            raise InputError(f"{source}: {name} has shape {shape}, expected {wanted}")
        if not torch.isfinite(value).all():
            raise InputError(f"{source}: {name} is not finite; restore the checkpoint")


def read(folder: Path) -> dict[str, Tensor]:
    """All tensors of the `*.safetensors` in a folder; InputError where none can be read."""
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise InputError(f"no *.safetensors in {folder}; restore the checkpoint")
    state: dict[str, Tensor] = {}
    for file in files:
        try:
            state |= load_file(file)
        except (SafetensorError, OSError) as error:
            raise InputError(f"{file} cannot be read: {error}; restore the checkpoint") from None
    return state
