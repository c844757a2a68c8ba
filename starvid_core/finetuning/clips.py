"""What training reads: pairs drawn at random, their clean latents, and their prompts as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from starvid_core import paths
from starvid_core.backbones.base import Backbone
from starvid_core.errors import InputError
from starvid_core.experiment import Run
from starvid_core.finetuning.pairs import Choice, Record
from starvid_core.moving_emoji.data import generator
from starvid_core.noise import noise
from starvid_core.video import Video

Latents = Float[Tensor, "batch channel frame h w"]


def video_of(record: Record) -> Video:
    """The video of a run that is kept."""
    return Run(paths.RUNS / record.run).video


class Part(NamedTuple):
    """Pairs that pass through the model at once: clean latents, one timestep, two noises."""

    winner: Latents
    loser: Latents
    text: Float[Tensor, "batch token dim"]
    t: int
    noises: tuple[Latents, Latents]


@dataclass
class Clips:
    """The pairs of all prompts; part `number` is the same on every machine.

    A prompt is drawn first, then a winner and a loser of it. Latents are kept in half precision.
    """

    backbone: Backbone
    choices: Mapping[str, Choice]
    seed: int
    shared_noise: bool = False
    read: Callable[[Record], Video] = video_of
    _latents: dict[str, Tensor] = field(default_factory=dict, repr=False)
    _texts: dict[str, Tensor] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if not self.choices:
            raise InputError("no prompt has both a winner and a loser; take more samples of each")

    def part(self, number: int, pairs: int) -> Part:
        rng = generator(self.seed, number)
        prompts = [list(self.choices)[k] for k in rng.integers(len(self.choices), size=pairs)]
        winners = [_one(rng, self.choices[prompt].winners) for prompt in prompts]
        losers = [_one(rng, self.choices[prompt].losers) for prompt in prompts]
        w, other = (torch.stack([self.latents(r) for r in rows]) for rows in (winners, losers))
        drawn = [noise(w.shape, self.seed, f"part {number} {side}").to(w) for side in "wl"]
        return Part(
            winner=w,
            loser=other,
            text=torch.stack([self.text(prompt) for prompt in prompts]),
            t=int(rng.integers(1000)),
            noises=(drawn[0], drawn[0] if self.shared_noise else drawn[1]),
        )

    @torch.no_grad()
    def latents(self, record: Record) -> Float[Tensor, "channel frame h w"]:
        """The clean latents of a video."""
        if record.run not in self._latents:
            frames = torch.from_numpy(np.array(self.read(record))).to(self.backbone.device)
            video = rearrange(frames, "frame h w channel -> 1 channel frame h w").float()
            coded = self.backbone.codec.encode(video / 127.5 - 1)[0]
            self._latents[record.run] = coded.half().cpu()
        return self._latents[record.run].to(self.backbone.device, torch.float32)

    def text(self, prompt: str) -> Float[Tensor, "token dim"]:
        if prompt not in self._texts:
            self._texts[prompt] = self.backbone.encode_text([prompt])[0]
        return self._texts[prompt]


def _one(rng: np.random.Generator, records: tuple[Record, ...]) -> Record:
    return records[int(rng.integers(len(records)))]
