"""The embedding and the scores that read it, on a tiny one with random weights."""

import numpy as np
import pytest
import torch

from starvid_core import standins
from starvid_core.errors import InputError
from starvid_core.metrics import emoji_clip_i, emoji_clip_t, emoji_preference
from starvid_core.perception.emoji_clip import EmojiClip, text_features, to_frames

PROMPT = "a dog runs on the grass"


def noise(frames: int, height: int = 48, width: int = 96) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (frames, height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", [(48, 96), (64, 112), (80, 144)])
def test_frames_of_any_canvas_become_unit_vectors(
    size: tuple[int, int], tiny_embedding: EmojiClip
) -> None:
    assert to_frames(noise(2, *size)).shape == (2, 3, 48, 96)
    vectors = tiny_embedding.frames(noise(2, *size))
    assert vectors.shape == (2, 8) and np.allclose(np.linalg.norm(vectors, axis=-1), 1, atol=1e-5)


def test_a_larger_canvas_of_the_same_picture_gives_nearly_the_same_vector(
    tiny_embedding: EmojiClip,
) -> None:
    small = np.zeros((1, 48, 96, 3), np.uint8)
    small[:, 10:40, 20:60] = (200, 90, 30)
    [a], [b] = map(tiny_embedding.frames, (small, small.repeat(2, 1).repeat(2, 2)))
    assert float(a @ b) > 0.99


def test_padding_and_company_change_nothing_of_a_caption(tiny_embedding: EmojiClip) -> None:
    longer = "a man rides a bicycle while a woman is playing golf in the snow"
    ids = tiny_embedding.tokenizer(
        [PROMPT, longer], padding="max_length", return_tensors="pt"
    ).input_ids
    both = text_features(tiny_embedding.model, ids)
    alone = tiny_embedding.text(PROMPT)
    assert np.allclose(both[0].numpy(), alone, atol=1e-5)
    whole = tiny_embedding.model.get_text_features(input_ids=ids).pooler_output
    assert torch.allclose(torch.nn.functional.normalize(whole, dim=-1), both, atol=1e-5)


def test_what_the_model_does_not_read_is_counted(tiny_embedding: EmojiClip) -> None:
    assert tiny_embedding.cut(PROMPT) == 0
    long = " ".join([PROMPT] * 30)
    assert tiny_embedding.cut(long) > 100
    scores = emoji_clip_t.score(noise(2), long, tiny_embedding)
    assert scores["emoji_clip_t_cut"] == tiny_embedding.cut(long)


def test_equal_frames_are_wholly_consistent_and_others_less(tiny_embedding: EmojiClip) -> None:
    still = noise(1).repeat(4, 0)
    assert emoji_clip_i.score(still, tiny_embedding) == {
        "emoji_clip_i": pytest.approx(1, abs=1e-5),
        "emoji_clip_i_all": pytest.approx(1, abs=1e-5),
    }
    cut = np.concatenate([still[:2], np.zeros_like(still[:2])])
    scores = emoji_clip_i.score(cut, tiny_embedding)
    apart = tiny_embedding.frames(cut)
    between = float(apart[0] @ apart[-1])
    assert scores["emoji_clip_i"] == pytest.approx((2 + between) / 3, abs=1e-5)
    assert scores["emoji_clip_i_all"] == pytest.approx((2 + 4 * between) / 6, abs=1e-5)


def test_one_frame_has_no_consistency(tiny_embedding: EmojiClip) -> None:
    with pytest.raises(InputError, match="1 frame has no consistency; give a video of two"):
        emoji_clip_i.score(noise(1), tiny_embedding)


def test_a_match_is_the_mean_cosine(tiny_embedding: EmojiClip) -> None:
    video = noise(3)
    cosines = [float(v @ tiny_embedding.text(PROMPT)) for v in tiny_embedding.frames(video)]
    scores = emoji_clip_t.score(video, PROMPT, tiny_embedding)
    assert scores["emoji_clip_t"] == pytest.approx(np.mean(cosines), abs=1e-6)


def test_a_preference_is_of_the_clip_its_order_of_frames_and_its_caption(
    tiny_embedding: EmojiClip,
) -> None:
    video = noise(4)
    score = emoji_preference.score(video, PROMPT, tiny_embedding)["emoji_preference"]
    assert tiny_embedding.preference(video, PROMPT) == score
    assert tiny_embedding.preference(video, "a cat jumps") != score
    assert tiny_embedding.preference(video[[0, 2, 1, 3]], PROMPT) != score
    assert np.isfinite(tiny_embedding.preference(video[:1], PROMPT))


def test_every_stand_in_scores_a_clip_under_a_name_of_its_own(tiny_embedding: EmojiClip) -> None:
    scores = standins.score(noise(3), PROMPT, tiny_embedding)
    assert all(name.startswith("emoji_") for name in scores)
    assert not {"clip_t", "clip_i", "pick_score"} & set(scores)
    assert all(np.isfinite(value) for value in scores.values())
