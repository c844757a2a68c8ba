"""Eq. (7) and Algorithm 1: who is updated, when, by how much, and what is said when it fails."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from starvid_core.errors import InputError
from starvid_core.guidance import GuidanceError, Reading, refocus
from starvid_core.passes.prefix import attention_maps
from starvid_core.phases import SCALES, Guide, Phase, View
from starvid_core.unet import UNet

PROMPTS = ("a dog runs", "a cat jumps", "a bird flies")


def watch(z: Tensor, rows: list[int], view: View) -> Reading:
    """Maps of two tokens that are easy to differentiate by hand."""
    return Reading((torch.stack([z.mean(1), 2 * z.mean(1)], 1),))


def quadratic(A: Tensor) -> Tensor:
    return A.square().sum((1, 2, 3))


def latents(batch: int = 1) -> Tensor:
    return torch.randn(batch, 4, 2, 3, 5, generator=torch.Generator().manual_seed(1))


def phase(**changes) -> Phase:
    return replace(Phase("pull", quadratic, range(0, 2), iterations=3, weight=0.05), **changes)


def test_eq_7_moves_the_latents_against_the_gradient() -> None:
    z = latents()
    got = refocus(watch, z, 0, [Guide((phase(iterations=1, learning_rate=0.5),))], PROMPTS[:1])
    leaf = z.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(quadratic(watch(leaf, [0], View()).maps[0][0]).sum(), leaf)
    torch.testing.assert_close(got.z, z - 0.5 * 0.05 * gradient)


def test_a_phase_acts_only_in_its_steps() -> None:
    z = latents()
    guide = Guide((phase(steps=range(1, 3)),))
    for step in (0, 3):
        rest = refocus(watch, z, step, [guide], PROMPTS[:1])
        assert rest.z.equal(z)
        assert rest.losses == ((),)
    assert not refocus(watch, z, 1, [guide], PROMPTS[:1]).z.equal(z)
    assert not refocus(watch, z, 2, [guide], PROMPTS[:1]).z.equal(z)


def test_a_phase_lowers_its_own_loss_and_reports_every_iteration() -> None:
    (values,) = refocus(watch, latents(), 0, [Guide((phase(),))], PROMPTS[:1]).losses
    assert [(v.step, v.name, v.iteration) for v in values] == [(0, "pull", i) for i in range(3)]
    assert values[0].value > values[1].value > values[2].value


def test_phases_of_one_step_follow_each_other() -> None:
    z = latents()
    first, second = phase(iterations=1), phase(name="push", iterations=1, weight=-0.02)
    both = refocus(watch, z, 0, [Guide((first, second))], PROMPTS[:1])
    after = refocus(watch, z, 0, [Guide((first,))], PROMPTS[:1])
    after = refocus(watch, after.z, 0, [Guide((second,))], PROMPTS[:1])
    assert both.z.equal(after.z)
    assert [value.name for value in both.losses[0]] == ["pull", "push"]


def test_a_weight_of_zero_measures_the_loss_and_keeps_every_bit() -> None:
    z = latents()
    got = refocus(watch, z, 0, [Guide((phase(weight=0.0),))], PROMPTS[:1])
    assert got.z.equal(z)
    assert len({value.value for value in got.losses[0]}) == 1


def test_the_callers_latents_stay_as_they_are() -> None:
    z = latents()
    kept = z.clone()
    refocus(watch, z, 0, [Guide((phase(),))], PROMPTS[:1])
    assert z.equal(kept)
    assert not z.requires_grad


def test_a_loss_under_its_threshold_ends_the_iterations() -> None:
    z = latents()
    (values,) = refocus(watch, z, 0, [Guide((phase(iterations=9),))], PROMPTS[:1]).losses
    middle = (values[3].value + values[4].value) / 2
    stopped = refocus(watch, z, 0, [Guide((phase(iterations=9, threshold=middle),))], PROMPTS[:1])
    assert [v.value for v in stopped.losses[0]] == [v.value for v in values[:5]]
    assert stopped.z.equal(refocus(watch, z, 0, [Guide((phase(iterations=4),))], PROMPTS[:1]).z)


def test_a_carried_loss_is_tested_before_the_maps_are_read_again() -> None:
    """LVD's loop: the last loss decides, and every pass is followed by an update."""
    z = latents()
    (values,) = refocus(watch, z, 0, [Guide((phase(iterations=9),))], PROMPTS[:1]).losses
    middle = (values[3].value + values[4].value) / 2
    carried = Guide((phase(iterations=9, threshold=middle, carry=True),))
    first = refocus(watch, z, 0, [carried], PROMPTS[:1])
    assert [v.value for v in first.losses[0]] == [v.value for v in values[:5]]
    assert first.z.equal(refocus(watch, z, 0, [Guide((phase(iterations=5),))], PROMPTS[:1]).z)
    past = [{"pull": first.losses[0][-1].value}]
    after = refocus(watch, first.z, 1, [carried], PROMPTS[:1], past=past)
    assert after.z.equal(first.z) and after.losses == ((),)
    high = refocus(watch, first.z, 1, [carried], PROMPTS[:1], past=[{"pull": 2 * middle}])
    assert len(high.losses[0]) == 1 and not high.z.equal(first.z)


