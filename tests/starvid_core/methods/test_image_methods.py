"""The losses that come from methods for images, against their formulas written out in loops."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from starvid_core.errors import InputError
from starvid_core.methods import attend_and_excite, boxdiff, layout_guidance, syngen
from starvid_core.methods.base import Scene, scene

FRAMES, H, W = 3, 4, 6


@pytest.fixture
def seen(tiny_backbone, two_subject_trajectory) -> Scene:
    return scene(two_subject_trajectory, tiny_backbone)


@pytest.fixture
def half_hidden(tiny_backbone, two_subject_trajectory) -> Scene:
    """The cat leaves the frame in the second half."""
    dog, cat = two_subject_trajectory.boxes
    return scene(replace(two_subject_trajectory, boxes=(dog, (cat[0], None))), tiny_backbone)


def random_maps(seed: int, *shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def word(A: Tensor, tokens) -> Tensor:
    return sum(A[t] for t in tokens) / len(tokens)


def in_sight(seen: Scene, subject: int) -> list[int]:
    return [f for f in range(FRAMES) if seen.M[subject, f].any()]


def test_layout_guidance_is_the_squared_share_outside(half_hidden: Scene) -> None:
    maps = (random_maps(0, 4, 77, FRAMES, 2, 3), random_maps(1, 2, 77, FRAMES, H, W))
    expected = [0.0, 0.0]
    for A in maps:
        M = half_hidden.masks(*A.shape[-2:])
        for o, tokens in enumerate(half_hidden.nouns):
            frames = in_sight(half_hidden, o)
            for p in tokens:
                for f in frames:
                    for head in A:
                        share = (head[p, f] * M[o, f]).sum() / head[p, f].sum()
                        part = (1 - share) ** 2 / len(A) / len(tokens) / len(frames)
                        expected[o] += float(part) / (len(maps) * 2)
    got = layout_guidance.loss(*maps, seen=half_hidden)
    torch.testing.assert_close(got, torch.tensor(expected))


def test_layout_guidance_looks_at_mid_and_up_and_is_scaled_by_sigma_squared(
    tiny_backbone, two_subject_trajectory
) -> None:
    (phase,) = layout_guidance.guide(two_subject_trajectory, tiny_backbone, steps=51).phases
    assert [name.split(".")[0] for name in phase.layers] == ["mid_block", "up_blocks", "up_blocks"]
    assert (phase.steps, phase.iterations, phase.rate) == (range(10), 5, 30.0)
    assert (phase.threshold, phase.carry) == (0.2, True)
    assert phase.scale(0.75) == pytest.approx(0.25)


def test_sigma_squared_is_the_step_of_latents_in_the_other_scaling() -> None:
    """x = z / sqrt(abar) moved by sigma^2 dL/dx, sigma^2 = (1 - abar) / abar, seen in z."""
    abar, z = 0.3, torch.tensor([0.7, -1.2], requires_grad=True)
    x = (z.detach() / math.sqrt(abar)).requires_grad_()
    (at_z,) = torch.autograd.grad(z.sin().sum(), z)
    (at_x,) = torch.autograd.grad((x * math.sqrt(abar)).sin().sum(), x)
    moved = (x - (1 - abar) / abar * at_x) * math.sqrt(abar)
    scale = layout_guidance.SCALES["sigma^2"](abar)
    torch.testing.assert_close(moved, z - scale * at_z)


def distance(p: Tensor, q: Tensor) -> float:
    p, q = (x.flatten() / x.sum() for x in (p, q))
    there = sum(float(a * (a / b).log()) for a, b in zip(p, q, strict=True))
    back = sum(float(b * (b / a).log()) for a, b in zip(p, q, strict=True))
    return (there + back) / 2


def test_syngen_is_the_near_distance_minus_the_mean_far_one(seen: Scene) -> None:
    A = random_maps(2, 77, FRAMES, H, W) + 0.01
    expected = []
    for noun, verb, others in zip(seen.nouns, seen.verbs, seen.words.others, strict=True):
        n, v = word(A, noun), word(A, verb)
        near = sum(distance(n[f], v[f]) for f in range(FRAMES)) / FRAMES
        far = 0.0
        for u in others:
            for f in range(FRAMES):
                far += distance(n[f], word(A, u)[f]) + distance(v[f], word(A, u)[f])
        expected.append(near - far / (2 * FRAMES * len(others)))
    torch.testing.assert_close(syngen.loss(A, seen), torch.tensor(expected), rtol=1e-4, atol=1e-5)


def test_syngen_of_a_prompt_without_other_words_has_the_near_distance_alone(seen: Scene) -> None:
    bare = replace(seen, words=replace(seen.words, others=((), ())))
    A = random_maps(2, 77, FRAMES, H, W) + 0.01
    assert (syngen.loss(A, bare) > 0).all()


def salient(A: Tensor, tokens) -> Tensor:
    """Softmax of 100x over all tokens but the first, smoothed with mirrored borders."""
    logits = 100 * A
    shares = logits[1:].exp() / logits[1:].exp().sum(0)
    image = word(shares, [t - 1 for t in tokens])
    weight = {d: math.exp(-((d / (2 * 0.5)) ** 2)) for d in (-1, 0, 1)}
    total = sum(weight[a] * weight[b] for a in weight for b in weight)
    smoothed = torch.zeros_like(image)
    mirror = lambda i, n: -i if i < 0 else 2 * (n - 1) - i if i >= n else i  # noqa: E731
    for y in range(H):
        for x in range(W):
            for dy in weight:
                for dx in weight:
                    value = image[:, mirror(y + dy, H), mirror(x + dx, W)]
                    smoothed[:, y, x] += weight[dy] * weight[dx] / total * value
    return smoothed


def test_attend_and_excite_is_the_most_neglected_subject(seen: Scene) -> None:
    A = random_maps(3, 77, FRAMES, H, W) / 20
    maps = [salient(A, tokens) for tokens in seen.nouns]
    expected = sum(max(1 - float(m[f].max()) for m in maps) for f in range(FRAMES)) / FRAMES
    got = attend_and_excite.loss(A, seen)
    torch.testing.assert_close(got, torch.tensor([expected]), rtol=1e-4, atol=1e-5)


def test_attend_and_excite_has_the_published_schedule(
    tiny_backbone, two_subject_trajectory
) -> None:
    guide = attend_and_excite.guide(two_subject_trajectory, tiny_backbone, steps=50)
    updates = [p for p in guide.phases if p.name == "excite"]
    assert [p.steps for p in updates] == [range(n, n + 1) for n in range(25)]
    expected = [20 * math.sqrt(1 - 0.5 * n / 49) for n in range(25)]
    assert [p.rate for p in updates] == pytest.approx(expected)
    refined = [p for p in guide.phases if p.name == "excite refine"]
    assert [(p.steps[0], p.iterations) for p in refined] == [(0, 20), (10, 20), (20, 20)]
    assert [p.threshold for p in refined] == pytest.approx([0.95, 0.5, 0.2])
    assert guide.phases.index(refined[1]) == guide.phases.index(updates[10]) - 1


def test_attend_and_excite_scales_its_schedule(tiny_backbone, two_subject_trajectory) -> None:
    guide = attend_and_excite.guide(two_subject_trajectory, tiny_backbone, steps=25)
    updates = [p for p in guide.phases if p.name == "excite"]
    assert len(updates) == 13
    assert [p.steps[0] for p in guide.phases if p.name == "excite refine"] == [0, 5, 10]


@pytest.mark.parametrize("changes", [{"refined": (0,)}, {"weight_range": (1.0,)}])
def test_a_schedule_that_does_not_fit_together_is_refused(changes: dict) -> None:
    with pytest.raises(InputError, match="must be of one length"):
        attend_and_excite.Config(**changes)


def edges(box: list[float]) -> list[int]:
    """The first cell of a run of ones, and the first after it."""
    framed = [0.0, *box, 0.0]
    return [i for i in range(len(framed) - 1) if framed[i] != framed[i + 1]]


def corner(image: Tensor, M: Tensor, axis: int) -> float:
    shown, box = image.amax(axis).tolist(), M.amax(axis).tolist()
    total = 0.0
    for cell, (a, b) in enumerate(zip(shown, box, strict=True)):
        if any(e - 1 <= cell <= e + 1 for e in edges(box)):
            total += abs(a - b)
    return total / len(box)


def test_boxdiff_is_its_three_constraints(half_hidden: Scene) -> None:
    A = random_maps(4, 77, FRAMES, H, W) / 20
    expected, inner = [], torch.zeros(2, FRAMES)
    for s, tokens in enumerate(half_hidden.nouns):
        image, total = salient(A, tokens), 0.0
        for f in in_sight(half_hidden, s):
            M = half_hidden.M[s, f]
            k_in, k_out = (max(1, math.floor(float(m.sum()) * 0.2)) for m in (M, 1 - M))
            inside = sorted((image[f] * M).flatten().tolist(), reverse=True)[:k_in]
            outside = sorted((image[f] * (1 - M)).flatten().tolist(), reverse=True)[:k_out]
            inner[s, f] = 1 - sum(inside) / k_in
            total += float(inner[s, f]) + sum(outside) / k_out
            total += corner(image[f], M, 0) + corner(image[f], M, 1)
        expected.append(total / len(in_sight(half_hidden, s)))
    config = boxdiff.Config()
    got = boxdiff.loss(A, half_hidden, config)
    torch.testing.assert_close(got, torch.tensor(expected), rtol=1e-4, atol=1e-5)
    worst = boxdiff.neglect(A, half_hidden, config)
    torch.testing.assert_close(worst, inner.amax(0).mean()[None], rtol=1e-4, atol=1e-5)


def test_boxdiff_refines_its_inner_part(tiny_backbone, two_subject_trajectory) -> None:
    guide = boxdiff.guide(two_subject_trajectory, tiny_backbone, steps=50)
    assert {p.name for p in guide.phases} == {"box", "box refine"}
    assert len(guide.phases) == 28
