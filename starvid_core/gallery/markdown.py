"""Notebooks as pages: nbconvert's HTML with formulas as MathML, and links that lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from latex2mathml.converter import convert
from nbconvert import HTMLExporter
from nbformat import NotebookNode

from starvid_core.workflow import notebooks

FORMULA = re.compile(r"(\$\$?)([^$]+)\1")
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)")
SUFFIX = "_notebook.html"


def body(executed: Path, pages: Collection[str]) -> str:
    """The cells of an executed notebook; links to notebooks outside `pages` become text."""
    book = notebooks.read(executed)
    for cell in book.cells:
        if cell.cell_type == "markdown":
            cell.source = formulas(links(cell.source, pages))
    return _html(book)


def formulas(text: str) -> str:
    """TeX between dollars as MathML, which browsers draw without a script."""
    return FORMULA.sub(
        lambda found: convert(
            found[2].strip(), display="block" if len(found[1]) == 2 else "inline"
        ),
        text,
    )


def links(text: str, pages: Collection[str]) -> str:
    """Links to other notebooks lead to their pages, those to files of the repository nowhere."""
    return LINK.sub(lambda found: _link(found[1], found[2], pages), text)


def _link(text: str, target: str, pages: Collection[str]) -> str:
    if target.startswith(("https://", "http://")):
        return f"[{text}]({target})"
    name = Path(target).stem
    return f"[{text}]({name}{SUFFIX})" if target.endswith(".ipynb") and name in pages else text


def _html(book: NotebookNode) -> str:
    exporter = HTMLExporter(template_name="basic", exclude_anchor_links=True)
    return exporter.from_notebook_node(book)[0]
