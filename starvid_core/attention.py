"""Cross-attention maps of a UNet (Section III-A): which layers have them, how to read them.

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

from starvid_core.config import STAGES, check_stages
from starvid_core.errors import InputError


def cross_attention_layers(
    unet: UNet3DConditionModel, stages: tuple[str, ...] = ("down", "up")
) -> dict[str, Attention]:
    """The layers of Table XIII in the order in which they run, by their names in the UNet.

    "down" and "up" are the blocks at the lowest resolution where both paths read the text; "mid" is
    the coarser block between them. Raises InputError for unknown stages or a UNet without such.
    """
    check_stages(stages)
    level = _level(unet)
    blocks = {
        "down": f"down_blocks.{level}",
        "mid": "mid_block",
        "up": f"up_blocks.{len(unet.up_blocks) - 1 - level}",
    }
    layers: dict[str, Attention] = {}
    for stage in STAGES:
        if stage in stages:
            layers |= _text_layers(unet, blocks[stage])
    return layers


def map_size(unet: UNet3DConditionModel, height: int, width: int) -> tuple[int, int]:
    """The h and w of the maps for latents of that height and width."""
    return _halved(height, _level(unet)), _halved(width, _level(unet))


def _text_layers(unet: UNet3DConditionModel, block: str) -> dict[str, Attention]:
    """Layers of a block that read the text; temporal `attn2` layers read only the frames."""
    return {
        name: module
        for name, module in unet.named_modules()
        if name.startswith(f"{block}.attentions.")
        and isinstance(module, Attention)
        and module.is_cross_attention
    }


def _level(unet: UNet3DConditionModel) -> int:
    """How often the grid of the maps was halved: the deepest level with text on both paths."""
    last = len(unet.up_blocks) - 1
    both = [
        level
        for level in range(len(unet.down_blocks))
        if _text_layers(unet, f"down_blocks.{level}")
        and _text_layers(unet, f"up_blocks.{last - level}")
    ]
    if not both:
        raise InputError(
            "this UNet has no resolution with cross-attention on both its down and its up path; "
            "guidance needs one"
        )
    return both[-1]


def _halved(size: int, times: int) -> int:
    """A side of the grid after that many strided convolutions, which round up."""
    return -(-size // 2**times)


@dataclass
class Recorder:
    """What the recorded layers attended to in the UNet's last forward pass."""

    level: int
    shape: tuple[int, ...] = ()
    layers: dict[str, Float[Tensor, "batch token frame _h _w"]] = field(default_factory=dict)

    def maps(self) -> Float[Tensor, "batch token frame h w"]:
        """A: mean over heads and layers of the softmax over all tokens, on the graph."""
        if not self.layers:
            raise InputError("no attention was recorded; call the UNet inside the context first")
        size = self.size(self.level)
        return torch.stack([_resized(A, size) for A in self.layers.values()]).mean(0)

    def size(self, level: int) -> tuple[int, int]:
        """The grid of the last pass after `level` halvings."""
        return _halved(self.shape[-2], level), _halved(self.shape[-1], level)


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
    unet: UNet3DConditionModel, stages: tuple[str, ...] = ("down", "up")
) -> Iterator[Recorder]:
    """Record the maps of `stages` while inside; the UNet is as before afterwards, errors or not."""
    recorder = Recorder(_level(unet))

    def begin(module: nn.Module, args: tuple, kwargs: dict) -> None:
        recorder.shape = tuple((args[0] if args else kwargs["sample"]).shape)
        recorder.layers.clear()

    with ExitStack() as hooks:
        hooks.callback(unet.register_forward_pre_hook(begin, with_kwargs=True).remove)
        for name, layer in cross_attention_layers(unet, stages).items():
            level = len(unet.down_blocks) - 1 if name.startswith("mid_block") else recorder.level
            hook = _keeper(recorder, name, level)
            hooks.callback(layer.register_forward_pre_hook(hook, with_kwargs=True).remove)
        yield recorder


def _keeper(recorder: Recorder, name: str, level: int) -> Callable[[Attention, tuple, dict], None]:
    def keep(layer: Attention, args: tuple, kwargs: dict) -> None:
        text, (h, w) = kwargs["encoder_hidden_states"], recorder.size(level)
        A = _probabilities(layer, args[0], text, recorder.shape[2])
        pattern = "batch token frame (h w) -> batch token frame h w"
        recorder.layers[name] = rearrange(A, pattern, h=h, w=w)

    return keep


def _probabilities(
    layer: Attention, hidden: Tensor, text: Tensor, frames: int
) -> Float[Tensor, "batch token frame pixel"]:
    """Softmax over all tokens in float32, mean over heads.

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
    shares = (scores * layer.scale).softmax(-1)
    return reduce(shares, "batch frame head pixel token -> batch token frame pixel", "mean")


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
    last = list(cross_attention_layers(unet, stages).values())[-1]
    with _frozen(unet), record_attention(unet, stages) as recorder, _ending_at(last):
        unet(z, timestep, encoder_hidden_states=text, return_dict=False)
    return recorder.maps()


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
