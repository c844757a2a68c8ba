"""Changes of sides: renders that obey score, mirrored ones do not, the old world is as it was."""

import hashlib
import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from planners import rules, schema
from planners import transitions as planned
from starvid_core import paths, studies
from starvid_core.errors import InputError
from starvid_core.finetuning.align import objective
from starvid_core.metrics import dsr_score
from starvid_core.metrics.dsr_score import dsr, scaled
from starvid_core.moving_emoji import transition_cases, transition_prompts, transitions, world
from starvid_core.moving_emoji.data import example, generator
from starvid_core.moving_emoji.sides import REST, SCALES, Sides, Way
from starvid_core.moving_emoji.world import FIRST, FULL, SPATIAL, render
from starvid_core.perception import emoji
from starvid_core.relations import TYPES, Transition, parse
from starvid_core.scene import Box

TOLD = Transition("On the beach", "dog", "L", "car", "R", "runs")
EVAL, TRAIN = (transition_prompts.load(name) for name in ("eval", "train"))


def pixels(row: tuple[Box | None, ...]) -> np.ndarray:
    corners = [(b.x0, b.y0, b.x1, b.y1) for b in row if b is not None]
    return np.array(corners) * (128, 64, 128, 64)


def obeying(told: Transition, number: int) -> world.Clip:
    return render(transitions.scene(told, told.kind, generator(6, number)), SPATIAL)


def test_without_transitions_the_world_is_the_one_that_shipped_models_know() -> None:
    seen = hashlib.sha256()
    for config in (FIRST, FULL):
        for k in range(12):
            clip, text = example(config, 3, k, images=bool(k % 2))
            seen.update(clip.video.tobytes() + text.encode())
    assert seen.hexdigest() == "5ceb07ad32e5a5280aeb5859846b47d908899b9b0bcbc33ef7a0248f118882cb"
    assert set(asdict(FIRST)) - set(transitions.facts(FIRST)) == {"transition_share", "obedience"}
    assert transitions.facts(SPATIAL) == asdict(SPATIAL)


def test_a_share_of_the_spatial_world_changes_sides_and_obeys_now_and_then() -> None:
    texts = [example(SPATIAL, 0, k, images=True)[1] for k in range(200)]
    told = [t for t in texts if "then the" in t]
    assert 0.3 < len(told) / 200 < 0.5
    assert all(parse(t).kind in TYPES for t in told)
    always = replace(SPATIAL, obedience=1.0)
    scenes = [transitions.sample_scene(generator(1, k), always) for k in range(40)]
    assert all(_course(s) == s.told.kind for s in scenes if s.told)
    partly = [transitions.sample_scene(generator(1, k), SPATIAL) for k in range(300)]
    assert 0.17 < np.mean([_course(s) == s.told.kind for s in partly if s.told]) < 0.33


def _course(scene: world.Scene) -> str:
    thing, mover = scene.acts
    assert thing.way and mover.way
    x, way = thing.way.first[0], mover.way
    places = [way.first, way.last]
    return "".join("T" if height > 0 else "L" if at < x else "R" for at, height in places)


def test_training_shows_no_held_out_pair_changing_sides() -> None:
    for config in (FIRST, FULL):
        for subject, thing in transitions.couples(config):
            assert not world.held_out(subject, thing, config)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("config", [FIRST, FULL], ids=["first", "full"])
def test_every_couple_fits_and_every_way_scores_by_its_boxes(kind, config) -> None:
    for subject, thing in transitions.couples(config):
        for motion in transitions.goings(subject, config):
            sides = transitions.sides(subject, motion, thing)
            assert sides.scale in (SCALES[0][0], SCALES[1][0]), (subject, motion, thing)
            way = sides.way(kind)
            times = np.linspace(0, 1, config.frames)
            size = np.array([config.width, config.height] * 2)
            mover = _boxes([way.at(t) for t in times], sides.subject) * size
            still = _boxes([(sides.x, 0.0)] * len(times), sides.thing) * size
            assert mover.min() >= 0 and mover[:, 2].max() <= config.width
            found = dsr(mover, still, kind, scaled(config.frames))
            assert found.score is not None and found.score >= 0.75 and found.strict


def _boxes(points, size) -> np.ndarray:
    x, up = np.array(points).T
    return np.stack([x - size[0] / 2, 0.92 - up - size[1], x + size[0] / 2, 0.92 - up], 1)


def test_real_renders_are_all_correct_by_boxes_and_mirrored_prompts_are_not() -> None:
    for number, told in enumerate(EVAL):
        thing, mover = (pixels(row) for row in obeying(told, number).boxes)
        found = dsr(mover, thing, told.kind, scaled(8))
        assert found.score is not None and found.score >= 0.75, told.prompt
        if "T" not in told.kind:
            other = dsr(mover, thing, told.mirrored.kind, scaled(8)).score
            assert other is not None and other <= 0.3


def test_real_renders_are_all_correct_for_the_judge_too() -> None:
    judge = emoji.load()
    for number, told in enumerate(EVAL[::3]):
        clip = obeying(told, number)
        found = dsr_score.read(clip.video, told, judge, scaled(8)).result
        assert found.score is not None and found.score >= 0.7, told.prompt
        if "T" not in told.kind:
            other = dsr_score.read(clip.video, told.mirrored, judge, scaled(8)).result
            assert other.score is not None and other.score <= 0.3


