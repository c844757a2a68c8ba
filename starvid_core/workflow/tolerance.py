"""How far the same video may differ between machines: measured over threads and instruction sets.

One process for each setting makes a plain and a guided clip of the shipped model from the same
noise; what differs from the first is reported. A test holds this machine against ten times that.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from starvid_core import machine, manifests, paths, studies
from starvid_core.artifacts import fingerprint, write_json, writing
from starvid_core.errors import InputError

NAME = "tolerance"
STEPS = 25
MARGIN = 10.0  # a test allows so many times what was measured
STUDY = "fig05_comparison"  # its first prompt is one that the shipped model knows
KINDS = ("plain", "guided")
THREADS = ("2", "1")
# What torch and oneDNN may use; "" is whatever they find.
SETS = (
    *(("", ""), ("avx512", ""), ("avx2", ""), ("default", "")),
    *(("avx2", "AVX2"), ("default", "SSE41")),
)
SAME = ("noise", "scores")


@dataclass(frozen=True)
class Setting:
    """Threads, and the instruction sets that torch and oneDNN may use ("" for any)."""

    threads: str
    aten: str = ""
    onednn: str = ""

    @property
    def environment(self) -> dict[str, str]:
        said = {"ATEN_CPU_CAPABILITY": self.aten, "ONEDNN_MAX_CPU_ISA": self.onednn}
        fixed = {"OMP_NUM_THREADS": self.threads, "MKL_NUM_THREADS": self.threads}
        inherited = {k: v for k, v in os.environ.items() if k not in said}
        return inherited | fixed | {name: value for name, value in said.items() if value}


def settings() -> list[Setting]:
    """The first is the one that `make reproduce` uses; all others are held against it."""
    return [Setting(threads, *sets) for threads, sets in product(THREADS, SETS)]


def measure(steps: int = STEPS, chosen: list[Setting] | None = None) -> Path:
    """Make the clips in every setting, write how far they are apart; return the JSON file."""
    made = [(one, _in_process(one, steps)) for one in chosen or settings()]
    reference = made[0][1]
    rows = [{**vars(one), **compare(found, reference)} for one, found in made]
    found = {
        "command": f"starvid tolerance --steps {steps}",
        "checkpoint": fingerprint(paths.CHECKPOINTS / "emoji")[:12],
        "steps": steps,
        "machine": machine.facts(),
        "rows": rows,
        "largest": {k: max(row[f"latents_{k}"] for row in rows) for k in KINDS},
        "margin": MARGIN,
    }
    target = paths.RESULTS / f"{NAME}.json"
    with writing(target.with_suffix(".npz")) as temporary:
        kept: dict[str, Any] = {k: v for k, v in reference.items() if k != "video"}
        np.savez_compressed(temporary, **kept)
    write_json(target, found)
    manifests.relist([target, target.with_suffix(".npz")])
    return target


def compare(found: Mapping[str, np.ndarray], reference: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Largest differences of latents (in parts of the range of the reference) and of pixels;
    whether noise and scores are equal."""
    rows: dict[str, Any] = {
        f"latents_{kind}": float(
            np.abs(found[kind] - reference[kind]).max() / np.ptp(reference[kind])
        )
        for kind in KINDS
    }
    if "video" in reference:
        apart = np.abs(found["video"].astype(int) - reference["video"])
        rows |= {"pixels": int(apart.max()), "pixels_changed": float((apart > 0).mean())}
    equal = {
        name: bool(np.array_equal(found[name], reference[name])) for name in ("noise", "scores")
    }
    return rows | {f"{name}_equal": same for name, same in equal.items()}


def sample(steps: int) -> dict[str, np.ndarray]:
    """The two clips in this process: noise, latents, pixels, and what the judge says of them."""
    from planners import rules
    from starvid_core import backbones, experiment, sampling
    from starvid_core.methods import none, starvid

    prompt = studies.load(STUDY).prompts[0]
    backbone, plan = backbones.load("emoji"), rules.plan(prompt)
    guides = [none.guide(plan, backbone), starvid.guide(plan, backbone, steps=steps)]
    noise = backbone.initial_noise([0, 0])
    config = replace(backbone.sampling, steps=steps)
    *_, last = sampling.denoise(backbone, [prompt] * 2, guides, noise, config, seeds=[0, 0])
    video = np.stack(backbone.decode(last.z))
    scores = [sorted(experiment.score(one, plan).items()) for one in video]
    return {
        "noise": noise.numpy(),
        **{kind: last.z[row].numpy() for row, kind in enumerate(KINDS)},
        "video": video,
        "scores": np.array([[round(value, 4) for _, value in row] for row in scores]),
    }


def _in_process(one: Setting, steps: int) -> dict[str, np.ndarray]:
    with tempfile.TemporaryDirectory(prefix="starvid-") as folder:
        target = Path(folder, "clips.npz")
        command = [sys.executable, "-m", "starvid_core.workflow.tolerance", str(target), str(steps)]
        done = subprocess.run(command, env=one.environment, capture_output=True, text=True)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise InputError(f"no clips with {json.dumps(vars(one))}: {last}")
        with np.load(target, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}


if __name__ == "__main__":
    from starvid_core.workflow import offline

    offline.apply()
    made: dict[str, Any] = dict(sample(int(sys.argv[2])))
    np.savez(sys.argv[1], **made)
