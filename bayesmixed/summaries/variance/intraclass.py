"""Intraclass correlation: the correlation of two observations by what they share."""

from dataclasses import replace
from typing import Literal, overload

import numpy as np
import pandas as pd
import xarray as xr

from bayesmixed.arguments import takes_drawn_values
from bayesmixed.design.design import Design
from bayesmixed.display.result_tables import as_result
from bayesmixed.display.tables import labelled
from bayesmixed.errors import SpecError, check_choice
from bayesmixed.families import Family
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.prediction.predictions import response_in_words
from bayesmixed.summaries.variance.components import mean_group_variances, residual_variance
from bayesmixed.summaries.variance.group_moments import (
    distinct_rows,
    few_for_latent,
    on_latent_scale,
    over_rows,
    response_moments,
    shared_covariance,
    take_means,
    thin_for,
)
from bayesmixed.summaries.variance.sharing import Pattern, sharing_patterns

SCALES = ("auto", "latent", "data")
Shares = dict[tuple[str, str, str], xr.DataArray]
"""Draws by effect, term and level."""


@overload
def icc(fit: Fit, *, scale: str = ..., trials: float = ..., draws: Literal[False] = False) -> pd.DataFrame: ...


@overload
def icc(fit: Fit, *, scale: str = ..., trials: float = ..., draws: Literal[True]) -> xr.Dataset: ...


@takes_drawn_values(tables="columns")
def icc(fit: Fit, *, scale: str = "auto", trials: float = 1.0, draws: bool = False) -> pd.DataFrame | xr.Dataset:
    """Return the intraclass correlations of a fit, one for each sharing pattern, and the shares of the variance.

    *Latent scale*: variances on the link scale given the population part (the "adjusted" ICC of Nakagawa, Johnson &
    Schielzeth 2017, J R Soc Interface 14:20170213). Whose ICC it is: of the response itself (gaussian, student, with the
    variance sigma^2 nu / (nu - 2)); of log(y) (lognormal, gamma, trigamma(shape)); of the latent variable of a single trial
    that decides for an event where it is above 0, or for a category, of variance pi^2/3 (logit), 1 (probit) or pi^2/6
    (cloglog). Counts can be 0 and have no variance of their logarithm: it is that of the logarithm of a lognormal response
    with their mean and coefficient of variation at the mean over groups, ln(1 + CV^2), an approximation; rely on the data
    scale. A term with slopes, or with effects of times, enters by its mean variance over the rows, so that the ICC is that of
    two responses with the same values of its columns, at the same time (`implied_covariance` has those of others); a factor
    with one row per level, and `obs()`, count as residual. Of beta responses it is the ICC of logit(y), of inverse Gaussian
    ones that of log(y): the mean of these is not linear in the predictor, so that Var E(logit y | groups) over the total
    variance is integrated over the groups, as on the data scale, which then comes first.

    *Data scale*: the correlation of the responses themselves (Goldstein, Browne & Rasbash 2002, Understanding
    Statistics 1:223), Cov(E(y | shared), E(y' | shared)) over the variance of y, both averaged over the rows before
    they are divided, by Gauss-Hermite rules over the effects in every predictor. Where the latent scale is the scale
    of the response (identity link) both are the same number.

    Parameters
    ----------
    fit : Fit
        With at least one grouping factor.
    scale : {"auto", "latent", "data"}
        "auto": all that the model has.
    trials : float
        Number of trials of one observation, on the data scale and for beta-binomial responses, whose latent scale with
        several is that of the logit of the proportion, to first order; 1: two single trials of different rows.
    draws : bool
        Return the draws (a Dataset, one variable per row) instead of the table; with scale "auto" those of the scale that
        comes first.

    Returns
    -------
    pandas.DataFrame
        Columns term, level, effect, scale, mean, sd, lower, upper (95 %), mcse. effect "icc": the correlation of two
        observations that share what `term` says. effect "share": the part of the latent variance that a factor, or
        the residual, contributes. Near 1: groups differ much, little shrinkage; near 0: noise, strong shrinkage.
        attrs: scale, note.

    Raises
    ------
    SpecError
        The model has no grouping factor, or the scale asked for does not exist.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> bm.icc(fit, scale="latent")[["term", "effect", "mean"]].round(1)
            term effect  mean
    0  same herd    icc   0.1
    1       herd  share   0.1
    2   Residual  share   0.9
    """
    check_choice("scale={}", scale, SCALES)
    if fit.design.residual is not None and not sharing_patterns(fit.design, everywhere=True):
        block = fit.design.residual
        raise SpecError(
            f"The correlation of two observations of one '{block.name}' depends on their residuals ({block.residual}), so that "
            "there is no single intraclass correlation. bm.variance_components(fit) has the parameters."
        )
    if not sharing_patterns(fit.design, everywhere=True):
        known = " bm.heterogeneity(fit) compares it with known standard errors." if fit.design.known_errors else ""
        raise SpecError(
            f"The intraclass correlation needs a grouping factor with several rows per level, e.g. (1 | g).{known}"
        )
    found, notes = {}, notes_of_limits(fit)
    if scale != "data":
        try:
            found[latent_name(fit)], note = _on_latent_scale(fit, trials)
            notes += [note] if note else []
        except SpecError as error:
            if scale == "latent":
                raise
            notes.append(f"no latent scale: {error}")
    leads = fit.design.family.latent_mean is not None
    if scale == "data" or (scale == "auto" and not (found and (is_response(fit) or (draws and not leads)))):
        try:
            found["data"] = _on_data_scale(fit, trials)
        except SpecError as error:
            if not found:
                raise
            notes.append(f"no data scale: {error}")
    if leads:
        found = dict(sorted(found.items(), key=lambda item: item[0] != "data"))
    if draws:
        name, values = next(iter(found.items()))
        return xr.Dataset({" ".join(filter(None, key)): v for key, v in values.items()}, attrs={"scale": name})
    table = pd.concat([_table(values, name) for name, values in found.items()], ignore_index=True)
    table.attrs |= {"scale": " and ".join(found)} | ({"note": "; ".join(notes)} if notes else {})
    return as_result(table)


