"""The space-time UNet of ModelScope, ZeroScope, VideoCrafter2 and the embedded model."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from diffusers.models.attention_processor import Attention
from diffusers.models.unets.unet_3d_condition import UNet3DConditionModel
from einops import einsum, rearrange
from jaxtyping import Float
from torch import Tensor

from starvid_core.layers import cross_attention_layers, grid, level, map_size, text_layers
from starvid_core.network import Call, Shape, Site


@dataclass(frozen=True)
class UNet:
    """A `UNet3DConditionModel` as a network; it folds frames into the batch, batch first.

    The first temporal transformer, before all blocks, is no site.
    """

    module: UNet3DConditionModel

    @property
    def channels(self) -> int:
        return self.module.config["in_channels"]

    @property
    def patch(self) -> int:
        return 1

    def predict(self, z: Tensor, timestep: Tensor | int, text: Tensor) -> Tensor:
        return self.module(z, timestep, encoder_hidden_states=text, return_dict=False)[0]

    def shape(self, args: tuple, kwargs: dict[str, Any]) -> Shape:
        return Shape(*(args[0] if args else kwargs["sample"]).shape[-3:])

    def sites(self) -> dict[str, Site]:
        layers = text_layers(self.module)
        found = {name: self._site(name, layer, "text") for name, layer in layers.items()}
        for name, layer in self.module.named_modules():
            if isinstance(layer, Attention) and name not in found and ".attentions." in name:
                found[name] = self._site(name, layer, "space")
            if isinstance(layer, Attention) and ".temp_attentions." in name:
                found[name] = self._site(name, layer, "time")
        return found

    def _site(self, name: str, layer: Attention, kind: str) -> Site:
        size = partial(grid, level=level(self.module, name))
        keys = (layer.to_k, layer.to_v) if kind == "text" else ()
        return Site(layer, kind, layer.heads, size, masked, partial(probabilities, layer), keys)

    def units(self) -> dict[str, int]:
        kinds = ("resnets", "temp_convs", "attentions", "temp_attentions")
        names = [name.split(".") for name, _ in self.module.named_modules()]
        blocks = [".".join(n) for n in names if n[-2:-1] and n[-2] in kinds and n[-1].isdigit()]
        return {"transformer_in": 0} | {name: level(self.module, name) for name in blocks}

    def select(self, stages: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(cross_attention_layers(self.module, stages))

    def map_size(self, h: int, w: int) -> tuple[int, int]:
        return map_size(self.module, h, w)


def masked(args: tuple, kwargs: dict[str, Any], logits: Tensor) -> Call:
    """Frames, or for "time" the pixels, are folded into the batch."""
    mask = rearrange(logits, "batch folded query key -> (batch folded) query key")
    return args, kwargs | {"attention_mask": mask.to(args[0])}


def probabilities(
    layer: Attention, args: tuple, kwargs: dict[str, Any], shape: Shape
) -> Float[Tensor, "batch frame head pixel token"]:
    """Softmax over all tokens in float32; the UNet repeats the text for every frame."""
    text, bias = kwargs["encoder_hidden_states"], kwargs.get("attention_mask")
    query = rearrange(
        layer.to_q(args[0]),
        "(batch frame) pixel (head dim) -> batch frame head pixel dim",
        frame=shape.frames,
        head=layer.heads,
    )
    key = rearrange(
        layer.to_k(text[:: shape.frames]),
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
        scores = scores + rearrange(bias.float(), pattern, frame=shape.frames)
    return torch.softmax(scores, -1)
