"""Spatial and syntax losses on cross-attention maps, Eqs. (1)-(6); all of it in float32.

A: maps, not negative.  M: masks, 1 inside the subject's box.  n: adjacent frames (`neighbours`).
A loss has one value for every word or subject; the paper's sum over them is the caller's.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import torch
from einops import rearrange, reduce
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import cosine_similarity

from starvid_core.errors import InputError

# Far below any attention that matters, and far enough above float32's smallest number for the
# gradients of a division or a logarithm to stay finite.
FLOOR = 1e-20

TokenMaps = Float[Tensor, "token frame h w"]
Maps = Float[Tensor, "word frame h w"]
PerWord = Float[Tensor, " word"]
Distance = Callable[[Tensor, Tensor], Tensor]
Formula = TypeVar("Formula")


def word_maps(A: TokenMaps, words: Sequence[Sequence[int]]) -> Maps:
    """The map of a word: the mean over its tokens, given as positions."""
    A = A.float()
    return torch.stack([A[list(word)].mean(0) for word in words]) if words else A[:0]


def inside_share(A: Maps, M: Maps) -> Float[Tensor, "word frame"]:
    """The ratio in Eqs. (1) and (2): how much of a word's attention falls inside its mask."""
    inside = reduce(A.float() * M, "word frame h w -> word frame", "sum")
    return inside / reduce(A.float(), "word frame h w -> word frame", "sum").clamp_min(FLOOR)


def foreground(A: Maps, M: Maps) -> PerWord:
    """Eq. (1): the attention of a word should fall inside its box."""
    return _over_frames((1 - inside_share(A, M)).square(), M)


def background(A: Maps, M: Maps) -> PerWord:
    """Eq. (2): and not outside it; as printed it always equals Eq. (1)."""
    return _over_frames(inside_share(A, 1 - M).square(), M)


def background_peak(A: Maps, M: Maps) -> PerWord:
    """Another reading of Eq. (2): the mean attention outside the box relative to the map's peak."""
    outside = reduce(A.float() * (1 - M), "word frame h w -> word frame", "sum")
    cells = reduce(1 - M, "word frame h w -> word frame", "sum").clamp_min(1)
    peak = reduce(A.float(), "word frame h w -> word frame", "max").clamp_min(FLOOR)
    return _over_frames((outside / (cells * peak)).square(), M)


BACKGROUNDS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "inside": background,
    "peak": background_peak,
}


def spatial(
    A: Maps, M: Maps, weights: tuple[float, float] = (1.0, 1.0), form: str = "inside"
) -> PerWord:
    """Eq. (3): L_sp of every word, `weights` being lambda_fg and lambda_bg."""
    behind = choose(BACKGROUNDS, form, "background form")
    return weights[0] * foreground(A, M) + weights[1] * behind(A, M)


def _over_frames(values: Float[Tensor, "word frame"], M: Maps) -> PerWord:
    """Mean over the frames in which the subject is seen, 0 where there is none."""
    seen = reduce(M, "word frame h w -> word frame", "max") > 0
    return (values * seen).sum(-1) / seen.sum(-1).clamp_min(1)


def kl(p: Float[Tensor, "... h w"], q: Float[Tensor, "... h w"]) -> Float[Tensor, "..."]:
    """f_dist in Eqs. (4) and (5), symmetric as in SynGen: (KL(p||q) + KL(q||p)) / 2."""
    log_p, log_q = _log_share(p), _log_share(q)
    return ((log_p.exp() - log_q.exp()) * (log_p - log_q)).sum((-2, -1)) / 2


def kl_forward(p: Float[Tensor, "... h w"], q: Float[Tensor, "... h w"]) -> Float[Tensor, "..."]:
    """f_dist in Eqs. (4) and (5), one way: KL(p||q)."""
    log_p, log_q = _log_share(p), _log_share(q)
    return (log_p.exp() * (log_p - log_q)).sum((-2, -1))


def cosine(p: Float[Tensor, "... h w"], q: Float[Tensor, "... h w"]) -> Float[Tensor, "..."]:
    """f_dist of Table VI: 1 - cosine similarity."""
    flat_p, flat_q = (rearrange(_log_share(x).exp(), "... h w -> ... (h w)") for x in (p, q))
    return 1 - cosine_similarity(flat_p, flat_q, dim=-1)


DISTANCES: dict[str, Distance] = {"kl": kl, "kl_forward": kl_forward, "cosine": cosine}


