"""`starvid plan` with a language model and `starvid compare-planners`: options, and bad input."""

from __future__ import annotations

import csv
import json

import pytest

from planners import rules, schema
from planners.engines.recorded import read
from planners.wire import Wire
from planners.wire.scene import write_scene
from starvid_core import paths
from starvid_core.scene import ScenePlan

PROMPT = "A man is running and a dog sits"


def refused(result, *parts):
    code, out, err = result
    assert code == 2 and not out
    assert err.startswith("starvid: ") and err.count("\n") == 1
    for part in parts:
        assert part in err
    return True


@pytest.fixture
def plan(starvid, reciting):
    """`starvid plan` on a server that knows what the rules say, in cells of 16 pixels."""

    def run(*options, prompt=PROMPT):
        server = ("--engine", "openai", "-O", f"url={reciting.url}", "--option", "model=tiny")
        return starvid("plan", prompt, *server, "--unit", 16, *options)

    return run


def asked(server):
    """The requests for a plan, without those that prove that the server obeys."""
    return [body for body in server.asked if "starvid-" not in body["grammar"]]


def test_an_engine_plans_in_two_stages_in_one_shot(plan, reciting) -> None:
    code, out, err = plan("--decode", "oneshot")
    assert code == 0, err
    assert json.loads(out)["planner"] == "openai"
    told = Wire(16).write_frames(rules.plan(PROMPT))
    assert schema.loads(out).boxes == Wire(16).read_frames(told, rules.plan(PROMPT).plan, 8).boxes
    assert "note: 2 requests, 0 refused replies, 6 tokens" in err
    assert len(asked(reciting)) == 2


def test_box_by_box_is_the_default(plan, reciting) -> None:
    code, out, err = plan()
    assert code == 0, err
    assert len(asked(reciting)) > 2
    assert all(body["continue_final_message"] for body in asked(reciting)[1:])
    assert len(schema.loads(out).boxes) == 2 and "refused" in err


def test_one_stage_is_one_request(plan, reciting) -> None:
    code, out, err = plan("--stages", 1, "--decode", "oneshot")
    assert code == 0, err
    assert len(asked(reciting)) == 1 and "1 requests" in err
    assert refused(plan("--stages", 1), "the one-stage planner cannot decode 'stepwise'")
    assert refused(plan("--stages", 3), "stages is 3; give 2, as in the paper, or 1")


def test_the_template_and_the_unit_are_in_the_request(plan, reciting) -> None:
    for template, examples in (("paper", 3), ("short", 0)):
        reciting.asked.clear()
        assert plan("--decode", "oneshot", "--template", template)[0] == 0
        for body in asked(reciting):
            assert len(body["messages"]) == 2 + 2 * examples
    assert "36 x 20" in asked(reciting)[1]["messages"][0]["content"]
    assert refused(plan("--template", "long"), "template is 'long'; choose paper or short")
    assert refused(plan("--unit", 3), "the wire's unit is 3; give one of 1, 2, 4, 8, 16 pixels")


def test_attempts_are_as_many_as_asked_for(plan, reciting) -> None:
    works = reciting.always
    reciting.always = lambda handler, body: works(handler, body, wrong='"prompt"')
    assert refused(plan("--attempts", 2), 'no plan for "A man is running', "in 2 attempts")
    assert len(asked(reciting)) == 2
    assert refused(plan("--attempts", 0), "attempts is 0; give 1 to 10")


def test_a_fallback_to_rules_is_explicit_and_said(plan, reciting) -> None:
    works = reciting.always
    reciting.always = lambda handler, body: works(handler, body, wrong='"prompt"')
    code, out, err = plan("--fallback", "rules", "--attempts", 1)
    assert code == 0 and err.startswith("note: planned by rules, because no plan for")
    assert json.loads(out)["planner"] == "rules"
    assert out == schema.dumps(rules.plan(PROMPT))
    assert refused(plan("--fallback", "luck"), "fallback is 'luck'; give rules, or leave it out")


