"""What passes on the lattice passes the checks of physics, and lawful ways pass on the lattice."""

import numpy as np
import pytest

from planners import physics
from planners.path_checks import Paths, lawful
from starvid_core.scene import CAMERA_MOVES, Box, ScenePlan, Subject, Trajectory

COLUMNS, ROWS = 36, 20
VERBS = {
    "cross": "running",
    "swim": "swimming",
    "still": "sitting",
    "stay": "singing",
    "hop": "jumping",
    "bounce": "bouncing",
    "fall": "falling",
    "dive": "diving",
    "rise": "rising",
    "bob": "floating",
    "": "glorping",
}


def _trajectory(path: np.ndarray, family: str, camera: str) -> Trajectory:
    plan = ScenePlan("a prompt", (Subject(0, "thing", VERBS[family], 1),), camera=camera)
    row = tuple(Box(a / COLUMNS, c / ROWS, b / COLUMNS, d / ROWS) for a, b, c, d in path.tolist())
    return Trajectory(plan, (row,))


def _walks(draw: np.random.Generator, frames: int, grows: bool) -> np.ndarray:
    """Paths of random steps: of all strengths, up and down, growing and shrinking."""
    count = 300
    most = draw.integers(0, 4, (count, 1))
    shape = (count, frames - 1)
    across, down = (np.cumsum(draw.integers(-most, most + 1, shape), axis=1) for _ in range(2))
    grown = np.cumsum(draw.integers(0, 2, shape) * draw.integers(-1, 2, (count, 1)), axis=1)
    grown *= grows
    left, top, grown = (np.pad(v, ((0, 0), (1, 0))) for v in (across, down, grown))
    left, top = left + 12, top + draw.integers(0, 9, (count, 1))
    return np.stack((left, left + 9 + grown, top, top + 8 + grown), axis=-1)


@pytest.mark.parametrize("family", VERBS)
@pytest.mark.parametrize("frames", [5, 8])
def test_random_paths_that_pass_break_no_rule(family: str, frames: int) -> None:
    draw = np.random.default_rng(len(VERBS[family]) + frames)
    tried = 0
    for camera in ("static", "static", "zoom in", "pan right", "pan up"):
        walks = _walks(draw, frames, family != "bounce")
        lawful_ones = walks[lawful(Paths(walks, COLUMNS, ROWS), family, camera)][:40]
        tried += len(lawful_ones)
        for path in lawful_ones:
            broken = {v.code for v in physics.check(_trajectory(path, family, camera))}
            assert broken <= {"inside", "area"}, path
    assert tried >= 40


def test_every_camera_move_has_its_perspective() -> None:
    still = np.tile(np.array([10, 20, 5, 15]), (8, 1))[None]
    for camera in CAMERA_MOVES[1:]:
        assert not lawful(Paths(still, COLUMNS, ROWS), "still", camera).any()


@pytest.mark.parametrize(
    ("heights", "passes"),
    [
        ([0, 1, 4, 9, 6, 5, 6, 9], True),
        ([9, 5, 4, 6, 9, 6, 5, 7], True),  # from the ground
        ([0, 3, 6, 9, 6, 5, 6, 9], False),  # at one pace
        ([4, 5, 7, 9, 5, 3, 2, 2], False),  # higher than before
        ([0, 1, 2, 4, 6, 8, 9, 9], False),  # no rebound
        ([5, 5, 5, 5, 5, 5, 5, 5], False),
    ],
)
def test_a_bounce_falls_faster_and_rebounds_lower(heights: list[int], passes: bool) -> None:
    path = np.array([[[10, 16, top, top + 6] for top in heights]])
    assert lawful(Paths(path, COLUMNS, ROWS), "bounce", "static").tolist() == [passes]
