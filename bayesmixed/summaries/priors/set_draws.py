"""Draws of a model under each of several prior sets: sampled, or those of another set weighted anew."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from bayesmixed.design.design import Design
from bayesmixed.fits.convergence import Diagnosis, diagnose
from bayesmixed.fits.fitting import Fit, sample
from bayesmixed.fits.prior_sets import RealisedSet
from bayesmixed.summaries.marginal_likelihoods import has_evidence, log_evidence
from bayesmixed.summaries.priors.reweighting import PriorWeights, weigh_by_priors, why_not_weighed
from bayesmixed.terms.weights import LIKELIHOOD

SAMPLED, REWEIGHTED = "sampled", "reweighted"


def draw_sets(
    realised: Mapping[str, RealisedSet], seed: int, reweight: bool, settings: Mapping[str, Any]
) -> tuple[dict[str, Fit], dict[str, Diagnosis], pd.DataFrame]:
    """Return the fit of each prior set, its diagnosis, and a table that says how its draws were made, see
    `PriorComparison`."""
    fits: dict[str, Fit] = {}
    verdicts: dict[str, Diagnosis] = {}
    sampled: dict[str, Fit] = {}
    ratios: dict[str, tuple[float, float]] = {}
    rows = []
    for name, one in realised.items():
        source, best = _best_weights(sampled, one.design) if reweight else ("", None)
        again = _draw_again(best, source, verdicts)
        if best is not None and again is not None:
            fits[name], verdicts[name] = again
            value, error = ratios[source]
            ratios[name] = value + best.log_evidence_ratio, float(np.hypot(error, best.mcse))
        else:
            source, fits[name] = "", sample(one.design, seed=seed, **settings)
            sampled[name], verdicts[name] = fits[name], diagnose(fits[name])
            ratios[name] = _evidence_ratio(fits[name], next(iter(fits.values())))
        known = one.design.observed.weighting != LIKELIHOOD
        rows.append(
            {
                "set": name,
                "draws": REWEIGHTED if source else SAMPLED,
                "source": source,
                "pareto_k": np.nan if best is None else best.pareto_k,
                "worth": np.nan if best is None else round(best.worth * best.log_weights.size),
                "log_bayes_factor": ratios[name][0] if known else np.nan,
                "mcse": ratios[name][1] if known else np.nan,
            }
        )
    return fits, verdicts, pd.DataFrame(rows)


def _draw_again(
    best: PriorWeights | None, source: str, verdicts: Mapping[str, Diagnosis]
) -> tuple[Fit, Diagnosis] | None:
    """Return the draws of a set by their weights, if these are good and chains do not look worse than they did: of draws that
    are worth few some pass the limits by chance."""
    if best is None or not best.good:
        return None
    fit = best.draw(source)
    verdict = diagnose(fit)
    return (fit, verdict) if verdict.ok or not verdicts[source].ok else None


def _best_weights(sampled: Mapping[str, Fit], design: Design) -> tuple[str, PriorWeights | None]:
    """Return the weights of the draws that are worth most, and whose they are; good ones before others."""
    found = {
        name: weigh_by_priors(fit, design) for name, fit in sampled.items() if why_not_weighed(fit, design) is None
    }
    if not found:
        return "", None
    name = max(found, key=lambda name: (found[name].good, found[name].worth))
    return name, found[name]


def _evidence_ratio(fit: Fit, first: Fit) -> tuple[float, float]:
    """Return the log evidence of a fit that was sampled less that of the first one, and its Monte Carlo error."""
    if fit is first:
        return 0.0, 0.0
    if not (has_evidence(fit) and has_evidence(first)):
        return np.nan, np.nan
    (value, error), (base, other) = log_evidence(fit), log_evidence(first)
    return value - base, float(np.hypot(error, other))
