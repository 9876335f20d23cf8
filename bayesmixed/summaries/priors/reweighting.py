"""Draws under other priors: those of a fit, weighted by the ratio of prior densities and drawn again."""

import time
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import special

from bayesmixed.cross_validation.importance_weights import FEWEST_DRAWS, LARGEST_K, effective_size, smooth_weights
from bayesmixed.cross_validation.influential_groups import parameter_draws
from bayesmixed.design.design import Design
from bayesmixed.draws.prior_densities import log_prior_density
from bayesmixed.draws.tree import PROPOSALS
from bayesmixed.engines.proposal_weights import pareto_k
from bayesmixed.families.links import Array
from bayesmixed.families.parameter_functions import range_of
from bayesmixed.fits.fitting import Fit
from bayesmixed.parameter_keys import ParameterKey
from bayesmixed.prior_distributions import INDUCED, POSITIVE, REAL, Prior

LEAST_WORTH = 0.25
"""Weights are used if the draws are worth at least this share of as many equally weighted ones."""
_OF_ONE_POSTERIOR = ("lp", "energy", "log_weight")
"""Statistics that say something about the posterior that was sampled only."""


@dataclass(frozen=True, slots=True)
class PriorWeights:
    """Weights of the draws of a fit under other priors.

    Attributes
    ----------
    fit : Fit
    design : Design
        With the other priors.
    log_weights : (chain, draw) array
        Pareto-smoothed, normalised.
    pareto_k : float
        The largest k of the weights, and of the weights times the squared deviations of each parameter: where the other
        posterior has a longer tail, the SD of a parameter may not be known although its mean is.
    worth : float
        How many equally weighted draws they are worth, as a share.
    log_evidence_ratio, mcse : float
        Log marginal likelihood under the other priors less that of the fit, and its Monte Carlo error.
    """

    fit: Fit
    design: Design
    log_weights: Array
    pareto_k: float
    worth: float
    log_evidence_ratio: float
    mcse: float

    @property
    def good(self) -> bool:
        """Whether the draws can stand for those of the other posterior."""
        return self.pareto_k <= LARGEST_K and self.worth >= LEAST_WORTH

    def draw(self, source: str) -> Fit:
        """Return a fit of the other design whose draws are those of the fit, drawn again by their weights.

        Within each chain by systematic resampling, in order: repeats are neighbours, as where a chain stays, so that
        effective sample sizes count them.
        """
        started = time.perf_counter()
        fit, size = self.fit, self.log_weights.shape[1]
        generator = np.random.default_rng([fit.settings.seed, 4])
        shares = np.cumsum(special.softmax(self.log_weights, axis=1), axis=1)
        wanted = (np.arange(size) + generator.uniform(size=(len(shares), 1))) / size
        places = [np.minimum(np.searchsorted(*pair), size - 1) for pair in zip(shares, wanted, strict=True)]
        groups = {name: child.to_dataset() for name, child in fit.draws.children.items() if name != PROPOSALS}
        for name in ("posterior", "sample_stats"):
            groups[name] = _take(groups[name].drop_vars(_OF_ONE_POSTERIOR, errors="ignore"), np.array(places))
        tree = xr.DataTree.from_dict({**groups, "/": fit.draws.to_dataset()})
        worth = round(self.worth * self.log_weights.size)
        decision = (
            f"draws under the priors '{source}', weighted by the ratio of the prior densities and drawn again: Pareto k "
            f"{self.pareto_k:.2f}, {self.log_weights.size} worth {worth}"
        )
        record = replace(fit.engine, decisions=(*fit.engine.decisions, decision))
        timing = {"reweight": time.perf_counter() - started}
        return replace(fit, design=self.design, draws=tree, engine=record, timing=timing)


