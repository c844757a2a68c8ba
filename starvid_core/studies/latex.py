"""Tables for LaTeX with booktabs: a block of lines under a heading of its own."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pandas import DataFrame
else:
    DataFrame = Any

SPECIAL = {c: rf"\{c}" for c in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "−": "$-$",
    "×": r"$\times$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
}


def tabular(lines: DataFrame, note: str) -> str:
    """The table of texts; its rows are named (block, name), its columns (title, kind)."""
    width = lines.shape[1] + 1
    titles = [(title, len(list(group))) for title, group in groupby(c[0] for c in lines.columns)]
    rows = [
        rf"% \usepackage{{booktabs}}; {_one_line(note)}",
        rf"\begin{{tabular}}{{l{'r' * lines.shape[1]}}}",
        r"\toprule",
        _row(["", *(rf"\multicolumn{{{n}}}{{c}}{{{escaped(title)}}}" for title, n in titles)]),
        _rules([n for _, n in titles]),
        _row(["", *(escaped(kind) for _, kind in lines.columns)]),
    ]
    for block, part in lines.groupby(level=0, sort=False):
        rows += [r"\midrule", _row([rf"\multicolumn{{{width}}}{{l}}{{\emph{{{escaped(block)}}}}}"])]
        rows += [
            _row([escaped(name), *map(escaped, part.loc[block, name])])
            for name in part.index.get_level_values(1)
        ]
    return "\n".join([*rows, r"\bottomrule", r"\end{tabular}", ""])


def escaped(text: str) -> str:
    return "".join(SPECIAL.get(c, c) for c in text)


def _row(cells: list[str]) -> str:
    return rf"{' & '.join(cells)} \\"


def _rules(widths: list[int]) -> str:
    ends = [1 + sum(widths[: i + 1]) for i in range(len(widths))]
    spans = zip(widths, ends, strict=True)
    return " ".join(rf"\cmidrule(lr){{{end - n + 1}-{end}}}" for n, end in spans)


def _one_line(text: str) -> str:
    return " ".join(text.split())
