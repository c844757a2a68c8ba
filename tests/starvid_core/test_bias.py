"""A bias reaches the rows, layers and steps that it is meant for, and leaves nothing behind."""

import math
from dataclasses import replace

import pytest
import torch
from diffusers.models.attention_processor import Attention
from torch import Tensor, nn

from starvid_core.attention import record_attention
from starvid_core.bias import Bias, biased, halves
from starvid_core.config import SamplingConfig
from starvid_core.layers import cross_attention_layers
from starvid_core.phases import Guide
from starvid_core.sampling import denoise
from starvid_core.unet import UNet

BATCH, TOKENS, FRAMES, H, W = 2, 7, 3, 8, 12
PROMPT = "a dog runs and a cat jumps"
CONFIG = SamplingConfig(steps=3, guidance_scale=3.0)


def random_input() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    z = torch.randn(BATCH, 4, FRAMES, H, W, generator=generator)
    return z, torch.randn(BATCH, TOKENS, 16, generator=generator) * 3


def without_token(number: int, of: int = TOKENS):
    """Nobody looks at that token."""

    def logits(kind: str, step: int, h: int, w: int) -> Tensor | None:
        if kind != "text":
            return None
        mask = torch.zeros(FRAMES, h * w, of)
        mask[..., number] = -math.inf
        return mask

    return logits


def hooks(unet: nn.Module) -> int:
    return sum(len(module._forward_pre_hooks) for module in unet.modules())


def seen_masks(unet: nn.Module, run) -> dict[str, Tensor | None]:
    """The attention masks that every attention layer gets while `run` runs."""
    got: dict[str, Tensor | None] = {}
    named = {n: m for n, m in unet.named_modules() if isinstance(m, Attention)}
    processors = {name: layer.processor for name, layer in named.items()}
    for name, layer in named.items():

        def spy(attn, hidden, *args, attention_mask=None, name=name, **kwargs):
            got[name] = attention_mask
            return processors[name](attn, hidden, *args, attention_mask=attention_mask, **kwargs)

        layer.processor = spy
    try:
        run()
    finally:
        for name, layer in named.items():
            layer.processor = processors[name]
    return got


@torch.no_grad()
def test_maps_recorded_under_a_bias_have_it(tiny_backbone) -> None:
    unet, (z, text) = tiny_backbone.network.module, random_input()
    bias = Bias(without_token(2))
    with biased(UNet(unet), [None, bias], 0, H, W), record_attention(UNet(unet)) as recorder:
        unet(z, 500, encoder_hidden_states=text)
    A = recorder.maps()
    assert not A[1, 2].any() and A[0, 2].min() > 0
    torch.testing.assert_close(A.sum(1), torch.ones_like(A[:, 0]))


@torch.no_grad()
def test_the_bias_of_one_row_leaves_the_other_alone(tiny_backbone) -> None:
    unet, (z, text) = tiny_backbone.network.module, random_input()
    plain = unet(z, 500, encoder_hidden_states=text).sample
    with biased(UNet(unet), [None, Bias(without_token(2))], 0, H, W):
        one = unet(z, 500, encoder_hidden_states=text).sample
    torch.testing.assert_close(one[0], plain[0], rtol=1e-4, atol=1e-5)
    assert not torch.allclose(one[1], plain[1], atol=1e-3)


@torch.no_grad()
def test_every_kind_of_layer_gets_logits_of_its_own_axes_on_its_own_grid(tiny_backbone) -> None:
    unet, (z, text) = tiny_backbone.network.module, random_input()
    asked = set()

    def logits(kind: str, step: int, h: int, w: int) -> Tensor:
        asked.add((kind, step, h, w))
        shapes = {
            "text": (FRAMES, h * w, TOKENS),
            "space": (FRAMES, h * w, h * w),
            "time": (h * w, FRAMES, FRAMES),
        }
        return torch.zeros(shapes[kind])

    with biased(UNet(unet), [Bias(logits), None], 4, H, W):
        got = seen_masks(unet, lambda: unet(z, 500, encoder_hidden_states=text))
    grids = [(8, 12), (4, 6), (2, 3)]
    assert asked == {(kind, 4, *size) for kind in ("text", "space", "time") for size in grids}
    assert all(got[name] is None for name in got if name.startswith("transformer_in"))
    assert all(got[name] is not None for name in got if not name.startswith("transformer_in"))


