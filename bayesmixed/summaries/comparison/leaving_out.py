"""Log-likelihood on demand, and predictive accuracy for observations or groups that are left out."""

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import special

from bayesmixed.design import Design
from bayesmixed.draws import row_labels
from bayesmixed.errors import SpecError, StatisticsWarning
from bayesmixed.fitting import Fit
from bayesmixed.held_out import sample_without
from bayesmixed.kept_draws import with_effects
from bayesmixed.links import Array
from bayesmixed.marginals import can_integrate, leave_rows_out, split_draws, unit_logs
from bayesmixed.prediction import thin
from bayesmixed.quadrature import sum_rows
from bayesmixed.structure import Factor
from bayesmixed.summaries.comparison.importance_weights import monte_carlo_error, smooth_weights
from bayesmixed.summaries.comparison.moment_matching import can_match, match_moments
from bayesmixed.units import Integers, condition, describe_unit, find_units, is_observation, shared_effects, situate

_GOOD_K = 0.7
_FEW_DRAWS = (
    "{which}: sampled without them, their density is large in few draws, so that its mean is rough. Take more draws; "
    "where only priors speak of a unit (coefficients or curves of its own), make these narrower."
)


def log_likelihood(fit: Fit, *, integrate: str | None = None, draws: int | None = None) -> xr.DataArray:
    """Return the log-likelihood of each row, or of each group with its effects integrated out, as draws.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    integrate : str, optional
        A grouping factor or column: the joint log-density of all rows of each level, given the parameters, with the
        level's effects, and those nested in it, integrated out. By default log p(y | b, theta) of each row.
    draws : int, optional
        Use about this many draws, evenly spread; all if not given.

    Returns
    -------
    xarray.DataArray
        Dims chain, draw, and row or the name of the factor.

    Raises
    ------
    SpecError
        There is no such factor, or its effects are too many to be integrated out.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> bm.log_likelihood(fit).shape
    (4, 400, 56)
    >>> bm.log_likelihood(fit, integrate="herd", draws=100).dims
    ('chain', 'draw', 'herd')
    """
    design = fit.design
    if integrate is not None:
        return unit_draws(fit, find_units(design, integrate), draws)
    posterior = thin(with_effects(fit.draws, [p.b(group) for p, group in design.group_blocks()]), draws)
    parts = [unit_logs(condition(design, part)) for part in split_draws(posterior, design.rows)]
    return _label(design, posterior, find_units(design, "observation"), parts)


def unit_draws(fit: Fit, units: Factor, draws: int | None = None) -> xr.DataArray:
    """Return the log-density of each unit, (chain, draw, unit), given all but its own effects."""
    posterior = thin(with_effects(fit.draws, shared_effects(fit.design, units)), draws)
    return _unit_draws(fit.design, posterior, units)


def loo(fit: Fit, *, unit: str, match: bool = True, refits: bool = False, draws: int | None = None) -> Any:
    """Return the expected log predictive density for units that are left out one at a time, ArviZ's ELPD object.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    unit : str
        What is left out, and thus what is predicted; there is no default, because the answers differ:

        - "observation": a new observation in the known groups;
        - a grouping factor or a column: all rows of a new group at once, whose effects, and those nested in it, are
          unknown and integrated out draw by draw.
    match : bool
        Move the draws towards the posterior without each observation whose Pareto k is too large (moment matching),
        where the compiled density knows the model; k is then that of the moved draws.
    refits : bool
        Sample the model again, under the same priors, without each unit whose Pareto k is still too large.
    draws : int, optional
        Use about this many draws, evenly spread; all if not given.

    Returns
    -------
    arviz_stats.utils.ELPDDataLOO
        `elpd` (higher is better), `se`, `elpd_i` by unit (its attribute `estimand` says what was predicted) and
        `pareto_k`: below 0.7 the number can be trusted. For units that were refitted it says how much their density
        varies between draws: too much where only the prior speaks of them.

    Raises
    ------
    SpecError
        There is no such unit, or its effects are too many to be integrated out.

    Warns
    -----
    StatisticsWarning
        Some k is too large.

    Notes
    -----
    Pareto-smoothed importance sampling (Vehtari, Gelman & Gabry 2017, Stat Comput 27:1413) with the likelihood of a
    group marginal over its effects (Merkle, Furr & Rabe-Hesketh 2019, Psychometrika 84:802). Observations: `obs()` is
    integrated out row by row, and in levels with few rows a row is predicted from the others with the level's effects
    integrated out, which has the same target and fewer large k. `p` then counts only what is not integrated out. Moved
    draws come nearer to the density of an outlying row than sampling without it, which hardly reaches where the row is
    likely.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> result = bm.loo(fit, unit="herd")
    >>> result.n_samples, round(float(result.elpd))
    (1600, -98)
    """
    units = find_units(fit.design, unit)
    found = leave_units_out(fit, units, match=match, refits=refits, draws=draws)
    bad = found.pareto_k.values > found.good_k
    if bad.any():
        which = (
            f"Pareto k above {found.good_k:.2f} for {bad.sum()} of {len(units.labels)} units ({units.name}), "
            f"largest for '{units.labels[int(np.argmax(found.pareto_k.values))]}'"
        )
        warnings.warn(
            _FEW_DRAWS.format(which=which)
            if refits
            else f"{which}: they are so influential that weighting the draws cannot leave them out. Sample again "
            "without them: refits=True.",
            StatisticsWarning,
            stacklevel=2,
        )
    return found


