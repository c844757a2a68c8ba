"""Published weights: pinned to a revision, looked for on this machine, never downloaded unasked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from starvid_core.artifacts import sha256_file
from starvid_core.errors import InputError

WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class Found:
    """Weights on this machine, and the sha256 that says which they are."""

    folder: Path
    sha256: str


@dataclass(frozen=True)
class Pretrained:
    """A repository of the Hugging Face hub at one revision.

    `sha256` is that of its weights; where nobody has published it, it is empty and not compared.
    `pattern` matches the files of its weights.
    """

    repository: str
    revision: str
    gigabytes: float
    sha256: str = ""
    pattern: str = WEIGHTS

    @property
    def name(self) -> str:
        return self.repository.rpartition("/")[2]

    def find(self, models: Path | None = None) -> Found:
        """The weights in `models/<name>`, or else in the cache of Hugging Face.

        Raises InputError with the command that fetches them if they are in neither place, or are
        not the published ones.
        """
        folder = self.folder(models)
        found = sha256_file(folder / WEIGHTS)
        if self.sha256 and found != self.sha256:
            raise InputError(
                f"{folder / WEIGHTS} has sha256 {found[:12]}..., not {self.sha256[:12]}... of "
                f"{self.repository}; fetch it again: `{self.command(models and folder)}`"
            )
        return Found(folder, found)

    def folder(self, models: Path | None = None) -> Path:
        """Where the weights lie, not yet compared with the published ones."""
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
        wanted = ("*.json", "*.txt", self.pattern)
        patterns = " ".join(f"--include '{pattern}'" for pattern in wanted)
        place = f" --local-dir {folder}" if folder else ""
        return f"hf download {self.repository} --revision {self.revision} {patterns}{place}"

    def _cached(self) -> Path | None:
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(self.repository, WEIGHTS, revision=self.revision)
        return Path(found).parent if isinstance(found, str) else None


# What the paper scores with (its appendix, C.3), and what serves in LLaVA's place as `transformers`
# and vLLM read it.
CLIP_VIT_L = Pretrained(
    "openai/clip-vit-large-patch14",
    "32bd64288804d66eefd0ccbe215aa642df71cc41",
    1.7,
    "a2bf730a0c7debf160f7a6b50b3aaf3703e7e88ac73de7a314903141db026dcb",
)
PICK_SCORE = Pretrained(
    "yuvalkirstain/PickScore_v1", "a4e4367c6dfa7288a00c550414478f865b875800", 3.9
)
GROUNDING_DINO = Pretrained(
    "IDEA-Research/grounding-dino-tiny",
    "a2bb814dd30d776dcf7e30523b00659f4f141c71",
    0.69,
    "1a2412ef99bd74bcd3c2a246fa1e48581f8889a1300c9051974741314fc042f3",
)
# What SpatialAlign follows with.
SAM = Pretrained(
    "facebook/sam2.1-hiera-large",
    "665f8e2ad61cf5f53d65644ff27c8ee525124610",
    0.9,
    "dc407dce21301fd94abb395c5099b4f2c455fdc8a8f261ac3d0ea6d4cd197230",
)
LLAVA = Pretrained(
    "llava-hf/llava-v1.6-34b-hf",
    "66b6feb83d0249dc9f31a24bd3abfb63f90e41aa",
    69,
    pattern="*.safetensors",
)
