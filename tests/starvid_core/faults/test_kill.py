"""kill -9 at random instants: nothing torn, nothing finished made twice, no lock left behind.

`STARVID_KILLS` says how often the slow test kills `starvid reproduce` (`make faults`: 100).
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from starvid_core.artifacts import sha256_file
from tests.starvid_core.faults.conftest import COMMAND, environment

KILLS = int(os.environ.get("STARVID_KILLS", "10"))
STAGES = 40
# The shape of `reproduce` without what is slow about it: files named by keys, one after the other,
# each of the one before, under the kernel's lock.
PIPELINE = f"""
import sys, time
from pathlib import Path
from starvid_core import artifacts
home = Path(sys.argv[1])
with artifacts.lock(home / "lock", "the test"):
    before = ""
    for stage in range({STAGES}):
        key = artifacts.sha256_text(before)[:12]
        target = home / f"stage-{{key}}.txt"
        if not target.is_file():
            with artifacts.writing(target) as temporary, temporary.open("w") as file:
                for part in range(20):
                    file.write(key * 500)
                    file.flush()
                    time.sleep(0.0005)
        before = target.read_text()
print("done")
"""
DRAW = """
import pathlib, time
from starvid_core import artifacts, paths
folder = paths.figure_folder(quick)
for kind in ("png", "pdf", "csv"):
    with artifacts.writing(folder / f"{name}.{kind}") as temporary, temporary.open("w") as file:
        for part in range(20):
            file.write(name * 1000)
            file.flush()
            time.sleep(0.01)
"""


def start(command: list[str], home: Path) -> subprocess.Popen[bytes]:
    # A group of its own, so that a kill meets the jobs as well, as when a machine goes down.
    return subprocess.Popen(
        command,
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def kill(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def hashes(files: list[Path]) -> dict[str, str]:
    return {file.name: sha256_file(file) for file in files}


def times(files: list[Path]) -> dict[Path, int]:
    return {file: file.stat().st_mtime_ns for file in files}


def finish(command: list[str], home: Path) -> None:
    process = start(command, home)
    said, _ = process.communicate()
    assert process.returncode == 0, said.decode()


def test_ten_kills_of_a_pipeline_lose_and_redo_nothing(tmp_path: Path) -> None:
    whole, broken, rng = tmp_path / "whole", tmp_path / "broken", random.Random(0)
    for home in (whole, broken):
        home.mkdir()
    command = [sys.executable, "-c", PIPELINE]
    finish([*command, str(whole)], whole)
    expected = hashes(sorted(whole.glob("stage-*")))
    assert len(expected) == STAGES
    done: dict[Path, int] = {}
    for _ in range(10):
        process = start([*command, str(broken)], broken)
        wanted = min(len(done) + rng.randint(1, 3), STAGES)
        while len(list(broken.glob("stage-*"))) < wanted and process.poll() is None:
            time.sleep(0.002)
        time.sleep(rng.random() * 0.01)
        kill(process)
        found = sorted(broken.glob("stage-*"))
        assert hashes(found).items() <= expected.items()
        assert done.items() <= times(found).items()
        done = times(found)
    finish([*command, str(broken)], broken)
    assert hashes(sorted(broken.glob("stage-*"))) == expected
    assert done.items() <= times(list(done)).items()


@pytest.fixture
def small(tmp_path: Path, borrow: Callable[..., Path]) -> Callable[[str], Path]:
    """A repository of three figures that are drawn in half a second each."""
    books = tmp_path / "books"
    books.mkdir()
    for name in ("fig97_a", "fig98_b", "fig99_c"):
        cells = [
            new_markdown_cell(f"# {name}"),
            new_code_cell("quick = False"),
            new_code_cell(f"name = {name!r}"),
            new_code_cell(DRAW),
        ]
        cells[1].metadata["tags"] = ["parameters"]
        nbformat.write(new_notebook(cells=cells), books / f"{name}.ipynb")
    return lambda name: borrow(tmp_path / name, *sorted(books.glob("*.ipynb")))


REPRODUCE = [*COMMAND, "reproduce", "--cores", "2"]


def made(home: Path) -> list[Path]:
    return sorted(f for f in (home / "figures").glob("fig*") if not f.name.startswith("."))


def records(home: Path) -> list[Path]:
    return sorted((home / "build" / "reproduce").glob("*/drawing-*.json"))


@pytest.mark.slow
@pytest.mark.timeout(120 + 60 * KILLS)
def test_kills_of_reproduce_lose_and_redo_nothing(small: Callable[[str], Path]) -> None:
    whole, home, rng = small("whole"), small("broken"), random.Random(1)
    finish(REPRODUCE, whole)
    began = time.monotonic()
    expected = hashes(made(whole))
    assert len(expected) == 9
    finish(REPRODUCE, whole)
    full = time.monotonic() - began
    kept: dict[Path, int] = {}
    for number in range(KILLS):
        # Every few kills a figure is taken away, so that there is always something to do.
        if number % 4 == 3 and made(home):
            gone = rng.choice(made(home))
            gone.unlink()
            kept = {path: t for path, t in kept.items() if path.stem.split(".")[0] != gone.stem}
        process = start(REPRODUCE, home)
        time.sleep(rng.random() * 3 * full)
        kill(process)
        assert hashes(made(home)).items() <= expected.items()
        finished = [f for r in records(home) for f in made(home) if f.stem == r.parent.name]
        assert {p: t for p, t in kept.items() if p.exists()}.items() <= times(made(home)).items()
        kept = times(finished)
    finish(REPRODUCE, home)
    assert hashes(made(home)) == expected
    assert not list(home.glob("figures/.unfinished-*.json"))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_of_two_at_once_the_second_is_refused(small: Callable[[str], Path]) -> None:
    home = small("home")
    first = start(REPRODUCE, home)
    while not (home / "build" / "reproduce" / "lock").exists():
        time.sleep(0.05)
    time.sleep(0.5)
    second = start(REPRODUCE, home)
    said, _ = second.communicate()
    assert second.returncode == 2 and b"another process is at work on the figures" in said
    first.communicate()
    assert first.returncode == 0 and len(made(home)) == 9
