"""Training of the embedded model: images first, then videos, resumable at any moment.

Run as `starvid train model`.
"""

from __future__ import annotations

import copy
import itertools
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from functools import cached_property
from pathlib import Path

import torch
from diffusers import UNet3DConditionModel
from diffusers.models.resnet import TemporalConvLayer
from diffusers.models.transformers.transformer_temporal import TransformerTemporalModel
from torch import Tensor, nn
from tqdm import tqdm
from transformers import CLIPTextModel, CLIPTokenizer

from starvid_core.artifacts import write_json, write_manifest, writing_folder
from starvid_core.moving_emoji.captions import varied
from starvid_core.moving_emoji.codec import load_codec, to_float
from starvid_core.moving_emoji.data import Clips, generator
from starvid_core.moving_emoji.model import (
    build_scheduler,
    build_text_encoder,
    build_tokenizer,
    build_unet,
)
from starvid_core.moving_emoji.transitions import facts
from starvid_core.moving_emoji.world import FULL, WORLDS, WorldConfig, sample_scene
from starvid_core.paths import BUILD, PROMPTS
from starvid_core.training import codec, difference
from starvid_core.training.batches import batches
from starvid_core.training.recipe import RECIPES, Stage, TrainConfig, schedule
from starvid_core.training.state import Log, load_place, load_state, save_state
from starvid_core.weights import fill

STATE = "state.safetensors"
SHARD = "12MB"  # no file of the repository is larger than 16 MiB


class TextToVideo(nn.Module):
    """The two trained parts as one module, so that one optimizer and one average hold both."""

    def __init__(self, unet: UNet3DConditionModel, text_encoder: CLIPTextModel) -> None:
        super().__init__()
        self.unet = unet
        self.text_encoder = text_encoder

    def forward(self, z: Tensor, timesteps: Tensor, ids: Tensor) -> Tensor:
        return self.unet(z, timesteps, self.text_encoder(ids).last_hidden_state).sample


@contextmanager
def still_images(unet: UNet3DConditionModel) -> Iterator[None]:
    """Bypass every temporal layer: on one frame they are the identity, but they cost."""
    shadowed = []
    for module in unet.modules():
        if isinstance(module, TemporalConvLayer):
            module.forward = lambda hidden, **_: hidden
            shadowed.append(module)
        elif isinstance(module, TransformerTemporalModel):
            module.forward = lambda hidden, **_: (hidden,)
            shadowed.append(module)
    try:
        yield
    finally:
        for module in shadowed:
            del module.forward


def is_temporal(name: str) -> bool:
    return "temp_" in name or "transformer_in" in name


def build_optimizer(model: TextToVideo, stage: Stage) -> torch.optim.AdamW:
    """New layers of a video stage learn at the full rate, what images taught at a share of it."""
    named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    temporal = [p for n, p in named if is_temporal(n)]
    spatial = [p for n, p in named if not is_temporal(n)]
    rate = stage.learning_rate
    groups = [
        {"params": temporal, "lr": rate, "rate": rate},
        {"params": spatial, "lr": rate * stage.spatial_rate, "rate": rate * stage.spatial_rate},
    ]
    return torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=0.01, fused=True)


