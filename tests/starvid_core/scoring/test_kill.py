"""kill -9 in the middle of a run: what was scored stays, and is not scored again."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

SCORER = """
import sys, time
from pathlib import Path
from starvid_core import paths, scoring
from starvid_core.scoring import looks
from starvid_core.scoring.judges import Kind

class Slow(looks.Look):
    identity = "slow"
    def __init__(self, options): pass
    def score(self, metric, clip, case):
        time.sleep(0.2)
        return {metric: float(clip[0, 0, 0, 0])}

paths.BUILD = Path(sys.argv[1]) / "build"
cases = scoring.find(Path(sys.argv[1]) / "videos")
made = scoring.score(cases, {Kind(Slow, lambda options: None): ["numeracy"]}, progress=False)
scoring.write(made, Path(sys.argv[1]) / "out", {})
"""
VIDEOS = 12


@pytest.mark.slow
def test_a_killed_run_keeps_every_result_and_goes_on(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    for number in range(VIDEOS):
        np.save(tmp_path / "videos" / f"{number}.npy", np.full((1, 4, 4, 3), number, np.uint8))
    command = [sys.executable, "-c", SCORER, str(tmp_path)]
    kept = tmp_path / "build" / "scores"
    before: dict[Path, int] = {}
    for wanted in (2, 5, 9):
        process = subprocess.Popen(command)
        while len(list(kept.glob("[0-9a-f]*.json"))) < wanted and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert all(path.stat().st_mtime_ns == written for path, written in before.items())
        before = {path: path.stat().st_mtime_ns for path in kept.glob("[0-9a-f]*.json")}
        assert all(json.loads(path.read_text()) for path in before)
        assert not (tmp_path / "out" / "summary.json").exists()
    subprocess.run(command, check=True)
    assert all(path.stat().st_mtime_ns == written for path, written in before.items())
    told = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert told["scores"]["numeracy"]["n"] == VIDEOS
    assert told["scores"]["numeracy"]["mean"] == pytest.approx((VIDEOS - 1) / 2)
