"""Preference studies as a figure: who was preferred in what, how surely, and do raters agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from starvid_core.plotting.style import FAINT, INK, LARGE, NORMAL, SMALL, VARIANTS, Sheet

WIDTH, MARGIN = 7.2, 0.12
LABEL, BAR = 1.55, 2.95
RATE, AGREE, KAPPA = BAR + 0.14, BAR + 1.5, BAR + 2.05
HEAD, ROW, GAP, FOOT = 0.62, 0.27, 0.3, 0.46
WARNING = "#A30000"
SIMULATED = "SIMULATED RATERS: no person gave these answers"
BARS = "bar: share of votes for the first (blue) and the second; line: 95 % bootstrap interval"
THEIRS = "the paper's value (Table II: other videos, 20 people)"

Analysis = Mapping[str, Any]
Paper = Mapping[str, float]


def plot_preference(
    studies: Sequence[Analysis], paper: Sequence[Paper | None] | None = None
) -> Figure:
    """A block for every study: a line for every question, as `preference.analyse` gives them.

    `paper` has for each study the published share of its first system, by question.
    """
    published = list(paper or [None] * len(studies))
    block = HEAD + GAP + ROW * max(len(study["rows"]) for study in studies)
    sheet = Sheet.new(WIDTH, MARGIN + block * len(studies) + FOOT)
    for n, (study, values) in enumerate(zip(studies, published, strict=True)):
        _block(sheet, MARGIN + n * block, study, values or {})
    bottom = MARGIN + block * len(studies)
    sheet.text(MARGIN, bottom + 0.14, BARS, size=SMALL, color=FAINT)
    if any(published):
        axes = sheet.axes(MARGIN, bottom + 0.26, 0.16, 0.16)
        axes.plot(0, 0, "D", ms=3.6, mfc="white", mec=INK, mew=0.9)
        axes.axis("off")
        sheet.text(MARGIN + 0.22, bottom + 0.34, THEIRS, size=SMALL, color=FAINT)
    return sheet.figure


def _block(sheet: Sheet, top: float, study: Analysis, paper: Paper) -> None:
    first, second = study["systems"]
    told = f"{study['raters']} raters, {study['pairs']} pairs of videos"
    sheet.text(MARGIN, top + 0.12, f"{first} v.s. {second}", size=LARGE, weight="bold")
    if study["simulated"]:
        sheet.text(WIDTH - MARGIN, top + 0.12, SIMULATED, size=NORMAL, color=WARNING, ha="right")
    sheet.text(MARGIN, top + 0.32, told, size=SMALL, color=FAINT)
    left = MARGIN + LABEL
    for x, title in ((RATE, f"{first[:16]} wins"), (AGREE, "agree"), (KAPPA, "kappa")):
        sheet.text(left + x, top + HEAD - 0.12, title, size=SMALL, color=FAINT)
    axes = sheet.axes(left, top + HEAD, BAR, ROW * len(study["rows"]))
    _scale(axes, len(study["rows"]))
    for n, row in enumerate(study["rows"]):
        y = top + HEAD + (n + 0.5) * ROW
        sheet.text(left - 0.1, y, row["title"], size=NORMAL, ha="right")
        _bar(axes, n, row, paper.get(row["question"]))
        kappa = "-" if row["kappa"] is None else f"{row['kappa']:.2f}"
        for x, text in ((RATE, _rate(row)), (AGREE, _agreement(row)), (KAPPA, kappa)):
            sheet.text(left + x, y, text, size=NORMAL)


def _bar(axes: Axes, place: int, row: Mapping[str, Any], paper: float | None) -> None:
    if row["win_rate"] is not None:
        axes.barh(place, row["win_rate"], height=0.6, color=VARIANTS["StarVid"], alpha=0.75)
        axes.barh(
            place, 1 - row["win_rate"], left=row["win_rate"], height=0.6, color="#D9D9D9", lw=0
        )
        axes.plot((row["low"], row["high"]), (place, place), lw=1.4, color=INK)
    if paper is not None:
        axes.plot(paper, place, "D", ms=3.6, mfc="white", mec=INK, mew=0.9, zorder=4)


def _scale(axes: Axes, rows: int) -> None:
    axes.set(xlim=(0, 1), ylim=(rows - 0.5, -0.5), yticks=[])
    axes.set_xticks((0, 0.5, 1), ["0", "50 %", "100 %"])
    axes.tick_params(axis="x", pad=1.5)
    axes.axvline(0.5, lw=0.6, color=FAINT, zorder=5)
    axes.spines["left"].set_visible(False)


def _rate(row: Mapping[str, Any]) -> str:
    if row["win_rate"] is None:
        return "no votes"
    low, high, mean = (100 * row[key] for key in ("low", "high", "win_rate"))
    return f"{mean:.1f} % [{low:.0f}, {high:.0f}]"


def _agreement(row: Mapping[str, Any]) -> str:
    return "-" if row["agreement"] is None else f"{100 * row['agreement']:.0f} %"
