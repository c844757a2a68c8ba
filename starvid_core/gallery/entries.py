"""What the gallery tells of a figure: the paper's caption, our files, numbers and verdicts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starvid_core import paths
from starvid_core.artifacts import read_json
from starvid_core.studies import tables
from starvid_core.workflow import drawings, notebooks, reproduce

if TYPE_CHECKING:
    from pandas import DataFrame
else:
    DataFrame = Any

SUMMARY = {"variant", "metric", "mean", "low", "high", "difference", "verdict"}
ROWS = 60  # of a table that is no summary; the file has the others
LABEL = re.compile(r"(fig|tab)\d+")


@dataclass(frozen=True)
class Numbers:
    """A table as texts, and how often each verdict stands in it."""

    name: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    verdicts: dict[str, int]
    left_out: int = 0


@dataclass(frozen=True)
class Entry:
    """A figure: `waits` are the commands that have to run before it can be drawn."""

    name: str
    title: str
    label: str
    caption: str
    pictures: tuple[Path, ...]
    files: tuple[Path, ...]
    numbers: tuple[Numbers, ...]
    executed: Path | None
    command: str
    waits: tuple[str, ...]

    @property
    def verdicts(self) -> dict[str, int]:
        return dict(sum((Counter(part.verdicts) for part in self.numbers), Counter()))


def entries(quick: bool = False) -> list[Entry]:
    """Every figure and table with a notebook, and every other notebook that drew something."""
    figures = notebooks.figures()
    others = [path.stem for path in sorted(paths.NOTEBOOKS.glob("*.ipynb"))]
    drew = [name for name in others if name not in figures and drawings.drawn(name, quick)]
    return [entry(name, quick) for name in (*figures, *drew)]


def entry(name: str, quick: bool = False) -> Entry:
    """What is known and drawn of one figure."""
    files = drawings.drawn(name, quick)
    found = LABEL.match(name)
    said = _captions().get(found.group() if found else "", {})
    executed = paths.executed(name, quick)
    return Entry(
        name,
        _title(name),
        said.get("label", ""),
        said.get("caption", ""),
        tuple(file for file in files if file.suffix == ".png"),
        tuple(files),
        tuple(numbers(file) for file in files if _is_table(file)),
        executed if executed.is_file() else None,
        f"starvid figures {name}" + (" --quick" if quick else ""),
        () if quick else tuple(reproduce.missing(name)),
    )


def numbers(file: Path) -> Numbers:
    """A table of a figure for readers: paper, ours, difference and verdict where it has them."""
    import pandas

    table = pandas.read_csv(file)
    if set(table.columns) >= SUMMARY:
        return _summary(file.stem, table)
    shown = table.head(ROWS)
    rows = [[_text(value) for value in row] for row in shown.itertuples(index=False)]
    header = ["" if "Unnamed" in column else column for column in table.columns]
    return Numbers(file.stem, header, rows, {}, len(table) - len(shown))


def _summary(name: str, table: DataFrame) -> Numbers:
    table = table if "paper_difference" in table else _judged(table)
    titles = tables.METRICS | tables.COUNTERPARTS
    blocks = table["block"].nunique() > 1 if "block" in table else False
    rows = [
        [
            *([row["block"]] if blocks else []),
            row["variant"],
            titles.get(row["metric"], row["metric"].replace("_", " ")),
            _text(row["paper"]),
            _spread(row, "mean", ""),
            "" if row["verdict"] == tables.REFERENCE else _spread(row, "difference", "difference_"),
            row["verdict"],
        ]
        for row in table.to_dict("records")
    ]
    header = ["variant", "metric", "paper", "ours [95 %]", "difference [95 %]", "verdict"]
    judged = table[table["paper"].notna() & (table["verdict"] != tables.REFERENCE)]
    verdicts = judged["verdict"].value_counts().to_dict()
    return Numbers(name, [*(["block"] if blocks else []), *header], rows, verdicts)


def _judged(table: DataFrame) -> DataFrame:
    """A summary without the paper's differences, with a verdict on ours against them."""
    first = table[table["verdict"] == tables.REFERENCE].set_index("metric")["paper"]
    theirs = table["paper"] - table["metric"].map(first)
    told = [
        tables.REFERENCE
        if row["verdict"] == tables.REFERENCE
        else tables.verdict(difference, row["difference_low"], row["difference_high"])
        for row, difference in zip(table.to_dict("records"), theirs, strict=True)
    ]
    return table.assign(paper_difference=theirs, verdict=told)


def _spread(row: dict[str, Any], value: str, prefix: str) -> str:
    low, high = row[f"{prefix}low"], row[f"{prefix}high"]
    if low != low:
        return _text(row[value])
    sign = "+" if prefix else ""
    middle, low, high = (tables.number(one, sign) for one in (row[value], low, high))
    return f"{middle} [{low}, {high}]"


def _text(value: Any) -> str:
    if value != value:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _is_table(file: Path) -> bool:
    return file.suffix == ".csv" and not file.stem.endswith("_clips")


def _title(name: str) -> str:
    first = notebooks.read(notebooks.find(name)).cells[0].source.splitlines()
    return first[0].lstrip("# ") if first else name


def _captions() -> dict[str, dict[str, str]]:
    path = paths.DATA / "paper" / "captions.json"
    return read_json(path) if path.is_file() else {}
