"""One look for every figure: type, colors, layout in inches, and text that comes from outside."""

from __future__ import annotations

import math
import re
import textwrap
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib import font_manager, patheffects
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.offsetbox import AnchoredOffsetbox, HPacker, TextArea
from matplotlib.patches import Rectangle
from matplotlib.textpath import text_to_path

from starvid_core.artifacts import writing
from starvid_core.scene import Box

DPI = 200
SMALL, NORMAL, LARGE = 7.0, 8.0, 9.0
INK, FAINT = "#222222", "#767676"
# seaborn's "colorblind" palette: one color a subject, and one a variant with a name of its own.
SUBJECTS = ("#D55E00", "#0173B2", "#029E73", "#CC78BC", "#ECE133")
APART = 8  # points between the names of a legend
LONGEST = 116  # characters of a line
VARIANTS = {"StarVid": "#0173B2", "plain": "#DE8F05"}
FONT = "DejaVu Sans"
STYLE: dict[Any, Any] = {
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.labelsize": SMALL,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.dpi": DPI,
    "font.family": FONT,
    "font.size": NORMAL,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.6,
    "mathtext.fontset": "cm",
    "pdf.fonttype": 42,
    "savefig.dpi": DPI,
    "text.color": INK,
    "xtick.color": FAINT,
    "xtick.labelsize": SMALL,
    "xtick.major.size": 2.0,
    "xtick.major.width": 0.6,
    "ytick.labelsize": NORMAL,
}
# Without dates and versions the same figure is the same file.
METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def use_style() -> None:
    """The one style of this repository's figures, for all figures made after this call."""
    matplotlib.rcParams.update(STYLE)


def save(figure: Figure, stem: Path) -> Path:
    """Write `stem`.png and `stem`.pdf, each whole or not at all; return the picture's path."""
    for kind, metadata in METADATA.items():
        with writing(stem.with_name(f"{stem.name}.{kind}")) as temporary:
            figure.savefig(temporary, format=kind, dpi=DPI, metadata=metadata)
    return stem.with_name(f"{stem.name}.png")


def watermark(figure: Figure, text: str = "quick: not a result") -> None:
    """Say across the whole figure that its numbers are those of a smoke test."""
    wide, tall = figure.get_size_inches()
    angle = math.degrees(math.atan2(tall, wide))
    size = 72 * min(wide, 2 * tall) / len(text) * 1.5
    style: dict[str, Any] = {"size": size, "rotation": angle, "color": "#D55E00", "alpha": 0.25}
    figure.text(0.5, 0.5, text, ha="center", va="center", zorder=10, **style)


@dataclass(frozen=True)
class Sheet:
    """A figure laid out in inches from its upper left corner, so that pixels stay whole."""

    figure: Figure

    @classmethod
    def new(cls, width: float, height: float) -> Sheet:
        return cls(Figure(figsize=(_whole(width), _whole(height)), dpi=DPI))

    def axes(self, x: float, y: float, width: float, height: float) -> Axes:
        wide, tall = self.figure.get_size_inches()
        x, y, width, height = (_whole(v) for v in (x, y, width, height))
        place = x / wide, 1 - (y + height) / tall, width / wide, height / tall
        return self.figure.add_axes(place)

    def text(self, x: float, y: float, text: str, limit: int = 96, **style: Any) -> None:
        """Text as it is, dollar signs and all."""
        self._write(x, y, readable(text, limit), {"parse_math": False, **style})

    def label(self, x: float, y: float, name: str, **style: Any) -> None:
        """The name of a variant, its losses set as symbols."""
        self._write(x, y, symbols(name), style)

    def rule(self, x: float, y: float, width: float) -> None:
        """A thin horizontal line."""
        wide, tall = self.figure.get_size_inches()
        ends = [x / wide, (x + width) / wide], [1 - y / tall] * 2
        self.figure.add_artist(Line2D(*ends, linewidth=0.6, color=FAINT))

    def legend(self, x: float, y: float, names: tuple[str, ...]) -> None:
        """The subjects in the colors of their boxes, right aligned at `x`."""
        parts: list[Artist] = [
            TextArea(
                _entry(name),
                textprops={"color": color, "size": NORMAL, "parse_math": False},
            )
            for name, color in zip(names, colors(len(names)), strict=True)
        ]
        wide, tall = self.figure.get_size_inches()
        packed = HPacker(children=parts, sep=APART, pad=0, align="baseline")
        self.figure.add_artist(
            AnchoredOffsetbox(
                loc="lower right",
                child=packed,
                pad=0,
                borderpad=0,
                frameon=False,
                bbox_to_anchor=(x / wide, 1 - y / tall),
                bbox_transform=self.figure.transFigure,
            )
        )

    def _write(self, x: float, y: float, text: str, style: dict[str, Any]) -> None:
        wide, tall = self.figure.get_size_inches()
        self.figure.text(x / wide, 1 - y / tall, text, **({"va": "center"} | style))


