"""Prepares a hand count: draws clips of a study, lets the judge read them, draws their sheets."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from matplotlib.figure import Figure

from starvid_core import experiment, paths, specs, studies
from starvid_core.artifacts import writing, writing_folder
from starvid_core.checks import handcount
from starvid_core.checks.handcount import Count
from starvid_core.experiment import Run
from starvid_core.perception.base import Judge
from starvid_core.plotting.sheets import Row, contact_sheets
from starvid_core.plotting.style import METADATA, use_style


def prepare(
    study: str, name: str, count: int, seed: int = 0, quick: bool = False
) -> tuple[Path, Path]:
    """The form to fill in, and the folder of its sheets; missing clips are made first."""
    from starvid_core.perception import emoji

    specs.known("study", study, sorted(path.stem for path in paths.STUDIES.glob("*.json")))
    handcount.check_new(name)
    wanted = handcount.chosen(studies.load(study, quick).specs.values(), count, seed)
    runs, judge = experiment.ensure(wanted), emoji.load()
    folder = sheets(paths.BUILD / "handcount" / name, runs, judge)
    return handcount.make(name, runs, judge), folder


def sheets(folder: Path, runs: list[Run], judge: Judge) -> Path:
    """`count_*.png` with numbers alone, `judge_*.png` with prompts and what the judge says."""
    names = handcount.numbers(len(runs))
    blind = [Row(number, run.video) for number, run in zip(names, runs, strict=True)]
    told = [read_row(number, run, judge) for number, run in zip(names, runs, strict=True)]
    use_style()
    with writing_folder(folder) as place:
        for stem, rows in (("count", blind), ("judge", told)):
            _save(place, stem, contact_sheets(rows))
    return folder


def read_row(number: str, run: Run, judge: Judge) -> Row:
    """A clip with the judge's boxes, and above it the prompt and the judge's count."""
    seen = judge.detect(run.video)
    boxes = tuple(tuple((d.name, d.box) for d in frame) for frame in seen)
    said = f"{run.trajectory.plan.prompt}   judge: {_listed(handcount.usual(seen))}"
    return Row(number, run.video, said, boxes)


def _listed(count: Count) -> str:
    return ", ".join(f"{n} {name}" for name, n in count.items()) or "nothing"


def _save(folder: Path, stem: str, figures: Iterable[Figure]) -> None:
    for number, figure in enumerate(figures, 1):
        with writing(folder / f"{stem}_{number:02}.png") as temporary:
            figure.savefig(temporary, format="png", metadata=METADATA["png"])
