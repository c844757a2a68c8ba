"""Declared planners answer from their transcript, or ask their model and keep what it says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from planners import benchmarks, variants
from planners.engines import EngineError
from planners.engines.recorded import read
from planners.planning import Planned, Unplanned
from starvid_core import paths
from starvid_core.errors import InputError

PROMPTS = ["A man is running and a dog sits", "A cat jumps", "A bird flies"]
MINE = {"title": "mine", "engine": "openai", "template": "short", "unit": 16}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.setattr(paths, "PLANNERS", tmp_path / "planners.json")
    monkeypatch.setattr(paths, "TRANSCRIPTS", tmp_path / "transcripts")
    return tmp_path


@pytest.fixture
def declare(home):
    """Write the file of planners, and find the first."""

    def write(**entries):
        paths.PLANNERS.write_text(json.dumps(entries))
        return variants.find(next(iter(entries)))

    return write


@pytest.fixture
def mine(declare, reciting):
    """A planner that asks a server which knows what the rules say."""
    return declare(mine=MINE | {"options": {"url": reciting.url}})


def test_the_shipped_planners_are_declared_rightly(monkeypatch) -> None:
    monkeypatch.undo()
    found = [variants.find(name) for name in variants.names()]
    assert [one.name for one in found][:4] == [
        *("rules", "one_stage", "two_stage_oneshot", "two_stage_stepwise"),
    ]
    assert len({one.entry.title for one in found}) == len(found)
    for one in found:
        assert (one.options.attempts, one.options.valid, one.options.frames) == (1, False, 8)
        assert one.wire.unit == found[0].wire.unit, (
            "copies are counted in the same rounding for all"
        )


def test_the_figure_has_every_planner_under_its_title(monkeypatch) -> None:
    monkeypatch.undo()
    study = json.loads((paths.STUDIES / "fig08_planner_comparison.json").read_text())["variants"]
    options = {label: own.get("options", {}) for label, own in study.items()}
    named = {own["planner"]: label for label, own in options.items() if "planner" in own}
    assert named == {n: variants.find(n).entry.title for n in variants.names() if n != "rules"}


def test_the_cases_of_the_figure_are_recorded(monkeypatch) -> None:
    monkeypatch.undo()
    cases = [line.prompt for line in benchmarks.load("planner_cases")]
    known = [variants.find(name) for name in variants.names()]
    recorded = {one.name: one for one in known if one.recorded}
    assert {"rules", "one_stage", "two_stage_oneshot", "two_stage_stepwise"} <= set(recorded)
    for one in recorded.values():
        assert len(one.plans(cases, replay=True).plans) == 3


def test_rules_need_no_transcript(declare) -> None:
    rules = declare(rules={"title": "rules"})
    answers = rules.plans(["A cat jumps", "the sky"], replay=True)
    assert answers.model == "" and isinstance(answers.plans[0], Planned)
    assert "no subject" in str(answers.plans[1])
    assert rules.recorded and not rules.absent and not paths.TRANSCRIPTS.exists()


def test_what_is_recorded_needs_no_model(mine, reciting) -> None:
    asked = mine.plans(PROMPTS)
    count = len(reciting.asked)
    assert mine.plans(PROMPTS) == asked and len(reciting.asked) == count
    reciting.always = lambda handler, body: handler.give({}, 500)
    assert mine.plans(PROMPTS[1:], replay=True).plans == asked.plans[1:]
    assert mine.plan(PROMPTS[0]) == asked.plans[0]
    assert asked.model == "tiny" and all(isinstance(made, Planned) for made in asked.plans)


def test_a_comparison_goes_on_where_it_was_ended(mine, reciting) -> None:
    mine.plans(PROMPTS[:1])
    before = read(mine.transcript)
    reciting.asked.clear()
    whole = mine.plans(PROMPTS)
    told = [json.dumps(body["messages"]) for body in reciting.asked]
    assert not any("man" in messages for messages in told), "the first prompt is not asked again"
    assert len(whole.plans) == 3 and set(before) < set(read(mine.transcript))


def test_an_engine_that_fails_ends_the_comparison_and_loses_nothing(mine, reciting) -> None:
    works = reciting.always
    reciting.always = lambda handler, body: (
        handler.give({"error": {"message": "full"}}, 400)
        if "cat" in json.dumps(body["messages"])
        else works(handler, body)
    )
    with pytest.raises(EngineError, match="answers 400: 'full'"):
        mine.plans(PROMPTS)
    assert read(mine.transcript)
    reciting.always = works
    assert all(isinstance(made, Planned) for made in mine.plans(PROMPTS).plans)


def test_a_reply_that_is_no_plan_is_an_answer_after_one_attempt(mine, reciting) -> None:
    works = reciting.always
    reciting.always = lambda handler, body: works(handler, body, wrong="cat")
    answers = mine.plans(PROMPTS)
    assert [type(made) for made in answers.plans] == [Planned, Unplanned, Planned]
    assert "in 1 attempts: scene" in str(answers.plans[1])
    assert len(answers.plans[1].exchanges) == 1
    with pytest.raises(Unplanned):
        mine.plan(PROMPTS[1])


def test_a_transcript_that_misses_a_reply_says_how_to_record_it(mine) -> None:
    said = "mine.jsonl does not hold every reply that 3 prompts need; record them: `starvid comp"
    with pytest.raises(InputError, match=said):
        mine.plans(PROMPTS, replay=True)
    mine.plans(PROMPTS[:2])
    with pytest.raises(InputError, match=said) as caught:
        mine.plans(PROMPTS, replay=True)
    assert "\n" not in str(caught.value)


def test_a_damaged_transcript_is_refused_by_its_line(mine) -> None:
    mine.plans(PROMPTS)
    mine.transcript.write_text(mine.transcript.read_text() + "{\n")
    with pytest.raises(InputError, match="mine.jsonl:7: .*restore the file or record it again"):
        mine.plans(PROMPTS)


def test_a_planner_without_its_adapter_is_absent_until_it_is_recorded(declare, home) -> None:
    tuned = declare(tuned=MINE | {"options": {"adapter": "data/adapter.gguf"}})
    assert tuned.absent == (
        f"tuned is left out: {home}/data/adapter.gguf does not exist, nor does its transcript"
    )
    tuned.transcript.parent.mkdir()
    tuned.transcript.touch()
    assert not tuned.absent
    tuned.transcript.unlink()
    (home / "data").mkdir()
    (home / "data" / "adapter.gguf").touch()
    assert not tuned.absent and not tuned.recorded


def test_a_model_of_a_hub_is_no_file(declare) -> None:
    assert not declare(big=MINE | {"options": {"model": "Qwen/Qwen3-8B"}}).absent


def test_an_unknown_planner_names_the_nearest(declare) -> None:
    declare(one_stage=MINE, rules={"title": "rules"})
    with pytest.raises(InputError, match="unknown planner 'one_stag', .*did you mean one_stage"):
        variants.find("one_stag")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"stages": 3}, "mine.stages: Input should be 1 or 2"),
        ({"stage": 1}, "mine.stage: Extra inputs are not permitted"),
        ({"unit": "16"}, "mine.unit: Input should be a valid integer"),
        ({"title": ""}, "mine.title: String should have at least 1 character"),
        ({"options": {"threads": [1]}}, "mine.options.threads"),
    ],
    ids=str,
)
def test_a_wrong_declaration_is_one_line(declare, change, said) -> None:
    with pytest.raises(InputError) as caught:
        declare(mine=MINE | change)
    assert said in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"a b": {}}', '{"a": 1, "a": 2}', None])
def test_a_wrong_file_is_one_line(home, content) -> None:
    if content is not None:
        paths.PLANNERS.write_text(content)
    with pytest.raises(InputError, match="planners.json (cannot be read|needs an object)"):
        variants.names()


@pytest.mark.parametrize("change", [{"decode": "boxwise"}, {"template": "long"}, {"unit": 3}])
def test_a_choice_that_is_none_is_refused_when_it_is_used(mine, change) -> None:
    wrong = replace(mine, entry=mine.entry.model_copy(update=change))
    with pytest.raises(InputError, match=f"{next(iter(change))} is"):
        wrong.plans(PROMPTS)
