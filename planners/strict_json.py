"""JSON as it is written: no repair, no duplicates, no NaN, and limits before anything is built."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

MOST_BYTES = 1_000_000
MOST_DEPTH = 32
MOST_DIGITS = 25
_SKELETON = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)


class Malformed(ValueError):
    """Why a text is not the JSON that is expected."""


def parse(written: str) -> Any:
    """The value that the text stands for."""
    if not isinstance(written, str):
        raise Malformed(f"a plan is text, got {type(written).__name__}")
    size = len(written.encode("utf-8", "surrogatepass"))
    if size > MOST_BYTES:
        raise Malformed(too_long(size))
    _check_depth(written)
    try:
        return json.loads(
            written,
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_int=lambda digits: _number(digits, int),
            parse_float=lambda digits: _number(digits, float),
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        raise Malformed(f"not JSON at {place} ({error.msg}); write one JSON object") from None


def too_long(size: int) -> str:
    return f"{size} bytes; a plan has {MOST_BYTES} at most"


def _check_depth(written: str) -> None:
    depth = 0
    for match in _SKELETON.finditer(written):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(match.group(), 0)
        if depth > MOST_DEPTH:
            raise Malformed(f"nested deeper than {MOST_DEPTH}; a plan needs 5 levels")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    built: dict[str, Any] = {}
    for key, value in pairs:
        if key in built:
            raise Malformed(f"the key {key[:80]!r} stands twice in one object; keep one")
        built[key] = value
    return built


def _constant(name: str) -> NoReturn:
    raise Malformed(f"{name} is not a number of JSON; write a finite number")


def _number(digits: str, kind: type[int] | type[float]) -> int | float:
    if len(digits) > MOST_DIGITS:
        raise Malformed(f"a number has {len(digits)} digits; keep it to {MOST_DIGITS}")
    number = kind(digits)
    if not math.isfinite(number):
        raise Malformed(f"the number {digits} is too large; write a finite number")
    return number
