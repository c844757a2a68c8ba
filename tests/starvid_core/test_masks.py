"""Boxes on the grid: the rounding rule, and that no visible box is lost."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from starvid_core.masks import subject_masks
from starvid_core.scene import Box, ScenePlan, Subject, Trajectory


def plan_of(*numbers: int) -> ScenePlan:
    subjects = tuple(Subject(n, "dog", "runs", number) for n, number in enumerate(numbers))
    return ScenePlan("dogs run", subjects)


def one(*boxes: Box | None, frames: int = 1, h: int = 4, w: int = 8) -> torch.Tensor:
    return subject_masks(Trajectory(plan_of(1), (boxes,)), frames, h, w)[0]


def test_a_cell_is_inside_when_its_center_is() -> None:
    mask = one(Box(0.06, 0.25, 0.50, 0.75))[0]
    expected = torch.zeros(4, 8)
    expected[1:3, 0:4] = 1
    assert mask.equal(expected)
    assert one(Box(0.07, 0.25, 0.50, 0.75))[0, 1, 0] == 0


def test_centers_on_an_edge_count_on_the_left_and_the_top_only() -> None:
    mask = one(Box(0.0625, 0.125, 0.3125, 0.625))[0]
    expected = torch.zeros(4, 8)
    expected[0:2, 0:2] = 1
    assert mask.equal(expected)


def test_boxes_side_by_side_share_no_cell_and_leave_none_out() -> None:
    left, right = one(Box(0, 0, 0.4375, 1))[0], one(Box(0.4375, 0, 1, 1))[0]
    assert (left + right).equal(torch.ones(4, 8))


def test_a_box_smaller_than_a_cell_takes_the_cell_of_its_center() -> None:
    for x, y in ((0.01, 0.01), (0.5, 0.5), (0.13, 0.99), (0.99, 0.26)):
        mask = one(Box(x - 0.005, y - 0.005, x + 0.005, y + 0.005))[0]
        assert mask.sum() == 1
        assert mask[int(y * 4), int(x * 8)] == 1


def test_a_thin_box_keeps_its_length() -> None:
    mask = one(Box(0, 0.26, 1, 0.3))[0]
    assert mask.sum(1).tolist() == [0, 8, 0, 0]


def test_the_boxes_of_table_10_that_naive_rounding_loses_have_a_cell() -> None:
    for x, y, w, h in ((365, 210, 25, 20), (362, 208, 20, 16), (359, 206, 15, 12)):
        box = Box(x / 576, y / 320, (x + w) / 576, (y + h) / 320)
        for grid in ((10, 18), (5, 9)):
            assert one(box, h=grid[0], w=grid[1]).sum() >= 1


def test_a_box_that_is_out_of_the_frame_or_missing_has_an_empty_mask() -> None:
    gone = (Box(1.0, 0, 1.5, 1), Box(-1, 0, 0, 1), Box(0, 1.2, 1, 1.3), None)
    assert not one(*gone, frames=4).any()


def test_a_box_half_out_of_the_frame_is_cut_at_its_edge() -> None:
    assert one(Box(-0.5, -0.5, 0.25, 0.5))[0].sum() == 4
    assert one(Box(0.999, 0.999, 3, 3))[0].nonzero().tolist() == [[3, 7]]


def test_the_key_frames_are_stretched_over_the_frames() -> None:
    masks = one(Box(0, 0, 0.25, 1), Box(0.75, 0, 1, 1), frames=3)
    assert [m[0].nonzero().flatten().tolist() for m in masks] == [[0, 1], [3, 4], [6, 7]]


def test_instances_of_a_subject_are_joined_and_subjects_are_not() -> None:
    boxes = ((Box(0, 0, 0.25, 1),), (Box(0.125, 0, 0.5, 1),), (Box(0.5, 0, 1, 1),))
    masks = subject_masks(Trajectory(plan_of(2, 1), boxes), 2, 4, 8)
    assert masks.shape == (2, 2, 4, 8)
    assert masks[0, 1, 0].tolist() == [1, 1, 1, 1, 0, 0, 0, 0]
    assert masks[1, 1, 0].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]


edges = st.tuples(st.floats(-0.5, 1.5), st.floats(1e-6, 1.0))


@settings(max_examples=200, deadline=None)
@given(edges, edges, st.integers(1, 12), st.integers(1, 12))
def test_every_box_with_some_area_in_the_frame_has_a_cell(x, y, h: int, w: int) -> None:
    box = Box(x[0], y[0], x[0] + x[1], y[0] + y[1])
    visible = all(max(low, 0) < min(high, 1) for low, high in ((box.x0, box.x1), (box.y0, box.y1)))
    mask = one(box, h=h, w=w)
    assert bool(mask.any()) == visible
    assert set(mask.unique().tolist()) <= {0.0, 1.0}
