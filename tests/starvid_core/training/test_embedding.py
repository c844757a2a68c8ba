"""The embedding: its data say what is true, its losses what is meant, its files what is in them."""

from dataclasses import replace
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
import torch
from transformers import CLIPTokenizer

from starvid_core import paths
from starvid_core.artifacts import read_json, write_manifest
from starvid_core.errors import InputError
from starvid_core.moving_emoji.counts import told
from starvid_core.moving_emoji.data import generator
from starvid_core.moving_emoji.edits import EDITS, assembled, edited
from starvid_core.moving_emoji.world import FIRST, FULL, Act, Scene, render
from starvid_core.perception import emoji_clip
from starvid_core.perception.emoji_clip import Sizes
from starvid_core.perception.emoji_preference import PreferenceHead
from starvid_core.training import embedding
from starvid_core.training.embedding_accuracy import CAPTIONS, HARD, question
from starvid_core.training.embedding_data import Twins, facts, gathering, true_of
from starvid_core.training.fit import Fit
from starvid_core.training.preference_data import LENGTH, SPOILS, Pairs

FITS = (Fit("embedding", 4, 3, checkpoint_every=2, workers=0), Fit("preference", 2, 7, workers=0))


def scene(*pairs: tuple[str, str], place: str = "snow", named: bool = True) -> Scene:
    return Scene(tuple(Act(s, m, 0.2, 0.4) for s, m in pairs), place, named)


def true(said: Scene, shown: Scene) -> bool:
    captions = torch.tensor([facts(said, FIRST, told=True)])
    return bool(true_of(captions, torch.tensor([facts(shown, FIRST, told=False)])))


def test_a_caption_is_true_of_its_scene_in_any_order_and_of_no_other() -> None:
    dog, cat = ("dog", "running"), ("cat", "sitting")
    assert true(scene(dog, cat), scene(cat, dog))
    assert not true(scene(dog), scene(dog, cat)) and not true(scene(dog, dog), scene(dog))
    assert not true(scene(("dog", "sitting"), ("cat", "running")), scene(dog, cat))
    assert not true(scene(dog), scene(dog, place="night"))
    assert true(scene(dog, named=False), scene(dog, place="night"))


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_makes_another_scene_or_none(name: str) -> None:
    made = 0
    for k in range(40):
        rng = generator(3, k)
        before = gathering(rng, FIRST)
        after = EDITS[name](rng, before, FIRST)
        if after is not None:
            made += 1
            facts(after, FIRST, told=True)  # knows every subject, motion and place
            swapped = name == "binding" and sorted(a.motion for a in after.acts)
            assert swapped or not true(after, before)
            assert sorted(a.subject for a in after.acts) == sorted(
                a.subject for a in before.acts
            ) or name in ("subject", "number")
    assert made >= 5


def test_one_place_after_another_is_taken_far_from_those_before() -> None:
    wanted = [("dog", "sitting"), ("cat", "sitting"), ("man", "sitting")]
    clip = render(assembled(generator(0, 0), wanted, "grass"), FIRST)
    boxes = [row[0] for row in clip.boxes]
    assert all(boxes) and all(
        a.overlap(b) < 0.25 for i, a in enumerate(boxes) for b in boxes[:i] if a and b
    )


def test_captions_count_what_is_alike() -> None:
    rng = np.random.default_rng(0)
    dogs = scene(("dog", "running"), ("cat", "sitting"), ("dog", "running"))
    said = {told(dogs, rng) for _ in range(20)}
    assert any(s.startswith("Two dogs are running") for s in said)
    assert any("wo dogs run " in s for s in said) and all("snow" in s for s in said)
    sheep = Scene((Act("sheep", "sitting", 0, 0),) * 3, "grass", named=False)
    assert {told(sheep, rng) for _ in range(9)} == {"Three sheep are sitting.", "Three sheep sit."}
    women = Scene((Act("woman", "playing guitar", 0, 0),) * 2, "grass", named=False)
    assert "Two women play guitar." in {told(women, rng) for _ in range(9)}
    birds = Scene((Act("bird", "flying", 0, 0),) * 4, "grass", named=False)
    assert "Four birds fly." in {told(birds, rng) for _ in range(9)}


@pytest.mark.parametrize("world", [FIRST, replace(FULL, height=80, width=144)], ids=["", "full"])
def test_twins_have_captions_of_their_own_and_two_that_no_frame_shows(
    world: type(FIRST), tokenizer: CLIPTokenizer
) -> None:
    data = Twins(world, tokenizer, 9)
    for k in range(9):
        frames, ids, shown, said = data[k]
        assert frames.shape == (2, 3, *emoji_clip.SIZE) and len(ids) == 4
        assert frames.abs().max() <= 1
        truth = true_of(said, shown)
        assert truth[0, 0] and truth[1, 1] and not truth[0, 2] and not truth[1, 3]
        assert torch.equal(frames, data[k][0])


def test_the_loss_is_clips_where_every_frame_has_one_caption() -> None:
    torch.manual_seed(0)
    logits = torch.randn(5, 5)
    rows, columns = logits.log_softmax(1).diagonal(), logits.log_softmax(0).diagonal()
    expected = -(rows.mean() + columns.mean()) / 2
    assert torch.allclose(embedding.contrastive(logits, torch.eye(5).bool()), expected)


