"""Grammar text says exactly what it is built for, and as shortly as digits allow."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planners import gbnf

QUICK = settings(max_examples=60, deadline=None, derandomize=True, database=None)
TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|(\[[^\]]*\]|[()|?])|\s+')


def _pattern(expression: str) -> re.Pattern[str]:
    """The expression as a regular expression, by an independent reading."""
    parts = []
    for match in TOKEN.finditer(expression):
        text, mark = match.groups()
        parts.append(mark or re.escape(re.sub(r"\\(.)", r"\1", text or "")))
    assert TOKEN.sub("", expression) == ""
    return re.compile("".join(parts))


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (0, 0),
        (0, 9),
        (7, 7),
        (0, 10),
        (9, 10),
        (16, 576),
        (99, 101),
        (320, 320),
        (0, 576),
        (5, 1234),
    ],
)
def test_a_range_holds_its_numbers_and_no_others(low: int, high: int) -> None:
    pattern = _pattern(gbnf.number_range(low, high))
    for number in range(1500):
        assert bool(pattern.fullmatch(str(number))) == (low <= number <= high), number
    assert not any(pattern.fullmatch(f"0{number}") for number in range(100))


def test_every_second_number_of_a_box_is_one_of_a_range() -> None:
    for left in range(0, 561, 7):
        pattern = _pattern(gbnf.number_range(left + 16, 576))
        told = {n for n in range(700) if pattern.fullmatch(str(n))}
        assert told == set(range(left + 16, 577)), left


def test_ranges_are_short() -> None:
    assert gbnf.number_range(0, 9) == "[0-9]"
    assert gbnf.number_range(10, 99) == "[1-9] [0-9]"
    assert gbnf.number_range(100, 199) == '"1" [0-9] [0-9]'
    assert max(len(gbnf.number_range(low, 576)) for low in range(576)) < 110


@pytest.mark.parametrize(("low", "high"), [(-1, 5), (6, 5)])
def test_a_range_without_numbers_is_an_error(low: int, high: int) -> None:
    with pytest.raises(ValueError, match="no numbers"):
        gbnf.number_range(low, high)


@QUICK
@given(st.lists(st.text(st.sampled_from('ab"\\[]é猫 '), max_size=5), min_size=1, max_size=8))
def test_a_tree_holds_its_texts_and_no_others(texts: list[str]) -> None:
    pattern = _pattern(gbnf.one_of(texts))
    draw = random.Random(len(texts))
    others = ["".join(draw.choices('ab"\\[]é猫 ', k=draw.randint(0, 5))) for _ in range(50)]
    for text in (*texts, *others):
        assert bool(pattern.fullmatch(text)) == (text in texts)


def test_endings_belong_to_their_texts() -> None:
    pattern = _pattern(gbnf.tree({"1": '"x"', "12": '"y"', "13": '""', "": '"z"'}))
    assert [t for t in ("1x", "12y", "13", "z", "1", "1y", "12x", "") if pattern.fullmatch(t)] == [
        *("1x", "12y", "13", "z")
    ]


def test_common_beginnings_stand_once() -> None:
    assert gbnf.one_of(["dog", "dogs", "cat"]) == '("dog" ("s")? | "cat")'


def test_a_shared_rule_is_written_once() -> None:
    grammar = gbnf.Grammar()
    assert grammar.share('"a"') == grammar.share('"a"') != grammar.share('"b"')
    assert grammar.text("r0 r1") == 'root ::= r0 r1\nr0 ::= "a"\nr1 ::= "b"\n'


@pytest.mark.parametrize(
    "text", ['say "hi"', "back\\slash", "[list]{n}", "naïve 猫 🐕", "a # b // c", "|*+?."]
)
def test_literals_are_taken_by_an_engine_as_they_are(guide, text: str) -> None:
    grammar = guide(gbnf.Grammar().text(gbnf.literal(text)))
    assert grammar.accepts(text) and not grammar.accepts(text + " ")