def test_a_server_that_is_not_there_may_fall_back_too(starvid) -> None:
    options = ("--engine", "openai", "-O", "url=http://127.0.0.1:9/v1", "-O", "retries=0")
    assert refused(starvid("plan", PROMPT, *options), "the server at http://127.0.0.1:9/v1")
    code, _, err = starvid("plan", PROMPT, *options, "--fallback", "rules")
    assert code == 0 and "note: planned by rules, because the server at" in err


def test_what_is_recorded_is_planned_again_without_the_server(plan, starvid, tmp_path) -> None:
    transcript = tmp_path / "mine.jsonl"
    first = plan("--record", transcript, "-o", tmp_path / "first.json")
    assert first[0] == 0, first[2]
    replay = ("--engine", "recorded", "-O", f"transcripts={transcript}", "--unit", 16)
    code, out, _ = starvid("plan", PROMPT, *replay)
    assert code == 0
    written = (tmp_path / "first.json").read_text()
    assert schema.loads(out) == schema.loads(written)
    other = starvid("plan", "A cat jumps", *replay)
    assert refused(other, "has no reply of tiny to this request", "record it: `starvid plan")
    assert refused(starvid("plan", PROMPT, *replay[:2]), "name a transcript: transcripts")


def test_a_pasted_reply_is_a_plan(starvid, tmp_path) -> None:
    made = rules.plan(PROMPT)
    told = ScenePlan(PROMPT, made.plan.subjects, "The man goes right.", "He runs.")
    replies = tmp_path / "replies.txt"
    replies.write_text(f"{write_scene(told)}\n\n{Wire().write_frames(made)}\n")
    paste = ("--engine", "pasted", "-O", f"replies={replies}")
    code, out, err = starvid("plan", PROMPT, *paste, "--decode", "oneshot")
    assert code == 0 and schema.loads(out).plan.motion == "The man goes right."
    assert "Paste the reply" in err and '{"prompt":"A man is running and a dog sits"}' in err
    assert refused(starvid("plan", PROMPT, *paste), "engine 'pasted' takes no grammars")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--engine", "openay"), "engine 'openay' is unknown; did you mean 'openai'?"),
        (("--engine", "openai", "-O", "modell=x"), "has no option 'modell'; did you mean 'model'"),
        (("--engine", "openai", "-O", "retries=two"), "is 'two'; give a whole number"),
        (("--engine", "openai", "-O", "model"), "a parameter is NAME=VALUE, got 'model'"),
        (("-O", "model=x"), "rules ask no model and have no model; leave it out, or name one"),
        (("--record", "x.jsonl"), "rules ask no model and have no record; leave it out"),
        (("--decode", "boxwise", "--engine", "openai"), "decode is 'boxwise'; choose oneshot or"),
    ],
    ids=" ".join,
)
def test_a_wrong_option_is_one_line(starvid, options, said) -> None:
    assert refused(starvid("plan", PROMPT, *options), said)


# starvid compare-planners


@pytest.fixture
def home(tmp_path, monkeypatch, reciting):
    """A place for two planners, one of them on a server, and for what is written."""
    for name in ("TRANSCRIPTS", "RESULTS", "BUILD"):
        monkeypatch.setattr(paths, name, tmp_path / name.lower())
    monkeypatch.setattr(paths, "PLANNERS", tmp_path / "planners.json")
    mine = {"title": "mine", "engine": "openai", "unit": 16, "options": {"url": reciting.url}}
    lost = mine | {"title": "tuned", "options": {"adapter": "data/nowhere.gguf"}}
    declared = {"rules": {"title": "rules", "unit": 16}, "mine": mine, "tuned": lost}
    paths.PLANNERS.write_text(json.dumps(declared))
    return tmp_path


def compared(folder):
    rows = list(csv.DictReader((folder / "planner_comparison.csv").read_text().splitlines()))
    return rows, json.loads((folder / "planner_comparison.json").read_text())


