"""Plans by files: the wire format of vLLM's batch runner, rounds, and what goes wrong with them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from planners import schema
from planners.batch_runner import Runner
from planners.batching import Batch
from planners.engines.base import EngineError, Message, Request
from planners.engines.vllm import Launch
from planners.planning import Planned, PlanOptions
from planners.serving import batch_files
from planners.wire import Wire
from starvid_core.errors import InputError

RUNNER = Path(__file__).with_name("run_batch.py")
PROMPTS = ["A dog is running and a cat is jumping.", "A man is running and a dog sits."]
OPTIONS = PlanOptions(wire=Wire(16))
ASKED = {"a" * 64: Request((Message("user", "Where is it?"),), 'root ::= "[1]"', None, 9, 0.0, 7)}


@pytest.fixture
def model(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    return tmp_path / "model"


@pytest.fixture
def runner(tmp_path, model, monkeypatch):
    """The stand-in in the place of vLLM's module."""
    place = tmp_path / "site" / "vllm" / "entrypoints" / "launchers"
    place.mkdir(parents=True)
    for folder in (place, place.parent, place.parent.parent):
        (folder / "__init__.py").touch()
    (place / "run_batch.py").write_text(RUNNER.read_text())
    root = Path(__file__).parents[2]
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'site'}:{root}")
    return Runner(Launch(str(model), "", "cpu", 4096), tmp_path / "runner", sys.executable)


@pytest.fixture
def batch(tmp_path):
    return Batch(PROMPTS, "model@0", tmp_path / "transcript.jsonl", 2, OPTIONS)


def test_a_request_is_a_line_in_the_format_of_openai_with_the_grammar_of_vllm(tmp_path):
    batch_files.write(tmp_path / "asked.jsonl", ASKED, "base")
    proof, line = map(json.loads, (tmp_path / "asked.jsonl").read_text().splitlines())
    assert line == {
        "custom_id": "a" * 64,
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {
            "model": "base",
            "messages": [{"role": "user", "content": "Where is it?"}],
            "temperature": 0.0,
            "max_tokens": 9,
            "seed": 7,
            "structured_outputs": {"grammar": 'root ::= "[1]"'},
            "grammar": 'root ::= "[1]"',
        },
    }
    word = proof["custom_id"].removeprefix("proof:")
    assert proof["body"]["structured_outputs"] == {"grammar": f'root ::= "{word}"'}


def test_rounds_plan_every_prompt_and_ask_nothing_twice(batch, runner):
    asked = []

    def ask(lacking):
        asked.append(set(lacking))
        return runner(lacking)

    done = batch.finish(ask)
    assert [len(round_) for round_ in asked] == [2, 2] and not asked[0] & asked[1]
    assert all(isinstance(plan, Planned) and not plan.violations for plan in done.plans)
    assert [plan.trajectory.plan.prompt for plan in done.plans] == PROMPTS
    assert done.plans[0].seconds > 0
    assert batch.finish(pytest.fail).plans == done.plans  # from the transcript


def test_a_transcript_of_a_batch_is_that_of_a_server(batch, runner):
    from planners import planner

    plans = batch.finish(runner).plans
    recorded = planner.load("recorded", 2, OPTIONS, transcripts=batch.transcript)
    with recorded as opened:
        assert tuple(opened.plans(PROMPTS)) == plans


def test_what_the_runner_refuses_ends_as_an_error_of_its_prompt(batch, runner, monkeypatch):
    monkeypatch.setenv("STANDIN_RUNNER", "lame")
    first, second = batch.finish(runner).plans
    assert isinstance(first, Planned)
    assert isinstance(second, EngineError)
    assert "did not answer: \"status 400: {'message': 'the prompt is too long'" in str(second)


def test_a_runner_that_ignores_grammars_is_refused(batch, runner, monkeypatch):
    monkeypatch.setenv("STANDIN_RUNNER", "deaf")
    with pytest.raises(EngineError, match=r"ignores grammars: asked for 'starvid-\w+' alone it wr"):
        batch.finish(runner)
    assert not batch.transcript.exists()


def test_a_runner_that_breaks_off_says_why(batch, runner, monkeypatch):
    monkeypatch.setenv("STANDIN_RUNNER", "dead")
    with pytest.raises(EngineError, match="ended with code 1: 'RuntimeError: no memory left'; see"):
        batch.finish(runner)


def test_replies_without_the_proof_are_refused(tmp_path):
    (tmp_path / "said.jsonl").write_text("")
    with pytest.raises(EngineError, match="has no proof that grammars are obeyed; have every line"):
        batch_files.read(tmp_path / "said.jsonl")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no", r"said.jsonl:1: line: Invalid JSON"),
        ("{}", r"said.jsonl:1: custom_id: Field required; give what the batch runner wrote"),
        ('{"custom_id": "a", "response": {"status_code": "200"}}', "response.status_code"),
    ],
)
def test_a_line_that_is_no_reply_is_refused_by_its_number(tmp_path, text, said):
    (tmp_path / "said.jsonl").write_text(text)
    with pytest.raises(InputError, match=said):
        batch_files.read(tmp_path / "said.jsonl")


def test_replies_that_are_not_there_are_an_error(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        batch_files.read(tmp_path / "gone.jsonl")


def test_a_batch_of_three_stages_is_refused(tmp_path):
    with pytest.raises(InputError, match="stages is 3; give 2, as in the paper, or 1"):
        Batch(PROMPTS, "model@0", tmp_path / "t.jsonl", 3, OPTIONS)


def test_a_batch_is_planned_with_the_files_carried_by_hand(tmp_path, model, starvid):
    """Two rounds: requests out, replies in, and nothing here runs a model."""
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("".join(f"{prompt}\n" for prompt in PROMPTS))
    asked, said = tmp_path / "asked.jsonl", tmp_path / "said.jsonl"
    command = ["plan-batch", prompts, "-o", tmp_path / "plans", "--model", model, "--unit", 16]
    code, out, _ = starvid(*command, "--requests", asked)
    assert code == 0 and out.endswith(f"2 requests are open in {asked}\n")
    for left in (2, 0):
        subprocess.run([sys.executable, RUNNER, "-i", asked, "-o", said], check=True)
        code, out, _ = starvid(*command, "--replies", said, "--requests", asked)
        assert code == 0 and f"{said}: 2 new replies" in out
        assert out.splitlines()[-1].startswith(f"{left} requests are open")
    written = (tmp_path / "plans/plans.jsonl").read_text()
    lines = [json.loads(line) for line in written.splitlines()]
    assert [line["plan"] for line in lines] == ["000000.json", "000001.json"]
    for line, prompt in zip(lines, PROMPTS, strict=True):
        assert schema.load(tmp_path / "plans" / line["plan"]).plan.prompt == prompt
