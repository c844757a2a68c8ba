"""Training of SpatialAlign's LoRA: the reference is the same model with the LoRA switched off."""

from __future__ import annotations

import csv
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from starvid_core import lora
from starvid_core.adapters import FACTS
from starvid_core.artifacts import lock, read_json, write_json, writing_folder
from starvid_core.backbones.base import Backbone
from starvid_core.errors import InputError
from starvid_core.finetuning.clips import Clips, Part
from starvid_core.finetuning.dpo import Side, deviation, margin
from starvid_core.finetuning.noising import noised
from starvid_core.finetuning.recipe import Recipe
from starvid_core.training.state import Log, load_state, save_state

STATE, RECIPE, LOG = "state.safetensors", "recipe.json", "log.csv"
MEASURED = ("loss", "s_w", "s_l", "margin", "clipped", "out_dev")
COLUMNS = ("step", *MEASURED, "rate", "seconds")


class Trainer:
    """LoRA, optimizer and place; a training that was killed goes on, to the same last bit."""

    def __init__(self, backbone: Backbone, clips: Clips, recipe: Recipe, folder: Path) -> None:
        self.backbone, self.clips, self.recipe, self.folder = backbone, clips, recipe, folder
        self.adapter = lora.inject(backbone.network.module, recipe.seed, recipe.rank, recipe.alpha)
        self.weights = nn.ParameterList(self.adapter.parameters.values())
        self.optimizer = torch.optim.AdamW(self.weights, recipe.learning_rate)
        self.log = Log(folder / LOG, COLUMNS)
        self.rows: list[dict[str, float]] = []

    @property
    def step(self) -> int:
        return len(self.rows)

    @property
    def stopped(self) -> bool:
        """Whether the LoRA fits winners worse than the base does, beyond what chance explains."""
        recent = [row["s_w"] for row in self.rows[-self.recipe.window :]]
        if not self.recipe.stop or len(recent) < self.recipe.window:
            return False
        return float(np.mean(recent) + 2 * np.std(recent) / len(recent) ** 0.5) < 0

    def run(self) -> None:
        """Train to the end, from the newest checkpoint if there is one."""
        self.resume()
        with tqdm(total=self.recipe.steps, initial=self.step, desc="LoRA", mininterval=5) as bar:
            while self.step < self.recipe.steps and not self.stopped:
                started = time.monotonic()
                row = self.update()
                self.rows.append(row)
                spent = round(time.monotonic() - started, 3)
                self.log.add(self.step, *row.values(), self.recipe.rate(self.step - 1), spent)
                bar.update()
                bar.set_postfix(loss=f"{row['loss']:.4f}")
                if self.step % self.recipe.checkpoint_every == 0:
                    self.save()
        self.save()

    def update(self) -> dict[str, float]:
        """One step on the pairs of all parts; what was measured, to eight digits."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.rate(self.step)
        self.optimizer.zero_grad()
        parts = self.recipe.pairs // self.recipe.part
        rows = []
        for number in range(self.step * parts, (self.step + 1) * parts):
            winner, loser = self.sides(self.clips.part(number, self.recipe.part))
            loss = self.recipe.objective(winner, loser)
            (loss / parts).backward()
            rows.append(self.measured(loss, winner, loser))
        self.optimizer.step()
        return {name: float(f"{np.mean([r[name] for r in rows]):.8g}") for name in MEASURED}

    def sides(self, part: Part) -> tuple[Side, Side]:
        """Both halves at one timestep, through the reference and through the model that learns."""
        halves = zip((part.winner, part.loser), part.noises, strict=True)
        given = [noised(self.backbone.scheduler, z, e, part.t) for z, e in halves]
        z, t = (torch.cat([half[k] for half in given]) for k in (0, 1))
        text = torch.cat([part.text, part.text])
        with torch.no_grad(), self.adapter.off():
            reference = self.predict(z, t, text)
        predicted = self.predict(z, t, text)
        target = torch.cat([half.target for half in given])
        pairs = zip(predicted.chunk(2), reference.chunk(2), target.chunk(2), strict=True)
        winner, loser = (Side(*values) for values in pairs)
        return winner, loser

    def predict(self, z: Tensor, timestep: Tensor, text: Tensor) -> Tensor:
        half = self.recipe.precision == "bfloat16"
        with torch.autocast(z.device.type, torch.bfloat16, enabled=half):
            return self.backbone.network.predict(z, timestep, text).float()

    @torch.no_grad()
    def measured(self, loss: Tensor, winner: Side, loser: Side) -> dict[str, float]:
        objective = self.recipe.objective
        m = margin(winner, loser, objective.beta, objective.clip)
        values = {
            "loss": loss,
            "s_w": winner.gain.mean(),
            "s_l": loser.gain.mean(),
            "margin": m.mean(),
            "clipped": (m.abs() >= objective.clip).float().mean(),
            "out_dev": deviation(winner, loser),
        }
        return {name: float(value) for name, value in values.items()}

    def save(self) -> None:
        place = {"step": self.step}
        save_state(self.folder / STATE, {"lora": self.weights}, self.optimizer, place)

    def resume(self) -> None:
        """Take up the newest checkpoint, if there is one and it is of this recipe."""
        begun = self.folder / RECIPE
        if begun.is_file() and read_json(begun) != asdict(self.recipe):
            raise InputError(
                f"{self.folder} was begun with another recipe; remove it or give another --name"
            )
        write_json(begun, asdict(self.recipe))
        place = load_state(self.folder / STATE, {"lora": self.weights}, self.optimizer)
        done = place.get("step", 0)
        self.log.cut(done)
        self.rows = _rows(self.folder / LOG) if done else []

    def export(self, folder: Path, facts: Mapping[str, Any]) -> Path:
        """The LoRA as peft reads it, with its log and what it stands on."""
        last = self.rows[-self.recipe.window :]
        means = {name: float(f"{np.mean([r[name] for r in last]):.6g}") for name in MEASURED}
        told = {
            "checkpoint": self.backbone.fingerprint,
            "backbone": self.backbone.name,
            "recipe": asdict(self.recipe),
            "steps": self.step,
            "stopped": self.stopped,
            "last": means,
        }
        with writing_folder(folder) as place:
            self.adapter.save(place)
            shutil.copyfile(self.folder / LOG, place / LOG)
            write_json(place / FACTS, told | dict(facts))
        return folder


def train(
    backbone: Backbone,
    clips: Clips,
    recipe: Recipe,
    folder: Path,
    export: Path,
    facts: Mapping[str, Any],
) -> Path:
    """Train (or go on training) a LoRA in `folder` and write it to `export`."""
    with lock(folder / "lock", f"the LoRA in {folder}"):
        trainer = Trainer(backbone, clips, recipe, folder)
        try:
            trainer.run()
            return trainer.export(export, facts)
        finally:
            trainer.adapter.remove()


def _rows(path: Path) -> list[dict[str, float]]:
    with path.open(newline="") as file:
        return [{name: float(row[name]) for name in MEASURED} for row in csv.DictReader(file)]
