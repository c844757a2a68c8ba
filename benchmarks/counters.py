"""Operations and bytes of ZeroScope at its published size, counted without weights or a clock.

`python -m benchmarks.counters [PASS...]` writes data/results/tab14_counters.json; tests count some
of it again. A clip is put together from its passes, as Algorithm 1 says how many there are.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet3DConditionModel

from benchmarks.meters import Meter, fused
from benchmarks.report import write
from benchmarks.variants import Setting, finish, halted, layered, naive, step, truncated
from starvid_core import paths
from starvid_core.artifacts import read_json
from starvid_core.config import MODES, StarVidConfig, share
from starvid_core.methods import lvd
from starvid_core.unet import UNet

NAME = "tab14_counters"
MIB = 2**20
STEPS, FRAMES, H, W = 50, 16, 40, 72  # Section IV-A at 320x576 pixels
UNGUIDED = 7068.0  # MiB of ZeroScope in Table XIV: what a device holds beside the passes

PASSES: dict[str, Callable[[Setting], object]] = {
    "step": step,
    "halted": halted,
    "finish": finish,
    "truncated": truncated,
    "recompute 1": lambda setting: truncated(setting, 1),
    "recompute 4": lambda setting: truncated(setting, 4),
    "lean": lambda setting: truncated(setting, 0, True),
    "lean, recompute 1": lambda setting: truncated(setting, 1, True),
    "naive": naive,
    "naive, materialized": naive,
    "LVD": lambda setting: layered(setting, lvd.layers(setting.network)),
}


def full_size() -> Setting:
    """The configuration of the published UNet on no device, in half precision."""
    with torch.device("meta"):
        unet = UNet3DConditionModel(cross_attention_dim=1024).to(torch.float16).eval()
        z = torch.empty(1, 4, FRAMES, H, W, dtype=torch.float16)
        text = torch.empty(1, 77, 1024, dtype=torch.float16)
        return Setting(UNet(unet), z, text, torch.empty((), dtype=torch.int64))


def count(setting: Setting, name: str) -> dict[str, float]:
    """Teraflops of one of the passes, and the most MiB that it ever holds."""
    meter = Meter([*setting.network.module.parameters(), setting.z, setting.text])
    with nullcontext() if "materialized" in name else fused(), meter:
        PASSES[name](setting)
    return {"teraflop": meter.flops / 1e12, "peak_mib": meter.peak / MIB}


def decoding() -> float:
    """Teraflops of the autoencoder for all frames of a clip."""
    with torch.device("meta"):
        vae = AutoencoderKL(
            block_out_channels=(128, 256, 512, 512),
            layers_per_block=2,
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
        ).eval()
        meter = Meter(vae.parameters())
        with torch.no_grad(), meter:
            vae.decode(torch.empty(1, 4, H, W))
    return FRAMES * meter.flops / 1e12


def clips(passes: dict[str, dict[str, float]], decode: float) -> dict[str, float]:
    """Teraflops of whole clips: how often each pass runs, by the paper's numbers and by ours."""
    cost = {name: row["teraflop"] for name, row in passes.items()}
    plain = STEPS * cost["step"] + decode
    spatial, syntax = iterations(StarVidConfig())
    quick, shared = iterations(StarVidConfig(**_own(MODES["fast"])))
    half = cost["step"] / 2
    # A shared pass goes on from its maps; the step then needs its other half alone.
    spared = half - (cost["finish"] - cost["halted"])
    ways = {name: cost[name] for name in PASSES if name not in ("step", "halted", "finish")}
    exact = {name: plain + (spatial + syntax) * way for name, way in ways.items()}
    rival = lvd.Config()
    its = share(rival.until, rival.of_steps, STEPS) * rival.iterations
    exact["LVD"] = plain + its * cost["LVD"]
    fast = plain + quick * cost["truncated"] + shared * (cost["truncated"] - spared)
    ckpt = plain + quick * cost["recompute 1"] + shared * (cost["recompute 1"] - spared)
    made = {"unguided": plain, **exact, "fast": fast, "fast, recompute 1": ckpt}
    return made | {"best of 3": 3 * plain, "unguided, 20 steps": 20 * cost["step"] + decode}


def iterations(config: StarVidConfig) -> tuple[int, int]:
    """Of both phases in a clip, when no threshold ends them early."""
    return (
        config.spatial_until * config.spatial_iterations,
        (config.syntax_until - config.spatial_until) * config.syntax_iterations,
    )


def _own(numbers: dict[str, Any]) -> dict[str, Any]:
    return {name: v for name, v in numbers.items() if name in StarVidConfig.__dataclass_fields__}


def main(names: list[str]) -> None:
    setting, path = full_size(), paths.RESULTS / f"{NAME}.json"
    # Some by name: the others stay as they were counted.
    passes = read_json(path)["passes"] if names else {}
    for name in names or PASSES:
        passes[name] = count(setting, name)
        sys.stdout.write(f"{name}: {passes[name]}\n")
        sys.stdout.flush()
    decode = decoding()
    made = clips(passes, decode)
    plain, unguided = made["unguided"], passes["step"]["peak_mib"]
    write(
        NAME,
        {
            "passes": passes,
            "decode_teraflop": decode,
            "clips": {n: {"teraflop": v, "ratio": v / plain} for n, v in made.items()},
            "memory": {
                name: (UNGUIDED + row["peak_mib"] - unguided) / UNGUIDED
                for name, row in passes.items()
            },
        },
    )


if __name__ == "__main__":
    main(sys.argv[1:])
