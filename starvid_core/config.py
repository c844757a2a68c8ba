"""The paper's numbers (Section IV-A) and the choices its ablations vary, each with its source."""

import math
from dataclasses import dataclass, fields, replace
from typing import Any

from starvid_core.errors import InputError

STAGES = ("down", "mid", "up")


@dataclass(frozen=True)
class StarVidConfig:
    """What Algorithm 1 leaves open; an ablation is `dataclasses.replace(config, ...)`."""

    spatial_until: int = 5  # t1, Section IV-A
    syntax_until: int = 25  # t2, Section IV-A
    of_steps: int = 50  # denoising steps that t1 and t2 refer to, Section IV-A
    spatial_iterations: int = 10  # iter1, "a maximum of 10 iterations", Section IV-A
    syntax_iterations: int = 1  # iter2, Section IV-A and Table V
    spatial_weight: float = 30.0  # lambda of L_sp in Eq. (7), Section IV-A
    syntax_weight: float = 20.0  # lambda of L_syt in Eq. (7), Section IV-A
    learning_rate: float = 1.0  # alpha in Eq. (7), Section IV-A
    foreground: float = 1.0  # lambda_fg in Eq. (3), Section IV-A
    background: float = 1.0  # lambda_bg in Eq. (3), Section IV-A
    background_form: str = "inside"  # Eq. (2) as printed; "peak" is ours
    neighbours: int = 1  # n in Eqs. (4) and (5), Section IV-A; 0 is "w/o frame"
    distance: str = "kl"  # f_dist in Eqs. (4) and (5), Section IV-A
    form: str = "ratio"  # Eq. (6); the others are in Table VI
    temperature: float = 1.0  # of the InfoNCE form; the paper names none
    threshold: float = 0.0  # L_sp that ends the inner loop; the paper names none, 0 is never
    gradient_scale: str = "none"  # Eq. (7) has none; LVD's "sqrt(1-alphabar)" and "sigma^2"
    stages: tuple[str, ...] = ("down", "up")  # Table XIII
    # What follows is ours, and off: the ways to the same losses at less cost, see README.
    spatial_momentum: float = 0.0  # of an update of L_sp, the next one repeats so much
    spatial_size: float = 0.0  # root mean square of an update of L_sp; 0: as Eq. (7) has it
    finish_passing: bool = False  # the pass under the threshold goes on to be the denoising one
    share_syntax: bool = False  # the pass that L_syt is read from is also the denoising one

    def __post_init__(self) -> None:
        if not 0 <= self.spatial_until <= self.syntax_until <= self.of_steps or self.of_steps < 1:
            raise InputError(
                "phases need 0 <= spatial_until <= syntax_until <= of_steps, got "
                f"{self.spatial_until}, {self.syntax_until}, {self.of_steps}"
            )
        check_numbers(self)
        for name in ("spatial_iterations", "syntax_iterations"):
            _at_least(self, name, 1)
        for name in ("learning_rate", "temperature"):
            _positive(self, name)
        if self.spatial_momentum >= 1:
            raise InputError(
                f"spatial_momentum must be a number below 1, got {self.spatial_momentum}"
            )
        check_stages(self.stages)

    def scaled(self, steps: int) -> "StarVidConfig":
        """The same shares of a run of `steps` denoising steps, rounded up: 25 give 3 and 13."""
        return replace(
            self,
            spatial_until=share(self.spatial_until, self.of_steps, steps),
            syntax_until=share(self.syntax_until, self.of_steps, steps),
            of_steps=steps,
        )


@dataclass(frozen=True)
class SamplingConfig:
    """The denoising around the method: DDIM with classifier-free guidance.

    `recompute` to `compiled` change what a clip takes, and its last bits at most.
    """

    steps: int = 50  # Section IV-A
    guidance_scale: float = 9.0  # diffusers' default for ZeroScope; the paper names none
    eta: float = 0.0  # DDIM without fresh noise
    negative_prompt: str = ""
    sampler: str = ""  # another than the backbone's, as dpmsolver++, for few steps
    recompute: int = 0  # how many of the finest resolutions guidance computes twice, for memory
    lean: bool = False  # frozen convolutions keep no input for the way back
    cached_text: bool = False  # keys and values of the prompt are computed once a clip
    compiled: bool = False  # torch.compile for the parts between the layers that read the text

    def __post_init__(self) -> None:
        check_numbers(self)
        _at_least(self, "steps", 1)
        if self.lean and self.compiled:
            raise InputError("compiled parts choose what they keep; set lean or compiled, not both")

    @property
    def facts(self) -> dict[str, Any]:
        """The first four numbers, and of the later ones what is no default."""
        first = ("steps", "guidance_scale", "eta", "negative_prompt")
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name in first or getattr(self, field.name) != field.default
        }


# The paper's own algorithm, and one that reaches its losses with fewer and shared passes.
MODES: dict[str, dict[str, Any]] = {
    "exact": {},
    "fast": {
        "spatial_iterations": 4,
        "spatial_momentum": 0.9,
        "finish_passing": True,
        "share_syntax": True,
        "cached_text": True,
    },
}


def check_stages(stages: tuple[str, ...]) -> None:
    """Refuse anything but a choice among the UNet's stages, as an InputError."""
    if not stages or len(set(stages)) != len(stages) or not set(stages) <= set(STAGES):
        raise InputError(f"stages must be some of {', '.join(STAGES)}, each once; got {stages}")


def check_size(name: str, height: int, width: int, unit: int) -> None:
    """Refuse a frame that a model cannot divide into whole cells, as an InputError."""
    if height < unit or width < unit or height % unit or width % unit:
        raise InputError(f"{height}x{width} pixels must be divisible by {unit} for {name}")


def check_frames(name: str, frames: int, stride: int) -> None:
    """Refuse a length that a model cannot divide into whole latent frames, as an InputError."""
    if frames < 1 or (frames - 1) % stride:
        raise InputError(f"{name} makes 1 frame and a multiple of {stride} more, not {frames}")


def share(until: int, of_steps: int, steps: int) -> int:
    """`until` of `of_steps` steps as a part of a run of `steps`, rounded up."""
    return math.ceil(until * steps / of_steps)


def check_numbers(config: Any) -> None:
    """Refuse a number of a configuration that is negative or not finite, or a run of no steps."""
    for field in fields(config):
        value = getattr(config, field.name)
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, int | float) and not 0 <= number < math.inf:
                raise InputError(f"{field.name} must be a number of at least 0, got {value}")
    if getattr(config, "of_steps", 1) < 1:
        raise InputError(f"of_steps must be a number of at least 1, got {config.of_steps}")


def _at_least(config: StarVidConfig | SamplingConfig, name: str, least: int) -> None:
    value = getattr(config, name)
    if value < least:
        raise InputError(f"{name} must be a number of at least {least}, got {value}")


def _positive(config: StarVidConfig, name: str) -> None:
    value = getattr(config, name)
    if value <= 0:
        raise InputError(f"{name} must be a number above 0, got {value}")
