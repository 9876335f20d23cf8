"""The population of groups: where a model puts all possible groups of one factor."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy import special

from bayesmixed.arguments import pools
from bayesmixed.design.design import Design
from bayesmixed.display.estimates import Estimates, as_estimates
from bayesmixed.draws.kept import values_of
from bayesmixed.draws.linear_predictors import (
    covariances_at_centre,
    effects_of,
    population_part,
    population_predictor,
    thin,
    tied_covariances,
)
from bayesmixed.errors import enumerate_words
from bayesmixed.families.links import Array, Link
from bayesmixed.families.records import refuse_categories
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.selection import find_factor
from bayesmixed.gauss_hermite import NODES, expect
from bayesmixed.integration.averages import Spread, average_mean, cholesky_columns, parameters_of_mean
from bayesmixed.integration.posterior_means import response_has_mean
from bayesmixed.prediction.predictions import needed_predictors, response_in_words, weigh_scale
from bayesmixed.summaries.marginal.estimable import refuse_open_mean
from bayesmixed.summaries.marginal.grids import make_grid
from bayesmixed.terms.predictors import Predictor

TAIL = float(special.ndtri(0.975))
_POINTS = 1000
_FEW_DRAWS = 500


@dataclass(frozen=True, slots=True)
class GroupPopulation:
    """A predictor over all possible groups of one factor: Normal(mean, sd^2) in each draw, arrays (chain, draw).

    Attributes
    ----------
    link : Link
        Of the predictor.
    mean, sd : array
        Mean and SD over the groups, on the link scale; sd is 0 where the factor has no effects.
    rest : array or None
        Variance of the effects within groups, over which a group's expected response is averaged.
    shared, rest_shared : mapping of arrays
        Covariances with predictors before this one, by parameter: over the groups, and of the effects within them.
    """

    link: Link
    mean: Array
    sd: Array
    rest: Array | None
    shared: Mapping[str, Array]
    rest_shared: Mapping[str, Array]


@pools
def future_group(
    fit: Fit, group: str | None = None, *, at: Mapping[str, Any] | None = None, seed: int | None = 0
) -> Estimates:
    """Return the distribution over all possible groups, of which those in the data are a sample.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    group : str, optional
        Grouping factor; the first one if not given.
    at : mapping, optional
        Values of covariates; else numbers are at their means, and factors averaged over on the link scale.
    seed : int, optional
        For the future group: one group is drawn from the population of each posterior draw.

    Returns
    -------
    Estimates
        Columns scale, quantity, mean, sd, lower, upper, mcse. On the scale of each link, of each random slope, and of
        the response:

        - typical: a group with effect 0; mean: over all groups (on the link scale the same);
        - SD: between groups;
        - 2.5 %, 97.5 %: the middle 95 % of all groups lies between them; lower and upper say how well that is known;
        - future group: any one group not seen so far; its interval holds the spread of the groups and what is not
          known about the population;
        - share above 0 (slopes): of all groups.

    Raises
    ------
    SpecError
        No such factor.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> future = bm.future_group(fit, at={"period": "1"})
    >>> future.table[["scale", "quantity", "mean"]].round(1).head(3)
                           scale quantity  mean
    0  expected incidence / size  typical   0.2
    1  expected incidence / size     mean   0.2
    2  expected incidence / size       SD   0.1
    """
    refuse_categories(fit.design.family, "The population of groups")
    name = find_factor(fit, group)
    design, generator = fit.design, np.random.default_rng(seed)
    with_factor = [p.parameter for p, block in design.group_blocks() if block.name == name]
    varying = [parameter for parameter in with_factor if parameter in parameters_of_mean(design.family)]
    posterior = thin(fit.posterior, _FEW_DRAWS if len(varying) > 1 else None)
    grid = make_grid(fit, {}, at, ())
    refuse_open_mean(grid.rows, {*with_factor, *(needed_predictors(design, "mean") if varying else ())})
    populations = group_populations(grid.rows, name, factors_within(fit, name), posterior)
    scores = {parameter: generator.standard_normal(populations[parameter].mean.shape) for parameter in with_factor}
    rows: dict[tuple[str, str], Array] = {}
    future = group_deviations(populations, scores)
    for parameter in with_factor:
        population = populations[parameter]
        scale = population.link.text.format(design.family.parameter(parameter).meaning)
        rows |= _normal_rows(scale, population.mean, population.sd, future[parameter])
        rows |= _slope_rows(design.predictors[parameter], name, posterior, generator)
    response = response_name(fit)
    if varying:
        found = _response_rows(fit, response, posterior, populations, varying, scores)
        first = next(iter(rows))
        rounding = 1e-8 * float(np.max(np.abs(rows[first])))
        same = all(np.allclose(found[response, kind], rows[first], atol=rounding) for kind in ("typical", "mean"))
        rows = found | {key: values for key, values in rows.items() if not (same and key[0] == first[0])}
    values = xr.DataArray(
        np.stack(list(rows.values()), axis=-1),
        dims=("chain", "draw", "row"),
        coords={n: posterior[n] for n in ("chain", "draw")},
    )
    labels = pd.DataFrame(list(rows), columns=["scale", "quantity"])
    quantity = f"the distribution of {response} over all possible groups of {name}"
    inside = {name, *factors_within(fit, name)}
    # Means over groups are among the rows: of the parameters, and of the response.
    mean = response_has_mean(design, inside) if varying else True
    title = f"The population of groups: {name}"
    return as_estimates(title, quantity, _notes(fit, name, grid.notes), labels, values, mean=mean)


def group_populations(
    rows: Design, name: str, inner: Collection[str], posterior: xr.Dataset
) -> dict[str, GroupPopulation]:
    """Return the population of each predictor, at the average of some rows; `inner` are the factors within the named one."""
    found, shared = {}, tied_covariances(rows, posterior, at_average=True)
    for parameter, predictor in rows.predictors.items():
        mean = population_predictor(predictor, posterior).mean(axis=-1)
        sd, rest = np.zeros_like(mean), None
        for group in predictor.groups:
            if group.name in (name, *inner):
                group.check_average("The population")
            covariance = covariances_at_centre(predictor, group, posterior)
            variance = _variance_at_average(group.centred_matrix, covariance) * group.typical_spread**2
            if group.name == name:
                sd = np.sqrt(variance)
            elif group.name in inner:
                rest = variance if rest is None else rest + variance
        of_groups, within = (_sums(shared, parameter, factors) for factors in ([name], inner))
        found[parameter] = GroupPopulation(predictor.link, mean, sd, rest, of_groups, within)
    return found


def group_deviations(populations: Mapping[str, GroupPopulation], scores: Mapping[str, Any]) -> dict[str, Array]:
    """Return how far groups lie from the mean of each predictor, given independent standard normal scores."""
    covariances = {
        (other, name): covariance
        for name in scores
        for other, covariance in populations[name].shared.items()
        if other in scores
    }
    columns = cholesky_columns({name: populations[name].sd ** 2 for name in scores}, covariances)
    found: dict[str, Array] = {}
    for column, score in zip(columns, scores.values(), strict=True):
        for name, loading in column.items():
            further = max(0, np.ndim(score) - loading.ndim)
            added = loading.reshape(*loading.shape, *(1,) * further) * score
            found[name] = found[name] + added if name in found else added
    return found


def _sums(
    shared: Mapping[tuple[str, str], Mapping[str, Array]], parameter: str, factors: Collection[str]
) -> dict[str, Array]:
    """Return the covariances of a predictor with others, (chain, draw), of the effects of some factors together."""
    found: dict[str, Array] = {}
    for (first, second), terms in shared.items():
        for factor, covariance in terms.items():
            if second == parameter and factor in factors:
                found[first] = found.get(first, 0.0) + covariance[..., 0]
    return found


def group_responses(
    fit: Fit, posterior: xr.Dataset, populations: Mapping[str, GroupPopulation], deviations: Mapping[str, Any]
) -> Array:
    """Return the expected response of groups whose predictors lie `deviations` from the mean, (chain, draw)."""
    spreads = {
        name: Spread(p.link, p.mean + deviations.get(name, 0.0), p.rest, p.rest_shared)
        for name, p in populations.items()
    }
    return _expected(fit.design, posterior, spreads)


def factors_within(fit: Fit, name: str) -> tuple[str, ...]:
    """Return the other grouping factors each of whose levels lies within one level of the named factor."""
    blocks = {group.name: group for _, group in fit.design.group_blocks()}
    outer = blocks.pop(name)
    return tuple(other for other, group in blocks.items() if group.without_empty_levels().parents(outer) is not None)


def known_deviations(rows: Design, name: str, posterior: xr.Dataset) -> dict[str, Array]:
    """Return how far each group of the data lies from the mean at the average of some rows, by parameter on the link scale,
    (chain, draw, J)."""
    found = {}
    for predictor, group in rows.group_blocks():
        if group.name == name:
            effects = effects_of(predictor, group, posterior)
            found[predictor.parameter] = np.sum(effects * group.average_columns[: effects.shape[-2]], axis=-1)
    return found


def response_name(fit: Fit) -> str:
    """Return the expected response in words."""
    return f"expected {response_in_words(fit.design.spec)}"


def _variance_at_average(z: Array, covariance: Array) -> Array:
    average = z.mean(axis=0)
    return np.einsum("...kl,k,l->...", covariance, average, average)


def _normal_rows(scale: str, mean: Array, sd: Array, future: Array) -> dict[tuple[str, str], Array]:
    return {
        (scale, "typical and mean"): mean,
        (scale, "SD"): sd,
        (scale, "2.5 %"): mean - TAIL * sd,
        (scale, "97.5 %"): mean + TAIL * sd,
        (scale, "future group"): mean + future,
    }


def _slope_rows(
    predictor: Predictor, name: str, posterior: xr.Dataset, generator: np.random.Generator
) -> dict[tuple[str, str], Array]:
    group = next(group for group in predictor.groups if group.name == name)
    means = population_part(posterior, predictor, group).values
    sds = values_of(posterior, predictor.sd(group)) * group.typical_spread
    rows: dict[tuple[str, str], Array] = {}
    for column, label in enumerate(group.labels):
        if column not in group.intercepts:
            mean, sd = means[..., column], sds[..., column]
            scale = f"slope of {label}" + (f" on {predictor.parameter}" if predictor.suffix else "")
            rows |= _normal_rows(scale, mean, sd, sd * generator.standard_normal(mean.shape))
            rows[scale, "share above 0"] = special.ndtr(mean / sd)
    return rows


def _response_rows(
    fit: Fit,
    scale: str,
    posterior: xr.Dataset,
    populations: Mapping[str, GroupPopulation],
    varying: list[str],
    scores: Mapping[str, Array],
) -> dict[tuple[str, str], Array]:
    """Return the distribution of the expected response over the groups."""

    def response(scores: Mapping[str, Any]) -> Array:
        return group_responses(fit, posterior, populations, group_deviations(populations, scores))

    if len(varying) == 1:
        ends = np.stack([response({varying[0]: score}) for score in (-TAIL, TAIL)])
        lower, upper = ends.min(axis=0), ends.max(axis=0)
    else:
        groups = [response(dict(zip(varying, point, strict=True))) for point in _spread_points(len(varying))]
        lower, upper = np.quantile(groups, [0.025, 0.975], axis=0)
    return {
        (scale, "typical"): response({}),
        (scale, "mean"): _mean_response(fit, posterior, populations),
        (scale, "SD"): _sd_of(response, varying),
        (scale, "2.5 %"): lower,
        (scale, "97.5 %"): upper,
        (scale, "future group"): response(scores),
    }


def _mean_response(fit: Fit, posterior: xr.Dataset, populations: Mapping[str, GroupPopulation]) -> Array:
    """Return the mean of the expected response over the groups and over all within them, (chain, draw)."""
    spreads = {
        name: Spread(
            p.link,
            p.mean,
            p.sd**2 + (0.0 if p.rest is None else p.rest),
            {
                other: np.asarray(p.shared.get(other, 0.0)) + p.rest_shared.get(other, 0.0)
                for other in {**p.shared, **p.rest_shared}
            },
        )
        for name, p in populations.items()
    }
    return _expected(fit.design, posterior, spreads)


def _expected(design: Design, posterior: xr.Dataset, spreads: Mapping[str, Spread]) -> Array:
    scalars = {name: v.values for name, v in design.scalar_draws(posterior).items()}
    factor = None if design.observed.scale_factor is None else design.observed.mean_variance_weight**-0.5
    return average_mean(design.family, *weigh_scale(design.family.scale, factor, scalars, spreads))


def _sd_of(response: Callable[[Mapping[str, Any]], Array], varying: list[str]) -> Array:
    """Return the SD of a function of independent standard normal scores, by a product of Gauss-Hermite rules."""
    nodes = NODES.get(len(varying), min(NODES.values()))

    def powers(scores: Array) -> Array:
        value = response(dict(zip(varying, scores, strict=True)))
        return np.stack([value, value**2])

    mean, square = expect(powers, len(varying), nodes)
    return np.sqrt(np.maximum(square - mean**2, 0.0))


def _spread_points(dimensions: int) -> Array:
    """Return standard normal points that fill the space evenly, (points, dimensions)."""
    from scipy.stats import qmc

    return np.asarray(special.ndtri(qmc.Halton(dimensions, rng=np.random.default_rng(0)).random(_POINTS)))


def _notes(fit: Fit, name: str, of_grid: tuple[str, ...]) -> tuple[str, ...]:
    blocks = [group for _, group in fit.design.group_blocks()]
    count = next(len(group.levels) for group in blocks if group.name == name)
    inner = factors_within(fit, name)
    outer = [group.name for group in blocks if group.name not in (name, *inner)]
    return (
        f"A model of models: each {name} has a model of its own, and the {count} of the data are one sample from the "
        "population of all possible ones, whose predictors are normal.",
        *of_grid,
        *([f"The expected response of a group is averaged over {enumerate_words(inner)}."] if inner else []),
        *([f"Effects of {enumerate_words(dict.fromkeys(outer))} are 0 (typical)."] if outer else []),
        "2.5 % and 97.5 %: the middle 95 % of all groups lies between them. Future group: any one not seen so far; its "
        "interval adds what is not known about the population to the spread of the groups.",
    )
