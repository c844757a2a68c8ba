"""What makes a run cheaper: the same latents where that is promised, lower losses elsewhere."""

import copy
from dataclasses import replace

import pytest
import torch
from diffusers import DPMSolverMultistepScheduler, UniPCMultistepScheduler
from torch import Tensor

from starvid_core.bias import Bias
from starvid_core.config import MODES, SamplingConfig, StarVidConfig
from starvid_core.errors import InputError
from starvid_core.methods import starvid
from starvid_core.passes.prefix import attention_maps
from starvid_core.phases import Guide, Phase
from starvid_core.sampling import Step, denoise, sample
from starvid_core.schedules import alphabar

# Diffusers' own, when a scheduler of numpy is set to some steps.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

PROMPTS = ("a dog runs and a cat jumps", "a bird flies")
CONFIG = SamplingConfig(steps=3, guidance_scale=3.0)


def left_half(A: Tensor) -> Tensor:
    return (A[2, ..., :3].sum() / A[2].sum())[None]


PHASE = Phase("left", left_half, range(0, 2), iterations=3, weight=30.0)


def run(backbone, guides, config: SamplingConfig = CONFIG, **options) -> list[Step]:
    z = backbone.initial_noise([1, 2])
    return list(denoise(backbone, PROMPTS, guides, z, config, **options))


@pytest.fixture(scope="module")
def until(tiny_backbone) -> float:
    """A threshold that the first row passes after some iterations of the first step."""
    values = [v.value for v in run(tiny_backbone, [Guide((PHASE,)), Guide()])[0].losses[0]]
    return (values[1] + values[2]) / 2


def passes(backbone, work) -> tuple[int, int]:
    """Rows that went into the model, and rows that came out of it."""
    module, counts = backbone.network.module, [0, 0]

    def begun(_, args, kwargs) -> None:
        counts[0] += len(args[0])

    def ended(_, args, output) -> None:
        counts[1] += len(args[0])

    hooks = [
        module.register_forward_pre_hook(begun, with_kwargs=True),
        module.register_forward_hook(ended),
    ]
    work()
    for hook in hooks:
        hook.remove()
    return counts[0], counts[1]


@pytest.mark.parametrize("scale", [3.0, 1.0])
def test_a_finished_pass_is_the_conditional_half_of_the_prediction(
    tiny_backbone, until, scale
) -> None:
    config = replace(CONFIG, guidance_scale=scale)
    stopping = replace(PHASE, threshold=until)
    going_on = replace(stopping, reuse="passing")
    second = Guide((replace(going_on, steps=range(1, 2)),))
    before = run(tiny_backbone, [Guide((stopping,)), Guide()], config)
    after = run(tiny_backbone, [Guide((going_on,)), Guide()], config)
    assert 0 in after[0].reused and not before[0].reused
    for a, b in zip(after, before, strict=True):
        torch.testing.assert_close(a.z, b.z, rtol=1e-4, atol=1e-4)
    both = run(tiny_backbone, [Guide((going_on,)), second], config)
    torch.testing.assert_close(both[0].z, before[0].z, rtol=1e-4, atol=1e-4)


def test_a_finished_pass_spares_one_forward_of_its_row(tiny_backbone, until) -> None:
    stopping = Guide((replace(PHASE, threshold=until, steps=range(1)),))
    going_on = Guide((replace(stopping.phases[0], reuse="passing"),))
    work = [lambda g=g: run(tiny_backbone, [g, Guide()]) for g in (stopping, going_on)]
    ordinary, finishing = (passes(tiny_backbone, one) for one in work)
    # Every row that comes out is a whole prediction, two for each video and step.
    assert ordinary[1] == 3 * 4 and finishing[1] == 3 * 4
    assert finishing[0] == ordinary[0]  # the pass is entered again, to be gone on with
    steps = run(tiny_backbone, [going_on, Guide()])
    assert [sorted(step.reused) for step in steps] == [[0], [], []]


def test_without_a_pass_under_the_threshold_nothing_is_reused(tiny_backbone) -> None:
    never = Guide((replace(PHASE, reuse="passing"),))
    plain, same = (run(tiny_backbone, [guide, Guide()]) for guide in (Guide((PHASE,)), never))
    assert not any(step.reused for step in same)
    assert same[-1].z.equal(plain[-1].z)


