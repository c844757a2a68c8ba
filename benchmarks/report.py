"""What benchmarks leave: a JSON in data/results that names the machine, and a table to read."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starvid_core import machine, manifests, paths
from starvid_core.artifacts import write_json


def write(name: str, numbers: Mapping[str, Any], folder: Path | None = None) -> Path:
    """Numbers with the machine that they were taken on."""
    path = (folder or paths.RESULTS) / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, {"machine": machine.facts(), **numbers})
    manifests.relist([path])
    sys.stdout.write(f"{path}\n")
    return path


def table(rows: Mapping[str, Mapping[str, float]]) -> str:
    """Rows of numbers under their names, for a terminal."""
    columns = list(dict.fromkeys(name for row in rows.values() for name in row))
    width = max(map(len, rows), default=0)
    head = " ".join([" " * width, *(f"{name:>16}" for name in columns)])
    lines = [
        " ".join([f"{name:{width}}", *(f"{row.get(c, float('nan')):16.4f}" for c in columns)])
        for name, row in rows.items()
    ]
    return "\n".join([head, *lines])
