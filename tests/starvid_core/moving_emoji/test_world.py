"""The world: what is drawn is what its boxes, captions and motions say."""

import numpy as np
import pytest

from starvid_core.moving_emoji import world
from starvid_core.moving_emoji.captions import caption, clause, varied
from starvid_core.moving_emoji.cast import MOTIONS, SUBJECTS, can, size
from starvid_core.moving_emoji.data import example, generator
from starvid_core.moving_emoji.figures import figure
from starvid_core.moving_emoji.measure import measured
from starvid_core.moving_emoji.motions import MOTIONS as LAWS
from starvid_core.moving_emoji.prompts import held_out_pairs, one_subject, two_subjects
from starvid_core.moving_emoji.world import FIRST, FULL, Act, Scene, WorldConfig, render

EVERY_PERFORMANCE = FULL.performances()


def test_the_world_has_the_papers_26_subjects_and_18_motions() -> None:
    assert (len(SUBJECTS), len(MOTIONS)) == (26, 18)
    assert set(LAWS) == set(MOTIONS)
    assert not can("elephant", "flying") and not can("fish", "running")


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_subject_has_a_motion_and_is_drawn_in_all_of_them(subject: str) -> None:
    motions = [m for s, m in EVERY_PERFORMANCE if s == subject]
    assert motions
    for motion in motions:
        drawn = figure(subject, motion, 0.25)
        assert drawn.getbbox() == (0, 0, *drawn.size)


def test_sizes_in_the_file_are_those_of_the_drawings() -> None:
    for subject, motion in EVERY_PERFORMANCE:
        assert size(subject, motion) == pytest.approx(measured(subject, motion), abs=0.002)


def test_a_clip_is_the_same_for_the_same_seed_and_index() -> None:
    first, again, other = (example(FIRST, seed, 5, images=False) for seed in (1, 1, 2))
    assert np.array_equal(first[0].video, again[0].video) and first[1] == again[1]
    assert not np.array_equal(first[0].video, other[0].video)


@pytest.mark.parametrize(("subject", "motion"), FIRST.performances())
def test_boxes_hold_all_that_is_drawn_and_are_tight(subject: str, motion: str) -> None:
    scene = Scene((Act(subject, motion, 0.3, 0.6),), "desert")
    clip = render(scene, FIRST)
    empty = world.background("desert", FIRST.height, FIRST.width)
    for frame, box in zip(clip.video, clip.boxes[0], strict=True):
        assert box is not None
        changed = np.argwhere(np.abs(frame.astype(float) - empty).max(-1) > 3)
        (top, left), (bottom, right) = changed.min(0), changed.max(0) + 1
        drawn = left / FIRST.width, top / FIRST.height, right / FIRST.width, bottom / FIRST.height
        assert box.x0 <= drawn[0] + 1e-6 and box.y0 <= drawn[1] + 1e-6
        assert box.x1 >= drawn[2] - 1e-6 and box.y1 >= drawn[3] - 1e-6
        assert max(np.abs(np.array(drawn) - (box.x0, box.y0, box.x1, box.y1))) < 0.06


def test_linear_motions_travel_and_still_ones_stay() -> None:
    for motion in MOTIONS:
        law = LAWS[motion]
        ends = [law.law(t).travel for t in (0.0, 1.0)]
        assert (law.reach > 0) == (ends[1] != ends[0] or motion == "dancing"), motion


def test_a_jump_is_ballistic_and_a_bounce_loses_height() -> None:
    heights = [LAWS["jumping"].law(t).rise for t in np.linspace(0, 0.5, 11)[:-1]]
    assert np.allclose(np.diff(heights, 2), np.diff(heights, 2)[0])
    bounce = [LAWS["bouncing"].law(t).rise for t in np.linspace(0, 0.999, 400)]
    peaks = [b for a, b, c in zip(bounce, bounce[1:], bounce[2:], strict=False) if a < b > c]
    assert peaks == sorted(peaks, reverse=True) and len(peaks) >= 2


def test_training_never_shows_a_held_out_pair() -> None:
    pairs = 0
    for k in range(600):
        acts = world.sample_scene(generator(0, k), FIRST).acts
        if len(acts) == 2:
            pairs += 1
            assert not world.held_out(acts[0].subject, acts[1].subject, FIRST)
    assert 0.10 < pairs / 600 < 0.25


def test_pairs_do_not_overlap_in_training_scenes() -> None:
    config = WorldConfig(FIRST.subjects, FIRST.motions, pair_share=1.0)
    for k in range(60):
        clip = example(config, 3, k, images=False)[0]
        for a, b in zip(*clip.boxes, strict=True):
            assert a is None or b is None or a.overlap(b) < 0.12


def test_captions_name_subjects_motions_and_places() -> None:
    scene = Scene((Act("airplane", "flying", 0, 0), Act("car", "sitting", 0, 0)), "snow")
    text = caption(scene, generator(0, 0))
    assert "airplane" in text and ("stops" in text or "is stopping" in text) and "snow" in text
    assert clause(scene.acts[0], 0) == "an airplane is flying"


def test_test_prompts_are_held_out_distinct_and_repeatable() -> None:
    prompts = two_subjects(FIRST, 104)
    assert prompts == two_subjects(FIRST, 104) and len(set(prompts)) == 104
    allowed = {frozenset(pair) for pair in held_out_pairs(FIRST)}
    for prompt in prompts:
        words = set(prompt.lower().replace(",", " ").replace(".", " ").split())
        assert frozenset(words & set(FIRST.subjects)) in allowed
    assert len(set(one_subject(FIRST, 104))) == 104


@pytest.mark.parametrize("motion", [m for m in MOTIONS if LAWS[m].peak])
def test_what_rises_stays_in_the_frame_and_the_short_rise_to_the_peak(motion: str) -> None:
    law, moments = LAWS[motion], np.linspace(0, 1, 101)
    assert max(law.law(t).rise for t in moments) == pytest.approx(law.peak, abs=0.005)
    for subject in (s for s, m in EVERY_PERFORMANCE if m == motion):
        act = Act(subject, motion, 0.5, 0.5, scale=1.08)
        tall = size(subject, motion)[1] * act.scale
        rise = max(world.place(act, t)[1] for t in moments)
        assert rise > 0.05 and tall + rise < world.GROUND
        if tall + law.peak < world.GROUND - 0.02:
            assert rise == pytest.approx(law.peak, abs=0.005)


def test_varied_captions_name_every_subject_and_tell_nothing_false_about_sides() -> None:
    texts = {}
    for k in range(300):
        rng = generator(4, k)
        scene = world.sample_scene(rng, FULL)
        texts[varied(scene, rng)] = scene
    assert len(texts) > 250
    for text, scene in texts.items():
        words = text.lower().replace(",", " ").replace(".", " ").replace(";", " ").split()
        assert all(act.subject in words for act in scene.acts)
        assert not {"left", "right"} & set(words)
