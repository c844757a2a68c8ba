"""Meters that need no clock: operations and bytes, on any device and on none."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry


class Meter(TorchDispatchMode):
    """Counts operations of floating point, and the bytes of tensors made while inside.

    `now` are the bytes that are alive, `peak` the most that ever were. Torch's own counter keeps
    every output of a module alive, so that only its formulas are used.
    """

    def __init__(self, known: Iterable[Tensor] = ()) -> None:
        super().__init__()
        self.flops = self.now = self.peak = 0
        self.sizes = {tensor.untyped_storage()._cdata: 0 for tensor in known}

    def __torch_dispatch__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        made = func(*args, **(kwargs or {}))
        formula = flop_registry.get(getattr(func, "overloadpacket", None))
        if formula:
            self.flops += formula(*args, **(kwargs or {}), out_val=made)
        for value in tree_leaves(made):
            if isinstance(value, Tensor):
                self._add(value)
        return made

    def _add(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        if storage._cdata in self.sizes:
            return
        self.sizes[storage._cdata] = storage.nbytes()
        self.now += storage.nbytes()
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._free, storage._cdata)

    def _free(self, key: int) -> None:
        self.now -= self.sizes.pop(key, 0)


@contextmanager
def fused() -> Iterator[None]:
    """Attention as its fused kernel keeps it; without a device there would be none to choose."""
    own = nn.functional.scaled_dot_product_attention

    def flash(query: Tensor, key: Tensor, value: Tensor, *_: Any, **others: Any) -> Tensor:
        scale = others.get("scale")
        return torch.ops.aten._scaled_dot_product_flash_attention(query, key, value, scale=scale)[0]

    nn.functional.scaled_dot_product_attention = flash
    try:
        yield
    finally:
        nn.functional.scaled_dot_product_attention = own
