"""Values of columns that are not known exactly, given all but the response: they leave with their row."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from bayesmixed.design.design import Design
from bayesmixed.design.latent_columns import LatentColumn
from bayesmixed.draws.kept import values_of
from bayesmixed.draws.linear_predictors import predictor_given_effects
from bayesmixed.families.links import Array
from bayesmixed.integration.layers import Integers, Source
from bayesmixed.terms.drawn_values import DrawnValues
from bayesmixed.terms.predictors import Predictor


@dataclass(frozen=True, slots=True)
class UnknownColumn:
    """Normal distributions of the values of a column under its own model, and given what was measured.

    Attributes
    ----------
    latent : LatentColumn
    centre, sd : (chain, draw, n) array
        In rows whose value is known its guess, and 0.
    """

    latent: LatentColumn
    centre: Array
    sd: Array


def unknown_columns(design: Design, posterior: xr.Dataset) -> dict[str, UnknownColumn]:
    """Return the columns whose values are normal given all but the response, by the name of their draws."""
    return {one.imputed: _given_measured(one, posterior) for one in design.latent if one.design.family.is_normal}


def _given_measured(latent: LatentColumn, posterior: xr.Dataset) -> UnknownColumn:
    own: Design = latent.design
    values = {name: p.link.inverse(predictor_given_effects(p, posterior)) for name, p in own.predictors.items()}
    centre, variance = values["mu"], values["sigma"] ** 2
    if latent.error is not None:
        share = variance / (variance + latent.error**2)
        centre, variance = centre + share * (latent.guess - centre), share * latent.error**2
    return UnknownColumn(
        latent, np.where(latent.missing, centre, latent.guess), np.sqrt(np.where(latent.missing, variance, 0.0))
    )


def without_drawn(
    predictor: Predictor, unknown: Mapping[str, UnknownColumn], posterior: xr.Dataset
) -> tuple[Predictor, Array]:
    """Return a predictor without the drawn values of some columns, and what these are expected to add, (chain, draw, n) or 0."""
    kept = replace(predictor, drawn=tuple(one for one in predictor.drawn if one.name not in unknown))
    moved = [
        one.rates(values_of(posterior, predictor.beta)) * (unknown[one.name].centre - one.guess)
        for one in predictor.drawn
        if isinstance(one, DrawnValues) and one.name in unknown
    ]
    return kept, np.asarray(sum(moved, np.zeros(())))


def value_sources(
    design: Design, unknown: Mapping[str, UnknownColumn], posterior: xr.Dataset
) -> Iterator[tuple[str, Integers, Source]]:
    """Yield what unknown values add to the predictors of their rows: column, sets of single rows, loadings."""
    for name, column in unknown.items():
        loadings: dict[str, Array] = {}
        for parameter, predictor in design.predictors.items():
            for one in predictor.drawn:
                if not isinstance(one, DrawnValues) or one.name != name:
                    continue
                own = one.rates(values_of(posterior, predictor.beta)) * column.sd
                loadings[parameter] = own.reshape(-1, own.shape[-1], 1)
        if loadings:
            first = next(iter(loadings))
            yield column.latent.column, np.arange(design.rows), Source(first, loadings.pop(first), loadings)
