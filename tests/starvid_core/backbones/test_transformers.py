"""Wan and CogVideoX: tiny models of their classes, and their own sizes without weights."""

from __future__ import annotations

import copy
import math
import shutil
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from diffusers import (
    CogVideoXTransformer3DModel,
    DiffusionPipeline,
    FlowMatchEulerDiscreteScheduler,
    WanTransformer3DModel,
)
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional

from starvid_core import methods
from starvid_core.attention import record_attention
from starvid_core.backbones import cogvideox, wan
from starvid_core.backbones.base import Backbone
from starvid_core.bias import Bias, biased
from starvid_core.config import SamplingConfig
from starvid_core.errors import InputError
from starvid_core.methods.base import scene
from starvid_core.passes.prefix import attention_maps, layer_maps
from starvid_core.phases import Guide, Phase
from starvid_core.sampling import denoise, sample

PROMPTS = ("a dog runs and a cat jumps", "a bird flies")
CAPTIONS = ("a dog runs and a cat jumps on the grass", "a bird flies in the snow")
SIZE = {"height": 64, "width": 96, "frames": 9, "blocks": (0, 2)}
H, W = 4, 6
CONFIG = SamplingConfig(steps=4, guidance_scale=5.0)
FILES: dict[str, ModuleType] = {"wan": wan, "cogvideox": cogvideox}


@pytest.fixture(scope="module", params=["wan", "cogvideox"])
def name(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def backbone(name: str, folders: dict[str, Path]) -> Backbone:
    return FILES[name].load(folders[name], device="cpu", **SIZE)


@pytest.fixture(scope="module")
def pipeline(name: str, backbone: Backbone, request) -> DiffusionPipeline:
    """Diffusers' pipeline of the backbone's own parts."""
    made = copy.copy(request.getfixturevalue(f"{name}_pipeline"))
    made.transformer, made.vae = backbone.network.module, backbone.codec.vae
    made.text_encoder, made.tokenizer = backbone.text_encoder, backbone.tokenizer
    made.scheduler = copy.deepcopy(backbone.scheduler)
    return made


def hooks(module: nn.Module) -> list:
    kinds = ("_forward_pre_hooks", "_forward_hooks")
    return [h for m in module.modules() for kind in kinds for h in getattr(m, kind).values()]


def own(name: str, z: Tensor) -> Tensor:
    """Latents in the order of the model's own pipeline, which is its own inverse."""
    return z.transpose(1, 2) if name == "cogvideox" else z


def test_without_phases_it_is_the_pipeline_of_diffusers(name, backbone, pipeline) -> None:
    z = backbone.initial_noise([1, 2])
    common = {
        "prompt": list(PROMPTS),
        "negative_prompt": ["snow", "snow"],
        "height": 64,
        "width": 96,
        "num_frames": 9,
        "num_inference_steps": 4,
        "guidance_scale": 5.0,
        "latents": own(name, z),
        "max_sequence_length": backbone.tokenizer.model_max_length,
        "return_dict": False,
    }
    (expected,) = pipeline(**common, output_type="latent")
    config = replace(CONFIG, negative_prompt="snow")
    got = list(denoise(backbone, PROMPTS, [Guide()] * 2, z, config))[-1].z
    assert got.shape == (2, 4, 3, 8, 12)
    torch.testing.assert_close(own(name, got), expected, rtol=1e-5, atol=1e-5)
    (frames,) = pipeline(**common, output_type="np")
    videos = np.stack(backbone.decode(got))
    assert videos.shape == (2, 9, 64, 96, 3)
    assert np.abs(videos / 255 - frames).max() <= 0.5 / 255 + 1e-4


def test_the_codec_undoes_its_scale(backbone) -> None:
    video = backbone.codec.decode(backbone.initial_noise([1]))
    z = backbone.codec.encode(video)
    assert z.shape == (1, *backbone.latent_shape)
    mean, std = (backbone.codec.vae.config.get(k) for k in ("latents_mean", "latents_std"))
    raw = backbone.codec.vae.encode(video).latent_dist.mode()
    if mean is None:
        torch.testing.assert_close(z, raw * backbone.codec.vae.config.scaling_factor)
    else:
        torch.testing.assert_close(z[:, 1], (raw[:, 1] - mean[1]) / std[1])


def captured(backbone: Backbone, run) -> list[tuple[Tensor, Tensor]]:
    """Queries and keys that reach the attention of every block, [batch head token dim]."""
    seen, plain = [], functional.scaled_dot_product_attention

    def spy(query, key, value, *args, **kwargs):
        seen.append((query, key))
        return plain(query, key, value, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(functional, "scaled_dot_product_attention", spy)
        run()
    return seen


@torch.no_grad()
def test_maps_are_the_softmax_that_the_layers_compute(name, backbone) -> None:
    z, text = backbone.initial_noise([1, 2]), backbone.encode_text(PROMPTS)
    network = backbone.network
    seen = captured(backbone, lambda: network.predict(z, 500, text))
    # Wan attends to itself and then to the text in every block.
    calls = [seen[1], seen[5]] if name == "wan" else [seen[0], seen[2]]
    expected = []
    for query, key in calls:
        shares = (query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])).softmax(-1)
        expected.append(shares[..., -3 * H * W :, : text.shape[1]])
    each = layer_maps(network, z, 500, text, network.select(("down", "up")))
    pattern = "batch head (frame h w) token -> batch head token frame h w"
    for A, shares in zip(each, expected, strict=True):
        assert A.dtype == torch.float32
        wanted = rearrange(shares, pattern, frame=3, h=H)
        torch.testing.assert_close(A, wanted, rtol=1e-4, atol=1e-6)
    A = attention_maps(network, z, 500, text)
    torch.testing.assert_close(A, torch.stack([m.mean(1) for m in each]).mean(0))
    total = A.sum(1)
    if name == "wan":
        torch.testing.assert_close(total, torch.ones_like(total))
    else:
        assert total.min() > 0 and total.max() < 1


