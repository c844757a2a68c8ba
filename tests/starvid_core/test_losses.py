"""Eqs. (1)-(6) against the sums as the paper prints them, and on maps that break naive code."""

import itertools
import math

import pytest
import torch
from torch import Tensor

from starvid_core import losses
from starvid_core.errors import InputError

FRAMES, H, W = 4, 3, 5


def random_maps(*axes: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(*axes, FRAMES, H, W, generator=generator) / 50


def random_masks(words: int) -> Tensor:
    generator = torch.Generator().manual_seed(7)
    masks = (torch.rand(words, FRAMES, H, W, generator=generator) < 0.4).float()
    masks[..., 0, 0] = 1
    return masks


def one_hot() -> Tensor:
    maps = torch.zeros(2, FRAMES, H, W)
    maps[0, :, 0, 0] = 1
    maps[1, :, 2, 4] = 1
    return maps


DEGENERATE = {
    "zero": torch.zeros(2, FRAMES, H, W),
    "uniform": torch.full((2, FRAMES, H, W), 1 / (H * W)),
    "one-hot": one_hot(),
    "denormal": torch.full((2, FRAMES, H, W), 1e-40),
    "zero against one-hot": torch.stack([torch.zeros(FRAMES, H, W), one_hot()[0]]),
}


def literal_kl(p: Tensor, q: Tensor) -> float:
    p, q = p.double() / p.double().sum(), q.double() / q.double().sum()
    forward = sum(a * math.log(a / b) for a, b in zip(p.flatten(), q.flatten(), strict=True))
    backward = sum(b * math.log(b / a) for a, b in zip(p.flatten(), q.flatten(), strict=True))
    return float(forward + backward) / 2


def literal_multi_frame(noun: Tensor, other: Tensor, n: int) -> float:
    """Eq. (4) as printed; outside the clip there is no frame, and 4n + 1 counts what there is."""
    total = 0.0
    for f in range(FRAMES):
        near = [k for k in range(f - n, f + n + 1) if 0 <= k < FRAMES]
        terms = [literal_kl(noun[f], other[k]) for k in near]
        terms += [literal_kl(noun[k], other[f]) for k in near if k != f]
        total += sum(terms) / len(terms)
    return total / FRAMES


def test_eq_1_and_2_match_the_sums_written_in_the_paper() -> None:
    A, M = random_maps(3), random_masks(3)
    for i in range(3):
        inside = [float((A[i, f] * M[i, f]).sum() / A[i, f].sum()) for f in range(FRAMES)]
        outside = [float((A[i, f] * (1 - M[i, f])).sum() / A[i, f].sum()) for f in range(FRAMES)]
        fg = sum((1 - share) ** 2 for share in inside) / FRAMES
        bg = sum(share**2 for share in outside) / FRAMES
        assert losses.foreground(A, M)[i].item() == pytest.approx(fg, rel=1e-5)
        assert losses.background(A, M)[i].item() == pytest.approx(bg, rel=1e-5)


def test_the_background_loss_as_printed_equals_the_foreground_loss() -> None:
    A, M = random_maps(3), random_masks(3)
    torch.testing.assert_close(losses.background(A, M), losses.foreground(A, M))
    torch.testing.assert_close(losses.spatial(A, M), losses.spatial(A, M, (2.0, 0.0)))


def test_eq_3_weighs_both_losses() -> None:
    A, M = random_maps(3), random_masks(3)
    for form, behind in losses.BACKGROUNDS.items():
        expected = 0.5 * losses.foreground(A, M) + 3 * behind(A, M)
        torch.testing.assert_close(losses.spatial(A, M, (0.5, 3.0), form), expected)


def test_the_peak_form_is_the_mean_outside_relative_to_the_peak() -> None:
    A, M = random_maps(1), random_masks(1)
    shares = [
        float((A[0, f] * (1 - M[0, f])).sum() / (1 - M[0, f]).sum() / A[0, f].max())
        for f in range(FRAMES)
    ]
    expected = sum(share**2 for share in shares) / FRAMES
    assert losses.background_peak(A, M).item() == pytest.approx(expected, rel=1e-5)
    assert not torch.allclose(losses.background_peak(A, M), losses.foreground(A, M), rtol=1e-2)


@pytest.mark.parametrize("loss", [losses.foreground, *losses.BACKGROUNDS.values()])
def test_frames_with_an_empty_mask_are_left_out_of_the_mean(loss) -> None:
    A, M = random_maps(2), random_masks(2)
    M[0, 1:3] = 0
    seen = torch.tensor([0, 3])
    torch.testing.assert_close(loss(A, M)[0], loss(A[:1, seen], M[:1, seen])[0])
    torch.testing.assert_close(loss(A, M)[1], loss(A[1:], M[1:])[0])


def test_a_subject_that_is_never_seen_has_no_spatial_loss_and_no_gradient() -> None:
    A = random_maps(1).requires_grad_()
    loss = losses.spatial(A, torch.zeros(1, FRAMES, H, W))
    (gradient,) = torch.autograd.grad(loss.sum(), A)
    assert loss.item() == 0
    assert not gradient.any()


@pytest.mark.parametrize("n", [0, 1, 2])
def test_eq_4_matches_the_sums_written_in_the_paper(n: int) -> None:
    noun, verb = random_maps(2, seed=1), random_maps(2, seed=2)
    expected = [literal_multi_frame(noun[i], verb[i], n) for i in range(2)]
    got = losses.positive(noun, verb, n)
    torch.testing.assert_close(got, torch.tensor(expected), rtol=1e-4, atol=0)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_eq_5_matches_the_sums_written_in_the_paper(n: int) -> None:
    noun, others = random_maps(seed=1), random_maps(3, seed=3)
    expected = [literal_multi_frame(noun, others[u], n) for u in range(3)]
    got = losses.negative(noun, others, n)
    torch.testing.assert_close(got, torch.tensor(expected), rtol=1e-4, atol=0)


def test_interior_frames_have_the_papers_4n_plus_1_terms_and_every_frame_weighs_the_same() -> None:
    f, k, weight = losses._near_frames(9, 2, torch.device("cpu"))
    assert weight.sum().item() == pytest.approx(1)
    assert weight[(f == 4) & (k == 4)].item() == pytest.approx(1 / 9 / (4 * 2 + 1))


def test_one_frame_is_enough_for_any_number_of_neighbours() -> None:
    noun, verb = random_maps(1, seed=1)[:, :1], random_maps(1, seed=2)[:, :1]
    torch.testing.assert_close(losses.positive(noun, verb, 3), losses.positive(noun, verb, 0))


def test_eq_6_and_the_forms_of_table_6_match_the_sums_written_in_the_paper() -> None:
    noun, verb = random_maps(2, seed=1), random_maps(2, seed=2)
    others = [random_maps(3, seed=3), random_maps(2, seed=4)]
    for i, tau in itertools.product(range(2), (1.0, 0.5)):
        near = literal_multi_frame(noun[i], verb[i], 1)
        far = [literal_multi_frame(noun[i], u, 1) for u in others[i]]
        top = math.exp(-near / tau)
        expected = {
            "ratio": near / (near + sum(far)),
            "difference": near - sum(far),
            "infonce": -math.log(top / (top + sum(math.exp(-u / tau) for u in far))),
        }
        assert set(expected) == set(losses.FORMULATIONS)
        for form, value in expected.items():
            got = losses.syntax(noun, verb, others, form=form, temperature=tau)
            assert got[i].item() == pytest.approx(value, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("name", losses.DISTANCES)
def test_every_distance_is_least_on_equal_maps_and_ignores_their_scale(name: str) -> None:
    distance, p, q = losses.DISTANCES[name], random_maps(5, seed=1), random_maps(5, seed=2)
    assert distance(p, p).abs().max() < 1e-6
    assert distance(p, q).min() > 1e-3
    torch.testing.assert_close(distance(p * 7, q), distance(p, q), rtol=1e-4, atol=1e-6)


def test_the_symmetric_distances_are_symmetric_and_the_forward_one_is_not() -> None:
    p, q = random_maps(5, seed=1), random_maps(5, seed=2)
    for name in ("kl", "cosine"):
        torch.testing.assert_close(losses.DISTANCES[name](p, q), losses.DISTANCES[name](q, p))
    both = (losses.kl_forward(p, q) + losses.kl_forward(q, p)) / 2
    torch.testing.assert_close(losses.kl(p, q), both, rtol=1e-4, atol=1e-6)
    assert not torch.allclose(losses.kl_forward(p, q), losses.kl_forward(q, p), rtol=1e-3)


@pytest.mark.parametrize("maps", DEGENERATE.values(), ids=DEGENERATE)
@pytest.mark.parametrize("mask", [0.0, 1.0])
@pytest.mark.parametrize("form", losses.BACKGROUNDS)
def test_spatial_losses_stay_finite_on_degenerate_maps(maps, mask: float, form: str) -> None:
    A = maps.clone().requires_grad_()
    M = torch.full_like(maps, mask)
    M[:, 0, 0, 0] = 1
    loss = losses.spatial(A, M, form=form)
    (gradient,) = torch.autograd.grad(loss.sum() * 30, A)
    assert loss.isfinite().all()
    assert gradient.isfinite().all()


@pytest.mark.parametrize("maps", DEGENERATE.values(), ids=DEGENERATE)
@pytest.mark.parametrize("distance", losses.DISTANCES)
@pytest.mark.parametrize("form", losses.FORMULATIONS)
def test_syntax_losses_stay_finite_on_degenerate_maps(maps, distance: str, form: str) -> None:
    A = maps.clone().requires_grad_()
    others = [A, A.flip(0)]
    loss = losses.syntax(A, A.flip(0), others, distance=distance, form=form)
    (gradient,) = torch.autograd.grad(loss.sum() * 20, A)
    assert loss.isfinite().all()
    assert gradient.isfinite().all()


@pytest.mark.parametrize("form", losses.FORMULATIONS)
def test_syntax_losses_stay_finite_when_no_other_word_is_left(form: str) -> None:
    noun, verb = random_maps(1, seed=1).requires_grad_(), random_maps(1, seed=2)
    loss = losses.syntax(noun, verb, [noun[:0]], form=form)
    (gradient,) = torch.autograd.grad(loss.sum(), noun)
    assert loss.isfinite().all()
    assert gradient.isfinite().all()


def test_moving_the_verb_towards_its_noun_lowers_every_form() -> None:
    noun, verb, others = random_maps(1, seed=1), random_maps(1, seed=2), random_maps(3, seed=3)
    for distance, form in itertools.product(losses.DISTANCES, losses.FORMULATIONS):
        far = losses.syntax(noun, verb, [others], distance=distance, form=form)
        near = losses.syntax(noun, (verb + noun) / 2, [others], distance=distance, form=form)
        assert near.item() < far.item()


def test_half_precision_maps_are_computed_in_float32() -> None:
    A, M = random_maps(2).half(), random_masks(2)
    assert losses.spatial(A, M).dtype == torch.float32
    torch.testing.assert_close(losses.spatial(A, M), losses.spatial(A.float(), M))
    assert losses.kl(A, A.flip(0)).dtype == torch.float32


def test_a_word_of_several_tokens_has_their_mean_map() -> None:
    A = random_maps(6)
    got = losses.word_maps(A, [(1,), (2, 4, 5)])
    torch.testing.assert_close(got, torch.stack([A[1], (A[2] + A[4] + A[5]) / 3]))
    assert losses.word_maps(A, []).shape == (0, FRAMES, H, W)


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    noun = random_maps(1)
    with pytest.raises(InputError, match="'l2' is unknown; choose one of kl, kl_forward, cosine"):
        losses.positive(noun, noun, distance="l2")
    with pytest.raises(InputError, match="ratio, difference, infonce"):
        losses.syntax(noun, noun, [noun], form="sum")
