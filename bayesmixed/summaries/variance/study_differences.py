"""Heterogeneity: how much estimates with known standard errors differ beyond these errors."""

import numpy as np
import pandas as pd
import xarray as xr

from bayesmixed.arguments import checked, takes_drawn_values
from bayesmixed.design.design import Design
from bayesmixed.display.estimates import Estimates, as_estimates
from bayesmixed.draws.kept import values_of
from bayesmixed.draws.linear_predictors import covariances_at_centre
from bayesmixed.errors import SpecError, enumerate_words
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.parameter_keys import INTERCEPT


@checked
@takes_drawn_values(tables="rows")
def heterogeneity(fit: Fit, *, seed: int | None = 0) -> Estimates:
    """Return tau, I-squared and the prediction interval of a new study, of a meta-analysis `y | se(s) ~ 1 + (1 | study)`.

    tau is the SD of what each term adds to the true effects (the root of its mean variance over the rows). I-squared is the
    share of tau^2 in tau^2 + s^2, where s^2 is the variance of a typical row, (n - p) / tr(P) with P = W - W X (X'WX)^-1 X'W
    and W = diag(1 / s_i^2): for a common mean that of Higgins & Thompson (2002, Stat Med 21:1539). Several terms share it in
    proportion to their variances.

    Parameters
    ----------
    fit : Fit
        Gaussian, identity link, with known standard errors, `se(s)`.
    seed : int, optional
        For the true effects of new studies.

    Returns
    -------
    Estimates
        Rows by term and quantity: "tau" and "I2" of every term, "I2" of all; where the population part is one intercept also
        the "overall" mean and the true effect of a "new study", whose 95 % interval is the prediction interval.

    Raises
    ------
    SpecError
        The model has no known standard errors, no term whose effects differ, another family or link, or as many columns of
        its population part as rows.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = {"study": list("ABCDEF"), "y": [2.8, 0.8, -0.3, 0.7, 1.8, 1.2], "s": [1.5, 1.0, 1.6, 1.1, 1.0, 1.8]}
    >>> fit = bm.fit("y | se(s) ~ 1 + (1 | study)", data, draws=100, seed=1, progress=False)
    >>> bm.heterogeneity(fit).table["quantity"].tolist()
    ['tau', 'I2', 'I2', 'overall', 'new study']
    """
    design = fit.design
    errors = known_errors(design)
    if errors is None:
        raise SpecError("I-squared compares effects with known standard errors: write y | se(s) ~ 1 + (1 | study).")
    if not design.family.is_normal_under(design.mu.link):
        raise SpecError(
            f"I-squared is for a Gaussian response with the identity link, not for family '{design.family.name}' with link "
            f"'{design.mu.link.name}'. bm.variance_components(fit) has the SDs of its terms."
        )
    posterior, mu = fit.posterior, design.mu
    variances = {
        block.name: np.sum(covariances_at_centre(mu, block, posterior) * design.mean_products(block), axis=(-2, -1))
        for block in mu.normal_blocks
    }
    if not design.known_errors:
        variances[str(design.family.scale)] = values_of(posterior, str(design.family.scale)) ** 2
    if not variances:
        raise SpecError("No effects differ in this model: add a term such as (1 | study).")
    if len(mu.population.labels) >= design.rows:
        raise SpecError(
            f"The population part has {len(mu.population.labels)} coefficients for {design.rows} rows, so that no row is left to "
            "tell what true effects differ by: I-squared needs more rows."
        )
    total = np.sum(list(variances.values()), axis=0)
    typical = typical_variance(mu.population.matrix, errors)
    rows: list[tuple[str, str, Array]] = []
    for name, variance in variances.items():
        rows += [(name, "tau", np.sqrt(variance)), (name, "I2", variance / (total + typical))]
    rows.append(("all", "I2", total / (total + typical)))
    notes = [f"I2: share of tau^2 in tau^2 + s^2, the standard error of a typical row being s = {typical**0.5:.4g}."]
    if mu.population.labels == (INTERCEPT,) and not np.any(mu.offset):
        overall = values_of(posterior, mu.beta)[..., 0]
        scores = np.random.default_rng(seed).standard_normal(overall.shape)
        rows += [("all", "overall", overall), ("all", "new study", overall + np.sqrt(total) * scores)]
        notes.append("new study: its true effect, without the error of its estimate.")
    else:
        names = enumerate_words([name for name in mu.population.labels if name != INTERCEPT] or ["an offset"])
        notes.append(
            f"True effects depend on {names}: bm.predict(fit, rows, groups='new', kind='linear') has those of new studies."
        )
    coords = {name: posterior[name] for name in ("chain", "draw")}
    draws = xr.DataArray(np.stack([values for *_, values in rows], -1), dims=("chain", "draw", "row"), coords=coords)
    labels = pd.DataFrame({"term": [term for term, *_ in rows], "quantity": [quantity for _, quantity, _ in rows]})
    what = f"how much true effects of {design.spec.response} differ, beyond known standard errors"
    return as_estimates("Heterogeneity", what, notes, labels, draws)


def known_errors(design: Design) -> Array | None:
    """Return the known standard error of each row, (n,); None in a model without."""
    if design.spec.weights is None or not design.spec.weights.are_errors or design.weights is None:
        return None
    return np.asarray(design.observed.scale_factor if design.known_errors else design.weights)


def typical_variance(matrix: Array, errors: Array) -> float:
    """Return the error variance of a typical row, given the population columns (n, p) and the standard errors (n,).

    An error of 0 leaves none.
    """
    if np.any(errors == 0):
        return 0.0
    unit = float(np.exp(np.mean(np.log(errors))))
    weights = (unit / errors) ** 2
    basis = (
        np.linalg.svd(np.sqrt(weights)[:, None] * matrix, full_matrices=False)[0]
        if matrix.size
        else np.zeros((len(errors), 0))
    )
    spare = float(np.sum(weights * (1.0 - np.sum(basis**2, axis=1))))
    return unit**2 * (len(errors) - basis.shape[1]) / spare