def icc_of_variances(
    patterns: dict[str, tuple[str, ...]], variances: dict[str, Array], residual: Array
) -> dict[tuple[str, str], Array]:
    """Return the ICC of each pattern and the share of each factor, from variances of any common shape."""
    total = residual + sum(variances.values())
    values = {("icc", label): sum(variances[name] for name in shared) / total for label, shared in patterns.items()}
    values |= {("share", name): variance / total for name, variance in variances.items()}
    with np.errstate(invalid="ignore"):
        values["share", "Residual"] = np.where(np.isinf(residual), 1.0, residual / total)
    return {key: np.asarray(value) for key, value in values.items()}


def notes_of_limits(fit: Fit) -> list[str]:
    """Return a note of whose variances they are where responses are censored or truncated."""
    spec = fit.design.spec
    return [f"variances are those of {response_in_words(spec)}"] if spec.limits else []


def latent_name(fit: Fit) -> str:
    """Return the name of the scale on which variances of a fit are compared."""
    family = fit.design.family
    text = family.latent_text.format(fit.design.spec.response) or fit.design.mu.link.name
    return "response" if is_response(fit) else f"latent ({text})"


def is_response(fit: Fit) -> bool:
    """Return whether the linear predictor is the expected response itself, so that there is one scale only."""
    return fit.design.family.additive and fit.design.mu.link.name == "identity"


def as_draws(values: Array, posterior: xr.Dataset) -> xr.DataArray:
    """Return values of all draws, chain by chain, with the dims of the posterior that they come from."""
    coords = {"chain": posterior["chain"], "draw": posterior["draw"]}
    shape = (posterior.sizes["chain"], posterior.sizes["draw"])
    return xr.DataArray(values.reshape(shape), dims=("chain", "draw"), coords=coords)


