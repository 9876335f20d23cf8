"""Predictive accuracy for observations or groups that are left out one at a time."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesmixed.arguments import alone, takes_drawn_values
from bayesmixed.cross_validation.held_out import sample_without
from bayesmixed.cross_validation.importance_weights import (
    MOVED,
    REFIT,
    WEIGHTS,
    monte_carlo_errors,
    smooth_weights,
    weighted_means,
)
from bayesmixed.cross_validation.joint_held_out import predict_joint_held_out
from bayesmixed.cross_validation.joint_leaving_out import leave_joint_units_out
from bayesmixed.cross_validation.joint_units import JointUnits, find_joint_units
from bayesmixed.cross_validation.left_out_units import condition
from bayesmixed.cross_validation.log_densities import (
    can_be_integrated,
    label_units,
    log_mean,
    per_unit,
    standard_error,
    unit_blocks,
    unit_densities,
    unit_posterior,
)
from bayesmixed.cross_validation.marginal_densities import unit_logs
from bayesmixed.cross_validation.moment_matching import can_match, match_moments
from bayesmixed.cross_validation.units import (
    dim_of,
    find_units,
    is_observation,
    mark_bounding,
    whole_groups,
)
from bayesmixed.cross_validation.weighted_units import weigh
from bayesmixed.draws.pieces import are_kept, split_draws
from bayesmixed.errors import SpecError, warn
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.joint_fits import JointFit
from bayesmixed.fits.selection import some_draws
from bayesmixed.integration.layers import Integers, sum_rows
from bayesmixed.terms.relations import Factor
from bayesmixed.terms.residual_correlations import ROWS

MOST_ERROR = 0.2
"""Monte Carlo error of elpd above which units are sampled without, if asked for: a twentieth of a clear difference, 4."""
_NEVER = -1e10
FEW_DRAWS = (
    "{which}: sampled without them, their density is large in few draws, so that its mean is rough. Take more draws; "
    "where only priors speak of a unit (coefficients or curves of its own), make these narrower."
)


@alone("bm.loo(joint, unit=...) leaves out rows or groups with all their responses.")
@takes_drawn_values(tables="no")
def loo(fit: Fit | JointFit, *, unit: str, match: bool = True, refits: bool = False, draws: int | None = None) -> Any:
    """Return the expected log predictive density for units that are left out one at a time, ArviZ's ELPD object.

    Parameters
    ----------
    fit : Fit or JointFit
        The fitted model; of several responses all are left out together.
    unit : str
        What is left out, and thus what is predicted; there is no default, because the answers differ:

        - "observation": a new observation in the known groups (given the other rows of its group, where residuals are
          correlated);
        - a grouping factor or a column: all rows of a new group at once, whose effects, and those nested in it, are
          unknown and integrated out draw by draw.
    match : bool
        Move the draws towards the posterior without each observation whose Pareto k is too large (moment matching),
        where the compiled density covers the model (not of several responses); k is then that of the moved draws. About a
        second for each.
    refits : bool
        Sample the model again, under the same priors, without each unit whose Pareto k is still too large, and without
        those of largest Monte Carlo error while that of `elpd` is above 0.2.
    draws : int, optional
        Use about this many draws, evenly spread; all if not given.

    Returns
    -------
    arviz_stats.utils.ELPDDataLOO
        `elpd` (higher is better), `se`, `elpd_i` by unit (its attributes: `estimand`, what was predicted; `mcse`, the Monte
        Carlo error of `elpd`; `mcse_i`, by unit; `by_i`, how each was left out: "weights", "moved draws" or "refit") and
        `pareto_k`: below 0.7 the number can be trusted. For units that were refitted it says how much their density varies
        between draws: too much where only the prior speaks of them.
        Of more than 20 million densities (draws times units) `log_weights` are not kept, and no draws are moved.

    Raises
    ------
    SpecError
        There is no such unit, its effects are too many to be integrated out, or units of a fit with mi() or me() are to be
        sampled without.

    Warns
    -----
    StatisticsWarning
        Some k is too large, or the Monte Carlo error of `elpd` is above 0.2. That speaks of the computation, not against
        the model: of 8 to 45 groups one is too influential in up to half of right models; of observations, with 4,000
        draws, in up to 5 %.

    Notes
    -----
    Pareto-smoothed importance sampling (Vehtari, Gelman & Gabry 2017, Stat Comput 27:1413) with the likelihood of a
    group marginal over its effects (Merkle, Furr & Rabe-Hesketh 2019, Psychometrika 84:802). Observations: `obs()` is
    integrated out row by row, and in levels with few rows a row is predicted from the others with the level's effects
    integrated out, which has the same target and fewer large k. With mi() and me() only the response is left out: normal
    values of columns, and events, are integrated out row by row, given what is known of them; others are those of the
    draws. `p` then counts only what is not integrated out. Moved draws come nearer to the density of an outlying row
    than sampling without it, which hardly reaches where the row is likely.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> result = bm.loo(fit, unit="herd")
    >>> result.n_samples, round(float(result.elpd))
    (1600, -98)
    """
    if isinstance(fit, JointFit):
        several = find_joint_units(fit.design, unit)
        name, labels, latent = several.name, tuple(map(str, several.labels)), False
        found = leave_several_out(fit, several, refits=refits, draws=draws)
    else:
        units = find_units(fit.design, unit, whole=True)
        name, labels, latent = units.name, units.labels, bool(fit.design.latent)
        found = leave_units_out(fit, units, match=match, refits=refits, draws=draws)
    warn_of_units(found, name, labels, refits=refits, latent=latent)
    return found


def warn_of_units(found: Any, name: str, labels: Sequence[str], *, refits: bool, latent: bool) -> None:
    """Warn of units that cannot be left out, and of a large Monte Carlo error."""
    bad = found.pareto_k.values > found.good_k
    if bad.any():
        which = (
            f"Pareto k above {found.good_k:.2f} for {bad.sum()} of {len(labels)} units ({name}), "
            f"largest for '{labels[int(np.argmax(found.pareto_k.values))]}'"
        )
        warn(
            FEW_DRAWS.format(which=which)
            if refits
            else f"{which}: they are so influential that weighting the draws cannot leave them out. "
            + (
                "Fits with mi() and me() are not sampled without rows: judge a fit of the complete rows."
                if latent
                else "Sample again without them: refits=True."
            )
        )
    error = found.elpd_i.attrs["mcse"]
    if not bad.any() and error > MOST_ERROR:
        more = "" if refits or latent else ", or sample again without the units it comes from: refits=True"
        warn(
            f"The Monte Carlo error of elpd {found.elpd:.1f} is {error:.2f}, above {MOST_ERROR}: few draws dominate the "
            f"weights. Take more draws{more}."
        )


def leave_units_out(
    fit: Fit, units: Factor, *, match: bool = True, refits: bool = False, draws: int | None = None
) -> Any:
    """Return ArviZ's ELPD object for a partition of the rows, bad units sampled without if asked for; no warnings."""
    found = smooth_units(fit, units, draws)
    if match and is_observation(units) and np.any(found.pareto_k.values > found.good_k):
        found = _match(fit, units, found, draws)
    bad = find_rough(found)
    return _refit_units(found, bad, lambda out: predict_held_out(fit, units, out)) if refits and len(bad) else found


