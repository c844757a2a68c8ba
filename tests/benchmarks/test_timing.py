"""Times side by side, at sizes that take no time."""

import sys

import numpy as np
import pytest
import torch

from benchmarks import clips, gpu, ratios, timing
from benchmarks.report import table, write
from benchmarks.variants import Setting
from starvid_core.artifacts import read_json
from starvid_core.errors import InputError


def test_works_take_turns_after_a_round_that_does_not_count() -> None:
    seen, ticks = [], iter(range(100))
    works = {name: lambda n=name: seen.append(n) for name in "ab"}
    taken = timing.rounds(works, 2, lambda: float(next(ticks)))
    assert seen == ["a", "b"] * 3
    assert {name: list(seconds) for name, seconds in taken.items()} == {"a": [1, 1], "b": [1, 1]}


def test_a_ratio_is_the_median_over_rounds() -> None:
    rows = timing.ratios({"a": np.array([1.0, 2.0, 4.0]), "b": np.array([2.0, 4.0, 40.0])}, "a")
    assert rows["a"] == {"seconds": 2.0, "ratio": 1.0, "low": 1.0, "high": 1.0}
    assert rows["b"]["ratio"] == 2.0 and rows["b"]["low"] == 2.0 and rows["b"]["high"] == 10.0
    assert len(table(rows).splitlines()) == 3


def test_all_passes_are_timed(tiny_backbone) -> None:
    b = tiny_backbone
    setting = Setting(b.network, b.initial_noise([0]), b.encode_text(["a dog runs"]))
    rows = ratios.measure(setting, 1)
    assert {"step", "naive", "truncated", "finish"} <= set(rows)
    assert rows["naive"]["ratio"] == 1


def test_clips_of_every_way_are_timed_with_their_losses(tiny_emoji, tmp_path) -> None:
    (prompt,) = clips.prompts(1, tiny_emoji)
    short = {"steps": 4, "spatial_iterations": 2}
    ways = {
        "unguided": {"method": "none", "steps": 4},
        "exact": short,
        "fast": short | {"mode": "fast"},
    }
    rows = clips.measure(tiny_emoji, [prompt], ways)
    assert rows["unguided"]["passes"] == 8 and rows["unguided"]["ratio"] == 1
    assert rows["fast"]["passes"] == rows["exact"]["passes"] - 1  # of the one step of syntax
    assert rows["exact"]["spatial"] > 0 and "spatial" not in rows["unguided"]
    assert read_json(write("tab14_clips", {"clips": rows}, tmp_path))["clips"].keys() == ways.keys()


@pytest.mark.skipif(torch.accelerator.is_available(), reason="there is a GPU")
def test_without_a_gpu_its_benchmark_says_what_to_run() -> None:
    with pytest.raises(InputError, match="no GPU here; benchmarks.ratios and .clips need none"):
        gpu.main([])


@pytest.mark.slow
def test_the_benchmark_of_a_gpu_runs_tiny_on_a_processor(tmp_path, capsys) -> None:
    gpu.main(["--tiny", str(tmp_path)])
    found = read_json(tmp_path / "tab14_gpu.json")
    assert set(found) == {"machine", "passes", "clips"}
    assert found["clips"]["unguided"]["ratio"] == 1
    assert found["machine"]["torch"] == torch.__version__ and sys.version_info
