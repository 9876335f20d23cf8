"""What the priors of a design imply: differences between groups, intraclass correlations, means of groups."""

from collections.abc import Collection, Iterator, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bayesmixed.design.default_priors import response_scale, scale_at_weight_one
from bayesmixed.design.design import Design
from bayesmixed.design.prior_draws import PriorDraws, prior_quantile
from bayesmixed.display.tables import format_range
from bayesmixed.errors import SpecError
from bayesmixed.families.links import Array
from bayesmixed.summaries.variance.group_moments import (
    PredictorParts,
    on_latent_scale,
    response_moments,
    shared_covariance,
)
from bayesmixed.summaries.variance.intraclass import icc_of_variances
from bayesmixed.summaries.variance.sharing import sharing_patterns
from bayesmixed.terms.normal_block import NormalBlock
from bayesmixed.terms.predictors import Predictor
from bayesmixed.terms.tails import tail_factors

FACTOR = 10.0
OFTEN = 0.2
EDGE = 0.01
_ROWS = 100
_FEW_ROWS, _FEW_DRAWS = 10, 1000
"""Rows and draws that are taken where each needs an integral over the groups."""


def list_implications(draws: PriorDraws) -> pd.DataFrame:
    """Return what the priors imply, one quantity a row.

    Returns
    -------
    pandas.DataFrame
        Columns quantity, unit, median, lower, upper, coverage (of the range: 0.9, and 0.95 for the means of groups).
        "Typical" is the median over pairs of groups of the same SD; the range is over the prior of that SD.
    """
    rows = [*_differences(draws), *_correlations(draws), _means_of_groups(draws)]
    return pd.DataFrame(rows, columns=["quantity", "unit", "median", "lower", "upper", "coverage"])


def list_oddities(draws: PriorDraws) -> tuple[str, ...]:
    """Return in words where the priors expect what the response does not show, or what hardly any data show."""
    return (*_extreme_means(draws), *_large_differences(draws), *_conflicts(draws))


def group_means(draws: PriorDraws) -> Array:
    """Return prior draws of the mean of one new group, in the unit of the first parameter, (S,).

    At the covariate means, offsets 0. Columns that code levels, or are without an intercept, are those of a random row.
    """
    with np.errstate(over="ignore"):
        return np.asarray(draws.design.mu.link.inverse(_eta_of_groups(draws)))


def _differences(draws: PriorDraws) -> Iterator[tuple[object, ...]]:
    design = draws.design
    for predictor, group in design.group_blocks():
        link = predictor.link
        # Slopes are as written, the intercept of a centred term is not.
        where = " at the covariate means" if group.centred else ""
        for key, column in predictor.sd_places(group).items():
            label, step = group.coordinates.labels[column], group.scales[column]
            if "#" in label or group.heavy:
                continue
            typical = group.typical_difference * draws.values[key]
            word, unit = "difference", f"{link.name} scale"
            if link.ratio:
                # Of slopes over the step to which their default prior refers: a ratio per unit depends on the unit.
                distance, word = 1.0 if _of_levels(group, column) else float(step), _ratio(design, predictor)
                unit = "" if _of_levels(group, column) else f"over {distance:.3g} of {label}"
                typical = np.exp(np.minimum(typical * distance, 700.0))
            elif link.unit is None:
                unit = design.spec.response
            if not _of_levels(group, column) and not link.ratio:
                unit = f"{unit} per unit of {label}".lstrip()
            part = f" in the effect of {label}" if label != "Intercept" else where
            yield (f"typical {word} between two {group.counted}{part}", unit, *_spread(typical, 0.9), 0.9)


def _of_levels(group: NormalBlock, column: int) -> bool:
    """Return whether the effects of a column are differences between levels, not slopes."""
    places = (
        part for part in group.structured if part.structure and (part.structure.of_places or part.structure.title)
    )
    return group.coordinates.labels[column] == "Intercept" or any(column in part.columns for part in places)


