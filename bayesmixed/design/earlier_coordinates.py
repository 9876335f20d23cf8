"""The coordinates of fits of earlier versions: coefficients and effects as written, at the means of their columns."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from bayesmixed.design.stated_coordinates import intercept_ratio, states_centred_prior, states_group_prior
from bayesmixed.errors import DataError
from bayesmixed.families import Family
from bayesmixed.families.links import Array
from bayesmixed.parameter_keys import CENTRED_INTERCEPT, INTERCEPT, VariableNames
from bayesmixed.spec.model_spec import ModelSpec
from bayesmixed.terms.block_parts import Coordinates
from bayesmixed.terms.blocks import GroupBlock
from bayesmixed.terms.piece_bases import column_step
from bayesmixed.terms.population_block import PopulationBlock
from bayesmixed.terms.predictors import Predictor

Origins = Mapping[str, Mapping[str, float]]
"""Values of columns as written at which priors are stated, by variable, "beta" or "b_g", and column."""


def origins_of(predictor: Predictor) -> dict[str, dict[str, float]]:
    """Return the origins of a predictor whose priors are stated as an earlier version did; empty for others."""
    blocks = {predictor.beta: predictor.population} | {predictor.b(group): group for group in predictor.groups}
    return {
        name: {label: float(value) for label, value in zip(block.labels, block.coordinates.origin, strict=True)}
        for name, block in blocks.items()
        if block.coordinates.origin is not None
    }


def place_at_origins(spec: ModelSpec, family: Family, predictor: Predictor, origins: Origins) -> Predictor:
    """Return a predictor in coordinates as written, numbers taken from their origins where there is a constant.

    A part whose columns are not those of the origins stays as it is.

    Raises
    ------
    DataError
        The columns are linearly dependent.
    """
    population, centre = predictor.population, predictor.centre
    known = origins.get(predictor.beta)
    if known is not None and tuple(known) == population.labels:
        stays = states_centred_prior(spec, predictor.names)
        centre = np.array([value if stays else 0.0 for value in known.values()])
        ratio = intercept_ratio(family, predictor.parameter)
        population = replace(population, coordinates=_population(population, centre, ratio, cut=predictor.cut))
    groups = tuple(_group(spec, g, origins.get(predictor.b(g), {}), predictor.names) for g in predictor.groups)
    return replace(predictor, population=population, centre=centre, groups=groups)


def _population(block: PopulationBlock, origin: Array, ratio: float, *, cut: bool) -> Coordinates:
    intercept = np.array(block.labels) == "Intercept"
    matrix = np.eye(len(origin))
    matrix[intercept] -= origin
    first = int(cut and block.basis.constant)
    # Thresholds contain the constant: columns of the basis are centred as those as written are.
    mixing = np.linalg.pinv(block.written[:, first:]) @ matrix
    if first:
        mixing = np.vstack([block.written_means - origin - block.means[1:] @ mixing, mixing])
    _check(block.written @ mixing, matrix)
    steps = [column_step(column) for column in block.matrix.T]
    moved = bool(np.any(origin)) and bool(np.any(intercept))
    labels = tuple(CENTRED_INTERCEPT if moved and label == INTERCEPT else label for label in block.labels)
    return Coordinates(
        labels,
        mixing,
        np.where(intercept, ratio, 1.0 / np.array(steps)),
        intercept.astype(float),
        as_written=not moved,
        origin=origin,
    )


def _group(spec: ModelSpec, block: GroupBlock, known: Mapping[str, float], variables: VariableNames) -> GroupBlock:
    if tuple(known) != block.labels:
        return block
    stays = not states_group_prior(spec, block.name, variables)
    origin = np.array([value if stays else 0.0 for value in known.values()])
    matrix = np.eye(block.width)
    matrix[np.array(block.labels) == "Intercept"] -= origin
    mixing = np.linalg.pinv(block.written) @ matrix
    _check(block.written @ mixing, matrix)
    units, pulls = block.units_as_written, np.zeros(block.width)
    placed = Coordinates(block.labels, mixing, units, pulls, as_written=not np.any(origin), origin=origin)
    return replace(block, coordinates=placed)


def _check(found: Array, wanted: Array) -> None:
    if not np.allclose(found, wanted, rtol=1e-6, atol=1e-9):
        raise DataError("its columns are linearly dependent, so its priors cannot be kept. Sample the model again.")
