"""Every notebook that draws from studies runs with its quick parameters and says that it did."""

import json
import os

import matplotlib
import numpy as np
import pandas
import pytest
from matplotlib.figure import Figure

from planners import rules, schema
from starvid_core import experiment, paths, studies
from starvid_core.artifacts import write_json, write_text
from starvid_core.errors import InputError
from starvid_core.plotting import style
from starvid_core.studies import contact, results
from starvid_core.workflow import notebooks

WAITING = [
    name
    for name in notebooks.figures()
    if {studies.declaration(study).made_by for study in studies.of(name)} == {studies.STUDY}
]
SHOWING_RUNS = ["fig03_pipeline", "fig04_contrast_pairs"]
COSTS = ("seconds", "core_seconds", "passes", "gradients")
METRICS = (*results.METRICS, *results.COUNTERPARTS, "center_error")


@pytest.fixture(scope="module")
def home(tmp_path_factory, tiny_emoji):
    """A place for runs and quick results, and the tiny backbone as the embedded one."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch, matplotlib.rc_context():
        matplotlib.use("agg")
        for name in ("runs", "results", "build"):
            patch.setattr(paths, name.upper(), folder / name)
        patch.setattr(experiment, "_load", lambda name: tiny_emoji)
        # Pictures of few pixels, and no prints, are drawn in a moment.
        patch.setattr(style, "DPI", 50)
        patch.setattr(style, "METADATA", {"png": {}})
        yield folder


def fabricate(name):
    """Quick results of a study, as if random clips had been made and scored."""
    study, rng = studies.load(name, quick=True), np.random.default_rng(0)
    chances = {metric: rng.random(len(study.cells)).round(1) for metric in METRICS}
    table = pandas.DataFrame(study.cells).assign(
        benchmark=[study.chosen.benchmark(cell.prompt) for cell in study.cells],
        **chances,
        **dict.fromkeys(COSTS, 1.0),
    )
    shown = results._shown(study, table)
    video = rng.integers(256, size=(8, 16, 32, 3), dtype=np.uint8)
    plans = {p: json.loads(schema.dumps(rules.plan(p), "rules")) for p in study.prompts}
    facts = results._versions(study.backbone, study.counterparts) | {
        "profile": "quick",
        "command": f"starvid study {name}",
        "benchmarks": table["benchmark"].value_counts().to_dict(),
        "left_out": dict(study.chosen.left_out),
        "steps": 4,
        "runs": results._runs_hash([spec.key for spec in study.specs.values()]),
        "frames": 8,
        "shown": [list(cell) for cell in shown],
        "plans": plans,
    }
    folder = paths.BUILD / "results"
    write_text(folder / f"{name}.csv", table.to_csv(index=False))
    contact.write(folder / f"{name}.webp", [video for _ in shown or [0]])
    write_json(folder / f"{name}.json", facts)


@pytest.fixture
def run(home, monkeypatch):
    """Execute a notebook's cells here; return its variables and every text of its figures."""

    def execute(name, **parameters):
        texts = []
        saved = style.save

        def save(figure: Figure, stem):
            texts.extend(text.get_text() for text in figure.texts)
            return saved(figure, stem)

        monkeypatch.setattr("starvid_core.plotting.save", save)
        found: dict = {}
        for cell in notebooks.read(notebooks.find(name)).cells:
            if cell.cell_type == "code":
                exec(compile(cell.source, name, "exec"), found)
            if "parameters" in cell.metadata.get("tags", []):
                found |= parameters
        return found, texts

    return execute


def check_drawn(name, home, found, texts):
    folder = home / "build" / "quick"
    beside = {stem for study in studies.of(name) for stem in studies.drawings(study)[name]}
    for stem in {name, *beside}:
        assert (folder / f"{stem}.png").is_file()
    assert texts.count("quick: not a result") >= 1 + len(beside)
    if name.startswith("tab"):
        assert (folder / f"{name}.csv").is_file() and (folder / f"{name}.tex").is_file()
        assert set(found["rows"]["profile"]) == {"quick"}
        assert any("quick profile of tab" in text for text in texts)


@pytest.mark.parametrize("name", WAITING)
def test_a_notebook_draws_all_its_figures_from_quick_results(run, home, name):
    for study in studies.of(name):
        fabricate(study)
    check_drawn(name, home, *run(name, quick=True))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", WAITING)
def test_a_notebook_makes_the_quick_results_that_are_missing(run, home, name):
    for study in studies.of(name):
        for file in results.files(study, quick=True):
            file.unlink()
    check_drawn(name, home, *run(name, quick=True))


@pytest.mark.parametrize("name", WAITING)
def test_without_results_a_notebook_says_which_command_makes_them(run, home, name):
    first = studies.of(name)
    with pytest.raises(InputError, match=f"make them with `starvid study ({'|'.join(first)})`"):
        run(name, quick=False, output=str(home / "full"))
    assert not (home / "full").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", SHOWING_RUNS)
def test_a_notebook_draws_from_runs_that_it_makes(run, home, name):
    texts = run(name, quick=True, frame=1)[1]
    assert (home / "build" / "quick" / f"{name}.png").is_file() and "quick: not a result" in texts


def test_a_table_runs_under_papermill(home, tmp_path):
    """In a process of its own, from a folder that holds only what the notebook may read."""
    fabricate("tab13_layers")
    place = tmp_path / "repository"
    (place / "build").mkdir(parents=True)
    for name in ("checkpoints", "studies", "prompts", "paper"):
        (place / "data").mkdir(exist_ok=True)
        (place / "data" / name).symlink_to(paths.DATA / name)
    (place / "build" / "results").symlink_to(paths.BUILD / "results")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STARVID_HOME", str(place))
        patch.setenv("PYTHONPATH", os.pathsep.join([str(paths.ROOT)]))
        source = notebooks.find("tab13_layers")
        notebooks.execute(source, tmp_path / "executed.ipynb", {"quick": True})
    assert sorted(file.suffix for file in (place / "build" / "quick").iterdir()) == [
        ".csv",
        ".pdf",
        ".png",
        ".tex",
    ]
