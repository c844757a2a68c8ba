"""Grammars as an engine enforces them, without a model; engines and a server that say what they
are told."""

from __future__ import annotations

import random
import runpy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from json import dumps, loads
from pathlib import Path
from types import SimpleNamespace

import pytest

from planners import rules
from planners.engines.base import Engine, Reply, Request
from planners.wire import Wire
from planners.wire.scene import write_scene
from planners.wire.whole_plan import write_plan

SERVE = Path(__file__).parent / "engines" / "serve.py"
_END = 256


class _Bytes:
    """Every byte is a token, and one more ends the text."""

    eos_token_id = _END
    bos_token_id = None
    tokens = [*(bytes([b]) for b in range(256)), b"<end>"]
    special_token_ids = [_END]

    def __call__(self, text: str | bytes) -> list[int]:
        return list(text.encode() if isinstance(text, str) else text)


class Guide:
    """A grammar or schema: what it takes, and what a model without sense would say under it."""

    def __init__(self, grammar: str | dict) -> None:
        guidance = pytest.importorskip("llguidance")
        kind, text = ("gbnf", grammar) if isinstance(grammar, str) else ("json", dumps(grammar))
        vocabulary = guidance.LLTokenizer(guidance.TokenizerWrapper(_Bytes()))
        self._start = guidance.LLMatcher(vocabulary, guidance.grammar_from(kind, text))
        assert not self._start.is_error(), self._start.get_error()

    def accepts(self, text: str) -> bool:
        """Whether the text is a whole reply."""
        state, tokens = self._start.deep_copy(), list(text.encode())
        return state.try_consume_tokens(tokens) == len(tokens) and state.is_accepting()

    def walk(self, draw: random.Random, longest: int) -> str:
        """A reply of tokens that are drawn from those allowed, each as likely as the others."""
        state, said = self._start.deep_copy(), bytearray()
        while not state.is_stopped():
            bias = state.compute_logit_bias()
            token = draw.choice([token for token, value in enumerate(bias) if value])
            assert state.consume_token(token), state.get_error()
            said += bytes([token]) if token != _END else b""
        assert len(said) + 1 <= longest, "there are more tokens than were computed"
        return said.decode()


@pytest.fixture(scope="session")
def guide() -> type[Guide]:
    return Guide


@dataclass
class Scripted(Engine):
    """Gives replies in order, whatever it is asked; or what a function makes of the request."""

    replies: Sequence[str] | Callable[[Request], str]
    finish: str = "stop"
    grammars: bool = True
    concurrency: int = 1
    name: str = "scripted"
    model: str = "scripted@0"
    asked: list[Request] = field(default_factory=list)

    def complete(self, request: Request) -> Reply:
        self.asked.append(request)
        given = self.replies
        text = given(request) if callable(given) else given[len(self.asked) - 1]
        return Reply(text, self.finish, 10, 5, 0.5)

    def close(self) -> None:
        pass


@pytest.fixture(scope="session")
def scripted() -> type[Scripted]:
    return Scripted


@pytest.fixture(scope="session")
def serving() -> SimpleNamespace:
    """What serve.py has."""
    return SimpleNamespace(**runpy.run_path(str(SERVE)), path=SERVE)


@pytest.fixture
def server(serving) -> Iterator:
    with serving.Server() as running:
        yield running


@pytest.fixture
def reciting(server, serving, guide):
    """A server whose model says what the rules planner plans, in cells of 16 pixels; of a word that
    is `wrong` it says nothing that can be read."""

    def recite(handler, body, wrong: str = "\0") -> None:
        if serving.LITERAL.fullmatch(body.get("grammar", "")):
            serving.obey(handler, body)
            return
        said = [m["content"] for m in body["messages"] if m["role"] == "user"]
        text = "[]" if any(wrong in words for words in said) else _recited(body, guide)
        handler.give(serving.completion(text, body["model"]))

    server.always = recite
    return server


def _recited(body: dict, guide: type[Guide]) -> str:
    last = body["messages"][-1]
    if last["role"] == "assistant":
        return guide(body["grammar"]).walk(random.Random(0), body["max_tokens"])
    told = loads(last["content"])
    plan = rules.plan(told["prompt"])
    plan = replace(plan, plan=replace(plan.plan, motion="They move.", reasoning="They can."))
    wire = Wire(16, named='"name"' in body["messages"][0]["content"])
    if "objects" in told:
        return wire.write_frames(plan)
    whole = "subjects" in body["grammar"]
    return write_plan(plan, wire) if whole else write_scene(plan.plan)
