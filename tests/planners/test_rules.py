"""Plans by rules obey the frame, the words and physics."""

import json
import random
import subprocess
import sys
from itertools import combinations, pairwise
from pathlib import Path

import pytest

from planners import layout, physics, rules
from planners.actors import size
from starvid_core.errors import InputError
from starvid_core.moving_emoji import cast
from starvid_core.scene import Box, Trajectory

TABLE = json.loads(Path(__file__).with_name("prompts.json").read_text(encoding="utf-8"))
PAIRS = [(s, m) for s in cast.SUBJECTS for m in cast.MOTIONS if cast.can(s, m)]
WORDING = {
    "riding bicycle": "riding a bicycle",
    "riding horse": "riding a horse",
}
CAMERAS = ("", "", ", zoom out", ", zoom in", ", pan left", ", pan right", ", pan up", ", pan down")


def _prompt(chosen: list[tuple[str, str]], camera: str = "") -> str:
    clauses = [f"one {s} is {WORDING.get(m, m)}" for s, m in chosen]
    return " and ".join(clauses) + camera


def _xs(trajectory: Trajectory, instance: int) -> list[float]:
    return [box.center[0] for box in _row(trajectory, instance)]


def _row(trajectory: Trajectory, instance: int) -> list[Box]:
    return [box for box in trajectory.boxes[instance] if box is not None]


def _assert_sound(trajectory: Trajectory) -> None:
    prompt = trajectory.plan.prompt
    assert physics.check(trajectory) == (), prompt
    for first, second in combinations(trajectory.boxes, 2):
        assert all(a.overlap(b) == 0 for a, b in zip(first, second, strict=True) if a and b)
    for box in (box for row in trajectory.boxes for box in row):
        assert box is not None and min(box.x0, box.y0) >= 0 and max(box.x1, box.y1) <= 1
        assert box.width >= 1 / 18 and box.height >= 1 / 10, prompt


@pytest.mark.parametrize("prompt", [row[0] for row in TABLE], ids=str)
def test_plans_of_the_table_break_no_rule(prompt: str) -> None:
    _assert_sound(rules.plan(prompt))


def test_three_hundred_random_casts_break_no_rule() -> None:
    draw = random.Random(1)
    for _ in range(300):
        chosen = draw.choices(PAIRS, k=draw.choice((1, 2, 2, 3, 3, 4, 5, 6, 7, 8)))
        _assert_sound(rules.plan(_prompt(chosen, draw.choice(CAMERAS))))


@pytest.mark.parametrize("frames", [1, 2, 3, 5, 16, 24, 64])
def test_other_numbers_of_frames_break_no_rule(frames: int) -> None:
    draw = random.Random(frames)
    for _ in range(15):
        trajectory = rules.plan(_prompt(draw.choices(PAIRS, k=3), draw.choice(CAMERAS)), frames)
        assert trajectory.frames == frames
        _assert_sound(trajectory)


def test_resampled_plans_break_no_rule() -> None:
    draw = random.Random(2)
    for _ in range(80):
        trajectory = rules.plan(_prompt(draw.choices(PAIRS, k=draw.randint(1, 4))))
        assert physics.check(trajectory.resample(16)) == (), trajectory.plan.prompt


def test_eight_of_every_kind_fit() -> None:
    for subject, motion in PAIRS[::2]:
        _assert_sound(rules.plan(_prompt([(subject, motion)] * 8)))


@pytest.mark.parametrize(("subject", "motion"), PAIRS)
def test_one_subject_has_the_size_that_it_is_drawn_with(subject: str, motion: str) -> None:
    width, height = cast.size(subject, motion)
    box = _row(rules.plan(_prompt([(subject, motion)])), 0)[0]
    assert 0.8 * width <= box.width <= 1.1 * width + 1e-9
    assert 0.8 * height <= box.height <= 1.1 * height + 1e-9


def test_two_subjects_keep_at_least_four_fifths_of_their_size() -> None:
    for a, b in combinations(PAIRS, 2):
        if (PAIRS.index(a) * 7 + PAIRS.index(b) * 13) % 19:
            continue
        trajectory = rules.plan(_prompt([a, b]))
        for n, (subject, motion) in enumerate((a, b)):
            share = _row(trajectory, n)[0].width / cast.size(subject, motion)[0]
            assert 0.8 - 1e-9 <= share <= 1.1, (a, b)


def test_levels_of_shrinking_never_grow_again() -> None:
    for (size_, way), (smaller, shorter) in pairwise(layout.LEVELS):
        assert smaller <= size_ and shorter <= way


def test_plans_do_not_depend_on_chance() -> None:
    prompt = "Two dogs are running, a cat sits and a bird is flying"
    assert rules.plan(prompt) == rules.plan(prompt)


def test_flyers_are_above_and_the_others_share_the_ground_line() -> None:
    trajectory = rules.plan("A bird is flying, a cat is sitting, and a dog is running")
    bird, cat, dog = (_row(trajectory, n) for n in range(3))
    assert all(b.y1 <= c.y0 for b, c in zip(bird, cat, strict=True))
    assert {round(box.y1, 9) for box in cat + dog} == {0.9}


