"""A training loop for small networks: one cycle of learning rates, resumable at any moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset, Subset
from tqdm import tqdm

from starvid_core.training.batches import batches
from starvid_core.training.state import Log, load_state, save_state


@dataclass(frozen=True)
class Fit:
    """How a network is trained."""

    name: str
    steps: int
    batch: int
    learning_rate: float = 2e-3
    checkpoint_every: int = 200
    workers: int = 1


def fit(
    model: nn.Module,
    data: Dataset,
    config: Fit,
    folder: Path,
    loss_of: Callable[[Any, Any], Tensor],
) -> None:
    """AdamW with one cycle of learning rates, from the newest checkpoint if there is one.

    `loss_of` takes the model and a batch of `data`.
    """
    optimizer = torch.optim.AdamW(model.parameters(), config.learning_rate, weight_decay=0.01)
    path = folder / f"{config.name}.safetensors"
    done = load_state(path, {"model": model}, optimizer).get("step", 0)
    log = Log(folder / f"{config.name}.csv", ("step", "loss"))
    log.cut(done)
    left = Subset(data, range(done * config.batch, config.steps * config.batch))
    bar = tqdm(total=config.steps, initial=done, desc=config.name, mininterval=5)
    model.train()
    with bar:
        for step, batch in enumerate(batches(left, config.batch, config.workers), done + 1):
            for group in optimizer.param_groups:
                group["lr"] = config.learning_rate * one_cycle(step / config.steps)
            # Set anew each step, so that a resumed run draws the same.
            torch.manual_seed(step)
            loss = loss_of(model, batch)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            bar.update()
            bar.set_postfix(loss=f"{float(loss.detach()):.4f}", refresh=False)
            log.add(step, round(float(loss.detach()), 5))
            if step % config.checkpoint_every == 0 or step == config.steps:
                save_state(path, {"model": model}, optimizer, {"step": step})
    model.eval()


def one_cycle(share: float) -> float:
    """Rises over the first 30 %, then falls along a cosine."""
    if share < 0.3:
        return 0.04 + 0.96 * share / 0.3
    return 0.5 * (1 + float(np.cos(np.pi * (share - 0.3) / 0.7)))
