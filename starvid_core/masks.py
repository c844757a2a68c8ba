"""Masks M of the subjects: a trajectory's boxes on the grid of the maps (Section III-C.2).

Rounding rule: a cell is inside a box when its center is, the left and top edges counting as inside.
Where a box that is partly in the frame spans no center along an axis, it takes along that axis the
cell that holds the middle of its visible part, so no visible box is ever lost.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from starvid_core.scene import Box, Trajectory


def subject_masks(
    trajectory: Trajectory, frames: int, h: int, w: int
) -> Float[Tensor, "subject frame h w"]:
    """M: 1 inside a subject's box, 0 outside; empty where the subject is out of sight.

    The instances of one subject ("two dogs") share one mask.
    """
    rows = iter(trajectory.resample(frames).boxes)
    return torch.stack(
        [_joined([next(rows) for _ in range(s.number)], h, w) for s in trajectory.plan.subjects]
    )


def latent_masks(
    trajectory: Trajectory, spans: Sequence[range], h: int, w: int
) -> Float[Tensor, "subject frame h w"]:
    """M of latent frames that hold the video frames `spans`: 1 where it is 1 in any of these."""
    M = subject_masks(trajectory, spans[-1].stop, h, w)
    return torch.stack([M[:, span.start : span.stop].amax(1) for span in spans], 1)


def _joined(instances: list[tuple[Box | None, ...]], h: int, w: int) -> Float[Tensor, "frame h w"]:
    masks = [torch.stack([_box_mask(box, h, w) for box in row]) for row in instances]
    return torch.stack(masks).amax(0)


def _box_mask(box: Box | None, h: int, w: int) -> Float[Tensor, "h w"]:
    if box is None:
        return torch.zeros(h, w)
    return torch.outer(_cells(box.y0, box.y1, h), _cells(box.x0, box.x1, w))


def _cells(low: float, high: float, count: int) -> Float[Tensor, " pixel"]:
    """Cells of one axis between two fractions of the frame."""
    centers = (torch.arange(count, dtype=torch.float64) + 0.5) / count
    inside = (low <= centers) & (centers < high)
    seen_low, seen_high = max(low, 0.0), min(high, 1.0)
    if seen_low < seen_high and not inside.any():
        inside[min(int((seen_low + seen_high) / 2 * count), count - 1)] = True
    return inside.float()
