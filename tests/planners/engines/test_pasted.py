"""Requests are shown whole, and replies are read as they were pasted."""

from __future__ import annotations

import io
import sys

import pytest

from planners import engines, one_stage, rules, two_stage
from planners.engines import EngineError, Message, Request
from planners.engines.pasted import text
from planners.planning import PlanOptions, Unplanned
from planners.wire import Wire
from planners.wire.scene import write_scene
from planners.wire.whole_plan import write_plan
from starvid_core.errors import InputError
from starvid_core.scene import ScenePlan, Trajectory

PROMPT = "A man is running and a dog sits"
MESSAGES = (Message("system", "Rules."), Message("user", '{"prompt":"A dog runs"}'))
REQUEST = Request(MESSAGES, 'root ::= "a"', {"type": "array"}, 9)


def planned() -> Trajectory:
    plan = rules.plan(PROMPT)
    told = ScenePlan(PROMPT, plan.plan.subjects, "The man goes right.", "He runs.")
    return Trajectory(told, plan.boxes)


@pytest.fixture
def replies(tmp_path):
    """A file of replies."""

    def write(content: str | bytes) -> str:
        path = tmp_path / "replies.txt"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    return write


def test_the_text_to_paste_holds_every_turn_and_the_shape_of_the_reply() -> None:
    written = text(REQUEST)
    assert 'Instructions:\nRules.\n\nQuestion:\n{"prompt":"A dog runs"}\n' in written
    assert written.endswith('match this JSON Schema:\n{"type": "array"}\n')


def test_the_text_to_paste_does_not_command_the_terminal() -> None:
    again = Request((*MESSAGES, Message("assistant", "\x1b[31m\x07 ü\ud800\u202e")), "", None, 9)
    assert "\\x1b[31m\\x07 ü\\ud800\\u202e\n" in text(again)


@pytest.mark.parametrize("gap", ["\n\n", "\n \n\n", "\r\n\r\n"])
def test_two_replies_of_a_file_make_a_plan(replies, capsys, gap) -> None:
    pretty = write_scene(planned().plan).replace("},{", "},\n {")
    path = replies(f"\n{pretty}{gap}{Wire().write_frames(planned())}\n")
    with engines.load("pasted", replies=path, model="somebody") as engine:
        made = two_stage.plan(PROMPT, engine)
    assert made.trajectory == Wire().read_frames(Wire().write_frames(planned()), planned().plan, 8)
    assert (engine.model, made.tokens, len(made.exchanges)) == ("somebody", 0, 2)
    shown = capsys.readouterr()
    assert not shown.out and shown.err.count("Paste the reply; an empty line ends a reply.") == 2
    assert '"motion planner":"The man goes right."' in shown.err, "the second request has it"


def test_replies_are_read_from_the_standard_input(monkeypatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(write_plan(planned(), Wire())))
    with engines.load("pasted") as engine:
        assert one_stage.plan(PROMPT, engine).trajectory.plan.subjects == planned().plan.subjects
        with pytest.raises(EngineError, match="the standard input has no reply to request 2; ask"):
            engine.complete(REQUEST)


def test_a_refused_reply_is_shown_again_with_its_problems(replies, capsys) -> None:
    fenced = f"```json\n{write_plan(planned(), Wire())}\n```"
    path = replies(f"{fenced}\n\n{write_plan(planned(), Wire())}\n")
    with engines.load("pasted", replies=path) as engine:
        assert len(one_stage.plan(PROMPT, engine).exchanges) == 2
    again = capsys.readouterr().err.split("-" * 72)[3]
    assert "Answer:\n```json\n" in again and "not JSON at line 1 column 1" in again


def test_a_pasted_reply_is_never_mended(replies) -> None:
    path = replies(f"Here is the plan: {write_plan(planned(), Wire())}")
    with engines.load("pasted", replies=path) as engine, pytest.raises(Unplanned, match="not JSON"):
        one_stage.plan(PROMPT, engine, PlanOptions(attempts=1))


def test_box_by_box_is_refused_at_once(replies) -> None:
    said = "engine 'pasted' takes no grammars, .* 'oneshot'"
    with (
        engines.load("pasted", replies=replies("")) as engine,
        pytest.raises(InputError, match=said),
    ):
        two_stage.plan(PROMPT, engine, PlanOptions(decode="stepwise"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "has no reply to request 1; ask your model what is shown above and add its reply"),
        (" \n\n", "has no reply to request 1"),
        (b"[\xff]", "is not UTF-8"),
        ("x" * 1_000_001, "wrote 1000001 bytes; a reply has 1000000 at most"),
    ],
    ids=["empty", "blank", "bytes", "huge"],
)
def test_what_is_no_reply_is_one_line(replies, content, said) -> None:
    path = replies(content)
    with engines.load("pasted", replies=path) as engine, pytest.raises(EngineError) as caught:
        engine.complete(REQUEST)
    assert said in str(caught.value) and path in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_one_line(tmp_path) -> None:
    for path, said in ((tmp_path / "none", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(EngineError, match=f"replies .* cannot be read .{said}"):
            engines.load("pasted", replies=path)
