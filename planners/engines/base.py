"""What every engine takes and gives: a request with its grammar in, one whole reply out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
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
class Message:
    """One turn of a chat."""

    role: Role
    content: str


@dataclass(frozen=True)
class Request:
    """One question; if the last message is the assistant's, the reply continues it.

    `grammar` is GBNF with the rule `root`; `schema` says the same as far as JSON Schema can, for
    servers that take no grammar. Reaching `max_tokens` is an error.
    """

    messages: tuple[Message, ...]
    grammar: str
    schema: Mapping[str, Any] | None
    max_tokens: int
    temperature: float = 0.0

    def key(self, model: str) -> str:
        """The hash of everything that the reply depends on."""
        return sha256_text(canonical_json({**asdict(self), "model": model}))

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
    threads may call `complete` at once; without `grammars` only the schema is enforced.
    """

    name: str
    model: str
    concurrency: int
    grammars: bool

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
