"""Stage one's replies: what the grammar allows is read as it stands, everything else is refused."""

import json
import random
import time
from dataclasses import replace
from pathlib import Path

import pytest

from planners import rules
from planners.wire.scene import read_scene, scene_problems, write_scene
from planners.wire.scene_grammar import LONGEST_TEXT, scene_grammar, scene_schema, scene_tokens
from planners.wire.vocabulary import vocabulary
from starvid_core.errors import InputError
from starvid_core.scene import ScenePlan, Subject

HERE = Path(__file__).parents[1]
TABLE = [row[0] for row in json.loads((HERE / "prompts.json").read_text(encoding="utf-8"))]
NASTY = json.loads((HERE / "nasty.json").read_text(encoding="utf-8"))
PROMPT = "Two dogs are running while a cat sits, and a dog jumps"
TEXT = {"camera": "static", "motion planner": "The dogs go right.", "reasoning": "Dogs run."}
DOGS = {"id": 0, "subject": "dogs", "number": 2, "motion": "running"}
CAT = {"id": 1, "subject": "cat", "number": 1, "motion": "sits"}


def _reply(*entries: object) -> str:
    return json.dumps(entries)


@pytest.mark.parametrize("prompt", [*TABLE[::5], *NASTY])
def test_whatever_a_model_says_under_the_grammar_is_a_scene_of_the_prompt(guide, prompt) -> None:
    start = time.process_time()
    grammar = guide(scene_grammar(prompt))
    assert time.process_time() - start < 1
    for seed in range(5):
        reply = grammar.walk(random.Random(seed), scene_tokens(prompt))
        plan = read_scene(reply, prompt)
        assert scene_problems(plan) == (), reply
        assert write_scene(plan) == reply
        assert 1 <= len(plan.instances) <= 8


@pytest.mark.parametrize("prompt", TABLE[1::5])
def test_the_scenes_of_the_rules_can_be_said(guide, prompt: str) -> None:
    plan = replace(rules.plan(prompt).plan, motion="All go right.", reasoning="They move.")
    written = write_scene(plan)
    assert read_scene(written, prompt) == plan
    assert scene_problems(plan) == ()
    assert guide(scene_grammar(prompt)).accepts(written)


def test_the_grammar_refuses_what_the_prompt_does_not_say(guide) -> None:
    grammar = guide(scene_grammar(PROMPT))
    assert grammar.accepts(_compact(DOGS, CAT, TEXT))
    for entries in (
        (DOGS | {"number": 3}, TEXT),
        (DOGS | {"subject": "horse"}, TEXT),
        (DOGS | {"motion": "flying"}, TEXT),
        (DOGS | {"id": 1}, TEXT),
        (DOGS, DOGS | {"id": 1}, TEXT),
        (DOGS, TEXT | {"camera": "zoom in"}),
        (DOGS, TEXT | {"reasoning": "a" * (LONGEST_TEXT + 1)}),
        (DOGS, TEXT | {"reasoning": "<end>"}),
        (DOGS,),
        (TEXT,),
    ):
        assert not grammar.accepts(_compact(*entries)), entries
    assert not grammar.accepts(_reply(DOGS, TEXT))


def _compact(*entries: object) -> str:
    return json.dumps(entries, separators=(",", ":"))


def test_every_number_up_to_eight_instances_can_be_said(guide) -> None:
    prompt = "dogs are running, cats are sitting"
    grammar, seen = guide(scene_grammar(prompt)), set()
    for dogs in range(1, 9):
        for cats in range(1, 9):
            entries = [
                {"id": 0, "subject": "dogs", "number": dogs, "motion": "running"},
                {"id": 1, "subject": "cats", "number": cats, "motion": "sitting"},
            ]
            if grammar.accepts(_compact(*entries, TEXT)):
                seen.add((dogs, cats))
    assert seen == {(a, b) for a in range(2, 9) for b in range(2, 9) if a + b <= 8}


