"""A server that obeys, and every way in which one can fail: a whole reply or one line."""

from __future__ import annotations

import socket
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from planners import engines
from planners.engines import EngineError, Message, Picture, Request
from starvid_core.errors import InputError

pytest.importorskip("openai")

KEY = "sk-canary-0123456789"
HELLO = (Message("user", "Hello"),)
SCHEMA = {"type": "array", "items": {"type": "integer"}}


def ask(word: str = "yes", messages: tuple[Message, ...] = HELLO, schema=None) -> Request:
    return Request(messages, f'root ::= "{word}"', schema, 20)


def connect(server, **options) -> engines.Engine:
    return engines.load("openai", url=server.url, **{"timeout": 20.0, "retries": 0, **options})


def test_a_reply_comes_with_what_it_cost(server) -> None:
    with connect(server) as engine:
        reply = engine.complete(ask("yes"))
    assert (engine.name, engine.model, engine.concurrency, engine.grammars) == (
        "openai",
        "tiny",
        16,
        True,
    )
    assert (reply.text, reply.finish, reply.prompt_tokens, reply.tokens) == ("yes", "stop", 7, 3)
    assert 0 < reply.seconds < 20 and reply.retries == 0


def test_the_grammar_is_sent_as_vllm_and_as_llama_cpp_want_it_and_no_seed(server) -> None:
    with connect(server) as engine:
        engine.complete(ask("yes"))
    assert server.asked[-1] == {
        "model": "tiny",
        "messages": [{"role": "user", "content": "Hello"}],
        "temperature": 0.0,
        "max_tokens": 20,
        "grammar": 'root ::= "yes"',
        "structured_outputs": {"grammar": 'root ::= "yes"'},
    }


def test_pictures_stand_before_their_text_and_a_seed_is_sent_where_there_is_one(server) -> None:
    shown = (Picture(b"\x89PNG 1", "1" * 64), Picture(b"\x89PNG 2", "2" * 64))
    messages = (Message("user", "What is it?", shown), Message("assistant", "A dog."), *HELLO)
    with connect(server) as engine:
        assert engine.pictures
        engine.complete(replace(ask("yes", messages), temperature=0.2, seed=0))
    first, *others = server.asked[-1]["messages"]
    images = [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORyAx"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORyAy"}},
    ]
    assert first["content"] == [*images, {"type": "text", "text": "What is it?"}]
    assert [m["content"] for m in others] == ["A dog.", "Hello"]
    assert server.asked[-1]["seed"] == 0 and server.asked[-1]["temperature"] == 0.2


@pytest.mark.parametrize("echoes", [False, True], ids=["vLLM", "llama.cpp"])
def test_a_continuation_is_only_what_is_new(server, echoes) -> None:
    server.echoes = echoes
    with connect(server) as engine:
        reply = engine.complete(ask(",3]", (*HELLO, Message("assistant", "[1,2"))))
    assert reply.text == ",3]"
    assert server.asked[-1]["continue_final_message"] is True
    assert server.asked[-1]["add_generation_prompt"] is False


def test_hosted_servers_get_a_schema_of_an_object(server) -> None:
    server.faults = [obeying_the_schema, lambda h, b: h.give(completion(' {"reply":[1, 2]} '))]
    with connect(server, constraint="schema") as engine:
        reply = engine.complete(ask(schema=SCHEMA))
    assert (reply.text, engine.grammars, engine.model) == ("[1, 2]", False, "tiny (schema)")
    sent = server.asked[-1]
    assert "grammar" not in sent and sent["max_completion_tokens"] == 20
    wrapped = sent["response_format"]["json_schema"]
    assert wrapped["strict"] and wrapped["schema"]["properties"] == {"reply": SCHEMA}


def test_a_server_of_schemas_cannot_continue(server) -> None:
    with connect(server, constraint="schema") as engine:
        with pytest.raises(EngineError, match="cannot continue a reply; decode in one shot"):
            engine.complete(ask(messages=(*HELLO, Message("assistant", "[")), schema=SCHEMA))
        with pytest.raises(EngineError, match="this request has none"):
            engine.complete(ask())
        server.faults = [lambda h, b: h.give(completion("[1,2]"))]
        with pytest.raises(EngineError, match=r"does not keep to the schema: it wrote '\[1,2\]'"):
            engine.complete(ask(schema=SCHEMA))


def completion(text, **more) -> dict:
    message = {"role": "assistant", "content": text}
    return {
        "model": "tiny",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3},
        **more,
    }


def obeying_the_schema(handler, body) -> None:
    word = body["response_format"]["json_schema"]["schema"]["properties"]["word"]["enum"][0]
    handler.give(completion(f'{{"word": "{word}"}}'))


def test_sixteen_threads_share_one_engine(server) -> None:
    with connect(server) as engine, ThreadPoolExecutor(16) as pool:
        words = [f"word{n}" for n in range(64)]
        assert [r.text for r in pool.map(engine.complete, map(ask, words))] == words


