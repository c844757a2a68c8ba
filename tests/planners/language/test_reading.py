"""Prompts are read as a person reads them, or refused in one line."""

import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planners import rules
from planners.language import reading
from starvid_core.errors import InputError
from starvid_core.moving_emoji import cast

TABLE = json.loads((Path(__file__).parents[1] / "prompts.json").read_text(encoding="utf-8"))
QUICK = settings(max_examples=100, deadline=None, derandomize=True, database=None)

FORMS = {
    "running": ("is running", "runs", "ran", "was jogging"),
    "walking": ("is walking", "walks slowly", "walked", "is strolling"),
    "skateboarding": ("is skateboarding", "skateboards past", "rides a skateboard"),
    "flying": ("is flying overhead", "flies", "flew", "is soaring"),
    "riding bicycle": (
        "is riding a bike",
        "rides a bicycle",
        "bikes",
        "is cycling",
        "rode his bike",
    ),
    "swimming": ("is swimming", "swims", "swam"),
    "driving": ("is driving", "drives", "drove past"),
    "riding horse": ("rides a horse", "is riding a brown horse", "rode the pony"),
    "sailing": ("is sailing", "sails", "sailed"),
    "jumping": ("is jumping", "jumps", "leapt", "hops"),
    "bouncing": ("is bouncing", "bounces"),
    "playing golf": ("is playing-golf", "plays golf", "is golfing"),
    "weightlifting": ("is weightlifting", "lifts weights", "is lifting heavy weights"),
    "playing guitar": ("plays the guitar", "is playing guitar", "is strumming a guitar"),
    "playing football": ("plays football", "is kicking a football"),
    "dancing": ("is dancing", "dances", "danced happily"),
    "diving": ("is diving", "dives", "dove"),
    "sitting": ("sits", "is sitting there", "stands still", "stopped", "is stopped", "rests"),
}
JOINTS = (" and ", ", and ", " while ", " as ", ", ", ". ", "; ", " whereas ")
PLACES = ("", " on the grass", " in the park", " nearby", " by the road", " under a tree", " there")
PAIRS = [(s, m) for s in cast.SUBJECTS for m in cast.MOTIONS if cast.can(s, m)]


def _told(prompt: str) -> list[list]:
    parts = reading.read(prompt).parts
    return [[p.subject.noun, p.subject.verb, p.subject.number, p.subject.motion] for p in parts]


@pytest.mark.parametrize(("prompt", "expected"), TABLE, ids=[row[0][:60] for row in TABLE])
def test_the_table_of_prompts_is_read_as_written_there(prompt: str, expected: list) -> None:
    assert _told(prompt) == expected


def test_the_table_is_large() -> None:
    assert len(TABLE) >= 80


def test_five_hundred_composed_prompts_name_their_subjects_and_motions() -> None:
    draw = random.Random(5)
    for _ in range(500):
        chosen = draw.choices(PAIRS, k=draw.randint(1, 4))
        clauses = [
            f"{draw.choice(['a', 'the', 'his', 'a small', 'one'])} {s} {draw.choice(FORMS[m])}"
            f"{draw.choice(PLACES)}"
            for s, m in chosen
        ]
        # "the dog" after "a dog" is the same dog, so articles of repeated nouns are left alone.
        if len({s for s, _ in chosen}) < len(chosen):
            continue
        prompt = clauses[0] + "".join(draw.choice(JOINTS) + clause for clause in clauses[1:])
        assert [(row[0], row[3]) for row in _told(prompt)] == chosen, prompt


def test_nouns_and_verbs_stand_in_the_prompt_as_they_are_written() -> None:
    for prompt, _ in TABLE:
        for subject in rules.plan(prompt).plan.subjects:
            assert subject.noun in prompt and subject.verb in prompt


@pytest.mark.parametrize(
    ("prompt", "number"),
    [
        ("2 dogs are running", 2),
        ("two dogs are running", 2),
        ("a pair of dogs is running", 2),
        ("three small white dogs run", 3),
        ("dogs are running", 2),
        ("several dogs are running", 3),
        ("a flock of birds is flying", 3),
        ("a group of five men is walking", 5),
        ("two of the dogs are running", 2),
        ("one of the dogs is running", 1),
        ("the sheep are running", 2),
        ("a sheep is running", 1),
        ("fish swim", 2),
        ("eight women are dancing", 8),
        ("a couple of men are walking", 2),
    ],
)
def test_counts_are_read_from_numerals_quantities_and_plurals(prompt: str, number: int) -> None:
    assert [row[2] for row in _told(prompt)] == [number]


def test_a_word_inside_another_word_is_not_a_subject() -> None:
    told = _told("A woman skateboards past a catapult while a policeman sits in a carpark")
    assert [row[0] for row in told] == ["woman", "policeman"]


def test_two_subjects_of_one_noun_stay_two_subjects() -> None:
    told = _told("A dog is running and a dog is sitting")
    assert told == [["dog", "running", 1, "running"], ["dog", "sitting", 1, "sitting"]]