@torch.no_grad()
@pytest.mark.parametrize(("row", "frame"), [(0, 0), (1, 2)])
def test_a_mask_of_one_frame_moves_only_the_maps_of_that_frame(
    tiny_backbone, row: int, frame: int
) -> None:
    unet, (z, text) = tiny_backbone.network.module, random_input()

    def logits(kind: str, step: int, h: int, w: int) -> Tensor | None:
        if kind != "text":
            return None
        mask = torch.zeros(FRAMES, h * w, TOKENS)
        mask[frame, : h * w // 2, 5] = -math.inf
        return mask

    first = ("down_blocks.0.attentions.0.transformer_blocks.0.attn2",)
    rows = [Bias(logits) if n == row else None for n in range(BATCH)]
    with biased(UNet(unet), rows, 0, H, W), record_attention(UNet(unet), layers=first) as recorder:
        unet(z, 500, encoder_hidden_states=text)
    empty = (recorder.layers[first[0]][:, :, 5] == 0).all(1)
    expected = torch.zeros(BATCH, FRAMES, H, W, dtype=torch.bool)
    expected[row, frame, : H // 2] = True
    assert empty.equal(expected)


@torch.no_grad()
def test_pixels_and_frames_are_folded_as_the_temporal_layers_do(tiny_backbone) -> None:
    """The first temporal layer, with one pixel's frames cut apart: only there the output moves."""
    unet, (z, text) = tiny_backbone.network.module, random_input()
    layer = unet.down_blocks[0].temp_attentions[0].transformer_blocks[0].attn1
    got: list[Tensor] = []

    def logits(kind: str, step: int, h: int, w: int) -> Tensor | None:
        if kind != "time" or h != H:
            return None
        mask = torch.zeros(h * w, FRAMES, FRAMES)
        mask[17] = mask[17].masked_fill(~torch.eye(FRAMES, dtype=torch.bool), -math.inf)
        return mask

    hook = layer.register_forward_hook(lambda m, a, output: got.append(output))
    try:
        unet(z, 500, encoder_hidden_states=text)
        with biased(UNet(unet), [None, Bias(logits)], 0, H, W):
            unet(z, 500, encoder_hidden_states=text)
    finally:
        hook.remove()
    moved = (got[0] - got[1]).abs().amax((1, 2)) > 1e-6
    assert moved.nonzero().flatten().tolist() == [H * W + 17]


def test_the_unconditional_half_comes_first_and_is_biased_only_if_asked() -> None:
    one, two = Bias(without_token(1)), Bias(without_token(1), both=True)
    assert halves([one, two, None], guided=True) == [None, two, None, one, two, None]
    assert halves([one, two], guided=False) == [one, two]


@torch.no_grad()
def test_a_pass_without_a_bias_has_no_hook_and_fused_kernels(tiny_backbone) -> None:
    unet, (z, text) = tiny_backbone.network.module, random_input()
    plain = unet(z, 500, encoder_hidden_states=text).sample
    with biased(UNet(unet), [None, None], 0, H, W):
        assert hooks(unet) == 0
        masks = seen_masks(unet, lambda: unet(z, 500, encoder_hidden_states=text))
        assert set(masks.values()) == {None}
        assert unet(z, 500, encoder_hidden_states=text).sample.equal(plain)
    silent = Bias(lambda kind, step, h, w: None)
    with biased(UNet(unet), [None, silent], 0, H, W):
        assert unet(z, 500, encoder_hidden_states=text).sample.equal(plain)


def test_a_bias_is_undone_after_an_error(tiny_backbone) -> None:
    def broken(kind: str, step: int, h: int, w: int) -> Tensor:
        raise RuntimeError("inside")

    guide = Guide(bias=Bias(broken))
    z = tiny_backbone.initial_noise([1])
    with pytest.raises(RuntimeError, match="inside"):
        list(denoise(tiny_backbone, [PROMPT], [guide], z, CONFIG))
    assert hooks(tiny_backbone.network.module) == 0


def test_in_a_batch_only_the_biased_prompt_is_steered(tiny_backbone) -> None:
    b, z = tiny_backbone, tiny_backbone.initial_noise([1, 2])
    guide = Guide(bias=Bias(without_token(2, b.tokenizer.model_max_length)))
    plain = list(denoise(b, [PROMPT] * 2, [Guide(), Guide()], z, CONFIG))[-1].z
    mixed = list(denoise(b, [PROMPT] * 2, [Guide(), guide], z, CONFIG))[-1].z
    alone = list(denoise(b, [PROMPT], [guide], z[1:], CONFIG))[-1].z
    torch.testing.assert_close(mixed[0], plain[0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(mixed[1], alone[0], rtol=1e-4, atol=1e-5)
    assert not torch.allclose(mixed[1], plain[1], atol=1e-3)


def test_a_bias_is_asked_for_the_step_that_is_denoised(tiny_backbone) -> None:
    steps = []
    watching = Bias(lambda kind, step, h, w: steps.append(step))
    z = tiny_backbone.initial_noise([1])
    list(denoise(tiny_backbone, [PROMPT], [Guide(bias=watching)], z, replace(CONFIG, steps=2)))
    assert set(steps) == {0, 1} and steps == sorted(steps)


def test_the_layers_of_the_maps_are_among_the_biased(tiny_backbone) -> None:
    unet, (z, text) = tiny_backbone.network.module, random_input()
    with torch.no_grad(), biased(UNet(unet), [Bias(without_token(1)), None], 0, H, W):
        got = seen_masks(unet, lambda: unet(z, 500, encoder_hidden_states=text))
    text_only = {name for name, mask in got.items() if mask is not None}
    assert set(cross_attention_layers(unet)) < text_only
    assert all(name.endswith("attn2") and ".attentions." in name for name in text_only)
