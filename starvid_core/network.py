"""What the denoising and the methods ask of a model: a prediction, and its layers of attention."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

from diffusers.models.modeling_utils import ModelMixin
from jaxtyping import Float
from torch import Tensor, nn

from starvid_core.config import check_stages
from starvid_core.errors import InputError

# What a layer of attention reads, and the axes of its logits.
KINDS = {
    "text": "frame pixel token",
    "space": "frame pixel pixel",
    "time": "pixel frame frame",
}

Call = tuple[tuple, dict[str, Any]]


class Shape(NamedTuple):
    """Of latents: how many frames, and their grid."""

    frames: int
    h: int
    w: int


@dataclass(frozen=True)
class Site:
    """A layer of attention, described by what goes into its call.

    `kind` is one of `KINDS`; `size(h, w)` is its grid when the latents have h x w. `shares(args,
    kwargs, shape)` are the softmax probabilities of a "text" layer, [batch frame head pixel token]
    in float32 on the graph; `masked(args, kwargs, logits)` is the same call with logits, of a batch
    and the kind's axes, added before the softmax. `of_text` are the parts of the layer that see
    nothing but the text, which is the same in every step.
    """

    layer: nn.Module
    kind: str
    heads: int
    size: Callable[[int, int], tuple[int, int]]
    masked: Callable[[tuple, dict[str, Any], Tensor], Call]
    shares: Callable[[tuple, dict[str, Any], Shape], Tensor]
    of_text: tuple[nn.Module, ...] = ()


@runtime_checkable
class Network(Protocol):
    """A model that denoises latents [batch channel frame h w], in whatever order its own are."""

    @property
    def module(self) -> ModelMixin:
        """The model itself."""

    @property
    def channels(self) -> int:
        """Of its latents."""

    @property
    def patch(self) -> int:
        """Cells of the latents, each way, that it takes at once."""

    def predict(
        self,
        z: Float[Tensor, "batch channel frame h w"],
        timestep: Tensor | int,
        text: Float[Tensor, "batch token dim"],
    ) -> Float[Tensor, "batch channel frame h w"]:
        """What the model says of the latents, as its scheduler takes it."""

    def shape(self, args: tuple, kwargs: dict[str, Any]) -> Shape:
        """The latents of a call of the model."""

    def sites(self) -> dict[str, Site]:
        """Every layer of attention in the order in which they run, by its name in the model."""

    def units(self) -> dict[str, int]:
        """The model in parts worth computing twice, with how often the grid of each is halved."""

    def select(self, stages: tuple[str, ...]) -> tuple[str, ...]:
        """The sites of kind "text" whose mean is the map A (Table XIII)."""

    def map_size(self, h: int, w: int) -> tuple[int, int]:
        """The grid of A for latents of h x w."""


def check_blocks(blocks: tuple[int, ...], count: int) -> None:
    """Refuse anything but a choice among a transformer's blocks, as an InputError."""
    if not blocks or len(set(blocks)) != len(blocks) or not set(blocks) <= set(range(count)):
        raise InputError(f"blocks must be some of 0 to {count - 1}, each once; got {blocks}")


def refuse_stages(stages: tuple[str, ...]) -> None:
    """A transformer has one grid: no stage of it is down, mid or up."""
    check_stages(stages)
    if set(stages) != {"down", "up"}:
        raise InputError(
            f"a transformer has no stages to choose, got {', '.join(stages)}; leave them at down, "
            "up and choose its blocks when it is loaded"
        )
