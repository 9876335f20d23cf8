"""R2: the share of the variance that the population part, and the groups, explain."""

import numpy as np
import pandas as pd
import xarray as xr

from bayesmixed.arguments import takes_drawn_values
from bayesmixed.display.result_tables import as_result
from bayesmixed.display.tables import labelled
from bayesmixed.draws.kept import values_of
from bayesmixed.draws.linear_predictors import predictor_given_effects
from bayesmixed.draws.pieces import NUMBERS, split_draws
from bayesmixed.errors import SpecError, check_choice
from bayesmixed.families.links import Array
from bayesmixed.families.parts import no_category_variance
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.selection import some_draws
from bayesmixed.summaries.variance.components import mean_group_variances, residual_variance
from bayesmixed.summaries.variance.group_moments import (
    distinct_rows,
    few_for_latent,
    on_latent_scale,
    over_rows,
    response_moments,
    take_apart,
    take_means,
    thin_for,
)
from bayesmixed.summaries.variance.intraclass import as_draws, is_response, latent_name, notes_of_limits

SCALES = ("auto", "latent", "data", "sample")
Row = tuple[str, str, str, xr.DataArray]
"""Definition, effect, scale and draws."""
_WORK = 2e7


@takes_drawn_values(tables="columns")
def r2(fit: Fit, *, scale: str = "auto", trials: float = 1.0) -> pd.DataFrame:
    """Return the share of the variance that a model explains, draw by draw, in the definitions that suit it.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    scale : {"auto", "latent", "data", "sample"}
        "latent": variances on the link scale (Nakagawa & Schielzeth 2013, Methods Ecol Evol 4:133; Johnson 2014,
        5:944 for slopes), offsets left out. "data": variances of the response of new groups, by quadrature over their
        effects. "sample": the groups of the data, Var(mu) / (Var(mu) + mean Var(y | mu)) (Gelman, Goodrich, Gabry &
        Vehtari 2019, Am Stat 73:307), with the variance of the family. "auto": all that the model has.
    trials : float
        Number of trials of one observation on the data scale and in the sample.

    Returns
    -------
    pandas.DataFrame
        Columns term (the definition), level (empty), effect, scale, mean, sd, lower, upper (95 %), mcse. effect
        "marginal": the population part alone; "conditional": with the groups. Observation-level effects are
        residual on the latent scale. attrs: note.

    Raises
    ------
    SpecError
        The scale asked for does not exist.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> bm.r2(fit, scale="latent")[["term", "effect", "mean"]].round(1)
                        term       effect  mean
    0  Nakagawa & Schielzeth     marginal   0.1
    1  Nakagawa & Schielzeth  conditional   0.2
    """
    check_choice("scale={}", scale, SCALES)
    numeric = not fit.design.categories
    if fit.design.family.latent_variance is no_category_variance:
        raise SpecError(
            f"There is no R2 of this model: {_NO_NUMBERS}, and its family has no residual variance on the link scale. "
            "bm.icc(fit) says for each category how alike observations of a group are."
        )
    if not numeric and scale in ("data", "sample"):
        raise SpecError(f"scale='{scale}': {_NO_NUMBERS}. Take scale=\"latent\".")
    found, notes = [], notes_of_limits(fit) if numeric else [_NO_NUMBERS]
    if scale in ("auto", "latent"):
        try:
            found += _on_latent_scale(fit)
        except SpecError as error:
            if scale == "latent":
                raise
            notes.append(f"no latent scale: {error}")
    if scale == "data" or (scale == "auto" and numeric and not (found and is_response(fit))):
        try:
            found += _on_data_scale(fit, trials)
        except SpecError as error:
            if scale == "data":
                raise
            notes.append(f"no data scale: {error}")
    if numeric and scale in ("auto", "sample"):
        found.append(("Gelman et al.", "conditional", "sample", _in_sample(fit, trials)))
    if not found:
        raise SpecError("There is no R2 of this model: " + "; ".join(notes))
    tables = []
    for term, effect, name, draws in found:
        tables.append(labelled(draws, term, [""], [effect]))
        tables[-1].insert(3, "scale", name)
    table = pd.concat(tables, ignore_index=True)
    table.attrs |= {"note": "; ".join(notes)} if notes else {}
    return as_result(table)