def kfold(fit: Fit, *, by: str, k: int = 10, seed: int | None = None) -> Any:
    """Return the expected log predictive density by K-fold cross-validation, ArviZ's ELPD object.

    The model is sampled k times, under the same priors, each time without the rows of some units. Effects of units that
    are too many to be integrated out are drawn, which takes more draws; `p` is then not known (NaN).

    Parameters
    ----------
    fit : Fit
        The fitted model.
    by : str
        "observation", a grouping factor or a column: what stays together and is predicted, as in `loo`.
    k : int
        Number of folds; at most the number of units.
    seed : int, optional
        For the folds; that of the fit if not given.

    Raises
    ------
    SpecError
        k is impossible, or there is no such unit.

    Warns
    -----
    StatisticsWarning
        The density of some unit varies too much between draws for its mean to be known.

    Examples
    --------
    >>> import warnings
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("sleepstudy")
    >>> fit = bm.fit("sleepstudy_intercept", data, draws=50, seed=1, progress=False)
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", bm.StatisticsWarning)  # these are too few draws
    ...     result = bm.kfold(fit, by="Subject", k=3, seed=1)
    >>> result.n_data_points
    18
    """
    from arviz_stats.utils import ELPDDataLOOKFold

    units = find_units(fit.design, by)
    count = len(units.labels)
    if k < 2:
        raise SpecError(f"k={k} is impossible; cross-validation needs at least 2 folds.")
    k = min(k, count)
    generator = np.random.default_rng(fit.settings.seed if seed is None else seed)
    folds = generator.permutation(np.arange(count) % k)
    elpd, pareto_k = np.empty(count), np.empty(count)
    for fold in range(k):
        elpd[folds == fold], pareto_k[folds == fold] = predict_held_out(fit, units, folds == fold)
    if np.any(pareto_k > _GOOD_K):
        which = f"{np.sum(pareto_k > _GOOD_K)} of {count} units ({units.name})"
        warnings.warn(_FEW_DRAWS.format(which=which), StatisticsWarning, stacklevel=2)
    posterior = with_effects(fit.draws, shared_effects(fit.design, units))
    reached = _reaches(fit.design, posterior, units)
    optimism = (_log_mean(_unit_draws(fit.design, posterior, units).values) if reached else np.nan) - elpd
    return ELPDDataLOOKFold(
        elpd=float(elpd.sum()),
        se=_standard_error(elpd),
        p=float(np.sum(optimism)),
        n_samples=posterior.sizes["chain"] * posterior.sizes["draw"],
        n_data_points=count,
        scale="log",
        warning=False,
        good_k=None,
        elpd_i=_per_unit(fit.design, elpd, units),
        n_folds=k,
        p_kfold_i=_per_unit(fit.design, optimism, units),
    )