def test_who_stays_is_never_correct() -> None:
    for course in ("LL", "RR", "TT"):
        clip = render(transitions.scene(TOLD, course, generator(2, 0)), SPATIAL)
        thing, mover = (pixels(row) for row in clip.boxes)
        assert dsr(mover, thing, "LR", scaled(8)).score == pytest.approx(0.5, abs=0.03)
        assert np.ptp(mover[:, 0]) <= 2


def test_a_way_rests_at_both_ends_and_leads_over_the_thing() -> None:
    way = Sides(0.5, (0.2, 0.4), (0.3, 0.3), 1.0).way("LR")
    assert way.at(0) == way.at(REST) == way.first and way.at(1) == way.at(1 - REST) == way.last
    assert way.at(0.5) == pytest.approx((0.5, 0.3))
    assert Way.still((0.5, 0)).travelled(1.0) == 0


# The prompts.
def test_the_shipped_prompts_are_those_that_the_generator_makes() -> None:
    made = transition_prompts.prompts(FIRST)
    assert (tuple(made["train"]), tuple(made["eval"])) == (TRAIN, EVAL)
    rows = transition_prompts.path("eval").read_text().splitlines()
    assert json.loads(rows[0])["type"] == EVAL[0].kind
    assert all(json.loads(r)["prompt"] == t.prompt for r, t in zip(rows, EVAL, strict=True))


def test_there_are_240_and_60_prompts_and_evaluation_asks_for_what_training_never_did() -> None:
    assert (len(set(TRAIN)), len(set(EVAL))) == (240, 60)
    for told in (TRAIN, EVAL):
        assert {kind: sum(t.kind == kind for t in told) for kind in TYPES} == dict.fromkeys(
            TYPES, len(told) // 6
        )
    trained = {(t.kind, t.subject, t.object) for t in TRAIN}
    assert not trained & {(t.kind, t.subject, t.object) for t in EVAL}


def test_the_prompts_use_what_the_world_has_and_the_rules_plan_them() -> None:
    for told in TRAIN + EVAL:
        assert (told.subject, told.object) in transitions.couples(FIRST)
        assert transitions.motion_of(told) in FIRST.motions
        assert transitions.place_of(told) in FIRST.backgrounds
    for told in EVAL:
        plan = rules.plan(told.prompt)
        assert schema.loads(schema.dumps(plan)).plan == plan.plan
        mover, thing = (pixels(row) for row in plan.boxes)
        found = dsr(mover, thing, told.kind, scaled(8))
        assert found.strict and found.score is not None and found.score >= 0.75
        assert plan.plan.subjects[0].motion == transitions.motion_of(told)


def test_the_planner_stands_on_the_ground_of_the_world() -> None:
    assert planned.GROUND == world.GROUND


def test_things_that_are_in_no_cast_are_planned_too() -> None:
    prompt = (
        "In a quiet room, a black cat is on the left of a wooden table, "
        "then the black cat leaps quickly to the top of the wooden table."
    )
    cat, table = rules.plan(prompt).boxes
    assert dsr(pixels(cat), pixels(table), "LT", scaled(8)).strict


def test_relations_that_are_ours_have_no_plan() -> None:
    told = replace(TOLD, last="B")
    with pytest.raises(InputError, match="no plan for 'on the left of' and 'below'; the rules"):
        rules.plan(told.prompt)


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"verb": "hops"}, "unknown verb 'hops'"), ({"scene": "On Mars"}, "unknown place 'On Mars'")],
)
def test_what_the_world_cannot_draw_is_refused(changes: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        transitions.scene(replace(TOLD, **changes), "LR", generator(0, 0))


def test_an_unknown_set_of_prompts_is_refused() -> None:
    with pytest.raises(InputError, match="unknown prompts 'test', expected train, eval"):
        transition_prompts.load("test")


def test_the_prompts_stand_among_the_data() -> None:
    assert transition_prompts.path("train").parent == paths.PROMPTS / "spatialalign"


def test_the_studies_ask_for_the_prompts_of_evaluation_and_for_loras_by_their_names() -> None:
    declared = transition_prompts.studies([told.prompt for told in EVAL])
    for name, study in declared.items():
        assert json.loads((paths.STUDIES / f"{name}.json").read_text()) == study
        assert next(iter(study["variants"])) == "base"
        assert studies.load(name).metrics == tuple(transition_prompts.METRICS)
    named = {objective(*given)[1] for given in LOSSES}
    assert named == {name for name in transition_prompts.LORAS.values() if name}


LOSSES = (
    ("sft", None, None),
    ("unregularized", None, None),
    ("zo_dpo", None, None),
    ("zo_dpo", 1.0, None),
    ("zo_dpo", 2.0, None),
    ("dpo_sft", None, None),
    ("diffusion_dpo", None, 50.0),
)


def test_the_cases_of_the_notebook_score_as_it_says() -> None:
    judge, found = emoji.load(), {}
    for label, clip in transition_cases.cases(TOLD, SPATIAL).items():
        assert clip.shape == (8, 64, 128, 3)
        found[label] = dsr_score.read(clip, TOLD, judge, scaled(8)).result
    right = {"obeys", "ends on top instead", "jumps in one frame", "is gone in between"}
    right |= {"the object moves instead"}
    assert {label for label, r in found.items() if r.score is not None and r.score >= 0.7} == right
    assert {label for label, r in found.items() if r.score is None} == {"a second subject"}
    assert not found["ends on top instead"].strict and not found["stops on the object"].strict
