"""The paper's numbers, and that nonsense is refused where it is written down."""

import math
from dataclasses import replace

import pytest

from starvid_core.config import SamplingConfig, StarVidConfig
from starvid_core.errors import InputError


def test_the_defaults_are_the_numbers_of_section_4_a() -> None:
    c = StarVidConfig()
    assert (c.spatial_until, c.syntax_until, c.of_steps) == (5, 25, 50)
    assert (c.spatial_iterations, c.syntax_iterations, c.neighbours) == (10, 1, 1)
    assert (c.spatial_weight, c.syntax_weight, c.learning_rate) == (30, 20, 1)
    assert (c.foreground, c.background, c.distance, c.form) == (1, 1, "kl", "ratio")
    assert SamplingConfig().steps == 50


@pytest.mark.parametrize(
    ("steps", "limits"), [(50, (5, 25)), (25, (3, 13)), (10, (1, 5)), (100, (10, 50)), (1, (1, 1))]
)
def test_phases_keep_their_share_of_another_number_of_steps(steps: int, limits) -> None:
    scaled = StarVidConfig().scaled(steps)
    assert (scaled.spatial_until, scaled.syntax_until) == limits
    assert scaled.of_steps == steps
    assert replace(scaled, spatial_until=5, syntax_until=25, of_steps=50) == StarVidConfig()


@pytest.mark.parametrize(
    "changes",
    [
        {"spatial_until": 26},
        {"spatial_until": -1},
        {"syntax_until": 51},
        {"of_steps": 0, "spatial_until": 0, "syntax_until": 0},
        {"spatial_iterations": 0},
        {"syntax_iterations": -1},
        {"spatial_weight": -1.0},
        {"syntax_weight": math.nan},
        {"learning_rate": 0.0},
        {"learning_rate": math.inf},
        {"temperature": 0.0},
        {"neighbours": -1},
        {"threshold": -0.1},
        {"stages": ()},
        {"stages": ("top",)},
    ],
)
def test_a_config_that_cannot_run_is_refused(changes: dict) -> None:
    with pytest.raises(InputError):
        replace(StarVidConfig(), **changes)


@pytest.mark.parametrize("changes", [{"steps": 0}, {"guidance_scale": math.nan}, {"eta": -1.0}])
def test_a_sampling_config_that_cannot_run_is_refused(changes: dict) -> None:
    with pytest.raises(InputError):
        SamplingConfig(**changes)
