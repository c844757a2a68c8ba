"""Attention refocusing by latent optimization (Section III-C.4): Eq. (7), Algorithm 1 lines 1-16.

z: latents.  A: cross-attention maps.
"""

import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from starvid_core.errors import InputError
from starvid_core.passes.prefix import State
from starvid_core.phases import Guide, Phase, View

# Brings gradients of half-precision latents into the range of normal float16 numbers.
HALF_SCALE = 4096.0

Latents = Float[Tensor, "batch channel frame h w"]
Maps = tuple[Tensor, ...]


class Reading(NamedTuple):
    """The maps of some rows, on their graph, and their pass where the view is resumable."""

    maps: Maps
    halted: State | None = None


Watch = Callable[[Tensor, list[int], View], Reading]


class GuidanceError(InputError):
    """Says in one line at which step, for which loss and prompt the numbers broke down."""


class LossValue(NamedTuple):
    """A phase's loss, summed over subjects, after `iteration` updates in this step."""

    step: int
    name: str
    iteration: int
    value: float


@dataclass(frozen=True)
class Refocused:
    """The latents after a step's updates; losses and warnings of every prompt.

    `halted` are passes that can go on to the conditional prediction of a row, each at its own z.
    """

    z: Latents
    losses: tuple[tuple[LossValue, ...], ...]
    warnings: tuple[tuple[str, ...], ...]
    halted: Mapping[int, State] = field(default_factory=dict)


def refocus(
    watch: Watch,
    z: Latents,
    step: int,
    guides: Sequence[Guide],
    prompts: Sequence[str],
    alphabar: float = 1.0,
    past: Sequence[Mapping[str, float]] | None = None,
) -> Refocused:
    """Algorithm 1, lines 1-16, for a batch in which every prompt has its own guide.

    `watch(z, rows, view)` returns these rows' maps on their graph. `past` holds the last value of
    every loss of each prompt. Prompts do not touch each other: one outside its phase, or under its
    threshold, keeps its latents. Raises GuidanceError when a loss or a gradient is not finite.
    """
    seen = past or [{} for _ in prompts]
    turns = [
        _Turn(step, alphabar, *own) for own in zip(guides, prompts, map(dict, seen), strict=True)
    ]
    for phases in zip_longest(*(guide.phases for guide in guides)):
        running = {row: p for row, p in enumerate(phases) if p is not None and step in p.steps}
        for view in dict.fromkeys(guides[row].view(p) for row, p in running.items()):
            alike = {row: p for row, p in running.items() if guides[row].view(p) == view}
            z = _descend(watch, z, view, alike, turns)
    return Refocused(
        z,
        tuple(tuple(turn.losses) for turn in turns),
        tuple(tuple(turn.warnings) for turn in turns),
        {row: turn.halted for row, turn in enumerate(turns) if turn.halted},
    )


def _descend(
    watch: Watch,
    z: Latents,
    view: View,
    running: dict[int, Phase],
    turns: "list[_Turn]",
) -> Latents:
    """Algorithm 1, lines 2-7 or 10-15: the iterations of one phase of every row."""
    for row in running:
        turns[row].velocity = None
    for iteration in range(max(phase.iterations for phase in running.values())):
        running = {row: p for row, p in running.items() if turns[row].goes_on(p, iteration)}
        if not running:
            break
        rows = list(running)
        with torch.enable_grad():
            leaf = z[rows].detach().requires_grad_()
            maps, halted = watch(leaf, rows, view)
            pulls = {
                row: turns[row].pull(phase, iteration, tuple(A[i] for A in maps), z[row])
                for i, (row, phase) in enumerate(running.items())
            }
        for i, row in enumerate(rows):
            reused = pulls[row] is None or running[row].reuse == "last"
            turns[row].halted = halted.rows([i]) if halted and reused else None
        running = {row: p for row, p in running.items() if pulls[row] is not None}
        if not running:
            break
        z = z.clone()
        for i, gradient in enumerate(_gradient(leaf, maps, [pulls[row] for row in rows])):
            if rows[i] in running:
                z[rows[i]] = turns[rows[i]].moved(running[rows[i]], z[rows[i]], gradient)
    return z


