"""What further training changed of a model, so that only that has to ship."""

from __future__ import annotations

import shutil
from pathlib import Path

from safetensors.torch import save_file

from starvid_core.artifacts import fingerprint, write_json, write_manifest, writing_folder
from starvid_core.weights import read

PARTS = ("unet", "text_encoder")
BASE = "base.json"
COPIED = ("world.json", "recipe.json")


def write(start: Path, trained: Path, folder: Path) -> Path:
    """Write the tensors of `trained` that are not those of `start`, and which weights these are."""
    with writing_folder(folder) as place:
        for part in PARTS:
            before, after = read(start / part), read(trained / part)
            changed = {n: v for n, v in after.items() if n not in before or not v.equal(before[n])}
            (place / part).mkdir()
            save_file(changed, place / part / "changed.safetensors", metadata={"format": "pt"})
        for name in COPIED:
            shutil.copyfile(trained / name, place / name)
        write_json(place / BASE, {"checkpoint": fingerprint(start)})
        write_manifest(place)
    return folder
