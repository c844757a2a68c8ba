"""Every file in methods/ steers a tiny backbone for a few steps and leaves it as it was."""

from dataclasses import replace

import pytest
import torch

from starvid_core import losses, methods
from starvid_core.config import SamplingConfig, StarVidConfig
from starvid_core.discovery import names
from starvid_core.errors import InputError
from starvid_core.masks import subject_masks
from starvid_core.methods import none, starvid
from starvid_core.phases import Guide
from starvid_core.sampling import denoise, sample
from starvid_core.tokens import align

CONFIG = SamplingConfig(steps=4, guidance_scale=3.0)


@pytest.mark.parametrize("name", names(methods))
def test_every_method_runs_and_leaves_the_layers_as_they_were(
    name: str, tiny_backbone, two_subject_trajectory
) -> None:
    unet = tiny_backbone.unet
    processors = list(unet.attn_processors.values())
    weights = [parameter.clone() for parameter in unet.parameters()]
    guide = methods.load(name).guide(two_subject_trajectory, tiny_backbone, steps=4)
    prompt = two_subject_trajectory.plan.prompt
    (clip,) = sample(tiny_backbone, [prompt], [guide], [0], CONFIG)
    assert clip.video.shape == (3, 32, 48, 3)
    assert all(a is b for a, b in zip(unet.attn_processors.values(), processors, strict=True))
    assert all(a.equal(b) for a, b in zip(unet.parameters(), weights, strict=True))
    assert not any(module._forward_pre_hooks for module in unet.modules())
    assert all(parameter.requires_grad for parameter in unet.parameters())


def test_an_unknown_method_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(InputError, match="method 'starvit' is unknown; did you mean 'starvid'"):
        methods.load("starvit")


def test_none_has_no_phases(tiny_backbone, two_subject_trajectory) -> None:
    assert none.guide(two_subject_trajectory, tiny_backbone) == Guide()


def test_starvid_has_the_two_phases_of_algorithm_1(tiny_backbone, two_subject_trajectory) -> None:
    guide = starvid.guide(two_subject_trajectory, tiny_backbone, steps=50)
    spatial, syntax = guide.phases
    assert (spatial.steps, spatial.iterations, spatial.rate) == (range(0, 5), 10, 30)
    assert (syntax.steps, syntax.iterations, syntax.rate) == (range(5, 25), 1, 20)
    assert guide.subjects == ("dog (subject 1)", "cat (subject 2)")


def test_starvid_scales_its_phases_to_the_backbones_steps(
    tiny_backbone, two_subject_trajectory
) -> None:
    guide = starvid.guide(two_subject_trajectory, tiny_backbone)
    assert [phase.steps for phase in guide.phases] == [range(0, 1), range(1, 2)]


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({"spatial_weight": 0.0}, ["syntax"]),
        ({"syntax_weight": 0.0}, ["spatial"]),
        ({"spatial_weight": 0.0, "syntax_weight": 0.0}, []),
        ({"spatial_until": 0}, ["syntax"]),
        ({"syntax_until": 5}, ["spatial"]),
    ],
)
def test_an_ablation_drops_its_phase(
    changes: dict, left: list[str], tiny_backbone, two_subject_trajectory
) -> None:
    config = replace(StarVidConfig(), **changes)
    guide = starvid.guide(two_subject_trajectory, tiny_backbone, config, 50)
    assert [phase.name for phase in guide.phases] == left


@pytest.mark.parametrize("changes", [{"distance": "l2"}, {"form": "sum"}, {"background_form": "?"}])
def test_an_unknown_choice_is_refused_before_any_step(
    changes: dict, tiny_backbone, two_subject_trajectory
) -> None:
    config = replace(StarVidConfig(), **changes)
    with pytest.raises(InputError, match="is unknown; choose one of"):
        starvid.guide(two_subject_trajectory, tiny_backbone, config)


def test_the_spatial_phase_takes_nouns_and_verbs_with_the_nouns_masks(
    tiny_backbone, two_subject_trajectory
) -> None:
    plan = two_subject_trajectory.plan
    words = align(plan.prompt, plan.subjects, tiny_backbone.tokenizer)
    M = subject_masks(two_subject_trajectory, 3, 4, 6)
    A = torch.rand(77, 3, 4, 6, generator=torch.Generator().manual_seed(0))
    spatial, syntax = starvid.guide(two_subject_trajectory, tiny_backbone).phases
    expected = [
        sum(losses.spatial(A[list(word)].mean(0)[None], M[i : i + 1]) for word in (p.noun, p.verb))
        for i, p in enumerate(words.pairs)
    ]
    torch.testing.assert_close(spatial.loss(A), torch.cat(expected))
    assert syntax.loss(A).shape == (2,)
    assert len(words.others[0]) == len(words.others[1]) == 8


def test_starvid_lowers_both_of_its_losses(tiny_backbone, two_subject_trajectory) -> None:
    config = replace(StarVidConfig(), syntax_iterations=5, threshold=0.0)
    guide = starvid.guide(two_subject_trajectory, tiny_backbone, config, 4)
    z = tiny_backbone.initial_noise([0])
    prompt = two_subject_trajectory.plan.prompt
    steps = list(denoise(tiny_backbone, [prompt], [guide], z, CONFIG))
    spatial, syntax = ([value.value for value in steps[n].losses[0]] for n in (0, 1))
    assert (len(spatial), len(syntax)) == (10, 5)
    assert spatial[-1] < spatial[0]
    assert syntax[-1] < syntax[0]


def test_a_subject_that_never_comes_into_sight_is_warned_about(
    tiny_backbone, two_subject_trajectory
) -> None:
    hidden = replace(two_subject_trajectory, boxes=(two_subject_trajectory.boxes[0], (None, None)))
    guide = starvid.guide(hidden, tiny_backbone, steps=4)
    (clip,) = sample(tiny_backbone, [hidden.plan.prompt], [guide], [0], CONFIG)
    assert [w.split(":")[0] for w in clip.warnings] == [
        "the spatial loss does not act on cat (subject 2)"
    ]
