"""Published weights: pinned to a revision, looked for on this machine, never downloaded unasked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from starvid_core.artifacts import sha256_file
from starvid_core.errors import InputError

WEIGHTS = "model.safetensors"
_PATTERNS = ("*.json", "*.txt", WEIGHTS)


@dataclass(frozen=True)
class Found:
    """Weights on this machine, and the sha256 that says which they are."""

    folder: Path
    sha256: str


@dataclass(frozen=True)
class Pretrained:
    """A repository of the Hugging Face hub at one revision.

    `sha256` is that of its weights; where nobody has published it, it is empty and not compared.
    """

    repository: str
    revision: str
    gigabytes: float
    sha256: str = ""

    @property
    def name(self) -> str:
        return self.repository.rpartition("/")[2]

    def find(self, models: Path | None = None) -> Found:
        """The weights in `models/<name>`, or else in the cache of Hugging Face.

        Raises InputError with the command that fetches them if they are in neither place, or are
        not the published ones.
        """
        folder = self._folder(models)
        found = sha256_file(folder / WEIGHTS)
        if self.sha256 and found != self.sha256:
            raise InputError(
                f"{folder / WEIGHTS} has sha256 {found[:12]}..., not {self.sha256[:12]}... of "
                f"{self.repository}; fetch it again: `{self.command(models and folder)}`"
            )
        return Found(folder, found)

    def _folder(self, models: Path | None) -> Path:
        own = models / self.name if models else None
        if own and (own / WEIGHTS).is_file():
            return own
        cached = None if models else self._cached()
        if cached:
            return cached
        raise InputError(
            f"no weights of {self.repository} ({self.gigabytes:g} GB) in "
            f"{own or 'the cache of Hugging Face'}; fetch them: `{self.command(own)}`"
        )

    def command(self, folder: Path | None = None) -> str:
        """What fetches the weights, into the cache of Hugging Face or a folder."""
        patterns = " ".join(f"--include '{pattern}'" for pattern in _PATTERNS)
        place = f" --local-dir {folder}" if folder else ""
        return f"hf download {self.repository} --revision {self.revision} {patterns}{place}"

    def _cached(self) -> Path | None:
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(self.repository, WEIGHTS, revision=self.revision)
        return Path(found).parent if isinstance(found, str) else None
