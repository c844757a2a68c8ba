"""Tuning: only replies are learned, a run that is stopped goes on as if it had not been."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch.nn.functional import cross_entropy
from transformers import AutoTokenizer

from planners.tuning import examples
from starvid_core.artifacts import verify_manifest
from starvid_core.errors import InputError
from starvid_core.training import adapter, planner_data
from starvid_core.training.planner import COLUMNS, RECIPE, STATE, Trainer, TuneConfig
from starvid_core.training.planner_data import Lesson, Lessons, batches, lesson

TINY = TuneConfig(
    rank=2,
    steps=5,
    tokens=1500,  # a token a byte
    learning_rate=1e-2,
    warmup=1,
    checkpoint_every=2,
    validate_every=3,
    held_out_plans=1,
)


@pytest.fixture(autouse=True, scope="module")
def small_pools() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planner_data, "PLANS", 2)
        yield


@pytest.fixture(scope="module")
def make(tiny_folder: Path):
    def trainer(folder: Path, config: TuneConfig = TINY, start: Path | None = None) -> Trainer:
        return Trainer(config, folder, "cpu", tiny_folder, start)

    return trainer


@pytest.fixture(scope="module")
def through(make, tmp_path_factory) -> Trainer:
    """A trainer that ran through its recipe."""
    trainer = make(tmp_path_factory.mktemp("through"))
    trainer.run()
    return trainer


def test_a_lesson_is_what_the_engine_sends_and_the_reply_with_its_end(tiny_folder) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_folder)
    [example, *_] = examples.examples(0, 0, 1)
    taught = lesson(example, tokenizer)
    asked, said = taught.ids[: taught.reply], taught.ids[taught.reply :]
    assert tokenizer.decode(said) == f"{example.reply}<|im_end|>"
    text = tokenizer.decode(asked)
    assert text.endswith("<|im_end|>\n<|im_start|>assistant\n")
    assert all(message.content in text for message in example.messages)


def test_batches_hold_every_lesson_once_within_their_size() -> None:
    lessons = [Lesson(tuple(range(1, n + 2)), n // 2) for n in (3, 50, 7, 30, 7, 41, 12)]
    made = batches(lessons, 90)
    assert all(batch.ids.numel() <= 90 for batch in made)
    rows = [
        Lesson(tuple(ids[ids > 0].tolist()), int(taught.nonzero()[0]))
        for batch in made
        for ids, taught in zip(batch.ids, batch.taught, strict=True)
    ]
    assert sorted(rows, key=lambda r: r.ids) == sorted(lessons, key=lambda r: r.ids)
    assert sum(int(batch.taught.sum()) for batch in made) == sum(
        len(one.ids) - one.reply for one in lessons
    )


def test_a_lesson_longer_than_a_batch_has_one_of_its_own() -> None:
    made = batches([Lesson((1,) * 200, 100), Lesson((1,) * 20, 10)], 90)
    assert [tuple(batch.ids.shape) for batch in made] == [(1, 20), (1, 200)]


def test_pools_are_the_same_every_time_and_differ_from_one_another(tiny_folder) -> None:
    lessons = Lessons(AutoTokenizer.from_pretrained(tiny_folder), 0, 4000, 0.5)
    first, again, other = lessons.pool(0), lessons.pool(0), lessons.pool(1)
    assert all(torch.equal(a.ids, b.ids) for a, b in zip(first, again, strict=True))
    assert not any(torch.equal(a.ids, b.ids) for a in first for b in other)


def test_the_loss_is_that_of_the_taught_tokens_alone(make, tmp_path) -> None:
    trainer = make(tmp_path)
    batch = trainer.lessons.pool(0)[0]
    network = trainer.model.get_base_model()
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(batch.ids).logits.float()
    each = cross_entropy(logits[:, :-1].mT, batch.ids[:, 1:], reduction="none")
    expected = each[batch.taught[:, 1:]]
    assert torch.allclose(trainer.losses(batch), expected, atol=0.05)


def test_padding_changes_nothing(make, tmp_path) -> None:
    trainer = make(tmp_path)
    short, long = Lesson(tuple(range(5, 45)), 10), Lesson(tuple(range(3, 90)), 60)
    together = trainer.losses(batches([short, long], 1000)[0])
    alone = [trainer.losses(batches([one], 1000)[0]) for one in (short, long)]
    assert torch.allclose(together, torch.cat(alone), atol=0.05)


def test_training_lowers_the_loss(make, tmp_path) -> None:
    trainer = make(tmp_path)
    batch = trainer.lessons.pool(0)[0]
    losses = [trainer.update(batch) for _ in range(6)]
    assert losses[-1] < 0.9 * losses[0]


def stopped_at(trainer: Trainer, step: int) -> Trainer:
    """The trainer, which gets SIGTERM in that step."""
    update = trainer.update

    def updating(batch):
        if trainer.step + 1 == step:
            os.kill(os.getpid(), signal.SIGTERM)
        return update(batch)

    trainer.update = updating
    return trainer


@pytest.mark.parametrize("step", [1, 3])
def test_a_stopped_training_goes_on_to_the_same_bits(make, through, tmp_path, step) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        stopped_at(make(tmp_path), step).run()
    assert signal.getsignal(signal.SIGTERM) is before
    cut = make(tmp_path)
    cut.log.add(9, 9, 9.0, 9.0, "", "")  # a line that a kill left behind the checkpoint
    cut.run()
    assert (cut.step, cut.tokens, cut.pool) == (through.step, through.tokens, through.pool)
    for a, b in zip(cut.weights, through.weights, strict=True):
        assert torch.equal(a, b)
    states = [load_file(trainer.folder / STATE) for trainer in (cut, through)]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())
    logs = [trainer.log.path.read_text().splitlines() for trainer in (cut, through)]
    timeless = [[line.split(",")[:3] + line.split(",")[4:] for line in log] for log in logs]
    assert timeless[0] == timeless[1] and len(logs[0]) == 1 + TINY.steps


def test_a_finished_training_is_left_as_it_is(make, through) -> None:
    manifest = through.folder / "model" / "manifest.json"
    before = manifest.stat().st_mtime_ns
    make(through.folder).run()
    assert manifest.stat().st_mtime_ns == before


def test_what_is_exported_says_how_it_was_made(through) -> None:
    folder = through.folder / "model"
    verify_manifest(folder)
    recipe = json.loads((folder / RECIPE).read_text())
    assert recipe["step"] == TINY.steps and recipe["base"]["file"] == "tiny.gguf"
    assert set(recipe["held_out"]) == {"scene", "frames"}
    page = (folder / "README.md").read_text()
    assert "A LoRA of rank 2 (alpha 16" in page and recipe["base"]["sha256"] in page
    assert f"scene {recipe['held_out']['scene']}" in page and "$" not in page
    log = through.log.path.read_text().splitlines()
    assert log[0] == ",".join(COLUMNS)
    assert [line.endswith(",,") for line in log[1:]] == [True, True, False, True, False]


def test_training_can_begin_with_an_exported_adapter(make, through, tmp_path) -> None:
    second = make(tmp_path, start=through.folder / "model")
    assert second.pool == through.pool + 1  # no lesson twice
    for a, b in zip(second.weights, through.weights, strict=True):
        assert torch.equal(a, b.half().float())
    second.save()
    third = make(tmp_path, start=tmp_path / "nothing")
    third.resume()
    assert torch.equal(third.weights[0], second.weights[0])


def test_an_adapter_of_another_rank_is_no_start(make, tmp_path) -> None:
    make(tmp_path / "first").save()
    with pytest.raises(InputError, match="adapter of other sizes"):
        make(tmp_path / "x", replace(TINY, rank=3), start=tmp_path / "first" / "model")
    (tmp_path / "first" / "model" / adapter.WEIGHTS).write_bytes(b"")
    with pytest.raises(InputError, match="has 0 bytes instead of"):
        make(tmp_path / "y", start=tmp_path / "first" / "model")
