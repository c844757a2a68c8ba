"""The counters of ZeroScope's full size, and the meters that they are read from."""

import pytest
import torch

from benchmarks import counters
from benchmarks.meters import Meter, fused
from benchmarks.variants import Setting, layered, materialized, naive, step, truncated
from starvid_core import paths
from starvid_core.artifacts import read_json
from starvid_core.studies import overhead

FOUND = read_json(paths.RESULTS / f"{counters.NAME}.json")
SOME = ("halted", "truncated")


@pytest.fixture(scope="module")
def full_size() -> Setting:
    return counters.full_size()


def drift(setting: Setting, name: str) -> None:
    row = counters.count(setting, name)
    assert row == {k: pytest.approx(v, rel=0.01) for k, v in FOUND["passes"][name].items()}


@pytest.mark.parametrize("name", SOME)
def test_a_pass_takes_what_was_written_down(full_size, name) -> None:
    drift(full_size, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in counters.PASSES if name not in SOME])
def test_every_pass_takes_what_was_written_down(full_size, name) -> None:
    drift(full_size, name)


def test_clips_are_put_together_from_the_passes_that_were_counted() -> None:
    made = counters.clips(FOUND["passes"], FOUND["decode_teraflop"])
    written = {name: row["teraflop"] for name, row in FOUND["clips"].items()}
    assert made == pytest.approx(written)


def test_the_targets_are_met() -> None:
    cost = {name: row["teraflop"] for name, row in FOUND["passes"].items()}
    ratio = {name: row["ratio"] for name, row in FOUND["clips"].items()}
    assert cost["truncated"] <= 0.75 * cost["naive"]
    assert ratio["truncated"] <= 1.80
    assert ratio["fast"] <= 1.35
    assert FOUND["memory"]["recompute 4"] <= 1.10


def test_the_paper_runs_70_iterations_and_the_fast_mode_40_of_which_20_are_shared() -> None:
    assert counters.iterations(counters.StarVidConfig()) == (50, 20)
    assert counters.iterations(counters.StarVidConfig(spatial_iterations=4)) == (20, 20)


def test_a_meter_counts_operations_and_the_bytes_that_are_alive() -> None:
    x = torch.ones(10, 20)
    with Meter([x]) as meter:
        y = x @ torch.ones(20, 30)
        assert (meter.flops, meter.now, meter.peak) == (2 * 10 * 20 * 30, 1200, 3600)
        del y
        assert meter.now == 0
        x.view(-1)
        assert meter.now == 0


def test_fused_attention_keeps_no_square() -> None:
    q = torch.empty(1, 2, 256, 16, dtype=torch.float16, device="meta", requires_grad=True)
    peaks = []
    for context in (Meter([q]), fused()):
        with context, Meter([q]) as meter:
            torch.nn.functional.scaled_dot_product_attention(q, q, q)
        peaks.append(meter.peak)
    assert peaks[1] < 0.2 * peaks[0]


def test_all_passes_give_one_gradient(tiny_backbone) -> None:
    b = tiny_backbone
    setting = Setting(b.network, b.initial_noise([0]), b.encode_text(["a dog runs"]))
    expected = naive(setting)
    for gradient in (truncated(setting), truncated(setting, 4, True), materialized(setting)):
        torch.testing.assert_close(gradient, expected, rtol=1e-3, atol=1e-8)
    assert layered(setting, b.network.select(("down",))).shape == setting.z.shape
    assert step(setting).shape == (2, *setting.z.shape[1:])


def test_the_table_has_the_papers_ratios_and_ours() -> None:
    rows = overhead.load()
    theirs = rows[rows["block"].str.startswith("The paper")].set_index("way")
    assert round(theirs.loc["StarVid", "time"], 2) == 3.01
    assert round(theirs.loc["StarVid", "memory"], 2) == 4.25
    lines = overhead.printed(rows)
    assert {"exact", "fast", "best of 3", "LVD"} <= {way for _, way in lines.index}
