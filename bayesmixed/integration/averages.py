"""Means of responses over normal effects in one or several predictors."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from bayesmixed.errors import SpecError, enumerate_words
from bayesmixed.families import Family, Parameter, Values
from bayesmixed.families.links import Array, Link
from bayesmixed.gauss_hermite import NODES, expect
from bayesmixed.integration.places import MANY, interpolate

_TOLERANCE = 0.02
_CLOSE, _FEW_NODES = 1e-3, 5
"""Change of a mean by twice as many points, as a share of the largest, that is let pass; nodes that say whether one exists."""
_BY_QUADRATURE = ("logit", "cloglog", "logit_minus_one")
"""Links without corners whose averages have no closed form."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A predictor for each draw and row, normal over the groups that are averaged over.

    Attributes
    ----------
    link : Link
        Of the predictor.
    mean : array
        The predictor, on the link scale.
    variance : array or None
        Variance over the groups; None where nothing is averaged over.
    covariances : mapping
        Covariance over the groups with predictors before this one, by parameter; 0 with those that are not there.
    """

    link: Link
    mean: Array
    variance: Array | None
    covariances: Mapping[str, Array] = field(default_factory=dict)

    @property
    def average(self) -> Array:
        """The mean of the parameter over the groups, on its natural scale."""
        if self.variance is None:
            return self.link.inverse(self.mean)
        shape = np.broadcast_shapes(self.mean.shape, self.variance.shape)
        if shape and shape[-1] > MANY and self.link.name in _BY_QUADRATURE and not np.ptp(self.variance, axis=-1).any():
            mean = np.broadcast_to(self.mean, shape).reshape(-1, shape[-1])
            variance = np.broadcast_to(self.variance[..., :1], (*shape[:-1], 1)).reshape(-1, 1)
            return interpolate(lambda places: self.link.average(places, variance), mean).reshape(shape)
        return self.link.average(self.mean, self.variance)


def average_mean(family: Family, scalars: Mapping[str, Array], predictors: Mapping[str, Spread]) -> Array:
    """Return the expected response (of one trial), integrated over the normal effects in the predictors.

    Parameters in which the mean is linear, as both are in (1 - zi) mu, are replaced by their averages, which is exact
    where effects in different predictors are independent. For the others (mu of counts with a hurdle, sigma of a
    lognormal response), and for those whose effects are correlated, it is a product of Gauss-Hermite rules, one for each
    predictor.

    Parameters
    ----------
    family : Family
        Whose mean is averaged.
    scalars : mapping
        Parameters without predictor, on the natural scale.
    predictors : mapping
        The other parameters.

    Raises
    ------
    SpecError
        The integral does not exist, as that of a lognormal response whose sigma has large effects of groups.
    """
    values = {**scalars, **{name: predictor.average for name, predictor in predictors.items()}}
    curved = _curved_parameters(family) | _correlated(family, predictors)
    varying = {name: p for name, p in predictors.items() if p.variance is not None and name in curved}
    refuse_average(family, [name for name, p in varying.items() if np.any(np.asarray(p.variance) > 0)])
    if not varying:
        return family.mean(values, 1.0)
    if not family.cuts:  # the number of a category has a mean
        _check_existence(family, values, varying, NODES.get(len(varying), _FEW_NODES))
    moved = _at_scores(varying)
    return _expect_evenly(lambda scores: family.mean({**values, **moved(scores)}, 1.0), len(varying))


def average_shares(
    shares: Callable[[Values], Array], scalars: Mapping[str, Array], predictors: Mapping[str, Spread]
) -> Array:
    """Return the probabilities of categories without order, (K, ...), integrated over the normal effects in the predictors."""
    varying = {name: p for name, p in predictors.items() if p.variance is not None}
    values = {**scalars, **{name: p.link.inverse(p.mean) for name, p in predictors.items()}}
    if not varying:
        return shares(values)
    moved = _at_scores(varying)

    def given(scores: Array) -> Array:
        return shares({**values, **moved(scores)})

    return _expect_evenly(given, len(varying))


def _expect_evenly(function: Callable[[Array], Array], directions: int) -> Array:
    """Return E f(z) over independent standard normal z: by a product of Gauss-Hermite rules of up to three numbers, of more by
    points of a Sobol sequence, twice as many until the mean changes little."""
    if directions == 0 or directions in NODES:
        return expect(function, directions, NODES.get(directions, 1))
    points, total, stop = _normal_points(directions), np.zeros(()), 256
    total = np.asarray(sum(function(scores) for scores in points[:stop]))
    while stop < len(points):
        before, start, stop = total / stop, stop, 2 * stop
        total = total + sum(function(scores) for scores in points[start:stop])
        if np.max(np.abs(total / stop - before), initial=0.0) <= _CLOSE * np.max(np.abs(before), initial=0.0):
            break
    return total / stop


@cache
def _normal_points(directions: int) -> Array:
    """Return points, (16384, directions), of which the first ones are spread as evenly as independent standard normal numbers can
    be."""
    from scipy import special
    from scipy.stats import qmc

    return np.asarray(special.ndtri(qmc.Sobol(directions, rng=0).random_base2(14)))


def average_moments(
    family: Family, values: Callable[[Array], Mapping[str, Array]], trials: Any, directions: int, nodes: int
) -> tuple[Array, Array, Array]:
    """Return mean, variance between groups and expected variance within groups of a response.

    Its parameters are a function of independent standard normal scores, (directions,): the effects of the groups.
    """

    def moments(scores: Array) -> Array:
        inside = values(scores)
        mean = family.mean(inside, trials)
        return np.stack(np.broadcast_arrays(mean, np.square(mean), family.variance(inside, trials)))

    first, second, within = expect(moments, directions, nodes)
    return first, np.maximum(second - first**2, 0.0), within


def refuse_average(family: Family, varying: Collection[str]) -> None:
    """Refuse the mean of a response over normal effects where it does not exist (SpecError)."""
    if family.no_average in varying:
        raise SpecError(
            f"The mean of a {family.name} response over groups that differ in {family.no_average} is infinite: "
            f"exp({family.no_average}^2 / 2) has no average over normal effects on log({family.no_average}). Take medians, "
            f'from exp(mu): bm.predict(..., kind="mu"); or groups="existing" or "typical".'
        )


def average_of(
    function: Callable[[dict[str, Array]], Array], scalars: Mapping[str, Array], predictors: Mapping[str, Spread]
) -> Array:
    """Return the mean over the normal effects of a bounded function of the parameters, as are probabilities.

    Arguments as in `average_mean`; the function takes and returns arrays whose last axis is that of rows.
    """
    values = {**scalars, **{name: p.link.inverse(p.mean) for name, p in predictors.items()}}
    varying = {name: p for name, p in predictors.items() if p.variance is not None}
    moved = _at_scores(varying)

    def inside(scores: Array) -> Array:
        return function({**values, **moved(scores)})

    return _expect_evenly(inside, len(varying))


@cache
def parameters_of_mean(family: Family) -> frozenset[str]:
    """Return the parameters on which the mean depends, found by moving each of them."""
    return frozenset(p.name for p in family.parameters if any(np.ptp(means) > 0 for means in _moved(family, p)))


def parameters_of(family: Family, kind: str) -> frozenset[str]:
    """Return the parameters on which a prediction of a kind, as in `predict`, depends."""
    if kind == "mean":
        return parameters_of_mean(family)
    names = [parameter.name for parameter in family.parameters]
    return frozenset(names[:1] if kind == "linear" else [kind] if kind in names else names)


def is_linear(family: Family, kind: str, links: Mapping[str, Link]) -> bool:
    """Return whether a prediction of a kind is linear in the coefficients."""
    if kind == "linear":
        return True
    needed = parameters_of(family, kind)
    curved = _curved_parameters(family) if kind == "mean" else frozenset()
    return (
        len(needed) == 1 and not needed & curved and all(links[name].name == "identity" for name in needed & {*links})
    )


def _mean_over(family: Family, values: Mapping[str, Array], varying: Mapping[str, Spread], nodes: int) -> Array:
    moved = _at_scores(varying)

    def mean(scores: Array) -> Array:
        return family.mean({**values, **moved(scores)}, 1.0)

    return expect(mean, len(varying), nodes)


def _correlated(family: Family, predictors: Mapping[str, Spread]) -> set[str]:
    """Return the parameters of the mean whose effects are correlated with those in another one."""
    needed = parameters_of_mean(family)
    pairs = [(name, other) for name, p in predictors.items() for other in p.covariances if {name, other} <= needed]
    return {name for pair in pairs for name in pair}


def cholesky_columns(
    variances: Mapping[str, Array], covariances: Mapping[tuple[str, str], Array]
) -> list[dict[str, Array]]:
    """Return the columns of the Cholesky factors of stacked covariance matrices, by name of the rows that are not zero.

    Parameters
    ----------
    variances : mapping
        Diagonals, by name.
    covariances : mapping
        The other numbers, by the names of two rows; zeros if not given.
    """
    columns: list[dict[str, Array]] = []
    for name, variance in variances.items():
        left = np.asarray(variance)
        for before, column in zip(variances, columns, strict=False):
            shared = [one for one in columns if one is not column and before in one and name in one]
            known = [covariances[pair] for pair in ((before, name), (name, before)) if pair in covariances]
            if not known and not shared:
                continue
            rest = sum(known) - sum(one[name] * one[before] for one in shared)
            with np.errstate(invalid="ignore", divide="ignore"):
                column[name] = np.where(column[before] > 0.0, rest / column[before], 0.0)
            left = left - column[name] ** 2
        columns.append({name: np.sqrt(np.maximum(left, 0.0))})
    return columns


def _at_scores(varying: Mapping[str, Spread]) -> Callable[[Array], dict[str, Array]]:
    """Return parameters as a function of independent standard normal scores, one for each predictor: with L the Cholesky
    factor of the covariance of the predictors in a row, their means plus L times the scores."""
    covariances = {(other, name): c for name, one in varying.items() for other, c in one.covariances.items()}
    columns = cholesky_columns({name: np.asarray(one.variance) for name, one in varying.items()}, covariances)

    def moved(scores: Array) -> dict[str, Array]:
        etas: dict[str, Array] = {name: one.mean for name, one in varying.items()}
        for column, score in zip(columns, scores, strict=True):
            for name, loading in column.items():
                etas[name] = etas[name] + loading * score
        return {name: varying[name].link.inverse(eta) for name, eta in etas.items()}

    return moved


def _check_existence(family: Family, values: Mapping[str, Array], varying: Mapping[str, Spread], nodes: int) -> None:
    """Refuse a mean that grows with the number of nodes, at the draw and row of median variance."""
    arrays: list[Any] = [*values.values(), *(a for p in varying.values() for a in (p.mean, p.variance))]
    shape = np.broadcast_shapes(*(np.shape(array) for array in arrays))
    variance = sum(np.broadcast_to(np.asarray(p.variance), shape).ravel() for p in varying.values())
    place = int(np.argsort(variance)[np.size(variance) // 2])

    def at_place(array: Any) -> Array:
        return np.asarray(np.broadcast_to(array, shape).ravel()[place])

    one = {name: at_place(array) for name, array in values.items()}
    spreads = {
        name: Spread(
            p.link, at_place(p.mean), at_place(p.variance), {other: at_place(c) for other, c in p.covariances.items()}
        )
        for name, p in varying.items()
    }
    with np.errstate(over="ignore", invalid="ignore"):
        coarse, fine = (float(_mean_over(family, one, spreads, n)) for n in (nodes, 2 * nodes))
    if not abs(fine - coarse) <= _TOLERANCE * abs(fine):
        raise SpecError(
            f"The mean of family '{family.name}' over all groups cannot be integrated over the effects on "
            f"{enumerate_words(varying)}: their SD is so large that it may be infinite. Use groups='typical', 'existing' "
            "or 'new'."
        )


@cache
def _curved_parameters(family: Family) -> frozenset[str]:
    """Return the parameters in which the mean is not linear."""
    return frozenset(
        p.name
        for p in family.parameters
        if any(abs(low - 2.0 * mid + high) > 1e-9 * (abs(low) + abs(high)) for low, mid, high in _moved(family, p))
    )


def _moved(family: Family, moving: Parameter) -> list[tuple[float, float, float]]:
    """Return the means at three equidistant values of one parameter, for three settings of the others."""
    values = {p.name: _inside(p, number / len(family.parameters)) for number, p in enumerate(family.parameters)}
    found = []
    for place in range(3):
        fixed = {name: own[place] for name, own in values.items()}
        low, mid, high = (float(family.mean({**fixed, moving.name: value}, 1.0)) for value in values[moving.name])
        found.append((low, mid, high))
    return found


def _inside(parameter: Parameter, further: float) -> tuple[float, float, float]:
    """Return three values of a parameter, moved on by less than a step: where two parameters are the same, as mu and a threshold,
    a third may drop out that matters elsewhere."""
    if np.isfinite(parameter.upper) and np.isfinite(parameter.lower):
        start, step = parameter.lower, 0.25 * (parameter.upper - parameter.lower)
    else:
        start, step = parameter.lower if np.isfinite(parameter.lower) else -2.0, 0.75
    start += 0.5 * step * further
    return start + step, start + 2 * step, start + 3 * step