def predict_held_out(fit: Fit, units: Factor, out: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Return log predictive densities of the units in `out`, (J,) bool, by sampling without all of them, and Pareto k.

    k is that of the densities over the draws: below 0.7 their mean is known. Effects that cannot be integrated out are
    those of the draws, in which they come from their law.
    """
    design, posterior = fit.design, sample_without(fit, out[units.index])
    if _reaches(design, posterior, units):
        logs = _unit_draws(design, posterior, units)
    else:
        parts = [
            sum_rows(unit_logs(condition(design, part)), units.index) for part in split_draws(posterior, design.rows)
        ]
        logs = _label(design, posterior, units, parts)
    logs = logs.isel({units.name: out})
    return _log_mean(logs.values), smooth_weights(-logs)[1].values


def leave_units_out(
    fit: Fit, units: Factor, *, match: bool = True, refits: bool = False, draws: int | None = None
) -> Any:
    """Return ArviZ's ELPD object for a partition of the rows, bad units sampled without if asked for; no warnings."""
    found = smooth_units(fit, units, draws)
    if match and is_observation(units) and np.any(found.pareto_k.values > found.good_k):
        found = _match(fit, units, found, draws)
    bad = np.flatnonzero(found.pareto_k.values > found.good_k)
    return _refit_units(fit, units, found, bad) if refits and len(bad) else found


def smooth_units(fit: Fit, units: Factor, draws: int | None = None) -> Any:
    """Return ArviZ's ELPD object by Pareto-smoothed weights; `elpd_i` has its Monte Carlo error as attribute `mcse`."""
    import arviz_stats

    if len(units.labels) < 2:
        raise SpecError(f"'{units.name}' has one level: nothing remains when it is left out.")
    logs = unit_draws(fit, units, draws)
    log_weights, pareto_k = smooth_weights(logs)
    tree = xr.DataTree.from_dict({"log_likelihood": logs.to_dataset(name="units")})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        found = arviz_stats.loo(tree, pointwise=True, reff=1.0, log_weights=log_weights, pareto_k=pareto_k)
    error = monte_carlo_error(logs, found.log_weights)
    found.elpd_i.attrs |= {"unit": units.name, "estimand": describe_unit(units), "mcse": error}
    return found


def _match(fit: Fit, units: Factor, found: Any, draws: int | None) -> Any:
    """Return the ELPD object with draws moved for bad observations, where that can be done."""
    effects = [p.b(group) for p, group in fit.design.group_blocks()]
    posterior = thin(with_effects(fit.draws, effects), draws)
    if posterior.sizes["draw"] != found.log_weights.sizes["draw"] or not can_match(fit.design, posterior):
        return found
    matched = match_moments(fit.design, posterior, _unit_draws(fit.design, posterior, units), found)
    return replace(matched, se=_standard_error(matched.elpd_i.values))


def _refit_units(fit: Fit, units: Factor, found: Any, bad: Integers) -> Any:
    """Return the ELPD object in which some units are predicted by sampling without them."""
    elpd, k = found.elpd_i.values.copy(), found.pareto_k.values.copy()
    for unit in bad:
        elpd[unit], k[unit] = (values[0] for values in predict_held_out(fit, units, np.arange(len(elpd)) == unit))
    return replace(
        found,
        elpd=float(elpd.sum()),
        se=_standard_error(elpd),
        p=float(found.p + found.elpd - elpd.sum()),
        warning=False,
        elpd_i=found.elpd_i.copy(data=elpd),
        pareto_k=found.pareto_k.copy(data=k),
    )


def _unit_draws(design: Design, posterior: xr.Dataset, units: Factor) -> xr.DataArray:
    nowhere = np.empty((0, design.rows))
    parts = [
        leave_rows_out(design, part, nowhere).log if is_observation(units) else unit_logs(situate(design, part, units))
        for part in split_draws(posterior, design.rows)
    ]
    return _label(design, posterior, units, parts)


def _reaches(design: Design, posterior: xr.Dataset, units: Factor) -> bool:
    """Return whether the effects of the units can be integrated out."""
    return is_observation(units) or can_integrate(situate(design, posterior.isel(draw=[0]), units))


def _log_mean(logs: Array) -> Array:
    """Return the logarithm of the mean density over chains and draws, the first two axes."""
    return np.asarray(special.logsumexp(logs, axis=(0, 1)) - np.log(logs.shape[0] * logs.shape[1]))


def _label(design: Design, posterior: xr.Dataset, units: Factor, parts: list[Array]) -> xr.DataArray:
    """Return chunks of draws, each (chains x some draws, J), as one labelled array."""
    chains = posterior.sizes["chain"]
    values = np.concatenate([part.reshape(chains, -1, part.shape[-1]) for part in parts], axis=1)
    coords = {"chain": posterior["chain"].values, "draw": posterior["draw"].values, units.name: _names(design, units)}
    return xr.DataArray(values, dims=("chain", "draw", units.name), coords=coords, name=design.response_name)


def _names(design: Design, units: Factor) -> list[Any]:
    return list(row_labels(design) if is_observation(units) else units.labels)


def _per_unit(design: Design, values: Array, units: Factor) -> xr.DataArray:
    attributes = {"unit": units.name, "estimand": describe_unit(units)}
    return xr.DataArray(values, dims=(units.name,), coords={units.name: _names(design, units)}, attrs=attributes)


def _standard_error(values: Array) -> float:
    return float(np.sqrt(len(values) * np.var(values)))