def weigh_by_priors(fit: Fit, design: Design) -> PriorWeights:
    """Return the weights of the draws of a fit under the priors of another design of the same model and data, for which
    `why_not_weighed` gives no reason."""
    with np.errstate(all="ignore"):
        ratio = log_prior_density(design, fit.posterior) - log_prior_density(fit.design, fit.posterior)
    largest = float(np.max(ratio[np.isfinite(ratio)], initial=-np.inf))
    # Where the other priors have no density a weight is 0 up to rounding.
    ratio = np.maximum(np.nan_to_num(ratio, nan=-np.inf), largest - 700.0) - largest
    labelled = xr.DataArray(ratio[..., None], dims=("chain", "draw", "set"), coords={"set": [0]})
    logs, k = smooth_weights(-labelled)
    raw, weights = np.exp(ratio), np.exp(logs.values)
    shares = special.softmax(logs.values.ravel())
    with np.errstate(divide="ignore"):
        spreads = [
            pareto_k(ratio.ravel() + 2.0 * np.log(np.abs(column - shares @ column)))
            for column in parameter_draws(fit).values()
        ]
    return PriorWeights(
        fit,
        design,
        logs.values[..., 0],
        max(float(k[0]), *spreads),
        float(weights.sum() ** 2 / np.sum(weights**2) / weights.size),
        largest + float(np.log(raw.mean())),
        float(raw.std() / raw.mean() / np.sqrt(effective_size(raw))),
    )


def why_not_weighed(fit: Fit, design: Design) -> str | None:
    """Return why draws of a fit cannot stand for those under the priors of another design, whatever their weights; or
    None."""
    if "posterior_thinned" in fit.draws.children:
        return "not all draws of its group effects are kept"
    if fit.settings.chains * fit.settings.draws < FEWEST_DRAWS:
        return "its draws are few"
    hidden = [*fit.design.hidden_joint_priors, *design.hidden_joint_priors]
    if hidden:
        return f"{hidden[0]} has no density of the parameters alone"
    fixed = [{key: e.prior for key, e in one.priors.items() if e.prior.name == "Fixed"} for one in (fit.design, design)]
    if fixed[0] != fixed[1] or (fixed[0] and not _same_coordinates(fit.design, design)):
        return "other parameters are fixed by numbers"
    for key, entry in fit.design.priors.items():
        if not _covers(fit.design, key, entry.prior, design.priors[key].prior if key in design.priors else None):
            return f"its prior of '{key}' excludes values that the other priors allow"
    return None


def _covers(design: Design, key: str, prior: Prior, other: Prior | None) -> bool:
    """Return whether the support of a prior holds all values that are possible under the other prior of the same key, or
    at all if there is none."""
    if prior.name in ("Fixed", "LKJ", INDUCED):
        return True
    name, parsed = design.scalar_of(key), ParameterKey.read(key)
    wanted = other.support if other is not None else POSITIVE if parsed.of_sd else REAL
    if other is None and name is not None:
        wanted = range_of(key, design.family.parameter(name))
    low, high = prior.support
    return low <= wanted[0] and wanted[1] <= high


def _same_coordinates(one: Design, other: Design) -> bool:
    """Return whether the priors of two designs are stated on the same numbers."""
    return list(one.priors) == list(other.priors) and all(
        np.array_equal(p.transform, q.transform)
        and all(np.array_equal(a.transform, b.transform) for a, b in zip(p.normal_blocks, q.normal_blocks, strict=True))
        for p, q in zip(one.predictors.values(), other.predictors.values(), strict=True)
    )


def _take(dataset: xr.Dataset, places: NDArray[np.intp]) -> xr.Dataset:
    """Return draws by their places in each chain, (chain, draw), under the labels of the draws there were."""
    chains = xr.DataArray(np.arange(len(places)), dims="chain")
    taken = dataset.drop_vars("draw", errors="ignore").isel(
        draw=xr.DataArray(places, dims=("chain", "draw")), chain=chains
    )
    return taken.assign_coords({name: dataset[name] for name in ("chain", "draw") if name in dataset.coords})
