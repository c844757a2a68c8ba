"""The answer of a chat completion, as far as it is read."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)


class Said(_Strict):
    """The assistant's message."""

    content: str


class Choice(_Strict):
    """One reply and why it ended."""

    message: Said
    finish_reason: str


class Usage(_Strict):
    """What a reply cost."""

    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(ge=0)


class Completion(_Strict):
    """The answer of /v1/chat/completions."""

    model: str
    choices: list[Choice] = Field(min_length=1, max_length=1)
    usage: Usage