@pytest.mark.parametrize(
    "models, named, said",
    [
        (("a", "b"), "", "has 'a', 'b'; name one: model"),
        ((), "", "has no model; name one: model"),
        (("a", "b"), "c", "does not have model 'c'; it has 'a', 'b'"),
    ],
)
def test_the_model_must_be_clear(server, models, named, said) -> None:
    server.models = models
    with pytest.raises(EngineError, match=said):
        connect(server, model=named)


@pytest.mark.parametrize("constraint", ["grammar", "schema"])
@pytest.mark.parametrize("finish", ["stop", "length"])
def test_a_server_that_ignores_constraints_is_refused(server, constraint, finish) -> None:
    said = completion("Hello! How can I help?")
    said["choices"][0]["finish_reason"] = finish
    server.always = lambda h, b: h.give(said)
    with pytest.raises(EngineError, match=r"\(fake 0\.5\.0\) ignores constraints: .* it wrote 'He"):
        connect(server, constraint=constraint)


def broken(status: int, **headers: str):
    return lambda h, b: h.give({"error": {"message": "boom"}}, status, **headers)


def said(**changes):
    return lambda h, b: h.give(completion("yes", **changes))


def page(content: bytes, code: int = 200, **headers: str):
    return lambda h, b: h.give_bytes(content, code, **headers)


def hang(handler, body) -> None:
    handler.server.over.wait(20)


