"""Results of a study: small files that stand for its clips, and say what they stand on."""

import json
import math
from dataclasses import replace

import numpy as np
import pandas
import pytest

from starvid_core import costs, experiment, paths, plotting, studies
from starvid_core.artifacts import write_text
from starvid_core.costs import Cost
from starvid_core.errors import InputError
from starvid_core.studies import Cell, contact, examples, progress, results, shown

NAME = "fig99"
STUDY = {
    "prompts": [{"benchmark": "action_binding", "every": 50}, "A dog is running."],
    "variants": {
        "plain": {"method": "none"},
        "StarVid": {"config": {"spatial_iterations": 1}},
        "best of 2": {"method": "best_of_n", "config": {"n": 2}},
    },
    "options": {"steps": 2},
    "reference": "plain",
    "made_by": "study",
    "shown": {"prompts": 1, "variants": ["plain", "StarVid"], "misalignments": True},
    "quick": {"prompts": 2, "seeds": 1, "steps": 2},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory, tiny_emoji):
    """A folder with one study, run to its results by the tiny backbone and the shipped judge."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("studies", "runs", "results", "build"):
            patch.setattr(paths, name.upper(), folder / name)
        patch.setattr(experiment, "_load", lambda name: tiny_emoji)
        write_text(folder / "studies" / f"{NAME}.json", json.dumps(STUDY))
        results.report(NAME)
        yield folder


@pytest.fixture
def found(home):
    return results.load(NAME)


def test_a_table_has_a_row_for_every_clip_with_scores_and_costs(found):
    assert len(found.table) == 3 * len(found.study.prompts) == 9
    assert {*results.METRICS, "center_error", "seconds", "passes", "run"} <= set(found.table)
    assert list(found.table["benchmark"].fillna(""))[:3] == ["action_binding"] * 2 + [""]
    passes = found.table.groupby("variant")["passes"].first()
    assert passes.to_dict() == {"plain": 4, "StarVid": 4 + 1, "best of 2": 8}


def test_the_source_says_profile_prompts_and_versions(found):
    left = found.facts["left_out"]["action_binding"]
    assert f"full profile of {NAME}: prompts 2 of action_binding ({left} unknown" in found.source
    assert "1 of its own; 2 steps; model " in found.source and "OUTDATED" not in found.source


def test_results_of_another_model_are_called_outdated(found):
    other = replace(found, facts={**found.facts, "checkpoint": "0" * 12})
    assert f"OUTDATED: another checkpoint ships now, run `starvid study {NAME}`" in other.source


def test_kept_frames_are_those_of_the_run(found, home):
    cell = found.shown[0]
    row = found.table.set_index(["variant", "prompt", "seed"]).loc[tuple(cell)]
    video = np.load(home / "runs" / row["run"] / "video.npy")
    kept = contact.kept(len(video))
    np.testing.assert_array_equal(found.clip(cell)[kept], video[kept])
    plan = json.loads((home / "runs" / row["run"] / "plan.json").read_text())
    assert found.trajectory(cell.prompt).plan.prompt == plan["prompt"]


def test_kept_frames_are_drawn_with_the_boxes_of_what_was_guided(found):
    group = shown.group(found, shown.places(found)[0], heading="Kind")
    assert group.prompt.startswith("Kind: ")
    assert [(s.label, bool(s.boxes)) for s in group.strips] == [("plain", False), ("StarVid", True)]
    assert plotting.plot_study([group], {}).axes


def test_a_clip_that_was_not_kept_is_refused(found):
    with pytest.raises(InputError, match="fig99 keeps no frames of .'best of 2'"):
        found.clip(Cell("best of 2", found.study.prompts[0], 0))


def test_results_stand_alone(found, home, monkeypatch, tmp_path):
    monkeypatch.setattr(paths, "RUNS", tmp_path)
    again = results.load(NAME)
    assert again.clip(again.shown[-1]).any() and again.table.equals(found.table)


def test_missing_results_name_the_command(home, monkeypatch, tmp_path):
    monkeypatch.setattr(paths, "RESULTS", tmp_path)
    with pytest.raises(InputError, match=f"{NAME} has no results yet; make them with `starvid st"):
        results.load(NAME)
    assert results.state(NAME) == "no results yet"


def test_quick_results_are_made_when_they_are_missing_and_never_replace_full_ones(home):
    before = (home / "results" / f"{NAME}.csv").read_bytes()
    quick = results.load(NAME, quick=True)
    assert quick.source.endswith("a smoke test, not a result")
    assert quick.folder == home / "build" / "results" and len(quick.table) == 6
    assert (home / "results" / f"{NAME}.csv").read_bytes() == before
    made = (quick.folder / f"{NAME}.json").stat().st_mtime_ns
    results.load(NAME, quick=True)
    assert (quick.folder / f"{NAME}.json").stat().st_mtime_ns == made


def test_means_are_over_prompts_not_over_clips():
    table = pandas.DataFrame(
        {
            "variant": ["a"] * 3,
            "prompt": ["x", "x", "y"],
            "seed": [0, 1, 0],
            "numeracy": [0.0, 0.5, 1.0],
        }
    )
    assert list(results.by_prompt(table, ("numeracy",))["numeracy"]) == [0.25, 1.0]


def test_the_time_left_is_that_of_like_clips(home):
    study = studies.load(NAME)
    done = list(study.specs.values())
    assert progress.seconds_left(done) == 0 and progress.note(done) == ""
    cell = study.cells[0]
    options = study.variants["plain"]
    more = [experiment.spec(cell.prompt, seed=s, **options) for s in (71, 72, 73)]
    clips = {clip for one in done for clip in experiment.rivals(one)}
    alike = [clip.key for clip in clips if clip.settings == more[0].settings]
    took = [experiment.Run(paths.RUNS / key).cost.seconds for key in alike]
    assert progress.seconds_left([*done, *more]) == pytest.approx(3 * np.mean(took))
    assert progress.note([*done, *more]).startswith("; 9 of 12 clips, about ")


def test_before_any_clip_the_time_is_what_the_study_states(home, monkeypatch, tmp_path):
    monkeypatch.setattr(paths, "RUNS", tmp_path)
    wanted = list(studies.load(NAME).specs.values())
    assert progress.seconds_left(wanted, hours=2) == pytest.approx(7200)
    assert progress.note(wanted, 2) == "; 0 of 9 clips, about 2.0 h left"


@pytest.mark.parametrize(("seconds", "said"), [(59, "59 s"), (600, "10 min"), (7200, "2.0 h")])
def test_a_duration_has_the_unit_that_a_person_would_use(seconds, said):
    assert progress.duration(seconds) == said


def test_costs_add_up_and_stay_unknown_when_one_is(tmp_path):
    one = Cost(1.0, 2.0, 50, 3)
    assert costs.total([one, one]) == Cost(2.0, 4.0, 100, 6)
    assert math.isnan(costs.total([one, Cost()]).seconds)
    costs.write(tmp_path, one)
    assert costs.read(tmp_path) == one


def test_a_contact_sheet_loses_nothing(tmp_path):
    rng = np.random.default_rng(0)
    clips = [rng.integers(0, 256, (8, 16, 32, 3), np.uint8) for _ in range(3)]
    contact.write(tmp_path / "sheet.webp", clips)
    sheet = contact.read(tmp_path / "sheet.webp")
    for row, video in enumerate(clips):
        again = contact.clip(sheet, row, 3, 8)
        np.testing.assert_array_equal(again[contact.kept(8)], video[contact.kept(8)])
        assert not again[[1, 3]].any()


@pytest.mark.parametrize("frames", [3, 8, 16])
def test_the_frames_that_are_kept_are_those_that_figures_show(frames):
    video = (
        np.zeros((frames, 8, 16, 3), np.uint8)
        + np.arange(frames, dtype=np.uint8)[:, None, None, None]
    )
    strip = plotting.Strip("plain", video)
    figure = plotting.plot_study([plotting.Group("A dog", ("dog",), (strip,))], {})
    drawn = [int(axes.get_images()[0].get_array().max()) for axes in figure.axes]
    assert drawn == contact.kept(frames)


def test_what_is_no_contact_sheet_is_one_line(tmp_path):
    (tmp_path / "x.webp").write_bytes(b"RIFF")
    with pytest.raises(InputError, match="x.webp is no contact sheet"):
        contact.read(tmp_path / "x.webp")


def clips(**columns):
    usual = {"present": 1.0, "extra": 0.0, "leakage": 0.0, "action_binding": 1.0, "numeracy": 1.0}
    rows = len(next(iter(columns.values())))
    table = {name: [value] * rows for name, value in usual.items()} | columns
    prompts = {"variant": "plain", "prompt": list("abcdef"[:rows]), "seed": range(rows)}
    return pandas.DataFrame(prompts | table)


def test_each_kind_of_misalignment_is_the_clearest_clip_of_its_kind():
    table = clips(
        present=[1, 1, 0.5, 1, 1, 1],
        extra=[0.9, 0.9, 0, 0, 0, 0],
        numeracy=[0.9, 0.7, 1, 1, 1, 1],
        leakage=[0, 0, 0, 0.5, 1, 0],
        action_binding=[1, 1, 0.5, 0.5, 0, 1],
    )
    found = examples.misalignments(table)
    assert {kind: (cell.prompt, count) for kind, (cell, count) in found.items()} == {
        "excessive subjects": ("b", 2),
        "subject neglect": ("c", 1),
        "motion leakage": ("d", 1),
        "motion-subject misalignment": ("e", 1),
    }


def test_a_clip_of_two_kinds_stands_for_one_where_the_other_has_another():
    table = clips(present=[0.5, 0.6], leakage=[0.5, 0.5], action_binding=[0.5, 0.5])
    found = examples.misalignments(table)
    assert [cell.prompt for cell, _ in found.values()] == ["a", "b"]
    assert examples.misalignments(clips(extra=[0.0])) == {}


def test_a_column_is_arrays_of_prompts_and_seeds_in_the_order_of_its_variants():
    rows = [
        {"variant": v, "prompt": p, "seed": s, "dsr": math.nan if s else 0.5}
        for v in ("base", "aligned")
        for p in ("a", "b", "c")
        for s in (0, 1)
    ]
    found = results.arrays(pandas.DataFrame(rows), "dsr")
    assert list(found) == ["base", "aligned"]
    assert found["base"].shape == (3, 2)
    assert (found["base"][:, 0] == 0.5).all() and np.isnan(found["base"][:, 1]).all()
