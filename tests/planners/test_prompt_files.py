"""Files of prompts: T2V-CompBench's as they are, ours, and what is neither in one line.

The files here have T2V-CompBench's form and our own words.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from planners import prompt_files
from planners.prompt_files import Asked
from starvid_core.errors import InputError
from starvid_core.scene import Subject

BOUND = [
    {
        "prompt": "A dog runs on the beach while an emu sits nearby",
        "phrase_0": ["a dog?", "a dog runs on the beach?"],
        "phrase_1": ["an emu?", "an emu sits nearby?"],
    }
]
COUNTED = [
    {"prompt": "two cars and a polar bear", "objects": "car,polar bear", "numbers": "2, 1"},
    {"prompt": "five ducks", "objects": "duck", "numbers": "5"},
]


@pytest.fixture
def file(tmp_path: Path):
    def write(name: str, content: object) -> Path:
        path = tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def test_action_binding_names_two_subjects_and_what_they_do(file) -> None:
    [asked] = prompt_files.read(file("action_binding.json", BOUND))
    dog, emu = asked.subjects
    assert asked.prompt == BOUND[0]["prompt"]
    assert dog == Subject(0, "dog", "runs on the beach")
    assert emu == Subject(1, "emu", "sits nearby")


def test_numeracy_names_subjects_and_their_numbers(file) -> None:
    first, second = prompt_files.read(file("generative_numeracy.json", COUNTED))
    assert first.subjects == (Subject(0, "car", "", 2), Subject(1, "polar bear", "", 1))
    assert second.subjects == (Subject(0, "duck", "", 5),)


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_lines_are_prompts_read_by_rules_where_they_can_be(file, end: str) -> None:
    lines = ["A dog runs while a cat sits", "two cars in fog"]
    first, second = prompt_files.read(file("5_action_binding.txt", "\n".join(lines) + end))
    assert [s.noun for s in first.subjects] == ["dog", "cat"] and first.unread == ""
    assert second.prompt == lines[1] and not second.subjects and "has no motion" in second.unread


def test_a_byte_order_mark_is_no_part_of_a_prompt(file) -> None:
    assert prompt_files.read(file("a.txt", b"\xef\xbb\xbfA dog runs"))[0].prompt == "A dog runs"


def test_our_benchmarks_are_read_by_name_and_by_path() -> None:
    by_name = prompt_files.read("llm_benchmark")
    assert len(by_name) == 200 and all(asked.subjects for asked in by_name)
    assert by_name == prompt_files.read("data/prompts/llm_benchmark.jsonl")


def test_a_prompt_on_its_own_is_read_or_says_why_not() -> None:
    assert prompt_files.written("A dog runs").subjects[0].motion == "running"
    assert prompt_files.written("fog") == Asked("fog", unread=prompt_files.written("fog").unread)


def entry(**change: object) -> list[dict]:
    return [BOUND[0] | change]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.txt", "", "a.txt is empty; write a prompt a line"),
        ("a.txt", "A dog runs\n\nA cat sits", "a.txt:2: the prompt is empty"),
        ("a.txt", "A dog\x1b runs", "a.txt:1: the prompt has the control character"),
        ("a.txt", b"\xff\xfe", "byte 0 is not UTF-8"),
        ("a.json", "[", "a.json: not JSON at line 1"),
        ("a.json", [], "give a list of objects with prompt and phrase_0"),
        ("a.json", {"prompt": "a"}, "give a list of objects with prompt and phrase_0"),
        ("a.json", [1], "give a list of objects with prompt and phrase_0"),
        ("a.json", entry(phrase_0=["a dog?"]), "phrase_0"),
        ("a.json", entry(phrase_0=["a dog?", "it runs?"]), "entry 1: 'it runs?' does not go on"),
        ("a.json", entry(phrase_0=["a dog?", "a dog?"]), "'a dog?' does not go on from 'a dog?'"),
        ("a.json", entry(phrase_0=["?", "? runs"]), "does not go on from '?'"),
        ("a.json", entry(seed=1), "seed"),
        ("a.json", [COUNTED[0] | {"numbers": "2"}], "are no numbers of"),
        ("a.json", [COUNTED[1] | {"numbers": "many"}], "'many' is not a number of subjects"),
        ("a.json", [COUNTED[1] | {"numbers": "0"}], "'0' is not a number of subjects"),
        ("a.jsonl", '{"prompt": 3}', "a.jsonl line 1: got prompt; give an object of"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(file, name: str, content: object, said: str) -> None:
    with pytest.raises(InputError) as told:
        prompt_files.read(file(name, content))
    assert said in str(told.value) and "\n" not in str(told.value)


def test_a_file_that_is_not_there_is_refused() -> None:
    for path in ("/nowhere/a.txt", "/nowhere/a.json", "/nowhere/a.jsonl"):
        with pytest.raises(InputError, match=r"prompts /nowhere/a.* cannot be read \(No such file"):
            prompt_files.read(path)
    with pytest.raises(InputError, match="benchmark .* is unknown; choose one of"):
        prompt_files.read("llm")
