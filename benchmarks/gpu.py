"""ZeroScope at its published size with random weights on one GPU, in 8 minutes at most.

`python -m benchmarks.gpu [--tiny] [FOLDER]` times single passes side by side with the memory that
each needs, then whole clips, and writes tab14_gpu.json with the name of the device.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from benchmarks import models, ratios, timing
from benchmarks.report import table, write
from benchmarks.variants import Setting
from planners import rules
from starvid_core import machine
from starvid_core.backbones.base import Backbone
from starvid_core.config import MODES, SamplingConfig, StarVidConfig
from starvid_core.errors import InputError
from starvid_core.methods import lvd, none, starvid
from starvid_core.methods.base import Guide
from starvid_core.passes.parts import replaced
from starvid_core.passes.speed import compiled
from starvid_core.sampling import sample

NAME = "tab14_gpu"
PROMPT = "a dog runs and a cat jumps on the grass"
LIMIT = 420.0  # seconds, after which no further clip is begun
MIB = 2**20
Rows = dict[str, dict[str, float]]


def passes(setting: Setting, rounds: int, clock: timing.Clock) -> Rows:
    """Ratios of time to the plain step, and the peak of the memory of each."""
    works = ratios.works(setting)
    parts = compiled(setting.network)
    plain = works["truncated"]

    def fast() -> object:
        with replaced(parts):
            return plain()

    if torch.accelerator.is_available():
        works["truncated, compiled"] = fast
    rows = timing.ratios(timing.rounds(works, rounds, clock, warm=3), "step")
    for name, work in works.items():
        rows[name]["peak_mib"] = peak(work)
    return rows


def peak(work: Callable[[], object]) -> float:
    """The most MiB that tensors take while at work, weights among them; 0 without a GPU."""
    if not torch.accelerator.is_available():
        work()
        return 0.0
    torch.accelerator.empty_cache()
    torch.accelerator.reset_peak_memory_stats()
    work()
    torch.accelerator.synchronize()
    return torch.accelerator.max_memory_allocated() / MIB


def ways(backbone: Backbone, steps: int) -> dict[str, tuple[Guide, SamplingConfig]]:
    """What clips are made by, in the order of what they tell most."""
    trajectory = rules.plan(PROMPT)
    names = StarVidConfig.__dataclass_fields__
    quick = StarVidConfig(**{n: v for n, v in MODES["fast"].items() if n in names})
    plain, cached = SamplingConfig(steps=steps), SamplingConfig(steps=steps, cached_text=True)
    less = SamplingConfig(steps=steps, recompute=1, lean=True)
    exact = starvid.guide(trajectory, backbone, None, steps)
    fast = starvid.guide(trajectory, backbone, quick, steps)
    return {
        "unguided": (none.guide(trajectory, backbone, None, steps), plain),
        "exact": (exact, plain),
        "fast": (fast, cached),
        "exact, recompute 1, lean": (exact, less),
        "exact, recompute 4, lean": (exact, SamplingConfig(steps=steps, recompute=4, lean=True)),
        "LVD": (lvd.guide(trajectory, backbone, None, steps), plain),
    }


def clips(backbone: Backbone, steps: int, clock: timing.Clock, until: float) -> Rows:
    """Seconds of a whole clip and its ratio to the unguided one, while there is time."""
    rows: Rows = {}
    for name, (guide, config) in ways(backbone, steps).items():
        if rows and time.perf_counter() > until:
            break
        begun = clock()
        most = peak(partial(sample, backbone, [PROMPT], [guide], [0], config))
        rows[name] = {"seconds": clock() - begun, "peak_mib": most}
    first = rows["unguided"]["seconds"]
    return {name: row | {"ratio": row["seconds"] / first} for name, row in rows.items()}


def main(arguments: list[str]) -> None:
    start = time.perf_counter()
    tiny = "--tiny" in arguments
    if not tiny and not torch.accelerator.is_available():
        raise InputError("there is no GPU here; benchmarks.ratios and .clips need none")
    torch.manual_seed(0)
    size = (32, 16, 64) if tiny else (320, 64, 1024)
    like = {} if tiny else {"device": machine.device(), "dtype": torch.bfloat16}
    frames, h, w = (2, 8, 8) if tiny else (16, 40, 72)
    model = models.unet(*size).to(**like)
    clock = timing.processor if tiny else timing.device
    found = {"passes": passes(models.setting(model, frames, h, w), 1 if tiny else 10, clock)}
    sys.stdout.write(f"{table(found['passes'])}\n")
    backbone = models.backbone(model, frames, 8 * h, 8 * w)
    found["clips"] = clips(backbone, 2 if tiny else 50, clock, start + LIMIT)
    sys.stdout.write(f"{table(found['clips'])}\n")
    folders = [Path(one) for one in arguments if not one.startswith("--")]
    write(NAME, found, folders[0] if folders else None)


if __name__ == "__main__":
    main(sys.argv[1:])