def _log_share(A: Float[Tensor, "... h w"]) -> Float[Tensor, "... h w"]:
    """Logarithm of the map normalized to sum to 1 over h and w."""
    log = (A.float() + FLOOR).log()
    return log - log.logsumexp((-2, -1), keepdim=True)


def positive(
    noun: Float[Tensor, "subject frame h w"],
    verb: Float[Tensor, "subject frame h w"],
    neighbours: int = 1,
    distance: str = "kl",
) -> Float[Tensor, " subject"]:
    """Eq. (4): L_pos, how far each noun is from its verb in its own and the adjacent frames."""
    return _multi_frame(noun, verb, neighbours, distance)


def negative(
    noun: Float[Tensor, "frame h w"], others: Maps, neighbours: int = 1, distance: str = "kl"
) -> PerWord:
    """Eq. (5): the terms of L_neg, one for each other word u; L_neg is their sum."""
    return _multi_frame(noun, others, neighbours, distance)


def _multi_frame(
    noun: Float[Tensor, "... frame h w"],
    other: Float[Tensor, "... frame h w"],
    neighbours: int,
    distance: str,
) -> Float[Tensor, "..."]:
    """The two sums of Eqs. (4) and (5) as one weighted sum over the pairs of near frames."""
    f, k, weight = _near_frames(noun.shape[-3], neighbours, noun.device)
    far = choose(DISTANCES, distance, "distance")(noun[..., f, :, :], other[..., k, :, :])
    return (far * weight).sum(-1)


def _near_frames(frames: int, neighbours: int, device: torch.device) -> tuple[Tensor, ...]:
    """Pairs of frames f, k with |f - k| <= n, and how much d(noun^f, other^k) counts.

    It counts once in frame f's first sum and, unless f = k, once in frame k's second sum. A frame
    has 4n + 1 terms, or at the ends of the clip as many as exist.
    """
    frame = torch.arange(frames, device=device)
    apart = (frame[:, None] - frame).abs()
    near = apart <= neighbours
    share = 1 / (frames * (2 * near.sum(1) - 1).float())
    weight = share[:, None] + share * (apart > 0)
    f, k = near.nonzero(as_tuple=True)
    return f, k, weight[f, k]


def ratio(
    positive: Float[Tensor, ""], negatives: PerWord, temperature: float = 1.0
) -> Float[Tensor, ""]:
    """Eq. (6): L_pos / (L_pos + L_neg)."""
    return positive / (positive + negatives.sum()).clamp_min(FLOOR)


def difference(
    positive: Float[Tensor, ""], negatives: PerWord, temperature: float = 1.0
) -> Float[Tensor, ""]:
    """Table VI: L_pos - L_neg."""
    return positive - negatives.sum()


def infonce(
    positive: Float[Tensor, ""], negatives: PerWord, temperature: float = 1.0
) -> Float[Tensor, ""]:
    """Table VI, InfoNCE: -log(exp(-L_pos/tau) / (exp(-L_pos/tau) + sum_u exp(-L_neg_u/tau)))."""
    scores = -torch.cat([positive[None], negatives]) / temperature
    return scores.logsumexp(0) - scores[0]


FORMULATIONS: dict[str, Callable[[Tensor, Tensor, float], Tensor]] = {
    "ratio": ratio,
    "difference": difference,
    "infonce": infonce,
}


def syntax(
    noun: Float[Tensor, "subject frame h w"],
    verb: Float[Tensor, "subject frame h w"],
    others: Sequence[Float[Tensor, "_word frame h w"]],
    neighbours: int = 1,
    distance: str = "kl",
    form: str = "ratio",
    temperature: float = 1.0,
) -> Float[Tensor, " subject"]:
    """Eq. (6): the summands of L_syt; `others[i]` are the maps of the words U_i."""
    formulate = choose(FORMULATIONS, form, "formulation")
    near = positive(noun, verb, neighbours, distance)
    far = [negative(noun[i], others[i], neighbours, distance) for i in range(len(noun))]
    return torch.stack([formulate(n, f, temperature) for n, f in zip(near, far, strict=True)])


def choose(table: Mapping[str, Formula], name: str, what: str) -> Formula:
    """The entry of one of the tables above; an unknown name is an InputError that lists them."""
    if name not in table:
        raise InputError(f"{what} {name!r} is unknown; choose one of {', '.join(table)}")
    return table[name]
