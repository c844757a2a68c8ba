"""The state of a training run on disk: safetensors only, written whole or not at all."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from starvid_core.artifacts import writing


def save_state(
    path: Path,
    modules: Mapping[str, nn.Module],
    optimizer: torch.optim.Optimizer,
    place: Mapping[str, int],
) -> None:
    """Write modules and optimizer with the place in the recipe that they belong to."""
    state = {
        f"{name}.{key}": value.contiguous()
        for name, module in modules.items()
        for key, value in module.state_dict().items()
    }
    for k, moments in optimizer.state_dict()["state"].items():
        state |= {f"optimizer.{k}.{n}": v.contiguous() for n, v in moments.items()}
    with writing(path) as temporary:
        save_file(state, temporary, metadata={k: str(v) for k, v in place.items()})


def load_place(path: Path) -> dict[str, int]:
    """The place that was saved with a state, empty if there is none."""
    if not path.exists():
        return {}
    with safe_open(path, "pt") as file:
        return {k: int(v) for k, v in file.metadata().items()}


def load_state(
    path: Path, modules: Mapping[str, nn.Module], optimizer: torch.optim.Optimizer
) -> dict[str, int]:
    """Restore what `save_state` wrote; returns its place, empty if there is nothing to restore."""
    place = load_place(path)
    if place:
        state = load_file(path)
        for name, module in modules.items():
            module.load_state_dict(_under(f"{name}.", state))
        moments: dict[int, dict[str, Tensor]] = {}
        for key, value in _under("optimizer.", state).items():
            number, name = key.split(".")
            moments.setdefault(int(number), {})[name] = value
        optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
    return place


def _under(prefix: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}


@dataclass(frozen=True)
class Log:
    """A CSV file that grows by a line a step."""

    path: Path
    columns: tuple[str, ...]

    def cut(self, lines: int) -> None:
        """Forget what came after the checkpoint that a resumed run begins with."""
        if self.path.exists():
            kept = self.path.read_text().splitlines(keepends=True)[: 1 + lines]
            with writing(self.path) as temporary:
                temporary.write_text("".join(kept))

    def add(self, *values: object) -> None:
        new = not self.path.exists()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            if new:
                writer.writerow(self.columns)
            writer.writerow(values)