def test_gradients_reach_every_frame_and_end_at_the_last_block(backbone) -> None:
    text, first = backbone.encode_text(PROMPTS), replace(backbone.network, blocks=(0,))
    z = backbone.initial_noise([1, 2]).requires_grad_()
    ran = []
    watching = [
        m.register_forward_hook(lambda *_, n=n: ran.append(n))
        for n, m in backbone.network.module.named_modules()
        if n.count(".") == 1 and "blocks." in n
    ]
    try:
        A = attention_maps(first, z, 500, text)
    finally:
        for hook in watching:
            hook.remove()
    assert not ran
    (gradient,) = torch.autograd.grad(A[:, 1].square().sum(), z)
    assert (gradient.abs().amax((1, 3, 4)) > 0).all()
    assert not hooks(backbone.network.module)


@torch.no_grad()
def test_a_change_of_one_latent_moves_the_map_at_its_place(backbone) -> None:
    text, z = backbone.encode_text(PROMPTS[:1]), backbone.initial_noise([1])
    other = z.clone()
    other[:, :, 1, 6:8, 2:4] += 3
    first = replace(backbone.network, blocks=(0,))
    moved = attention_maps(first, z, 500, text) - attention_maps(first, other, 500, text)
    place = int(moved.abs().sum((0, 1)).argmax())
    assert np.unravel_index(place, (3, H, W)) == (1, 3, 1)


@torch.no_grad()
def test_recording_changes_no_bit_and_is_undone_after_an_error(backbone) -> None:
    z, text, network = backbone.initial_noise([1]), backbone.encode_text(PROMPTS[:1]), None
    network = backbone.network
    plain = network.predict(z, 500, text)
    with record_attention(network) as recorder:
        assert network.predict(z, 500, text).equal(plain)
    assert recorder.maps().shape == (1, text.shape[1], 3, H, W)
    with pytest.raises(RuntimeError, match="outside"), record_attention(network):
        raise RuntimeError("outside")
    with pytest.raises(RuntimeError):
        attention_maps(network, z, 500, text[..., :3])
    assert not hooks(network.module)


