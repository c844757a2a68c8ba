"""Any OpenAI-compatible server: vLLM, llama.cpp or a hosted one, proved to obey before it plans."""

from __future__ import annotations

import json
import math
import os
import re
import secrets
import time
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from planners.engines.base import (
    Engine,
    Message,
    Reply,
    Request,
    checked,
    extra,
    shown,
)
from planners.serving import body
from planners.wire.json_schema import closed, one_of
from starvid_core.errors import InputError

if TYPE_CHECKING:
    from planners.serving.client import Client
    from planners.serving.completion import Completion

CONSTRAINTS = ("grammar", "schema")
CONCURRENCY = 16
_HELLO = (Message("user", "Say hello."),)
_BEGUN = Message("assistant", "Well, ")
_CANARY_TOKENS = 64
_OBEYED = {
    True: "structured_outputs (vLLM >= 0.12) or grammar (llama.cpp)",
    False: "response_format (json_schema)",
}
# Hosted servers want an object at the root of a schema: anything else is put under one key.
_WRAP = "reply"
_WRAPPED = re.compile(r'\s*\{\s*"reply"\s*:\s*(.*)\}\s*', re.DOTALL)


def load(
    url: str = "http://127.0.0.1:8000/v1",
    model: str = "",
    key: str = "OPENAI_API_KEY",
    constraint: str = "grammar",
    timeout: float = 120.0,
    retries: int = 2,
) -> OpenAI:
    """Connect to the server at `url` and prove that it enforces constraints.

    `model` is one that the server has, its only one if empty. `key` names the environment variable
    that holds the server's key, if it needs one. `constraint` is "grammar", or "schema" for hosted
    servers, which take nothing else. An answer may take `timeout` seconds; refused connections,
    429, 5xx and time-outs are tried again `retries` times.
    """
    return connect(Access(url, secret(key), timeout, retries), model, constraint)


def secret(name: str) -> str:
    """The key in an environment variable; empty if there is none."""
    return os.environ.get(name, "").strip()


@dataclass(frozen=True)
class Access:
    """How a server is reached; `key` is the secret itself."""

    url: str
    key: str = field(repr=False)
    timeout: float = 120.0
    retries: int = 2

    def __post_init__(self) -> None:
        if not _is_url(self.url):
            raise InputError(f"url {self.url!r} is not one; give one like http://127.0.0.1:8000/v1")
        if "@" in urlsplit(self.url).netloc:
            raise InputError("the url holds a password; put it into an environment variable: key")
        if not (self.key.isascii() and self.key.isprintable()):
            raise InputError("the key holds a character that no key has; set it again")
        if not 0 < self.timeout < math.inf or self.retries < 0:
            raise InputError(
                f"timeout {self.timeout:g} and retries {self.retries} must be > 0 and >= 0"
            )


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0


def connect(access: Access, model: str, constraint: str = "grammar") -> OpenAI:
    """The engine of a server, after it has proved that it obeys."""
    if constraint not in CONSTRAINTS:
        raise InputError(f"constraint {constraint!r} is not one of {', '.join(CONSTRAINTS)}")
    with extra("openai", "the package openai"):
        from planners.serving.client import Client
    client = Client(access.url, access.key, access.timeout, access.retries, CONCURRENCY)
    try:
        engine = OpenAI(client, _served(client, model), constraint == "grammar")
        engine.prove()
    except BaseException:
        client.close()
        raise
    return engine


def _served(client: Client, model: str) -> str:
    """The name of the model to ask: the one named, or the only one."""
    offered = client.models()
    listed = ", ".join(shown(name, 80) for name in offered[:20]) or "no model"
    if model and model not in offered:
        raise client.error(f"does not have model {model!r}; it has {listed}")
    if not model and len(offered) != 1:
        raise client.error(f"has {listed}; name one: model")
    return model or offered[0]


