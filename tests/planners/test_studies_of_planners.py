"""Studies whose variants differ in the planner: what is run, and what it is judged by."""

from __future__ import annotations

import json
import random
from dataclasses import replace

import numpy as np
import pytest

from planners import rules, variants
from planners.engines.recorded import Recording
from planners.planning import Unplanned
from planners.two_stage import plan
from planners.wire import Wire
from planners.wire.scene import write_scene
from starvid_core import adapters, experiment, paths, specs, studies
from starvid_core.artifacts import fingerprint, write_json, write_manifest
from starvid_core.errors import InputError
from starvid_core.perception.base import Detection
from starvid_core.scene import Subject
from starvid_core.workflow import reproduce

PROMPT = "A dog is running and a cat is jumping on a man."
DOG = Subject(0, "dog", "running", 1, "running")
CAT = Subject(1, "cat", "jumping", 1, "jumping")
MAN = Subject(0, "man", "running", 1, "running")
WORLD = {
    "subjects": ["dog", "cat"],
    "motions": ["running", "jumping"],
    "frames": 3,
    "height": 32,
    "width": 48,
}
STEPS = {"steps": 2, "guidance_scale": 3.0}
STUDY = {
    "prompts": [PROMPT],
    "variants": {
        "no plan": {"method": "none"},
        "rules": {},
        "mine": {"options": {"planner": "mine"}},
        "tuned": {"options": {"planner": "tuned"}},
    },
    "options": STEPS,
}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch, tiny_backbone):
    """A model that knows two subjects, and two planners of which one is recorded."""
    for name in ("checkpoints", "runs", "studies", "transcripts", "results", "notebooks"):
        monkeypatch.setattr(paths, name.upper(), tmp_path / name)
    monkeypatch.setattr(paths, "PLANNERS", tmp_path / "planners.json")
    mine = {"title": "mine", "engine": "llama_cpp", "template": "short", "unit": 16}
    write_json(paths.PLANNERS, {"mine": mine, "tuned": mine | {"title": "tuned"}})
    for name, facts in (("judge", {}), ("emoji", WORLD)):
        folder = tmp_path / "checkpoints" / name
        write_json(folder / "world.json", facts)
        write_manifest(folder)
    named = replace(tiny_backbone, name="emoji", fingerprint=fingerprint(folder))
    monkeypatch.setattr(experiment, "_load", lambda name: named)
    specs.judging.cache_clear()
    write_json(tmp_path / "studies" / "fig99.json", STUDY)
    yield tmp_path
    specs.judging.cache_clear()


@pytest.fixture
def say(scripted):
    """Record what the planner says of a prompt: its two replies, or what a function answers."""

    def record(replies, prompt=PROMPT):
        one = variants.find("mine")
        with Recording(scripted(replies), one.transcript) as engine:
            try:
                return plan(prompt, engine, one.options)
            except InputError as error:
                return error

    return record


def told(*subjects: Subject) -> list[str]:
    """Two replies that say who does what, with the boxes of the rules planner."""
    made = rules.plan(PROMPT)
    scene = replace(made.plan, subjects=subjects, motion="a", reasoning="b")
    return [write_scene(scene), Wire(16).write_frames(replace(made, plan=scene))]


def boxes(trajectory):
    return [[(b.x0, b.y0, b.x1, b.y1) for b in row] for row in trajectory.boxes]


def test_a_planner_by_name_gives_its_recorded_plan(say) -> None:
    made = say(told(DOG, CAT))
    one = specs.spec(PROMPT, planner="mine", **STEPS)
    assert one.planner == "mine" and one.trajectory.plan.motion == "a"
    assert np.allclose(boxes(one.trajectory), boxes(made.trajectory), atol=1e-4)
    assert specs.parse_spec(json.loads(json.dumps(one.facts))) == one


def test_without_a_name_nothing_changes() -> None:
    one = specs.spec(PROMPT, **STEPS)
    assert one == specs.spec(PROMPT, planner="rules", **STEPS) and one.planner == "rules"
    assert specs.spec(PROMPT, plan=one.trajectory, **STEPS).planner == "given"
    assert specs.asked(one) == one.trajectory


def test_a_planner_that_is_unknown_or_not_recorded_is_an_error() -> None:
    for make in (specs.spec, specs.attempted):
        with pytest.raises(InputError, match="unknown planner 'mime'.*did you mean mine"):
            make(PROMPT, planner="mime", **STEPS)
        with pytest.raises(InputError, match="record them: `starvid compare-planners mine`"):
            make(PROMPT, planner="mine", **STEPS)