def _correlations(draws: PriorDraws) -> Iterator[tuple[object, ...]]:
    design = draws.design
    patterns = sharing_patterns(design)
    if not patterns or any(predictor is not design.mu for predictor, _ in design.group_blocks()):
        return
    if design.family.latent_mean is not None:
        yield from _latent_correlations(draws, {pattern.label: pattern.shared for pattern in patterns})
        return
    try:
        variances, residual = latent_variances(draws)
    except SpecError:  # the link leaves the latent scale without a residual variance
        return
    scale = "" if design.family.scale else f"latent, {design.mu.link.name}"
    found = icc_of_variances({p.label: p.shared for p in patterns}, variances, residual)
    for (effect, label), values in found.items():
        if effect == "icc":
            yield (f"intraclass correlation, {label}", scale, *_spread(values, 0.9), 0.9)


def latent_variances(draws: PriorDraws) -> tuple[dict[str, Array], Array]:
    """Return prior draws of the variance of each factor, mean over rows, and of the residual on the scale of the link, (S,).

    Effects of single rows are residual.

    Raises
    ------
    SpecError
        The scale of the link has no residual variance, or only by an integral over the groups.
    """
    design = draws.design
    if design.family.latent_mean is not None:
        raise SpecError(
            f"The intraclass correlation of family '{design.family.name}' is an integral over the groups. State ratio=(1.2, 4)."
        )
    residual = _residual_variance(draws)
    variances = {}
    for group in design.mu.groups:
        moments = design.mean_products(group)
        variances[group.name] = np.einsum("skl,kl->s", draws.covariance(design.mu, group), moments)
        if group.residual:
            residual = residual + variances.pop(group.name)
    return variances, residual


def _latent_correlations(draws: PriorDraws, patterns: Mapping[str, Collection[str]]) -> Iterator[tuple[object, ...]]:
    """Yield the ICC of the function of the response that is the latent scale, by quadrature over the groups."""
    design = draws.design
    rows = np.unique(np.linspace(0, design.rows - 1, _FEW_ROWS).round().astype(int))
    scalars = {name: draws.values[name][:_FEW_DRAWS, None] for name in design.scalars}
    etas, variances = {}, {}
    for name, predictor in design.predictors.items():
        etas[name] = (draws.coefficients(predictor) @ predictor.centred_matrix[rows].T + predictor.offset[rows])[
            :_FEW_DRAWS
        ]
        variances[name] = {
            block.name: block.variance(draws.covariance(predictor, block)[:_FEW_DRAWS], rows)
            for block in predictor.normal_blocks
        }
    try:
        predictor_parts = on_latent_scale(PredictorParts(design, scalars, etas, variances))
        with np.errstate(all="ignore"):
            _, between, within = response_moments(predictor_parts, 1.0)
            total = np.mean(between + within, axis=-1)
            found = {
                k: np.mean(shared_covariance(predictor_parts, shared, 1.0), axis=-1) / total
                for k, shared in patterns.items()
            }
    except SpecError:  # another link than that of the latent scale
        return
    scale = f"latent, {design.family.latent_text.format(design.spec.response)}"
    for label, values in found.items():
        yield (f"intraclass correlation, {label}", scale, *_spread(values[np.isfinite(values)], 0.9), 0.9)


def _means_of_groups(draws: PriorDraws) -> tuple[object, ...]:
    design = draws.design
    meaning, spec = design.family.parameters[0].meaning, design.spec
    groups = [group.name for group in design.mu.groups if not group.residual]
    offset = ", offset 0" if np.any(design.mu.offset) else ""
    where = f" in a new {', '.join(groups)}" if groups else ""
    unit = spec.response if design.mu.link.unit is None else ""
    return (f"{meaning} of {spec.response}{where}{offset}", unit, *_spread(group_means(draws), 0.95), 0.95)