class OpenAI(Engine):
    """A connection to one model of a server; safe to use from many threads."""

    def __init__(self, client: Client, served: str, grammars: bool) -> None:
        self.name = "openai"
        self.model = served if grammars else f"{served} (schema)"
        self.concurrency, self.grammars, self.pictures = CONCURRENCY, grammars, True
        self._client, self._served = client, served

    def complete(self, request: Request) -> Reply:
        """The reply of the server, whole and within its time."""
        reply = self._ask(request)
        if request.continues and self._echoes:
            reply = self._continuation(reply, request.messages[-1].content)
        checked(reply, request, f"the server at {self._client.url}")
        return reply if self.grammars else self._unwrapped(reply, request)

    def close(self) -> None:
        self._client.close()

    def prove(self) -> None:
        """Ask for a word that no model says by itself; a server that ignores constraints fails."""
        word = f"starvid-{secrets.token_hex(2)}"
        said = self._ask(_only(word, _HELLO)).text
        if said == word if self.grammars else _read(said) == {"word": word}:
            return
        raise self._client.error(
            f"({self._client.version() or 'of an unknown kind'}) ignores constraints: asked for "
            f"{word!r} alone it wrote {shown(said, 80)}; use one that obeys "
            f"{_OBEYED[self.grammars]}"
        )

    @cached_property
    def _echoes(self) -> bool:
        """Whether a continued reply comes back with what it continues (llama.cpp), or without."""
        word = f"starvid-{secrets.token_hex(2)}"
        said = self._ask(_only(word, (*_HELLO, _BEGUN))).text
        if said not in (word, _BEGUN.content + word):
            raise self._client.error(f"cannot continue a reply: it wrote {shown(said, 80)}")
        return said != word

    def _ask(self, request: Request) -> Reply:
        start = time.monotonic()
        answer = self._client.chat(self._body(request), self._more(request))
        said: Completion = answer.said
        if said.model != self._served and not said.model.startswith(f"{self._served}-"):
            raise self._client.error(
                f"answers as model {shown(said.model)} when {self._served!r} is asked"
            )
        return Reply(
            text=said.choices[0].message.content,
            finish=said.choices[0].finish_reason,
            prompt_tokens=said.usage.prompt_tokens,
            tokens=said.usage.completion_tokens,
            seconds=time.monotonic() - start,
            retries=answer.retries,
        )

    def _body(self, request: Request) -> dict[str, Any]:
        if self.grammars:
            return body.asked(request, self._served)
        schema = {"name": "plan", "strict": True, "schema": self._schema(request)}
        wanted = {"response_format": {"type": "json_schema", "json_schema": schema}}
        return body.asked(request, self._served, "max_completion_tokens") | wanted

    def _more(self, request: Request) -> dict[str, Any]:
        return body.constrained(request) if self.grammars else {}

    def _schema(self, request: Request) -> dict[str, Any]:
        if request.continues:
            raise self._client.error(
                "takes schemas only, which cannot continue a reply; decode in one shot"
            )
        if request.schema is None:
            raise self._client.error("takes schemas only, and this request has none")
        schema = dict(request.schema)
        return schema if schema.get("type") == "object" else closed({_WRAP: schema})

    def _unwrapped(self, reply: Reply, request: Request) -> Reply:
        if request.schema is None or request.schema.get("type") == "object":
            return reply
        found = _WRAPPED.fullmatch(reply.text)
        if not found:
            raise self._client.error(f"does not keep to the schema: it wrote {shown(reply.text)}")
        return replace(reply, text=found[1].rstrip())

    def _continuation(self, reply: Reply, begun: str) -> Reply:
        if not reply.text.startswith(begun):
            raise self._client.error(f"does not continue a reply: it wrote {shown(reply.text)}")
        return replace(reply, text=reply.text[len(begun) :])


def _only(word: str, messages: tuple[Message, ...]) -> Request:
    """A request that one word alone answers."""
    schema = closed({"word": one_of([word])})
    return Request(messages, f'root ::= "{word}"', schema, _CANARY_TOKENS)


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
