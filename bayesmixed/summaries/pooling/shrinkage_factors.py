"""Shrinkage: no, partial and complete pooling side by side, with the shrinkage factor of each group."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import xarray as xr

from bayesmixed.arguments import takes_drawn_values
from bayesmixed.design.response_units import in_working_unit, own_factors
from bayesmixed.design.row_likelihoods import likelihood_of_rows
from bayesmixed.display.result_tables import as_result
from bayesmixed.display.tables import describe, labelled
from bayesmixed.draws.kept import posterior_means, with_effects
from bayesmixed.draws.linear_predictors import (
    covariances_at_centre,
    effects_of,
    population_part,
    population_predictor,
    predictor_given_effects,
    thin,
)
from bayesmixed.draws.pieces import split_draws
from bayesmixed.draws.tree import stacked
from bayesmixed.errors import SpecError
from bayesmixed.estimation.complete_pooling import fit_pooled
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.selection import at_posterior_means, find_group, some_draws
from bayesmixed.integration.group_posteriors import (
    related_variances,
    scalar_shrinkage,
    shrinkage_factors,
    shrinkage_matrix,
)
from bayesmixed.integration.modes import find_modes
from bayesmixed.terms.block_parts import RELATED
from bayesmixed.terms.blocks import GroupBlock
from bayesmixed.terms.predictors import Predictor

FEWEST_DRAWS = 200
_WORK = {"sums": 2e7, "quadrature": 5e5}
"""Rows or effects times draws above which fewer draws are taken, by how a factor is found."""
_ALL = 1e10
_JOINT, _FEWEST_JOINT = 3e10, 40
"""Products for the effects of all levels together, and the fewest draws of these."""
_FAR = 15.0
"""Link units beyond which a group's own estimate counts as infinite."""


@takes_drawn_values(tables="rows")
def shrinkage(fit: Fit, group: str | None = None) -> pd.DataFrame:
    """Return what pooling does to each group of one factor.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    group : str, optional
        Grouping factor of the first parameter; the first one if not given.

    Returns
    -------
    pandas.DataFrame
        One row per level and column of the term, on the link scale:

        - term, level, effect, rows (number of observations of the level);
        - no_pooling: best coefficient for the group's own data (maximum likelihood, other effects and other
          coefficients at their posterior means); NaN where its rows cannot give it;
        - mean, sd, lower, upper, mcse: the partially pooled coefficient (population coefficient plus b), 95 %;
        - complete_pooling: coefficient of the model without group effects (posterior mode), around the same curves;
        - factor, factor_lower, factor_upper, factor_mcse: shrinkage factor 1 - Var(b | y, theta) / SD^2 given the other
          effects, averaged over draws, and the Monte Carlo error of the average: 0 the group says nothing and is pulled
          all the way to the population, 1 no shrinkage;
        - note: where half a success, failure or count was added to make `no_pooling` finite.

    Raises
    ------
    SpecError
        The model has no such grouping factor.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> bm.shrinkage(fit)[["level", "rows", "no_pooling", "mean", "factor"]].round(1).head(3)
      level  rows  no_pooling  mean  factor
    0     1     4        -0.6  -0.8     0.7
    1     2     3        -1.9  -1.8     0.7
    2     3     4        -0.9  -1.0     0.8
    """
    predictor, block = find_group(fit, group)
    kept = with_effects(fit.draws, [predictor.b(block)])
    partial = kept[predictor.b(block)] + population_part(kept, predictor, block)
    partial = partial.transpose("chain", "draw", block.dim, ...)
    table = labelled(partial, block.name, block.levels, block.labels)
    estimate, note = no_pooling(fit, predictor, block)
    factors = describe(factor_draws(fit, predictor, block).fillna(0.0))
    width = len(block.labels)
    table.insert(3, "rows", np.repeat(block.sizes, width))
    table.insert(4, "no_pooling", estimate.reshape(-1))
    complete = complete_pooling(fit, predictor)
    means = np.array(list(complete.values())) @ block.mean_columns(list(complete))
    table["complete_pooling"] = np.tile(means, len(block.levels))
    table["factor"] = factors["mean"]
    table["factor_lower"], table["factor_upper"] = factors["lower"], factors["upper"]
    table["factor_mcse"] = factors["mcse"]
    table["note"] = np.repeat(note, width)
    return as_result(table[block.has.ravel()].reset_index(drop=True))


