"""Priors of a model without pooling: independent ones of the means of levels."""

from typing import Any

import numpy as np

from bayesmixed.design import Design
from bayesmixed.links import Array
from bayesmixed.predictors import Predictor
from bayesmixed.preparation import prepare
from bayesmixed.priors import Prior, matching_key
from bayesmixed.spec import ModelSpec

_ROUNDING = 1e-9


def state_level_priors(spec: ModelSpec, group: str, data: Any, **reading: Any) -> ModelSpec:
    """Return a spec with coefficients for the levels of a factor, whose means get independent priors.

    The default prior takes levels from their common mean, which pools them a little. Here each has the default prior of
    an intercept, Normal(g(ybar), 2.5 s), and each other coefficient the marginal of its default prior; priors of the user
    stay. Where numbers are not zero at their mean, so that coefficients of levels are no means, nothing is stated.

    Parameters
    ----------
    reading
        `missing` and `na` of `prepare`.

    Raises
    ------
    SpecError, DataError
        As `prepare`.
    """
    design = prepare(spec.replace(priors={}), data, **reading)
    predictor = design.mu
    levels = _level_columns(predictor, group)
    if not levels or _away_from_means(predictor, levels):
        return spec
    location, scale = _moments(design)
    first = int(np.argmax(predictor.population.coordinates.pulls))
    transform = predictor.transform
    locations, scales = transform @ location, np.sqrt((transform * scale) ** 2 @ np.ones(len(scale)))
    locations[levels], scales[levels] = location[first], scale[first]
    stated = {}
    for label, own, spread in zip(predictor.population.labels, locations, scales, strict=True):
        key = f"{predictor.beta}[{label}]"
        if matching_key(key, spec.priors) is None:
            stated[key] = Prior(name="Normal", arguments=(float(own), float(spread)))
    return spec.replace(priors={**spec.priors, **stated})


def _level_columns(predictor: Predictor, group: str) -> list[int]:
    """Return the positions of the coefficients of levels, none where the factor enters through slopes only."""
    population, names = predictor.population, set(group.split(":"))
    terms = [t for t in population.state.terms if {piece.strip("`") for piece in t.pieces} == names]
    constant = "Intercept" in population.labels
    return [population.labels.index(population.state.labels[k]) for t in terms for k in t.positions if not constant]


def _away_from_means(predictor: Predictor, levels: list[int]) -> bool:
    """Return whether coefficients of levels are those away from the mean of a number, of which something is to be said."""
    population = predictor.population
    numbers = np.array([*_of_numbers(predictor), *(True for _ in population.labels[len(population.state.labels) :])])
    shares = np.abs(population.written[levels] * population.units)
    return bool(np.any(shares[:, numbers] > _ROUNDING * shares.max()))


def _of_numbers(predictor: Predictor) -> list[bool]:
    """Return of each column of the basis whether numbers with more than two values enter it."""
    basis = predictor.population.basis
    found = [False] if basis.constant else []
    for term in basis.terms:
        width = int(np.prod([len(basis.pieces[text].steps) for text in term.pieces]))
        found += [any(not basis.pieces[text].discrete for text in term.pieces)] * width
    return found


def _moments(design: Design) -> tuple[Array, Array]:
    """Return location and scale of the default priors of the coordinates."""
    numbers = np.array([prior.arguments for prior in design.coefficient_priors(design.mu)])
    return numbers[:, 0], numbers[:, 1]
