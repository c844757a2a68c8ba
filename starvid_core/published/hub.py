"""Published weights: where they are kept, at which commit, and how to read them.

Nothing is ever downloaded here. Weights lie in a folder that the user fetched, or in the cache of
huggingface_hub; a model that is in neither is an error which holds the command that fetches it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import LocalEntryNotFoundError

from starvid_core import machine, paths
from starvid_core.artifacts import canonical_json, read_json, sha256_file, sha256_text
from starvid_core.config import check_frames, check_size
from starvid_core.errors import InputError
from starvid_core.options import known
from starvid_core.published import loading

SMALL = 2**22  # bytes up to which a file counts with all it holds
PICKLED = (".bin", ".pt", ".pth", ".ckpt")
REPOSITORY = re.compile(r"(?P<name>[\w.-]+/[\w.-]+)(@(?P<revision>[0-9a-f]{40}))?")


@dataclass(frozen=True)
class Published:
    """A model on the hub: its repository, commit, size to fetch, pipeline and folders of weights.

    `excluded` are patterns of files that nobody needs; `options` are what `load` may be given, with
    the published values. Height and width must be multiples of `unit` pixels, frames 1 and a
    multiple of `stride` more. A model that is published as a `pickle` has to be converted.
    """

    name: str
    repository: str
    revision: str
    gigabytes: float
    pipeline: str
    parts: tuple[str, ...]
    options: Mapping[str, Any]
    excluded: tuple[str, ...] = ()
    pickle: str = ""
    unit: int = 8
    stride: int = 1

    @property
    def folder(self) -> Path:
        """Where the command puts it, and where it is looked for first."""
        return paths.WEIGHTS / self.name

    @property
    def command(self) -> str:
        """What the user runs to fetch it."""
        fetch = f"hf download {self.repository} --revision {self.revision}"
        if self.pickle:
            return (
                f"{fetch} --include {self.pickle} --local-dir {self.folder.parent} && starvid "
                f"convert {self.name} {self.folder.parent / self.pickle} {self.folder}"
            )
        excluded = "".join(f" --exclude '{pattern}'" for pattern in self.excluded)
        return f"{fetch}{excluded} --local-dir {self.folder}"

    def find(self, weights: str | Path | None = None) -> Path:
        """The folder of the weights: a given one, that of a repository in the cache, or our own.

        A repository is OWNER/NAME, or OWNER/NAME@COMMIT for another commit than the pinned one.
        Raises InputError, with the command that fetches them, when they are nowhere or incomplete.
        """
        place = self._given(weights) if weights else self._own()
        self._check(place)
        return place

    def _own(self) -> Path:
        if self.folder.is_dir():
            return self.folder
        place = _cached(self.repository, self.revision)
        if not place:
            raise InputError(
                f"{self.name} needs {self.repository} at {self.revision[:7]} ({self.gigabytes} GB),"
                f" which is neither in {self.folder} nor in the cache of huggingface_hub; "
                f"{self.cure}"
            )
        return place

    def _given(self, weights: str | Path) -> Path:
        if Path(weights).is_dir():
            return Path(weights)
        asked = REPOSITORY.fullmatch(str(weights))
        if not asked:
            raise InputError(f"{weights} is neither a folder nor OWNER/NAME; {self.cure}")
        if asked["name"] == self.repository and asked["revision"] in (None, self.revision):
            return self._own()
        if not asked["revision"]:
            raise InputError(f"name the commit of {weights} with all 40 digits: {weights}@COMMIT")
        place = _cached(asked["name"], asked["revision"])
        if not place:
            raise InputError(
                f"{weights} is not in the cache of huggingface_hub; fetch it: hf download "
                f"{asked['name']} --revision {asked['revision']}"
            )
        return place

    @property
    def cure(self) -> str:
        return f"fetch it: {self.command}"

    def _check(self, place: Path) -> None:
        if not (place / "model_index.json").is_file():
            raise InputError(f"{place} has no model_index.json, so no model; {self.cure}")
        found = read_json(place / "model_index.json").get("_class_name")
        if found != self.pipeline:
            raise InputError(
                f"{place} holds a {found}, and {self.name} is a {self.pipeline}; {self.cure}"
            )
        for part in (*self.parts, "scheduler", "tokenizer"):
            if not (place / part).is_dir():
                raise InputError(f"{place} has no folder {part}; {self.cure}")
        for part in self.parts:
            _check_weights(place / part, self.cure)

    def chosen(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The published options with those given in their place; InputError for impossible ones."""
        for name in options:
            known(f"option of {self.name}", name, list(self.options))
        chosen = {**self.options, **options}
        check_size(self.name, chosen["height"], chosen["width"], self.unit)
        check_frames(self.name, chosen["frames"], self.stride)
        return chosen

    def identity(self, place: Path, options: Mapping[str, Any]) -> str:
        """Names the weights and the options, without reading gigabytes.

        Of every file its name; of a small one its content, of a large one its size and its first
        bytes, which in safetensors list all tensors.
        """
        files = [f for f in sorted(place.rglob("*")) if _counts(f, place, self.parts)]
        listed = [[str(f.relative_to(place)), _brief(f)] for f in files]
        return sha256_text(canonical_json([listed, self.chosen(options)]))


def read(place: Path, part: str, kind: Any, dtype: torch.dtype) -> Any:
    """The model of a folder's part, as `loading.model`; InputError for one of another class."""
    folder = place / part
    _check_class(folder, kind.__name__)
    return loading.model(kind, folder, dtype, None if any(_full(folder)) else "fp16")


def _cached(repository: str, revision: str) -> Path | None:
    """Where huggingface_hub keeps that commit."""
    try:
        return Path(snapshot_download(repository, revision=revision, local_files_only=True))
    except LocalEntryNotFoundError:
        return None


def setting(
    device: str | None, dtype: torch.dtype | None, half: torch.dtype
) -> tuple[torch.device, torch.dtype]:
    """The given device and dtype; by default this machine's accelerator with `half`, which the
    model was published for, or the CPU with float32."""
    chosen = machine.device(device or "auto")
    return chosen, dtype or machine.precision(chosen, half)


def _check_class(folder: Path, expected: str) -> None:
    config = read_json(folder / "config.json")
    found = config.get("_class_name") or next(iter(config.get("architectures") or ["nothing"]))
    if found != expected:
        raise InputError(f"{folder} holds a {found}, expected a {expected}")


def _check_weights(folder: Path, cure: str) -> None:
    if any(folder.glob("*.safetensors")):
        return
    pickled = [f.name for f in sorted(folder.iterdir()) if f.suffix in PICKLED]
    if pickled:
        raise InputError(
            f"{folder} holds pickled weights ({pickled[0]}), which are never opened; {cure}"
        )
    raise InputError(f"{folder} has no *.safetensors; {cure}")


def _full(folder: Path) -> list[Path]:
    return [f for f in folder.glob("*.safetensors") if ".fp16." not in f.name]


def _counts(file: Path, place: Path, parts: tuple[str, ...]) -> bool:
    first = file.relative_to(place).parts[0]
    known = (*parts, "scheduler", "tokenizer", "model_index.json")
    return file.is_file() and first in known and file.suffix not in PICKLED


def _brief(file: Path) -> str:
    size = file.stat().st_size
    if size <= SMALL:
        return sha256_file(file)
    with file.open("rb") as opened:
        return f"{size}:{sha256_text(opened.read(SMALL).hex())}"
