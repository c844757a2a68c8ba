"""SpatialAlign's loss, DPO with a zeroth-order regularizer, and those that it is compared with.

p: prediction of the model with the LoRA.  r: of the reference, without it.  y: the target.
e(a, b): mean of (a - b)^2 over all but the batch.  s = e(r, y) - e(p, y): what the LoRA gained.
Subscripts: w is the winner of a pair, l the loser.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from einops import reduce
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from starvid_core.config import check_numbers
from starvid_core.options import known

Latents = Float[Tensor, "batch channel frame h w"]
Scalar = Float[Tensor, ""]


NO_CLIP = 1e30


class Side(NamedTuple):
    """One half of a batch of pairs: p, r and y."""

    predicted: Latents
    reference: Latents
    target: Latents

    @property
    def gain(self) -> Float[Tensor, " batch"]:
        """s: by how much p is nearer to y than r is."""
        return error(self.reference, self.target) - error(self.predicted, self.target)


@dataclass(frozen=True)
class Objective:
    """A loss with its numbers; `shared_noise` gives both halves of a pair one noise.

    beta, weight (the paper's lambda) and clip are those of SpatialAlign's released code.
    """

    form: str = "zo_dpo"
    beta: float = 1.0
    weight: float = 0.5
    clip: float = 5.0
    shared_noise: bool = False

    def __post_init__(self) -> None:
        known("loss", self.form, list(FORMS))
        check_numbers(self)

    def __call__(self, winner: Side, loser: Side) -> Scalar:
        return FORMS[self.form](winner, loser, self)


def error(a: Latents, b: Latents) -> Float[Tensor, " batch"]:
    """e(a, b), in float32."""
    return reduce((a.float() - b.float()).square(), "batch ... -> batch", "mean")


def margin(winner: Side, loser: Side, beta: float, clip: float) -> Float[Tensor, " batch"]:
    """m = clip(beta (s_w - s_l)); where the clip acts there is no gradient."""
    return (beta * (winner.gain - loser.gain)).clamp(-clip, clip)


def deviation(winner: Side, loser: Side) -> Scalar:
    """(MSE(p_w, r_w) + MSE(p_l, r_l)) / 2: how far the LoRA took the outputs from the base's."""
    of_winner = error(winner.predicted, winner.reference).mean()
    return (of_winner + error(loser.predicted, loser.reference).mean()) / 2


def zo_dpo_loss(winner: Side, loser: Side, objective: Objective) -> Scalar:
    """SpatialAlign: -log sigmoid(m) + lambda (MSE(p_w, r_w) + MSE(p_l, r_l)) / 2.

    "Zeroth-order" is the penalty: on the value of the output, not on a gradient of it.
    """
    return _dpo(winner, loser, objective) + objective.weight * deviation(winner, loser)


def dpo_sft_loss(winner: Side, loser: Side, objective: Objective) -> Scalar:
    """In the manner of Reg-DPO (arXiv 2511.01450): -log sigmoid(m) + lambda e(p_w, y_w)."""
    return _dpo(winner, loser, objective) + objective.weight * sft_loss(winner, loser, objective)


def diffusion_dpo_loss(winner: Side, loser: Side, objective: Objective) -> Scalar:
    """Diffusion-DPO (arXiv 2311.12908): -log sigmoid(beta (s_w - s_l)), no clip, a large beta.

    beta is half of the one in its released code, which has a factor 1/2 in the sigmoid.
    """
    return _dpo(winner, loser, replace(objective, clip=NO_CLIP))


def sft_loss(winner: Side, loser: Side, objective: Objective) -> Scalar:
    """Supervised fine-tuning on winners alone: e(p_w, y_w)."""
    return error(winner.predicted, winner.target).mean()


def _dpo(winner: Side, loser: Side, objective: Objective) -> Scalar:
    return -functional.logsigmoid(margin(winner, loser, objective.beta, objective.clip)).mean()


FORMS: dict[str, Callable[[Side, Side, Objective], Scalar]] = {
    "zo_dpo": zo_dpo_loss,
    "dpo_sft": dpo_sft_loss,
    "diffusion_dpo": diffusion_dpo_loss,
    "sft": sft_loss,
}
# The rows of the comparison by name; "unregularized" is SpatialAlign without its penalty.
OBJECTIVES = {
    "zo_dpo": Objective(),
    "unregularized": Objective(weight=0.0),
    "diffusion_dpo": Objective("diffusion_dpo", beta=2500.0, weight=0.0, shared_noise=True),
    "dpo_sft": Objective("dpo_sft"),
    "sft": Objective("sft", weight=0.0),
}