_NO_NUMBERS = "categories are not numbers, so the variance of the response itself has no meaning"


def _on_latent_scale(fit: Fit) -> list[Row]:
    if fit.design.family.latent_mean is not None:
        rows, _ = distinct_rows(fit.design)
        return _of_moments(fit, few_for_latent(fit.design, fit.posterior, len(rows)), 1.0, latent_name(fit))
    posterior = fit.posterior
    residual = residual_variance(fit, posterior)
    groups = mean_group_variances(fit.design, posterior)
    for group in fit.design.mu.groups:
        if group.residual:
            residual = residual + groups.pop(group.name)
    fixed = _population_variance(fit, posterior)
    between = sum(groups.values(), np.zeros_like(fixed))
    return _two(fixed, between, residual, posterior, "Nakagawa & Schielzeth", latent_name(fit))


def _on_data_scale(fit: Fit, trials: float) -> list[Row]:
    rows, _ = distinct_rows(fit.design)
    return _of_moments(fit, thin_for(fit.design, fit.posterior, len(rows)), trials, "data")


def _of_moments(fit: Fit, posterior: xr.Dataset, trials: float, scale: str) -> list[Row]:
    """Return R2 of the response, or of the function of it that is the latent scale, from its moments over the groups."""
    rows, weights = distinct_rows(fit.design)
    parts = []
    for whole, own in take_means(fit.design, posterior, rows, weights):
        pieces = whole if scale == "data" else on_latent_scale(whole)
        mean, between, within = response_moments(pieces, trials)
        parts.append(np.stack([_spread(mean, own), over_rows(between, own), over_rows(within, own)]))
    fixed, between, within = np.concatenate(parts, axis=1)
    return _two(fixed, between, within, posterior, "moments of the response", scale)


def _two(fixed: Array, between: Array, residual: Array, posterior: xr.Dataset, term: str, scale: str) -> list[Row]:
    total = fixed + between + residual
    marginal, conditional = as_draws(fixed / total, posterior), as_draws((fixed + between) / total, posterior)
    return [(term, "marginal", scale, marginal), (term, "conditional", scale, conditional)]


def _population_variance(fit: Fit, posterior: xr.Dataset) -> Array:
    """Return the variance over the rows of the population part without offsets, (chain, draw)."""
    mu = fit.design.mu
    rows, weights = distinct_rows(fit.design)
    shape = (posterior.sizes["chain"], posterior.sizes["draw"])
    if not (mu.curves or mu.drawn) and len(rows) * shape[0] * shape[1] > NUMBERS:
        centred = mu.population.matrix[rows] - weights @ mu.population.matrix[rows]
        beta = values_of(posterior, mu.beta)
        return np.asarray(np.einsum("cdk,kl,cdl->cd", beta, centred.T @ (weights[:, None] * centred), beta))
    parts = []
    for pieces in take_apart(fit.design, posterior, rows):
        part = pieces.etas[mu.parameter] - mu.offset[rows]
        parts.append(_spread(part, weights))
    return np.concatenate(parts).reshape(shape)


def _spread(values: Array, weights: Array) -> Array:
    """Return the variance over the rows of each draw; exactly 0 where the rows differ by rounding only."""
    deviations = values - over_rows(values, weights)[:, None]
    deviations[np.abs(deviations) <= 1e-12 * np.abs(values)] = 0.0
    return over_rows(deviations**2, weights)


def _in_sample(fit: Fit, trials: float) -> xr.DataArray:
    design, family = fit.design, fit.design.family
    count = max(100, int(_WORK / design.rows))
    posterior = some_draws(fit, count)
    shares = design.observed.row_shares
    parts = []
    for part in split_draws(posterior, design.rows):
        values: dict[str, Array] = {name: v.values[..., None] for name, v in design.scalar_draws(part).items()}
        for name, predictor in design.predictors.items():
            values[name] = predictor.link.inverse(predictor_given_effects(predictor, part))
        values = design.in_rows(values)
        mean = family.mean(values, trials)
        variance = np.broadcast_to(family.variance(values, trials), mean.shape) @ shares
        explained = (mean - (mean @ shares)[..., None]) ** 2 @ shares
        parts.append(explained / (explained + variance))
    return as_draws(np.concatenate(parts, axis=1), posterior)
