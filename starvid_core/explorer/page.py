"""The page: its files, and the traits by which it and the kernel tell each other everything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from planners.planner import RULES

HERE = Path(__file__).parent
# One module for the page: what anywidget loads from a kernel cannot import its neighbors.
SCRIPTS = ("dom", "view", "stage", "timeline", "clips", "attention", "controls", "main")


class Page(anywidget.AnyWidget):
    """What the page shows and what it changes; buttons are messages `{"do": name}`."""

    _esm = "\n".join((HERE / "js" / f"{name}.js").read_text("utf-8") for name in SCRIPTS)
    _css = (HERE / "explorer.css").read_text("utf-8")

    prompt = traitlets.Unicode().tag(sync=True)
    planner = traitlets.Unicode(RULES).tag(sync=True)
    planners = traitlets.List(traitlets.Unicode()).tag(sync=True)
    method = traitlets.Unicode("starvid").tag(sync=True)
    # Every method's numbers as published, and those that were changed.
    published = traitlets.Dict().tag(sync=True)
    numbers = traitlets.Dict().tag(sync=True)
    seed = traitlets.Int(0).tag(sync=True)
    steps = traitlets.Int(0).tag(sync=True)
    aspect = traitlets.Float(1.0).tag(sync=True)
    subjects = traitlets.List(traitlets.Dict()).tag(sync=True)
    boxes: Any = traitlets.List().tag(sync=True)
    notes = traitlets.List(traitlets.Unicode()).tag(sync=True)
    state = traitlets.Unicode("idle").tag(sync=True)
    message = traitlets.Unicode().tag(sync=True)
    progress = traitlets.Dict().tag(sync=True)
    preview = traitlets.Dict().tag(sync=True)
    videos = traitlets.Dict().tag(sync=True)
    maps = traitlets.Dict().tag(sync=True)
    plan_file = traitlets.Unicode().tag(sync=True)
    figure_file = traitlets.Unicode().tag(sync=True)