@pytest.mark.parametrize(
    ("prompt", "camera"),
    [
        ("A dog is running, zoom out", "zoom out"),
        ("A dog is running, zoom in.", "zoom in"),
        ("The camera zooms out while a dog is running", "zoom out"),
        ("The camera slowly zooms in on a cat sitting", "zoom in"),
        ("The camera pans left as a dog runs", "pan left"),
        ("A dog runs as the camera is panning to the right", "pan right"),
        ("The camera tilts up, a bird is flying", "pan up"),
        ("A dog sits, the camera moves down", "pan down"),
        ("The camera pulls back from a cat sitting on the grass", "zoom out"),
        ("A man walks towards the camera", "static"),
        ("The camera follows a dog running", "static"),
        ("A car zooms in from the left", "static"),
    ],
)
def test_camera_moves_are_found_and_are_no_subjects(prompt: str, camera: str) -> None:
    read = reading.read(prompt)
    assert read.camera == camera
    assert [part.subject.noun for part in read.parts] != ["camera"]
    assert len(read.parts) == 1


@pytest.mark.parametrize(
    ("prompt", "aspects"),
    [
        ("A dog runs to the left", {"heading": "left"}),
        ("A dog runs from left to right", {"heading": "right"}),
        ("A dog runs from the right to the left", {"heading": "left"}),
        ("A dog walks towards the camera", {"heading": "toward"}),
        ("A man walks away", {"heading": "away"}),
        ("A man walks into the distance", {"heading": "away"}),
        ("A man is walking far away", {"heading": "", "depth": "far"}),
        ("On the right, a man walks", {"side": "right"}),
        ("A dog runs in circles", {"path": "round"}),
    ],
)
def test_directions_and_places_go_to_their_subject(prompt: str, aspects: dict) -> None:
    part = reading.read(prompt).parts[0]
    assert {key: getattr(part, key) for key in aspects} == aspects


def test_a_hint_goes_to_the_nearest_subject_of_its_clause() -> None:
    parts = reading.read("A man walks to the left, and on the left, a dog sits").parts
    assert [(p.heading, p.side) for p in parts] == [("left", ""), ("", "left")]


def test_a_hint_may_itself_be_a_subject() -> None:
    _planned_or_refused("to the left moves")
    _planned_or_refused("right runs")


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ("", "the prompt is empty"),
        (" \t ", "the prompt is empty"),
        ("A dog\x00 is running", "control character U+0000 at place 5"),
        ("A dog\nis running", "control character U+000A"),
        ("A dog \u202eis running", "control character U+202E"),
        ("A dog \ud800 is running", "control character U+D800"),
        ("A dog is running. " * 60, "the prompt has 1080 characters; shorten it to 1000"),
        ("Hello world", "no subject with a motion"),
        ("他在跑步", "no subject with a motion"),
        ("!!!", "no subject with a motion"),
        ("He is running", "no subject with a motion"),
        ("no dogs are running", "no subject with a motion"),
        ("A cat and a dog", '"cat" in "A cat and a dog" has no motion'),
        ("A cat. A dog is running.", '"cat" in'),
        ("twelve dogs are running", "asks for 12 subjects; 8 at most"),
        ("99999999999999999999 dogs are running", "asks for very many subjects; 8 at most"),
        ("five dogs run and four cats sit", "asks for 9 subjects"),
        ("Two dogs, one running and one sitting", '"one" in'),
    ],
)
def test_a_bad_prompt_is_refused_in_one_line(prompt: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        rules.plan(prompt)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


def test_a_prompt_that_is_no_text_is_refused() -> None:
    with pytest.raises(InputError, match="a prompt is text, got int"):
        rules.plan(7)  # type: ignore[arg-type]


def test_what_has_no_motion_is_named_in_the_reasoning() -> None:
    assert "no motion is told of dog" in rules.plan("A man feeds a dog").plan.reasoning


@QUICK
@given(st.text(max_size=120))
def test_any_text_is_planned_or_refused(text: str) -> None:
    _planned_or_refused(text)


WORDS = sorted(
    set(" ".join(row[0] for row in TABLE).split())
    | {"zorblax", "the", "not", "'s", "no", "9", "that", "who", "'", '"', "(", "camera", "zoom"}
    | {"one", "of", "is", "being", "to", "and", ",", ".", "with", "by", "towards", "left", "starts"}
)


@QUICK
@given(st.lists(st.sampled_from(WORDS), max_size=25))
def test_any_order_of_known_words_is_planned_or_refused(words: list[str]) -> None:
    _planned_or_refused(" ".join(words))


def _planned_or_refused(text: str) -> None:
    try:
        plan = rules.plan(text)
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert 1 <= len(plan.boxes) <= reading.MOST_INSTANCES
        assert all(s.noun in text and s.verb in text for s in plan.plan.subjects)
