"""Options: what can be chosen and of which type; one line with the nearest name for what cannot."""

from __future__ import annotations

import difflib
import pkgutil
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from starvid_core.errors import InputError


def choices(kind: str) -> list[str]:
    """What can be chosen from a folder of this package where every file is one choice."""
    found = pkgutil.iter_modules([str(Path(__file__).parent / kind)])
    return sorted(module.name for module in found if module.name != "base")


def known(kind: str, name: str, expected: Sequence[str]) -> str:
    """`name` if it is one of the expected; otherwise an error with the nearest one."""
    if name in expected:
        return name
    begun = [one for one in expected if name and one.startswith(name)]
    near = difflib.get_close_matches(name, expected, 1) or begun
    hint = f"; did you mean {near[0]}?" if near else ""
    raise InputError(f"unknown {kind} {name!r}, expected {', '.join(expected) or 'none'}{hint}")


def check_options(method: str, defaults: dict[str, Any], options: dict[str, Any]) -> None:
    """Refuse an option that this method has not, or a value of another type than its default."""
    for name, value in options.items():
        known(f"option of {method}", name, list(defaults))
        if name != "record" and not _fits(value, defaults[name]):
            raise InputError(f"{name} must be like {defaults[name]!r}, got {value!r}")


def parsed(
    method: str, defaults: dict[str, Any], texts: Iterable[tuple[str, str]]
) -> dict[str, Any]:
    """Options as they are typed on a command line, each read as the type of its default."""
    given: dict[str, Any] = {}
    for name, text in texts:
        known(f"option of {method}", name, list(defaults))
        if name in given:
            raise InputError(f"{name} is given twice, {given[name]!r} and {text!r}; give it once")
        try:
            given[name] = _read(text, defaults[name])
        except ValueError:
            raise InputError(
                f"{name} must be like {_shown(defaults[name])}, got {text!r}"
            ) from None
    return given


def _read(text: str, default: Any) -> Any:
    """The value that `text` says; a list is written with commas, a truth as true or false."""
    if isinstance(default, tuple):
        return tuple(_read(part.strip(), default[0]) for part in text.split(",") if part.strip())
    if isinstance(default, bool):
        return ("false", "true").index(text.lower()) == 1
    return type(default)(text)


def _shown(default: Any) -> str:
    if isinstance(default, tuple):
        return ",".join(map(_shown, default))
    return str(default).lower() if isinstance(default, bool) else str(default)


def _fits(value: Any, default: Any) -> bool:
    if isinstance(default, tuple):
        return isinstance(value, list | tuple) and all(_fits(v, default[0]) for v in value)
    if isinstance(default, bool) or isinstance(value, bool):
        return type(value) is type(default)
    expected = (int, float) if isinstance(default, float) else type(default)
    return isinstance(value, expected)


def changed(base: Any, options: dict[str, Any]) -> Any:
    """`base` with its own among the options, in its own types: 3 and 3.0 are one spec."""
    own = asdict(base)
    return replace(base, **{k: _typed(own[k], v) for k, v in options.items() if k in own})


def _typed(default: Any, value: Any) -> Any:
    if isinstance(default, tuple):
        return tuple(_typed(default[0], v) for v in value)
    return type(default)(value)
