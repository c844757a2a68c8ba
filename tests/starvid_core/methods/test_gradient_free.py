"""DAV and the attention masks: who sees whom, where, in which half and in which steps."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from starvid_core.attention import record_attention
from starvid_core.backbones import Backbone
from starvid_core.bias import biased
from starvid_core.config import SamplingConfig
from starvid_core.errors import InputError
from starvid_core.layers import text_layers
from starvid_core.methods import attention_mask, best_of_n, dav
from starvid_core.methods.base import scene
from starvid_core.sampling import denoise
from starvid_core.scene import Box, ScenePlan, Subject, Trajectory

FRAMES, SIZE = 3, (4, 6)
PROMPT = "a dog runs and a cat jumps on the grass"
TOKENS = 77


def bias_of(method, trajectory, backbone, **options):
    return method.guide(trajectory, backbone, method.Config(**options), 50).bias


def region(trajectory: Trajectory, backbone: Backbone, subject: int, size=SIZE) -> Tensor:
    return scene(trajectory, backbone).masks(*size)[subject].flatten(1)


@pytest.mark.parametrize("phrase", ["noun", "noun+verb"])
def test_dav_adds_inside_forbids_outside_and_suppresses_every_other_word(
    tiny_backbone, two_subject_trajectory, phrase: str
) -> None:
    """The page of the baselines, token by token and pixel by pixel."""
    seen = scene(two_subject_trajectory, tiny_backbone)
    bias = bias_of(dav, two_subject_trajectory, tiny_backbone, phrase=phrase)
    first, later = (bias.logits("text", step, *SIZE) for step in (2, 3))
    assert first.shape == later.shape == (FRAMES, 24, TOKENS)
    owner = {}
    for subject, pair in enumerate(seen.words.pairs):
        for token in pair.noun + (pair.verb if phrase == "noun+verb" else ()):
            owner[token] = subject
    last = len(tiny_backbone.tokenizer(PROMPT).input_ids) - 1
    for f in range(FRAMES):
        for pixel in range(24):
            for token in range(TOKENS):
                got = float(first[f, pixel, token]), float(later[f, pixel, token])
                if token == 0 or token >= last:
                    assert got == (0, 0)
                elif token not in owner:
                    assert got == (-math.inf, -math.inf)
                else:
                    M = region(two_subject_trajectory, tiny_backbone, owner[token])[f]
                    gain = 25 * (1 - float(M.mean()))
                    expected = (gain, 0.0) if M[pixel] else (-math.inf, -math.inf)
                    assert got == pytest.approx(expected)


def test_a_verb_that_two_subjects_share_has_both_their_boxes(tiny_backbone) -> None:
    subjects = (Subject(0, "dog", "run"), Subject(1, "cat", "run"))
    boxes = ((Box(0, 0, 0.4, 1),), (Box(0.6, 0, 1, 1),))
    shared = Trajectory(ScenePlan("a dog and a cat run", subjects), boxes)
    seen = scene(shared, tiny_backbone)
    verb = seen.words.pairs[0].verb
    assert verb == seen.words.pairs[1].verb
    logits = bias_of(dav, shared, tiny_backbone, phrase="noun+verb").logits("text", 9, *SIZE)
    union = region(shared, tiny_backbone, 0) + region(shared, tiny_backbone, 1)
    assert (logits[..., verb[0]] == 0).equal(union > 0)


@torch.no_grad()
def test_under_dav_a_phrase_is_seen_in_its_region_alone_in_every_spatial_layer(
    tiny_backbone, two_subject_trajectory
) -> None:
    b, z = tiny_backbone, tiny_backbone.initial_noise([1])
    text, seen = b.encode_text([PROMPT]), scene(two_subject_trajectory, b)
    bias = bias_of(dav, two_subject_trajectory, b)
    layers = tuple(text_layers(b.network.module))
    with (
        biased(b.network, [bias], 7, 8, 12),
        record_attention(b.network, layers=layers) as recorder,
    ):
        b.network.module(z, 500, encoder_hidden_states=text)
    marked = {token for noun in seen.nouns for token in noun}
    for A in recorder.layers.values():
        for subject, noun in enumerate(seen.nouns):
            M = seen.masks(*A.shape[-2:])[subject]
            assert not (A[0][:, list(noun)] * (1 - M)).any()
            assert (A[0][:, list(noun)] + (1 - M)).min() > 0
        assert not A[0][:, [t for t in seen.prompt if t not in marked]].any()
        torch.testing.assert_close(A.sum(2), torch.ones_like(A[:, :, 0]))


@torch.no_grad()
def test_dav_touches_the_conditional_half_and_cross_attention_alone(
    tiny_backbone, two_subject_trajectory, monkeypatch
) -> None:
    b, seen = tiny_backbone, {}
    for name, layer in b.network.module.named_modules():
        if name.endswith(("attn1", "attn2")):
            processor = layer.processor

            def spy(attn, hidden, *args, name=name, processor=processor, **kwargs):
                seen[name] = kwargs.get("attention_mask")
                return processor(attn, hidden, *args, **kwargs)

            monkeypatch.setattr(layer, "processor", spy)
    guide = dav.guide(two_subject_trajectory, b, steps=2)
    config = SamplingConfig(steps=2, guidance_scale=3.0)
    list(denoise(b, [PROMPT], [guide], b.initial_noise([1]), config))
    biased_layers = {name for name, mask in seen.items() if mask is not None}
    assert biased_layers == set(text_layers(b.network.module))
    for name in biased_layers:
        unconditional, conditional = seen[name].chunk(2)
        assert not unconditional.any()
        assert conditional.isinf().any()


def test_dav_amplifies_in_the_first_twentieth_of_the_steps(
    tiny_backbone, two_subject_trajectory
) -> None:
    bias = dav.guide(two_subject_trajectory, tiny_backbone, steps=25).bias
    amplified = [bool((bias.logits("text", n, *SIZE) > 0).any()) for n in range(25)]
    assert amplified == [True, True] + [False] * 23
    assert bias.logits("space", 0, *SIZE) is None and bias.logits("time", 0, *SIZE) is None


def test_the_three_masks_of_peekaboo_written_out(tiny_backbone, two_subject_trajectory) -> None:
    seen = scene(two_subject_trajectory, tiny_backbone)
    bias = bias_of(attention_mask, two_subject_trajectory, tiny_backbone)
    R = seen.masks(*SIZE).flatten(2)
    at = lambda f, pixel: {s for s in range(2) if R[s, f, pixel]}  # noqa: E731
    words = lambda token: {s for s in range(2) if token in seen.nouns[s]}  # noqa: E731
    together = lambda a, b: bool(a & b) or not (a or b)  # noqa: E731
    text, space, time = (bias.logits(kind, 0, *SIZE) for kind in ("text", "space", "time"))
    assert (text.shape, space.shape, time.shape) == ((3, 24, TOKENS), (3, 24, 24), (24, 3, 3))
    for f in range(FRAMES):
        for p in range(24):
            here = at(f, p)
            for token in range(TOKENS):
                expected = token == 0 or together(here, words(token))
                assert (text[f, p, token] == 0) == expected
            for q in range(24):
                assert (space[f, p, q] == 0) == together(here, at(f, q))
            for k in range(FRAMES):
                assert (time[p, f, k] == 0) == together(here, at(k, p))
    assert bias.both


def test_the_masks_act_in_the_first_steps_and_where_they_are_asked_for(
    tiny_backbone, two_subject_trajectory
) -> None:
    bias = bias_of(attention_mask, two_subject_trajectory, tiny_backbone, masked=("space",))
    assert bias.logits("space", 1, *SIZE) is not None
    assert bias.logits("space", 2, *SIZE) is None
    assert bias.logits("text", 0, *SIZE) is None


@pytest.mark.parametrize(
    ("config", "options", "said"),
    [
        (dav.Config, {"phrase": "verb"}, "phrase 'verb' is unknown; choose one of noun, noun"),
        (dav.Config, {"amplification": -1.0}, "amplification must be a number of at least 0"),
        (attention_mask.Config, {"masked": ("sound",)}, "mask 'sound' is unknown"),
        (attention_mask.Config, {"of_steps": 0}, "of_steps must be a number of at least 1"),
        (best_of_n.Config, {"n": 0}, "n must be 1 or more"),
        (best_of_n.Config, {"by": ()}, "by 1 score or more"),
    ],
)
def test_a_choice_that_does_not_exist_is_one_line(config, options: dict, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        config(**options)
    assert "\n" not in str(caught.value)


def test_best_of_n_keeps_the_first_of_the_best_by_its_scores() -> None:
    config = best_of_n.Config(n=3)
    assert best_of_n.seeds(7, config) == (7, 7 + 2**32, 7 + 2**33)
    rows = [
        {"numeracy": 0.5, "action_binding": 0.5, "iou": 1.0},
        {"numeracy": 1.0, "action_binding": 0.5, "iou": 0.0},
        {"numeracy": 0.5, "action_binding": 1.0, "iou": 0.0},
    ]
    assert best_of_n.best(rows, config) == 1
    assert best_of_n.best(rows, replace(config, by=("iou",))) == 0
    with pytest.raises(InputError, match="score 'beauty' is unknown; choose one of numeracy"):
        best_of_n.best(rows, replace(config, by=("beauty",)))
