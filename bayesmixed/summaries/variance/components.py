"""Variance components, and the variances and covariances of the response that they imply."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from bayesmixed.arguments import pools, takes_drawn_values
from bayesmixed.design.design import Design
from bayesmixed.display.result_tables import as_result
from bayesmixed.display.tables import labelled
from bayesmixed.draws.kept import values_of
from bayesmixed.draws.linear_predictors import covariances_at_centre, thin
from bayesmixed.draws.residual_draws import RESIDUALS, residual_numbers
from bayesmixed.errors import SpecError
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.integration.posterior_means import variance_has_mean
from bayesmixed.preparation.new_rows import replay_rows
from bayesmixed.summaries.variance.group_moments import (
    PredictorParts,
    distinct_rows,
    few_for_latent,
    on_latent_scale,
    over_rows,
    response_moments,
    shared_covariance,
    take_means,
)
from bayesmixed.summaries.variance.sharing import sharing_patterns
from bayesmixed.terms.block_parts import ONE, RELATED
from bayesmixed.terms.blocks import GroupBlock
from bayesmixed.terms.predictors import Predictor

_POINTS = 6


@pools
def variance_components(fit: Fit) -> pd.DataFrame:
    """Return the estimated SDs, variances and, where they are estimated, correlations and covariances.

    Returns
    -------
    pandas.DataFrame
        Columns term (factor, or "Residual"), level (the second column of a correlation), effect, quantity ("sd",
        "variance", "correlation", "covariance", a parameter of a covariance structure, "ar1", or, of related levels beside
        independent ones, "rho": the share of the former in the square of the SD of both), mean, sd, lower, upper
        (95 %), mcse. SDs of groups are on the link scale and in the units of the columns as written; those of correlated
        slopes refer to the origin of x. With precision weights the residual SD is that of a row of weight 1, and a row with
        effect "mean over rows" has the mean of sigma^2 / w. Residuals that are correlated within groups have the parameters of
        their correlations, and SDs of visits that have one each.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> bm.variance_components(fit)[["term", "quantity", "mean", "sd"]].round(1)
       term  quantity  mean   sd
    0  herd        sd   0.7  0.2
    1  herd  variance   0.6  0.4
    """
    posterior, tables = fit.posterior, []
    for predictor, group in fit.design.group_blocks():
        term = f"{group.name}{predictor.suffix}"
        sd = posterior[predictor.sd(group)]
        columns, labels = zip(*group.distinct_sds, strict=True)
        distinct = sd[..., list(columns)]
        tables.append(labelled(distinct, term, [""], labels).assign(quantity="sd"))
        tables.append(labelled(distinct**2, term, [""], labels).assign(quantity="variance"))
        for key, structure, one in predictor.structure_parameters(group):
            tables.append(labelled(posterior[key], term, [""], [structure.label]).assign(quantity=one.name))
        matrix = predictor.correlations(group)
        for first, second in matrix.pairs if predictor.parameter == matrix.parameters[-1] else ():
            corr = values_of(posterior, matrix.name)[..., first, second]
            names = [fit.design.predictors[parameter].sd(group) for parameter in matrix.parameters]
            sds = np.concatenate([values_of(posterior, name) for name in names], axis=-1)
            both = np.stack([corr, corr * sds[..., first] * sds[..., second]], axis=-1)
            label = group.name if matrix.tied else term
            rows = labelled(_array(both), label, [matrix.labels[second]], [matrix.labels[first]] * 2)
            tables.append(rows.assign(quantity=["correlation", "covariance"]))
    for predictor in fit.design.predictors.values():
        tables += [_both(posterior, predictor, *pair) for pair in _pairs_of_factor(predictor)]
    scale = fit.design.family.scale
    if scale and scale in posterior and not fit.design.known_errors:
        tables.append(labelled(posterior[scale], RESIDUALS, [""], [scale]).assign(quantity="sd"))
        tables.append(labelled(posterior[scale] ** 2, RESIDUALS, [""], [scale]).assign(quantity="variance"))
    for name, level, effect, draws in residual_numbers(fit.design, posterior):
        tables.append(labelled(_array(draws[..., None]), RESIDUALS, [level], [effect]).assign(quantity=name))
    own = fit.design.observed.row_scale
    if scale and scale in posterior and own is not None:
        mean = own.mean.of(posterior[scale]) ** 2
        tables.append(labelled(mean, "Residual", [""], ["mean over rows"]).assign(quantity="variance"))
    if not tables:
        raise SpecError("The model has no variance components: no group term and no residual SD.")
    table = pd.concat(tables, ignore_index=True)
    order = ["term", "level", "effect", "quantity", "mean", "sd", "lower", "upper", "mcse"]
    return as_result(table[order])


def _pairs_of_factor(predictor: Predictor) -> Iterator[tuple[GroupBlock, GroupBlock]]:
    """Yield intercepts of independent levels with those of the same levels that are related, as bym2() has them."""
    alone = [group for group in predictor.groups if group.labels == ("Intercept",) and group.one_each]
    for related in (group for group in alone if group.takes == RELATED):
        yield from ((group, related) for group in alone if group.takes == ONE and group.factors == related.factors)


def _both(posterior: xr.Dataset, predictor: Predictor, group: GroupBlock, related: GroupBlock) -> pd.DataFrame:
    """Return the SD of both effects of a level together, and the share rho of the related ones in its square."""
    own, other = (
        (block.typical_spread * values_of(posterior, predictor.sd(block))[..., 0]) ** 2 for block in (group, related)
    )
    both = np.stack([np.sqrt(own + other), other / (own + other)], axis=-1)
    term = f"{group.name} + {related.name}{predictor.suffix}"
    return labelled(_array(both), term, [""], ["Intercept"] * 2).assign(quantity=["sd", "rho"])


@takes_drawn_values(tables="columns")
def implied_covariance(fit: Fit, data: Any = None, *, na: str | float | Iterable[str | float] = ()) -> pd.DataFrame:
    """Return the variance, covariance and correlation of two observations that the model implies.

    For a random intercept these are sigma^2 + sigma_b^2, sigma_b^2, and the intraclass correlation. Non-Gaussian
    families: on the latent (link) scale, with the residual variance of that scale.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    data : data frame, mapping of columns, or path, optional
        Rows between which covariances are wanted; needed only for terms with slopes, where they depend on x.
        By default up to six rows with different values of the slope columns.
    na : str, number or list of these
        Codes that mean a missing value in `data`.

    Returns
    -------
    pandas.DataFrame
        Columns term (what the two observations share), level (the two rows; empty without slopes), effect
        ("variance", "covariance", "correlation"), mean, sd, lower, upper, mcse. Of a Student response median in place of
        mean and sd: its variance, sigma^2 nu / (nu - 2), is infinite for nu <= 2.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> bm.implied_covariance(fit)[["term", "effect", "mean"]].round(1)
            term       effect  mean
    0                variance   3.9
    1  same herd   covariance   0.6
    2  same herd  correlation   0.1
    """
    design = fit.design
    _one_predictor_with_groups(design)
    posterior = thin(fit.posterior, 2000)
    slopes = any(np.any(group.matrix != 1) for group in design.mu.groups)
    if design.family.latent_mean is not None:
        if slopes:
            raise SpecError(
                f"Covariances of {design.family.latent_text.format(design.spec.response)} between rows with different slope "
                "columns are not available. bm.vpc_curve has the shares of its variance at each value of a column."
            )
        return _of_latent_response(fit, posterior)
    residual = residual_variance(fit, posterior)
    rows = design if data is None else replay_rows(design, data, na=na)
    chosen = _distinct_rows(rows) if slopes and data is None else np.arange(rows.rows if slopes else 1)
    blocks = dict(zip((g.name for g in design.mu.groups), rows.mu.groups, strict=True))
    covariances = {n: covariances_at_centre(rows.mu, g, posterior, moments=True) for n, g in blocks.items()}
    # Without slopes rows differ only in their shares of levels, over which variances are averaged.
    z = {n: g.spread_matrix[chosen] if slopes else np.sqrt(rows.mean_products(g)) for n, g in blocks.items()}
    total = residual[..., None] + sum(group_variance_at(covariances[n], z[n], z[n]) for n in blocks)
    labels = _row_labels(rows, chosen) if slopes else [""]
    mean = variance_has_mean(design)
    out = [labelled(_array(total), "", labels, ["variance"], mean=mean)]
    pairs = list(combinations(range(len(chosen)), 2)) if slopes else [(0, 0)]
    if any(block.splits for block in blocks.values()):
        types = np.array([block.row_types[chosen] for block in blocks.values()])
        pairs = [(i, i) for i in range(len(chosen))] + [(i, k) for i, k in pairs if np.all(types[:, i] == types[:, k])]
    for pattern in sharing_patterns(design):
        for first, second in pairs:
            shared = sum(
                group_variance_at(covariances[n], z[n][[first]], z[n][[second]])[..., 0] for n in pattern.shared
            )
            level = f"{labels[first]} | {labels[second]}" if slopes else ""
            both = np.stack([shared, shared / np.sqrt(total[..., first] * total[..., second])], axis=-1)
            out.append(labelled(_array(both), pattern.label, [level], ["covariance", "correlation"], mean=mean))
    return as_result(pd.concat(out, ignore_index=True))


def latent_covariances(
    fit: Fit, posterior: xr.Dataset, patterns: Mapping[str, Collection[str]]
) -> tuple[dict[str, Array], Array, Array]:
    """Return what rows that share factors have in common of the function of the response that is the latent scale, by
    pattern, its variance between groups and its expected variance within, all averaged over rows, (chain, draw)."""
    rows, weights = distinct_rows(fit.design)
    parts: list[Array] = []
    for whole, own in take_means(fit.design, posterior, rows, weights):
        predictor_parts = on_latent_scale(whole)
        _, between, within = response_moments(predictor_parts, 1.0)
        shared = [shared_covariance(predictor_parts, factors, 1.0) for factors in patterns.values()]
        parts.append(np.stack([over_rows(one, own) for one in (*shared, between, within)]))
    shape = (posterior.sizes["chain"], posterior.sizes["draw"])
    *shared, between, within = np.concatenate(parts, axis=1).reshape(-1, *shape)
    return dict(zip(patterns, shared, strict=True)), between, within


def _of_latent_response(fit: Fit, posterior: xr.Dataset) -> pd.DataFrame:
    """Return variance, covariances and correlations of the function of the response that is the latent scale."""
    patterns = {pattern.label: pattern.shared for pattern in sharing_patterns(fit.design)}
    thinned = few_for_latent(fit.design, posterior, len(distinct_rows(fit.design)[0]))
    shared, between, within = latent_covariances(fit, thinned, patterns)
    total = between + within
    out = [labelled(_array(total[..., None]), "", [""], ["variance"])]
    for label, covariance in shared.items():
        both = np.stack([covariance, covariance / total], axis=-1)
        out.append(labelled(_array(both), label, [""], ["covariance", "correlation"]))
    return as_result(pd.concat(out, ignore_index=True))


def group_variance_at(covariance: Array, first: Array, second: Array) -> Array:
    """Return z' Sigma z* for rows z, z* (m, K) and covariances (..., K, K): shape (..., m)."""
    return np.einsum("...kl,mk,ml->...m", covariance, first, second)


