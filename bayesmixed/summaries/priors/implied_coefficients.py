"""What priors on the basis imply for coefficients as written, and for differences averaged over interactions."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from bayesmixed.design.prior_draws import PriorDraws
from bayesmixed.families.links import Array
from bayesmixed.parameter_keys import ParameterKey
from bayesmixed.terms.predictors import Predictor

COLUMNS = ["coefficient", "meaning", "mean", "sd", "lower", "upper"]
_Row = tuple[object, ...]


def list_coefficients(draws: PriorDraws) -> pd.DataFrame:
    """Return the prior of every coefficient that is not itself the coordinate of a prior.

    Returns
    -------
    pandas.DataFrame
        Columns coefficient, meaning, mean, sd, lower, upper (the middle 95 %); exact where all priors are normal, else
        from draws. A factor in interactions has one more row: its difference of two levels, averaged over these.
    """
    rows = [row for predictor in draws.design.predictors.values() for row in _of_predictor(draws, predictor)]
    return pd.DataFrame(rows, columns=COLUMNS)


def _of_predictor(draws: PriorDraws, predictor: Predictor) -> Iterator[_Row]:
    population = predictor.population
    for term, column in _averaged(predictor):
        weights = np.zeros(len(predictor.keys))
        weights[column] = np.sqrt(2.0)
        yield ParameterKey(predictor.beta, term), "difference of two levels, averaged", *_law(draws, predictor, weights)
    others = [label for label in population.labels if label not in (*population.coordinates.labels, "Intercept")]
    for label in others:
        weights = predictor.transform[population.labels.index(label)]
        yield ParameterKey(predictor.beta, label), _meaning(predictor, label), *_law(draws, predictor, weights)


def _averaged(predictor: Predictor) -> Iterator[tuple[str, int]]:
    """Yield factors that interact, each with the place of one of its orthonormal contrasts."""
    basis, labels = predictor.population.basis, predictor.population.coordinates.labels
    for term in basis.terms:
        piece = basis.pieces[term.pieces[0]]
        wider = any(set(term.pieces) < set(other.pieces) for other in basis.terms)
        name = next((label for label in (term.text, f"{term.text} #1") if label in labels), None)
        if len(term.pieces) == 1 and piece.levels and wider and name is not None:
            yield term.text, labels.index(name)


def _meaning(predictor: Predictor, label: str) -> str:
    state = predictor.population.state
    if label not in state.labels:
        return "line of a curve"
    place = state.labels.index(label)
    pieces = next(set(term.pieces) for term in state.terms if place in term.positions)
    more = [piece for term in state.terms for piece in term.pieces if pieces < set(term.pieces) and piece not in pieces]
    if more:
        return f"at the reference or 0 of {', '.join(dict.fromkeys(more))}"
    return "interaction" if len(pieces) > 1 else "slope or difference"


def _law(draws: PriorDraws, predictor: Predictor, weights: Array) -> tuple[float, float, float, float]:
    """Return mean, sd and the middle 95 % of a sum of coordinates."""
    from scipy.special import ndtri

    priors = draws.design.coefficient_priors(predictor)
    used = np.flatnonzero(weights)
    if all(priors[k].name in ("Normal", "Fixed") for k in used):
        mean = float(sum(weights[k] * priors[k].arguments[0] for k in used))
        sds = [weights[k] * priors[k].arguments[1] for k in used if priors[k].name == "Normal"]
        sd = float(np.sqrt(np.sum(np.square(sds))))
        return mean, sd, mean - ndtri(0.975) * sd, mean + ndtri(0.975) * sd
    values = draws.coefficients(predictor) @ weights
    lower, upper = np.quantile(values, [0.025, 0.975])
    return float(np.mean(values)), float(np.std(values)), float(lower), float(upper)
