"""A benchmark that a language model writes: right, balanced, the same again, or one line."""

from __future__ import annotations

import json
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from planners import benchmark_making as making
from planners import benchmarks
from planners.benchmarks import BenchmarkSubject
from planners.engines.recorded import Recording
from starvid_core.errors import InputError
from starvid_core.moving_emoji import cast
from starvid_core.moving_emoji.captions import STOPPING, VERBS, article

SCENE = (("dog", "running"), ("car", "sitting"))
EXAMPLES = json.loads((making.PROMPTS / "benchmark_examples.json").read_text())


def clause(subject: str, motion: str) -> str:
    form = STOPPING if motion == "stopping" else VERBS[motion]
    return f"{article(subject)} {subject} {form[0]}"


def writes(*wrong: str):
    """A model that describes its theme rightly after these wrong descriptions."""

    def reply(request) -> str:
        theme = [tuple(act.values()) for act in json.loads(request.messages[-1].content)]
        ends = (" and ", " while ", ", ", " as ")
        right = [end.join(clause(*act) for act in theme).capitalize() + "." for end in ends]
        return json.dumps({"descriptions": [*wrong, *right][: making.DESCRIPTIONS]})

    return reply


def test_the_papers_own_examples_are_read_as_their_themes() -> None:
    for example in EXAMPLES:
        scene = tuple((s, "sitting" if m == "stopping" else m) for s, m in example["theme"])
        for description in example["descriptions"]:
            found = making.described(description, scene)
            assert [(s.subject, s.motion) for s in found.subjects] == list(scene), description


def test_scenes_are_reasonable_different_and_balanced() -> None:
    scenes = list(islice(making.scenes(0), 200))
    assert scenes == list(islice(making.scenes(0), 200)) != list(islice(making.scenes(1), 200))
    assert len({frozenset(scene) for scene in scenes}) == 200
    for scene in scenes:
        names = [word for act in scene for part in act for word in part.split()]
        assert len(set(names)) == len(names) and all(cast.can(*act) for act in scene)
    subjects = Counter(subject for scene in scenes for subject, _ in scene)
    motions = Counter(motion for scene in scenes for _, motion in scene)
    assert set(subjects) == set(cast.SUBJECTS) and max(subjects.values()) < 2 * min(
        subjects.values()
    )
    assert set(motions) == set(cast.MOTIONS) and min(motions.values()) >= 10
    sizes = Counter(map(len, scenes))
    assert all(abs(sizes[n] - wanted) <= 5 for n, wanted in {2: 120, 3: 55, 4: 25}.items())


def test_a_request_has_the_papers_rules_examples_and_theme(guide) -> None:
    asked = making.request(SCENE, 3)
    assert [m.role for m in asked.messages] == ["system", *("user", "assistant") * 5, "user"]
    assert "Do NOT generate scary prompts" in asked.messages[0].content
    assert json.loads(asked.messages[-1].content) == [
        {"object": "dog", "motion": "running"},
        {"object": "car", "motion": "stopping"},
    ]
    assert (asked.seed, asked.temperature) == (3, 0.7)
    right = writes()(asked).replace('", "', '","').replace(": ", ":")
    assert guide(asked.grammar).accepts(right) and len(right) <= asked.max_tokens
    assert not guide(asked.grammar).accepts('{"descriptions":["A dog runs."]}')


def test_a_benchmark_is_read_as_it_was_written(scripted, tmp_path: Path) -> None:
    made = making.make(scripted(writes()), 40, seed=5)
    (tmp_path / "mine.jsonl").write_text(made.lines())
    assert benchmarks.load("mine", tmp_path) == tuple(made.prompts)
    assert (len(made.prompts), made.scenes, made.told) == (40, 40, "")
    assert made == making.make(scripted(writes()), 40, seed=5)
    assert made.lines() != making.make(scripted(writes()), 40, seed=6).lines()
    picked = Counter(" while " in p.prompt for p in made.prompts)
    assert picked[True] and picked[False], "one of four, and not always the same one"


def test_places_that_the_words_name_are_written_beside_them() -> None:
    scene = (("dog", "running"), ("cat", "sitting"))
    for words, place in (("in the park", "grass"), ("", ""), ("on a road by the beach", "")):
        assert making.described(f"A dog is running and a cat sits {words}.", scene).places == place


@pytest.mark.parametrize(
    ("description", "reason"),
    [
        ("A dog is running.", "without car"),
        ("A dog is stopping and a car is driving.", "dog is not running"),
        ("Two dogs are running and a car is stopping.", "dog is not running"),
        ("A dog is running, a car is stopping and a cat sits.", "with others in it"),
        ("What a day!", "that the rules planner cannot read"),
    ],
)
def test_a_description_of_another_scene_is_left_out_and_counted(
    scripted, description: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "scenes", lambda seed: iter([SCENE]))
    replies = [json.dumps({"descriptions": [description] * 4}), writes()(making.request(SCENE, 0))]
    made = making.make(scripted(replies), 1)
    assert made.refused == {reason: 4} and made.told == f"4 {reason}"
    assert made.prompts[0].subjects[1] == BenchmarkSubject("car", "car", "stopping", "sitting")


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("{", "reply: not JSON"),
        ('{"descriptions": "A dog."}', "reply.descriptions: input should be a valid list"),
        ('{"prompts": []}', "reply"),
    ],
)
def test_a_reply_that_is_none_is_counted(scripted, reply: str, reason: str) -> None:
    with pytest.raises(
        InputError, match="scripted@0 gave 0 of 1 prompts for 3 scenes; take"
    ) as told:
        making.make(scripted(lambda request: reply), 1)
    assert reason in str(told.value)


def test_a_model_that_never_describes_the_scene_ends_in_one_line(scripted) -> None:
    with pytest.raises(InputError, match=r"gave 0 of 2 prompts for 6 scenes; .*72 that the rules"):
        making.make(scripted(lambda r: json.dumps({"descriptions": ["Fog."] * 4})), 2)
    with pytest.raises(InputError, match="0 prompts cannot be made; give 1 or more"):
        making.make(scripted([]), 0)


def test_replies_can_be_kept_and_replayed(scripted, tmp_path: Path) -> None:
    from planners import engines

    path = tmp_path / "writer.jsonl"
    with Recording(scripted(writes()), path) as recording:
        first = making.make(recording, 5)
    with engines.load("recorded", transcripts=str(path)) as replayed:
        assert making.make(replayed, 5) == first
