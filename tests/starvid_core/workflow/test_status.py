"""What `starvid status` says of figures that are done, changed, stale, running or waiting."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from starvid_core import paths
from starvid_core.artifacts import sha256_file, write_json, write_text
from starvid_core.workflow import reproduce, status

NAME, WAITS = "fig98_plain", "tab99_waits"
HOLD = """
import sys, time
from pathlib import Path
from starvid_core.workflow import status
with status.running(Path(sys.argv[1])):
    print("marked", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("STUDIES", "FIGURES", "NOTEBOOKS", "BUILD", "RESULTS", "RUNS"):
        monkeypatch.setattr(paths, name, tmp_path / name.lower())
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.setattr(reproduce, "FOLDER", tmp_path / "build" / "reproduce")
    cells = [new_markdown_cell("# T"), new_code_cell("quick = False")]
    cells[1].metadata["tags"] = ["parameters"]
    paths.NOTEBOOKS.mkdir()
    for name in (NAME, WAITS):
        nbformat.write(new_notebook(cells=cells), paths.NOTEBOOKS / f"{name}.ipynb")
    study = {"prompts": ["A dog is running."], "variants": {"plain": {}}, "made_by": "study"}
    write_json(paths.STUDIES / f"{WAITS}.json", study)
    return tmp_path


def draw() -> Path:
    picture = paths.FIGURES / f"{NAME}.png"
    write_text(picture, "picture")
    files = {str(picture.relative_to(paths.ROOT)): sha256_file(picture)}
    record = reproduce.figure(NAME).drawing
    write_json(record, {"seconds": 3.5, "files": files})
    return record


def state(name: str = NAME) -> str:
    return {one.name: one.state for one in status.figures()}[name]


def test_states_follow_what_happens_to_a_figure(home: Path) -> None:
    assert state() == status.TO_DO and state(WAITS) == status.WAITING
    draw()
    (one, _) = status.figures()
    assert one.state == status.DONE and one.seconds == 3.5 and one.made
    assert one.stages["drawing"] == (1, 1)
    write_text(paths.FIGURES / f"{NAME}.png", "edited")
    assert state() == status.CHANGED
    notebook = paths.NOTEBOOKS / f"{NAME}.ipynb"
    notebook.write_text(notebook.read_text() + "\n")
    assert state() == status.STALE


def test_a_job_is_seen_while_it_runs_and_not_after_it_was_killed(home: Path) -> None:
    target = reproduce.figure(NAME).drawing
    job = subprocess.Popen([sys.executable, "-c", HOLD, str(target)], stdout=subprocess.PIPE)
    assert job.stdout is not None and job.stdout.readline() == b"marked\n"
    assert state() == status.RUNNING and list(status.jobs()) == [f"{NAME}/{target.stem}"]
    job.kill()
    job.wait()
    job.stdout.close()
    assert state() == status.TO_DO and status.jobs() == {}
    with status.running(target):
        pass
    assert not list(target.parent.glob("*.running"))


def test_the_command_lists_figures_studies_and_jobs(home: Path, starvid: Callable) -> None:
    with status.running(draw()):
        code, said, _ = starvid("status")
    assert code == 0
    assert f"{NAME:27} running" in said and "1/1" in said and "4 s" in said
    assert f"{WAITS:27} waiting" in said and f"starvid study {WAITS}" in said
    assert f"{WAITS:27} no results yet" in said
    assert f"running: {NAME}/drawing-" in said
    assert starvid("status", "--quick")[0] == 0
