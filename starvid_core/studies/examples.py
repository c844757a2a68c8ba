"""Examples of Fig. 1: clips that show a kind of misalignment, chosen by the judge's numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starvid_core.studies import Cell

if TYPE_CHECKING:
    from pandas import DataFrame
else:
    DataFrame = Any

PLAIN = "plain"


def _excessive(clips: DataFrame) -> DataFrame:
    """Fig. 1(a): every subject is there, and something more."""
    full = clips[(clips["present"] == 1) & (clips["extra"] > 0)]
    return full.sort_values(["extra", "numeracy"], ascending=[False, True], kind="stable")


def _neglected(clips: DataFrame) -> DataFrame:
    """Fig. 1(b): a subject is missing, and nothing is there that was not asked for."""
    return clips[clips["present"] < 1].sort_values(["present", "extra"], kind="stable")


def _leaked(clips: DataFrame) -> DataFrame:
    """Fig. 1(c): a subject does what another one was asked to do, which does it, too."""
    bound = clips[(clips["leakage"] > 0) & (clips["action_binding"] > 0)]
    return bound.sort_values("numeracy", ascending=False, kind="stable")


def _swapped(clips: DataFrame) -> DataFrame:
    """Fig. 1(d): a subject does what another one was asked to do, and none its own."""
    bound = clips[(clips["leakage"] > 0) & (clips["action_binding"] == 0)]
    return bound.sort_values(["leakage", "numeracy"], ascending=False, kind="stable")


KINDS: dict[str, Callable[[DataFrame], DataFrame]] = {
    "excessive subjects": _excessive,
    "subject neglect": _neglected,
    "motion leakage": _leaked,
    "motion-subject misalignment": _swapped,
}


def misalignments(table: DataFrame) -> dict[str, tuple[Cell, int]]:
    """Of every kind the clearest plain clip, and how many are of that kind.

    A clip that is of several kinds stands for one if the others have clips of their own; a kind
    without any clip is left out.
    """
    plain = table[table["variant"] == PLAIN]
    found: dict[str, tuple[Cell, int]] = {}
    for kind, choose in KINDS.items():
        rows = choose(plain)[["prompt", "seed"]].to_records(index=False)
        cells = [Cell(PLAIN, str(prompt), int(seed)) for prompt, seed in rows]
        taken = {cell for cell, _ in found.values()}
        fresh = [cell for cell in cells if cell not in taken]
        if cells:
            found[kind] = (fresh or cells)[0], len(cells)
    return found
