"""What a guidance pass keeps for its way back and on: less of it, for the same gradient."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.grad import conv2d_input, conv3d_input
from torch.overrides import TorchFunctionMode
from torch.utils.checkpoint import checkpoint

from starvid_core.network import Network
from starvid_core.passes.parts import Forward, around, frozen, replaced


@dataclass(frozen=True)
class Memory:
    """`levels` of the finest resolutions are computed again on the way back, 0 of them none.

    With `lean` a convolution does not keep its input, which only a gradient of its weights needs.
    Without `outputs` those of the modules are not held: to go on with the pass is to begin anew.
    """

    levels: int = 0
    lean: bool = False
    outputs: bool = True


@contextmanager
def sparing(network: Network, sites: Sequence[str], memory: Memory) -> Iterator[None]:
    """Inside, a forward pass keeps less; the `sites` are read by hooks, and not run twice."""
    model = network.module
    names = [
        name
        for unit, level in network.units().items()
        if level < memory.levels
        for name in around(model, sites, unit)
    ]
    modules = map(model.get_submodule, names)
    again = {module: partial(_again, module, module.forward, memory.lean) for module in modules}
    with replaced(again), Lean() if memory.lean else nullcontext():
        yield


def _again(module: nn.Module, forward: Forward, lean: bool, *args: Any, **kwargs: Any) -> Any:
    """Keep only the arguments, and compute the rest once more when it is needed.

    What holds for the pass has to hold then, too, when its contexts have ended.
    """

    def run(*args: Any, **kwargs: Any) -> Any:
        with frozen(module), Lean() if lean else nullcontext():
            return forward(*args, **kwargs)

    return checkpoint(run, *args, use_reentrant=False, preserve_rng_state=False, **kwargs)


class Lean(TorchFunctionMode):
    """Inside, convolutions with frozen weights do not keep their input.

    Torch keeps it whether or not the weights are frozen: pytorch/pytorch#133566.
    """

    def __torch_function__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in GRADIENTS and not kwargs and _spares(*args[:3]):
            return _Frozen.apply(func, *args)
        return func(*args, **kwargs)


GRADIENTS = {torch.conv2d: conv2d_input, torch.conv3d: conv3d_input}


def _spares(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> bool:
    frozen = not weight.requires_grad and (bias is None or not bias.requires_grad)
    return frozen and x.requires_grad and torch.is_grad_enabled()


class _Frozen(torch.autograd.Function):
    """A convolution whose weights need no gradient."""

    @staticmethod
    def forward(ctx: Any, conv: Callable, x: Tensor, weight: Tensor, *rest: Any) -> Tensor:
        ctx.save_for_backward(weight)
        ctx.gradient, ctx.shape, ctx.rest = GRADIENTS[conv], x.shape, rest[1:]
        return conv(x, weight, *rest)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (weight,) = ctx.saved_tensors
        at_x = ctx.gradient(ctx.shape, weight, gradients[0], *ctx.rest)
        return (None, at_x, None, None, *(None for _ in ctx.rest))