def test_the_last_pass_predicts_at_the_latents_before_its_update(tiny_backbone) -> None:
    """z' = z - r g, and then a step of DDIM from z' with the guided prediction at z."""
    b = tiny_backbone
    shared = replace(PHASE, iterations=1, steps=range(1), reuse="last")
    got = run(b, [Guide((shared,)), Guide()])[0]
    z, schedule = b.initial_noise([1, 2]), copy.deepcopy(b.scheduler)
    schedule.set_timesteps(3)
    t, text = schedule.timesteps[0], b.encode_text(PROMPTS)
    leaf = z[:1].clone().requires_grad_()
    loss = left_half(attention_maps(b.network, leaf, t, text[:1])[0]).sum()
    (gradient,) = torch.autograd.grad(loss, leaf)
    moved = torch.cat([z[:1] - 30 * gradient, z[1:]])
    with torch.no_grad():
        negative = b.network.predict(z, t, b.encode_text(["", ""]))
        conditional = b.network.predict(z, t, text)
    guided = negative + 3.0 * (conditional - negative)
    expected = schedule.step(guided, t, moved).prev_sample
    torch.testing.assert_close(got.z, expected, rtol=1e-4, atol=1e-4)
    assert got.reused == {0}


def test_a_shared_pass_still_lowers_the_loss(tiny_backbone) -> None:
    every = replace(PHASE, iterations=1, steps=range(3), reuse="last")
    config = replace(CONFIG, steps=6)
    guided = run(tiny_backbone, [Guide((every,)), Guide()], config)
    watched = Guide((replace(every, weight=0.0, reuse="none"),))
    plain = run(tiny_backbone, [watched, Guide()], config)
    assert guided[2].losses[0][0].value < plain[2].losses[0][0].value


def test_recording_at_a_reused_step_keeps_the_maps_of_the_refocused_latents(
    tiny_backbone,
) -> None:
    b, shared = tiny_backbone, replace(PHASE, iterations=1, steps=range(1), reuse="last")
    ordinary = Guide((replace(shared, reuse="none"),))
    seen = run(b, [Guide((shared,)), Guide()], record=(0,))[0]
    expected = run(b, [ordinary, Guide()], record=(0,))[0]
    torch.testing.assert_close(seen.maps, expected.maps.detach(), rtol=1e-4, atol=1e-6)
    assert seen.z.equal(run(b, [Guide((shared,)), Guide()])[0].z)


def test_a_bias_keeps_its_own_denoising_pass(tiny_backbone, until) -> None:
    def logits(kind: str, step: int, h: int, w: int) -> None:
        return None

    guide = Guide((replace(PHASE, threshold=until, reuse="passing"),), bias=Bias(logits))
    plain = replace(guide, phases=(replace(PHASE, threshold=until),))
    assert run(tiny_backbone, [guide, Guide()])[0].z.equal(
        run(tiny_backbone, [plain, Guide()])[0].z
    )


@pytest.mark.parametrize(
    "options", [{"recompute": 1}, {"recompute": 3}, {"lean": True}, {"recompute": 2, "lean": True}]
)
def test_memory_modes_give_the_same_latents(tiny_backbone, options) -> None:
    guides = [Guide((PHASE,)), Guide()]
    plain, spared = (
        run(tiny_backbone, guides),
        run(tiny_backbone, guides, replace(CONFIG, **options)),
    )
    torch.testing.assert_close(spared[-1].z, plain[-1].z, rtol=1e-5, atol=1e-5)


def test_keys_and_values_of_the_text_are_computed_once_and_change_no_bit(tiny_backbone) -> None:
    b, calls = tiny_backbone, []
    guides = [Guide((PHASE,)), Guide((PHASE,))]
    plain = run(b, guides)
    keys = [part for site in b.network.sites().values() for part in site.of_text]
    forwards = {part: part.forward for part in keys}
    for part, forward in forwards.items():
        part.forward = lambda x, f=forward: calls.append(x.shape) or f(x)
    kept = run(b, guides, replace(CONFIG, cached_text=True))
    for part in keys:
        del part.forward
    assert kept[-1].z.equal(plain[-1].z)
    # Of both halves and of the conditional one, and for the maps without its copies for frames.
    assert len(keys) <= len(calls) <= 3 * len(keys)


def test_the_cache_tells_texts_of_one_shape_apart(tiny_backbone) -> None:
    guides = [
        Guide((replace(PHASE, steps=range(0, 1)),)),
        Guide((replace(PHASE, steps=range(1, 2)),)),
    ]
    plain = run(tiny_backbone, guides)
    kept = run(tiny_backbone, guides, replace(CONFIG, cached_text=True))
    assert kept[-1].z.equal(plain[-1].z)


def test_everything_at_once_changes_no_other_row(tiny_backbone, until) -> None:
    fast = replace(PHASE, threshold=until, momentum=0.5, reuse="last")
    config = replace(CONFIG, cached_text=True, recompute=2, lean=True)
    together = run(tiny_backbone, [Guide((fast,)), Guide()], config)
    alone = run(tiny_backbone, [Guide(), Guide()], config)
    torch.testing.assert_close(together[-1].z[1], alone[-1].z[1], rtol=1e-4, atol=1e-4)
    model = tiny_backbone.network.module
    assert not any("forward" in vars(m) or m._forward_pre_hooks for m in model.modules())


