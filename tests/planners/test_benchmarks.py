"""The benchmarks keep what data/README.md says of them, and nothing wrong is read."""

import json
import re
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from planners import benchmarks, physics, rules
from planners.benchmarks import BenchmarkPrompt
from starvid_core import paths
from starvid_core.errors import InputError
from starvid_core.moving_emoji import cast
from starvid_core.moving_emoji.world import FIRST, FULL, held_out

LLM = benchmarks.load("llm_benchmark")
BINDING = benchmarks.load("action_binding")
BOTH = (*LLM, *BINDING)
# Good English that the rules planner misreads; a language model plans these.
MISREAD = {
    "Flying high above the park is an airplane, and a woman is running below.",
    "A dog runs after a football bouncing on the grass, a robot is jumping, and a kite is flying.",
}
# Every verb phrase in use, so that the motions beside the prompts are checked without the planner.
_FORMS = {
    "running": "runs|running",
    "walking": "walks|walking",
    "skateboarding": "skateboards|skateboarding",
    "flying": "flies|[Ff]lying|flew",
    "riding bicycle": "(?:rides|riding) (?:a|his|her) bicycle",
    "swimming": "swims|swimming",
    "driving": "drives|driving|drove",
    "riding horse": "(?:rides|riding) a horse",
    "sailing": "sails|sailing",
    "jumping": "jumps|jumping",
    "bouncing": "bounces|bouncing",
    "playing golf": "(?:plays|playing) golf",
    "weightlifting": "weightlifting|(?:lifts|lifting) weights",
    "playing guitar": "(?:plays|playing) (?:the )?guitar",
    "playing football": "(?:plays|playing) football",
    "dancing": "dances|dancing",
    "diving": "dives|diving",
    "sitting": "sits|sitting|stands|stops|stopping|stopped",
}
_PLACES = {
    "grass": "grass|lawn|park|meadow|field",
    "snow": "snow|snowy",
    "beach": "beach",
    "street": "street|road|sidewalk",
    "desert": "desert",
    "night": "night",
}
LINE: dict[str, Any] = {
    "prompt": "A dog runs on the beach while a cat sits.",
    "subjects": [
        {"noun": "dog", "subject": "dog", "verb": "runs", "motion": "running", "number": 1},
        {"noun": "cat", "subject": "cat", "verb": "sits", "motion": "sitting", "number": 1},
    ],
    "places": "beach",
}


def _names(line: BenchmarkPrompt) -> list[str]:
    return [s.subject for s in line.subjects]


def _in_first(line: BenchmarkPrompt) -> bool:
    known = all(s.subject in FIRST.subjects and s.motion in FIRST.motions for s in line.subjects)
    return known and len(line.subjects) == 2


def test_llm_benchmark_has_two_to_four_subjects() -> None:
    assert Counter(len(line.subjects) for line in LLM) == {2: 120, 3: 55, 4: 25}


def test_action_binding_has_two_subjects_that_could_swap_their_actions() -> None:
    assert len(BINDING) == 100
    for line in BINDING:
        a, b = line.subjects
        assert cast.can(a.subject, b.motion) and cast.can(b.subject, a.motion), line.prompt


def test_much_of_both_lies_in_the_first_world() -> None:
    assert sum(map(_in_first, LLM)) >= 80 and sum(map(_in_first, BINDING)) >= 50


def test_every_subject_and_motion_of_the_cast_comes_often() -> None:
    subjects = Counter(s.subject for line in LLM for s in line.subjects)
    motions = Counter(s.motion for line in LLM for s in line.subjects)
    assert set(subjects) == set(cast.SUBJECTS) and min(subjects.values()) >= 6
    assert set(motions) == set(cast.MOTIONS) and min(motions.values()) >= 6


def test_every_held_out_pair_of_the_first_world_is_asked_for() -> None:
    asked = {frozenset(_names(line)) for line in LLM if _in_first(line)}
    pairs = combinations(FIRST.subjects, 2)
    assert asked == {frozenset(pair) for pair in pairs if held_out(*pair, FIRST)}


def test_pairs_are_never_seen_in_training() -> None:
    for line in BOTH:
        for first, second in combinations(_names(line), 2):
            assert held_out(first, second, FULL) and held_out(first, second, FIRST), line.prompt


def test_subjects_and_motions_of_a_prompt_differ() -> None:
    for line in BOTH:
        motions = {s.motion for s in line.subjects}
        assert len(set(_names(line))) == len(motions) == len(line.subjects), line.prompt


def test_words_stand_once_and_mean_what_is_written_beside_them() -> None:
    for line in BOTH:
        for subject in line.subjects:
            assert subject.noun == subject.subject and subject.number == 1, line.prompt
            assert re.fullmatch(_FORMS[subject.motion], subject.verb), line.prompt
            assert len(re.findall(rf"\b{subject.verb}\b", line.prompt)) == 1, line.prompt


def test_the_place_is_the_one_that_the_prompt_names() -> None:
    for line in BOTH:
        named = [p for p, words in _PLACES.items() if re.search(rf"\b(?:{words})\b", line.prompt)]
        assert named == ([line.places] if line.places else []), line.prompt


