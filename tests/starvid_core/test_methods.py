"""Every file in methods/ steers a tiny backbone for a few steps and leaves it as it was."""

import copy
from dataclasses import FrozenInstanceError, asdict, fields, is_dataclass, replace

import pytest
import torch
from torch import nn

from starvid_core import losses, methods
from starvid_core.config import SamplingConfig, StarVidConfig
from starvid_core.discovery import names
from starvid_core.errors import InputError
from starvid_core.guidance import Reading, refocus
from starvid_core.masks import subject_masks
from starvid_core.methods import none, starvid
from starvid_core.methods.base import Method
from starvid_core.passes.prefix import attention_maps, layer_maps
from starvid_core.phases import Guide, View
from starvid_core.sampling import denoise, sample
from starvid_core.scene import Box, ScenePlan, Subject, Trajectory
from starvid_core.tokens import align

CONFIG = SamplingConfig(steps=4, guidance_scale=3.0)
FIRST = (-0.155697, -9.796232, 0.461829, 4.645564)


def plan_of(name: str, trajectory, backbone, steps: int = 3) -> Guide:
    return methods.load(name).guide(trajectory, backbone, steps=steps)


def brief(guide: Guide) -> Guide:
    """The same with two iterations at most, to be quick."""
    return replace(
        guide, phases=tuple(replace(p, iterations=min(p.iterations, 2)) for p in guide.phases)
    )


def run(backbone, trajectories, guides, seeds, steps: int = 3) -> torch.Tensor:
    prompts = [trajectory.plan.prompt for trajectory in trajectories]
    z = backbone.initial_noise(seeds)
    config = replace(CONFIG, steps=steps)
    return list(denoise(backbone, prompts, guides, z, config))[-1].z


def hooks(unet: nn.Module) -> list:
    kinds = ("_forward_pre_hooks", "_forward_hooks")
    return [hook for m in unet.modules() for kind in kinds for hook in getattr(m, kind).values()]


@pytest.fixture(scope="module")
def other_trajectory() -> Trajectory:
    """Three subjects, one of which comes into sight late."""
    subjects = (
        Subject(0, "man", "rides", motion="riding"),
        Subject(1, "woman", "golf", motion="golf"),
        Subject(2, "bird", "flies", motion="flying"),
    )
    plan = ScenePlan("a man rides while a woman plays golf and a bird flies", subjects)
    man, woman = (Box(0.0, 0.3, 0.35, 1.0),) * 2, (Box(0.4, 0.3, 0.7, 1.0),) * 2
    return Trajectory(plan, (man, woman, (None, Box(0.7, 0.0, 1.0, 0.3))))


@pytest.mark.parametrize("name", names(methods))
def test_every_method_holds_what_a_method_holds(name: str) -> None:
    method = methods.load(name)
    assert isinstance(method, Method)
    assert method.__doc__ and is_dataclass(method.Config)
    assert hash(method.Config()) == hash(method.Config())
    assert not {f.name for f in fields(method.Config)} & {f.name for f in fields(SamplingConfig)}
    with pytest.raises(FrozenInstanceError):
        method.Config().anything = 1


@pytest.mark.parametrize("name", names(methods))
def test_every_method_runs_and_leaves_the_layers_as_they_were(
    name: str, tiny_backbone, two_subject_trajectory
) -> None:
    unet = tiny_backbone.network.module
    processors = list(unet.attn_processors.values())
    weights = [parameter.clone() for parameter in unet.parameters()]
    guide = plan_of(name, two_subject_trajectory, tiny_backbone)
    prompt = two_subject_trajectory.plan.prompt
    (clip,) = sample(tiny_backbone, [prompt], [guide], [0], replace(CONFIG, steps=3))
    assert clip.video.shape == (3, 32, 48, 3)
    assert all(a is b for a, b in zip(unet.attn_processors.values(), processors, strict=True))
    assert all(a.equal(b) for a, b in zip(unet.parameters(), weights, strict=True))
    assert not hooks(unet)
    assert all(parameter.requires_grad for parameter in unet.parameters())


