"""Attention refocusing by latent optimization (Section III-C.4): Eq. (7), Algorithm 1 lines 1-16.

z: latents.  A: cross-attention maps.  Steps count from 0 here and from 1 in the paper: its
"t <= t1" is `range(0, t1)` and its "t1 < t <= t2" is `range(t1, t2)`.
"""

import math
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from starvid_core.config import check_stages
from starvid_core.errors import InputError

# Brings gradients of half-precision latents into the range of normal float16 numbers.
HALF_SCALE = 4096.0

Latents = Float[Tensor, "batch channel frame h w"]
Watch = Callable[[Tensor, list[int], tuple[str, ...]], Tensor]


class GuidanceError(InputError):
    """Says in one line at which step, for which loss and prompt the numbers broke down."""


class LossValue(NamedTuple):
    """A phase's loss, summed over subjects, after `iteration` updates in this step."""

    step: int
    name: str
    iteration: int
    value: float


@dataclass(frozen=True)
class Phase:
    """One `if` of Algorithm 1: a loss, the steps it acts in, how often and how strongly.

    `loss` takes the maps of one prompt, [token frame h w], and returns one value per subject. A sum
    below a `threshold` above 0 ends the phase's iterations in that step.
    """

    name: str
    loss: Callable[[Tensor], Tensor]
    steps: range
    iterations: int
    weight: float
    learning_rate: float = 1.0
    threshold: float = 0.0

    def __post_init__(self) -> None:
        if self.iterations < 1 or not math.isfinite(self.rate):
            raise InputError(
                f"phase {self.name} needs 1 iteration or more and a finite weight, "
                f"got {self.iterations} and {self.rate}"
            )

    @property
    def rate(self) -> float:
        """Eq. (7): alpha * lambda."""
        return self.learning_rate * self.weight


@dataclass(frozen=True)
class Guide:
    """What a method does to one prompt: its phases in order, and the UNet stages they look at.

    `subjects` are the names that warnings use.
    """

    phases: tuple[Phase, ...] = ()
    stages: tuple[str, ...] = ("down", "up")
    subjects: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_stages(self.stages)


@dataclass(frozen=True)
class Refocused:
    """The latents after a step's updates; losses and warnings of every prompt."""

    z: Latents
    losses: tuple[tuple[LossValue, ...], ...]
    warnings: tuple[tuple[str, ...], ...]


def refocus(
    watch: Watch, z: Latents, step: int, guides: Sequence[Guide], prompts: Sequence[str]
) -> Refocused:
    """Algorithm 1, lines 1-16, for a batch in which every prompt has its own guide.

    `watch(z, rows, stages)` returns the maps A of these rows' latents, on their graph. Prompts do
    not touch each other: one outside its phase, or under its threshold, keeps its latents. Raises
    GuidanceError when a loss or a gradient is not finite.
    """
    turns = [_Turn(step, guide, prompt) for guide, prompt in zip(guides, prompts, strict=True)]
    for phases in zip_longest(*(guide.phases for guide in guides)):
        running = {row: p for row, p in enumerate(phases) if p is not None and step in p.steps}
        for stages in dict.fromkeys(guides[row].stages for row in running):
            alike = {row: p for row, p in running.items() if guides[row].stages == stages}
            z = _descend(watch, z, stages, alike, turns)
    return Refocused(
        z, tuple(tuple(t.losses) for t in turns), tuple(tuple(t.warnings) for t in turns)
    )


def _descend(
    watch: Watch,
    z: Latents,
    stages: tuple[str, ...],
    running: dict[int, Phase],
    turns: "list[_Turn]",
) -> Latents:
    """Algorithm 1, lines 2-7 or 10-15: the iterations of one phase of every row."""
    for iteration in range(max(phase.iterations for phase in running.values())):
        running = {row: p for row, p in running.items() if iteration < p.iterations}
        rows = list(running)
        with torch.enable_grad():
            leaf = z[rows].detach().requires_grad_()
            A = watch(leaf, rows, stages)
            pulls = {
                row: turns[row].pull(phase, iteration, A[i], z[row])
                for i, (row, phase) in enumerate(running.items())
            }
        running = {row: p for row, p in running.items() if pulls[row] is not None}
        if not running:
            break
        z = z.clone()
        for i, gradient in enumerate(_gradient(leaf, A, [pulls[row] for row in rows])):
            if rows[i] in running:
                z[rows[i]] = turns[rows[i]].moved(running[rows[i]], z[rows[i]], gradient)
    return z


def _gradient(leaf: Latents, A: Tensor, pulls: Sequence[Tensor | None]) -> Latents:
    """The gradient of the losses with respect to the latents, through the maps, in float32."""
    scale = HALF_SCALE if leaf.dtype == torch.float16 else 1.0
    at_maps = torch.stack(
        [torch.zeros_like(a) if p is None else p for a, p in zip(A, pulls, strict=True)]
    )
    (gradient,) = torch.autograd.grad(A, leaf, at_maps * scale)
    return gradient.float() / scale


class _Turn:
    """One prompt in one step: its updates, and the record of them."""

    def __init__(self, step: int, guide: Guide, prompt: str) -> None:
        self.step, self.guide, self.prompt = step, guide, prompt
        self.losses: list[LossValue] = []
        self.warnings: list[str] = []

    def pull(self, phase: Phase, iteration: int, A: Tensor, z: Tensor) -> Tensor | None:
        """Lines 4 and 12: gradient of the loss with respect to A, None when under the threshold."""
        loss = phase.loss(A)
        value = float(loss.detach().sum())
        self.losses.append(LossValue(self.step, phase.name, iteration, value))
        if not math.isfinite(value):
            raise broken(f"the {phase.name} loss is {value}", self.step, self.prompt, z)
        if phase.threshold > 0 and value < phase.threshold:
            return None
        pulls = [_pull(subject, A) for subject in loss]
        for number, pull in enumerate(pulls):
            if not pull.any():
                self._warn(phase, number)
        return torch.stack(pulls).sum(0)

    def moved(self, phase: Phase, z: Tensor, gradient: Tensor) -> Tensor:
        """Eq. (7): z' = z - alpha * lambda * gradient; lines 5-6 and 13-14."""
        if not gradient.isfinite().all():
            what = f"the {phase.name} loss has a gradient that is not finite"
            raise broken(what, self.step, self.prompt, z)
        return (z.float() - phase.rate * gradient).to(z.dtype)

    def _warn(self, phase: Phase, number: int) -> None:
        names = self.guide.subjects
        subject = names[number] if number < len(names) else f"subject {number + 1}"
        warning = (
            f"the {phase.name} loss does not act on {subject}: its gradient is 0 "
            "(an empty or full mask, or maps without differences)"
        )
        if warning not in self.warnings:
            self.warnings.append(warning)


def broken(what: str, step: int, prompt: str, z: Tensor) -> GuidanceError:
    """The error for numbers that are not finite, with all that is needed to find the cause."""
    largest = z.detach().float().abs().nan_to_num(posinf=math.inf).max()
    return GuidanceError(
        f"{what} at step {step} (max|z| {largest:.4g}) for the prompt "
        f"{textwrap.shorten(prompt, 120)!r}; use smaller weights or another seed"
    )


def _pull(loss: Tensor, A: Tensor) -> Tensor:
    """Gradient of one subject's loss with respect to the maps, zeros when it ignores them."""
    if not loss.requires_grad:
        return torch.zeros_like(A)
    return torch.autograd.grad(loss, A, retain_graph=True, materialize_grads=True)[0]