@pytest.mark.parametrize("replies", [["[]"], told(MAN, CAT)], ids=["no plan", "unknown subject"])
def test_without_a_plan_that_can_be_drawn_the_clip_is_plain(say, replies) -> None:
    say(replies)
    options = {"planner": "mine", "spatial_weight": 3.0, "seed": 7, **STEPS}
    with pytest.raises((Unplanned, specs.OutOfVocabulary)):
        specs.spec(PROMPT, **options)
    assert specs.attempted(PROMPT, **options) == specs.spec(PROMPT, "none", 7, **STEPS)


def test_the_plain_clip_keeps_its_lora(say, tmp_path) -> None:
    for name in (adapters.WEIGHTS, adapters.CONFIG):
        (tmp_path / name).write_text("{}")
    say(["[]"])
    one = specs.attempted(PROMPT, planner="mine", lora=str(tmp_path), **STEPS)
    assert (one.method, one.lora) == ("none", str(tmp_path))


def test_what_rules_cannot_plan_is_an_error_still() -> None:
    with pytest.raises(specs.OutOfVocabulary, match="does not know the subject 'man'"):
        specs.attempted("A man is running.", **STEPS)
    with pytest.raises(InputError, match="unknown option of starvid 'spatial_wight'"):
        specs.attempted(PROMPT, spatial_wight=1.0, **STEPS)


def test_a_study_leaves_out_planners_that_are_not_recorded(say) -> None:
    assert set(studies.load("fig99").variants) == {"no plan", "rules"}
    say(["[]"])
    study = studies.load("fig99")
    assert set(study.variants) == {"no plan", "rules", "mine"}
    keys = {cell.variant: one.key for cell, one in study.specs.items()}
    assert keys["mine"] == keys["no plan"] != keys["rules"]


def test_a_study_is_planned_again_when_a_transcript_changes(say, home) -> None:
    write_json(home / "studies" / "fig98.json", STUDY | {"variants": {"rules": {}}})
    (home / "notebooks").mkdir()
    for name in ("fig98", "fig99"):
        (home / "notebooks" / f"{name}.ipynb").write_text("")
    before = {name: reproduce.stage_keys(name) for name in ("fig98", "fig99")}
    say(["[]"])
    assert reproduce.stage_keys("fig98") == before["fig98"]
    after = reproduce.stage_keys("fig99")
    assert all(after[stage] != before["fig99"][stage] for stage in after)
    assert paths.PLANNERS not in studies.sources("fig98")
    assert paths.PLANNERS in studies.sources("fig99")


class Seeing:
    """A judge that sees the dog run on the left and the cat jump on the right."""

    def detect(self, video):
        dog, cat = (row[0] for row in rules.plan(PROMPT).boxes)
        return ((Detection("dog", dog, 1.0), Detection("cat", cat, 1.0)),) * len(video)

    def motion(self, video, row):
        is_dog = row[0] == rules.plan(PROMPT).boxes[0][0]
        return {"running": 1.0} if is_dog else {"jumping": 1.0}


def test_a_plan_of_wrong_subjects_is_judged_by_the_prompt(say, monkeypatch) -> None:
    """The planner took the actions for each other's: the video is right where it disobeys it."""
    swapped = replace(DOG, verb="jumping", motion=""), replace(CAT, verb="running", motion="")
    say(told(*swapped))
    monkeypatch.setattr(experiment, "_judge", lambda: Seeing())
    study = studies.load("fig99")
    runs = studies.ensure(study, progress=False)
    table = studies.scores(runs).set_index("variant")
    run = next(run for cell, run in runs.items() if cell.variant == "mine")
    assert {s.noun: s.motion for s in run.trajectory.plan.subjects} == {
        "dog": "jumping",
        "cat": "running",
    }
    assert (table["action_binding"] == 1).all() and (table["numeracy"] == 1).all()
    assert run.spec.planner == "mine" and run.losses
    assert table["iou"]["mine"] == pytest.approx(table["iou"]["rules"], abs=0.1)


def test_whatever_a_model_plans_can_guide_a_clip(say, guide) -> None:
    """Boxes of chance, on each other or of two cells: the losses stay finite."""

    def planned(chance: int) -> specs.RunSpec:
        variants.find("mine").transcript.unlink(missing_ok=True)
        draw, scene = random.Random(chance), told(DOG, CAT)[0]
        answers = iter([lambda _: scene, lambda r: guide(r.grammar).walk(draw, r.max_tokens)])
        say(lambda request: next(answers)(request))
        return specs.spec(PROMPT, planner="mine", seed=chance, **STEPS)

    for run in experiment.ensure(map(planned, range(3)), progress=False):
        assert run.losses and all(np.isfinite(loss["value"]) for loss in run.losses)