def without_token(number: int, of: int):
    """Nobody looks at that token."""

    def logits(kind: str, step: int, h: int, w: int) -> Tensor:
        assert (kind, h, w) == ("text", H, W)
        mask = torch.zeros(3, h * w, of)
        mask[..., number] = -math.inf
        return mask

    return logits


@torch.no_grad()
def test_a_bias_acts_on_its_own_row_and_token_and_leaves_nothing(backbone) -> None:
    z, text, network = backbone.initial_noise([1, 2]), backbone.encode_text(PROMPTS), None
    network = backbone.network
    plain = network.predict(z, 500, text)
    rows = [None, Bias(without_token(2, text.shape[1]))]
    with biased(network, rows, 0, 8, 12), record_attention(network) as recorder:
        one = network.predict(z, 500, text)
    A = recorder.maps()
    assert not A[1, 2].any() and A[0, 2].min() > 0
    torch.testing.assert_close(one[0], plain[0], rtol=1e-4, atol=1e-5)
    assert (one[1] - plain[1]).abs().max() > 10 * (one[0] - plain[0]).abs().max()
    assert network.predict(z, 500, text).equal(plain) and not hooks(network.module)
    assert not any("prepare_attention_mask" in vars(m) for m in network.module.modules())


@torch.no_grad()
def test_a_bias_is_undone_after_an_error(backbone) -> None:
    z, text, network = backbone.initial_noise([1]), backbone.encode_text(PROMPTS[:1]), None
    network = backbone.network

    def fail(*_: object) -> None:
        raise RuntimeError("inside")

    layer = network.sites()[network.select(("down", "up"))[0]].layer
    bad = layer.to_out[0].register_forward_hook(fail)
    try:
        with (
            pytest.raises(RuntimeError, match="inside"),
            biased(network, [Bias(without_token(2, text.shape[1]))], 0, 8, 12),
        ):
            network.predict(z, 500, text)
    finally:
        bad.remove()
    assert not hooks(network.module)
    assert not any("prepare_attention_mask" in vars(m) for m in network.module.modules())


@pytest.mark.parametrize("method", ["starvid", "lvd"])
def test_methods_lower_their_losses(method: str, backbone, two_subject_trajectory) -> None:
    plan = two_subject_trajectory
    guide = methods.load(method).guide(plan, backbone, steps=4)
    often = tuple(replace(p, iterations=4, threshold=0.0, carry=False) for p in guide.phases)
    (clip,) = sample(
        backbone, [plan.plan.prompt], [replace(guide, phases=often)], [0], replace(CONFIG, steps=4)
    )
    for phase in {p.name: p for p in often}.values():
        values = [v.value for v in clip.losses if v.name == phase.name]
        here = values[:4]
        assert min(here[1:]) < here[0], phase.name
    assert clip.video.shape == (9, 64, 96, 3)
    assert not hooks(backbone.network.module)


def test_dav_shows_words_in_their_boxes_alone(backbone, two_subject_trajectory) -> None:
    plan, prompt = two_subject_trajectory, two_subject_trajectory.plan.prompt
    guide = methods.load("dav").guide(plan, backbone, steps=2)
    z, config = backbone.initial_noise([0]), replace(CONFIG, steps=2)
    steps = list(denoise(backbone, [prompt], [guide], z, config, record={1}))
    seen, A = scene(plan, backbone), steps[-1].maps[0]
    for noun, M in zip(seen.nouns, seen.M, strict=True):
        assert not (A[list(noun)] * (1 - M)).any()
        assert (A[list(noun)] * M).any()
    plain = list(denoise(backbone, [prompt], [Guide()], z, config))[-1].z
    assert not torch.allclose(steps[-1].z, plain, atol=1e-3)


def test_a_video_does_not_depend_on_its_batch(backbone, two_subject_trajectory) -> None:
    plan = two_subject_trajectory
    guide = methods.load("starvid").guide(plan, backbone, steps=3)
    brief = replace(guide, phases=tuple(replace(p, iterations=2) for p in guide.phases))
    prompts, guides = [plan.plan.prompt, PROMPTS[1]], [brief, Guide()]
    config, z = replace(CONFIG, steps=3), backbone.initial_noise([3, 4])
    together = list(denoise(backbone, prompts, guides, z, config))[-1].z
    for row in (0, 1):
        (alone,) = list(denoise(backbone, [prompts[row]], [guides[row]], z[row : row + 1], config))[
            -1
        ].z
        torch.testing.assert_close(together[row], alone, rtol=1e-3, atol=1e-3)


