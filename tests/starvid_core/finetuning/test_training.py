"""Training: it begins at ln 2, prefers what wins, and a kill does not change a bit of it."""

import copy
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import (
    DDIMScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    UniPCMultistepScheduler,
)
from peft import PeftModel

from starvid_core import adapters, lora
from starvid_core.errors import InputError
from starvid_core.finetuning.clips import Clips, Part
from starvid_core.finetuning.dpo import OBJECTIVES
from starvid_core.finetuning.noising import noised
from starvid_core.finetuning.pairs import Choice, Record
from starvid_core.finetuning.recipe import PAPER, Recipe
from starvid_core.finetuning.training import Trainer, train
from starvid_core.unet import UNet

TINY = Recipe(steps=20, pairs=2, part=2, learning_rate=3e-2, rank=4, alpha=4, checkpoint_every=4)


def record(prompt: str, seed: int, score: float) -> Record:
    return Record(prompt, seed, f"{prompt}-{seed}", score)


CHOICES = {
    prompt: Choice((record(prompt, 0, 0.9),), (record(prompt, 1, 0.1), record(prompt, 2, 0.2)))
    for prompt in ("a dog runs", "a cat jumps")
}


def video_of(one: Record) -> np.ndarray:
    """Winners are bright on the left, losers on the right."""
    video = np.full((3, 32, 48, 3), 40 + 10 * one.seed, np.uint8)
    half = slice(0, 24) if one.score and one.score > 0.7 else slice(24, 48)
    video[:, :, half] = 220
    return video


@pytest.fixture
def backbone(tiny_backbone):
    unet = copy.deepcopy(tiny_backbone.network.module).requires_grad_(False)
    return replace(tiny_backbone, network=UNet(unet))


@pytest.fixture
def trainer(backbone, tmp_path):
    def make(recipe: Recipe = TINY, folder: str = "run") -> Trainer:
        fresh = replace(backbone, network=copy.deepcopy(backbone.network))
        shared = recipe.objective.shared_noise
        clips = Clips(fresh, CHOICES, recipe.seed, shared, read=video_of)
        return Trainer(fresh, clips, recipe, tmp_path / folder)

    return make


def test_twenty_steps_of_spatialalign_teach_the_lora_and_not_the_model(
    backbone, tmp_path: Path
) -> None:
    before = {n: p.clone() for n, p in backbone.network.module.named_parameters()}
    clips = Clips(backbone, CHOICES, 0, read=video_of)
    out = train(backbone, clips, TINY, tmp_path / "run", tmp_path / "lora", {"pairs": "abc"})
    rows = [line.split(",") for line in (out / "log.csv").read_text().splitlines()]
    assert len(rows) == 21 and rows[0][:4] == ["step", "loss", "s_w", "s_l"]
    assert float(rows[1][1]) == pytest.approx(math.log(2), abs=1e-6)
    told = json.loads((out / "training.json").read_text())
    assert told["checkpoint"] == backbone.fingerprint and told["pairs"] == "abc"
    assert told["steps"] == 20 and not told["stopped"]
    assert all(math.isfinite(value) for value in told["last"].values())
    assert told["last"]["out_dev"] > 0 and told["last"]["loss"] == pytest.approx(0.693, abs=0.05)
    assert all(torch.equal(p, before[n]) for n, p in backbone.network.module.named_parameters())
    weights = (out / adapters.WEIGHTS).stat().st_size
    assert weights < 2**20
    theirs = PeftModel.from_pretrained(copy.deepcopy(backbone.network.module), out)
    ours = copy.deepcopy(backbone.network.module)
    z, text = torch.ones(1, 4, 3, 8, 12), torch.ones(1, 7, 16)
    with torch.no_grad(), lora.applied(ours, out):
        assert torch.equal(theirs(z, 5, text).sample, ours(z, 5, text).sample)


class OnePart(Clips):
    """The same pairs and noises at every step, so that luck plays no part."""

    def part(self, number: int, pairs: int) -> Part:
        return super().part(0, pairs)


def test_what_wins_is_preferred_more_and_more(backbone, tmp_path: Path) -> None:
    clips = OnePart(backbone, CHOICES, 0, read=video_of)
    one = Trainer(backbone, clips, replace(TINY, steps=8, warmup=0.0), tmp_path)
    one.run()
    margins = [row["margin"] for row in one.rows]
    assert margins == sorted(margins) and margins[0] == 0 < margins[-1]
    assert one.rows[-1]["loss"] < one.rows[0]["loss"]


def test_a_killed_training_goes_on_to_the_same_last_bit(trainer) -> None:
    recipe = replace(TINY, steps=5)
    through = trainer(recipe, "through")
    through.run()
    cut = trainer(recipe, "cut")
    cut.resume()
    while cut.step < 3:
        cut.rows.append(cut.update())
        cut.log.add(cut.step, *cut.rows[-1].values(), 0.0, 0.1)
        if cut.step == 2:
            cut.save()
    again = trainer(recipe, "cut")
    again.run()
    assert again.rows == through.rows
    for one, other in zip(through.weights, again.weights, strict=True):
        assert torch.equal(one, other)
    assert len((again.folder / "log.csv").read_text().splitlines()) == 1 + 5


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_objective_trains(trainer, name: str) -> None:
    one = trainer(replace(TINY, objective=OBJECTIVES[name], steps=2))
    one.run()
    assert one.step == 2 and all(np.isfinite(list(row.values())).all() for row in one.rows)
    assert one.rows[0]["s_w"] == one.rows[0]["out_dev"] == 0


