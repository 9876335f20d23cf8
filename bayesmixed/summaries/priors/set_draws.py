"""Draws of a model under each of several prior sets: sampled, or those of another set weighted anew."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

from bayesmixed.design.design import Design
from bayesmixed.fits.convergence import Diagnosis, diagnose
from bayesmixed.fits.fitting import Fit, sample
from bayesmixed.fits.prior_sets import RealisedSet
from bayesmixed.progress import ProgressLine
from bayesmixed.summaries.marginal_likelihoods import has_evidence, log_evidence
from bayesmixed.summaries.priors.reweighting import PriorWeights, weigh_by_priors, why_not_weighed
from bayesmixed.task_runs import connect, run_tasks
from bayesmixed.terms.weights import LIKELIHOOD

SAMPLED, REWEIGHTED = "sampled", "reweighted"


@dataclass(frozen=True, slots=True)
class Workers:
    """Where sets are sampled: so many processes of this machine, or a cluster in place of them."""

    processes: int = 1
    client: Any = None

    def check(self) -> None:
        """Refuse what is no cluster (SpecError) or no scheduler (SamplingError)."""
        if self.client is not None:
            client, own = connect(self.client)
            if own:
                client.close()

    @property
    def width(self) -> int:
        """How many sets are sampled at once, at most."""
        return self.processes if self.client is None else sys.maxsize


def draw_sets(
    realised: Mapping[str, RealisedSet],
    seed: int,
    reweight: bool,
    settings: Mapping[str, Any],
    workers: Workers | None = None,
) -> tuple[dict[str, Fit], dict[str, Diagnosis], pd.DataFrame]:
    """Return the fit of each prior set, its diagnosis, and a table that says how its draws were made, see
    `PriorComparison`. Workers change nothing but the time."""
    workers = workers or Workers()
    fits: dict[str, Fit] = {}
    verdicts: dict[str, Diagnosis] = {}
    sampled: dict[str, Fit] = {}
    ratios: dict[str, tuple[float, float]] = {}
    rows = []
    ahead: dict[str, Fit] = {}
    for name, one in realised.items():
        source, best = _best_weights(sampled, one.design) if reweight else ("", None)
        again = _draw_again(best, source, verdicts)
        if best is not None and again is not None:
            fits[name], verdicts[name] = again
            value, error = ratios[source]
            ratios[name] = value + best.log_evidence_ratio, float(np.hypot(error, best.mcse))
        else:
            if name not in ahead:
                later = [other for other in list(realised)[len(fits) + 1 :] if other not in ahead]
                further = _not_weighed(later, sampled, realised, reweight) if workers.width > 1 else ()
                wanted = [name, *islice(further, workers.width - 1)]
                ahead |= _sample_all({key: realised[key].design for key in wanted}, seed, settings, workers)
            source, fits[name] = "", ahead.pop(name)
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


def _not_weighed(
    names: Iterable[str], sampled: Mapping[str, Fit], realised: Mapping[str, RealisedSet], reweight: bool
) -> Iterator[str]:
    """Yield the sets for which the draws of none that was sampled can stand so far; none before the first is sampled."""
    for name in names:
        best = _best_weights(sampled, realised[name].design)[1] if reweight else None
        if (sampled or not reweight) and (best is None or not best.good):
            yield name


def _sample_all(
    designs: Mapping[str, Design], seed: int, settings: Mapping[str, Any], workers: Workers
) -> dict[str, Fit]:
    """Return the fits of some designs, by name."""
    if workers.client is None and min(workers.processes, len(designs)) <= 1:
        return {name: sample(design, seed=seed, **settings) for name, design in designs.items()}
    task = list(designs.values()), seed, {"cores": 1, **settings, "progress": False}
    with ProgressLine("prior sets", settings.get("progress", True) is True) as line:
        runs = run_tasks(_sample_one, task, range(len(designs)), workers.client, workers.processes)
        found = dict(line.follow(runs, len(designs)))
    return {name: found[number] for number, name in enumerate(designs)}


def _sample_one(task: tuple[list[Design], int, Mapping[str, Any]], number: int) -> tuple[int, Fit]:
    designs, seed, settings = task
    return number, sample(designs[number], seed=seed, **settings)


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