def mean_group_variances(design: Design, posterior: xr.Dataset) -> dict[str, Array]:
    """Return the mean over rows of z' Sigma z for each group term of the first parameter, (chain, draw).

    The variance of a term with random slopes (Johnson 2014, Methods Ecol Evol 5:944).
    """
    found = {}
    for group in design.mu.groups:
        moments = design.mean_products(group)
        found[group.name] = np.einsum(
            "cdkl,kl->cd", covariances_at_centre(design.mu, group, posterior, moments=True), moments
        )
    return found


def residual_variance(fit: Fit, posterior: xr.Dataset, trials: float = 1.0) -> Array:
    """Return the residual variance on the latent scale, observation-level effects left out, (chain, draw).

    Averaged over the rows. Where it depends on the mean, that is the mean over the groups; over the group effects of
    other parameters it is averaged itself.
    """
    family, mu = fit.design.family, fit.design.mu.parameter
    matter = [name for name in fit.design.predictors if name != mu or family.latent_uses_mean]
    # Rows are streamed only where the residual variance is the same in all of them.
    design = fit.design.examples
    rows, weights = distinct_rows(design, matter)
    found = [
        over_rows(residual_of_rows(predictor_parts, trials), own)
        for predictor_parts, own in take_means(design, posterior, rows, weights)
    ]
    return np.concatenate(found).reshape(posterior.sizes["chain"], posterior.sizes["draw"])