def colors(count: int) -> list[str]:
    """One color for each subject, over again when there are more subjects than colors."""
    return [SUBJECTS[i % len(SUBJECTS)] for i in range(count)]


def picture(axes: Axes, image: Any, **style: Any) -> None:
    """An image in fractions of the frame, its pixels sharp, without ticks, in a thin line."""
    axes.imshow(image, extent=(0, 1, 1, 0), aspect="auto", interpolation="nearest", **style)
    axes.set(xticks=[], yticks=[], xlim=(0, 1), ylim=(1, 0))
    for spine in axes.spines.values():
        spine.set(visible=True, linewidth=0.4, color=FAINT)


def outline(axes: Axes, box: Box | None, color: str) -> None:
    """A planned box; its thin white casing keeps it visible on every ground."""
    if box is not None:
        casing = [patheffects.withStroke(linewidth=1.8, foreground="white")]
        corner = (box.x0, box.y0)
        axes.add_patch(
            Rectangle(
                corner, box.width, box.height, fill=False, ec=color, lw=0.9, path_effects=casing
            )
        )


def legend_width(names: tuple[str, ...]) -> float:
    """Inches that `Sheet.legend` takes, with what keeps it apart from its left neighbour."""
    return sum(text_width(_entry(name), NORMAL) + APART / 72 for name in names)


def text_width(text: str, size: float, weight: str = "normal") -> float:
    """Inches that a line takes."""
    font = FontProperties(family=FONT, size=size, weight=weight)
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0] / 72


def wrapped(text: str, room: float, size: float, weight: str = "normal") -> list[str]:
    """The text in lines that are at most `room` inches wide."""
    lines = [""]
    for limit in range(LONGEST, 0, -1):
        lines = textwrap.wrap(text, limit) or [""]
        if all(text_width(line, size, weight) <= room for line in lines):
            break
    return lines


def symbols(name: str) -> str:
    """The name of a variant with its losses as symbols: "without L_bg"."""
    plain = readable(name).replace("$", r"\$")
    return re.sub(r"\bL_(\w+)", r"$\\mathcal{L}_{\1}$", plain)


def readable(text: str, limit: int = 96) -> str:
    """One line of at most `limit` characters, "?" for those that the font does not have."""
    glyphs = _glyphs()
    line = " ".join(text.split())
    if len(line) > limit:
        line = f"{line[: limit - 1]}…"
    return "".join(c if ord(c) in glyphs and c.isprintable() else "?" for c in line)


def _entry(name: str) -> str:
    return f"■ {readable(name, 30)}"


@cache
def _glyphs() -> frozenset[int]:
    font = font_manager.get_font(font_manager.findfont(FONT))
    return frozenset(font.get_charmap())


def _whole(inches: float) -> float:
    """The nearest whole pixel."""
    return round(inches * DPI) / DPI
