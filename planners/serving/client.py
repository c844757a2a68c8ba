"""Questions to an OpenAI-compatible server: bounded retries, and every fault in one line."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import httpx2
import openai
from openai import APIConnectionError, APIError, APIStatusError, APITimeoutError
from pydantic import BaseModel, ConfigDict, ValidationError

from planners.engines.base import EngineError, shown
from planners.serving import bounded_http
from planners.serving.bounded_http import TooMuch
from planners.serving.completion import Completion

_BACKOFF = 0.25  # seconds, doubled each time
_LONGEST_WAIT = 30.0
_SHORTEST_SECRET = 8  # "none" or "EMPTY" are words that stand in any answer
_NOT_TEXT = re.compile(r"<[^>]*>|\s+")


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)


class Model(_Strict):
    """A model that the server offers."""

    id: str


class Models(_Strict):
    """The list of /v1/models."""

    data: list[Model]


T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True)
class Answer(Generic[T]):
    """What the server said, and how often it had to be asked again."""

    said: T
    retries: int


class Client:
    """One server; `key` is a secret that is sent to it and said to nobody."""

    def __init__(self, url: str, key: str, timeout: float, retries: int, connections: int) -> None:
        self.url, self.server = url, ""
        self._timeout, self._retries = timeout, retries
        self._secret = key if len(key) >= _SHORTEST_SECRET else ""
        self._openai = openai.OpenAI(
            base_url=url,
            api_key=key or "none",
            max_retries=0,
            timeout=timeout,
            http_client=bounded_http.client(timeout, connections),
        )

    def models(self) -> tuple[str, ...]:
        """The names of the models on offer."""
        answer = self._ask(Models, self._openai.models.with_raw_response.list)
        return tuple(model.id for model in answer.said.data)

    def chat(self, body: dict[str, Any], more: dict[str, Any]) -> Answer[Completion]:
        """One chat completion; `more` are fields of the server's own."""
        create = self._openai.chat.completions.with_raw_response.create
        return self._ask(Completion, lambda: create(**body, extra_body=more))

    def version(self) -> str:
        """How the server calls itself, for messages; empty if it does not tell."""
        try:
            url = str(httpx2.URL(self.url).copy_with(path="/version"))
            told = self._openai.get(url, cast_to=httpx2.Response).json()["version"]
        except (APIError, TooMuch, ValueError, KeyError, TypeError):
            return self.server
        return self._public(f"{self.server} {told}")

    def close(self) -> None:
        self._openai.close()

    def _ask(self, kind: type[T], send: Callable[[], Any]) -> Answer[T]:
        attempt = 0
        while True:
            try:
                response = send()
                self.server = self._public(response.headers.get("server", ""))
                return Answer(self._read(kind, response.content), attempt)
            except TooMuch as error:
                raise self.error(f"sends an answer that is {error}; it is not read") from None
            except UnicodeEncodeError:
                raise self.error("is not asked: the request cannot be sent as UTF-8") from None
            except APIError as error:
                if attempt == self._retries or not _may_pass(error):
                    asked = f" (asked {attempt + 1} times)" if attempt else ""
                    raise self.error(f"{self._fault(error)}{asked}") from None
                time.sleep(_wait(error, attempt))
                attempt += 1

    def _read(self, kind: type[T], content: bytes) -> T:
        if self._secret and self._secret.encode() in content:
            raise self.error("sends the key back; change the key, and do not use this server")
        try:
            return kind.model_validate_json(content)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(step) for step in first["loc"])
            begin = f", it begins {shown(content[:60].decode('utf-8', 'replace'))}"
            raise self.error(
                f"sends an answer that cannot be read: {where}{': ' if where else ''}"
                f"{first['msg']}{'' if where else begin}"
            ) from None

    def _fault(self, error: APIError) -> str:
        if isinstance(error, APITimeoutError):
            return f"gave no whole answer within {self._timeout:g} s; give it a longer timeout"
        if isinstance(error, APIStatusError):
            return self._refusal(error.response)
        if isinstance(error.__cause__, httpx2.ConnectError):
            return f"cannot be reached ({error.__cause__}); start it, or give another url"
        return f"broke off its answer ({shown(self._public(str(error.__cause__)))})"

    def _refusal(self, response: httpx2.Response) -> str:
        code = response.status_code
        if 300 <= code < 400:
            return f"answers {code}, a redirect, which is not followed; give the url it leads to"
        advice = {401: "; is the key right?", 404: "; does the url end in /v1?"}
        return f"answers {code}: {shown(self._public(_text(response)))}{advice.get(code, '')}"

    def _public(self, text: str) -> str:
        return text.replace(self._secret, "[key]") if self._secret else text

    def error(self, problem: str) -> EngineError:
        return EngineError(f"the server at {self.url} {problem}")


def _may_pass(error: APIError) -> bool:
    """Whether asking again can help."""
    if isinstance(error, APIStatusError):
        return error.status_code == 429 or error.status_code >= 500
    return isinstance(error, APIConnectionError)


def _wait(error: APIError, attempt: int) -> float:
    """Seconds until the next try: what the server asks for, or longer each time."""
    asked = (
        error.response.headers.get("retry-after", "") if isinstance(error, APIStatusError) else ""
    )
    seconds = float(asked) if asked.isdecimal() else _BACKOFF * 2**attempt
    return min(seconds, _LONGEST_WAIT)


def _text(response: httpx2.Response) -> str:
    """The message in an error page, of JSON or of HTML."""
    try:
        said = json.loads(response.content)
    except (ValueError, RecursionError):
        said = response.content[:2000].decode("utf-8", "replace")
    for field in ("error", "message"):
        said = said.get(field, said) if isinstance(said, dict) else said
    return _NOT_TEXT.sub(" ", str(said)).strip()