def _residual_variance(draws: PriorDraws) -> Array:
    """Return the residual variance on the latent scale, averaged over some rows spread over the data, (S,)."""
    design, family = draws.design, draws.design.family
    first = family.parameters[0].name
    rows = _some_rows(design)
    values = {name: draws.values[name][:, None] for name in design.scalars}
    values[first] = np.zeros((1, 1))
    for name, predictor in design.predictors.items():
        if name != first or family.latent_uses_mean:
            eta = draws.coefficients(predictor) @ predictor.centred_matrix[rows].T + predictor.offset[rows]
            variance = np.zeros(eta.shape)
            for block in predictor.normal_blocks:
                variance += block.variance(draws.covariance(predictor, block), rows)
            with np.errstate(over="ignore"):
                values[name] = predictor.link.average(eta, variance)
    own = design.observed.row_scale
    if own is not None:
        # Of a sigma that is the same in all rows the mean residual variance is all that is needed.
        scaled = own.mean if family.scale in design.scalars else own.take(rows)
        values[family.scale] = scaled.of(values[family.scale])
    with np.errstate(all="ignore"):
        return np.asarray(family.latent_variance(values, design.mu.link, 1.0).mean(axis=-1))


def _some_rows(design: Design) -> NDArray[np.intp]:
    """Return about 100 rows spread over the data, each as often as it counts."""
    places = np.linspace(0.5, np.sum(design.observed.row_counts) - 0.5, _ROWS)
    return np.minimum(np.searchsorted(np.cumsum(design.observed.row_counts), places), design.rows - 1)


def _eta_of_groups(draws: PriorDraws) -> Array:
    design, predictor = draws.design, draws.design.mu
    coefficients = draws.coefficients(predictor)
    generator = np.random.default_rng(1)
    chosen = generator.choice(design.rows, size=len(coefficients), p=design.observed.row_shares)
    mean = design.observed.row_shares @ predictor.centred_matrix
    levels = (
        predictor.population.basis.constant and "Intercept" not in predictor.population.labels and not predictor.cut
    )
    x = predictor.centred_matrix[chosen] if levels else mean
    eta = np.sum(coefficients * x, axis=1)
    for group in predictor.groups:
        z = (
            group.centred_matrix[chosen]
            if group.intercept is None
            else (design.observed.row_shares @ group.centred_matrix)[None, :]
        )
        variance = np.einsum("skl,sk,sl->s", draws.covariance(predictor, group), *([z + 0 * coefficients[:, :1]] * 2))
        if not group.residual:
            effects = group.typical_spread * np.sqrt(variance) * generator.standard_normal(len(eta))
            if group.heavy:
                degrees = draws.values[predictor.names.structure("nu", group.dim)]
                effects *= tail_factors(degrees, 1, generator)[:, 0, 0]
            eta = eta + effects
    return np.asarray(eta)


def _extreme_means(draws: PriorDraws) -> Iterator[str]:
    if draws.design.mu.link.tolerance_variance is None:
        return
    means, observed = group_means(draws), response_scale(draws.design).mean
    below, above = float(np.mean(means < EDGE)), float(np.mean(means > 1.0 - EDGE))
    if below + above > 0.5 and (EDGE < observed < 1.0 - EDGE or min(below, above) > 0.1):
        yield (
            f"{100 * (below + above):.0f} % of the prior means of groups lie below {EDGE} or above {1 - EDGE} "
            f"(observed proportion: {observed:.2g}): the priors expect groups with hardly any, or nearly all, successes."
        )


def _large_differences(draws: PriorDraws) -> Iterator[str]:
    from scipy import special

    design = draws.design
    for predictor, group in design.group_blocks():
        for key, column in predictor.sd_places(group).items():
            label, step = group.coordinates.labels[column], group.scales[column]
            distance = 1.0 if _of_levels(group, column) else float(step)
            sd = np.maximum(draws.values[key] * distance, 1e-300)
            if predictor.link.ratio:
                limit, what = np.log(FACTOR), f"differ by a factor above {FACTOR:g} ({_ratio(design, predictor)})"
            elif predictor.link.unit is None:
                limit = float(np.ptp(np.asarray(design.response, dtype=float)))
                what = f"differ by more than the whole range of {design.spec.response}"
            else:
                continue
            share = float(np.mean(2.0 * special.ndtr(-limit / (np.sqrt(2.0) * sd))))
            if share > OFTEN:
                over = "" if _of_levels(group, column) else f" over {distance:.3g} {label}"
                yield f"{key}: two {group.counted} {what}{over} with prior probability {100 * share:.0f} %."