def test_half_precision_is_guided_too(name, folders, two_subject_trajectory) -> None:
    b = FILES[name].load(folders[name], "cpu", torch.bfloat16, **SIZE)
    assert b.dtype == torch.bfloat16
    z = b.initial_noise([0])
    # As in diffusers' pipelines: Wan keeps its latents in float32.
    assert z.dtype == (torch.float32 if name == "wan" else torch.bfloat16)
    guide = methods.load("starvid").guide(two_subject_trajectory, b, steps=2)
    prompt, config = two_subject_trajectory.plan.prompt, replace(CONFIG, steps=2)
    steps = list(denoise(b, [prompt], [guide], z, config))
    assert steps[-1].z.dtype == z.dtype and steps[-1].z.isfinite().all()
    losses = [value.value for value in steps[0].losses[0]]
    assert losses[-1] < losses[0]


def test_a_latent_frame_has_the_masks_of_the_video_frames_it_holds(
    backbone, two_subject_trajectory
) -> None:
    assert backbone.spans == (range(1), range(1, 5), range(5, 9))
    one_by_one = replace(backbone, stride=1)
    M = scene(two_subject_trajectory, backbone).M
    each = scene(two_subject_trajectory, one_by_one).M
    assert M.shape == (2, 3, H, W) and each.shape == (2, 9, H, W)
    assert M[:, 0].equal(each[:, 0]) and M[:, 2].equal(each[:, 5:9].amax(1))


def test_what_guidance_moved_is_not_corrected_away(folders) -> None:
    """UniPC begins a step by recomputing where it is; a moved video must stay moved."""
    b = wan.load(folders["wan"], device="cpu", **SIZE)
    z, config = b.initial_noise([1]), replace(CONFIG, steps=3, guidance_scale=1.0)

    def push(A: Tensor) -> Tensor:
        return A[1, ..., :3].sum()[None]

    strong = Guide((Phase("push", push, range(1, 2), 1, weight=1000.0),))
    plain = list(denoise(b, PROMPTS[:1], [Guide()], z, config))
    moved = list(denoise(b, PROMPTS[:1], [strong], z, config))
    text = b.encode_text(PROMPTS[:1])
    A = attention_maps(b.network, plain[0].z.requires_grad_(), plain[1].timestep, text)[0]
    (gradient,) = torch.autograd.grad(push(A).sum(), plain[0].z)
    pushed = (plain[0].z - 1000.0 * gradient).detach()
    scheduler = copy.deepcopy(b.scheduler)
    scheduler.set_timesteps(3)
    with torch.no_grad():
        first = b.network.predict(z, scheduler.timesteps[0], text)
        scheduler.step(first, scheduler.timesteps[0], z)
        scheduler.last_sample = None
        second = b.network.predict(pushed, scheduler.timesteps[1], text)
        expected = scheduler.step(second, scheduler.timesteps[1], pushed).prev_sample
    assert (pushed - plain[0].z).abs().max() > 0.1
    torch.testing.assert_close(moved[1].z, expected, rtol=1e-4, atol=1e-4)


def test_wan_runs_with_euler_steps_too(folders, two_subject_trajectory) -> None:
    b = wan.load(folders["wan"], device="cpu", **SIZE)
    euler = replace(b, scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0))
    guide = methods.load("lvd").guide(two_subject_trajectory, euler, steps=2)
    prompt = two_subject_trajectory.plan.prompt
    steps = list(
        denoise(euler, [prompt], [guide], euler.initial_noise([0]), replace(CONFIG, steps=2))
    )
    assert steps[-1].z.isfinite().all() and steps[0].losses[0]


