"""A small repository with two figures, one of them drawn, and its gallery."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nbformat
import numpy as np
import pandas
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from starvid_core import gallery, paths
from starvid_core.artifacts import write_json
from starvid_core.workflow import reproduce

DRAWN, WAITING = "fig05_small", "tab03_waiting"
CAPTION = 'Subjects & "motions" <of> two rows'
TEXT = (
    "# Fig. 5: <b>small</b>\n\nWith $\\mathcal{L}_{sp}$, see [the table](tab03_waiting.ipynb), "
    "[this one](fig05_small.ipynb) and [the data](../data/README.md).\n\n$$x^2$$"
)
SUMMARY = pandas.DataFrame(
    {
        "variant": ["plain", "StarVid", "StarVid", "plain"],
        "metric": ["numeracy", "numeracy", "iou", "iou"],
        "paper": [0.5, 0.9, np.nan, np.nan],
        "mean": [0.4, 0.8, 0.6, 0.2],
        "low": [0.3, 0.7, 0.5, 0.1],
        "high": [0.5, 0.9, 0.7, 0.3],
        "difference": [0.0, 0.4, 0.4, 0.0],
        "difference_low": [0.0, 0.3, -0.1, 0.0],
        "difference_high": [0.0, 0.5, 0.5, 0.0],
        "verdict": ["reference", "higher", "open", "reference"],
    }
)


def _notebook(path: Path, executed: bool) -> None:
    cells = [
        new_markdown_cell(TEXT),
        new_code_cell("quick = False", metadata={"tags": ["parameters"]}),
        new_code_cell("print('a very long line of code ' * 20)  # " + "wide " * 40),
    ]
    if executed:
        frame = SUMMARY.to_html()
        cells[2].outputs = [new_output("display_data", data={"text/html": frame})]
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=cells), path)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("gallery")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DATA", "STUDIES", "RUNS", "FIGURES", "NOTEBOOKS", "BUILD", "RESULTS"):
            patch.setattr(paths, name, folder / name.lower())
        patch.setattr(paths, "ROOT", folder)
        patch.setattr(reproduce, "FOLDER", folder / "build" / "reproduce")
        yield _fill(folder)


def _fill(folder: Path) -> Path:
    captions = {"fig05": {"label": "Fig. 5", "caption": CAPTION}}
    write_json(paths.DATA / "paper" / "captions.json", captions)
    for name in (DRAWN, WAITING):
        _notebook(paths.NOTEBOOKS / f"{name}.ipynb", executed=False)
    _notebook(paths.executed(DRAWN), executed=True)
    study = {"prompts": ["A dog is running."], "variants": {"plain": {}}, "made_by": "study"}
    write_json(paths.STUDIES / f"{WAITING}.json", study)
    paths.FIGURES.mkdir()
    Image.new("RGB", (900, 700), "white").save(paths.FIGURES / f"{DRAWN}.png")
    SUMMARY.to_csv(paths.FIGURES / f"{DRAWN}.csv", index=False)
    rng, rows = np.random.default_rng(0), []
    for seed, variant in ((0, "plain"), (0, "StarVid"), (1, "plain")):
        run = f"{len(rows):012}"
        (paths.RUNS / run).mkdir(parents=True)
        np.save(
            paths.RUNS / run / "video.npy", rng.integers(256, size=(8, 16, 32, 3), dtype=np.uint8)
        )
        rows.append({"variant": variant, "prompt": "A <dog> & a cat", "seed": seed, "run": run})
    pandas.DataFrame(rows).to_csv(paths.FIGURES / f"{DRAWN}_clips.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def pages(home: Path) -> Path:
    """The folder of the gallery."""
    return gallery.write().parent
