"""Lessons in planning as batches of tokens: drawn pool by pool, of like length, little padding."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from planners.tuning import examples
from planners.tuning.examples import Example

PLANS = 96  # of a pool
_ORDER = 7  # keeps the order of batches apart from the stream of plans


@dataclass(frozen=True)
class Lesson:
    """The tokens of a conversation; the model is taught those from `reply` on."""

    ids: tuple[int, ...]
    reply: int


@dataclass(frozen=True)
class Batch:
    """Lessons side by side, padded on the right, and which of their tokens are taught."""

    ids: Int[Tensor, "batch token"]
    taught: Bool[Tensor, "batch token"]


def lesson(example: Example, tokenizer: PreTrainedTokenizerBase) -> Lesson:
    """The tokens that the engines would send, and those of the reply with its end mark."""
    messages = [{"role": m.role, "content": m.content} for m in example.messages]
    prompt = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    asked, said = tokenizer(prompt).input_ids, tokenizer(example.reply).input_ids
    return Lesson((*asked, *said, tokenizer.eos_token_id), len(asked))


def batches(lessons: Iterable[Lesson], most: int) -> list[Batch]:
    """Batches of at most so many tokens with their padding, the shortest lessons first."""
    groups: list[list[Lesson]] = [[]]
    for one in sorted(lessons, key=lambda lesson: len(lesson.ids)):
        if groups[-1] and (len(groups[-1]) + 1) * len(one.ids) > most:
            groups.append([])
        groups[-1].append(one)
    return [_batch(group) for group in groups if group]


def _batch(lessons: list[Lesson]) -> Batch:
    # What stands behind the end of a lesson is never looked at by what stands before it.
    ids = torch.zeros(len(lessons), len(lessons[-1].ids), dtype=torch.long)
    taught = torch.zeros_like(ids, dtype=torch.bool)
    for row, one in enumerate(lessons):
        ids[row, : len(one.ids)] = torch.tensor(one.ids)
        taught[row, one.reply : len(one.ids)] = True
    return Batch(ids, taught)


@dataclass(frozen=True)
class Lessons:
    """Where the batches of a training come from."""

    tokenizer: PreTrainedTokenizerBase
    seed: int
    most: int  # tokens of a batch
    one_stage: float
    frames: float = 1.0

    def pool(self, number: int) -> list[Batch]:
        """The batches of pool `number`, in random order."""
        first = number * PLANS
        drawn = examples.examples(self.seed, first, PLANS, self.one_stage, self.frames)
        made = batches((lesson(example, self.tokenizer) for example in drawn), self.most)
        philox = np.random.Philox(key=self.seed, counter=[0, 0, number, _ORDER])
        order = np.random.Generator(philox).permutation(len(made))
        return [made[k] for k in order]

    def held_out(self, plans: int) -> dict[str, list[Batch]]:
        """Batches by stage of plans whose subjects are never learned together."""
        drawn = list(examples.examples(self.seed, 0, plans, held_out=True))
        return {
            stage: batches(
                (lesson(e, self.tokenizer) for e in drawn if e.stage == stage), self.most
            )
            for stage in ("scene", "frames")
        }
