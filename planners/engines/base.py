"""What every engine takes and gives: a request with its grammar in, one whole reply out."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol, Self, runtime_checkable

from starvid_core.artifacts import canonical_json, sha256_files, sha256_text
from starvid_core.errors import InputError

Role = Literal["system", "user", "assistant"]
MOST_BYTES = 1_000_000
_WEIGHTS = ("*.safetensors", "config.json", "adapter_config.json", "tokenizer.json")
_HASH = 16


class EngineError(InputError):
    """A server or model that is absent, slow, wrong, cut short or ignoring its grammar."""


@dataclass(frozen=True)
class Picture:
    """A PNG, and the hash of its pixels: encoders differ in bytes that show the same."""

    png: bytes = field(repr=False)
    sha256: str

    @property
    def url(self) -> str:
        """The picture itself, as a web page would hold it."""
        return f"data:image/png;base64,{base64.b64encode(self.png).decode()}"


@dataclass(frozen=True)
class Message:
    """One turn of a chat; its pictures stand before its text."""

    role: Role
    content: str
    pictures: tuple[Picture, ...] = ()

    @property
    def facts(self) -> dict[str, Any]:
        """What a reply depends on; without pictures, as it was before there were any."""
        said: dict[str, Any] = {"role": self.role, "content": self.content}
        shown = [picture.sha256 for picture in self.pictures]
        return said | {"pictures": shown} if shown else said

    @property
    def wire(self) -> dict[str, Any]:
        """The message as OpenAI-compatible servers take it."""
        shown = [{"type": "image_url", "image_url": {"url": p.url}} for p in self.pictures]
        parts = [*shown, {"type": "text", "text": self.content}]
        return {"role": self.role, "content": parts if shown else self.content}


@dataclass(frozen=True)
class Request:
    """One question; if the last message is the assistant's, the reply continues it.

    `grammar` is GBNF with the rule `root`; `schema` says the same as far as JSON Schema can, for
    servers that take no grammar. Reaching `max_tokens` is an error. `seed` makes a warm reply the
    same again, as far as the server can.
    """

    messages: tuple[Message, ...]
    grammar: str
    schema: Mapping[str, Any] | None
    max_tokens: int
    temperature: float = 0.0
    seed: int | None = None

    def key(self, model: str) -> str:
        """The hash of everything that the reply depends on."""
        facts = {f.name: getattr(self, f.name) for f in fields(self)}
        facts |= {"model": model, "messages": [message.facts for message in self.messages]}
        if self.seed is None:
            del facts["seed"]
        return sha256_text(canonical_json(facts))

    @property
    def shows(self) -> bool:
        return any(message.pictures for message in self.messages)

    @property
    def continues(self) -> bool:
        return bool(self.messages) and self.messages[-1].role == "assistant"


@dataclass(frozen=True)
class Reply:
    """The text of a reply (of a continuation: without what it continues) and what it cost."""

    text: str
    finish: str
    prompt_tokens: int
    tokens: int
    seconds: float
    retries: int = 0


@runtime_checkable
class Engine(Protocol):
    """A model that answers under a grammar.

    `model` names it with the hash of its weights where they are known; `concurrency` is how many
    threads may call `complete` at once; without `grammars` only the schema is enforced; with
    `pictures` it can be shown some, if its model can see; one that is `tuned` has an adapter of
    `starvid train planner` and expects the requests that it was taught.
    """

    name: str
    model: str
    concurrency: int
    grammars: bool
    pictures: bool = False
    tuned: bool = False

    def complete(self, request: Request) -> Reply: ...

    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def sighted(request: Request, engine: Engine) -> Request:
    """The request, if the engine can be shown what it shows."""
    if request.shows and not engine.pictures:
        raise EngineError(
            f"engine {engine.name!r} cannot be shown pictures; take openai or vllm with a model "
            "that sees"
        )
    return request


def checked(reply: Reply, request: Request, who: str) -> Reply:
    """The reply, if it is whole and of a sane size; to be asked before anything is parsed."""
    if reply.finish == "length":
        raise EngineError(
            f"{who} stopped at {reply.tokens} of {request.max_tokens} tokens before its reply was "
            "whole (finish_reason 'length'); it is not read"
        )
    if reply.finish != "stop":
        raise EngineError(
            f"{who} ended with finish_reason {shown(reply.finish)} instead of 'stop'; "
            "its reply is not read"
        )
    size = len(reply.text.encode("utf-8", "surrogatepass"))
    if size > MOST_BYTES:
        raise EngineError(f"{who} wrote {size} bytes; a reply has {MOST_BYTES} at most")
    return reply


@contextmanager
def extra(engine: str, package: str, install: str = "pip install 'starvid[llm]'") -> Iterator[None]:
    """Say in one line how to get a package that only some engines need."""
    try:
        yield
    except ImportError as error:
        raise EngineError(
            f"engine {engine!r} needs {package}, which cannot be imported "
            f"({shown(str(error))}); run `{install}`"
        ) from None


def shown(text: str, most: int = 200) -> str:
    """Foreign text for a one-line message: quoted, without control characters, cut short."""
    return repr(text if len(text) <= most else f"{text[:most]}...")


def identity(path: Path) -> str:
    """The name of a model's file or folder, and the hash of what decides its replies."""
    files = [path] if path.is_file() else [f for p in _WEIGHTS for f in sorted(path.glob(p))]
    return f"{path.resolve().name}@{sha256_files(files)[:_HASH]}"