def test_wrong_options_are_one_line(name, folders, backbone, two_subject_trajectory) -> None:
    file, folder = FILES[name], folders[name]
    for options, said in (
        ({"height": 72}, "72x96 pixels must be divisible by 16"),
        ({"frames": 8}, f"{name} makes 1 frame and a multiple of 4 more, not 8"),
        ({"blocks": (0, 3)}, r"blocks must be some of 0 to 2, each once; got \(0, 3\)"),
        ({"blocks": ()}, "blocks must be some of 0 to 2"),
        ({"block": (0,)}, f"unknown option of {name} 'block'.*did you mean blocks"),
    ):
        with pytest.raises(InputError, match=said):
            file.load(folder, device="cpu", **(SIZE | options))
    with pytest.raises(InputError, match="a transformer has no stages to choose, got down"):
        backbone.network.select(("down",))
    with pytest.raises(InputError, match=r"layers of text to mask.*give masked=\('text',\)"):
        methods.load("attention_mask").guide(two_subject_trajectory, backbone, steps=2)
    with pytest.raises(InputError, match="adds no fresh noise; leave eta at 0"):
        z = backbone.initial_noise([0])
        list(denoise(backbone, PROMPTS[:1], [Guide()], z, replace(CONFIG, eta=1.0), seeds=[0]))


def test_missing_or_foreign_weights_are_one_line(name, folders, tmp_path, monkeypatch) -> None:
    file = FILES[name]
    monkeypatch.setattr("starvid_core.paths.WEIGHTS", tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    command = f"hf download {file.WEIGHTS.repository} --revision {file.WEIGHTS.revision} --local"
    with pytest.raises(InputError, match=f"{file.WEIGHTS.gigabytes} GB.*{command}"):
        file.load()
    other = folders["cogvideox" if name == "wan" else "wan"]
    with pytest.raises(InputError, match=f"and {name} is a {file.WEIGHTS.pipeline}; fetch it"):
        file.load(other)


def test_a_tokenizer_of_sentencepiece_is_read(folders, tmp_path: Path) -> None:
    """CogVideoX's repository has no other file of its vocabulary."""
    sentencepiece = pytest.importorskip("sentencepiece", reason="the extra `published`")
    folder = Path(shutil.copytree(folders["cogvideox"], tmp_path / "copy"))
    (folder / "tokenizer" / "tokenizer.json").unlink()
    with (folder / "tokenizer" / "spiece.model").open("wb") as written:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(CAPTIONS * 20),
            model_writer=written,
            vocab_size=26,
            pad_id=0,
            eos_id=1,
            unk_id=2,
            bos_id=-1,
            minloglevel=2,
        )
    b = cogvideox.load(folder, device="cpu", **SIZE)
    ids = b.tokenizer(PROMPTS[1]).input_ids
    assert b.tokenizer.is_fast and b.tokenizer.decode(ids) == f"{PROMPTS[1]}</s>"
    assert b.tokenizer.model_max_length == 26


def test_a_model_with_rotary_positions_is_refused() -> None:
    rotary = CogVideoXTransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=8,
        in_channels=4,
        out_channels=4,
        num_layers=1,
        text_embed_dim=16,
        use_rotary_positional_embeddings=True,
    )
    with pytest.raises(InputError, match="of CogVideoX only 2B is supported"):
        cogvideox.CogVideoX(rotary, (0,))


def test_the_full_sizes_have_the_chosen_blocks_on_30_by_52_and_30_by_45() -> None:
    with torch.device("meta"):
        one = WanTransformer3DModel(num_attention_heads=12, ffn_dim=8960, num_layers=30)
        two = CogVideoXTransformer3DModel()
    assert sum(p.numel() for p in one.parameters()) == 1_418_996_800
    for network, file, grid in (
        (wan.Wan(one, (10, 12, 14, 16, 18)), wan, (30, 52)),
        (cogvideox.CogVideoX(two, (10, 12, 14, 16, 18)), cogvideox, (30, 45)),
    ):
        options = file.WEIGHTS.options
        assert network.blocks == options["blocks"] and network.channels == 16
        assert network.map_size(options["height"] // 8, options["width"] // 8) == grid
        sites = network.sites()
        assert len(sites) == 30 and {site.kind for site in sites.values()} == {"text"}
        assert set(network.select(("up", "down"))) < set(sites)