@pytest.mark.parametrize("who", ["A penguin slides", "An emu runs", "A duck walks", "A hen moves"])
def test_birds_on_foot_are_on_the_ground(who: str) -> None:
    bird, boy = rules.plan(f"{who} while a boy runs.").boxes
    assert all(box.y1 == pytest.approx(boy[0].y1) for box in bird)


@pytest.mark.parametrize(
    ("prompt", "signs"),
    [
        ("Two birds fly in opposite directions.", (-1, 1)),
        ("A dog and a cat run away from each other.", (-1, 1)),
        ("A dog and a cat run towards each other.", (1, -1)),
    ],
)
def test_who_goes_apart_or_together_goes_both_ways(prompt: str, signs: tuple[int, int]) -> None:
    for row, sign in zip(rules.plan(prompt).boxes, signs, strict=True):
        assert sign * (row[-1].center[0] - row[0].center[0]) > 0.05


def test_runners_are_faster_than_walkers() -> None:
    trajectory = rules.plan("A man is walking and a woman is running")
    walk, run = (_xs(trajectory, n)[-1] - _xs(trajectory, n)[0] for n in range(2))
    assert run > walk >= 0.12


def test_two_linear_movers_travel_visibly() -> None:
    for a, b in combinations(["running", "walking", "riding bicycle", "skateboarding"], 2):
        trajectory = rules.plan(_prompt([("man", a), ("woman", b)]))
        for n in range(2):
            assert abs(_xs(trajectory, n)[-1] - _xs(trajectory, n)[0]) >= 0.12, (a, b)


@pytest.mark.parametrize(("where", "sign"), [("to the left", -1), ("to the right", 1)])
def test_direction_words_set_the_direction(where: str, sign: int) -> None:
    xs = _xs(rules.plan(f"A dog is running {where} and a cat is sitting"), 0)
    assert all(sign * (b - a) > 0.01 for a, b in pairwise(xs))


def test_towards_the_camera_grows_and_away_shrinks() -> None:
    near = _row(rules.plan("A dog is walking towards the camera"), 0)
    far = _row(rules.plan("A dog is walking into the distance"), 0)
    assert near[-1].width > 1.2 * near[0].width and far[0].width > 1.2 * far[-1].width


def test_who_walks_towards_somebody_on_the_left_goes_left() -> None:
    trajectory = rules.plan("A man is walking towards a stopped car on the left")
    assert _xs(trajectory, 0)[-1] < _xs(trajectory, 0)[0]
    assert _xs(trajectory, 1)[0] < _xs(trajectory, 0)[-1]


def test_sitters_keep_their_box() -> None:
    assert len(set(_row(rules.plan("A cat is sitting and a dog is running"), 0))) == 1


def test_a_jump_is_ballistic() -> None:
    heights = [1 - box.y1 for box in _row(rules.plan("A tiger is jumping", 33), 0)]
    hop = heights[1:16]
    bends = [a - 2 * b + c for a, b, c in zip(hop, hop[1:], hop[2:], strict=False)]
    assert max(heights) > 0.25 and all(abs(bend - bends[0]) < 1e-9 and bend < 0 for bend in bends)


def test_a_ball_falls_faster_and_bounces_lower() -> None:
    heights = [1 - box.y1 for box in _row(rules.plan("A ball is bouncing", 57), 0)]
    assert heights[16] == pytest.approx(0.1)
    falls = [a - b for a, b in pairwise(heights[:17])]
    assert falls == sorted(falls)
    assert 0.1 < max(heights[17:]) < heights[0]


def test_zoom_out_shrinks_everybody_towards_the_middle() -> None:
    row = _row(rules.plan("A cat is sitting and a man is walking, zoom out"), 0)
    assert all(b.width < a.width for a, b in pairwise(row))
    assert abs(row[-1].center[0] - 0.5) < abs(row[0].center[0] - 0.5)


@pytest.mark.parametrize("frames", [0, -1, 257, 2.0, "8", True])
def test_a_bad_number_of_frames_is_refused(frames: object) -> None:
    with pytest.raises(InputError, match="give a whole number from 1 to 256"):
        rules.plan("A dog is running", frames)  # type: ignore[arg-type]


def test_unusual_pairs_get_a_size_that_fits() -> None:
    for like in (*cast.SUBJECTS, "thing"):
        for motion in (*cast.MOTIONS, "reading", "riding elephant", "falling"):
            width, height = size(like, motion)
            assert 0.05 < width <= 0.5 and 0.1 < height <= 0.95


def test_the_planner_needs_no_tensors_and_starts_fast() -> None:
    code = (
        "import sys, planners.rules, planners.schema, planners.physics;"
        "planners.rules.plan('A dog is running');"
        "print(sorted({'torch', 'numpy', 'diffusers', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