def test_momentum_repeats_a_part_of_the_update_before() -> None:
    z = latents()
    one = refocus(watch, z, 0, [Guide((phase(iterations=1),))], PROMPTS[:1]).z
    plain = refocus(watch, one, 0, [Guide((phase(iterations=1),))], PROMPTS[:1]).z
    twice = Guide((phase(iterations=2, momentum=0.9),))
    both = refocus(watch, z, 0, [twice], PROMPTS[:1]).z
    torch.testing.assert_close(both, plain + 0.9 * (one - z))
    again = refocus(watch, both, 1, [Guide((phase(iterations=1, momentum=0.9),))], PROMPTS[:1])
    without = refocus(watch, both, 1, [Guide((phase(iterations=1),))], PROMPTS[:1])
    assert again.z.equal(without.z)


def test_an_update_of_a_given_size_takes_of_the_gradient_its_direction_alone() -> None:
    z = latents()
    plain = refocus(watch, z, 0, [Guide((phase(iterations=1),))], PROMPTS[:1]).z - z
    for weight in (0.05, 500.0):
        sized = Guide((phase(iterations=1, size=0.02, weight=weight),))
        step = refocus(watch, z, 0, [sized], PROMPTS[:1]).z - z
        assert step.square().mean().sqrt().item() == pytest.approx(0.02, rel=1e-4)
        assert torch.cosine_similarity(step.flatten(), plain.flatten(), 0) > 0.9999


def test_a_sized_update_without_a_gradient_moves_nothing() -> None:
    z = latents()
    still = phase(loss=constant, size=0.02)
    assert refocus(watch, z, 0, [Guide((still,))], PROMPTS[:1]).z.equal(z)


def test_an_unknown_reuse_is_refused() -> None:
    with pytest.raises(InputError, match="phase pull can reuse none, passing, last, not 'first'"):
        phase(reuse="first")


@pytest.mark.parametrize(("name", "factor"), [("sqrt(1-alphabar)", 0.6), ("sigma^2", 0.36)])
def test_a_scale_multiplies_the_gradient_by_a_function_of_alphabar(name, factor: float) -> None:
    z = latents()
    scaled = Guide((phase(iterations=1, scale=SCALES[name]),))
    expected = refocus(watch, z, 0, [Guide((phase(iterations=1),))], PROMPTS[:1]).z - z
    got = refocus(watch, z, 0, [scaled], PROMPTS[:1], alphabar=0.64).z - z
    torch.testing.assert_close(got, factor * expected, rtol=1e-4, atol=1e-6)


def test_a_loss_over_layers_is_shown_them_one_by_one() -> None:
    def two(z: Tensor, rows: list[int], view: View) -> Reading:
        assert view == View(layers=("fine", "coarse"))
        return Reading((z.mean(1)[:, None, None], z.mean((1, 3, 4))[:, None, None, :, None, None]))

    def loss(fine: Tensor, coarse: Tensor) -> Tensor:
        assert fine.shape == (1, 1, 2, 3, 5) and coarse.shape == (1, 1, 2, 1, 1)
        return torch.stack([fine.square().sum(), coarse.sum()])

    z = latents()
    guide = Guide((phase(loss=loss, layers=("fine", "coarse"), iterations=1),))
    got = refocus(two, z, 0, [guide], PROMPTS[:1])
    gradient = (2 * z.mean(1, keepdim=True) + 1 / 15) / 4
    torch.testing.assert_close(got.z, z - 0.05 * gradient.expand_as(z))
    assert not got.warnings[0]


def test_a_negative_loss_does_not_stop_a_phase_without_threshold() -> None:
    low = phase(loss=lambda A: quadratic(A) - 1000)
    (values,) = refocus(watch, latents(), 0, [Guide((low,))], PROMPTS[:1]).losses
    assert len(values) == 3