@pytest.mark.parametrize(
    ("name", "kind"),
    [("dpmsolver++", DPMSolverMultistepScheduler), ("unipc", UniPCMultistepScheduler)],
)
@torch.no_grad()
def test_another_sampler_is_that_of_diffusers_from_the_noisiest_step_on(
    tiny_backbone, name, kind
) -> None:
    b, z = tiny_backbone, tiny_backbone.initial_noise([1, 2])
    scheduler = kind.from_config(b.scheduler.config, timestep_spacing="trailing")
    scheduler.set_timesteps(4)
    assert int(scheduler.timesteps[0]) == 999
    text = torch.cat([b.encode_text(["", ""]), b.encode_text(PROMPTS)])
    for t in scheduler.timesteps:
        both = b.network.predict(torch.cat([z, z]), t, text)
        negative, conditional = both.chunk(2)
        z = scheduler.step(negative + 3.0 * (conditional - negative), t, z).prev_sample
    made = run(b, [Guide(), Guide()], replace(CONFIG, steps=4, sampler=name))
    torch.testing.assert_close(made[-1].z, z)


def test_guidance_works_with_few_steps_of_another_sampler(
    tiny_backbone, two_subject_trajectory
) -> None:
    config = SamplingConfig(steps=6, guidance_scale=3.0, sampler="dpmsolver++")
    guide = starvid.guide(two_subject_trajectory, tiny_backbone, steps=6)
    assert [phase.steps for phase in guide.phases] == [range(0, 1), range(1, 3)]
    (clip,) = sample(tiny_backbone, [two_subject_trajectory.plan.prompt], [guide], [0], config)
    spatial = [v.value for v in clip.losses if v.name == "spatial"]
    assert spatial[-1] < spatial[0]


def test_alphabar_of_another_sampler_is_that_of_the_model(tiny_backbone) -> None:
    made = DPMSolverMultistepScheduler.from_config(tiny_backbone.scheduler.config)
    made.set_timesteps(4)
    t = int(made.timesteps[1])
    expected = float(tiny_backbone.scheduler.alphas_cumprod[t])
    assert alphabar(made, 1) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"sampler": "euler"}, "sampler must be one of dpmsolver.., unipc or empty, got 'euler'"),
        ({"sampler": "unipc", "eta": 0.5}, "the UniPCMultistepScheduler of tiny adds no fresh"),
    ],
)
def test_a_wrong_sampler_is_one_line(tiny_backbone, options, said) -> None:
    with pytest.raises(InputError, match=said):
        run(tiny_backbone, [Guide(), Guide()], replace(CONFIG, **options))


def test_another_sampler_needs_a_model_of_ddim(tiny_backbone) -> None:
    own = UniPCMultistepScheduler()
    with pytest.raises(InputError, match="needs a model of DDIM, this one has UniPCMultistep"):
        run(
            replace(tiny_backbone, scheduler=own),
            [Guide(), Guide()],
            replace(CONFIG, sampler="dpmsolver++"),
        )


def test_lean_and_compiled_exclude_each_other() -> None:
    with pytest.raises(InputError, match="set lean or compiled, not both"):
        SamplingConfig(lean=True, compiled=True)


def test_a_compiled_model_takes_no_bias(tiny_backbone) -> None:
    guide = Guide(bias=Bias(lambda *_: None))
    with pytest.raises(InputError, match="leave compiled at false"):
        run(tiny_backbone, [guide, Guide()], replace(CONFIG, compiled=True))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_compiled_model_makes_the_same_latents(tiny_backbone) -> None:
    guides = [Guide((PHASE,)), Guide()]
    made = run(tiny_backbone, guides, replace(CONFIG, compiled=True, recompute=1))
    torch.testing.assert_close(made[-1].z, run(tiny_backbone, guides)[-1].z, rtol=1e-3, atol=1e-3)


def test_the_fast_mode_changes_what_its_fields_say(tiny_backbone, two_subject_trajectory) -> None:
    own = {n: v for n, v in MODES["fast"].items() if n in StarVidConfig.__dataclass_fields__}
    config = StarVidConfig(**own, threshold=0.1)
    spatial, syntax = starvid.guide(two_subject_trajectory, tiny_backbone, config).phases
    assert (spatial.reuse, syntax.reuse) == ("passing", "last")
    assert spatial.iterations == own["spatial_iterations"] and spatial.momentum > 0
    assert spatial.threshold == 0.1 and syntax.momentum == 0
    with pytest.raises(InputError, match="spatial_momentum must be a number below 1, got 1"):
        StarVidConfig(spatial_momentum=1)


def test_a_sampling_at_its_defaults_is_known_by_its_first_four_numbers() -> None:
    assert [*SamplingConfig(steps=7).facts] == ["steps", "guidance_scale", "eta", "negative_prompt"]
    assert SamplingConfig(recompute=2).facts["recompute"] == 2
