"""The graph of work: what is redone after a change, and what its jobs write."""

import json
import shutil
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from starvid_core import manifests, paths, specs, studies
from starvid_core.artifacts import sha256_file, write_json, write_manifest, write_text
from starvid_core.errors import InputError
from starvid_core.workflow import jobs, reproduce

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


def edit_judge(home, monkeypatch):
    edit(home / "package" / "perception" / "emoji.py")


def edit_plot(home, monkeypatch):
    edit(home / "package" / "plotting" / "style.py")


def edit_notebook(home, monkeypatch):
    edit(home / "notebooks" / f"{NAME}.ipynb")


def edit_config(home, monkeypatch):
    edit(home / "package" / "config.py")


def edit_examples(home, monkeypatch):
    edit(home / "package" / "studies" / "examples.py")


def keys():
    return reproduce.stage_keys(NAME) | {"drawing": reproduce.figure(NAME).drawing.name}


ALL = {"plans", "clips", "scores", "results", "drawing"}


@pytest.mark.parametrize(
    ("change", "redone"),
    [
        (edit_study, ALL),
        (edit_config, ALL),
        (edit_weights, ALL),
        (edit_numerics, ALL),
        (edit_metric, ALL),
        (edit_judge, {"scores", "results", "drawing"}),
        (edit_examples, {"results", "drawing"}),
        (edit_plot, {"drawing"}),
        (edit_notebook, {"drawing"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_change_redoes_exactly_what_depends_on_it(home, monkeypatch, change, redone):
    before = keys()
    assert keys() == before
    change(home, monkeypatch)
    after = keys()
    assert {stage for stage in after if after[stage] != before[stage]} == redone


def test_plans_are_made_for_the_weights_that_ship(home, monkeypatch):
    """A plan names the weights: an old one must not be taken for new weights."""
    before = reproduce.figure(NAME).works[0].plans
    edit_weights(home, monkeypatch)
    assert reproduce.figure(NAME).works[0].plans != before


def test_a_quick_run_has_stages_of_its_own():
    quick, full = (reproduce.figure(NAME, q).files for q in (True, False))
    assert all(set(quick[stage]).isdisjoint(full[stage]) for stage in reproduce.STAGES)


def test_shards_hold_every_run_once_and_keep_neighbors_together(home, monkeypatch):
    monkeypatch.setattr(reproduce, "SHARD", 12)
    variants = {"plain": {"method": "none"}, "StarVid": {}}
    write_json(home / "studies" / f"{NAME}.json", STUDY | {"variants": variants})
    work = reproduce.work(NAME)
    assert [p.stem.rpartition("-")[2] for p in work.clips] == [f"{n}of4" for n in (1, 2, 3, 4)]
    write_json(work.plans, jobs.plans(NAME, False, work.plans))
    shards = [jobs.shard(work.plans, path) for path in work.clips]
    found = [s.key for shard in shards for s in shard]
    assert [len(shard) for shard in shards] == [10] * 4 and len(set(found)) == 40
    assert all(len({s.method for s in shard}) == 1 for shard in shards)


def test_prompts_that_are_left_out_are_reported(home, monkeypatch, capsys):
    world = {"subjects": ["man", "woman"], "motions": ["playing guitar", "riding bicycle"]}
    write_json(home / "checkpoints" / "emoji" / "world.json", world)
    write_manifest(home / "checkpoints" / "emoji")
    part = {"prompts": [{"benchmark": "action_binding"}]}
    write_json(home / "studies" / f"{NAME}.json", STUDY | part)
    count = studies.load(NAME).chosen.left_out["action_binding"]
    jobs.plans(NAME, False, home / "plans.json")
    assert f"{NAME}: {count} prompts of action_binding left out" in capsys.readouterr().out


@pytest.fixture
def waiting(home):
    """The figure's study is one that `starvid study` has to run first."""
    write_json(home / "studies" / f"{NAME}.json", STUDY | {"made_by": "study"})


def test_a_figure_waits_for_the_results_of_its_study(home, waiting):
    assert reproduce.missing(NAME) == [f"starvid study {NAME}"] and reproduce.figures() == []
    write_json(home / "results" / f"{NAME}.json", {})
    (figure,) = reproduce.figures()
    assert reproduce.missing(NAME) == [] and figure.works == ()


def test_other_results_are_drawn_again(home, waiting):
    before = reproduce.figure(NAME).drawing
    write_text(home / "results" / f"{NAME}.csv", "1")
    between = reproduce.figure(NAME).drawing
    write_text(home / "results" / f"{NAME}.csv", "2")
    assert len({before, between, reproduce.figure(NAME).drawing}) == 3


def test_a_quick_figure_makes_its_clips_whoever_makes_the_full_ones(home, waiting):
    (figure,) = reproduce.figures(quick=True)
    assert [work.name for work in figure.works] == [NAME]


def test_a_study_that_is_finished_is_not_run_again(home, monkeypatch):
    calls = []
    monkeypatch.setattr(reproduce, "_snakemake", lambda targets, *_: calls.append(targets))
    work = reproduce.work(NAME)
    reproduce.study([NAME], 1)
    assert calls == [[work.results]]
    write_json(work.results, {"files": {}})
    reproduce.study([NAME], 1)
    assert len(calls) == 1


def test_a_result_that_was_edited_is_made_again(home, monkeypatch):
    calls = []
    monkeypatch.setattr(reproduce, "_snakemake", lambda targets, *_: calls.append(targets))
    work = reproduce.work(NAME)
    table = home / "results" / f"{NAME}.csv"
    write_text(table, "1")
    write_json(work.results, {"files": {str(table.relative_to(home)): sha256_file(table)}})
    reproduce.study([NAME], 1)
    assert not calls
    edit(table)
    reproduce.study([NAME], 1)
    assert calls == [[work.results]]


def test_a_drawing_is_kept_until_its_figure_is_gone(home, monkeypatch):
    (figure,) = reproduce.figures()
    monkeypatch.setattr(reproduce, "_snakemake", lambda *_: draw(figure))
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
    assert reproduce.missing(NAME) == ["starvid wide"]
    assert [figure.name for figure in reproduce.figures(quick=True)] == [NAME]
    write_json(paths.RESULTS / "wide.json", {})
    assert [figure.name for figure in reproduce.figures()] == [NAME]
    assert reproduce.missing(NAME) == []


def test_recomputing_makes_the_results_of_every_study_before_the_figures(
    home, waiting, monkeypatch
):
    calls = []
    monkeypatch.setattr(reproduce, "_snakemake", lambda targets, *_: calls.append(targets))
    write_json(home / "results" / f"{NAME}.json", {})
    reproduce.reproduce(1, recompute=True)
    assert calls == [[reproduce.work(NAME).results], [reproduce.figure(NAME).drawing]]


def test_figures_are_not_drawn_from_damaged_results(home, waiting, monkeypatch):
    monkeypatch.setattr(reproduce, "_snakemake", lambda *_: None)
    write_json(home / "results" / f"{NAME}.json", {})
    manifests.record(paths.RESULTS)
    reproduce.reproduce(1)
    edit(home / "results" / f"{NAME}.json")
    with pytest.raises(InputError, match=f"{NAME}.json has .* bytes instead of"):
        reproduce.reproduce(1)
    reproduce.reproduce(1, quick=True)
