"""What a whole run can do faster with the same network: text read once, parts compiled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from starvid_core.network import Network
from starvid_core.passes.parts import Forward, around, replaced


class TextOnce:
    """Keys and values of the prompt, computed once for each text and shape that a model is given.

    A text is known by being the same tensor, not by what it holds.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.text: Tensor | None = None
        self.values: dict[tuple[Any, ...], tuple[Tensor | None, Tensor]] = {}

    @contextmanager
    def used(self) -> Iterator[None]:
        """Inside, what was computed of a text is not computed again."""
        parts = [part for site in self.network.sites().values() for part in site.of_text]
        hook = self.network.module.register_forward_pre_hook(self._begin, with_kwargs=True)
        try:
            with replaced({part: self._once(part, part.forward) for part in parts}):
                yield
        finally:
            hook.remove()

    def _begin(self, module: nn.Module, args: tuple, kwargs: dict[str, Any]) -> None:
        self.text = kwargs["encoder_hidden_states"]

    def _once(self, part: nn.Module, forward: Forward) -> Forward:
        def call(read: Tensor) -> Tensor:
            key = (part, id(self.text), read.shape)
            if key not in self.values:
                # With the text, so that no other tensor takes its id.
                self.values[key] = self.text, forward(read).detach()
            return self.values[key][1]

        return call


def compiled(network: Network) -> dict[nn.Module, Forward]:
    """The largest parts around the layers that read the text; each is compiled when first run."""
    model = network.module
    reading = [name for name, site in network.sites().items() if site.kind == "text"]
    parts = [name for unit in network.units() for name in around(model, reading, unit)]
    modules = [model.get_submodule(name) for name in parts if name not in reading]
    return {module: torch.compile(module.forward) for module in modules}
