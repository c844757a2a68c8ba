"""Cross-attention maps of a UNet (Section III-A): how to read them.

Maps are computed beside the layers, from the layers' own inputs and weights: every layer keeps its
fused kernel, so recording never changes what the UNet returns.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

import torch
from diffusers.models.attention_processor import Attention
from diffusers.models.unets.unet_3d_condition import UNet3DConditionModel
from einops import einsum, rearrange, reduce
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate

from starvid_core.errors import InputError
from starvid_core.layers import cross_attention_layers, grid, level, map_level, text_layers

MEAN = "batch frame head pixel token -> batch token frame pixel"
HEADS = "batch frame head pixel token -> batch head token frame pixel"


@dataclass
class Recorder:
    """What the recorded layers attended to in the UNet's last forward pass."""

    level: int
    shape: tuple[int, ...] = ()
    layers: dict[str, Float[Tensor, "batch *_head token frame _h _w"]] = field(default_factory=dict)

    def maps(self) -> Float[Tensor, "batch token frame h w"]:
        """A: mean over heads and layers of the softmax over all tokens, on the graph."""
        if not self.layers:
            raise InputError("no attention was recorded; call the UNet inside the context first")
        size = self.size(self.level)
        return torch.stack([_resized(A, size) for A in self.layers.values()]).mean(0)

    def size(self, level: int) -> tuple[int, int]:
        """The grid of the last pass after `level` halvings."""
        height, width = self.shape[-2:]
        return grid(height, width, level)


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
    unet: UNet3DConditionModel,
    stages: tuple[str, ...] = ("down", "up"),
    layers: tuple[str, ...] = (),
) -> Iterator[Recorder]:
    """Record the maps of `stages` while inside; the UNet is as before afterwards, errors or not.

    With `layers`, those are recorded instead, and every head of them.
    """
    recorder = Recorder(map_level(unet))

    def begin(module: nn.Module, args: tuple, kwargs: dict) -> None:
        recorder.shape = tuple((args[0] if args else kwargs["sample"]).shape)
        recorder.layers.clear()

    with ExitStack() as hooks:
        hooks.callback(unet.register_forward_pre_hook(begin, with_kwargs=True).remove)
        for name, layer in _chosen(unet, stages, layers).items():
            hook = _keeper(recorder, name, level(unet, name), HEADS if layers else MEAN)
            hooks.callback(layer.register_forward_pre_hook(hook, with_kwargs=True).remove)
        yield recorder


def _chosen(
    unet: UNet3DConditionModel, stages: tuple[str, ...], layers: tuple[str, ...]
) -> dict[str, Attention]:
    if not layers:
        return cross_attention_layers(unet, stages)
    all_layers = text_layers(unet)
    for name in layers:
        if name not in all_layers:
            raise InputError(f"no layer {name!r} reads the text; choose of {', '.join(all_layers)}")
    return {name: layer for name, layer in all_layers.items() if name in layers}


def _keeper(
    recorder: Recorder, name: str, level: int, pattern: str
) -> Callable[[Attention, tuple, dict], None]:
    def keep(layer: Attention, args: tuple, kwargs: dict) -> None:
        text, (h, w) = kwargs["encoder_hidden_states"], recorder.size(level)
        bias = kwargs.get("attention_mask")
        shares = _probabilities(layer, args[0], text, bias, recorder.shape[2])
        A = reduce(shares, pattern, "mean") if pattern == MEAN else rearrange(shares, pattern)
        recorder.layers[name] = rearrange(A, "... (h w) -> ... h w", h=h, w=w)

    return keep


def _probabilities(
    layer: Attention, hidden: Tensor, text: Tensor, bias: Tensor | None, frames: int
) -> Float[Tensor, "batch frame head pixel token"]:
    """Softmax over all tokens in float32.

    The UNet folds frames into the batch, batch first, and repeats the text for every frame.
    """
    query = rearrange(
        layer.to_q(hidden),
        "(batch frame) pixel (head dim) -> batch frame head pixel dim",
        frame=frames,
        head=layer.heads,
    )
    key = rearrange(
        layer.to_k(text[::frames]),
        "batch token (head dim) -> batch head token dim",
        head=layer.heads,
    )
    scores = einsum(
        query.float(),
        key.float(),
        "batch frame head pixel dim, batch head token dim -> batch frame head pixel token",
    )
    scores = scores * layer.scale
    if bias is not None:
        pattern = "(batch frame) pixel token -> batch frame 1 pixel token"
        scores = scores + rearrange(bias.float(), pattern, frame=frames)
    return scores.softmax(-1)


def attention_maps(
    unet: UNet3DConditionModel,
    z: Float[Tensor, "batch channel frame h w"],
    timestep: Tensor | int,
    text: Float[Tensor, "batch token dim"],
    stages: tuple[str, ...] = ("down", "up"),
) -> Float[Tensor, "batch token frame _h _w"]:
    """Algorithm 1, line 3: A_t of the latents, on the graph of `z` and of no weight.

    The pass ends at the last recorded layer: nothing after it can reach the maps.
    """
    return _recorded(unet, z, timestep, text, stages, ()).maps()


def layer_maps(
    unet: UNet3DConditionModel,
    z: Float[Tensor, "batch channel frame h w"],
    timestep: Tensor | int,
    text: Float[Tensor, "batch token dim"],
    layers: tuple[str, ...],
) -> tuple[Float[Tensor, "batch _head token frame _h _w"], ...]:
    """As `attention_maps`, but of every layer by itself, with its heads and on its own grid."""
    recorder = _recorded(unet, z, timestep, text, (), layers)
    return tuple(recorder.layers[name] for name in layers)


def _recorded(
    unet: UNet3DConditionModel,
    z: Tensor,
    timestep: Tensor | int,
    text: Tensor,
    stages: tuple[str, ...],
    layers: tuple[str, ...],
) -> Recorder:
    last = list(_chosen(unet, stages, layers).values())[-1]
    with _frozen(unet), record_attention(unet, stages, layers) as recorder, _ending_at(last):
        unet(z, timestep, encoder_hidden_states=text, return_dict=False)
    return recorder


class _Seen(BaseException):
    """Ends a forward pass; not an error, so no handler of errors may catch it."""


@contextmanager
def _ending_at(layer: nn.Module) -> Iterator[None]:
    def end(*_: object) -> None:
        raise _Seen

    hook = layer.register_forward_pre_hook(end)
    try:
        with suppress(_Seen):
            yield
    finally:
        hook.remove()


@contextmanager
def _frozen(module: nn.Module) -> Iterator[None]:
    """Keep the weights off the graph; guidance moves only the latents."""
    trained = [p for p in module.parameters() if p.requires_grad]
    try:
        for parameter in trained:
            parameter.requires_grad_(False)
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)
