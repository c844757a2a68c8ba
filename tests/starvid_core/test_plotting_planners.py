"""Fig. 8: boxes stand where they were planned, fade to the first frame, and scores stand beside."""

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from starvid_core import plotting
from starvid_core.plotting import style
from starvid_core.plotting.scores import draw_values
from starvid_core.scene import Box, ScenePlan, Subject, Trajectory

PROMPT = "A man is walking away from the camera and a bear is sitting on a long wall, zoom out."
NOUNS = ("man", "cat")
TITLES = {"valid": "Valid", "overlap": "Overlap"}


@pytest.fixture(autouse=True)
def our_style():
    with matplotlib.rc_context():
        plotting.use_style()
        yield


def planned(nouns=NOUNS, frames=4, prompt=PROMPT):
    subjects = tuple(Subject(n, noun, "walking") for n, noun in enumerate(nouns))
    rows = tuple(
        tuple(Box(0.1 * f + 0.05 * n, 0.2, 0.1 * f + 0.3, 0.9) for f in range(frames))
        for n in range(len(nouns))
    )
    return Trajectory(ScenePlan(prompt, subjects), rows)


def figure(*drawn, prompt=PROMPT, nouns=NOUNS):
    """A row for every plan, the same prompt in three columns, and a row of scores alone."""
    prompts = [f"{prompt}{end}" for end in ("", " ", "  ")]
    cases = {f"planner {n}": dict.fromkeys(prompts, one) for n, one in enumerate(drawn)}
    checks = {"valid": np.array([0.0, 1.0, 1.0]), "overlap": np.array([np.nan, 0.5, 0.7])}
    plans = {name: checks for name in cases} | {"empty": dict.fromkeys(TITLES, np.full(3, np.nan))}
    clips = {name: {"iou": np.array([0.25, 0.75])} for name in (*cases, "no plan")}
    parts = [("Plans", plans, TITLES), ("Videos", clips, {"iou": "IoU"})]
    return plotting.plot_planners(cases, dict.fromkeys(prompts, nouns), parts)


def frames_of(made):
    panels = [axes for axes in made.axes if not axes.collections and axes.get_ylim() == (1, 0)]
    return [[p for p in axes.patches if isinstance(p, Rectangle)] for axes in panels]


def test_every_box_is_drawn_where_it_was_planned_the_last_one_strongest() -> None:
    first, *_ = frames_of(figure(plotting.Drawn(planned())))
    assert len(first) == 2 * 4
    man, cat = first[:4], first[4:]
    assert [b.get_x() for b in man] == pytest.approx([0, 0.1, 0.2, 0.3])
    assert [b.get_alpha() for b in man] == sorted(b.get_alpha() for b in man)
    assert man[-1].get_alpha() == 1 and man[0].get_alpha() < 0.3
    assert to_hex(man[0].get_edgecolor()).upper() == style.SUBJECTS[0]
    assert to_hex(cat[0].get_edgecolor()).upper() == style.SUBJECTS[1]


def test_a_subject_keeps_its_color_wherever_a_planner_lists_it() -> None:
    swapped, *_ = frames_of(figure(plotting.Drawn(planned(("cat", "man", "wall")))))
    inks = [to_hex(swapped[n].get_edgecolor()).upper() for n in (0, 4, 8)]
    assert inks == [style.SUBJECTS[1], style.SUBJECTS[0], style.FAINT]


def test_what_is_wrong_with_a_plan_stands_below_it() -> None:
    breaks = ("apart", "speed", "perspective", "gravity")
    drawn = plotting.Drawn(planned()), plotting.Drawn(planned(), breaks), plotting.Drawn(None)
    said = [text.get_text() for text in figure(*drawn).texts]
    assert said.count("valid") == 3 and said.count("no plan") == 3 + 1
    assert said.count("breaks apart, speed, …") == 3
    assert len(frames_of(figure(*drawn))) == 9 and not any(frames_of(figure(drawn[2])))


def test_scores_are_means_with_their_interval_of_what_there_is() -> None:
    said = [text.get_text() for text in figure(plotting.Drawn(planned())).texts]
    assert "0.67 [0.00, 1.00]" in said and "0.60 [0.50, 0.70]" in said
    assert said.count("0.50 [0.25, 0.75]") == 2, "a planner, and the plain clip"
    assert sum("[" in text for text in said) == 4, "without values nothing is said"


@pytest.mark.parametrize("frames", [1, 2, 8])
def test_somebody_out_of_sight_is_not_drawn(frames) -> None:
    plan = planned(frames=frames)
    hidden = Trajectory(plan.plan, (plan.boxes[0], (None,) * frames))
    first, *_ = frames_of(figure(plotting.Drawn(hidden)))
    assert len(first) == frames


def test_texts_do_not_overlap_and_are_large_enough() -> None:
    made = figure(plotting.Drawn(planned(), ("apart", "speed", "perspective")))
    made.draw_without_rendering()
    areas = [text.get_window_extent() for text in made.texts]
    pairs = [(a, b) for i, a in enumerate(areas) for b in areas[:i]]
    assert not [pair for pair in pairs if pair[0].overlaps(pair[1])]
    assert all(a.x0 >= 0 and a.x1 <= made.bbox.width for a in areas)
    assert min(text.get_fontsize() for text in made.texts) >= 7


@pytest.mark.parametrize("prompt", ["a $\\ud$ dog 5$ x_{x}", "\x1b[31m a\ncat", "dog " * 200])
def test_foreign_text_does_no_harm(prompt, tmp_path) -> None:
    made = figure(plotting.Drawn(planned(("dog", "c$a$t"))), prompt=prompt, nouns=("dog", "c$a$t"))
    assert plotting.save(made, tmp_path / "figure").stat().st_size > 10_000


def test_dots_of_many_prompts_stay_small() -> None:
    sizes = []
    for count in (4, 20, 200):
        axes = Figure().add_subplot()
        draw_values(axes, 0, np.ones(count), style.INK)
        sizes.append(float(axes.collections[0].get_sizes()[0]))
    assert sizes == [20, 100, 100]