def leave_several_out(joint: JointFit, units: JointUnits, *, refits: bool = False, draws: int | None = None) -> Any:
    """Return ArviZ's ELPD object for a partition of the rows of several responses; no warnings."""
    found = leave_joint_units_out(joint, units, draws)
    bad = find_rough(found)
    if not (refits and len(bad)):
        return found
    return _refit_units(found, bad, lambda out: judge_held_out(predict_joint_held_out(joint, units, out)))


def find_rough(found: Any) -> Integers:
    """Return the units whose Pareto k is too large, and those of largest Monte Carlo error until that of the sum of the
    others is at most `MOST_ERROR`."""
    bad, errors = found.pareto_k.values > found.good_k, found.elpd_i.attrs["mcse_i"]
    order = np.argsort(-np.where(bad, 0.0, errors), kind="stable")
    left = np.sqrt(np.maximum(np.sum(errors[~bad] ** 2) - np.cumsum(errors[order] ** 2), 0.0))
    rough = np.sqrt(np.sum(errors[~bad] ** 2)) > MOST_ERROR
    more = order[: int(np.argmax(left <= MOST_ERROR)) + 1] if rough else order[:0]
    return np.union1d(np.flatnonzero(bad), more)


def smooth_units(fit: Fit, units: Factor, draws: int | None = None) -> Any:
    """Return ArviZ's ELPD object by Pareto-smoothed weights; `elpd_i` has its Monte Carlo error as attribute `mcse`."""
    from arviz_stats.utils import ELPDDataLOO

    if len(units.labels) < 2:
        raise SpecError(f"'{units.name}' has one level: nothing remains when it is left out.")
    design, posterior, count = fit.design, unit_posterior(fit, units, draws), len(units.labels)
    total = posterior.sizes["chain"] * posterior.sizes["draw"]
    elpd, k, errors, of_fit = np.empty((4, count))
    kept = np.empty((total, count)) if are_kept(posterior, count) else None
    for part in weigh(lambda wanted: unit_blocks(design, posterior, units, wanted), posterior, count):
        log, rows = part.predicted.log, part.rows
        k[rows] = part.pareto_k
        elpd[rows], errors[rows] = weighted_means(log, part.log_weights)
        highest = log.max(axis=0)
        of_fit[rows] = np.log(np.exp(log - highest).mean(axis=0)) + highest
        if kept is not None:
            kept[:, rows] = part.log_weights
    pareto_k = mark_bounding(design, units.index, per_unit(design, k, units).drop_attrs())
    good = float(min(1.0 - 1.0 / np.log10(total), 0.7))
    return ELPDDataLOO(
        elpd=float(elpd.sum()),
        se=standard_error(elpd),
        p=float(np.sum(of_fit - elpd)),
        n_samples=total,
        n_data_points=count,
        scale="log",
        warning=bool(np.any(pareto_k.values > good)),
        good_k=good,
        elpd_i=per_unit(design, elpd, units).assign_attrs(
            by_i=np.full(count, WEIGHTS, dtype=object), **_state_errors(errors)
        ),
        pareto_k=pareto_k,
        log_weights=None if kept is None else label_units(design, posterior, units, [kept]),
    )


