"""One file an engine, each with `load(...) -> Engine`."""

from __future__ import annotations

import contextlib
import difflib
import inspect
import sys
from pathlib import Path
from typing import Any

from planners.engines.base import Engine, EngineError, Message, Picture, Reply, Request
from starvid_core.discovery import find
from starvid_core.errors import InputError

__all__ = ["Engine", "EngineError", "Message", "Picture", "Reply", "Request", "load"]

_KINDS = {str: "a text", int: "a whole number", float: "a number"}


def load(name: str, **options: Any) -> Engine:
    """The engine of the file `engines/<name>.py`; unknown names and options are InputErrors.

    Numbers may be given as text, as a command line has them.
    """
    make = find(sys.modules[__name__], name).load
    known = inspect.signature(make, eval_str=True).parameters
    for option in options:
        if option not in known:
            raise InputError(
                f"engine {name!r} has no option {option!r}{_hint(option, list(known))}"
            )
    return make(**{o: _typed(name, o, v, known[o].annotation) for o, v in options.items()})


def _hint(option: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(option, known, 1, cutoff=0.5)
    guess = f"; did you mean {nearest[0]!r}?" if nearest else ";"
    return f"{guess} known: {', '.join(known)}"


def _typed(engine: str, option: str, value: Any, kind: type) -> Any:
    """The value as its annotation says: `str`, `int` or `float`."""
    with contextlib.suppress(ValueError, OverflowError):
        if kind is not str and isinstance(value, str):
            return kind(value)
        if kind is float and isinstance(value, int):
            return float(value)
        if kind is str and isinstance(value, Path):
            return str(value)
        if type(value) is kind:
            return value
    raise InputError(f"option {option!r} of engine {engine!r} is {value!r}; give {_KINDS[kind]}")