def factor_draws(fit: Fit, predictor: Predictor, group: GroupBlock, draws: int | None = None) -> xr.DataArray:
    """Return the shrinkage factors of every level and column, dims chain, draw, level, effect.

    Exact for Gaussian responses (closed form) and for single columns (quadrature); from the expected information for
    several columns of other families; NaN for effects that a level does not have. Of all draws, or of as many as take a
    second or two but at least 200; of about `draws` at most.
    """
    if group.heavy:
        raise SpecError(
            f"The effects of '{group.name}' have a t distribution, under which a group far from the others is pulled less: "
            "there is no factor that is the same for all its values. bm.group_effects(fit) has them as they are."
        )
    if group.takes == RELATED:
        return _of_related(fit, predictor, group, draws, lambda before, after, _: _share_gone(before, after))
    if len(group.labels) == 1 and not _is_closed(fit, predictor):
        posterior = _some_draws(fit, "quadrature", fit.design.rows, draws)
        parts = []
        for part in split_draws(posterior, fit.design.rows):
            found = _factors_by_quadrature(fit, predictor, group, part)
            parts.append(found.reshape(part.sizes["chain"], part.sizes["draw"], -1))
        return _label(np.concatenate(parts, axis=1)[..., None].reshape(-1, len(group.levels), 1), posterior)
    factors = by_blocks(fit, predictor, group, draws, shrinkage_factors)
    return factors.where(xr.DataArray(group.has, dims=("level", "effect")))


def trace_draws(fit: Fit, predictor: Predictor, group: GroupBlock) -> xr.DataArray:
    """Return the trace of the shrinkage matrix of every level, dims chain, draw, level: its effective number of effects."""
    if group.takes == RELATED:
        return _of_related(fit, predictor, group, None, lambda before, after, effective: effective)
    if len(group.labels) == 1:
        return factor_draws(fit, predictor, group).isel(effect=0)
    return by_blocks(
        fit,
        predictor,
        group,
        None,
        lambda sigma, known: np.trace(shrinkage_matrix(sigma, known), axis1=-2, axis2=-1),
    )


def _of_related(
    fit: Fit, predictor: Predictor, group: GroupBlock, draws: int | None, take: Callable[[Array, Array, Array], Array]
) -> xr.DataArray:
    """Return a function of covariances before and after the data and of effective numbers, of the levels of a related factor."""
    affordable = max(_FEWEST_JOINT, int(_JOINT / group.size**3))
    relation = group.level_covariances
    return by_blocks(
        fit,
        predictor,
        group,
        affordable if draws is None else min(draws, affordable),
        lambda sigma, known: take(*related_variances(relation, sigma, known)),
    )


def _share_gone(before: Array, after: Array) -> Array:
    """Return 1 - Var(u_k | y) / Var(u_k) for every level and column, (S, J, K)."""
    first, second = (np.diagonal(values, axis1=-2, axis2=-1) for values in (before, after))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(first > 0.0, 1.0 - second / first, 0.0))


def _some_draws(fit: Fit, kind: str, numbers: int, draws: int | None) -> xr.Dataset:
    return some_draws(fit, _most(kind, numbers, draws))


def _most(kind: str, numbers: int, draws: int | None) -> int:
    affordable = max(FEWEST_DRAWS, int(_WORK[kind] / numbers))
    return affordable if draws is None else min(draws, affordable)


def _is_closed(fit: Fit, predictor: Predictor) -> bool:
    return fit.design.family.is_normal_under(predictor.link)


