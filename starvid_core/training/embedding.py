"""Training of the embedding and of its preference head on renders of the world.

Run as `starvid train embedding`; it goes on where it was stopped.
"""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional
from transformers import CLIPTokenizer, VisionTextDualEncoderModel

from starvid_core import paths
from starvid_core.artifacts import write_json, write_manifest, writing_folder
from starvid_core.moving_emoji.world import WORLDS, WorldConfig
from starvid_core.perception.emoji_clip import (
    EmojiClip,
    Sizes,
    build,
    image_features,
    text_features,
)
from starvid_core.perception.emoji_preference import PreferenceHead
from starvid_core.training.embedding_accuracy import accuracy
from starvid_core.training.embedding_data import SEED, Twins, true_of
from starvid_core.training.fit import Fit, fit
from starvid_core.training.preference_data import Pairs

EMBEDDING = Fit("embedding", 4200, 32, learning_rate=1.5e-3)
PREFERENCE = Fit("preference", 400, 28, learning_rate=1e-3, checkpoint_every=100)
SIZES = Sizes()
SHARPEST = 100.0  # the largest scale of cosines, as in CLIP


def contrastive(
    logits: Float[Tensor, "frame caption"], truth: Bool[Tensor, "frame caption"]
) -> Float[Tensor, ""]:
    """CLIP's symmetric loss where a frame may have several true captions and a caption none."""
    return (_choice(logits, truth) + _choice(logits.T, truth.T)) / 2


def _choice(logits: Tensor, truth: Tensor) -> Tensor:
    """Cross-entropy to the even distribution over what is true, of every row that has any."""
    answered = truth.any(-1)
    target = functional.normalize(truth[answered].float(), p=1, dim=-1)
    return functional.cross_entropy(logits[answered], target)


def embedding_loss(model: VisionTextDualEncoderModel, batch: list[Tensor]) -> Tensor:
    """Every frame of a batch of twins against every caption."""
    frames, ids, shown, said = (part.flatten(0, 1) for part in batch)
    with torch.autocast(frames.device.type, torch.bfloat16):
        _, seen = image_features(model, frames)
        captions = text_features(model, ids)
    scale = model.logit_scale.exp().clamp(max=SHARPEST)
    return contrastive(scale * seen @ captions.T, true_of(said, shown))


def preference_loss(
    embedding: VisionTextDualEncoderModel, head: nn.Module, batch: list[Tensor]
) -> Tensor:
    """Logistic (Bradley-Terry): the better clip of each pair should be preferred."""
    good, bad = preferences(embedding, head, batch)
    return -functional.logsigmoid(good - bad).mean()


def preferences(
    embedding: VisionTextDualEncoderModel, head: nn.Module, batch: list[Tensor]
) -> Float[Tensor, "2 pair"]:
    """The scores of both clips of every pair; only the head learns."""
    clips, ids, _ = batch
    pairs, both, length = clips.shape[:3]
    with torch.no_grad(), torch.autocast(clips.device.type, torch.bfloat16):
        pooled, seen = image_features(embedding, clips.flatten(0, 2))
        said = text_features(embedding, ids)
    size = (pairs * both, length)
    scores = head(pooled.unflatten(0, size), seen.unflatten(0, size), said.repeat_interleave(2, 0))
    return scores.unflatten(0, (pairs, both)).T


def train(
    world_name: str = "full",
    embedding: Fit = EMBEDDING,
    preference: Fit = PREFERENCE,
    sizes: Sizes = SIZES,
    held_out: int = 500,
) -> Path:
    """Train the embedding of a world, then the head; returns the folder to ship."""
    torch.manual_seed(SEED)
    world, folder = WORLDS[world_name], paths.BUILD / "train" / f"embedding-{world_name}"
    tokenizer = tokenizer_for(folder)
    model = build(sizes, tokenizer)
    head = PreferenceHead(sizes.channels[-1], sizes.dim)
    twins = Twins(world, tokenizer, embedding.steps * embedding.batch)
    fit(model, twins, embedding, folder, embedding_loss)
    model.requires_grad_(False)
    pairs = Pairs(world, tokenizer, preference.steps * preference.batch)
    fit(head, pairs, preference, folder, partial(preference_loss, model))
    recipe: dict[str, object] = {
        "world": world_name,
        "fits": [asdict(embedding), asdict(preference)],
    }
    return export(EmojiClip(model, tokenizer, head), world, recipe, held_out, folder / "model")


def tokenizer_for(folder: Path) -> CLIPTokenizer:
    """The shipped model's; a copy is kept, for a resumed run must read as the one before."""
    kept = folder / "tokenizer"
    if not kept.is_dir():
        with writing_folder(kept) as place:
            shipped = paths.CHECKPOINTS / "emoji" / "tokenizer"
            CLIPTokenizer.from_pretrained(shipped).save_pretrained(place)
    return CLIPTokenizer.from_pretrained(kept)


def export(
    embedding: EmojiClip, world: WorldConfig, recipe: dict[str, object], held_out: int, folder: Path
) -> Path:
    """Write everything in half precision, with its accuracy as it is then."""
    for part in (embedding.model, embedding.head):
        part.half().float()
    with writing_folder(folder) as place:
        write_json(place / "accuracy.json", accuracy(embedding, world, held_out))
        write_json(place / "world.json", asdict(world))
        write_json(place / "recipe.json", recipe)
        embedding.model.half().save_pretrained(place / "model")
        embedding.head.half().save_pretrained(place / "preference")
        embedding.tokenizer.save_pretrained(place / "tokenizer")
        write_manifest(place)
    return folder
