"""Table XIV: what guidance costs, by the paper, by counters, and by what was timed here."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from starvid_core import paths
from starvid_core.artifacts import read_json
from starvid_core.studies.tables import published

if TYPE_CHECKING:
    from pandas import DataFrame
else:
    DataFrame = Any

KEY = (
    "Times, memory at its peak: multiples of the unguided clip of the same block. Naive: "
    "the whole model on the graph; exact: only as far as the maps; recompute N: units of the N "
    "finest resolutions are computed again on the way back; lean: frozen convolutions keep no "
    "input; fast: fewer iterations with momentum, passes shared with the denoising."
)
NAMES = {
    "naive, materialized": "naive, unfused attention",
    "truncated": "exact",
    "recompute 1": "exact, recompute 1",
    "recompute 4": "exact, recompute all",
    "lean": "exact, lean",
    "lean, recompute 1": "exact, lean, recompute 1",
    "exact, recompute 4, lean": "exact, lean, recompute all",
}
ORDER = (
    *("unguided", "naive, materialized", "naive", "truncated", "exact", "recompute 1"),
    *("recompute 4", "lean", "lean, recompute 1", "fast", "fast, recompute 1", "LVD"),
    *("best of 3", "unguided, 20 steps"),
)
COLUMNS = {
    "time": ("Time", "times"),
    "memory": ("Memory", "times"),
    "operations": ("Operations", "times"),
    "teraflop": ("Operations", "Tflop"),
    "spatial": ("Last L_sp", "value"),
}
PLACES = {"teraflop": 0, "spatial": 3}

Rows = Iterator[dict[str, Any]]


def load() -> DataFrame:
    """A row for every way to make a clip, in blocks; what was not measured yet is left out."""
    import pandas

    parts = (_paper(), _counted(_read("counters")), _gpu(_read("gpu")), _clips(_read("clips")))
    return pandas.DataFrame([row for part in parts for row in part])


def printed(rows: DataFrame) -> DataFrame:
    """The rows as texts, for a picture and for TeX."""
    import pandas

    columns = {
        head: [_number(value, PLACES.get(name, 2)) for value in rows[name]]
        for name, head in COLUMNS.items()
        if name in rows and rows[name].notna().any()
    }
    index = pandas.MultiIndex.from_arrays([rows["block"], rows["way"]])
    return pandas.DataFrame(columns, index=index)


def source() -> str:
    """The machines that the numbers come from, in one line."""
    said = ["counted without a device"]
    for name in ("gpu", "clips"):
        machine = _read(name).get("machine")
        if machine:
            where = machine["gpu"] if name == "gpu" else machine["processor"]
            said.append(f"{name} on {where}, torch {machine['torch']}")
    return "; ".join(said)


def _read(name: str) -> dict[str, Any]:
    path = paths.RESULTS / f"tab14_{name}.json"
    return read_json(path) if path.is_file() else {}


def _ordered(found: Mapping[str, Any]) -> list[tuple[str, dict[str, float]]]:
    """The ways of a file as a reader wants them, those without a place of their own at the end."""
    places = {way: place for place, way in enumerate(ORDER)}
    ways = found.get("clips", {}).items()
    return sorted(ways, key=lambda pair: (places.get(pair[0], len(places)), pair[0]))


def _paper() -> Rows:
    said = published("XIV", "zeroscope")
    plain = said["ZeroScope"]
    for way, name in (("unguided", "ZeroScope"), ("StarVid", "Ours")):
        row = said[name]
        yield {
            "block": "The paper, ZeroScope at 320x576 on its GPU",
            "way": way,
            "time": row["seconds"] / plain["seconds"],
            "memory": row["vram_mb"] / plain["vram_mb"],
        }


def _counted(found: Mapping[str, Any]) -> Rows:
    """Counted at the same size; of memory, the part beside the passes is the paper's."""
    for way, row in _ordered(found):
        part = "step" if way.startswith(("unguided", "best")) else way
        part = part.replace("fast, ", "").replace("fast", "truncated")
        yield {
            "block": "Counted here, the same model without weights",
            "way": NAMES.get(way, way),
            "memory": found["memory"][part],
            "operations": row["ratio"],
            "teraflop": row["teraflop"],
        }


def _gpu(found: Mapping[str, Any]) -> Rows:
    clips = found.get("clips", {})
    for way, row in _ordered(found):
        yield {
            "block": f"Timed, random weights, {found['machine']['gpu']}",
            "way": NAMES.get(way, way),
            "time": row["ratio"],
            "memory": row["peak_mib"] / clips["unguided"]["peak_mib"],
        }


def _clips(found: Mapping[str, Any]) -> Rows:
    for way, row in _ordered(found):
        yield {
            "block": "Timed, the shipped model on a processor",
            "way": way,
            "time": row["ratio"],
            "spatial": row.get("spatial", math.nan),
        }


def _number(value: float, places: int) -> str:
    return "" if value != value else f"{value:.{places}f}"