@pytest.mark.parametrize("name", names(methods))
def test_every_method_leaves_nothing_behind_after_an_error(
    name: str, tiny_backbone, two_subject_trajectory
) -> None:
    unet = tiny_backbone.network.module
    processors = list(unet.attn_processors.values())

    def fail(*_: object) -> None:
        raise RuntimeError("inside")

    guide = plan_of(name, two_subject_trajectory, tiny_backbone)
    layer = unet.up_blocks[1].attentions[0].transformer_blocks[0].attn2
    bad = layer.to_out[0].register_forward_hook(fail)
    try:
        with pytest.raises(RuntimeError, match="inside"):
            run(tiny_backbone, [two_subject_trajectory], [guide], [0])
    finally:
        bad.remove()
    assert not hooks(unet)
    assert all(a is b for a, b in zip(unet.attn_processors.values(), processors, strict=True))
    assert all(parameter.requires_grad for parameter in unet.parameters())


@pytest.mark.parametrize("name", names(methods))
def test_every_method_gives_the_same_again_and_in_a_batch(
    name: str, tiny_backbone, two_subject_trajectory, other_trajectory
) -> None:
    trajectories = [two_subject_trajectory, other_trajectory]
    guides = [brief(plan_of(name, t, tiny_backbone)) for t in trajectories]
    together = run(tiny_backbone, trajectories, guides, [4, 5])
    assert run(tiny_backbone, trajectories, guides, [4, 5]).equal(together)
    for row, (trajectory, guide) in enumerate(zip(trajectories, guides, strict=True)):
        alone = run(tiny_backbone, [trajectory], [guide], [4 + row])
        torch.testing.assert_close(together[row], alone[0], rtol=1e-3, atol=1e-3)


GUIDED = [n for n in names(methods) if n not in ("none", "best_of_n")]


@pytest.mark.parametrize("name", GUIDED)
def test_every_method_but_the_plain_ones_changes_the_video(
    name: str, tiny_backbone, two_subject_trajectory
) -> None:
    guide = brief(plan_of(name, two_subject_trajectory, tiny_backbone))
    plain = run(tiny_backbone, [two_subject_trajectory], [Guide()], [0])
    guided = run(tiny_backbone, [two_subject_trajectory], [guide], [0])
    assert not torch.allclose(plain, guided, atol=1e-4)


WITH_LOSS = [n for n in GUIDED if n not in ("dav", "attention_mask")]


@pytest.mark.parametrize("name", WITH_LOSS)
def test_every_phase_lowers_its_own_loss(name: str, tiny_backbone, two_subject_trajectory) -> None:
    b, prompt = tiny_backbone, two_subject_trajectory.plan.prompt
    guide, text = plan_of(name, two_subject_trajectory, b, 4), b.encode_text([prompt])

    def watch(z: torch.Tensor, rows: list[int], view: View) -> Reading:
        if view.layers:
            return Reading(layer_maps(b.network, z, 750, text, view.layers))
        return Reading((attention_maps(b.network, z, 750, text, view.stages),))

    for phase in {p.name: p for p in guide.phases}.values():
        often = replace(phase, iterations=6, threshold=0.0, carry=False, steps=range(1))
        one = replace(guide, phases=(often,))
        (values,) = refocus(watch, b.initial_noise([0]), 0, [one], [prompt], 0.1).losses
        assert min(v.value for v in values) < values[0].value, phase.name


def test_an_unknown_method_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(InputError, match="method 'starvit' is unknown; did you mean 'starvid'"):
        methods.load("starvit")


