"""Which layers are read, in which order their rows are folded, and that nothing is left behind."""

import copy

import pytest
import torch
from diffusers.models.attention_processor import AttnProcessor
from diffusers.models.resnet import TemporalConvLayer
from diffusers.models.transformers.transformer_temporal import TransformerTemporalModel
from einops import rearrange
from torch import Tensor, nn

from starvid_core.attention import record_attention
from starvid_core.errors import InputError
from starvid_core.layers import cross_attention_layers, grid, level, map_size, text_layers
from starvid_core.passes.prefix import attention_maps, layer_maps
from starvid_core.unet import UNet

BATCH, TOKENS, FRAMES, H, W = 2, 7, 3, 8, 12
DOWN = "down_blocks.1.attentions.0.transformer_blocks.0.attn2"
MID = "mid_block.attentions.0.transformer_blocks.0.attn2"
UP = [f"up_blocks.1.attentions.{n}.transformer_blocks.0.attn2" for n in (0, 1)]


def random_input(h: int = H, w: int = W) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    z = torch.randn(BATCH, 4, FRAMES, h, w, generator=generator)
    return z, torch.randn(BATCH, TOKENS, 16, generator=generator) * 3


@pytest.fixture
def unet(tiny_backbone) -> nn.Module:
    return tiny_backbone.network.module


@pytest.fixture
def still_unet(unet) -> nn.Module:
    """A copy whose temporal layers do nothing, so that frames cannot touch each other."""
    still = copy.deepcopy(unet)
    for module in still.modules():
        if isinstance(module, TemporalConvLayer):
            nn.init.zeros_(module.conv4[-1].weight)
            nn.init.zeros_(module.conv4[-1].bias)
        if isinstance(module, TransformerTemporalModel):
            nn.init.zeros_(module.proj_out.weight)
            nn.init.zeros_(module.proj_out.bias)
    return still


def count_hooks(unet: nn.Module) -> int:
    return sum(len(module._forward_pre_hooks) for module in unet.modules())


def test_the_layers_are_the_ones_that_read_text_at_the_lowest_common_resolution(unet) -> None:
    assert list(cross_attention_layers(unet)) == [DOWN, *UP]
    assert list(cross_attention_layers(unet, ("up", "mid", "down"))) == [DOWN, MID, *UP]
    assert list(cross_attention_layers(unet, ("down",))) == [DOWN]


@pytest.mark.parametrize("stages", [(), ("left",), ("up", "up")])
def test_stages_that_do_not_exist_are_refused(unet, stages: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="stages must be some of down, mid, up"):
        cross_attention_layers(unet, stages)


def test_a_unet_without_a_common_resolution_is_refused(unet) -> None:
    flat = copy.deepcopy(unet)
    for block in flat.up_blocks:
        block.attentions = nn.ModuleList()
    with pytest.raises(InputError, match="no resolution with cross-attention on both"):
        cross_attention_layers(flat)


