"""LoRAs as files: where one is, which one it is, and for which weights it was trained."""

from __future__ import annotations

from pathlib import Path

from starvid_core import paths
from starvid_core.artifacts import read_json, sha256_files
from starvid_core.errors import InputError

# The two files of peft, and what our training says of itself.
WEIGHTS, CONFIG, FACTS = "adapter_model.safetensors", "adapter_config.json", "training.json"


def find(name: str) -> Path:
    """The folder of a LoRA: one of `data/checkpoints/loras` by its name, or any by its path."""
    found = next((place for place in _places(name) if (place / WEIGHTS).is_file()), None)
    if found is None:
        shipped = ", ".join(sorted(p.parent.name for p in paths.LORAS.glob(f"*/{WEIGHTS}")))
        raise InputError(
            f"no LoRA {name!r} in {paths.LORAS} (there: {shipped or 'none yet'}) and no folder of "
            f"that name with {WEIGHTS}; `starvid align` trains them"
        )
    return found


def exists(name: str) -> bool:
    """Whether there is a LoRA of that name."""
    return any((place / WEIGHTS).is_file() for place in _places(name))


def identity(folder: Path) -> str:
    """The sha256 that stands for what a LoRA does."""
    for file in (folder / WEIGHTS, folder / CONFIG):
        if not file.is_file():
            raise InputError(f"{file} is missing; restore the LoRA")
    return sha256_files([folder / WEIGHTS, folder / CONFIG])


def check_base(folder: Path, backbone: str, checkpoint: str) -> None:
    """Refuse a LoRA that says it was trained on other weights than the backbone's."""
    if not (folder / FACTS).is_file():
        return
    base = read_json(folder / FACTS).get("checkpoint", checkpoint)
    if base != checkpoint:
        raise InputError(
            f"{folder} was trained on weights {str(base)[:12]}, and those of {backbone} are "
            f"{checkpoint[:12]}; train it again with `starvid align`"
        )


def _places(name: str) -> tuple[Path, Path]:
    return paths.LORAS / name, Path(name)
