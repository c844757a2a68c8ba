"""Several processes at one job, one for each GPU of a node, as torchrun starts them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from accelerate import PartialState
else:
    PartialState = Any

T = TypeVar("T")
_PATIENCE = timedelta(days=7)  # one process may be at work that much longer than another


def count() -> int:
    """How many processes share this job."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def first() -> bool:
    """Whether this process is the one that reports for all."""
    return os.environ.get("RANK", "0") == "0"


def mine(work: Sequence[T]) -> list[T]:
    """The part of `work` that is for this process, on its own GPU; alone, all of it.

    The parts are runs of neighbors, in order, of equal size up to one.
    """
    if count() == 1:
        return list(work)
    with _state().split_between_processes(list(work)) as part:
        return list(part)


def wait() -> None:
    """Return when every process has come here."""
    if count() > 1:
        _state().wait_for_everyone()


def _state() -> PartialState:
    from accelerate import PartialState

    return PartialState(timeout=_PATIENCE)