class Trainer:
    """Model, average, optimizer and place in the recipe; all of it is in every checkpoint.

    `codec` is the folder of the trained codec. `start` is an exported model of the same sizes
    to begin with: its weights, tokenizer and codec. A resumed run keeps its own.
    """

    def __init__(
        self, config: TrainConfig, folder: Path, device: str, codec: Path, start: Path | None = None
    ) -> None:
        self.config, self.folder, self.device = config, folder, torch.device(device)
        self.world: WorldConfig = WORLDS[config.world]
        begun = (folder / STATE).exists()
        origin = folder / "model" if begun else start
        self.tokenizer = (
            CLIPTokenizer.from_pretrained(origin / "tokenizer") if origin else tokenizer_for(config)
        )
        torch.manual_seed(config.seed)
        self.model = TextToVideo(
            build_unet(config.model, self.world), build_text_encoder(config.model, self.tokenizer)
        ).to(self.device)
        if start and not begun:
            fill(self.model.unet, start / "unet")
            fill(self.model.text_encoder, start / "text_encoder")
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad_(bool(re.search(config.learning, name)))
        self.average = copy.deepcopy(self.model).requires_grad_(False)
        self.scheduler = build_scheduler()
        self.codec = load_codec(origin / "codec" if origin else codec, device)
        self.stage, self.step, self.seen = 0, 0, 0
        self.log = Log(folder / "log.csv", ("stage", "step", "examples", "loss", "seconds"))
        self.optimizer = build_optimizer(self.model, config.stages[0])

    def run(self) -> None:
        """Train to the end of the recipe, from the newest checkpoint if there is one."""
        self.resume()
        for index in range(self.stage, len(self.config.stages)):
            if index != self.stage:
                self.stage, self.step = index, 0
                self.optimizer = build_optimizer(self.model, self.config.stages[index])
            self.run_stage(self.config.stages[index])
        self.save()

    def run_stage(self, stage: Stage) -> None:
        self.model.train()
        context = still_images(self.model.unet) if stage.images else nullcontext()
        bar = tqdm(total=stage.steps, initial=self.step, desc=stage.name, mininterval=5)
        with context, bar:
            for video, ids in self.batches(stage):
                started = time.monotonic()
                loss = self.update(stage, video.to(self.device), ids.to(self.device))
                self.step += 1
                self.seen += len(video)
                bar.update()
                bar.set_postfix(loss=f"{loss:.4f}")
                spent = round(time.monotonic() - started, 3)
                self.log.add(stage.name, self.step, self.seen, round(loss, 5), spent)
                if self.step % self.config.checkpoint_every == 0:
                    self.save()

    def batches(self, stage: Stage) -> Iterator[tuple[Tensor, Tensor]]:
        left = (stage.steps - self.step) * stage.batch
        clips = Clips(self.world, self.tokenizer, self.config.seed, self.seen, left, stage.images)
        return iter(batches(clips, stage.batch, self.config.workers))

    def update(self, stage: Stage, video: Tensor, ids: Tensor) -> float:
        """One step of v-prediction on noised latents, captions dropped now and then."""
        rate = schedule(self.step, stage.steps, stage.warmup, stage.decay)
        for group in self.optimizer.param_groups:
            group["lr"] = group["rate"] * rate
        # Dropout draws from the global stream: set anew each step, a resumed run draws the same.
        draw = torch.manual_seed(self.config.seed * 1_000_003 + self.seen)
        z = self.encode(video)
        noise = torch.randn(z.shape, generator=draw).to(z)
        t = torch.randint(0, 1000, (len(z),), generator=draw).to(z.device)
        dropped = torch.rand(len(z), generator=draw) < self.config.caption_dropout
        ids = torch.where(dropped[:, None].to(ids.device), self.no_caption.to(ids), ids)
        noisy, target = (
            self.scheduler.add_noise(z, noise, t),
            self.scheduler.get_velocity(z, noise, t),
        )
        with torch.autocast(self.device.type, torch.bfloat16):
            predicted = self.model(noisy, t, ids)
        loss = nn.functional.mse_loss(predicted.float(), target)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.follow()
        return float(loss.detach())

    @torch.no_grad()
    def encode(self, video: Tensor) -> Tensor:
        with torch.autocast(self.device.type, torch.bfloat16):
            # Contiguous: torch 2.13 crashes going back through frozen convolutions otherwise.
            return self.codec.encode(to_float(video)).float().contiguous()

    @torch.no_grad()
    def follow(self) -> None:
        """Exponential moving average of the weights, quick at first."""
        decay = min(self.config.ema_decay, (1 + self.step) / (10 + self.step))
        pairs = zip(self.average.parameters(), self.model.parameters(), strict=True)
        for average, value in pairs:
            average.lerp_(value, 1 - decay)

    def save(self) -> None:
        """Write the averaged model as a diffusers folder, then the training state."""
        place = {"stage": self.stage, "step": self.step, "seen": self.seen}
        self.export(self.folder / "model")
        save_state(self.folder / STATE, self.modules, self.optimizer, place)

    def resume(self) -> None:
        """Take up the newest checkpoint, if there is one."""
        place = load_place(self.folder / STATE)
        if place:
            self.stage, self.step, self.seen = place["stage"], place["step"], place["seen"]
            self.optimizer = build_optimizer(self.model, self.config.stages[self.stage])
            load_state(self.folder / STATE, self.modules, self.optimizer)
            self.log.cut(sum(s.steps for s in self.config.stages[: self.stage]) + self.step)

    @cached_property
    def no_caption(self) -> Tensor:
        return self.tokenizer("", padding="max_length", return_tensors="pt").input_ids

    @property
    def modules(self) -> dict[str, nn.Module]:
        return {"model": self.model, "average": self.average}

    def export(self, folder: Path) -> None:
        """The averaged weights in half precision, as an ordinary diffusers folder."""
        frozen = TextToVideo(
            build_unet(self.config.model, self.world),
            build_text_encoder(self.config.model, self.tokenizer),
        )
        frozen.load_state_dict(self.average.state_dict())
        frozen.half()
        with writing_folder(folder) as place:
            frozen.unet.save_pretrained(place / "unet", max_shard_size=SHARD)
            frozen.text_encoder.save_pretrained(place / "text_encoder")
            copy.deepcopy(self.codec).half().save_pretrained(place / "codec")
            self.tokenizer.save_pretrained(place / "tokenizer")
            self.scheduler.save_pretrained(place / "scheduler")
            write_json(place / "world.json", facts(self.world))
            write_json(place / "recipe.json", asdict(self.config) | {"examples": self.seen})
            write_manifest(place)


def tokenizer_for(config: TrainConfig) -> CLIPTokenizer:
    """Learned from captions of the whole world and a list of common words, so that it can grow."""
    rng = generator(config.seed, 2**40)
    captions = [varied(sample_scene(rng, FULL), rng) for _ in range(6000)]
    words = (PROMPTS / "words.txt").read_text().split()
    return build_tokenizer(itertools.chain(captions, words * 20), config.model.tokens)


def train(world: str = "full", device: str = "cpu", start: Path | None = None) -> Path:
    """Train (or go on training) the codec and the model of a world; returns the model's folder.

    With `start`, that keeps its codec, the folder of what differs from it: `difference`.
    """
    learned = (start or codec.train(world)) / "codec"
    trainer = Trainer(RECIPES[world], BUILD / "train" / world, device, learned, start)
    trainer.run()
    made = trainer.folder / "model"
    return difference.write(start, made, trainer.folder / "difference") if start else made
