"""The measured tolerance: how it is measured, and that this machine keeps it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from starvid_core import manifests, paths
from starvid_core.artifacts import fingerprint, read_json
from starvid_core.errors import InputError
from starvid_core.workflow import tolerance
from starvid_core.workflow.tolerance import Setting

MEASURED = paths.RESULTS / f"{tolerance.NAME}.json"


def clips(shift: float = 0.0) -> dict[str, np.ndarray]:
    z = np.linspace(-2, 2, 24, dtype=np.float32).reshape(2, 3, 4)
    video = np.full((2, 2, 4, 4, 3), 100, np.uint8)
    video[0, 0, 0, 0, 0] += round(100 * shift)
    same = {"noise": z, "scores": np.array([[1.0], [0.5]])}
    return {"plain": z, "guided": z + np.float32(shift), "video": video, **same}


def test_differences_are_parts_of_the_range_of_the_reference() -> None:
    assert tolerance.compare(clips(), clips()) == {
        "latents_plain": 0.0,
        "latents_guided": 0.0,
        "pixels": 0,
        "pixels_changed": 0.0,
        "noise_equal": True,
        "scores_equal": True,
    }
    moved = tolerance.compare(clips(0.04), clips())
    assert moved["latents_guided"] == pytest.approx(0.01, rel=1e-4) and moved["pixels"] == 4
    assert moved["pixels_changed"] == pytest.approx(1 / 192)


def test_a_process_gets_its_threads_and_instruction_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "avx512")
    first, *others = tolerance.settings()
    assert first == Setting("2") and len({*others}) == 11
    assert "ATEN_CPU_CAPABILITY" not in first.environment
    assert Setting("1", "avx2", "AVX2").environment.items() >= {
        ("OMP_NUM_THREADS", "1"),
        ("ATEN_CPU_CAPABILITY", "avx2"),
        ("ONEDNN_MAX_CPU_ISA", "AVX2"),
    }


def test_what_was_measured_is_written_and_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "RESULTS", tmp_path)
    made = iter([clips(), clips(0.04)])
    monkeypatch.setattr(tolerance, "_in_process", lambda one, steps: next(made))
    found = read_json(tolerance.measure(3, [Setting("2"), Setting("1")]))
    assert found["largest"]["plain"] == 0.0 < found["largest"]["guided"]
    assert [row["threads"] for row in found["rows"]] == ["2", "1"] and found["steps"] == 3
    assert manifests.differences(tmp_path) == []


def test_a_setting_that_fails_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tolerance.sys, "executable", "/bin/false")
    with pytest.raises(InputError, match='no clips with {"threads": "1".*no reason given'):
        tolerance.measure(1, [Setting("1")])


@pytest.mark.slow
def test_this_machine_keeps_the_measured_tolerance() -> None:
    if not MEASURED.is_file():
        pytest.skip("not measured yet: `starvid tolerance`")
    told = read_json(MEASURED)
    if told["checkpoint"] != fingerprint(paths.CHECKPOINTS / "emoji")[:12]:
        pytest.skip("measured on another model: `starvid tolerance`")
    with np.load(MEASURED.with_suffix(".npz"), allow_pickle=False) as stored:
        reference = dict(stored)
    rows = tolerance.compare(tolerance.sample(told["steps"]), reference)
    assert rows["noise_equal"] and rows["scores_equal"]
    for kind in tolerance.KINDS:
        assert rows[f"latents_{kind}"] <= told["margin"] * max(told["largest"][kind], 1e-6)
