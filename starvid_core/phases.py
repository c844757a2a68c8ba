"""What a method asks of the denoising: phases of guidance by losses, a bias on attention, or both.

z: latents.  A: cross-attention maps.  Steps count from 0 here and from 1 in the paper: its
"t <= t1" is `range(0, t1)` and its "t1 < t <= t2" is `range(t1, t2)`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from starvid_core.bias import Bias
from starvid_core.config import check_stages
from starvid_core.errors import InputError

REUSE = ("none", "passing", "last")


class View(NamedTuple):
    """What a loss is shown: A over `stages`, or the maps of `layers`, each with its heads.

    A `resumable` pass can go on to the model's prediction.
    """

    stages: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    resumable: bool = False


def unscaled(alphabar: float) -> float:
    """Eq. (7) as printed."""
    return 1.0


def noise_level(alphabar: float) -> float:
    """Classifier guidance of a noise prediction: sigma of latents that are scaled as DDIM's."""
    return math.sqrt(1 - alphabar)


def noise_level_squared(alphabar: float) -> float:
    """sigma^2 on latents of the size x / sqrt(alphabar); on DDIM's x that is 1 - alphabar."""
    return 1 - alphabar


SCALES: dict[str, Callable[[float], float]] = {
    "none": unscaled,
    "sqrt(1-alphabar)": noise_level,
    "sigma^2": noise_level_squared,
}


@dataclass(frozen=True)
class Phase:
    """One `if` of Algorithm 1: a loss, the steps it acts in, how often and how strongly.

    `loss` takes the maps of one prompt and returns one value per subject. It is shown A, [token
    frame h w], or the maps of `layers` one by one, each [head token frame h w]. A sum below a
    `threshold` above 0 ends the phase's iterations in that step; with `carry` it is the last sum
    seen, be it of an earlier step, that is tested, and every new one is followed by an update.
    `scale` of alphabar_t multiplies the gradient. `momentum` is the share of an update that the
    next one of the same step repeats. With a `size` above 0 the gradient counts by its direction
    alone: its root mean square becomes `size`, whatever weight, learning rate and scale are.

    `reuse` says which pass over the maps goes on to the conditional half of the step's noise
    prediction, instead of another one: "passing", the one that ended the iterations under the
    threshold, at the very latents that are denoised; "last", also that before the last update,
    whose noise is then predicted at the latents before it, as classifier guidance does.
    """

    name: str
    loss: Callable[..., Tensor]
    steps: range
    iterations: int
    weight: float
    learning_rate: float = 1.0
    threshold: float = 0.0
    carry: bool = False
    scale: Callable[[float], float] = unscaled
    layers: tuple[str, ...] = ()
    momentum: float = 0.0
    size: float = 0.0
    reuse: str = "none"

    def __post_init__(self) -> None:
        if self.reuse not in REUSE:
            raise InputError(f"phase {self.name} can reuse {', '.join(REUSE)}, not {self.reuse!r}")
        if self.iterations < 1 or not math.isfinite(self.rate):
            raise InputError(
                f"phase {self.name} needs 1 iteration or more and a finite weight, "
                f"got {self.iterations} and {self.rate}"
            )

    @property
    def rate(self) -> float:
        """Eq. (7): alpha * lambda."""
        return self.learning_rate * self.weight


@dataclass(frozen=True)
class Guide:
    """What a method does to one prompt: its phases in order, and the UNet stages they look at.

    `subjects` are the names that warnings use; `bias` acts on the denoising passes.
    """

    phases: tuple[Phase, ...] = ()
    stages: tuple[str, ...] = ("down", "up")
    subjects: tuple[str, ...] = ()
    bias: Bias | None = None

    def __post_init__(self) -> None:
        check_stages(self.stages)

    def view(self, phase: Phase) -> View:
        """What a phase of this guide looks at."""
        stages = () if phase.layers else self.stages
        return View(stages, phase.layers, phase.reuse != "none")