def _state_errors(errors: Array) -> dict[str, Any]:
    return {"mcse": float(np.sqrt(np.sum(errors**2))), "mcse_i": errors}


def predict_held_out(fit: Fit, units: Factor, out: NDArray[np.bool_]) -> tuple[Array, Array, Array]:
    """Return log predictive densities of the units in `out`, (J,) bool, by sampling without all of them, Pareto k, and
    Monte Carlo errors.

    k is that of the densities over the draws: below 0.7 their mean is known. Effects that cannot be integrated out are
    those of the draws, in which they come from their distribution.
    """
    design = fit.design
    block = design.residual
    if (
        block is not None
        and is_observation(units)
        and (out.sum() > 1 or (block.chained and block.residual.place == ROWS))
    ):
        raise SpecError(
            f"Single rows cannot be sampled without where residuals are correlated ({block.residual}): what is left "
            f'out would depend on other rows. Leave out whole groups, "{block.name}".'
        )
    whole_groups(design, units)
    posterior = sample_without(fit, out[units.index])
    if can_be_integrated(design, posterior, units):
        logs = unit_densities(design, posterior, units)
    else:
        parts = [
            sum_rows(unit_logs(condition(design, part)), units.index) for part in split_draws(posterior, design.rows)
        ]
        logs = label_units(design, posterior, units, parts)
    return judge_held_out(logs.isel({dim_of(units): out}))


def judge_held_out(logs: xr.DataArray) -> tuple[Array, Array, Array]:
    """Return log predictive densities of units from draws without them, Pareto k of these densities, and Monte Carlo errors."""
    equal = xr.full_like(logs, -np.log(logs.sizes["chain"] * logs.sizes["draw"]))
    # Where all responses lie above a parameter, the density of one that was left out may be zero.
    return log_mean(logs.values), smooth_weights(-logs.clip(min=_NEVER))[1].values, monte_carlo_errors(logs, equal)


def _match(fit: Fit, units: Factor, found: Any, draws: int | None) -> Any:
    """Return the ELPD object with draws moved for bad observations, where that can be done."""
    posterior, weights = some_draws(fit, draws), found.log_weights
    if weights is None or posterior.sizes["draw"] != weights.sizes["draw"] or not can_match(fit.design, posterior):
        return found
    # No moved draw lies where a parameter could be without the response that bounds it.
    k = found.pareto_k
    bounding = np.isinf(mark_bounding(fit.design, units.index, xr.zeros_like(k)).values)
    given = replace(found, pareto_k=k.copy(data=np.where(bounding, 0.0, k.values)))
    matched = match_moments(fit.design, posterior, unit_densities(fit.design, posterior, units), given)
    after = np.where(bounding, k.values, matched.pareto_k.values)
    matched = replace(matched, pareto_k=k.copy(data=after), warning=bool(np.any(after > found.good_k)))
    errors, moved = found.elpd_i.attrs["mcse_i"].copy(), matched.pareto_k.values < found.pareto_k.values
    weights = np.exp(matched.log_weights.transpose("chain", "draw", ...).values)
    # Of moved draws the densities are not kept: as if these varied as much as they are large.
    errors[moved] = np.sqrt(np.sum(weights**2, axis=(0, 1)))[moved]
    by = np.where(moved, MOVED, found.elpd_i.attrs["by_i"])
    attributes = found.elpd_i.attrs | {"by_i": by} | _state_errors(errors)
    return replace(matched, se=standard_error(matched.elpd_i.values), elpd_i=matched.elpd_i.assign_attrs(attributes))


def _refit_units(found: Any, bad: Integers, predict: Callable[[NDArray[np.bool_]], tuple[Array, Array, Array]]) -> Any:
    """Return the ELPD object in which some units are predicted by sampling without them."""
    elpd, k = found.elpd_i.values.copy(), found.pareto_k.values.copy()
    errors, by = found.elpd_i.attrs["mcse_i"].copy(), found.elpd_i.attrs["by_i"].copy()
    by[bad] = REFIT
    for unit in bad:
        held_out = predict(np.arange(len(elpd)) == unit)
        elpd[unit], k[unit], errors[unit] = (values[0] for values in held_out)
    return replace(
        found,
        elpd=float(elpd.sum()),
        se=standard_error(elpd),
        p=float(found.p + found.elpd - elpd.sum()),
        warning=False,
        elpd_i=found.elpd_i.copy(data=elpd).assign_attrs(by_i=by, **_state_errors(errors)),
        pareto_k=found.pareto_k.copy(data=k),
    )