def test_every_prompt_of_a_batch_moves_as_if_it_were_alone(tiny_backbone) -> None:
    unet, text = tiny_backbone.network.module, tiny_backbone.encode_text(PROMPTS)
    z = tiny_backbone.initial_noise([1, 2, 3])

    def look(rows_of_batch: list[int]):
        def maps(z: Tensor, rows: list[int], view: View) -> Reading:
            texts = text[[rows_of_batch[row] for row in rows]]
            return Reading((attention_maps(UNet(unet), z, 900, texts, view.stages),))

        return maps

    def loss(A: Tensor) -> Tensor:
        return (A[1:3, :, :, 0] / A[1:3].sum((2, 3), keepdim=True)[..., 0]).mean((1, 2))

    start = phase(loss=loss, weight=20.0)
    first = refocus(look([0]), z[:1], 0, [Guide((start,))], PROMPTS[:1]).losses[0][1].value
    guides = [
        Guide((replace(start, threshold=first + 1e-6), replace(start, weight=5.0))),
        Guide((replace(start, steps=range(1, 2)), replace(start, iterations=2)), ("down",)),
        Guide(),
    ]
    together = refocus(look([0, 1, 2]), z, 0, guides, PROMPTS)
    for row, guide in enumerate(guides):
        alone = refocus(look([row]), z[row : row + 1], 0, [guide], PROMPTS[row : row + 1])
        torch.testing.assert_close(together.z[row], alone.z[0], rtol=1e-5, atol=1e-5)
        assert len(together.losses[row]) == len(alone.losses[0])
    assert together.z[2].equal(z[2])
    assert (together.z[:2] - z[:2]).abs().amax((1, 2, 3, 4)).min() > 1e-4


def test_only_the_rows_in_a_phase_go_through_the_model() -> None:
    seen = []

    def counting(z: Tensor, rows: list[int], view: View) -> Reading:
        seen.append((rows, view.stages))
        return watch(z, rows, view)

    short, long = Guide((phase(iterations=1),)), Guide((phase(iterations=2),))
    refocus(counting, latents(3), 0, [long, Guide(), short], PROMPTS)
    assert seen == [([0, 2], ("down", "up")), ([0], ("down", "up"))]


def nan_loss(A: Tensor) -> Tensor:
    return quadratic(A) * math.nan


def infinite_gradient(A: Tensor) -> Tensor:
    return (A - A.detach()).abs().sqrt().sum((1, 2, 3))


@pytest.mark.parametrize("loss", [nan_loss, infinite_gradient])
def test_numbers_that_are_not_finite_stop_the_run_in_one_line(loss) -> None:
    z = latents(2) * 3
    guides = [Guide((phase(),)), Guide((phase(name="bad", loss=loss),))]
    with pytest.raises(GuidanceError) as error:
        refocus(watch, z, 1, guides, PROMPTS[:2])
    message = str(error.value)
    assert "the bad loss" in message
    assert "step 1" in message
    assert f"max|z| {z[1].abs().max():.4g}" in message
    assert "'a cat jumps'" in message
    assert "\n" not in message
    assert len(message) < 600
    assert isinstance(error.value, InputError)


def one_way(A: Tensor) -> Tensor:
    return torch.stack([A[0].sum(), A[1].sum() * 0])


def constant(A: Tensor) -> Tensor:
    return torch.tensor([1.0, 2.0])


def test_a_subject_without_gradient_is_named_once_in_a_warning() -> None:
    guide = Guide((phase(loss=one_way),), subjects=("dog", "cat"))
    (warnings,) = refocus(watch, latents(), 0, [guide], PROMPTS[:1]).warnings
    assert len(warnings) == 1
    assert warnings[0].startswith("the pull loss does not act on cat: its gradient is 0")


def test_a_loss_that_ignores_the_maps_warns_and_changes_nothing() -> None:
    z = latents()
    got = refocus(watch, z, 0, [Guide((phase(loss=constant),))], PROMPTS[:1])
    assert got.z.equal(z)
    assert ["subject 1" in got.warnings[0][0], "subject 2" in got.warnings[0][1]] == [True, True]


def test_half_precision_latents_keep_small_gradients() -> None:
    """A gradient of 1e-8 is 0 in float16 unless the loss is scaled on its way to the latents."""
    z = latents().half()

    def watch_half(z: Tensor, rows: list[int], view: View) -> Reading:
        return Reading(tuple(A.float() for A in watch(z, rows, view).maps))

    def faint(A: Tensor) -> Tensor:
        return A.sum((1, 2, 3)) * 4e-8

    loud = phase(loss=faint, iterations=1, weight=1e7)
    moved = refocus(watch_half, z, 0, [Guide((loud,))], PROMPTS[:1]).z
    assert moved.dtype == torch.float16
    expected = -1e7 * 4e-8 * 3 / 4
    torch.testing.assert_close((moved - z).float().mean().item(), expected, rtol=0.05, atol=0)


@pytest.mark.parametrize("changes", [{"iterations": 0}, {"weight": math.nan}])
def test_a_phase_that_cannot_run_is_refused(changes: dict) -> None:
    with pytest.raises(InputError, match="phase pull needs"):
        phase(**changes)
