"""A bias on attention logits while a step is denoised: guidance without gradients.

It enters as the attention mask of the layers' own fused kernels. A layer without a bias gets no
mask, and a pass without a bias no hook, so that nothing changes there by a single bit.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from diffusers.models.attention_processor import Attention
from diffusers.models.unets.unet_3d_condition import UNet3DConditionModel
from einops import rearrange
from torch import Tensor

from starvid_core.layers import grid, level

# Which attention a layer has, and the axes of its logits.
KINDS = {
    "text": "frame pixel token",
    "space": "frame pixel pixel",
    "time": "pixel frame frame",
}


@dataclass(frozen=True)
class Bias:
    """What a method adds to the logits of one prompt.

    `logits(kind, step, h, w)` is a tensor of the axes in `KINDS` for layers on an h x w grid, None
    where they stay as they are. `both` adds it to the unconditional half as well, else only the
    conditional half of classifier-free guidance has it.
    """

    logits: Callable[[str, int, int, int], Tensor | None]
    both: bool = False


@contextmanager
def biased(
    unet: UNet3DConditionModel,
    rows: Sequence[Bias | None],
    step: int,
    height: int,
    width: int,
) -> Iterator[None]:
    """Inside, every row of the UNet's batch has its own bias; afterwards, errors or not, none has.

    Biased are the spatial layers ("text" and "space") and the temporal ones behind them ("time");
    the UNet's first temporal transformer, before all blocks, is not.
    """
    with ExitStack() as hooks:
        for name, layer in unet.named_modules() if any(rows) else ():
            kind = _kind(name, layer)
            if kind:
                add = _adder(rows, kind, step, grid(height, width, level(unet, name)))
                hooks.callback(layer.register_forward_pre_hook(add, with_kwargs=True).remove)
        yield


def halves(biases: Sequence[Bias | None], guided: bool) -> list[Bias | None]:
    """The rows of a pass: with classifier-free guidance the unconditional half comes first."""
    unconditional = [bias if bias and bias.both else None for bias in biases] if guided else []
    return [*unconditional, *biases]


def _kind(name: str, layer: torch.nn.Module) -> str | None:
    if not isinstance(layer, Attention):
        return None
    if ".temp_attentions." in name:
        return "time"
    if ".attentions." in name:
        return "text" if layer.is_cross_attention else "space"
    return None


def _adder(
    rows: Sequence[Bias | None], kind: str, step: int, size: tuple[int, int]
) -> Callable[[Attention, tuple, dict], tuple[tuple, dict] | None]:
    def add(layer: Attention, args: tuple, kwargs: dict) -> tuple[tuple, dict] | None:
        logits = [row.logits(kind, step, *size) if row else None for row in rows]
        given = next((one for one in logits if one is not None), None)
        if given is None:
            return None
        each = torch.stack([torch.zeros_like(given) if one is None else one for one in logits])
        # Frames, or for "time" the pixels, are folded into the batch, batch first.
        mask = rearrange(each, "batch folded query key -> (batch folded) query key")
        return args, kwargs | {"attention_mask": mask.to(args[0])}

    return add
