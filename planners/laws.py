"""Ways that a body may go in each family of motion, as the camera would see them if it rested."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import product

import numpy as np

from planners.paths import arc

# Moves in fractions of the frame, rightward and down, and size in shares of the first one.
Way = tuple[np.ndarray | float, np.ndarray | float, np.ndarray | float]
_SIGNS = (1, -1)  # to the right, to the left
_SHARES = tuple(round(0.5 + 0.05 * n, 2) for n in range(21))  # of the reach that a motion likes
_DRIFTS = (0.0, 0.04, -0.04, 0.08, -0.08)
_GROWTHS = (1.2, 1.3, 1.45, 0.85, 0.77, 0.69)


def _paces(u: np.ndarray) -> list[np.ndarray]:
    """Shares of a way: at one even pace, or from some time on at another."""
    kinks = product(np.arange(1, 7) / 7, (0.6, 0.8, 1.25, 1.6))
    changed = (np.minimum(u, at) + by * np.maximum(u - at, 0) for at, by in kinks)
    return [u, *changed]


def crossing(u: np.ndarray, reach: float) -> Iterator[Way]:
    """Steady ways to one side, or towards the camera and away from it."""
    for sign, share, pace, growth in product(_SIGNS, _SHARES, _paces(u), (1.0, 1.15, 0.87)):
        yield sign * share * reach * pace, 0.0, growth**u
    for growth, pace in product(_GROWTHS, _paces(u)):
        yield 0.0, 0.0, growth**pace


def flying(u: np.ndarray, reach: float) -> Iterator[Way]:
    """Crossing, and climbing or sinking on the way."""
    yield from crossing(u, reach)
    slopes = (-0.16, -0.12, -0.08, -0.04, 0.04, 0.08, 0.12)
    for sign, share, pace, slope in product(_SIGNS, _SHARES[::2], _paces(u)[::4], slopes):
        yield sign * share * reach * pace, slope * u, 1.0


def swimming(u: np.ndarray, reach: float) -> Iterator[Way]:
    """Crossing, and rocking with the waves."""
    yield from crossing(u, reach)
    waves = (0.03, -0.03, 0.05, -0.05), (1.0, 1.5, 2.0)
    for sign, share, height, times in product(_SIGNS, _SHARES[::2], *waves):
        yield sign * share * reach * u, height * np.sin(2 * np.pi * times * u), 1.0


def staying(u: np.ndarray, reach: float) -> Iterator[Way]:
    yield 0.0, 0.0, 1.0


def swaying(u: np.ndarray, reach: float) -> Iterator[Way]:
    """From side to side about one place."""
    yield from staying(u, reach)
    for width, swing in product((0.02, 0.035, 0.05, 0.065, 0.08), _swings(u)):
        yield width * swing, 0.0, 1.0


def bobbing(u: np.ndarray, reach: float) -> Iterator[Way]:
    """Up and down, drifting little."""
    for height, swing, drift in product((0.03, 0.05, 0.07), _swings(u), _DRIFTS):
        yield drift * u, height * swing, 1.0


def _swings(u: np.ndarray) -> list[np.ndarray]:
    """Waves from one, one and a half or two periods, begun at any of eight phases."""
    waves = (2 * np.pi * (n * u + k / 8) for n, k in product((1, 1.5, 2), range(8)))
    return [np.sin(wave) - np.sin(wave[0]) for wave in waves]


def hopping(u: np.ndarray, reach: float) -> Iterator[Way]:
    """One or two throws of the body, with a way to either side or none."""
    heights, shares = (0.06, 0.09, 0.12, 0.15, 0.18, 0.21, 0.25, 0.3), np.linspace(-1.2, 1.2, 13)
    for times, height, share in product((1, 2), heights, shares):
        flight = times * u % 1
        yield share * reach * u, -height * 4 * flight * (1 - flight), 1.0


def bouncing(u: np.ndarray, reach: float) -> Iterator[Way]:
    """A fall from rest, then flights that keep a share of the height each time."""
    flights = product((2 / 7, 5 / 14, 3 / 7, 1 / 2, 4 / 7), (0.35, 0.45, 0.55, 0.65))
    for (end, kept), height in product(flights, (0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55)):
        above = np.array([_rebounding(float(v), end, kept) for v in u])
        for share in (0.0, 0.5, -0.5, 1.0, -1.0, 1.5, -1.5):
            yield share * reach * u, height * (1 - above), 1.0


def _rebounding(u: float, end: float, kept: float) -> float:
    """Share of the first height at share `u` of the clip, when the first fall takes `end` of it."""
    if u < end:
        return 1 - (u / end) ** 2
    height, start, length = kept, end, 2 * end * kept**0.5
    while u > start + length:
        start, length, height = start + length, length * kept**0.5, height * kept
    return height * arc((u - start) / length)


def falling(u: np.ndarray, reach: float) -> Iterator[Way]:
    """Down, faster and faster."""
    for height, pace, drift in product(np.linspace(0.2, 0.7, 26), (1.6, 1.8, 2.0, 2.3), _DRIFTS):
        yield drift * u, height * u**pace, 1.0


def diving(u: np.ndarray, reach: float) -> Iterator[Way]:
    """Forward, and down faster and faster."""
    heights = np.linspace(0.12, 0.4, 8)
    for sign, share, height, pace in product(_SIGNS, _SHARES[::2], heights, (1.7, 2.0, 2.3)):
        yield sign * share * reach * u, height * u**pace, 1.0


def rising(u: np.ndarray, reach: float) -> Iterator[Way]:
    for height, pace, drift in product(np.linspace(0.15, 0.6, 19), _paces(u)[::2], _DRIFTS):
        yield drift * u, -height * pace, 1.0


def doing(u: np.ndarray, reach: float) -> Iterator[Way]:
    """Who does something unheard of stays or goes."""
    yield from staying(u, reach)
    yield from crossing(u, 0.25)


LAWS: dict[str, Callable[[np.ndarray, float], Iterator[Way]]] = {
    "cross": crossing,
    "fly": flying,
    "swim": swimming,
    "still": staying,
    "stay": staying,
    "sway": swaying,
    "bob": bobbing,
    "hop": hopping,
    "bounce": bouncing,
    "fall": falling,
    "dive": diving,
    "rise": rising,
    "": doing,
}


@lru_cache(maxsize=16)
def ways(law: str, reach: float, frames: int) -> np.ndarray:
    """Every way of a law as [way, key frame, (rightward, down, size)]."""
    u = np.linspace(0.0, 1.0, frames) if frames > 1 else np.zeros(1)
    return np.stack([np.stack([v + 0 * u for v in way], axis=-1) for way in LAWS[law](u, reach)])
