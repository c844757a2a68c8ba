"""Replies as JSON: written without white space, read strictly, every fault said in one line."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from planners import strict_json
from starvid_core.errors import InputError

LONGEST_MESSAGE = 600
END = 2  # tokens that a server may count behind the last character
T = TypeVar("T")


class Strict(BaseModel):
    """An object with exactly these keys, whose values have exactly these types."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def compact(value: object) -> str:
    """The one way in which a value is written."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def fault(path: str, reason: str) -> InputError:
    """`path: reason` in one line that any terminal can show."""
    line = "".join(map(_shown, f"{path[:200]}: {reason}"))
    return InputError(line[:LONGEST_MESSAGE])


def _shown(character: str) -> str:
    plain = character.isascii() and character.isprintable()
    return character if plain else character.encode("unicode_escape").decode("ascii")


def parsed(text: str) -> Any:
    """The JSON value of a whole reply."""
    try:
        return strict_json.parse(text)
    except strict_json.Malformed as error:
        raise fault("reply", str(error)) from None


def validated(shape: TypeAdapter[T], value: Any, path: str) -> T:
    """The value if it has the shape."""
    try:
        return shape.validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        steps = (f"[{s}]" if isinstance(s, int) else f".{s}" for s in first["loc"])
        raise fault(path + "".join(steps), reason(first)) from None


def reason(error: Any) -> str:
    """What pydantic found, what was given, and what to do."""
    kind = error["type"]
    if kind == "missing":
        return "this key is missing; add it"
    if kind == "extra_forbidden":
        return "this key is unknown; remove it"
    given = json.dumps(error.get("input"), default=repr)[:80]
    return f"{error['msg'][:1].lower()}{error['msg'][1:]}, got {given}"
