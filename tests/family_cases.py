"""Families of the catalogue with settings of their parameters, draws and integrals of their densities."""

from functools import partial

import numpy as np
import pytest

from bayesmixed.families import FAMILIES, Family
from bayesmixed.families.discrimination import with_discrimination
from bayesmixed.families.ordinal import cumulative
from bayesmixed.families.parts import no_category_variance, no_latent_variance
from bayesmixed.families.stepwise import stepwise

TRIALS = 12.0


DRAWS = 200_000


SIGMAS = 5.0


STEPWISE = ("sratio", "cratio", "acat")


# With more categories than two, and under the other links, on which the functions of an ordinal family depend.
ORDINAL = {
    f"{kind}-{link}": make(link).for_categories(tuple("1234"))
    for kind, make in {"cumulative": cumulative, **{kind: partial(stepwise, kind) for kind in STEPWISE}}.items()
    for link in ("logit", "probit", "cloglog")
}


DISCRIMINATING = {
    f"{kind}-probit-disc": with_discrimination(make("probit")).for_categories(tuple("1234"))
    for kind, make in {"cumulative": cumulative, "acat": partial(stepwise, "acat")}.items()
}


SINGLE = {name: one for name, one in FAMILIES.items() if not one.counted}
"""Families whose response is one number in each row."""


CASES = SINGLE | ORDINAL | DISCRIMINATING


each_family = pytest.mark.parametrize("family", CASES.values(), ids=list(CASES))


def some_values(family: Family) -> list[dict[str, float]]:
    """Return three settings of the parameters, inside their ranges and away from infinite moments."""
    values = [{p.name: _inside(p.lower, p.upper)[k] for p in family.parameters} for k in range(3)]
    values = [one | {name: one[name] + 1.1 * k for k, name in enumerate(family.cuts)} for one in values]
    values = [one | {name: 0.3 * one[name] for name in family.relative} for one in values]
    # A log-normal of sigma 7 has a variance that no sample shows.
    return [one | {"sigma": 0.15 * one["sigma"]} if family.no_average == "sigma" else one for one in values]


def _inside(lower: float, upper: float) -> tuple[float, float, float]:
    if np.isfinite(upper):
        return tuple(lower + share * (upper - lower) for share in (0.15, 0.5, 0.8))
    if lower == -np.inf:
        return -1.3, 0.4, 2.0
    return (0.6, 2.5, 7.0) if lower == 0 else (lower + 8.0, lower + 12.0, lower + 20.0)


def has_latent_scale(family: Family) -> bool:
    """Return whether the response is neither a mixture of a point mass with a distribution nor cut off."""
    return family.latent_variance not in (no_category_variance, no_latent_variance)


def trials_of(family: Family) -> float:
    return TRIALS if family.has_trials else 1.0


def draws_of(family: Family, values: dict[str, float], size: int) -> np.ndarray:
    return family.random(np.random.default_rng(20261), values, trials_of(family), (size,))


def shifted(family: Family, values: dict[str, float], step: float) -> dict[str, float]:
    first = family.parameters[0].name
    return {**values, first: values[first] + step}


def whole_support(family: Family, values: dict[str, float]) -> np.ndarray:
    mean, variance = (float(moment(values, 1.0)) for moment in (family.mean, family.variance))
    most = trials_of(family) if family.has_trials else np.floor(60.0 + 20.0 * mean + 80.0 * variance**0.5)
    points = np.arange(most + 1)
    return points[family.accepts(points, trials_of(family))]


def ends(family: Family) -> tuple[float, float]:
    """Return the ends of the support of a continuous family."""
    inside = family.accepts(np.array([-1.0, 2.0]), 1.0)
    return (-np.inf if inside[0] else 0.0), (np.inf if inside[1] else 1.0)


def atoms_of(family: Family) -> tuple[float, ...]:
    """Return the single values that a continuous family takes with positive probability."""
    y = draws_of(family, some_values(family)[1], 2000)
    return tuple(value for value in (0.0, 1.0) if not family.discrete and np.any(y == value))


def inner_quantiles(family: Family, values: dict[str, float]) -> np.ndarray:
    y = draws_of(family, values, 2000)
    return np.quantile(y[~np.isin(y, atoms_of(family))], [0.01, 0.2, 0.5, 0.8, 0.99])


def density_between(family: Family, values: dict[str, float], low: float, high: float) -> float:
    """Return the integral of the density; on (0, 1) over logit y, because the density may be infinite at the ends."""
    from scipy import integrate, special

    def density(y: float) -> float:
        return float(np.exp(family.logp(np.array(y), values, 1.0)))

    if ends(family)[0] == -np.inf and low < values["mu"] < high:
        # There a density of the whole line may have a kink.
        return sum(density_between(family, values, *pair) for pair in ((low, values["mu"]), (values["mu"], high)))
    if ends(family)[1] == np.inf:
        return integrate.quad(density, low, high, limit=200)[0]
    bounds = np.clip(special.logit([low, high]), -700.0, 36.0)
    return integrate.quad(
        lambda t: density(special.expit(t)) * special.expit(t) * special.expit(-t), *bounds, limit=500
    )[0]


def probability_at(family: Family, values: dict[str, float], atom: float) -> float:
    return float(np.exp(family.logp(np.array(atom), values, 1.0)))
