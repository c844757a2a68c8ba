"""StarVid (Algorithm 1): spatial guidance in the first steps, syntax guidance in the next."""

from einops import reduce, repeat
from jaxtyping import Float
from torch import Tensor

from starvid_core import losses
from starvid_core.attention import map_size
from starvid_core.backbones.base import Backbone
from starvid_core.config import StarVidConfig
from starvid_core.guidance import Guide, Phase
from starvid_core.masks import subject_masks
from starvid_core.scene import Trajectory
from starvid_core.tokens import Words, align


def guide(
    trajectory: Trajectory,
    backbone: Backbone,
    config: StarVidConfig | None = None,
    steps: int | None = None,
) -> Guide:
    """The two phases of Algorithm 1 for a run of `steps`; one with weight 0 is left out."""
    config = (config or StarVidConfig()).scaled(steps or backbone.sampling.steps)
    plan = trajectory.plan
    words = align(plan.prompt, plan.subjects, backbone.tokenizer)
    _, frames, height, width = backbone.latent_shape
    M = subject_masks(trajectory, frames, *map_size(backbone.unet, height, width))
    phases = (_spatial(words, M.to(backbone.device), config), _syntax(words, config))
    return Guide(
        tuple(phase for phase in phases if phase.weight > 0 and phase.steps),
        config.stages,
        tuple(f"{s.noun} (subject {i + 1})" for i, s in enumerate(plan.subjects)),
    )


def _spatial(words: Words, M: Float[Tensor, "subject frame h w"], config: StarVidConfig) -> Phase:
    """Algorithm 1, lines 1-8: Eq. (3) on the nouns, and on the verbs with their nouns' masks."""
    nouns, verbs = zip(*((pair.noun, pair.verb) for pair in words.pairs), strict=True)
    masks = repeat(M, "subject frame h w -> (2 subject) frame h w")
    weights = (config.foreground, config.background)

    def spatial(A: Float[Tensor, "token frame h w"]) -> Float[Tensor, " subject"]:
        A = losses.word_maps(A, nouns + verbs)
        L_sp = losses.spatial(A, masks, weights, config.background_form)
        return reduce(L_sp, "(noun_and_verb subject) -> subject", "sum", noun_and_verb=2)

    losses.choose(losses.BACKGROUNDS, config.background_form, "background form")
    return Phase(
        "spatial",
        spatial,
        range(config.spatial_until),
        config.spatial_iterations,
        config.spatial_weight,
        config.learning_rate,
        config.threshold,
    )


def _syntax(words: Words, config: StarVidConfig) -> Phase:
    """Algorithm 1, lines 9-16: Eq. (6)."""

    def syntax(A: Float[Tensor, "token frame h w"]) -> Float[Tensor, " subject"]:
        return losses.syntax(
            losses.word_maps(A, [pair.noun for pair in words.pairs]),
            losses.word_maps(A, [pair.verb for pair in words.pairs]),
            [losses.word_maps(A, others) for others in words.others],
            config.neighbours,
            config.distance,
            config.form,
            config.temperature,
        )

    losses.choose(losses.DISTANCES, config.distance, "distance")
    losses.choose(losses.FORMULATIONS, config.form, "formulation")
    return Phase(
        "syntax",
        syntax,
        range(config.spatial_until, config.syntax_until),
        config.syntax_iterations,
        config.syntax_weight,
        config.learning_rate,
    )