def test_every_noun_of_the_cast_in_a_prompt_is_one_of_its_subjects() -> None:
    for line in BOTH:
        rest = line.prompt
        for subject in line.subjects:
            rest = rest.replace(subject.verb, "") if " " in subject.verb else rest
        nouns = [word for word in re.findall(r"\w+", rest) if word in cast.SUBJECTS]
        assert Counter(nouns) == Counter(_names(line)), line.prompt


def test_no_prompt_comes_twice_or_is_in_an_older_study() -> None:
    prompts = [line.prompt for line in BOTH]
    assert len(set(prompts)) == len(prompts)
    for study in ("benchmark_pairs", "benchmark_singles"):
        old = json.loads((paths.STUDIES / f"{study}.json").read_text())["prompts"]
        assert not set(old) & set(prompts)


def test_prompts_are_clean_sentences() -> None:
    for line in BOTH:
        assert re.fullmatch(r"[A-Z][a-z]*(?:[,;.]? [A-Za-z]+)+\.", line.prompt), line.prompt
        assert not re.search(r"\b[Aa] [aeiou]|\b[Aa]n [^aeiou]", line.prompt), line.prompt
        assert 5 <= len(line.prompt.split()) <= 28


def test_the_rules_planner_reads_nearly_all_and_plans_them_soundly() -> None:
    misread = set()
    for line in BOTH:
        trajectory = rules.plan(line.prompt)
        assert physics.check(trajectory) == (), line.prompt
        read = {(s.noun, s.verb, s.motion, s.number) for s in trajectory.plan.subjects}
        if read != {(s.noun, s.verb, s.motion, s.number) for s in line.subjects}:
            misread.add(line.prompt)
    assert misread <= MISREAD


def test_the_cases_of_figure_8_are_read_as_they_are_meant() -> None:
    cases = benchmarks.load("planner_cases")
    for line in cases:
        trajectory = rules.plan(line.prompt)
        assert physics.check(trajectory) == ()
        read = [(s.noun, s.verb, s.motion, s.number) for s in trajectory.plan.subjects]
        assert read == [(s.noun, s.verb, s.motion, s.number) for s in line.subjects]
    motions = [{s.motion for s in line.subjects} for line in cases]
    assert motions[0] == {"flying", "bouncing"} and "playing golf" in motions[1]
    assert rules.plan(cases[2].prompt).plan.camera == "zoom out"


def _refused(folder: Path, content: str | bytes) -> str:
    written = content if isinstance(content, bytes) else content.encode()
    (folder / "mine.jsonl").write_bytes(json.dumps(LINE).encode() + b"\n" + written + b"\n")
    with pytest.raises(InputError) as caught:
        benchmarks.load("mine", folder)
    message = str(caught.value)
    assert message.startswith("mine.jsonl line 2: ") and "\n" not in message and len(message) < 600
    return message


def test_an_unknown_name_lists_the_known_ones() -> None:
    assert benchmarks.names() == ("action_binding", "llm_benchmark", "planner_cases")
    for name in ("llm", "", "../prompts/llm_benchmark", "a\nb"):
        with pytest.raises(InputError, match="choose one of action_binding, llm_benchmark") as told:
            benchmarks.load(name)
        assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"prompt": ""}, "the prompt is empty"),
        ({"prompt": 3}, "prompt is '3'; give a text"),
        ({"prompt": "A dog\u0000"}, "control character"),
        ({"prompt": "A dogfish runs while a cat sits."}, "'dog' does not stand in the prompt"),
        ({"places": "moon"}, "places is 'moon'; choose one of"),
        ({"places": None}, "places is 'None'; give a text"),
        ({"subjects": []}, "subjects is empty"),
        ({"subjects": ["dog"]}, "got str; give an object of noun, subject"),
        ({"subjects": [{}]}, "got no keys; give an object of noun, subject"),
        ({"seed": 1}, "got prompt, subjects, places, seed; give an object of"),
    ],
)
def test_a_wrong_line_is_refused(change: dict, message: str, tmp_path: Path) -> None:
    assert message in _refused(tmp_path, json.dumps(LINE | change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"noun": ""}, "'' does not stand in the prompt"),
        ({"verb": "walks"}, "'walks' does not stand in the prompt"),
        ({"subject": "wolf"}, "subject is 'wolf'; choose one of man, woman"),
        ({"motion": "gliding"}, "motion is 'gliding'; choose one of running"),
        ({"motion": "flying"}, "no dog is flying"),
        ({"number": 0}, "number is 0; give 1 or more"),
        ({"number": True}, "number is 'True'; give a whole number"),
    ],
)
def test_a_wrong_subject_is_refused(change: dict, message: str, tmp_path: Path) -> None:
    first, second = LINE["subjects"]
    line = LINE | {"subjects": [first | change, second]}
    assert message in _refused(tmp_path, json.dumps(line))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ('{"prompt": "a", "prompt": "b"}', "stands twice"),
        ("[]", "got list; give an object of"),
        (b'{"prompt": "\xff"}', "not UTF-8"),
    ],
)
def test_what_is_no_line_is_refused(content: str | bytes, message: str, tmp_path: Path) -> None:
    assert message in _refused(tmp_path, content)