def test_the_loss_shares_what_is_true_and_asks_nothing_of_captions_of_no_frame() -> None:
    logits = torch.tensor([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]])
    truth = torch.tensor([[True, True, False], [False, True, False]])
    frames = -(logits.log_softmax(1)[0, :2].mean() + logits.log_softmax(1)[1, 1]) / 2
    down = logits.log_softmax(0)
    captions = -(down[0, 0] + down[:, 1].mean()) / 2
    assert torch.allclose(embedding.contrastive(logits, truth), (frames + captions) / 2)


def test_a_question_has_one_true_caption_first_and_hard_ones_of_every_kind() -> None:
    kinds, k = set(), 0
    while kinds != set(EDITS) and k < 30:
        asked, k = question(k, FIRST), k + 1
        assert len(set(asked.captions)) == CAPTIONS and len(asked.edits) == HARD
        kinds |= set(asked.edits.values())
    assert kinds == set(EDITS)


@pytest.mark.parametrize("kind", SPOILS)
def test_a_spoiled_clip_differs_from_the_clean_one_as_its_name_says(
    kind: str, tokenizer: CLIPTokenizer
) -> None:
    pairs = Pairs(FIRST, tokenizer, 1)
    for k in range(4):
        good, bad, caption = pairs.pair(generator(4, k), list(SPOILS).index(kind))
        assert good.shape == bad.shape == (
            LENGTH,
            FIRST.height,
            FIRST.width,
            3,
        ) and caption.endswith(".")
        assert bad.dtype == np.uint8 and not np.array_equal(good, bad)
        still = np.array_equal(bad[0], bad[1]) and np.array_equal(bad[0], bad[-1])
        assert still or kind != "frozen"


def test_a_pair_is_the_same_every_time_and_worn_alike(tokenizer: CLIPTokenizer) -> None:
    pairs = Pairs(FIRST, tokenizer, 20)
    for k in (0, 4):
        clips, ids, kind = pairs[k]
        assert clips.shape == (2, LENGTH, 3, *emoji_clip.SIZE) and int(kind) == k
        assert torch.equal(clips, pairs[k][0]) and ids.ndim == 1


def test_the_preference_loss_falls_when_the_good_clip_gains(tokenizer, tiny_embedding) -> None:
    pairs = Pairs(FIRST, tokenizer, 7)
    batch = [torch.stack(part) for part in zip(*(pairs[k] for k in range(7)), strict=True)]
    head = PreferenceHead(16, 8, 8)
    before = embedding.preference_loss(tiny_embedding.model, head, batch)
    optimizer = torch.optim.Adam(head.parameters(), 0.01)
    for _ in range(25):
        optimizer.zero_grad()
        embedding.preference_loss(tiny_embedding.model, head, batch).backward()
        optimizer.step()
    good, bad = embedding.preferences(tiny_embedding.model, head, batch)
    after = embedding.preference_loss(tiny_embedding.model, head, batch)
    assert after < 0.7 * before and (good > bad).float().mean() > 0.7


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_sizes: Sizes) -> Path:
    """What a very short training exports."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "BUILD", tmp_path_factory.mktemp("build"))
        return embedding.train("first", *FITS, sizes=tiny_sizes, held_out=4)


def test_what_training_exports_loads_and_says_how_accurate_it_is(trained: Path) -> None:
    loaded = emoji_clip.load(trained)
    video = render(scene(("dog", "running")), FIRST).video
    assert np.allclose(np.linalg.norm(loaded.frames(video), axis=-1), 1, atol=1e-5)
    assert np.isfinite(loaded.preference(video, "A dog is running."))
    found = read_json(trained / "accuracy.json")
    assert 0 <= found["retrieval"] <= 1 and set(found["preference_by_fault"]) <= set(SPOILS)
    assert found["captions"] == 32 and found["frames"] == 4 and found["targets"]["retrieval"] == 0.9
    assert read_json(trained / "recipe.json")["fits"][0]["steps"] == 4
    assert {"subjects", "frames"} <= set(read_json(trained / "world.json"))


def damaged(trained: Path, folder: Path) -> Path:
    return Path(copytree(trained, folder / "model"))


def test_changed_or_absent_weights_are_refused_in_one_line(trained: Path, tmp_path: Path) -> None:
    folder = damaged(trained, tmp_path)
    file = folder / "preference" / "diffusion_pytorch_model.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(InputError, match=r"does not have the sha256 of manifest.json; restore"):
        emoji_clip.load(folder)
    with pytest.raises(InputError, match="no checkpoint at .*manifest.json is missing"):
        emoji_clip.load(tmp_path / "nowhere")


def test_weights_of_another_size_are_refused_in_one_line(trained: Path, tmp_path: Path) -> None:
    folder = damaged(trained, tmp_path)
    PreferenceHead(16, 8, 24).half().save_pretrained(tmp_path / "other")
    weights = "diffusion_pytorch_model.safetensors"
    (tmp_path / "other" / weights).replace(folder / "preference" / weights)
    write_manifest(folder)
    with pytest.raises(InputError, match=r"has shape .*, expected"):
        emoji_clip.load(folder)


def test_a_resumed_training_reads_with_the_tokenizer_that_it_began_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = embedding.tokenizer_for(tmp_path)
    monkeypatch.setattr(paths, "CHECKPOINTS", tmp_path / "gone")
    assert embedding.tokenizer_for(tmp_path).get_vocab() == begun.get_vocab()


def test_an_edit_that_a_scene_does_not_admit_gives_way_to_another() -> None:
    alone = scene(("airplane", "flying"))
    names = {edited(generator(5, k), alone, FIRST)[0] for k in range(30)}
    assert "binding" not in names and "motion" not in names and names
