"""Exercises of the notebooks: an answer beside what is true, told in words."""

from __future__ import annotations

from typing import Any

import numpy as np

TOLERANCE = 1e-3


def check(answer: Any, truth: Any, hint: str = "") -> str:
    """Whether an answer is right: words as words, numbers and arrays to a thousandth."""
    if answer is None:
        return "No answer yet: replace None in the cell above, run it, then run this cell again."
    if _same(answer, truth):
        return "Right."
    return f"Not yet: {hint or 'try again.'}"


def _same(answer: Any, truth: Any) -> bool:
    if isinstance(truth, str | bool):
        return type(answer) is type(truth) and _plain(answer) == _plain(truth)
    try:
        given, expected = (np.asarray(value, dtype=float) for value in (answer, truth))
    except (TypeError, ValueError):
        return False
    return given.shape == expected.shape and bool(
        np.allclose(given, expected, rtol=TOLERANCE, atol=TOLERANCE**2)
    )


def _plain(value: str | bool) -> str:
    return " ".join(str(value).casefold().split())
