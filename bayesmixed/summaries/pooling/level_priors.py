"""Priors of a model without pooling: independent ones of the means of levels."""

from typing import Any

import numpy as np

from bayesmixed.families.links import Array
from bayesmixed.parameter_keys import ParameterKey
from bayesmixed.preparation.preparing import as_design
from bayesmixed.prior_distributions import Prior
from bayesmixed.spec.model_spec import ModelSpec
from bayesmixed.terms.level_means import CENTRED, level_means
from bayesmixed.terms.predictors import Predictor

_ROUNDING = 1e-9


def state_level_priors(spec: ModelSpec, group: tuple[str, ...], data: Any, **reading: Any) -> ModelSpec:
    """Return a spec with coefficients for the levels of a factor, whose means get independent priors.

    The default prior takes levels from their common mean, which pools them a little. Here the mean of each, at the means of
    all other terms, has the default prior of an intercept, Normal(g(ybar), 2.5 s), and each of its slopes the marginal of
    its default prior. Other coefficients keep their defaults, and priors of the user stay.

    Parameters
    ----------
    group : tuple of str
        Columns that name the levels together.
    reading
        `missing` and `na` of `prepare`.

    Raises
    ------
    SpecError, DataError
        As `prepare`.
    """
    design = as_design(spec.replace(priors={}), data, **reading)
    predictor = design.mu
    location, scale = np.array([prior.arguments for prior in design.coefficient_priors(predictor)]).T
    population, names = predictor.population, _pieces(predictor, group)
    means = level_means(population, names)
    first = int(np.argmax(population.coordinates.pulls))
    slopes = [
        population.state.labels[k] for t in population.state.terms if set(names) < set(t.pieces) for k in t.positions
    ]
    stated = {}
    for label in (*means, *(slopes if means else ())):
        row = predictor.transform[population.labels.index(label)]
        name = (
            label
            if label not in means or _same(means[label] @ population.coordinates.mixing, row, scale)
            else label + CENTRED
        )
        own = (location[first], scale[first]) if label in means else (row @ location, np.linalg.norm(row * scale))
        if ParameterKey(predictor.beta, label).match(spec.priors) is None:
            stated[ParameterKey(predictor.beta, name)] = Prior(
                name="Normal", arguments=(float(own[0]) + 0.0, float(own[1]))
            )
    return spec.replace(priors={**spec.priors, **stated})


def _pieces(predictor: Predictor, group: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns of a group as pieces of the formula."""
    return tuple(text for text in predictor.population.state.pieces if text.strip("`") in group)


def _same(first: Array, second: Array, scale: Array) -> bool:
    """Return whether two rows of coefficients on coordinates are the same, in units of the SDs of the coordinates."""
    return bool(np.abs((first - second) * scale).max() <= _ROUNDING * np.abs(second * scale).max())
