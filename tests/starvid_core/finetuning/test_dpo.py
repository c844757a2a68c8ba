"""The losses: the worked numbers of the specification, and what each of them does to gradients."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from starvid_core.errors import InputError
from starvid_core.finetuning.dpo import (
    FORMS,
    OBJECTIVES,
    Objective,
    Side,
    deviation,
    error,
    margin,
)

ZO = OBJECTIVES["zo_dpo"]


def latents(*values: float) -> Tensor:
    return torch.tensor([float(v) for v in values]).reshape(1, 1, 1, 2, 2).requires_grad_(True)


def example() -> tuple[Side, Side]:
    winner = Side(latents(0.9, 0.1, 0, 0.8), latents(0.8, 0.2, 0, 0.6), latents(1, 0, 0, 1))
    loser = Side(latents(0.3, 0.5, 0.7, 0.5), latents(0.1, 0.7, 0.9, 0.3), latents(0, 1, 1, 0))
    return winner, loser


def test_the_worked_numbers_of_the_specification() -> None:
    winner, loser = example()
    assert winner.gain.item() == pytest.approx(0.045, abs=1e-6)
    assert loser.gain.item() == pytest.approx(-0.12, abs=1e-6)
    assert margin(winner, loser, 1.0, 5.0).item() == pytest.approx(0.165, abs=1e-6)
    assert deviation(winner, loser).item() == pytest.approx(0.0275, abs=1e-6)
    assert OBJECTIVES["unregularized"](winner, loser).item() == pytest.approx(0.614046452, abs=1e-6)
    assert ZO(winner, loser).item() == pytest.approx(0.627796452, abs=1e-6)


def test_the_other_way_round_the_margin_changes_its_sign() -> None:
    winner, loser = example()
    assert margin(loser, winner, 1.0, 5.0).item() == pytest.approx(-0.165, abs=1e-6)
    assert ZO(loser, winner).item() == pytest.approx(0.792796452, abs=1e-6)


def test_at_the_reference_the_loss_is_ln_2_and_its_gradient_that_of_the_errors() -> None:
    winner, loser = example()
    winner, loser = (
        side._replace(predicted=side.reference.detach().clone().requires_grad_(True))
        for side in (winner, loser)
    )
    loss = ZO(winner, loser)
    assert loss.item() == pytest.approx(math.log(2), abs=1e-7)
    assert deviation(winner, loser).item() == 0
    loss.backward()
    for side, sign in ((winner, 1), (loser, -1)):
        expected = sign * (side.reference - side.target) / 4
        torch.testing.assert_close(side.predicted.grad, expected)


def test_the_clip_kills_all_gradients() -> None:
    winner, loser = example()
    loser = loser._replace(predicted=(loser.predicted + 10).detach().requires_grad_(True))
    loss = OBJECTIVES["unregularized"](winner, loser)
    loss.backward()
    assert margin(winner, loser, 1.0, 5.0).item() == 5
    assert loss.item() == pytest.approx(0.006715348, abs=1e-7)
    assert not winner.predicted.grad.any() and not loser.predicted.grad.any()


def test_diffusion_dpo_has_no_clip_and_sft_reads_winners_alone() -> None:
    winner, loser = example()
    found = replace(OBJECTIVES["diffusion_dpo"], beta=100.0)(winner, loser)
    assert found.item() == pytest.approx(math.log1p(math.exp(-16.5)), rel=1e-3)
    far = loser._replace(predicted=loser.predicted + 10)
    assert OBJECTIVES["sft"](winner, far).item() == pytest.approx(
        error(winner.predicted, winner.target).item()
    )
    mixed = OBJECTIVES["dpo_sft"](winner, loser).item()
    plain = OBJECTIVES["unregularized"](winner, loser).item()
    assert mixed == pytest.approx(plain + 0.5 * error(winner.predicted, winner.target).item())


def test_only_diffusion_dpo_shares_the_noise_of_a_pair() -> None:
    assert [name for name, o in OBJECTIVES.items() if o.shared_noise] == ["diffusion_dpo"]
    assert (ZO.beta, ZO.weight, ZO.clip) == (1.0, 0.5, 5.0)


def fitted(objective: Objective) -> tuple[Side, Side]:
    """Free predictions after gradient descent on one pair."""
    winner, loser = example()
    sides = []
    for side in (winner, loser):
        p = side.reference.detach().clone().requires_grad_(True)
        sides.append(Side(p, side.reference.detach(), side.target.detach()))
    optimizer = torch.optim.SGD([side.predicted for side in sides], 0.5)
    for _ in range(150):
        optimizer.zero_grad()
        objective(*sides).backward()
        optimizer.step()
    return sides[0], sides[1]


def test_without_the_penalty_losers_are_driven_away_and_a_large_one_keeps_all_in_place() -> None:
    loose, paper, tight = (fitted(replace(ZO, weight=weight)) for weight in (0.0, 0.5, 4.0))
    assert deviation(*loose) > 2 * deviation(*paper) > 4 * deviation(*tight) > 0
    assert loose[1].gain < 2 * paper[1].gain < 0 < tight[0].gain


@pytest.mark.parametrize("form", FORMS)
def test_every_loss_is_one_finite_number_with_gradients(form: str) -> None:
    winner, loser = example()
    loss = Objective(form)(winner, loser)
    loss.backward()
    assert loss.shape == () and loss.isfinite() and winner.predicted.grad.any()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"form": "zo-dpo"}, "unknown loss 'zo-dpo', .*did you mean zo_dpo"),
        ({"beta": -1.0}, "beta must be a number of at least 0"),
        ({"weight": math.nan}, "weight must be a number"),
    ],
)
def test_a_loss_that_makes_no_sense_is_refused(changes: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Objective(**changes)