def _on_latent_scale(fit: Fit, trials: float) -> tuple[Shares, str]:
    patterns = sharing_patterns(fit.design)
    if not patterns:
        raise SpecError(f"no grouping factor enters the predictor of {fit.design.mu.parameter}")
    if fit.design.family.latent_mean is not None:
        return _of_latent_response(fit, patterns, trials), ""
    posterior = fit.posterior
    residual = residual_variance(fit, posterior, trials)
    variances = mean_group_variances(fit.design, posterior)
    for group in fit.design.examples.mu.groups:
        if group.residual:
            residual = residual + variances.pop(group.name)
    values = icc_of_variances({p.label: p.shared for p in patterns}, variances, residual)
    infinite = int(np.isinf(residual).sum())
    note = f"{infinite} draws have an infinite residual variance (nu <= 2); their ICC is 0" if infinite else ""
    return {(*key, ""): as_draws(v, posterior) for key, v in values.items()}, note


def _of_latent_response(fit: Fit, patterns: list[Pattern], trials: float) -> Shares:
    """Return ICC and shares of the function of the response that is the latent scale of the family, by quadrature.

    What the factors explain only together is in the share of the residual.
    """
    rows, weights = distinct_rows(fit.design)
    posterior = few_for_latent(fit.design, fit.posterior, len(rows))
    wanted = {("icc", p.label, ""): p.shared for p in patterns}
    alone = dict.fromkeys(name for pattern in patterns for name in pattern.shared)
    wanted |= {("share", name, ""): (name,) for name in alone}
    found: dict[tuple[str, str, str], list[Array]] = {key: [] for key in wanted}
    for whole, own in take_means(fit.design, posterior, rows, weights):
        pieces = on_latent_scale(whole)
        _, between, within = response_moments(pieces, trials)
        total = over_rows(between + within, own)
        for key, shared in wanted.items():
            found[key].append(over_rows(shared_covariance(pieces, shared, trials), own) / total)
    values = {key: as_draws(np.concatenate(parts), posterior) for key, parts in found.items()}
    shares = [values["share", name, ""] for name in alone]
    return values | {("share", "Residual", ""): 1.0 - sum(shares[1:], shares[0])}


def _on_data_scale(fit: Fit, trials: float) -> Shares:
    """Return the ratio of means over rows of shared covariance and total variance."""
    rows, weights = distinct_rows(fit.design)
    posterior = thin_for(fit.design, fit.posterior, len(rows))
    patterns = sharing_patterns(fit.design, everywhere=True)
    events = _events(fit.design)
    found: dict[tuple[str, str, str], list[Array]] = {
        ("icc", pattern.label, event): [] for pattern in patterns for event in events
    }
    for whole, own in take_means(fit.design, posterior, rows, weights):
        for event, family in events.items():
            pieces = replace(whole, design=replace(fit.design, family=family))
            # First, because they are the integrals of more dimensions, which may be too many.
            shared = {p.label: over_rows(shared_covariance(pieces, p.shared, trials), own) for p in patterns}
            _, between, within = response_moments(pieces, trials)
            for label, covariance in shared.items():
                found["icc", label, event].append(covariance / over_rows(between + within, own))
    return {key: as_draws(np.concatenate(parts), posterior) for key, parts in found.items()}


def _events(design: Design) -> dict[str, Family]:
    """Return the family by event: each threshold makes one of an ordered response, which has no scores, each category one
    of a response without order; else one, ""."""
    if not design.categories:
        return {"": design.family}
    if design.family.template:
        return {f"= {label}": design.family.event(number) for number, label in enumerate(design.categories, 1)}
    return {f"> {label}": design.family.event(number) for number, label in enumerate(design.categories[:-1], 1)}


def _table(values: Shares, scale: str) -> pd.DataFrame:
    tables = [labelled(draws, term, [level], [effect]) for (effect, term, level), draws in values.items()]
    table = pd.concat(tables, ignore_index=True)
    table.insert(3, "scale", scale)
    return table
