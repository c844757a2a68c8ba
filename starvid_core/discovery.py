"""Backbones, methods and their like are found by file name; there is no list to keep."""

import difflib
import pkgutil
from collections.abc import Iterable
from importlib import import_module
from types import ModuleType

from starvid_core.errors import InputError


def names(package: ModuleType) -> tuple[str, ...]:
    """The modules of a package that can be chosen, in alphabetical order; `base` is shared code."""
    return tuple(sorted(m.name for m in pkgutil.iter_modules(package.__path__) if m.name != "base"))


def find(package: ModuleType, name: str) -> ModuleType:
    """The module of that name; an unknown name is an InputError with the nearest known one."""
    known = names(package)
    if name not in known:
        kind = package.__name__.rpartition(".")[2].removesuffix("s")
        raise InputError(f"{kind} {name!r} is unknown{_hint(name, known)}: {', '.join(known)}")
    return import_module(f"{package.__name__}.{name}")


def _hint(name: str, known: Iterable[str]) -> str:
    nearest = difflib.get_close_matches(name, list(known), 1, cutoff=0.5)
    return f"; did you mean {nearest[0]!r}? known" if nearest else "; known"