def _gradient(leaf: Latents, maps: Maps, pulls: Sequence[Maps | None]) -> Latents:
    """The gradient of the losses with respect to the latents, through the maps, in float32."""
    scale = HALF_SCALE if leaf.dtype == torch.float16 else 1.0
    at_maps = [
        torch.stack([torch.zeros_like(A[i]) if p is None else p[n] for i, p in enumerate(pulls)])
        for n, A in enumerate(maps)
    ]
    (gradient,) = torch.autograd.grad(maps, leaf, [at_A * scale for at_A in at_maps])
    return gradient.float() / scale


class _Turn:
    """One prompt in one step: its updates, and the record of them."""

    def __init__(
        self, step: int, alphabar: float, guide: Guide, prompt: str, last: dict[str, float]
    ) -> None:
        self.step, self.alphabar, self.guide, self.prompt = step, alphabar, guide, prompt
        self.last = last
        self.losses: list[LossValue] = []
        self.warnings: list[str] = []
        self.velocity: Tensor | None = None
        self.halted: State | None = None

    def goes_on(self, phase: Phase, iteration: int) -> bool:
        """Whether the maps are to be read once more."""
        done = phase.carry and self._is_low(phase)
        return iteration < phase.iterations and not done

    def pull(self, phase: Phase, iteration: int, maps: Maps, z: Tensor) -> Maps | None:
        """Lines 4 and 12: gradient of the loss at the maps, None when under the threshold."""
        loss = phase.loss(*maps)
        value = float(loss.detach().sum())
        self.last[phase.name] = value
        self.losses.append(LossValue(self.step, phase.name, iteration, value))
        if not math.isfinite(value):
            raise broken(f"the {phase.name} loss is {value}", self.step, self.prompt, z)
        if not phase.carry and self._is_low(phase):
            return None
        pulls = [_pull(subject, maps) for subject in loss]
        for number, pull in enumerate(pulls):
            if not any(at_A.any() for at_A in pull):
                self._warn(phase, number, len(pulls))
        return tuple(torch.stack(at_A).sum(0) for at_A in zip(*pulls, strict=True))

    def moved(self, phase: Phase, z: Tensor, gradient: Tensor) -> Tensor:
        """Eq. (7): z' = z - alpha * lambda * gradient; lines 5-6 and 13-14."""
        if not gradient.isfinite().all():
            what = f"the {phase.name} loss has a gradient that is not finite"
            raise broken(what, self.step, self.prompt, z)
        if phase.size > 0:
            gradient = _of_size(gradient, phase.size)
        else:
            gradient = phase.rate * phase.scale(self.alphabar) * gradient
        if phase.momentum > 0 and self.velocity is not None:
            gradient = phase.momentum * self.velocity + gradient
        self.velocity = gradient
        return (z.float() - gradient).to(z.dtype)

    def _is_low(self, phase: Phase) -> bool:
        return phase.threshold > 0 and self.last.get(phase.name, math.inf) < phase.threshold

    def _warn(self, phase: Phase, number: int, count: int) -> None:
        names = self.guide.subjects
        if count == 1 < len(names):
            subject = "any subject"
        else:
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


def _of_size(gradient: Tensor, size: float) -> Tensor:
    """The gradient with a root mean square of `size`; one of zeros stays."""
    length = gradient.square().mean().sqrt()
    return gradient * (size / length) if length > 0 else gradient


def _pull(loss: Tensor, maps: Maps) -> Maps:
    """Gradient of one subject's loss with respect to the maps, zeros when it ignores them."""
    if not loss.requires_grad:
        return tuple(torch.zeros_like(A) for A in maps)
    return torch.autograd.grad(loss, maps, retain_graph=True, materialize_grads=True)
