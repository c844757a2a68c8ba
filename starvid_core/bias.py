"""A bias on attention logits while a step is denoised: guidance without gradients.

It enters as the attention mask of the layers' own fused kernels. A layer without a bias gets no
mask, and a pass without a bias no hook, so that nothing changes there by a single bit.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from starvid_core.network import Call, Network, Site


@dataclass(frozen=True)
class Bias:
    """What a method adds to the logits of one prompt.

    `logits(kind, step, h, w)` is a tensor of the axes in `network.KINDS` for layers on an h x w
    grid, None where they stay as they are. `both` adds it to the unconditional half as well, else
    only the conditional half of classifier-free guidance has it.
    """

    logits: Callable[[str, int, int, int], Tensor | None]
    both: bool = False


@contextmanager
def biased(
    network: Network,
    rows: Sequence[Bias | None],
    step: int,
    height: int,
    width: int,
) -> Iterator[None]:
    """Inside, every row of the model's batch has its own bias; afterwards, errors or not, none has.

    Biased are all sites of the network.
    """
    with ExitStack() as hooks:
        for site in network.sites().values() if any(rows) else ():
            add = _adder(rows, site, step, site.size(height, width))
            hooks.callback(site.layer.register_forward_pre_hook(add, with_kwargs=True).remove)
        yield


def halves(biases: Sequence[Bias | None], guided: bool) -> list[Bias | None]:
    """The rows of a pass: with classifier-free guidance the unconditional half comes first."""
    unconditional = [bias if bias and bias.both else None for bias in biases] if guided else []
    return [*unconditional, *biases]


def _adder(
    rows: Sequence[Bias | None], site: Site, step: int, size: tuple[int, int]
) -> Callable[[nn.Module, tuple, dict], Call | None]:
    def add(layer: nn.Module, args: tuple, kwargs: dict) -> Call | None:
        logits = [row.logits(site.kind, step, *size) if row else None for row in rows]
        given = next((one for one in logits if one is not None), None)
        if given is None:
            return None
        each = torch.stack([torch.zeros_like(given) if one is None else one for one in logits])
        return site.masked(args, kwargs, each)

    return add