def residual_of_rows(predictor_parts: PredictorParts, trials: float = 1.0) -> Array:
    """Return the residual variance of each row on the latent scale, (S, m).

    Raises
    ------
    SpecError
        The family has none for that link.
    """
    design, family = predictor_parts.design, predictor_parts.design.family
    first = family.parameters[0].name
    mean = np.zeros((1, 1))
    if family.latent_uses_mean:
        variance = sum(predictor_parts.variances[first].values(), np.zeros(1))
        mean = design.mu.link.average(predictor_parts.etas[first], variance)
    others = [name for name in design.predictors if name != first]
    averaged = predictor_parts.average(
        lambda values: family.latent_variance({**values, first: mean}, design.mu.link, trials),
        predictor_parts.axes(predictor_parts.factors, others),
    )
    return np.broadcast_to(averaged, predictor_parts.etas[first].shape)


def _one_predictor_with_groups(design: Design) -> None:
    others = [p.parameter for p, _ in design.group_blocks() if p is not design.mu]
    if others:
        raise SpecError(f"Implied covariances are not available for models with group effects on '{others[0]}'.")


def _distinct_rows(design: Design) -> NDArray[np.intp]:
    """Return up to six rows that differ in the slope columns, spread over their range."""
    columns = np.hstack([group.matrix for group in design.mu.groups])
    size = np.abs(columns).max(axis=0)
    _, first = np.unique((columns / np.where(size > 0.0, size, 1.0)).round(12), axis=0, return_index=True)
    if len(first) > _POINTS:
        first = first[np.linspace(0, len(first) - 1, _POINTS).round().astype(int)]
    return np.asarray(first)


def _row_labels(design: Design, chosen: NDArray[np.intp]) -> list[str]:
    """Return the chosen rows named by their slope columns: "Days=3"."""
    columns: dict[str, Array] = {}
    for group in design.mu.groups:
        columns |= {n: v for n, v in zip(group.labels, group.matrix.T, strict=True) if n != "Intercept"}
    return [", ".join(f"{name}={values[i]:.4g}" for name, values in columns.items()) for i in chosen]


def _array(values: Array) -> xr.DataArray:
    return xr.DataArray(values, dims=("chain", "draw", *(f"axis_{i}" for i in range(values.ndim - 2))))
