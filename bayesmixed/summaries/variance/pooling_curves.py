"""The shrinkage factor over group size that an intraclass correlation implies."""

from typing import Any

import numpy as np
import pandas as pd

from bayesmixed.arguments import takes_drawn_values
from bayesmixed.display.result_tables import as_result
from bayesmixed.draws.linear_predictors import covariances_at_centre
from bayesmixed.errors import SpecError, enumerate_words
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.selection import find_group
from bayesmixed.summaries.variance.components import (
    latent_covariances,
    residual_variance,
)
from bayesmixed.summaries.variance.group_moments import few_for_latent
from bayesmixed.terms.block_parts import RELATED
from bayesmixed.terms.blocks import GroupBlock

_SMALLEST = 12
_GRID = 60


@takes_drawn_values(tables="columns")
def pooling_curve(fit: Fit | float, group: str | None = None) -> pd.DataFrame:
    """Return the shrinkage factor n rho / (1 + (n - 1) rho) over the group size n.

    rho is the intraclass correlation of the factor given all other group effects: SD^2 / (SD^2 + residual variance).
    Gaussian responses: exact for an intercept. Others: from the residual variance of `icc`, on the latent scale where
    it is, so a guide, too high where events are rare or trials of a row are alike (beta-binomial);
    the factors of `shrinkage` are those of the data.

    Parameters
    ----------
    fit : Fit or float
        A fitted model, or an intraclass correlation from 0 to 1.
    group : str, optional
        Grouping factor with an intercept; the first one if not given. A term with slopes enters by its intercept at
        the covariate means.

    Returns
    -------
    pandas.DataFrame
        Columns size (rows of a group; trials in binomial families), median, lower, upper (95 %) of the factor, groups
        (how many groups of the data have that size). attrs: group, unit, scale, slopes, exact, icc (median,
        lower, upper).
        0: a group of that size is pulled all the way to the population; 1: no shrinkage.

    Raises
    ------
    SpecError
        No such factor, no intercept, or no residual variance.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> bm.pooling_curve(0.2)[["size", "median"]].head(3).round(2)
       size  median
    0     1    0.20
    1     2    0.33
    2     3    0.43
    """
    if not isinstance(fit, Fit):
        about: dict[str, Any] = {"group": "group", "unit": "rows", "scale": "", "slopes": "", "exact": True}
        return _curve(_checked(fit), np.array([]), about)
    predictor, block = find_group(fit, group)
    fit.design.needs_independence("A pooling curve")
    if block.splits:
        raise SpecError(
            f"'{block.name}' has an ICC of each {enumerate_words(block.splits)}, and a pooling curve has one."
        )
    if block.intercept is None:
        raise SpecError(f"({' + '.join(block.labels)} | {block.name}) has no intercept, so its ICC depends on x.")
    if block.takes == RELATED:
        raise SpecError(
            f"Levels of '{block.name}' are related, so that none is pooled by its own rows alone: bm.shrinkage(fit)."
        )
    if block.residual:
        raise SpecError(f"'{block.name}' has one row for each level: it is residual variation, without an ICC.")
    family = fit.design.family
    about = {
        "group": block.name,
        "unit": "trials" if family.has_trials else "rows",
        "scale": "" if family.scale else f"latent {predictor.link.name} scale",
        "slopes": ", ".join(label for label in block.labels if label != "Intercept"),
        "exact": family.is_normal_under(predictor.link),
    }
    beyond = [other for other in predictor.groups if other.residual]
    if family.latent_mean is not None:
        posterior = few_for_latent(fit.design, fit.posterior, fit.design.rows)
        shared, _, residual = latent_covariances(fit, posterior, {g.name: (g.name,) for g in (block, *beyond)})
        variance, residual = shared.pop(block.name), residual + sum(shared.values())
    else:
        residual = residual_variance(fit, fit.posterior)
        for other in beyond:
            residual = residual + covariances_at_centre(predictor, other, fit.posterior)[..., 0, 0]
        variance = covariances_at_centre(predictor, block, fit.posterior)[..., block.intercept, block.intercept]
    return _curve(variance / (variance + residual), group_sizes(fit, block), about)


def pooling_factor(size: Any, icc: Any) -> Array:
    """Return n rho / (1 + (n - 1) rho) for sizes n and intraclass correlations rho that broadcast."""
    return np.asarray(np.multiply(size, icc) / (1.0 + (np.asarray(size) - 1.0) * icc))


def group_sizes(fit: Fit, group: GroupBlock) -> Array:
    """Return the rows of each level, or its trials where the family has them, times their weights, (J,).

    Precision weights, and those of known errors, are relative to the one at which the residual variance is its mean over the
    rows.
    """
    trials = np.broadcast_to(np.asarray(fit.design.trials, dtype=float), fit.design.rows)
    own, weights = fit.design.observed.row_scale, fit.design.weights
    if own is not None:
        sigma = float(fit.posterior[fit.design.family.scale].mean()) if np.any(own.error) else 1.0
        weights = np.square(own.mean.of(sigma) / own.of(sigma))
    return group.sums(trials if weights is None else trials * weights)


def _curve(icc: Array, sizes: Array, about: dict[str, Any]) -> pd.DataFrame:
    spread = np.quantile(icc, [0.5, 0.025, 0.975])
    present, counts = np.unique(np.maximum(np.rint(sizes), 1).astype(int), return_counts=True)
    largest = max([_SMALLEST, *present.tolist()])
    grid = np.geomspace(1, largest, _GRID).round().astype(int)
    size = np.unique(np.concatenate([np.arange(1, _SMALLEST + 1), grid, present]))
    # The factor grows with the ICC, so its quantiles are those of the ICC.
    median, lower, upper = (pooling_factor(size, rho) for rho in spread)
    groups = pd.Series(counts, index=present).reindex(size, fill_value=0).to_numpy()
    table = pd.DataFrame({"size": size, "median": median, "lower": lower, "upper": upper, "groups": groups})
    table.attrs |= about | {"icc": tuple(float(value) for value in spread)}
    return as_result(table)


def _checked(icc: float) -> Array:
    if not 0.0 <= icc <= 1.0:
        raise SpecError(f"An intraclass correlation lies between 0 and 1; {icc:g} does not.")
    return np.array([float(icc)])
