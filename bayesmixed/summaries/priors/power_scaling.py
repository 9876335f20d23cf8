"""Power scaling: how much each answer depends on the priors and on the data, without another fit."""

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import pandas as pd
import xarray as xr

from bayesmixed.errors import SpecError, did_you_mean
from bayesmixed.fitting import Fit
from bayesmixed.links import Array
from bayesmixed.priors import split_key
from bayesmixed.summaries.comparison.log_densities import log_likelihood
from bayesmixed.summaries.predictions.expressions import evaluate_draws
from bayesmixed.summaries.priors.prior_densities import log_prior_densities
from bayesmixed.summaries.variance.intraclass import icc

THRESHOLD = 0.05
"""Sensitivities above it are worth a look (Kallioinen et al. 2024)."""


def prior_sensitivity(
    fit: Fit, priors: str | Sequence[str] | None = None, *, quantities: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Return how much each answer depends on the priors and on the likelihood, by power scaling.

    The prior density, or the likelihood, is raised to a power near 1 and the draws are reweighted by Pareto-smoothed
    importance sampling (Kallioinen, Paananen, Bürkner & Vehtari 2024, Stat Comput 34:57; ArviZ `psense`). Only priors
    of top-level parameters are scaled, in the coordinate in which they are stated, so that the result does not depend
    on the parameterisation; the likelihood is that given the group effects.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    priors : str or list of str, optional
        Scale these priors alone: "sd_herd", "beta", "beta[Days]"; all if not given.
    quantities : mapping, optional
        Further answers by name, as expressions: `{"difference": "beta[B] - beta[C]"}`.

    Returns
    -------
    pandas.DataFrame
        Columns quantity, prior, likelihood (sensitivities: above 0.05 the answer depends on it), mean_slope (derivative
        of the posterior mean with respect to the power of the prior: Cov(quantity, log prior)), diagnosis. A right model
        under default priors has a "possible prior-data conflict" in at most 5 % of quantities.

    Raises
    ------
    SpecError
        A name is that of no estimated parameter, or the fit holds too few draws of its group effects.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> bm.prior_sensitivity(fit, "sd_herd")[["quantity", "diagnosis"]].tail(2)
                 quantity                     diagnosis
    4  sd_herd[Intercept]          prior hardly matters
    5       icc same herd  possible prior-data conflict
    """
    draws = log_prior_densities(fit)
    chosen = _choose(list(draws), priors)
    log_prior = sum((draws[key] for key in chosen[1:]), draws[chosen[0]])
    log_density = log_likelihood(fit)
    if log_density.sizes["draw"] < log_prior.sizes["draw"]:
        raise SpecError('Power scaling needs all draws of the group effects: bm.refit(fit, store="all").')
    answers = _answers(fit, quantities or {})
    tree = _tree(answers, log_prior, log_density.sum("row"))
    table = pd.DataFrame({"quantity": list(answers)})
    for component in ("prior", "likelihood"):
        table[component] = _sensitivities(tree, component, len(answers))
    table["mean_slope"] = [float(np.cov(v.ravel(), log_prior.values.ravel())[0, 1]) for v in answers.values()]
    return table.assign(diagnosis=[_say(*pair) for pair in zip(table["prior"], table["likelihood"], strict=True)])


def _choose(keys: list[str], priors: str | Sequence[str] | None) -> list[str]:
    """Return the keys of the priors that are scaled: named in full, or by their variable."""
    if not keys:
        raise SpecError("Every parameter is fixed: there is no prior to scale.")
    if priors is None:
        return keys
    wanted = [priors] if isinstance(priors, str) else list(priors)
    known = dict.fromkeys([*keys, *(split_key(key)[0] for key in keys)])
    for name in wanted:
        if name not in known:
            raise SpecError(f"'{name}' has no prior that could be scaled. {did_you_mean(name, known)}")
    return [key for key in keys if key in wanted or split_key(key)[0] in wanted]


def _answers(fit: Fit, quantities: Mapping[str, str]) -> dict[str, Array]:
    """Return the draws (chain, draw) of what is asked, all top-level parameters, and the latent ICC."""
    design, posterior = fit.design, fit.posterior
    answers = {name: np.asarray(evaluate_draws(text, posterior).values) for name, text in quantities.items()}
    for predictor in design.predictors.values():
        for label in predictor.population.labels:
            variable = posterior[predictor.beta].sel({f"{predictor.beta}_effect": label})
            answers[f"{predictor.beta}[{label}]"] = variable.values
        for group in predictor.normal_blocks:
            sds = posterior[predictor.sd(group)].transpose("chain", "draw", ...).values
            keys = predictor.sd_names(group)
            answers |= dict(zip(keys, np.moveaxis(sds.reshape(*sds.shape[:2], len(keys)), -1, 0), strict=True))
    answers |= {name: v.values for name, v in design.scalar_draws(posterior).items()}
    try:
        correlations = cast(xr.Dataset, icc(fit, scale="latent", draws=True))
    except SpecError:
        correlations = xr.Dataset()
    answers |= {str(name): v.values for name, v in correlations.items() if str(name).startswith("icc")}
    return {name: values for name, values in answers.items() if np.ptp(values) > 0}


def _tree(answers: Mapping[str, Array], log_prior: xr.DataArray, log_density: xr.DataArray) -> xr.DataTree:
    posterior = xr.Dataset({f"q{k}": (("chain", "draw"), values) for k, values in enumerate(answers.values())})
    return xr.DataTree.from_dict(
        {
            "posterior": posterior.assign_coords(log_prior.coords),
            "log_prior": xr.Dataset({"all": log_prior}),
            "log_likelihood": xr.Dataset({"all": log_density.drop_vars(set(log_density.coords) - {"chain", "draw"})}),
        }
    )


def _sensitivities(tree: xr.DataTree, component: str, count: int) -> list[float]:
    import arviz_stats

    found = arviz_stats.psense(tree, group=component)
    return [float(found[f"q{k}"]) for k in range(count)]


def _say(prior: float, likelihood: float) -> str:
    if prior < THRESHOLD:
        return "prior hardly matters"
    return "possible prior-data conflict" if likelihood >= THRESHOLD else "strong prior or weak data"
