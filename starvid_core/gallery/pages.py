"""Writing the gallery: an index, a page for every figure, a page for every executed notebook."""

from __future__ import annotations

import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image
from pygments.formatters import HtmlFormatter

from starvid_core import paths
from starvid_core.artifacts import writing_folder
from starvid_core.gallery import clips, markdown
from starvid_core.gallery.clips import Clip
from starvid_core.gallery.entries import Entry, entries

INDEX = "index.html"
THUMBNAIL = (720, 480)


@dataclass(frozen=True)
class Shown:
    """A clip on a page, and the name of its files without their suffix."""

    clip: Clip
    stem: str


def folder(quick: bool = False) -> Path:
    return (paths.figure_folder(quick) if quick else paths.BUILD) / "gallery"


def write(quick: bool = False) -> Path:
    """Write the gallery of what is drawn now; return its index, to be opened in any browser."""
    found = entries(quick)
    pages = {one.name for one in found if one.executed}
    with writing_folder(folder(quick)) as place:
        styles = _here("style.css") + HtmlFormatter(style="friendly").get_style_defs(".highlight")
        (place / "style.css").write_text(styles, encoding="utf-8")
        for one in found:
            _page(place, one, quick)
            if one.executed:
                _notebook(place, one, one.executed, pages)
        _render(place, "index.html", INDEX, entries=found, quick=quick)
    return folder(quick) / INDEX


def _page(place: Path, one: Entry, quick: bool) -> None:
    for file in one.files:
        shutil.copyfile(file, place / file.name)
    if one.pictures:
        _thumbnail(one.pictures[0], place / f"{one.name}_small.webp")
    shown = []
    for number, clip in enumerate(clips.clips(one.name, quick), 1):
        stem = f"{one.name}_clip{number:02}"
        clips.write(clip, place / stem)
        shown.append(Shown(clip, stem))
    _render(place, "figure.html", f"{one.name}.html", entry=one, shown=shown, quick=quick)


def _notebook(place: Path, one: Entry, executed: Path, pages: set[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Jupyter's own deprecations
        body = markdown.body(executed, pages)
    _render(place, "notebook.html", f"{one.name}{markdown.SUFFIX}", entry=one, body=body)


def _thumbnail(picture: Path, target: Path) -> None:
    with Image.open(picture) as image:
        small = image.convert("RGB")
        small.thumbnail(THUMBNAIL)
        small.save(target, "WEBP", quality=80)


def _render(place: Path, template: str, name: str, **values: object) -> None:
    text = _environment().get_template(template).render(**values)
    (place / name).write_text(text, encoding="utf-8")


def _environment() -> Environment:
    loader = FileSystemLoader(Path(__file__).parent / "templates")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    environment.globals["suffix"] = markdown.SUFFIX
    return environment


def _here(name: str) -> str:
    return (Path(__file__).parent / "templates" / name).read_text(encoding="utf-8")