def by_blocks(
    fit: Fit, predictor: Predictor, group: GroupBlock, draws: int | None, function: Callable[[Array, Array], Array]
) -> xr.DataArray:
    """Return a function of Sigma (S, 1, K, K) and W (S, J, K, K) for some draws at a time."""
    fit.design.needs_independence("Shrinkage")
    numbers = int(np.prod(group.shape))
    # Where it multiplies that of all rows, the residual SD is all that the information of a Gaussian response needs.
    own = fit.design.observed.row_scale
    same = _is_closed(fit, predictor) and fit.design.family.scale in fit.design.scalars
    same = same and (own is None or not np.any(own.error))
    if same:
        posterior = thin(fit.posterior, _most("sums", numbers, draws))
        once = group.products(_information_at_one(fit)[None])
        step = max(1, int(_WORK["sums"] / 10 / numbers))
    else:
        posterior = _some_draws(fit, "sums", max(numbers, fit.design.rows), draws)
        step = max(1, int(_WORK["sums"] / 10 / fit.design.rows))
    flat = posterior.stack(sample=("chain", "draw"), create_index=False).drop_vars(["chain", "draw"], errors="ignore")
    parts = []
    for start in range(0, flat.sizes["sample"], step):
        block = flat.isel(sample=slice(start, start + step)).rename(sample="draw").expand_dims("chain")
        if same:
            scale = stacked(block[fit.design.family.scale])[:, None, None, None]
            parts.append(function(_covariance(predictor, group, block), once / scale**2))
        else:
            covariance = _covariance(predictor, group, block)
            prior = group.variance(covariances_at_centre(predictor, group, block))[0]
            # A row that says all about its predictor leaves the other directions to the other rows.
            known = np.minimum(_row_information(fit, predictor, group, block), _ALL / np.maximum(prior, 1e-300))
            parts.append(function(covariance, group.products(known)))
    return _label(np.concatenate(parts), posterior)


def _information_at_one(fit: Fit) -> Array:
    """Return the information of each row of a Gaussian response whose residual SD is 1, (n,)."""
    rows = likelihood_of_rows(fit.design, {fit.design.family.scale: 1.0})
    return rows.expected_information(np.zeros(fit.design.rows))


def _label(values: Array, posterior: xr.Dataset) -> xr.DataArray:
    """Return values of all draws, chain by chain, with dims chain, draw, level and effect."""
    shaped = values.reshape(posterior.sizes["chain"], posterior.sizes["draw"], *values.shape[1:])
    coords = {"chain": posterior["chain"], "draw": posterior["draw"]}
    return xr.DataArray(shaped, dims=("chain", "draw", "level", "effect")[: shaped.ndim], coords=coords)


def _other_values(fit: Fit, posterior: xr.Dataset) -> dict[str, Array]:
    """Return all parameters but the first, arrays that broadcast against (S, n)."""
    design = fit.design
    values = {name: stacked(v)[:, None] for name, v in design.scalar_draws(posterior).items()}
    for name, further in list(design.predictors.items())[1:]:
        own = predictor_given_effects(further, posterior)
        values[name] = further.link.inverse(own.reshape(-1, own.shape[-1]))
    return values


def _factors_by_quadrature(fit: Fit, predictor: Predictor, group: GroupBlock, posterior: xr.Dataset) -> Array:
    design = fit.design
    others, values = _predictor_without(predictor, group, posterior), _other_values(fit, posterior)
    sd = stacked(posterior[predictor.sd(group)])[:, 0]
    effects = effects_of(predictor, group, posterior).reshape(-1, *group.shape)
    rows, levels, shares = group.pairs()
    z = group.matrix[rows, 0] * shares
    # What other levels of the term add stays as it is.
    others = others[:, rows] + (group.contribution(effects, written=True)[:, rows] - effects[:, levels, 0] * z)
    values = {name: value[:, rows] if value.shape[-1] == design.rows else value for name, value in values.items()}
    return scalar_shrinkage(likelihood_of_rows(design, values, rows=rows), others, z, levels, sd)


def _covariance(predictor: Predictor, group: GroupBlock, posterior: xr.Dataset) -> Array:
    """Return the covariance of the effects as written, (S, 1, K, K)."""
    centre = covariances_at_centre(predictor, group, posterior)
    return np.asarray((group.transform @ centre.reshape(-1, *centre.shape[2:]) @ group.transform.T)[:, None])


def _row_information(fit: Fit, predictor: Predictor, group: GroupBlock, posterior: xr.Dataset) -> Array:
    """Return the expected information of each row about the linear predictor, (S, n)."""
    effects = effects_of(predictor, group, posterior)
    others = _predictor_without(predictor, group, posterior)
    eta = others + group.contribution(effects, written=True).reshape(others.shape)
    return likelihood_of_rows(fit.design, _other_values(fit, posterior)).expected_information(eta)


