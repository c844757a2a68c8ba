"""The graph of work: what is redone after a change, and what its jobs write."""

import json
import shutil
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from starvid_core import jobs, paths, reproduce, specs
from starvid_core.artifacts import write_json, write_manifest, write_text

NAME = "fig99_small"
DRAW = f"""
from pathlib import Path
folder = Path(folder)
for kind in ("png", "pdf", "csv"):
    (folder / ("{NAME}." + kind)).write_text(kind)
"""
STUDY = {
    "prompts": ["A dog is running and a cat is jumping.", "A dog is running."],
    "seeds": list(range(10)),
    "variants": {"plain": {"method": "none"}},
    "options": {"steps": 2, "guidance_scale": 3.0},
}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A small repository: one figure, one study, one checkpoint, a copy of our sources."""
    for name in ("studies", "checkpoints", "runs", "figures", "notebooks", "build", "results"):
        monkeypatch.setattr(paths, name.upper(), tmp_path / name)
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # a job sets its own
    monkeypatch.setattr(reproduce, "FOLDER", tmp_path / "build" / "reproduce")
    shutil.copytree(reproduce.PACKAGE, tmp_path / "package")
    monkeypatch.setattr(reproduce, "PACKAGE", tmp_path / "package")
    write_json(tmp_path / "studies" / f"{NAME}.json", STUDY)
    for name in ("emoji", "judge"):
        write_text(tmp_path / "checkpoints" / name / "weights", name)
        write_manifest(tmp_path / "checkpoints" / name)
    book = new_notebook(
        cells=[
            new_markdown_cell("# Small"),
            new_code_cell(f"quick = False\nfolder = {str(tmp_path / 'figures')!r}"),
            new_code_cell(DRAW),
        ]
    )
    book.cells[1].metadata["tags"] = ["parameters"]
    for folder in ("notebooks", "figures"):
        (tmp_path / folder).mkdir()
    nbformat.write(book, tmp_path / "notebooks" / f"{NAME}.ipynb")
    return tmp_path


def edit(path):
    path.write_text(path.read_text() + "\n")


def edit_study(home, monkeypatch):
    write_json(home / "studies" / f"{NAME}.json", STUDY | {"seeds": [0]})


def edit_weights(home, monkeypatch):
    write_text(home / "checkpoints" / "emoji" / "weights", "others")
    write_manifest(home / "checkpoints" / "emoji")


def edit_numerics(home, monkeypatch):
    monkeypatch.setattr(specs, "NUMERICS", 99)


def edit_metric(home, monkeypatch):
    edit(home / "package" / "metrics" / "numeracy.py")


def edit_plot(home, monkeypatch):
    edit(home / "package" / "plotting" / "style.py")


def edit_notebook(home, monkeypatch):
    edit(home / "notebooks" / f"{NAME}.ipynb")


def edit_config(home, monkeypatch):
    edit(home / "package" / "config.py")


@pytest.mark.parametrize(
    ("change", "redone"),
    [
        (edit_study, {"plans", "clips", "scores", "drawing"}),
        (edit_config, {"plans", "clips", "scores", "drawing"}),
        (edit_weights, {"clips", "scores", "drawing"}),
        (edit_numerics, {"clips", "scores", "drawing"}),
        (edit_metric, {"scores", "drawing"}),
        (edit_plot, {"drawing"}),
        (edit_notebook, {"drawing"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_change_redoes_exactly_what_depends_on_it(home, monkeypatch, change, redone):
    before = reproduce.stage_keys(NAME)
    assert reproduce.stage_keys(NAME) == before
    change(home, monkeypatch)
    after = reproduce.stage_keys(NAME)
    assert {stage for stage in after if after[stage] != before[stage]} == redone


def test_a_quick_run_has_stages_of_its_own():
    quick, full = (reproduce.figure(NAME, q).files for q in (True, False))
    assert all(set(quick[stage]).isdisjoint(full[stage]) for stage in reproduce.STAGES)


def test_shards_hold_every_run_once(home):
    figure = reproduce.figure(NAME)
    assert [p.stem.rpartition("-")[2] for p in figure.clips] == ["1of2", "2of2"]
    planned = figure.plans
    write_json(planned, jobs.plans(NAME, False, planned))
    shards = [jobs.shard(planned, path) for path in figure.clips]
    keys = [s.key for shard in shards for s in shard]
    assert sorted(map(len, shards)) == [10, 10] and len(set(keys)) == 20


def test_a_drawing_is_kept_until_its_figure_is_gone(home, monkeypatch):
    (figure,) = reproduce.figures()
    monkeypatch.setattr(reproduce, "_snakemake", lambda cores, quick: draw(figure))
    drawn = []

    def draw(figure):
        drawn.append(figure.name)
        assert jobs.main(["drawing", NAME, "0", str(figure.drawing)]) == 0

    reproduce.reproduce(1)
    reproduce.reproduce(1)
    assert drawn == [NAME]
    assert sorted(json.loads(figure.drawing.read_text())["files"]) == [
        f"figures/{NAME}.{kind}" for kind in ("csv", "pdf", "png")
    ]
    assert reproduce.seconds(figure)["drawing"] > 0
    (home / "figures" / f"{NAME}.png").unlink()
    reproduce.reproduce(1)
    assert drawn == [NAME, NAME]


def test_a_notebook_that_draws_nothing_fails(home, capsys):
    source = home / "notebooks" / f"{NAME}.ipynb"
    source.write_text(source.read_text().replace("write_text(kind)", "exists()"))
    output = home / "out.json"
    assert jobs.main(["drawing", NAME, "0", str(output)]) == 2
    assert f"did not write {NAME}.png and {NAME}.pdf" in capsys.readouterr().out
    assert not output.exists()


def test_a_figure_that_draws_from_results_waits_for_them(home):
    study = paths.STUDIES / f"{NAME}.json"
    write_json(study, json.loads(study.read_text()) | {"after": {"wide.json": "starvid wide"}})
    assert reproduce.figures() == []
    assert reproduce.left_out() == {NAME: ["starvid wide"]}
    assert [figure.name for figure in reproduce.figures(quick=True)] == [NAME]
    write_json(paths.RESULTS / "wide.json", {})
    assert [figure.name for figure in reproduce.figures()] == [NAME]
    assert reproduce.left_out() == {}
