"""LVD's loss against its sums, its layers on ZeroScope and here, its threshold on other models."""

import math
from dataclasses import replace

import pytest
import torch
from diffusers import UNet3DConditionModel
from torch import Tensor

from starvid_core.layers import text_layers
from starvid_core.methods import lvd
from starvid_core.methods.base import scene
from starvid_core.unet import UNet

C = lvd.Config()


def random_maps(seed: int, heads: int, h: int, w: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(heads, 77, 3, h, w, generator=generator)


def largest(values: list[float], k: int) -> float:
    return sum(sorted(values, reverse=True)[:k]) / k


def written_out(maps, seen) -> list[float]:
    """k_fg, k_bg, fg, bg, L_o and L as the page of the baselines has them."""
    losses = [0.0] * len(seen.nouns)
    for A in maps:
        M = seen.masks(*A.shape[-2:])
        for o, tokens in enumerate(seen.nouns):
            for f in range(A.shape[2]):
                mask = M[o, f].flatten().tolist()
                k_fg = max(1, math.floor(sum(mask) * 0.75))
                k_bg = max(1, math.floor(sum(1 - m for m in mask) * 0.75))
                for p in tokens:
                    for head in A:
                        a = head[p, f].flatten().tolist()
                        inside = [x * m for x, m in zip(a, mask, strict=True)]
                        outside = [x * (1 - m) for x, m in zip(a, mask, strict=True)]
                        fg = 1 - largest(inside, k_fg) if any(mask) else 0.0
                        losses[o] += (1 * fg + 4 * largest(outside, k_bg)) / len(tokens)
    return [value / (len(seen.nouns) * len(maps)) for value in losses]


def test_the_loss_is_the_sums_as_they_are_written(tiny_backbone, two_subject_trajectory) -> None:
    seen = scene(two_subject_trajectory, tiny_backbone)
    maps = (random_maps(0, 4, 4, 6), random_maps(1, 2, 8, 12))
    expected = torch.tensor(written_out(maps, seen))
    torch.testing.assert_close(lvd.loss(*maps, seen=seen, config=C), expected)


def test_an_object_out_of_sight_leaves_the_background_term_alone(
    tiny_backbone, two_subject_trajectory
) -> None:
    boxes = (two_subject_trajectory.boxes[0], (None, None))
    seen = scene(replace(two_subject_trajectory, boxes=boxes), tiny_backbone)
    maps = (random_maps(0, 4, 4, 6),)
    got = lvd.loss(*maps, seen=seen, config=C)
    torch.testing.assert_close(got, torch.tensor(written_out(maps, seen)))
    outside = maps[0][:, list(seen.nouns[1])].flatten(-2).sort(descending=True).values
    mean = outside[..., : math.floor(24 * 0.75)].mean(-1).sum((0, 2)).mean()
    torch.testing.assert_close(got[1], 4 * mean / 2)


def short(names: tuple[str, ...]) -> list[str]:
    return [name.replace("_blocks", "").split(".transformer")[0] for name in names]


@pytest.fixture(scope="module")
def zeroscope() -> UNet3DConditionModel:
    """The defaults of the class are ZeroScope's; without weights."""
    with torch.device("meta"):
        return UNet3DConditionModel()


def test_the_rule_gives_the_published_layers_on_zeroscope(zeroscope) -> None:
    published = ["down.1.0", "down.2.0", "down.2.1", "up.1.0", "up.1.1", "up.2.2"]
    assert short(lvd.layers(UNet(zeroscope))) == _attentions(published)


def _attentions(places: list[str]) -> list[str]:
    return [f"{path}.{block}.attentions.{n}" for path, block, n in (p.split(".") for p in places)]


def test_the_threshold_is_the_published_one_on_zeroscope_with_16_frames(zeroscope) -> None:
    text = text_layers(zeroscope)
    heads = [text[name].heads for name in lvd.layers(UNet(zeroscope))]
    assert heads == [10, 20, 20, 20, 20, 10]
    assert C.threshold * sum(heads) / 6 * 16 / C.of_maps == pytest.approx(200)


def test_the_rule_leaves_the_finer_grid_out_where_it_reads_no_text() -> None:
    """A UNet as the embedded model's: text on one of its three grids."""
    with torch.device("meta"):
        unet = UNet3DConditionModel(
            down_block_types=("DownBlock3D", "CrossAttnDownBlock3D", "DownBlock3D"),
            up_block_types=("UpBlock3D", "CrossAttnUpBlock3D", "UpBlock3D"),
            block_out_channels=(8, 16, 16),
            layers_per_block=1,
            norm_num_groups=4,
            cross_attention_dim=16,
            attention_head_dim=4,
        )
    assert short(lvd.layers(UNet(unet))) == _attentions(["down.1.0", "up.1.0"])


def test_the_phase_is_the_published_loop(tiny_backbone, two_subject_trajectory) -> None:
    (phase,) = lvd.guide(two_subject_trajectory, tiny_backbone, steps=40).phases
    assert (phase.steps, phase.iterations, phase.rate, phase.carry) == (range(10), 5, 5.0, True)
    assert short(phase.layers) == _attentions(["down.0.0", "down.1.0", "up.1.0", "up.2.1"])
    heads = (2 + 4 + 4 + 2) / 4
    assert phase.threshold == pytest.approx(200 * heads * 3 / C.of_maps)
    assert phase.scale(0.75) == pytest.approx(0.5)
    (short_run,) = lvd.guide(two_subject_trajectory, tiny_backbone, steps=25).phases
    assert short_run.steps == range(7)
