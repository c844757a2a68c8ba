"""Drawing a figure: its notebook executed, the files it wrote listed in their manifest."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from starvid_core import manifests, paths, studies
from starvid_core.workflow import notebooks

KINDS = (".png", ".pdf", ".csv", ".tex")


def draw(
    name: str, given: dict[str, Any], quick: bool = False, progress: bool = False
) -> tuple[list[Path], float]:
    """Execute the notebook of a figure; return the files it wrote here, and its seconds."""
    started = time.time_ns()
    target = paths.executed(name, quick)
    seconds = notebooks.execute(notebooks.find(name), target, given, progress=progress)
    files = [file for file in drawn(name, quick) if file.stat().st_mtime_ns >= started]
    manifests.relist(files)
    return files, seconds


def drawn(name: str, quick: bool = False) -> list[Path]:
    """The files of a notebook: pictures, prints and every table beside them."""
    folder = paths.figure_folder(quick)
    beside = [stem for study in studies.of(name) for stem in studies.drawings(study)[name]]
    found = [
        file
        for stem in dict.fromkeys([name, *beside])
        for file in folder.glob(f"{stem}*")
        if file.stem == stem or file.stem.startswith(f"{stem}_")
    ]
    return sorted(f for f in found if f.suffix in KINDS)
