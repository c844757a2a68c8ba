"""Prompts of transitions: what is written reads back, and nothing else is taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starvid_core.errors import InputError
from starvid_core.relations import PHRASES, TYPES, Transition, find, parse

PROMPT = "On the beach, a dog is on the left of a car, then the dog runs to the right of the car."
DOG = Transition("On the beach", "dog", "L", "car", "R", "runs")

words = st.lists(
    st.sampled_from(
        ["red", "old", "cat", "elephant", "stool", "umbrella", "grass", "quickly", "hops", "swims"]
    ),
    min_size=1,
    max_size=3,
).map(" ".join)


def test_the_published_types_are_six() -> None:
    assert TYPES == ("LR", "LT", "RL", "RT", "TL", "TR")


def test_a_prompt_of_the_published_form_is_read() -> None:
    assert parse(PROMPT) == DOG and DOG.prompt == PROMPT and DOG.kind == "LR"


def test_articles_follow_the_noun() -> None:
    told = Transition("In a park", "elephant", "T", "airplane", "L", "jumps")
    assert "an elephant is on the top of an airplane, then the elephant jumps to" in told.prompt


@given(words, words, words, words, st.permutations(list(PHRASES)))
def test_every_transition_reads_back(scene, subject, thing, verb, letters) -> None:
    if subject != thing:
        told = Transition(scene, subject, letters[0], thing, letters[1], verb)
        assert parse(told.prompt) == told


def test_a_mirrored_prompt_exchanges_left_and_right_only() -> None:
    assert DOG.mirrored.kind == "RL" and DOG.mirrored.mirrored == DOG
    assert Transition("At night", "cat", "T", "car", "L", "walks").mirrored.kind == "TR"


@pytest.mark.parametrize(
    "prompt",
    [
        "A dog is running and a cat is jumping.",
        PROMPT[:-1],
        PROMPT.replace("then the dog", "then the cat"),
        PROMPT.replace("right of the car", "right of the bus"),
        PROMPT.replace("to the right of", "to the left of"),
        "a dog is on the left of a car, then the dog runs to the right of the car.",
        PROMPT.replace("car", "dog"),
        "",
    ],
)
def test_any_other_prompt_is_none_and_refused_with_the_form(prompt: str) -> None:
    assert find(prompt) is None
    with pytest.raises(InputError, match="tells of no change of place; write '<scene>, a <subj"):
        parse(prompt)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"last": "L"}, "two different relations of L, R, T, B, F, H; got 'L' and 'L'"),
        ({"first": "X"}, "got 'X' and 'R'"),
        ({"subject": "car"}, "subject and object are both 'car'"),
        ({"scene": ""}, "does not read back"),
        ({"verb": ""}, "does not read back"),
        ({"scene": " At night"}, "does not read back"),
    ],
)
def test_words_that_would_say_something_else_are_refused(changes: dict, said: str) -> None:
    fields = {name: getattr(DOG, name) for name in DOG.__dataclass_fields__} | changes
    with pytest.raises(InputError, match=said):
        Transition(**fields)
