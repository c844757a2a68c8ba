"""Cross-attention maps of a model (Section III-A): how to read them.

Maps are computed beside the layers, from the layers' own inputs and weights: every layer keeps its
fused kernel, so recording never changes what the model returns.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import torch
from einops import rearrange, reduce
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate

from starvid_core.errors import InputError
from starvid_core.network import Network, Shape, Site

MEAN = "batch frame head pixel token -> batch token frame pixel"
HEADS = "batch frame head pixel token -> batch head token frame pixel"


@dataclass
class Recorder:
    """What the recorded layers attended to in the model's last forward pass."""

    network: Network
    shape: Shape = Shape(0, 0, 0)
    layers: dict[str, Float[Tensor, "batch *_head token frame _h _w"]] = field(default_factory=dict)

    def maps(self) -> Float[Tensor, "batch token frame h w"]:
        """A: mean over heads and layers of the softmax over all tokens, on the graph."""
        if not self.layers:
            raise InputError("no attention was recorded; call the model inside the context first")
        size = self.network.map_size(*self.shape[1:])
        return torch.stack([_resized(A, size) for A in self.layers.values()]).mean(0)

    def each(
        self, layers: tuple[str, ...]
    ) -> tuple[Float[Tensor, "batch _head token frame _h _w"], ...]:
        """The maps of these layers, on the graph."""
        return tuple(self.layers[name] for name in layers)


def _resized(
    A: Float[Tensor, "batch token frame _h _w"], size: tuple[int, int]
) -> Float[Tensor, "batch token frame h w"]:
    """The maps on the common grid; only those of "mid" have another, coarser one."""
    if A.shape[-2:] == size:
        return A
    flat = rearrange(A, "batch token frame h w -> batch (token frame) h w")
    flat = interpolate(flat, size, mode="bilinear", align_corners=False)
    return rearrange(flat, "batch (token frame) h w -> batch token frame h w", token=A.shape[1])


@contextmanager
def record_attention(
    network: Network,
    stages: tuple[str, ...] = ("down", "up"),
    layers: tuple[str, ...] = (),
) -> Iterator[Recorder]:
    """Record the maps of `stages` while inside; the model is as before afterwards, errors or not.

    With `layers`, those are recorded instead, and every head of them.
    """
    recorder = Recorder(network)

    def begin(module: nn.Module, args: tuple, kwargs: dict) -> None:
        recorder.shape = network.shape(args, kwargs)
        recorder.layers.clear()

    with ExitStack() as hooks:
        hooks.callback(network.module.register_forward_pre_hook(begin, with_kwargs=True).remove)
        for name, site in chosen(network, stages, layers).items():
            hook = _keeper(recorder, name, site, HEADS if layers else MEAN)
            hooks.callback(site.layer.register_forward_pre_hook(hook, with_kwargs=True).remove)
        yield recorder


def chosen(network: Network, stages: tuple[str, ...], layers: tuple[str, ...]) -> dict[str, Site]:
    """The layers to be recorded, in the order in which they run."""
    reading = {name: site for name, site in network.sites().items() if site.kind == "text"}
    for name in layers:
        if name not in reading:
            raise InputError(f"no layer {name!r} reads the text; choose of {', '.join(reading)}")
    wanted = layers or network.select(stages)
    return {name: site for name, site in reading.items() if name in wanted}


def _keeper(
    recorder: Recorder, name: str, site: Site, pattern: str
) -> Callable[[nn.Module, tuple, dict], None]:
    def keep(layer: nn.Module, args: tuple, kwargs: dict) -> None:
        h, w = site.size(*recorder.shape[1:])
        shares = site.shares(args, kwargs, recorder.shape)
        A = reduce(shares, pattern, "mean") if pattern == MEAN else rearrange(shares, pattern)
        recorder.layers[name] = rearrange(A, "... (h w) -> ... h w", h=h, w=w)

    return keep
