"""Replies are replayed as they were, or one line says how to record them."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from planners import engines
from planners.engines import Engine, EngineError, Message, Picture, Reply, Request
from planners.engines.recorded import Recording, read
from starvid_core import artifacts
from starvid_core.errors import InputError

RECORD = "record it: `starvid plan PROMPT --engine llama_cpp --record`"


class Echo(Engine):
    """Answers with the last message, and counts."""

    def __init__(self, model: str = "echo@1") -> None:
        self.name, self.model, self.concurrency, self.grammars = "echo", model, 16, True
        self.asked, self.closed = 0, False

    def complete(self, request: Request) -> Reply:
        self.asked += 1
        return Reply(request.messages[-1].content, "stop", 5, 2, 0.12345)

    def close(self) -> None:
        self.closed = True


def ask(text: str) -> Request:
    return Request((Message("user", text),), 'root ::= "a"', {"type": "array"}, 9)


@pytest.fixture
def path(tmp_path):
    """A transcript of three replies."""
    path = tmp_path / "some.jsonl"
    with Recording(Echo(), path) as engine:
        for text in ("one", "zwei ü\u2028", "three\n"):
            engine.complete(ask(text))
    return path


def test_a_recorded_reply_is_the_reply(path) -> None:
    with engines.load("recorded", transcripts=path) as engine:
        assert (engine.name, engine.model, engine.grammars) == ("recorded", "echo@1", True)
        assert engine.complete(ask("zwei ü\u2028")) == Reply("zwei ü\u2028", "stop", 5, 2, 0.123)
        assert engine.complete(ask("three\n")).text == "three\n"


def test_a_transcript_is_sorted_lines_whatever_the_order(path, tmp_path) -> None:
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line["key"] for line in lines] == sorted(line["key"] for line in lines)
    assert set(lines[0]) == {
        *("key", "model", "grammars", "text", "finish", "prompt_tokens", "tokens", "seconds"),
    }
    other = tmp_path / "other.jsonl"
    with Recording(Echo(), other) as engine:
        for text in ("three\n", "zwei ü\u2028", "one"):
            engine.complete(ask(text))
    assert other.read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        {"messages": (Message("system", "one"),)},
        {"messages": (Message("user", "one"), Message("user", "one"))},
        {"grammar": 'root ::= "b"'},
        {"schema": None},
        {"max_tokens": 10},
        {"temperature": 0.5},
    ],
)
def test_another_request_is_a_miss_that_says_how_to_record_it(path, change) -> None:
    with engines.load("recorded", transcripts=path) as engine:
        engine.complete(ask("one"))
        with pytest.raises(EngineError) as caught:
            engine.complete(replace(ask("one"), **change))
    assert str(caught.value).endswith(RECORD) and str(path) in str(caught.value)


def test_the_key_is_of_the_model_too() -> None:
    assert ask("one").key("a") != ask("one").key("b")
    assert ask("one").key("a") == ask("one").key("a")
    assert len(ask("\ud800").key("a")) == 64


def test_pictures_and_seeds_are_part_of_the_key_and_leave_older_keys_as_they_were() -> None:
    plain = ask("one")
    assert plain.key("a") == "968fe966140d82b4d129fc2e526e93d9f210f31369f1a77836c5e832541e70b3"
    shown = Picture(b"png", "1" * 64)
    asked = [
        plain,
        replace(plain, seed=0),
        replace(plain, seed=1),
        replace(plain, messages=(Message("user", "one", (shown,)),)),
        replace(plain, messages=(Message("user", "one", (replace(shown, sha256="2" * 64),)),)),
    ]
    assert len({request.key("a") for request in asked}) == len(asked)
    same = replace(shown, png=b"the same pixels from another encoder")
    again = replace(plain, messages=(Message("user", "one", (same,)),))
    assert again.key("a") == asked[3].key("a")
    assert [request.shows for request in asked] == [False, False, False, True, True]


def test_a_recording_sees_if_its_engine_does(path, tmp_path) -> None:
    seeing = Echo()
    seeing.pictures = True
    for engine, pictures in ((Echo(), False), (seeing, True)):
        with Recording(engine, tmp_path / f"{pictures}.jsonl") as recording:
            assert recording.pictures is pictures
    with engines.load("recorded", transcripts=path) as engine:
        assert engine.pictures


def test_what_is_recorded_is_not_asked_again(path) -> None:
    engine = Echo()
    with Recording(engine, path) as recording:
        assert recording.complete(ask("one")).text == "one"
        assert recording.complete(ask("four")).text == "four"
    assert (engine.asked, engine.closed, len(read(path))) == (1, True, 4)


def test_a_failure_in_the_middle_keeps_what_is_done(tmp_path) -> None:
    path, engine = tmp_path / "a.jsonl", Echo()
    with pytest.raises(KeyboardInterrupt), Recording(engine, path) as recording:
        recording.complete(ask("one"))
        raise KeyboardInterrupt
    assert engine.closed and len(read(path)) == 1


def test_many_threads_lose_nothing(tmp_path) -> None:
    path = tmp_path / "a.jsonl"
    with Recording(Echo(), path) as recording, ThreadPoolExecutor(16) as pool:
        list(pool.map(recording.complete, (ask(str(n)) for n in range(200))))
    assert len(read(path)) == 200


def test_work_is_saved_on_the_way(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("planners.engines.recorded._SAVE_EVERY", 0.0)
    path = tmp_path / "a.jsonl"
    with Recording(Echo(), path) as recording:
        recording.complete(ask("one"))
        assert len(read(path)) == 1


def test_two_recordings_do_not_overwrite_each_other(path) -> None:
    said = "another process is at work on the transcript"
    with Recording(Echo(), path), pytest.raises(InputError, match=said):
        Recording(Echo(), path)
    with Recording(Echo(), path):
        pass


def test_a_reply_that_was_cut_is_refused_in_replay_too(path) -> None:
    text = path.read_text(encoding="utf-8").replace('"finish":"stop"', '"finish":"length"')
    artifacts.write_text(path, text)
    with engines.load("recorded", transcripts=path) as engine, pytest.raises(EngineError) as caught:
        engine.complete(ask("one"))
    assert "finish_reason 'length'" in str(caught.value)


def test_replies_of_two_models_must_be_told_apart(path) -> None:
    with Recording(Echo("echo@2"), path) as engine:
        engine.complete(ask("one"))
    with pytest.raises(InputError, match="holds replies of echo@1, echo@2; name one: model"):
        engines.load("recorded", transcripts=path)
    with pytest.raises(InputError, match="holds no reply of 'echo@3'; it has echo@1, echo@2"):
        engines.load("recorded", transcripts=path, model="echo@3")
    with engines.load("recorded", transcripts=path, model="echo@2") as engine:
        assert engine.complete(ask("one")).text == "one"
        with pytest.raises(EngineError, match="has no reply of echo@2"):
            engine.complete(ask("three\n"))


def _line(**changes) -> str:
    line = {
        "key": "0" * 64,
        "model": "m",
        "grammars": True,
        "text": "a",
        "finish": "stop",
        "prompt_tokens": 1,
        "tokens": 1,
        "seconds": 0.5,
        **changes,
    }
    return json.dumps({k: v for k, v in line.items() if v is not ...})


@pytest.mark.parametrize(
    "written, said",
    [
        ("", "Invalid JSON"),
        (_line()[:-5], "Invalid JSON"),
        ("[1]", "Input should be an object"),
        (_line(text=...), "text: Field required"),
        (_line(more=1), "more: Extra inputs are not permitted"),
        (_line(tokens="1"), "tokens: Input should be a valid integer"),
        (_line(tokens=-1), "tokens: Input should be greater than or equal to 0"),
        (_line(seconds=float("nan")), "seconds: Input should be a finite number"),
        (_line(key="0" * 63), "key: String should match pattern"),
        (_line(key="1" * 64), "key 111111111111 stands twice; remove one line"),
    ],
)
def test_a_corrupt_line_is_refused_by_its_number(tmp_path, written, said) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(f"{_line()}\n{_line(key='1' * 64)}\n{written}\n{_line(key='2' * 64)}\n")
    with pytest.raises(InputError) as caught:
        engines.load("recorded", transcripts=path)
    assert str(caught.value).startswith(f"{path}:3: {said}")
    before = path.read_bytes()
    with pytest.raises(InputError, match=":3: "):
        Recording(Echo(), path)
    assert path.read_bytes() == before


def test_a_line_that_is_not_utf8_is_refused(tmp_path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(_line(text="b\xff").encode() + b'\n{"key":"\xff"}\n')
    with pytest.raises(InputError, match=r"a.jsonl:2: Invalid JSON: invalid unicode"):
        engines.load("recorded", transcripts=path)


def test_a_transcript_is_found_by_name_or_path(tmp_path, monkeypatch, path) -> None:
    monkeypatch.setattr("starvid_core.paths.TRANSCRIPTS", path.parent)
    with engines.load("recorded", transcripts="some") as engine:
        assert engine.complete(ask("one")).text == "one"
    with pytest.raises(InputError, match="nothing.jsonl cannot be read .No such file.*; record it"):
        engines.load("recorded", transcripts="nothing")
    with pytest.raises(InputError, match="name a transcript"):
        engines.load("recorded")
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(InputError, match="holds replies of nobody"):
        engines.load("recorded", transcripts=tmp_path / "empty.jsonl")


def test_a_place_that_cannot_be_written_is_refused_before_any_work(tmp_path) -> None:
    (tmp_path / "file").touch()
    engine = Echo()
    with pytest.raises(InputError, match="cannot write .*: its folder is a file"):
        Recording(engine, tmp_path / "file" / "a.jsonl")
    assert engine.asked == 0
