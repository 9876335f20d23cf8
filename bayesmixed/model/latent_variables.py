"""The columns of a PyMC model whose true values are drawn with the parameters."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesmixed.design.design import Design
from bayesmixed.design.latent_columns import LatentColumn
from bayesmixed.families.links import Array
from bayesmixed.model.event_columns import EventVariable, declare_events
from bayesmixed.terms.predictors import Predictor


@dataclass(frozen=True, slots=True)
class LatentVariable:
    """A column in a PyMC model, before the response is known.

    Attributes
    ----------
    latent : LatentColumn
        The column.
    rows : (m,) integer array
        Rows whose values are drawn.
    centre, variance : variable or None
        Mean and variance of their normal distribution given what was measured; None where it is not normal.
    drawn : variable
        The values themselves, or standard normal numbers in their place.
    """

    latent: LatentColumn
    rows: Any
    centre: Any
    variance: Any
    drawn: Any

    def move(self, values: Any) -> Any:
        """Return how far values of the rows lie from those of the design, (n,); 0 in all other rows."""
        import pytensor.tensor as pt

        return pt.set_subtensor(pt.zeros(self.latent.design.rows)[self.rows], values - self.latent.guess[self.rows])


def declare_latent(
    latent: LatentColumn,
    choice: Mapping[str, str],
    linear_predictor: Callable[[Design, Predictor, Mapping[str, str]], tuple[Any, Any]],
) -> LatentVariable | EventVariable:
    """Declare the model of a column, and its values that are drawn, unless these are events.

    Those of a Gaussian column are independent of the measurements given standard normal numbers, so that little known ones
    do no harm to the sampler.
    """
    import pymc as pm

    own: Design = latent.design
    values = {
        name: predictor.link.pytensor_inverse(linear_predictor(own, predictor, choice)[0]) + np.zeros(own.rows)
        for name, predictor in own.predictors.items()
    }
    distribution, family, rows = getattr(pm, own.family.distribution), own.family, np.flatnonzero(latent.missing)

    def arguments(rows: Any) -> dict[str, Any]:
        return family.arguments({name: value[rows] for name, value in values.items()}, 1.0)

    if latent.summed:
        return declare_events(latent, values[own.mu.parameter])
    if latent.error is None:
        known = np.flatnonzero(~latent.missing)
        distribution(f"observed_{latent.column}", **arguments(known), observed=latent.guess[known])
    if not family.is_normal:
        drawn = distribution(latent.imputed, **arguments(rows), dims=latent.dim)
        if latent.error is not None:
            pm.Normal(f"measured_{latent.column}", drawn, latent.error, observed=latent.guess)
        return LatentVariable(latent, rows, None, None, drawn)
    centre, variance = values["mu"][rows], values["sigma"][rows] ** 2
    if latent.error is not None:
        whole = variance + latent.error**2
        pm.Normal(f"measured_{latent.column}", centre, whole**0.5, observed=latent.guess)
        share = variance / whole
        centre, variance = centre + share * (latent.guess - centre), share * latent.error**2
    drawn = pm.Normal(f"z_{latent.imputed}", 0.0, 1.0, dims=latent.dim)
    return LatentVariable(latent, rows, centre, variance, drawn)


def is_integrated(design: Design) -> bool:
    """Return whether the values of all columns are integrated out exactly: all is normal, and linear in them."""
    return design.family.is_normal_under(design.mu.link) and all(
        latent.design.family.is_normal and set(latent.slopes) == {design.mu.parameter} for latent in design.latent
    )


def draw_given_response(
    variables: Sequence[LatentVariable], coefficients: Sequence[Any], residual: Any, scale: Any
) -> Any:
    """Register the values of columns given a normal response, and return the SD of each row without knowledge of them.

    Values are drawn one column after the other from their normal distributions given the response and the ones before.

    Parameters
    ----------
    coefficients : sequence of (n,) variables
        How much the predictor changes per unit of each column.
    residual : (n,) variable
        Response minus the predictor where all values are at their centres.
    scale : (n,) variable
        Residual SD of each row.
    """
    import pymc as pm
    import pytensor.tensor as pt

    pairs = list(zip(variables, coefficients, strict=True))
    whole = scale**2 + pt.zeros(variables[0].latent.design.rows)
    for one, slope in pairs:
        whole = pt.inc_subtensor(whole[one.rows], slope[one.rows] ** 2 * one.variance)
    marginal = whole**0.5
    for one, slope in pairs:
        rate = slope[one.rows] * one.variance / whole[one.rows]
        rest = one.variance * (1.0 - rate * slope[one.rows])
        step = rate * residual[one.rows] + pt.maximum(rest, 0.0) ** 0.5 * one.drawn
        pm.Deterministic(one.latent.imputed, one.centre + step, dims=one.latent.dim)
        residual = pt.inc_subtensor(residual[one.rows], -slope[one.rows] * step)
        whole = pt.inc_subtensor(whole[one.rows], -(slope[one.rows] ** 2) * one.variance)
    return marginal


def draw_freely(variable: LatentVariable) -> Any:
    """Register the values of a column, of which the response is a function, and return them."""
    import pymc as pm

    if variable.centre is None:
        return variable.drawn
    values = variable.centre + variable.variance**0.5 * variable.drawn
    return pm.Deterministic(variable.latent.imputed, values, dims=variable.latent.dim)


def latent_coords(design: Design) -> dict[str, list[Any]]:
    """Return the labels of the dimensions of the models of columns, and of their drawn values."""
    coords: dict[str, list[Any]] = {}
    for latent in design.latent:
        coords[latent.dim] = latent.rows
        for predictor in latent.design.predictors.values():
            coords |= predictor.coords() | predictor.coordinate_coords()
    return coords


def latent_starts(design: Design) -> dict[str, Any]:
    """Return random starting points of drawn values that are no standard normal numbers, near their guesses."""
    import pymc as pm

    found = {}
    for latent in design.latent:
        guess: Array = latent.guess[latent.missing]
        near = 0.1 * float(np.std(latent.guess))
        positive = not latent.design.family.accepts(np.array([-1.0]), 1.0)[0]
        low, high = (0.8 * guess, 1.25 * guess) if positive else (guess - near, guess + near)
        if not (latent.summed or latent.design.family.is_normal):
            found[latent.imputed] = pm.Uniform.dist(low, high)
    return found