def test_a_hundred_characters_of_unknown_words_stay_a_small_grammar() -> None:
    assert max(len(scene_grammar(prompt)) for prompt in TABLE) < 20_000
    assert len(scene_grammar("zibs " * 60 + "are running")) < 400_000


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        ("", "reply: not JSON at line 1 column 1"),
        ("Sure! Here is the plan: []", "reply: not JSON"),
        (_reply(DOGS, TEXT) + " I hope this helps", "reply: not JSON at line 1 column 154 (Extra"),
        (_reply(DOGS, TEXT)[:-1], "reply: not JSON"),
        ("```json\n[]\n```", "reply: not JSON"),
        ('[{"id":0,"id":1}]', "reply: the key 'id' stands twice"),
        ('[{"id":NaN}]', "reply: NaN is not a number"),
        ("[" * 40 + "]" * 40, "reply: nested deeper than 32"),
        ('[{"id":' + "1" * 40 + "}]", "reply: a number has 40 digits"),
        (" " * 1_000_001, "reply: 1000001 bytes"),
        ("{}", "scene: {} is not a list"),
        ("[]", "scene: [] is not a list"),
        (_reply(TEXT), "scene: "),
        (_reply(DOGS, CAT), "scene[1].camera: this key is missing"),
        (_reply(TEXT, TEXT), "scene[0].id: this key is missing; add it"),
        (_reply("dogs", TEXT), "scene[0]: input should be a valid dictionary"),
        (_reply(DOGS | {"id": 1}, TEXT), "scene[0].id: 1 is out of order; ids count from 0"),
        (_reply(DOGS | {"id": "0"}, TEXT), 'scene[0].id: input should be a valid integer, got "0"'),
        (_reply(DOGS | {"id": False}, TEXT), "scene[0].id: input should be a valid integer"),
        (_reply(DOGS | {"number": 2.0}, TEXT), "scene[0].number: input should be a valid integer"),
        (_reply(DOGS | {"number": 0}, TEXT), "scene[0].number: 0; write 1 to 8"),
        (_reply(DOGS | {"number": 9}, TEXT), "scene[0].number: 9; write 1 to 8"),
        (_reply(DOGS | {"number": 8}, CAT, TEXT), "scene: 9 instances; write subjects of 1 to 8"),
        (_reply(DOGS | {"color": 1}, TEXT), "scene[0].color: this key is unknown; remove it"),
        (_reply(DOGS | {"subject": "horse"}, TEXT),
         'scene[0].subject: "horse" is no word of the prompt that can be a subject; use dogs, cat'),
        (_reply(DOGS | {"subject": "d\u200bogs"}, TEXT), "scene[0].subject: "),
        (_reply(DOGS | {"motion": "fly\n"}, TEXT),
         'scene[0].motion: "fly\\n" is no word of the prompt that can be a motion; use'),
        (_reply(DOGS, TEXT | {"camera": "spin"}),
         'scene[1].camera: "spin" is no move; choose of static, zoom in'),
        (_reply(DOGS, TEXT | {"reasoning": ""}), "scene[1].reasoning: 0 characters; write 1 to"),
        (_reply(DOGS, TEXT | {"reasoning": "a" * 241}), "scene[1].reasoning: 241 characters"),
        (_reply(DOGS, TEXT | {"motion planner": 'say "x"'}), "scene[1].motion planner: holds the"),
        (_reply(DOGS, TEXT | {"motion planner": "a\u202eb"}), 'holds the character "\\u202e"'),
        (_reply(DOGS, TEXT | {"reasoning": None}), "scene[1].reasoning: input should be a valid"),
    ],
    ids=lambda value: value[:40].encode("unicode_escape").decode(),
)  # fmt: skip
def test_other_replies_are_refused_with_the_field(reply: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_scene(reply, PROMPT)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value) and len(str(caught.value)) <= 600


def _scene(*subjects: Subject, prompt: str = PROMPT, camera: str = "static") -> ScenePlan:
    return ScenePlan(prompt, subjects, "a", "b", camera)


@pytest.mark.parametrize(
    ("plan", "problem"),
    [
        (_scene(Subject(0, "dogs", "running", 1)),
         "scene[0].number: [1] of 'dogs'; the prompt allows [2]"),
        (_scene(Subject(0, "cat", "sits", 2)),
         "scene[0].number: [2] of 'cat'; the prompt allows [1]"),
        (_scene(Subject(0, "cat", "sits"), Subject(1, "cat", "jumps")),
         "scene[1].subject: 2 subjects for 1 'cat' of the prompt; give each word"),
        (_scene(Subject(0, "cat", "sits"), camera="zoom in"),
         "camera: 'zoom in' is not what the prompt says; write 'static'"),
        (_scene(Subject(0, "dog", "runs"), prompt="A dog runs, zoom out"),
         "camera: 'static' is not what the prompt says; write 'zoom out'"),
        (_scene(Subject(0, "fish", "swims", 1), Subject(1, "fish", "jump", 2),
                prompt="A fish swims and three fish jump"),
         "scene[1].number: [1, 2] of 'fish'; the prompt allows [1, 3]"),
    ],
)  # fmt: skip
def test_a_scene_that_is_not_what_the_prompt_says_has_problems(
    plan: ScenePlan, problem: str
) -> None:
    (found,) = scene_problems(plan)
    assert problem in found


def test_subjects_of_one_noun_may_come_in_any_order() -> None:
    prompt = "A fish swims and three fish jump"
    fish = Subject(0, "fish", "jump", 3), Subject(1, "fish", "swims", 1)
    assert scene_problems(_scene(*fish, prompt=prompt)) == ()


def test_a_motion_is_called_as_the_rules_call_it() -> None:
    prompt = "A car is moving while a man is not running"
    entries = [
        {"id": 0, "subject": "car", "number": 1, "motion": "moving"},
        {"id": 1, "subject": "man", "number": 1, "motion": "running"},
    ]
    told = read_scene(_reply(*entries, TEXT), prompt).subjects
    assert [subject.motion for subject in told] == ["driving", "sitting"]


@pytest.mark.parametrize("field", ["motion", "reasoning"])
def test_texts_that_no_reply_can_hold_are_not_written(field: str) -> None:
    plan = _scene(Subject(0, "cat", "sits"))
    for text in ("", "a" * 241, 'a "quote"', "two\nlines"):
        with pytest.raises(InputError, match=r"scene\[1\]"):
            write_scene(replace(plan, **{field: text}))


def test_the_schema_allows_what_the_grammar_allows(guide) -> None:
    schema = guide(scene_schema(PROMPT))
    assert schema.accepts(_compact(DOGS, CAT, TEXT))
    assert not schema.accepts(_compact(DOGS | {"subject": "horse"}, TEXT))
    assert not schema.accepts(_compact(DOGS | {"color": "red"}, TEXT))
    assert not schema.accepts(_compact(TEXT))


def test_the_longest_reply_has_as_many_tokens_as_were_computed() -> None:
    prompt = "dogs are running"
    entry = {"id": 0, "subject": "dogs", "number": 8, "motion": "running"}
    longest = TEXT | {"motion planner": "a" * LONGEST_TEXT, "reasoning": "b" * LONGEST_TEXT}
    reply = _compact(entry, longest | {"camera": vocabulary(prompt).cameras[0]})
    assert len(reply) <= scene_tokens(prompt) <= len(reply) + 10
