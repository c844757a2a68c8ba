"""Frames that a study kept, as rows of a figure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from starvid_core import plotting
from starvid_core.studies import Cell
from starvid_core.studies.results import Results

# Variants that never saw the planned boxes.
UNGUIDED = {"plain"}


def places(found: Results) -> list[tuple[str, int]]:
    """The prompts and seeds of which frames were kept, those that the study names first."""
    return list(dict.fromkeys((prompt, seed) for _, prompt, seed in found.shown))


def group(
    found: Results, place: tuple[str, int], variants: Iterable[str] = (), heading: str = ""
) -> plotting.Group:
    """The clips of one prompt and seed, one row a variant, under the prompt or another heading."""
    prompt, seed = place
    table = found.table.set_index(["variant", "prompt", "seed"])[[*plotting.METRICS]]
    scores = table.to_dict("index")
    cells = [Cell(variant, *place) for variant in variants or found.study.variants]
    clips = {c.variant: (found.clip(c), scores[c]) for c in cells if c in found.shown}
    made = plotting.group(found.trajectory(prompt), clips, set(clips) - UNGUIDED)
    return replace(made, prompt=f"{heading}: {prompt}") if heading else made
