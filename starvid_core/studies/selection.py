"""Which prompts a study asks: some by name, and parts of benchmarks as far as the model knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from planners import benchmarks
from planners.benchmarks import BenchmarkPrompt
from starvid_core import paths, specs
from starvid_core.errors import InputError
from starvid_core.options import known

APART = 1000  # more than any benchmark has lines


@dataclass(frozen=True)
class Selection:
    """Chosen prompts, each with its benchmark ("" for none) and its line there, from 0.

    `left_out` counts, for each benchmark, the chosen prompts that the model cannot be asked.
    """

    places: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def prompts(self) -> tuple[str, ...]:
        return tuple(self.places)

    def benchmark(self, prompt: str) -> str:
        return self.places.get(prompt, ("", 0))[0]

    def noise(self, prompt: str, seed: int) -> int:
        """The seed of a prompt's noise: a benchmark's prompts do not share it, texts do."""
        benchmark, line = self.places.get(prompt, ("", 0))
        return line + APART * seed if benchmark else seed


def choose(declared: Iterable[Any]) -> Selection:
    """Prompts as a study declares them: a text, or {"benchmark": name, "every": k, "first": i}.

    Of a benchmark every k-th prompt from the i-th is chosen, so that parts with different i never
    meet, and then those are left out whose subjects or motions the shipped model does not know.
    """
    world = specs.world(paths.CHECKPOINTS / specs.BACKBONE)
    places: dict[str, tuple[str, int]] = {}
    left_out: dict[str, int] = {}
    for one in declared:
        if isinstance(one, str):
            places[one] = ("", 0)
            continue
        name, part = _part(one)
        askable = {line: p.prompt for line, p in part.items() if _known(p, world)}
        places |= {prompt: (name, line) for line, prompt in askable.items()}
        left_out[name] = left_out.get(name, 0) + len(part) - len(askable)
    return Selection(places, left_out)


def _part(one: Any) -> tuple[str, dict[int, BenchmarkPrompt]]:
    if not isinstance(one, dict) or "benchmark" not in one:
        raise InputError(f'prompts are texts or {{"benchmark": NAME}}, got {str(one)[:80]}')
    for key in one:
        known("part of a selection", key, ["benchmark", "every", "first"])
    every, first = one.get("every", 1), one.get("first", 0)
    if not (isinstance(every, int) and isinstance(first, int) and 0 <= first < every):
        raise InputError(f"a selection needs 0 <= first < every, got {first!r} and {every!r}")
    return one["benchmark"], dict(list(enumerate(_benchmark(one["benchmark"])))[first::every])


@cache
def _benchmark(name: str) -> tuple[BenchmarkPrompt, ...]:
    return benchmarks.load(name, paths.PROMPTS)


def _known(prompt: BenchmarkPrompt, world: dict[str, Any]) -> bool:
    return not world or all(
        s.subject in world["subjects"] and s.motion in world["motions"] for s in prompt.subjects
    )
