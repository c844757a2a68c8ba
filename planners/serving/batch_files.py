"""The files of a batch runner: a line a request in, a line a reply out, in OpenAI's format.

vLLM's runner answers them without a server; hosted services take the same lines.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from planners.engines.base import EngineError, Message, Reply, Request, shown
from planners.serving import body
from planners.serving.completion import Completion
from starvid_core.artifacts import canonical_json, write_text
from starvid_core.errors import InputError

ENDPOINT = "/v1/chat/completions"
_PROOF = "proof:"


class Answered(BaseModel):
    """The part of a line that is read when the request was answered."""

    model_config = ConfigDict(strict=True, frozen=True)

    status_code: int
    body: Completion | None = None


class Line(BaseModel):
    """A line of the runner's output."""

    model_config = ConfigDict(strict=True, frozen=True)

    custom_id: str
    response: Answered | None
    error: Any | None = None


@dataclass(frozen=True)
class Replies:
    """What a file of replies holds, by the key of the request, and why others have none."""

    found: dict[str, Reply]
    failed: dict[str, str]


def write(path: Path, requests: Mapping[str, Request], model: str) -> None:
    """The requests by their keys, and one that only a runner which obeys grammars answers right."""
    word = f"starvid-{secrets.token_hex(4)}"
    proof = Request((Message("user", "Say hello."),), f'root ::= "{word}"', None, 64)
    asked = {f"{_PROOF}{word}": proof, **requests}
    lines = (_line(key, request, model) for key, request in asked.items())
    write_text(path, "".join(f"{line}\n" for line in lines))


def read(path: Path) -> Replies:
    """The replies of a runner.

    Raises InputError for a line that is none, and EngineError if the runner ignores grammars or was
    not asked to prove that it does not.
    """
    found: dict[str, Reply] = {}
    failed: dict[str, str] = {}
    proved = False
    for line in _lines(path):
        said = line.response.body if line.response else None
        if said is None:
            failed[line.custom_id] = _why(line)
        elif line.custom_id.startswith(_PROOF):
            proved = _proves(path, line.custom_id, said)
        else:
            found[line.custom_id] = _reply(said)
    if not proved:
        raise EngineError(f"{path} has no proof that grammars are obeyed; have every line answered")
    return Replies(found, failed)


def _line(key: str, request: Request, model: str) -> str:
    sent = body.asked(request, model) | body.constrained(request)
    return canonical_json({"custom_id": key, "method": "POST", "url": ENDPOINT, "body": sent})


def _lines(path: Path) -> Iterator[Line]:
    try:
        written = path.read_bytes().splitlines()
    except OSError as error:
        raise InputError(f"replies {path} cannot be read ({error.strerror})") from None
    for number, line in enumerate(written, 1):
        try:
            yield Line.model_validate_json(line)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            field = ".".join(str(step) for step in first["loc"]) or "line"
            raise InputError(
                f"{path}:{number}: {field}: {first['msg']}; give what the batch runner wrote"
            ) from None


def _proves(path: Path, key: str, said: Completion) -> bool:
    word, text = key.removeprefix(_PROOF), said.choices[0].message.content
    if text != word:
        raise EngineError(
            f"the runner behind {path} ignores grammars: asked for {word!r} alone it wrote "
            f"{shown(text, 80)}; use vLLM >= 0.12"
        )
    return True


def _reply(said: Completion) -> Reply:
    choice, used = said.choices[0], said.usage
    text, finish = choice.message.content, choice.finish_reason
    return Reply(text, finish, used.prompt_tokens, used.completion_tokens, 0.0)


def _why(line: Line) -> str:
    status = f"status {line.response.status_code}" if line.response else "no response"
    return shown(f"{status}: {line.error}")