def test_planners_are_compared_and_compared_again_from_their_transcripts(
    starvid, home, reciting
) -> None:
    command = ("compare-planners", "--benchmark", "planner_cases")
    code, out, err = starvid(*command)
    assert code == 0, err
    rows, facts = compared(home / "build" / "results")
    assert [(r["planner"], r["planned"]) for r in rows] == [("rules", "True")] * 3 + [
        ("mine", "True")
    ] * 3
    assert facts["command"] == "starvid compare-planners --benchmark planner_cases"
    assert [(one["name"], one["model"]) for one in facts["planners"]] == [
        *(("rules", ""), ("mine", "tiny")),
    ]
    assert facts["prompts"] == 3 and "nowhere.gguf does not exist" in facts["left_out"][0]
    assert "note: tuned is left out" in err
    assert "mine                       valid " in out and "3 prompts of planner_cases" in out
    count = len(reciting.asked)
    reciting.always = lambda handler, body: handler.give({}, 500)
    assert starvid(*command, "--replay")[:2] == (0, out) and len(reciting.asked) == count
    assert compared(home / "build" / "results") == (rows, facts)


def test_the_whole_comparison_goes_to_the_results(starvid, home, monkeypatch) -> None:
    monkeypatch.setattr("starvid_core.studies.planner_results.PROMPTS", 2)
    assert starvid("compare-planners")[0] == 0
    rows, facts = compared(home / "results")
    assert len(rows) == 4 and facts["benchmark"] == "llm_benchmark"
    few = starvid("compare-planners", "mine", "--prompts", 1, "--replay")
    assert few[0] == 0, few[2]
    assert compared(home / "results") == (rows, facts)
    assert len(compared(home / "build" / "results")[0]) == 1
    summary = {(r["variant"], r["metric"]): r for r in facts["summary"]}
    assert summary["rules", "valid"]["mean"] == 1 and summary["rules", "valid"]["low"] == 1
    assert summary["mine", "requests"]["mean"] == 2


def test_prompts_are_spread_over_the_benchmark() -> None:
    from planners import benchmarks
    from starvid_core.studies import planner_results

    every = benchmarks.load("llm_benchmark")
    assert planner_results.prompts("llm_benchmark", None) == every[::2]
    assert planner_results.prompts("llm_benchmark", 200) == every
    assert planner_results.prompts("llm_benchmark", 3) == (every[0], every[66], every[133])
    assert planner_results.prompts("planner_cases", None) == benchmarks.load("planner_cases")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("mines",), "unknown planner 'mines', expected rules, mine, tuned; did you mean mine?"),
        (("tuned",), "tuned is left out: "),
        (("--benchmark", "llm"), 'benchmark "llm" is unknown; choose one of action_binding, llm'),
        (("--prompts", "0"), "prompts is 0; llm_benchmark has 200, give 1 to 200"),
        (("--prompts", "201"), "prompts is 201; llm_benchmark has 200, give 1 to 200"),
        (("--prompts", "few"), "'--prompts'"),
        (("mine", "--replay"), "mine.jsonl does not hold every reply that 100 prompts need"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, tuple) else "",
)
def test_a_comparison_that_cannot_be_made_is_one_line(starvid, home, arguments, said) -> None:
    assert refused(starvid("compare-planners", *arguments), said)
    assert not (home / "results").exists()


def test_an_engine_that_is_absent_is_one_line_and_keeps_what_was_said(
    starvid, home, reciting
) -> None:
    arguments = ("compare-planners", "mine", "--benchmark", "planner_cases")
    assert starvid(*arguments)[0] == 0
    kept = read(home / "transcripts" / "mine.jsonl")
    reciting.shutdown()
    reciting.server_close()
    result = starvid("compare-planners", "mine", "--prompts", 1)
    assert refused(result, f"the server at {reciting.url}")
    assert read(home / "transcripts" / "mine.jsonl") == kept
    assert starvid(*arguments)[0] == 0
