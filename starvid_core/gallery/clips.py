"""The clips behind a figure: from their runs, or the frames that its results kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from starvid_core import paths, studies, video
from starvid_core.artifacts import writing
from starvid_core.experiment import Run
from starvid_core.studies import contact, results
from starvid_core.video import Video

MOST = 12  # of a figure; the notebook and data/runs have all
STRIP = 4  # frames beside each other
LEAST = 96  # pixels: the shorter side of a frame of a strip
SLOW = 2  # frames a second of a clip of which only some were kept


@dataclass(frozen=True)
class Clip:
    """A clip of a figure; `partial` when only some frames of it were kept."""

    variant: str
    prompt: str
    seed: int
    video: Video
    partial: bool = False


def clips(name: str, quick: bool = False) -> list[Clip]:
    """The clips of a figure's first prompts, variants side by side; none where there are none."""
    found = list(islice(_of_runs(name, quick), MOST))
    return found or list(islice(_of_results(name, quick), MOST))


def write(clip: Clip, stem: Path) -> None:
    """`stem`.mp4 that a browser plays and `stem`.webp, a strip of frames."""
    video.save(stem.with_suffix(".mp4"), clip.video, SLOW if clip.partial else video.RATE)
    frames = video.enlarge(clip.video[contact.kept(len(clip.video), STRIP)], LEAST)
    with writing(stem.with_suffix(".webp")) as temporary:
        Image.fromarray(np.concatenate(list(frames), axis=1)).save(temporary, "WEBP", quality=80)


def _of_runs(name: str, quick: bool) -> Iterator[Clip]:
    """Those that the figure's table of clips names, one seed of each prompt, if they are here."""
    import pandas

    path = paths.figure_folder(quick) / f"{name}_clips.csv"
    table = pandas.read_csv(path, dtype={"run": str}) if path.is_file() else pandas.DataFrame()
    if not {"variant", "prompt", "seed", "run"} <= set(table.columns):
        return
    grouped = table.groupby("prompt", sort=False)
    table = table.assign(place=grouped.ngroup(), first=grouped["seed"].transform("first"))
    shown = table[table["seed"] == table["first"]].sort_values("place", kind="stable")
    for row in shown.itertuples():
        folder = paths.RUNS / row.run
        if (folder / "video.npy").is_file():
            yield Clip(row.variant, row.prompt, row.seed, Run(folder).video)


def _of_results(name: str, quick: bool) -> Iterator[Clip]:
    """Those of which the results of the figure's studies kept frames."""
    for study in studies.of(name):
        if not results.files(study, quick):
            continue
        found = results.load(study, quick)
        for cell in found.shown:
            kept = contact.kept(found.facts["frames"])
            yield Clip(*cell, found.clip(cell)[kept], partial=True)