PUBLISHED = {
    "none": {},
    "lvd": {
        "until": 10,
        "of_steps": 40,
        "iterations": 5,
        "threshold": 200.0,
        "of_maps": 100 / 6 * 16,
        "weight": 5.0,
        "foreground": 1.0,
        "background": 4.0,
        "top": 0.75,
        "gradient_scale": "sqrt(1-alphabar)",
    },
    "dav": {"amplification": 25.0, "amplified": 0.05, "phrase": "noun"},
    "layout_guidance": {
        "until": 10,
        "of_steps": 51,
        "iterations": 5,
        "threshold": 0.2,
        "weight": 30.0,
        "gradient_scale": "sigma^2",
        "stages": ("mid", "up"),
    },
    "syngen": {
        "until": 25,
        "of_steps": 50,
        "iterations": 1,
        "weight": 20.0,
        "stages": ("down", "up"),
    },
    "attend_and_excite": {
        "until": 25,
        "of_steps": 50,
        "weight": 20.0,
        "weight_range": (1.0, 0.5),
        "refined": (0, 10, 20),
        "reached": (0.05, 0.5, 0.8),
        "iterations": 20,
        "stages": ("down", "up"),
    },
    "attention_mask": {
        "until": 2,
        "of_steps": 50,
        "phrase": "noun",
        "masked": ("text", "space", "time"),
        "both": True,
    },
    "best_of_n": {"n": 3, "by": ("numeracy", "action_binding")},
}
PUBLISHED["boxdiff"] = PUBLISHED["attend_and_excite"] | {"top": 0.2, "corner": 1}
PUBLISHED["starvid"] = asdict(StarVidConfig())  # in test_config.py


@pytest.mark.parametrize("name", names(methods))
def test_the_defaults_are_the_published_numbers(name: str) -> None:
    """Who changes one of them raises NUMERICS: a run's key holds only what is not a default."""
    assert asdict(methods.load(name).Config()) == PUBLISHED[name]


def test_starvid_is_algorithm_1_written_out_bit_for_bit(
    tiny_backbone, two_subject_trajectory
) -> None:
    b, prompt = tiny_backbone, two_subject_trajectory.plan.prompt
    spatial, syntax = starvid.guide(two_subject_trajectory, b, steps=4).phases
    z, scheduler = b.initial_noise([0]), copy.deepcopy(b.scheduler)
    scheduler.set_timesteps(4)
    texts = torch.cat([b.encode_text([""]), b.encode_text([prompt])])

    def update(z: torch.Tensor, t: torch.Tensor, loss, weight: float) -> torch.Tensor:
        leaf = z.clone().requires_grad_()
        A = attention_maps(b.network, leaf, t, texts[1:])
        at_A = [torch.autograd.grad(part, A, retain_graph=True)[0] for part in loss(A[0])]
        (gradient,) = torch.autograd.grad(A, leaf, torch.stack(at_A).sum(0))
        return z - 1.0 * weight * gradient

    for step, t in enumerate(scheduler.timesteps):
        for _ in range(10 if step < 1 else 0):
            z = update(z, t, spatial.loss, 30.0)
        if 1 <= step < 2:
            z = update(z, t, syntax.loss, 20.0)
        with torch.no_grad():
            both = b.network.module(torch.cat([z, z]), t, encoder_hidden_states=texts).sample
        negative, conditional = both.chunk(2)
        z = scheduler.step(negative + 3.0 * (conditional - negative), t, z).prev_sample
    guide = starvid.guide(two_subject_trajectory, b, steps=4)
    assert run(b, [two_subject_trajectory], [guide], [0], steps=4).equal(z)


def test_starvids_latents_are_those_of_the_first_release(
    tiny_backbone, two_subject_trajectory
) -> None:
    """Numbers of commit 8bda411; other processors may round differently, by no more than this."""
    guide = starvid.guide(two_subject_trajectory, tiny_backbone, steps=4)
    z = run(tiny_backbone, [two_subject_trajectory], [guide], [0], steps=4)
    torch.testing.assert_close(z[0, :, 1, 3, 4], torch.tensor(FIRST), rtol=1e-3, atol=1e-3)


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