def no_pooling(fit: Fit, predictor: Predictor, group: GroupBlock) -> tuple[Array, Array]:
    """Return the coefficients of each group from its own rows, (J, K), and a note for each group, (J,)."""
    design = fit.design
    if not group.one_each:
        return np.full(group.shape, np.nan), np.full(len(group.levels), "its rows belong to other levels, too")
    mean = posterior_means(fit.draws).expand_dims(("chain", "draw"))
    fixed = _predictor_without(predictor, group, mean)[0]
    values = {name: np.asarray(v).reshape(()) for name, v in design.scalar_draws(mean).items()}
    for name, further in list(design.predictors.items())[1:]:
        values[name] = further.link.inverse(population_predictor(further, mean)[0, 0])
    y, trials, note = _nudged(fit, group)
    likelihood = likelihood_of_rows(design, values, response=y, trials=trials)
    width = len(group.labels)
    rows = group.products(np.ones((1, design.rows)))[0]
    level, column = np.nonzero(~group.has)
    rows[level, column, column] = 1.0
    size = np.sqrt(np.maximum(np.diagonal(rows, axis1=1, axis2=2), np.finfo(float).tiny))
    estimable = np.linalg.matrix_rank(rows / (size[:, :, None] * size[:, None, :]), hermitian=True) == width

    lost = ~estimable
    unit = np.sqrt(np.mean(group.matrix**2, axis=0))
    columns = group.matrix / unit

    def derive(effects: Array) -> tuple[Array, Array, Array]:
        eta = fixed + group.contribution(effects / unit, written=True)
        score = likelihood.score(eta)
        gradient = np.stack([group.sums(score * z) for z in columns.T], axis=-1)
        hessian = group.products(likelihood.expected_information(eta)[None])[0] / np.outer(unit, unit)
        hessian[level, column, column] = 1.0
        hessian[lost] = np.eye(width)
        lost[:] |= np.linalg.cond(hessian) >= 1e12
        hessian[lost], gradient[lost] = np.eye(width), 0.0
        return group.sums(likelihood.log_density(eta)), gradient, hessian

    modes = find_modes(derive, np.zeros((len(rows), width)), tolerance=1e-18, longest=np.inf, rounds=100)
    effects, converged = modes.place / unit, modes.found & ~lost
    reach = np.zeros(len(rows))
    np.maximum.at(reach, group.pairs()[1], np.abs(group.contribution(effects, written=True)))
    finite = converged & (reach < _FAR * (predictor.link.unit or np.inf))
    note = np.where(estimable & ~finite, "no finite estimate of its own (separation)", note)
    note = np.where(estimable, note, "too few rows for its own coefficients")
    mean_part = population_part(fit.posterior, predictor, group).mean(("chain", "draw")).values
    return np.where(finite[:, None], effects + mean_part, np.nan), note


def _nudged(fit: Fit, group: GroupBlock) -> tuple[Array, Array, Array]:
    """Return response, trials and notes with half an event added where a group has none, or nothing else."""
    design = fit.design
    y = np.asarray(design.response, dtype=float).copy()
    trials = np.broadcast_to(np.asarray(design.trials, dtype=float), y.shape).copy()
    note = np.full(len(group.levels), "", dtype=object)
    if not design.family.discrete:
        return y, trials, note
    rows = group.sizes
    total = group.sums(y)
    possible = group.sums(trials)
    bounded = design.mu.link.tolerance_variance is not None
    extreme = (total == 0) | (bounded & (total == possible))
    share = 0.5 / rows
    y = np.where(group.pick(extreme), y + group.pick(share), y)
    if bounded:
        trials = np.where(group.pick(extreme), trials + 2 * group.pick(share), trials)
    note[extreme] = "half an event added" if not bounded else "half a success and half a failure added"
    return y, trials, note


def _predictor_without(predictor: Predictor, group: GroupBlock, posterior: xr.Dataset) -> Array:
    """Return the linear predictor of all terms but one, (S, n)."""
    eta = predictor_given_effects(predictor, posterior, without=group)
    return eta.reshape(-1, eta.shape[-1])


def complete_pooling(fit: Fit, predictor: Predictor) -> dict[str, float]:
    """Return the population coefficients of the model without group effects, by label (posterior mode)."""
    mean = posterior_means(fit.draws).expand_dims(("chain", "draw"))
    curves = [curve.contribution(effects_of(predictor, curve, mean))[0, 0] for curve in predictor.curves]
    working, unit = in_working_unit(at_posterior_means(fit))
    factor = own_factors(fit.design, unit).get(predictor.beta, 1.0)
    pooled = fit_pooled(working, np.sum(curves, axis=0) / factor if curves else None)
    return dict(zip(predictor.population.labels, factor * pooled.beta, strict=True))
