"""What the votes say: win rates with intervals, and how far raters agree (Table II)."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.stats import binomtest

from starvid_core.errors import InputError
from starvid_core.preference.answers import Votes
from starvid_core.preference.study import QUESTIONS

RESAMPLES = 10_000
INTERVAL = (
    "95 % bootstrap interval over raters and over pairs of videos at once; where all votes are "
    "alike, Wilson's over pairs of videos"
)

Wins = Float[np.ndarray, "rater trial"]


def analyse(votes: Votes) -> dict[str, Any]:
    """A row for every question, and how the study was answered as a whole.

    `win_rate` is the share of votes for the first system, between `low` and `high`; `agreement` is
    the share of pairs of raters that agree on a trial, `kappa` Fleiss' kappa over the trials that
    every rater answered, null where it is not defined. `chose_left` should be near one half.
    """
    if not len(votes.table):
        raise InputError("the files hold no answer; give those that raters saved")
    study, table = votes.study, votes.table
    rows = []
    for question in QUESTIONS:
        wins = _wins(votes, question.id)
        rows.append({"question": question.id, "title": question.title, **_rates(wins)})
    return {
        "study": study.id,
        "systems": list(study.systems),
        "simulated": votes.simulated,
        "raters": int(table["rater"].nunique()),
        "pairs": len(study.trials),
        "interval": INTERVAL,
        "unanswered": votes.missing,
        "chose_left": float((table["side"] == "left").mean()),
        "median_seconds": float(table["seconds"].median()),
        "rows": rows,
    }


def _wins(votes: Votes, question: str) -> Wins:
    """1 where the rater chose the first system, 0 for the other, NaN where nothing was answered."""
    asked = votes.table[votes.table["question"] == question]
    chosen = asked.assign(win=(asked["system"] == votes.study.systems[0]).astype(float))
    trials = [trial.id for trial in votes.study.trials]
    return chosen.pivot(index="rater", columns="trial", values="win").reindex(columns=trials).values


def _rates(wins: Wins) -> dict[str, Any]:
    known = ~np.isnan(wins)
    if not known.any():
        return {"votes": 0, "win_rate": None, "low": None, "high": None, **_agreement(wins)}
    low, high = interval(wins)
    return {
        "votes": int(known.sum()),
        "win_rate": float(np.nanmean(wins)),
        "low": low,
        "high": high,
        **_agreement(wins),
    }


def interval(wins: Wins, share: float = 0.95) -> tuple[float, float]:
    """Raters and trials are drawn anew, each with replacement, and their votes weighed by both.

    Votes of one rater, and on one pair, are not independent: intervals that took them for it would
    be too narrow (Owen 2007, "The pigeonhole bootstrap").
    """
    known = ~np.isnan(wins)
    if np.ptp(wins[known]) == 0:
        return _alike(int(known.any(0).sum()), float(wins[known][0]), share)
    rng = np.random.default_rng(0)
    raters, trials = wins.shape
    by_rater = rng.multinomial(raters, np.full(raters, 1 / raters), RESAMPLES)
    by_trial = rng.multinomial(trials, np.full(trials, 1 / trials), RESAMPLES)
    votes = ((by_rater @ known.astype(float)) * by_trial).sum(1)
    won = ((by_rater @ np.nan_to_num(wins)) * by_trial).sum(1)
    rates = won[votes > 0] / votes[votes > 0]
    low, high = np.quantile(rates, [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)


def _alike(trials: int, win: float, share: float) -> tuple[float, float]:
    """Votes that are all alike leave nothing to resample, which does not make them certain."""
    found = binomtest(int(win) * trials, trials).proportion_ci(share, method="wilson")
    return float(found.low), float(found.high)


def _agreement(wins: Wins) -> dict[str, Any]:
    """How often two raters agree, and how much more often than by chance."""
    counts = np.stack([(wins == 0).sum(0), (wins == 1).sum(0)], axis=1)
    voters = counts.sum(1)
    pairs = voters * (voters - 1)
    alike = (counts * (counts - 1)).sum(1)
    agreement = float(alike.sum() / pairs.sum()) if pairs.sum() else None
    whole = counts[voters == len(wins)]
    defined = len(wins) > 1 and len(whole) > 0 and (whole.sum(0) > 0).all()
    return {"agreement": agreement, "kappa": _kappa(whole) if defined else None}


def _kappa(counts: np.ndarray) -> float:
    try:
        from statsmodels.stats.inter_rater import fleiss_kappa
    except ImportError:
        raise InputError(
            "the agreement of raters needs statsmodels; run `pip install 'starvid[metrics]'`"
        ) from None
    return float(fleiss_kappa(counts))