def drip(handler, body, start: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n") -> None:
    handler.wfile.write(start)
    while not handler.server.over.wait(0.05):
        handler.wfile.write(b"x")


def drip_headers(handler, body) -> None:
    drip(handler, body, b"HTTP/1.1 200 OK\r\nX-Slow: ")


def close_early(handler, body) -> None:
    page(b'{"model":', content_length="1000")(handler, body)
    handler.close_connection = True


def close_at_once(handler, body) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


def endless(handler, body) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 200000000\r\n\r\n")
    for _ in range(200):
        handler.wfile.write(bytes(1_000_000))


HTML = b"<html><body><h1>It works!</h1></body></html>"
NO_CHOICE = {"index": 0, "finish_reason": "stop"}
CUT = {**NO_CHOICE, "message": {"content": "ye"}, "finish_reason": "length"}
NULL = {**NO_CHOICE, "message": {"content": None}}

FAULTS = {
    "hang": (hang, "gave no whole answer within 0.5 s; give it a longer timeout"),
    "slow drip": (drip, "gave no whole answer within 0.5 s"),
    "slow drip of headers": (drip_headers, "gave no whole answer within 0.5 s"),
    "500": (broken(500), "answers 500: 'boom'$"),
    "503 page": (page(HTML, 503), "answers 503: 'It works!'"),
    "429": (broken(429), "answers 429: 'boom'"),
    "400": (broken(400), "answers 400: 'boom'"),
    "401": (broken(401), r"answers 401: 'boom'; is the key right\?"),
    "404": (broken(404), r"answers 404: 'boom'; does the url end in /v1\?"),
    "cut body": (close_early, "broke off its answer"),
    "closed": (close_at_once, "broke off its answer"),
    "redirect": (broken(307, location="http://10.0.0.1/"), "answers 307, a redirect, which is not"),
    "huge": (endless, "sends an answer that is more than 8000000 bytes; it is not read"),
    "packed": (page(b"x", content_encoding="gzip"), "an answer that is packed"),
    "html": (page(HTML), "cannot be read: Invalid JSON: .*, it begins '<html><body>"),
    "empty": (page(b""), "cannot be read: Invalid JSON"),
    "not utf-8": (page(b'{"model":"\xff"}'), "cannot be read: Invalid JSON"),
    "not json": (page(b"{'model': 1}"), "cannot be read: Invalid JSON"),
    "deep": (page(b"[" * 100_000), "cannot be read: Invalid JSON"),
    "a list": (page(b"[]"), "cannot be read: Input should be an object"),
    "no choice": (said(choices=[]), "choices: List should have at least 1 item"),
    "two choices": (said(choices=[CUT, CUT]), "choices: List should have at most 1 item"),
    "no message": (said(choices=[NO_CHOICE]), "choices.0.message: Field required"),
    "null": (said(choices=[NULL]), "choices.0.message.content: Input should be a valid string"),
    "cut reply": (said(choices=[CUT]), "stopped at 3 of 20 tokens .* 'length'.; it is not read"),
    "wrong types": (said(choices="yes"), "choices: Input should be a valid array"),
    "no usage": (said(usage=None), "usage: Input should be an object"),
    "negative usage": (
        said(usage={"prompt_tokens": -1, "completion_tokens": 1}),
        "usage.prompt_tokens: Input should be greater than or equal to 0",
    ),
    "wrong model": (said(model="huge"), "answers as model 'huge' when 'tiny' is asked"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_one_line_within_its_time(server, name, monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    fault, message = FAULTS[name]
    with connect(server, timeout=0.5 if "slow" in name or name == "hang" else 20.0) as engine:
        server.always, start = fault, time.monotonic()
        with pytest.raises(EngineError, match=message) as caught:
            engine.complete(ask())
    assert time.monotonic() - start < 2.5
    text = str(caught.value)
    assert server.url in text and "\n" not in text and len(text) < 600 and KEY not in text
    assert caught.value.__context__ is None or caught.value.__suppress_context__


@pytest.mark.parametrize(
    "fault, retries",
    [(broken(500), 1), (broken(429, retry_after="0"), 1), (close_at_once, 1), (hang, 1)],
    ids=["500", "429", "closed", "hang"],
)
def test_what_passes_is_asked_again_and_counted(server, fault, retries) -> None:
    with connect(server, retries=2, timeout=1.0) as engine:
        server.faults = [fault]
        reply = engine.complete(ask("yes"))
    assert (reply.text, reply.retries) == ("yes", retries)


def test_asking_again_has_an_end(server) -> None:
    with connect(server, retries=1) as engine:
        server.always, before = broken(500), len(server.asked)
        with pytest.raises(EngineError, match=r"answers 500: 'boom' \(asked 2 times\)"):
            engine.complete(ask())
        assert len(server.asked) - before == 2
        server.always = broken(400)
        with pytest.raises(EngineError, match="answers 400: 'boom'$"):
            engine.complete(ask())
        assert len(server.asked) - before == 3


def test_a_huge_answer_costs_little_memory(server) -> None:
    with connect(server) as engine:
        server.always = endless
        tracemalloc.start()
        with pytest.raises(EngineError, match="more than 8000000 bytes"):
            engine.complete(ask())
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 64_000_000


def test_a_long_reply_is_refused(server) -> None:
    with connect(server) as engine:
        server.always = said(choices=[{**NO_CHOICE, "message": {"content": "é" * 600_000}}])
        with pytest.raises(EngineError, match="wrote 1200000 bytes; a reply has 1000000 at most"):
            engine.complete(ask())


def test_nobody_there(serving) -> None:
    with serving.Server() as gone:
        pass
    start = time.monotonic()
    with pytest.raises(EngineError, match=r"cannot be reached \(.*refused.*\); start it, or give"):
        connect(gone)
    assert time.monotonic() - start < 2


def test_the_key_is_sent_and_shown_to_nobody(server, monkeypatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    with connect(server, key="MY_KEY") as engine:
        engine.complete(ask())
        assert server.headers[-1]["Authorization"] == f"Bearer {KEY}"
        assert KEY not in f"{engine!r}{vars(engine)}"
        server.always = lambda h, b: h.give({"error": f"bad key {KEY}"}, 500)
        with pytest.raises(EngineError, match=r"answers 500: 'bad key \[key\]'"):
            engine.complete(ask())
        server.always = said(model=f"tiny-{KEY}")
        with pytest.raises(EngineError, match="sends the key back; change the key"):
            engine.complete(ask())


def test_control_characters_of_a_server_do_not_reach_the_terminal(server) -> None:
    with connect(server) as engine:
        server.always = lambda h, b: h.give({"error": {"message": "\x1b[2Jboom\nboom"}}, 500)
        with pytest.raises(EngineError, match=r"answers 500: '\\x1b\[2Jboom boom'"):
            engine.complete(ask())


@pytest.mark.parametrize(
    "options, said",
    [
        ({"url": "ftp://127.0.0.1"}, "is not one; give one like"),
        ({"url": "127.0.0.1:8000"}, "is not one; give one like"),
        ({"url": "http://[::1/v1"}, "is not one; give one like"),
        ({"url": "http://127.0.0.1:99999/v1"}, "is not one; give one like"),
        ({"url": "http://me:secret@127.0.0.1/v1"}, "^the url holds a password; put it into an"),
        ({"constraint": "hope"}, "constraint 'hope' is not one of grammar, schema"),
        ({"timeout": 0.0}, "timeout 0 and retries 2 must be > 0 and >= 0"),
        ({"timeout": "nan"}, "timeout nan and retries 2 must be"),
        ({"timeout": "inf"}, "timeout inf and retries 2 must be"),
        ({"retries": -1}, "timeout 120 and retries -1 must be"),
    ],
)
def test_options_that_cannot_be_are_refused(options, said) -> None:
    with pytest.raises(InputError, match=said):
        engines.load("openai", **options)


@pytest.mark.parametrize("key", ["sk-canary-\x00-0123456789", "sk-canary-0123\n456789", "sk-kéy"])
def test_a_key_that_cannot_be_sent_is_refused_unseen(server, monkeypatch, key) -> None:
    monkeypatch.setattr("os.environ", {"OPENAI_API_KEY": key})
    with pytest.raises(InputError, match="^the key holds a character that no key has; set it ag"):
        connect(server)


def test_white_space_around_a_key_is_not_part_of_it(server, monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", f" {KEY}\n")
    with connect(server):
        assert server.headers[-1]["Authorization"] == f"Bearer {KEY}"


def test_text_that_cannot_be_sent_is_refused(server) -> None:
    with connect(server) as engine, pytest.raises(EngineError, match="cannot be sent as UTF-8"):
        engine.complete(ask(messages=(Message("user", "a \ud800 b"),)))