def test_parts_of_a_step_are_one_step(trainer) -> None:
    recipe = replace(TINY, pairs=4, part=2, steps=1)
    one = trainer(recipe)
    one.run()
    assert len(one.rows) == 1 and one.rows[0]["loss"] == pytest.approx(math.log(2), abs=1e-6)


def test_half_precision_is_close(trainer) -> None:
    exact, half = (trainer(replace(TINY, steps=2, precision=p), p) for p in ("float32", "bfloat16"))
    for one in (exact, half):
        one.run()
    assert half.rows[1]["loss"] == pytest.approx(exact.rows[1]["loss"], abs=0.02)


def test_training_stops_when_winners_got_worse(trainer) -> None:
    one = trainer(replace(TINY, window=4))
    one.rows = [{"s_w": 0.1}] * 10
    assert not one.stopped
    one.rows += [{"s_w": -0.1}] * 4
    assert one.stopped
    one.rows[-1] = {"s_w": 0.2}
    assert not one.stopped
    bold = trainer(replace(TINY, window=4, stop=False), "bold")
    bold.rows = [{"s_w": -0.1}] * 10
    assert not bold.stopped


def test_another_recipe_does_not_go_on_with_a_training(trainer) -> None:
    trainer(replace(TINY, steps=1)).run()
    with pytest.raises(InputError, match="was begun with another recipe; remove it or give anothe"):
        trainer(replace(TINY, steps=2)).run()


def test_two_trainings_do_not_share_a_folder(backbone, tmp_path: Path) -> None:
    from starvid_core.artifacts import lock

    clips = Clips(backbone, CHOICES, 0, read=video_of)
    with lock(tmp_path / "run" / "lock", "it"), pytest.raises(InputError, match="another process"):
        train(backbone, clips, TINY, tmp_path / "run", tmp_path / "lora", {})


def test_pairs_are_drawn_alike_everywhere_and_never_across_prompts(backbone) -> None:
    clips = Clips(backbone, CHOICES, 3, read=video_of)
    one, again, other = (clips.part(n, 8) for n in (5, 5, 6))
    assert one.t == again.t and torch.equal(one.noises[0], again.noises[0])
    assert torch.equal(one.winner, again.winner) and not torch.equal(one.noises[0], other.noises[0])
    assert not torch.equal(*one.noises)
    shared = Clips(backbone, CHOICES, 3, True, read=video_of).part(5, 8)
    assert torch.equal(*shared.noises)
    winners = {float(z.mean()) for z in one.winner}
    assert len(winners) == 1  # all winners look alike, whatever their prompt
    assert {clips.part(n, 1).t for n in range(40)} > {clips.part(0, 1).t}


def test_without_pairs_nothing_is_trained(backbone) -> None:
    with pytest.raises(InputError, match="no prompt has both a winner and a loser"):
        Clips(backbone, {}, 0)


def test_the_rate_rises_and_falls_to_nothing() -> None:
    recipe = Recipe(steps=100, learning_rate=1.0)
    rates = [recipe.rate(step) for step in range(100)]
    assert rates[0] == 0.1 and rates[9] == 1.0 and rates[99] < 0.001
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert (PAPER.steps, PAPER.pairs, PAPER.learning_rate) == (3000, 48, 1e-4)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"steps": 0}, "steps must be 1 or more, got 0"),
        ({"pairs": 9}, "9 pairs do not divide into parts of 4"),
        ({"learning_rate": 0.0}, "learning_rate must be a number above 0"),
        ({"precision": "float16"}, "unknown precision 'float16', expected float32, bfloat16"),
    ],
)
def test_a_recipe_that_cannot_run_is_refused(changes: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Recipe(**changes)


Z, E = torch.full((2, 4, 3, 2, 2), 2.0), torch.full((2, 4, 3, 2, 2), -1.0)


def test_the_target_is_the_noise_or_the_velocity_of_the_scheduler() -> None:
    eps = DDIMScheduler(prediction_type="epsilon", clip_sample=False)
    found = noised(eps, Z, E, 500)
    assert torch.equal(found.target, E)
    alpha = eps.alphas_cumprod[500]
    torch.testing.assert_close(found.z, alpha.sqrt() * Z + (1 - alpha).sqrt() * E)
    v = noised(DDIMScheduler(prediction_type="v_prediction", clip_sample=False), Z, E, 500)
    torch.testing.assert_close(v.target, alpha.sqrt() * E - (1 - alpha).sqrt() * Z)
    assert v.timestep.tolist() == [500, 500]


@pytest.mark.parametrize(
    "scheduler",
    [
        FlowMatchEulerDiscreteScheduler(shift=3.0),
        UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
        ),
    ],
    ids=["euler", "unipc"],
)
def test_flow_matching_moves_from_the_video_to_the_noise(scheduler) -> None:
    found = noised(scheduler, Z, E, 499)
    sigma = 3 * 0.5 / (1 + 2 * 0.5)
    torch.testing.assert_close(found.z, (1 - sigma) * Z + sigma * E)
    torch.testing.assert_close(found.timestep, torch.full((2,), 1000 * sigma))
    assert torch.equal(found.target, E - Z)
    assert torch.equal(noised(scheduler, Z, E, 999).z, E)


def test_a_prediction_of_another_kind_is_refused() -> None:
    with pytest.raises(InputError, match="prediction 'sample' cannot be trained"):
        noised(EulerDiscreteScheduler(prediction_type="sample"), Z, E, 1)
