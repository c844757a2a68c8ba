"""What a method's file holds, and what methods share: a planned scene as a backbone sees it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from starvid_core.backbones.base import Backbone
from starvid_core.masks import latent_masks
from starvid_core.phases import Guide
from starvid_core.scene import Trajectory
from starvid_core.tokens import Pair, Positions, Words, align, prompt_tokens


@runtime_checkable
class Method(Protocol):
    """A file of this folder: its citation, its published numbers, and what it does to a prompt.

    `Config` is a frozen dataclass whose fields have defaults; none is called like a field of
    `SamplingConfig`.
    """

    Config: type[Any]

    def guide(
        self,
        trajectory: Trajectory,
        backbone: Backbone,
        config: Any = None,
        steps: int | None = None,
    ) -> Guide:
        """The guide of one prompt for a run of `steps`, by default the backbone's."""


@runtime_checkable
class Chooser(Method, Protocol):
    """A method that keeps the best of several plain clips, by a judge."""

    def seeds(self, seed: int, config: Any) -> tuple[int, ...]:
        """The seeds of the clips of which one is kept; the first is the run's own."""

    def best(self, scores: Sequence[Mapping[str, float]], config: Any) -> int:
        """Which clip is kept, by what the metrics say of each."""


@dataclass(frozen=True)
class Scene:
    """A planned scene as a backbone sees it.

    `masks(h, w)` are the subjects' masks M on any grid, on the backbone's device; `size` is the
    grid of the maps A; `prompt` holds the tokens of the prompt without start and end, of the
    `length` tokens that the backbone reads.
    """

    words: Words
    prompt: Positions
    length: int
    subjects: tuple[str, ...]
    masks: Callable[[int, int], Float[Tensor, "subject frame h w"]]
    size: tuple[int, int]

    @property
    def nouns(self) -> list[Positions]:
        return [pair.noun for pair in self.words.pairs]

    @property
    def verbs(self) -> list[Positions]:
        return [pair.verb for pair in self.words.pairs]

    @property
    def M(self) -> Float[Tensor, "subject frame h w"]:
        return self.masks(*self.size)

    def phrases(self, phrase: str) -> Float[Tensor, "subject token"]:
        """1 at the tokens of each subject's phrase, one of `PHRASES`."""
        members = torch.zeros(len(self.subjects), self.length, device=self.M.device)
        for subject, pair in zip(members, self.words.pairs, strict=True):
            subject[list(PHRASES[phrase](pair))] = 1
        return members


def scene(trajectory: Trajectory, backbone: Backbone) -> Scene:
    """Read a trajectory's words and boxes for a backbone."""
    plan = trajectory.plan
    spans = backbone.spans

    @cache
    def masks(h: int, w: int) -> Tensor:
        return latent_masks(trajectory, spans, h, w).to(backbone.device)

    return Scene(
        align(plan.prompt, plan.subjects, backbone.tokenizer),
        prompt_tokens(plan.prompt, backbone.tokenizer),
        backbone.tokenizer.model_max_length,
        tuple(f"{s.noun} (subject {i + 1})" for i, s in enumerate(plan.subjects)),
        masks,
        backbone.network.map_size(*backbone.latent_shape[-2:]),
    )


def noun(pair: Pair) -> Positions:
    """The phrase of a subject, as methods for images and for layouts have it."""
    return pair.noun


def noun_and_verb(pair: Pair) -> Positions:
    """The phrase of a subject together with what it does."""
    return (*pair.noun, *pair.verb)


PHRASES: dict[str, Callable[[Pair], Positions]] = {"noun": noun, "noun+verb": noun_and_verb}


def top_mean(
    values: Float[Tensor, "*batch pixel"], region: Float[Tensor, "*_batch pixel"], part: float
) -> Float[Tensor, "*batch"]:
    """The mean of the largest values, as many as `part` of the region's pixels, one at least."""
    count = (region.sum(-1) * part).floor().clamp_min(1)
    largest = values.sort(-1, descending=True).values
    taken = torch.arange(values.shape[-1], device=values.device) < count[..., None]
    return (largest * taken).sum(-1) / count