@pytest.mark.parametrize("stages", [("down",), ("up",), ("down", "up"), ("down", "mid", "up")])
@pytest.mark.parametrize(("h", "w"), [(8, 12), (10, 14), (12, 4)])
def test_maps_are_shares_of_all_tokens_on_the_grid(unet, stages, h: int, w: int) -> None:
    z, text = random_input(h, w)
    with torch.no_grad(), record_attention(UNet(unet), stages) as recorder:
        unet(z, 500, encoder_hidden_states=text)
    A = recorder.maps()
    assert A.shape == (BATCH, TOKENS, FRAMES, *map_size(unet, h, w))
    assert map_size(unet, h, w) == (h // 2, w // 2)
    assert A.min() >= 0
    torch.testing.assert_close(A.sum(1), torch.ones_like(A[:, 0]))


def test_maps_agree_with_the_probabilities_of_diffusers(unet) -> None:
    """Diffusers' unfused processor calls `get_attention_scores`, whose result is kept here."""
    z, text = random_input()
    plain, kept = copy.deepcopy(unet), []
    for layer in cross_attention_layers(plain).values():
        layer.set_processor(AttnProcessor())
        scores = layer.get_attention_scores

        def keep(query, key, mask=None, scores=scores):
            kept.append(scores(query, key, mask))
            return kept[-1]

        layer.get_attention_scores = keep
    with torch.no_grad(), record_attention(UNet(unet)) as recorder:
        unet(z, 500, encoder_hidden_states=text)
        plain(z, 500, encoder_hidden_states=text)
    pattern = "(batch frame head) (h w) token -> batch frame head token h w"
    folded = [rearrange(p, pattern, batch=BATCH, frame=FRAMES, h=H // 2) for p in kept]
    expected = rearrange(
        torch.stack([p.mean(2) for p in folded]).mean(0),
        "batch frame token h w -> batch token frame h w",
    )
    torch.testing.assert_close(recorder.maps(), expected, rtol=1e-4, atol=1e-6)


def test_the_mean_over_heads_and_layers_is_the_map_of_a_stage(unet) -> None:
    z, text = random_input()
    with torch.no_grad():
        each = layer_maps(UNet(unet), z, 500, text, (DOWN, *UP))
        A = attention_maps(UNet(unet), z, 500, text)
    assert each[0].shape == (BATCH, 4, TOKENS, FRAMES, H // 2, W // 2)
    torch.testing.assert_close(torch.stack([m.mean(1) for m in each]).mean(0), A)
    assert len({m[:, h].sum((2, 3, 4)).sum().item() for m in each for h in range(4)}) > 1


def test_layers_come_in_the_asked_order_on_their_own_grids(unet) -> None:
    z, text = random_input()
    fine = "down_blocks.0.attentions.0.transformer_blocks.0.attn2"
    with torch.no_grad():
        maps = layer_maps(UNet(unet), z, 500, text, (UP[0], MID, fine))
    assert [m.shape[-2:] for m in maps] == [(4, 6), (2, 3), (8, 12)]
    assert count_hooks(unet) == 0


def test_all_layers_that_read_text_are_listed_as_they_run_with_their_levels(unet) -> None:
    ran = []
    layers = text_layers(unet)
    hooks = [m.register_forward_pre_hook(lambda m, _: ran.append(m)) for m in layers.values()]
    z, text = random_input()
    with torch.no_grad():
        unet(z, 500, encoder_hidden_states=text)
    for hook in hooks:
        hook.remove()
    assert len(ran) == len(layers) == 7
    assert all(a is b for a, b in zip(ran, layers.values(), strict=True))
    assert [level(unet, name) for name in layers] == [0, 1, 2, 1, 1, 0, 0]
    assert grid(9, 13, 1) == (5, 7)


def test_a_layer_that_does_not_read_text_is_refused(unet) -> None:
    z, text = random_input()
    with pytest.raises(InputError, match="no layer 'transformer_in.attn2' reads the text"):
        layer_maps(UNet(unet), z, 500, text, ("transformer_in.attn2",))


@pytest.mark.parametrize(("row", "frame"), [(0, 0), (0, 2), (1, 1)])
def test_one_frame_of_one_video_moves_only_its_own_map(still_unet, row: int, frame: int) -> None:
    z, text = random_input()
    other = z.clone()
    other[row, :, frame] += torch.linspace(-2, 2, W)
    with torch.no_grad():
        before = attention_maps(UNet(still_unet), z, 500, text, ("down", "mid", "up"))
        after = attention_maps(UNet(still_unet), other, 500, text, ("down", "mid", "up"))
    moved = (before - after).abs().amax((1, 3, 4)) > 1e-5
    expected = torch.zeros(BATCH, FRAMES, dtype=torch.bool)
    expected[row, frame] = True
    assert moved.equal(expected)


def test_one_prompt_moves_only_its_own_maps(unet) -> None:
    z, text = random_input()
    other = text.clone()
    other[1] += torch.linspace(-2, 2, 16)
    with torch.no_grad():
        moved = attention_maps(UNet(unet), z, 500, text) - attention_maps(UNet(unet), z, 500, other)
    assert not moved[0].any()
    assert (moved[1].abs().amax((0, 2, 3)) > 1e-5).all()


@pytest.mark.parametrize(("row", "column"), [(0, 0), (0, 17), (11, 0), (5, 9)])
def test_a_change_in_the_latents_moves_the_map_at_its_place(
    still_unet, row: int, column: int
) -> None:
    z, text = random_input(24, 36)
    other = z.clone()
    other[..., 2 * row : 2 * row + 2, 2 * column : 2 * column + 2] += 2
    with torch.no_grad():
        maps = [
            attention_maps(UNet(still_unet), latents, 500, text, ("down",))
            for latents in (z, other)
        ]
    moved = (maps[0] - maps[1]).abs().sum((0, 1, 2))
    place = divmod(int(moved.argmax()), 18)
    assert max(abs(place[0] - row), abs(place[1] - column)) <= 1


def test_recording_leaves_every_bit_of_the_prediction_as_it_is(unet) -> None:
    z, text = random_input()
    with torch.no_grad():
        plain = unet(z, 500, encoder_hidden_states=text).sample
        with record_attention(UNet(unet), ("down", "mid", "up")):
            recorded = unet(z, 500, encoder_hidden_states=text).sample
    assert recorded.equal(plain)


def test_recording_is_undone_after_an_error(unet) -> None:
    processors = list(unet.attn_processors.values())
    with pytest.raises(RuntimeError, match="outside"), record_attention(UNet(unet)):
        assert count_hooks(unet) == 4
        raise RuntimeError("outside")
    assert count_hooks(unet) == 0
    assert all(a is b for a, b in zip(unet.attn_processors.values(), processors, strict=True))


def test_an_error_inside_the_unet_is_raised_and_leaves_nothing(unet) -> None:
    z, text = random_input()
    with pytest.raises(RuntimeError):
        attention_maps(UNet(unet), z, 500, text[..., :3])
    assert count_hooks(unet) == 0
    assert all(parameter.requires_grad for parameter in unet.parameters())


def test_a_recording_inside_another_gives_both_their_maps(unet) -> None:
    z, text = random_input()
    with torch.no_grad(), record_attention(UNet(unet), ("down", "up")) as outer:
        with record_attention(UNet(unet), ("down",)) as inner:
            unet(z, 500, encoder_hidden_states=text)
        both, one = outer.maps(), inner.maps()
        unet(z * 2, 500, encoder_hidden_states=text)
    assert inner.maps().equal(one)
    assert not outer.maps().equal(both)
    torch.testing.assert_close(both, attention_maps(UNet(unet), z, 500, text).detach())
    torch.testing.assert_close(one, attention_maps(UNet(unet), z, 500, text, ("down",)).detach())


def test_maps_before_any_pass_are_an_error(unet) -> None:
    with (
        record_attention(UNet(unet)) as recorder,
        pytest.raises(InputError, match="call the model"),
    ):
        recorder.maps()


@pytest.mark.parametrize("stages", [("down",), ("down", "up"), ("down", "mid", "up")])
def test_the_shortened_pass_gives_the_maps_and_gradients_of_the_whole_one(unet, stages) -> None:
    z, text = random_input()
    leaf = z.clone().requires_grad_()
    frozen = copy.deepcopy(unet).requires_grad_(False)
    short = attention_maps(UNet(unet), leaf, 500, text, stages)
    with record_attention(UNet(frozen), stages) as recorder:
        frozen(leaf, 500, encoder_hidden_states=text)
    whole = recorder.maps()
    assert short.equal(whole)
    gradients = [torch.autograd.grad(A.square().sum(), leaf)[0] for A in (short, whole)]
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-5, atol=1e-9)
    assert (gradients[0].abs().amax((1, 3, 4)) > 0).all()


def test_weights_stay_off_the_graph_and_get_their_flags_back(unet) -> None:
    z, text = random_input()
    frozen = unet.conv_in.weight
    frozen.requires_grad_(False)
    try:
        A = attention_maps(UNet(unet), z.requires_grad_(), 500, text)
        A.sum().backward()
        assert all(parameter.grad is None for parameter in unet.parameters())
        assert not frozen.requires_grad
        assert all(p.requires_grad for p in unet.parameters() if p is not frozen)
    finally:
        frozen.requires_grad_(True)
