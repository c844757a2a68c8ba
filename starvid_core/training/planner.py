"""Tuning of a small language model to plan as the rules do, resumable at any moment.

Run as `starvid train planner`. Only a LoRA is trained: the model's own weights rest in bfloat16.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from tqdm import tqdm
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from starvid_core.artifacts import read_json, write_json, write_manifest, write_text, writing_folder
from starvid_core.paths import BUILD
from starvid_core.training import adapter, gguf_folder
from starvid_core.training.model_card import card
from starvid_core.training.planner_data import PLANS, Batch, Lessons
from starvid_core.training.recipe import schedule
from starvid_core.training.state import Log, load_state, save_state
from starvid_core.training.stopping import asked_to_stop

STATE = "state.safetensors"
RECIPE = "recipe.json"
BEFORE = "start.json"  # the recipe of the adapter that it began with
COLUMNS = ("step", "tokens", "loss", "seconds", "held_out_scene", "held_out_frames")


@dataclass(frozen=True)
class TuneConfig:
    """The recipe of the adapter.

    `one_stage` is the share of plans that are told in one stage, `frames` the share of the others
    whose second stage is told: the first is shorter and harder.
    """

    rank: int = 8
    alpha: int = 16
    steps: int = 480
    tokens: int = 2048  # of a step, padding included
    learning_rate: float = 1.5e-3
    warmup: int = 20
    decay: float = 0.6
    seed: int = 0
    one_stage: float = 0.12
    frames: float = 0.3
    checkpoint_every: int = 20
    validate_every: int = 50
    held_out_plans: int = 16


class Trainer:
    """Model, adapter, optimizer and place in the stream of lessons, which a checkpoint holds.

    `base` is a folder of transformers. `start` is an exported adapter to begin with, whose lessons
    are not repeated; a resumed run keeps its own.
    """

    def __init__(
        self,
        config: TuneConfig,
        folder: Path,
        device: str,
        base: Path,
        start: Path | None = None,
    ) -> None:
        self.config, self.folder, self.device = config, folder, torch.device(device)
        self.base = base
        tokenizer = AutoTokenizer.from_pretrained(base)
        self.lessons = Lessons(
            tokenizer, config.seed, config.tokens, config.one_stage, config.frames
        )
        torch.manual_seed(config.seed)
        network = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
        lora = LoraConfig(
            task_type="CAUSAL_LM",
            r=config.rank,
            lora_alpha=config.alpha,
            target_modules=list(adapter.TARGETS),
        )
        self.model = get_peft_model(network, lora).to(self.device)
        self.step, self.tokens, self.pool, self.batch = 0, 0, 0, 0
        if start and not (folder / STATE).exists():
            adapter.read(self.model, start)
            self.pool = read_json(start / RECIPE)["pools"]
            write_json(folder / BEFORE, read_json(start / RECIPE))
        self.weights = nn.ParameterList(p for p in self.model.parameters() if p.requires_grad)
        self.optimizer = torch.optim.AdamW(
            self.weights, config.learning_rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True
        )
        self.known: dict[str, float] = {}  # the last losses on held-out plans
        self.held_out = self.lessons.held_out(config.held_out_plans)
        self.log = Log(folder / "log.csv", COLUMNS)

    def run(self) -> None:
        """Train to the end of the recipe, from the newest checkpoint if there is one.

        SIGTERM and Ctrl-C end the step that is being made and keep it; KeyboardInterrupt then.
        """
        self.resume()
        total, batches = self.config.steps, self.batches()
        bar = tqdm(total=total, initial=self.step, desc="planner", mininterval=5)
        with asked_to_stop() as stopping, bar:
            while self.step < total:
                loss = self.advance(next(batches))
                bar.update()
                bar.set_postfix(loss=f"{loss:.4f}")
                stop = stopping()
                if stop or self.step % self.config.checkpoint_every == 0 or self.step == total:
                    self.save()
                if stop:
                    raise KeyboardInterrupt

    def batches(self) -> Iterator[Batch]:
        """From the place of the checkpoint on; the place moves to behind what is yielded."""
        while True:
            pool = self.lessons.pool(self.pool)
            for batch in pool[self.batch :]:
                self.batch += 1
                yield batch
            self.pool, self.batch = self.pool + 1, 0

    def advance(self, batch: Batch) -> float:
        """One step and its line in the log."""
        started = time.monotonic()
        loss = self.update(batch)
        self.step, self.tokens = self.step + 1, self.tokens + batch.ids.numel()
        spent = round(time.monotonic() - started, 3)
        last = self.step == self.config.steps
        known = self.step % self.config.validate_every == 0 or last
        self.known = self.validate() if known else self.known
        shown = self.known.values() if known else ("", "")
        self.log.add(self.step, self.tokens, round(loss, 5), spent, *shown)
        return loss

    def update(self, batch: Batch) -> float:
        rate = schedule(self.step, self.config.steps, self.config.warmup, self.config.decay)
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * rate
        self.model.train()
        loss = self.losses(batch).mean()
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.weights, 1.0)
        self.optimizer.step()
        return float(loss.detach())

    def losses(self, batch: Batch) -> Tensor:
        """Of every token that is taught; the head, with most of the work, sees no others."""
        network, taught = self.model.get_base_model(), batch.taught[:, 1:].to(self.device)
        ids = batch.ids.to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16):
            hidden = network.model(ids, use_cache=False).last_hidden_state
            logits = network.lm_head(hidden[:, :-1][taught])
        return cross_entropy(logits.float(), ids[:, 1:][taught], reduction="none")

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Mean loss of a token by stage, on plans with pairs of subjects never learned."""
        self.model.eval()
        return {
            stage: round(float(torch.cat([self.losses(b) for b in batches]).mean()), 5)
            for stage, batches in self.held_out.items()
        }

    def save(self) -> None:
        """Write the adapter, then the training state."""
        self.export(self.folder / "model")
        place = {n: getattr(self, n) for n in ("step", "pool", "batch", "tokens")}
        save_state(self.folder / STATE, {"adapter": self.weights}, self.optimizer, place)

    def resume(self) -> None:
        """Take up the newest checkpoint, if there is one."""
        place = load_state(self.folder / STATE, {"adapter": self.weights}, self.optimizer)
        if place:
            self.step, self.pool = place["step"], place["pool"]
            self.batch, self.tokens = place["batch"], place["tokens"]
            self.log.cut(self.step)

    def export(self, folder: Path) -> None:
        """The adapter for every engine, with its recipe and a page about it."""
        recipe = asdict(self.config) | {
            "base": read_json(self.base / gguf_folder.ORIGIN),
            "step": self.step,
            "pools": self.pool + 1,
            "plans": PLANS,
            "tokens_seen": self.tokens,
            "held_out": self.known,
        }
        if (self.folder / BEFORE).exists():
            recipe["start"] = read_json(self.folder / BEFORE)
        with writing_folder(folder) as place:
            adapter.write(self.model, place, recipe["base"]["file"])
            write_json(place / RECIPE, recipe)
            write_text(place / "README.md", card(recipe))
            write_manifest(place)


def train(device: str = "cpu", start: Path | None = None, steps: int | None = None) -> Path:
    """Tune SmolLM2 (or go on with it) to plan; returns the adapter's folder."""
    logging.disable_progress_bar()
    config = TuneConfig(steps=steps) if steps else TuneConfig()
    trainer = Trainer(config, BUILD / "train" / "planner", device, gguf_folder.made(), start)
    trainer.run()
    return trainer.folder / "model"
