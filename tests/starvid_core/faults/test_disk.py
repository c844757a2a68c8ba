"""Full and read-only disks: one line, soon, and what was there before stays."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from starvid_core import artifacts, manifests, video
from starvid_core.errors import InputError
from starvid_core.workflow import notebooks

FULL = "cannot write .*(No space left on device|disk full)"


def fill(disk: Path, spare: int) -> None:
    """Leave `spare` bytes, in pages of 4 kB."""
    with (disk / "fill").open("wb", buffering=0) as file:
        try:
            while file.write(b"0" * 4096):
                pass
        except OSError:
            file.truncate(max(0, file.tell() - spare))


def test_a_disk_that_fills_up_at_twenty_points_keeps_what_was_there(small_disk: Path) -> None:
    rng = random.Random(0)
    old = small_disk / "kept.txt"
    artifacts.write_text(old, "old")
    manifests.record(small_disk)
    for _ in range(20):
        fill(small_disk, 4096 * rng.randint(0, 6))
        with pytest.raises(InputError, match="cannot write"):
            artifacts.write_text(old, "x" * 40_000)
        assert old.read_text() == "old"
        assert not list(small_disk.glob(".unfinished*"))
        (small_disk / "fill").unlink()
    artifacts.write_text(old, "x" * 40_000)


@pytest.mark.parametrize("kind", ["folder", "json", "video"])
def test_every_writer_says_that_the_disk_is_full(small_disk: Path, kind: str) -> None:
    fill(small_disk, 8192)
    clip = np.random.default_rng(0).integers(256, size=(8, 48, 96, 3), dtype=np.uint8)
    with pytest.raises(InputError, match=FULL):
        if kind == "folder":
            with artifacts.writing_folder(small_disk / "run") as place:
                np.save(place / "video.npy", clip)
        elif kind == "json":
            artifacts.write_json(small_disk / "one.json", ["x" * 9000])
        else:
            video.save(small_disk / "clip.gif", clip)
    assert [f.name for f in small_disk.iterdir()] == ["fill"]


def test_a_notebook_that_does_not_fit_leaves_the_old_one(small_disk: Path, tmp_path: Path) -> None:
    import nbformat

    book = new_notebook(cells=[new_code_cell("print('x' * 300_000)")])
    nbformat.write(book, tmp_path / "small.ipynb")
    target = small_disk / "small.ipynb"
    target.write_text("old")
    with pytest.raises(InputError, match=FULL):
        notebooks.execute(tmp_path / "small.ipynb", target)
    assert target.read_text() == "old" and [f.name for f in small_disk.iterdir()] == [target.name]


def test_a_read_only_disk_is_one_line_within_five_seconds(
    tmp_path: Path, mount: Callable[..., None]
) -> None:
    folder = tmp_path / "results"
    artifacts.write_text(folder / "kept.txt", "old")
    manifests.record(folder)
    mount("--bind", str(folder), str(folder))
    mount("-o", "remount,ro,bind", str(folder))
    began = time.monotonic()
    for write in (
        lambda: artifacts.write_text(folder / "kept.txt", "new"),
        lambda: artifacts.check_writable(folder / "new.txt"),
        lambda: artifacts.lock(folder / "lock", "the test").__enter__(),
    ):
        with pytest.raises(InputError, match="cannot write .*Read-only file system"):
            write()
    assert time.monotonic() - began < 5
    assert manifests.differences(folder) == []
