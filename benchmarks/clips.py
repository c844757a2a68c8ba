"""Whole clips of the shipped model: time, passes and losses of every way to make them.

`python -m benchmarks.clips [PROMPTS]` writes data/results/tab14_clips.json. All ways have the same
prompts, plans and noise, and take turns; best of n is n plain clips by its definition.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from benchmarks import timing
from benchmarks.report import table, write
from planners import benchmarks, rules
from planners.planning import Unplanned
from starvid_core import backbones, experiment, specs
from starvid_core.backbones import Backbone
from starvid_core.costs import Stopwatch
from starvid_core.sampling import Clip

NAME = "tab14_clips"
PROMPTS = 4
FEW = {"steps": 10, "sampler": "dpmsolver++"}
WAYS: dict[str, dict[str, Any]] = {
    "unguided": {"method": "none"},
    "exact": {},
    "exact, recompute 1": {"recompute": 1},
    "momentum": {"spatial_iterations": 4, "spatial_momentum": 0.9},
    "shared syntax": {"share_syntax": True},
    "cached text": {"cached_text": True},
    "fast": {"mode": "fast"},
    "few steps, unguided": {"method": "none", **FEW},
    "few steps, fast": {"mode": "fast", **FEW},
    "LVD": {"method": "lvd"},
}


def prompts(count: int, backbone: Backbone) -> list[str]:
    """The first of the benchmark that the model knows the words of."""
    found: list[str] = []
    for one in benchmarks.load("llm_benchmark"):
        try:
            specs.check_vocabulary(rules.plan(one.prompt), backbone)
        except (Unplanned, specs.OutOfVocabulary):
            continue
        found.append(one.prompt)
        if len(found) == count:
            break
    return found


def measure(backbone: Backbone, asked: Sequence[str], ways: dict[str, dict[str, Any]]) -> dict:
    """For every way the ratio of its time, its passes, and the last L_sp over the exact one's."""
    made: dict[str, list[tuple[float, float, Clip]]] = {name: [] for name in ways}
    for prompt in (asked[0], *asked):  # the first once more, to warm up
        for name, options in ways.items():
            one = specs.spec(prompt, backbone=backbone, **options)
            watch = Stopwatch()
            clip = experiment.generate(one, backbone)
            watch.stop()
            cost = watch.cost(1, one.sampling, len(clip.losses), clip.reused)
            made[name].append((cost.core_seconds, cost.passes, clip))
    taken = {name: np.array([row[0] for row in rows[1:]]) for name, rows in made.items()}
    found = timing.ratios(taken, "unguided")
    for name, rows in made.items():
        found[name]["passes"] = float(np.mean([row[1] for row in rows[1:]]))
        spatial = [value for row in rows[1:] for value in last(row[2])]
        found[name] |= {"spatial": float(np.mean(spatial))} if spatial else {}
    return found


def last(clip: Clip) -> list[float]:
    """L_sp when it was last looked at, if it was."""
    return [value.value for value in clip.losses if value.name == "spatial"][-1:]


def main() -> None:
    torch.set_num_threads(1)
    backbone = backbones.load("emoji")
    asked = prompts(int(sys.argv[1]) if len(sys.argv) > 1 else PROMPTS, backbone)
    rows = measure(backbone, asked, WAYS)
    sys.stdout.write(f"{table(rows)}\n")
    write(NAME, {"clips": rows, "prompts": asked, "checkpoint": backbone.fingerprint})


if __name__ == "__main__":
    main()
