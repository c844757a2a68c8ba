"""Small disks, disks that cannot be written, and repositories that borrow what ships."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from starvid_core import paths

REPOSITORY = Path(__file__).resolve().parents[3]
COMMAND = [sys.executable, "-m", "starvid_core.cli"]


@pytest.fixture
def mount() -> Iterator[Callable[..., None]]:
    """Run `mount` with these arguments, the last of them a folder; undone after the test."""
    done: dict[str, None] = {}

    def run(*arguments: str) -> None:
        if os.geteuid() or not shutil.which("mount"):
            pytest.skip("needs root to mount a disk")
        said = subprocess.run(["mount", *arguments], capture_output=True, text=True)
        if said.returncode:
            pytest.skip(f"may not mount here: {said.stderr.strip()}")
        done[arguments[-1]] = None

    yield run
    for folder in reversed(done):
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def small_disk(tmp_path: Path, mount: Callable[..., None]) -> Path:
    """A disk of 256 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount("-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder))
    return folder


@pytest.fixture
def borrow() -> Callable[..., Path]:
    """Make a repository in a folder, with our data and the notebooks of these names."""

    def make(folder: Path, *notebooks: Path) -> Path:
        (folder / "data").mkdir(parents=True)
        for path in paths.DATA.iterdir():
            if path not in (paths.RUNS, paths.STUDIES):
                (folder / "data" / path.name).symlink_to(path)
        for name in ("notebooks", "figures", "data/studies"):
            (folder / name).mkdir()
        for notebook in notebooks:
            shutil.copy(notebook, folder / "notebooks")
            study = paths.STUDIES / f"{notebook.stem}.json"
            if study.is_file():
                shutil.copy(study, folder / "data" / "studies")
        shutil.copy(REPOSITORY / "Snakefile", folder)
        return folder

    return make


def environment(home: Path, **others: str) -> dict[str, str]:
    """Our environment for a command that works in `home`."""
    own = {"STARVID_HOME": str(home), "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    return os.environ | own | others
