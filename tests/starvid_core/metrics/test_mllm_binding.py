"""Action binding by a vision-language model, with replies that are written down."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from planners import engines
from planners.engines.base import Engine, Reply, Request
from planners.engines.recorded import Recording
from starvid_core.errors import InputError
from starvid_core.metrics import mllm_binding, mllm_questions
from starvid_core.metrics.base import Unscored
from starvid_core.scene import ScenePlan, Subject, Trajectory

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "mllm_binding.json").read_text())
VIDEO = np.zeros((16, 8, 12, 3), np.uint8)
SUBJECTS = (
    Subject(0, "dog", "runs"),
    Subject(1, "elephants", "sit", 2),
    Subject(2, "kite", "flies"),
)


@dataclass
class Judge(Engine):
    """Says what a function makes of every request, and keeps the requests."""

    reply: Callable[[Request], object]
    name: str = "judge"
    model: str = "judge@0"
    concurrency: int = 1
    grammars: bool = True
    pictures: bool = True
    asked: list[Request] = field(default_factory=list)

    def complete(self, request: Request) -> Reply:
        self.asked.append(request)
        said = self.reply(request)
        text = said if isinstance(said, str) else json.dumps(said, separators=(",", ":"))
        return Reply(text, "stop", 10, 5, 0.1)

    def close(self) -> None:
        """Nothing is open."""


def asked(count: int = 2) -> Trajectory:
    scene = ScenePlan('A dog "runs" while 2 elephants sit.', SUBJECTS[:count])
    return Trajectory(scene, ((None,),) * len(scene.instances))


def scripted(replies: list) -> Judge:
    given = iter(replies)
    return Judge(lambda request: next(given))


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["name"])
def test_the_score_is_the_published_one_of_recorded_replies(case: dict) -> None:
    judge = scripted(case["replies"])
    found = mllm_binding.score(VIDEO, asked(case["subjects"]), judge, case["version"])
    assert found["action_binding"] == pytest.approx(case["action_binding"])
    assert len(judge.asked) == len(case["replies"])


def test_version_one_asks_twice_at_its_temperature() -> None:
    judge = scripted(['"A dog runs past."', {"score": 5, "explanation": "Both."}])
    mllm_binding.score(VIDEO, asked(), judge, "v1")
    first, second = judge.asked
    assert (first.temperature, second.temperature, first.seed) == (0.2, 0.2, 0)
    assert len(first.messages) == 1 and "at most 20 words" in first.messages[0].content
    assert [m.role for m in second.messages] == ["user", "assistant", "user"]
    assert second.messages[1].content == "A dog runs past."
    assert second.messages[0].pictures == first.messages[0].pictures
    facts = '{"text":"A dog \\"runs\\" while 2 elephants sit.","subjects":["a dog","2 elephants"]'
    assert facts in second.messages[2].content
    assert '"actions":["a dog runs","2 elephants sit"]' in second.messages[2].content


def test_version_two_asks_with_three_seeds() -> None:
    answer = {"option": "D", "explanation": "Nobody.", "adjust": "D"}
    judge = Judge(lambda request: '"Fog."' if len(request.messages) == 1 else answer)
    assert mllm_binding.score(VIDEO, asked(), judge, "v2")["action_binding"] == 0.0
    assert [request.seed for request in judge.asked] == [0, 0, 1, 1, 2, 2]
    assert {request.temperature for request in judge.asked} == {0.1}


def test_more_subjects_are_judged_pair_by_pair_after_one_description() -> None:
    def reply(request: Request) -> object:
        text = request.messages[-1].content
        if len(request.messages) == 1:
            return '"A dog, elephants and a kite."'
        return {"score": 5 if "kite" not in text else 0, "explanation": "So."}

    judge = Judge(reply)
    found = mllm_binding.score(VIDEO, asked(3), judge, "v1")
    assert found == {"action_binding": pytest.approx(1 / 3), "action_binding_pairs": 3.0}
    assert len(judge.asked) == 4


@pytest.mark.parametrize("frames", [1, 2, 6, 16, 17, 81])
def test_the_grid_has_six_frames_in_three_rows_of_two(frames: int) -> None:
    video = np.zeros((frames, 4, 6, 3), np.uint8)
    video[:] = np.arange(frames)[:, None, None, None]
    grid = mllm_binding.grid(video)
    assert grid.shape == (12, 12, 3)
    shown = [int(grid[y, x, 0]) for y in (0, 4, 8) for x in (0, 6)]
    assert shown[0] == 0 and shown[-1] == frames - 1 and shown == sorted(shown)
    if frames == 16:
        assert shown == [0, 3, 6, 9, 12, 15]


def test_the_picture_is_the_grid_and_its_hash_is_of_its_pixels() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    picture = mllm_binding.picture(pixels)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(picture.png))), pixels)
    other = pixels.copy()
    other[0, 0, 0] ^= 1
    hashes = {mllm_binding.picture(p).sha256 for p in (pixels, other, pixels.reshape(6, 24, 3))}
    assert len(hashes) == 3 and picture.sha256 in hashes


@pytest.mark.parametrize(
    ("subjects", "said"),
    [
        (SUBJECTS[:1], "one subject alone: there is nobody else"),
        ((SUBJECTS[0], Subject(1, "cat", "")), "nothing says what 'cat' does"),
    ],
)
def test_a_scene_without_two_actions_is_no_score(subjects: tuple, said: str) -> None:
    scene = ScenePlan("", subjects)
    plan = Trajectory(scene, ((None,),) * len(scene.instances))
    with pytest.raises(Unscored, match=said):
        mllm_binding.score(VIDEO, plan, Judge(lambda request: ""))


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ({"score": 6, "explanation": "More."}, "the judge's reply.score: input should be less"),
        ({"score": "5", "explanation": "A text."}, "the judge's reply.score"),
        ({"score": 5}, "the judge's reply.explanation: this key is missing"),
        ("5", "the judge's reply"),
        ("I would say: 5.", "reply: not JSON"),
    ],
)
def test_a_reply_that_is_none_is_counted_not_mended(reply: object, said: str) -> None:
    judge = Judge(lambda request: '"A dog."' if len(request.messages) == 1 else reply)
    with pytest.raises(Unscored, match=said):
        mllm_binding.score(VIDEO, asked(), judge)


def test_an_unknown_version_is_refused() -> None:
    with pytest.raises(InputError, match="unknown version 'v3', expected v1, v2"):
        mllm_binding.score(VIDEO, asked(), Judge(lambda request: ""), "v3")


FORMS = {
    "description": (mllm_questions.DESCRIPTION["v1"], '"A dog runs."', '"a \\" b"'),
    "rating": (mllm_questions.RATING, '{"score":3,"explanation":"So."}', '{"score":6}'),
    "presence": (
        mllm_questions.PRESENCE,
        '{"option":"D","explanation":"So.","adjust":"A"}',
        '{"option":"E","explanation":"So.","adjust":"A"}',
    ),
    "action": (
        mllm_questions.ACTION,
        '{"option":"C","explanation":"So.","adjust":"A"}',
        '{"option":"D","explanation":"So.","adjust":"A"}',
    ),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_grammar_takes_what_its_type_takes(name: str) -> None:
    guidance = pytest.importorskip("llguidance")
    jsonschema = pytest.importorskip("jsonschema")
    form, right, wrong = FORMS[name]
    kinds = (("gbnf", form.grammar), ("json", json.dumps(dict(form.schema))))
    for kind, text in kinds:
        assert not guidance.LLMatcher.validate_grammar(guidance.grammar_from(kind, text))
    jsonschema.validate(json.loads(right), dict(form.schema))
    assert form.read(right) is not None
    assert len(right) + 1 <= form.tokens
    if name != "description":
        with pytest.raises(Unscored):
            form.read(wrong)


def keywords(schema: object) -> set[str]:
    """Every keyword of a schema; names of properties are none."""
    if not isinstance(schema, dict):
        return set()
    inner = [*schema.get("properties", {}).values(), schema.get("items")]
    return set(schema).union(*map(keywords, inner))


def test_schemas_use_only_what_every_server_reads_alike() -> None:
    allowed = {"type", "properties", "required", "additionalProperties", "enum"}
    allowed |= {"minimum", "maximum", "maxLength"}
    forms = [*mllm_questions.DESCRIPTION.values(), mllm_questions.ACTIONS]
    for form in (*forms, *(form for form, _, _ in FORMS.values())):
        assert keywords(dict(form.schema)) <= allowed


def test_replies_are_kept_and_replayed(tmp_path: Path) -> None:
    path = tmp_path / "judge.jsonl"
    answers = {"score": 4, "explanation": "One."}
    judge = Judge(lambda request: '"A dog."' if len(request.messages) == 1 else answers)
    with Recording(judge, path) as recording:
        first = mllm_binding.score(VIDEO, asked(), recording)
    with engines.load("recorded", transcripts=str(path)) as replayed:
        assert mllm_binding.score(VIDEO, asked(), replayed) == first
        other = VIDEO.copy()
        other[0, 0, 0] = 9
        with pytest.raises(engines.EngineError, match="has no reply of judge@0 to this request"):
            mllm_binding.score(other, asked(), replayed)
