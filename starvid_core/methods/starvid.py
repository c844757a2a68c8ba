"""StarVid (Algorithm 1): spatial guidance in the first steps, syntax guidance in the next."""

from einops import reduce, repeat
from jaxtyping import Float
from torch import Tensor

from starvid_core import losses
from starvid_core.backbones.base import Backbone
from starvid_core.config import StarVidConfig
from starvid_core.methods.base import Scene, scene
from starvid_core.phases import SCALES, Guide, Phase
from starvid_core.scene import Trajectory

Config = StarVidConfig


def guide(
    trajectory: Trajectory,
    backbone: Backbone,
    config: StarVidConfig | None = None,
    steps: int | None = None,
) -> Guide:
    """The two phases of Algorithm 1 for a run of `steps`; one with weight 0 is left out."""
    config = (config or StarVidConfig()).scaled(steps or backbone.sampling.steps)
    seen = scene(trajectory, backbone)
    phases = (_spatial(seen, config), _syntax(seen, config))
    wanted = tuple(phase for phase in phases if phase.weight > 0 and phase.steps)
    return Guide(wanted, config.stages, seen.subjects)


def _spatial(seen: Scene, config: StarVidConfig) -> Phase:
    """Algorithm 1, lines 1-8: Eq. (3) on the nouns, and on the verbs with their nouns' masks."""
    masks = repeat(seen.M, "subject frame h w -> (2 subject) frame h w")
    weights = (config.foreground, config.background)

    def spatial(A: Float[Tensor, "token frame h w"]) -> Float[Tensor, " subject"]:
        A = losses.word_maps(A, seen.nouns + seen.verbs)
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
        scale=losses.choose(SCALES, config.gradient_scale, "gradient scale"),
        momentum=config.spatial_momentum,
        size=config.spatial_size,
        reuse="passing" if config.finish_passing else "none",
    )


def _syntax(seen: Scene, config: StarVidConfig) -> Phase:
    """Algorithm 1, lines 9-16: Eq. (6)."""

    def syntax(A: Float[Tensor, "token frame h w"]) -> Float[Tensor, " subject"]:
        return losses.syntax(
            losses.word_maps(A, seen.nouns),
            losses.word_maps(A, seen.verbs),
            [losses.word_maps(A, others) for others in seen.words.others],
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
        scale=losses.choose(SCALES, config.gradient_scale, "gradient scale"),
        reuse="last" if config.share_syntax else "none",
    )
