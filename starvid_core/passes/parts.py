"""Parts of a model, by their names in it: the modules around some layers, and other forwards."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import nn

Forward = Callable[..., Any]


def around(model: nn.Module, layers: Collection[str], within: str = "") -> list[str]:
    """The largest modules of `within` that hold none of the layers, the layers among them.

    Together they do all the work of `within` but what its own code does between their calls.
    """
    if not any(not within or layer.startswith(f"{within}.") for layer in layers):
        return [within]
    names = _called(model.get_submodule(within), within)
    return [name for child in names for name in around(model, layers, child)]


def _called(module: nn.Module, name: str) -> Iterator[str]:
    """The children of a module; a list is never called itself and stands for its members."""
    for own, child in module.named_children():
        whole = f"{name}.{own}" if name else own
        if isinstance(child, nn.ModuleList):
            yield from _called(child, whole)
        else:
            yield whole


@contextmanager
def replaced(forwards: Mapping[nn.Module, Forward]) -> Iterator[None]:
    """Inside, these modules do something else; afterwards, errors or not, what they did before."""
    before = {module: vars(module).get("forward") for module in forwards}
    try:
        for module, forward in forwards.items():
            vars(module)["forward"] = forward
        yield
    finally:
        for module, own in before.items():
            if own is None:
                vars(module).pop("forward", None)
            else:
                vars(module)["forward"] = own


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Keep the weights off the graph; guidance moves only the latents."""
    trained = [p for p in module.parameters() if p.requires_grad]
    try:
        for parameter in trained:
            parameter.requires_grad_(False)
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)