def _conflicts(draws: PriorDraws) -> Iterator[str]:
    """Yield where the middle 95 % of a prior miss what the response shows at first sight."""
    design, predictor = draws.design, draws.design.mu
    observed = response_scale(design)
    known = predictor.population.basis.constant and predictor.link.has_average
    if known and not predictor.cut and not design.family.template:
        low, high = np.quantile(_means_of_data(draws), [0.025, 0.975])
        if low < high and not low <= observed.mean <= high:
            yield (
                f"The mean of {design.spec.response} is {observed.mean:.3g}, outside of the 95 % range that the priors "
                f"give it in these rows and groups, {' to '.join(format_range((low, high), 3))}."
            )
    scale = design.family.scale
    if scale and scale in design.scalars and design.priors[scale].prior.name != "Fixed":
        low, high = prior_quantile(design, scale, np.array([0.025, 0.975]))
        unit = scale_at_weight_one(design, scale, observed).unit
        if high < unit / 10.0 or low > 2.0 * unit:
            yield (
                f"{scale}: 95 % range {' to '.join(format_range((low, high), 3))}, but {design.spec.response} varies with an "
                f"SD of about {unit:.3g}"
                + (" in a row of weight 1." if design.observed.scale_factor is not None else ".")
            )


def _means_of_data(draws: PriorDraws) -> Array:
    """Return prior draws of the mean of the response over the rows and groups of the data, (S,).

    The average of few groups is not that of all: it has its own draw, as has the error of a mean of so many rows.
    """
    design, predictor = draws.design, draws.design.mu
    rows = _some_rows(design)
    # Means of counts are rates at offset 0.
    rates = predictor.link.name == "log" and design.family.discrete
    offset = 0.0 if rates else predictor.offset[rows]
    eta = draws.coefficients(predictor) @ predictor.centred_matrix[rows].T + offset
    generator = np.random.default_rng(2)
    spread = np.zeros((len(eta), 1))
    for group in predictor.groups:
        covariance = draws.covariance(predictor, group)
        shares = np.stack(
            [group.independent_sums(design.observed.row_shares * z) for z in group.centred_matrix.T], axis=-1
        )
        average = np.einsum("skl,jk,jl->s", covariance, shares, shares, optimize=True)
        whole = np.einsum("skl,kl->s", covariance, design.mean_products(group))
        eta = eta + (np.sqrt(average) * generator.standard_normal(len(eta)))[:, None]
        spread = spread + np.maximum(whole - average, 0.0)[:, None]
    for curve in predictor.curves:
        spread = spread + curve.variance(draws.covariance(predictor, curve), rows)
    with np.errstate(over="ignore", invalid="ignore"):
        means = predictor.link.average(eta, np.broadcast_to(spread, eta.shape)).mean(axis=1)
    exposure = design.trials if design.family.has_trials else np.exp(predictor.offset if rates else 0.0)
    y = design.family.working(np.asarray(design.response, dtype=float)) / exposure
    counts = design.observed.row_counts
    error = np.sqrt(np.cov(y, fweights=counts.astype(int)) / np.sum(counts)) if len(y) > 1 else 0.0
    return np.asarray(np.nan_to_num(means + error * generator.standard_normal(len(means)), nan=np.inf))


def _ratio(design: Design, predictor: Predictor) -> str:
    meaning = design.family.parameter(predictor.parameter).meaning
    if design.family.template:
        return f"ratio of the {meaning.removeprefix('log-')}"
    return design.ratio if predictor is design.mu else f"ratio of the {meaning}"


def _spread(values: Array, coverage: float) -> tuple[float, float, float]:
    """Return median and interval of the values that are numbers: under roots and inverses some predictors have no mean."""
    tail, values = (1.0 - coverage) / 2.0, values[~np.isnan(values)]
    lower, median, upper = np.quantile(values, [tail, 0.5, 1.0 - tail]) if len(values) else np.full(3, np.nan)
    return float(median), float(lower), float(upper)
