"""From a design to the flat blocks of the compiled density, and from its coordinates to draws."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import special

from bayesmixed import priors
from bayesmixed.design import CUTS, Design, Predictor
from bayesmixed.kernels import packing as at
from bayesmixed.kernels.cutpoints import INDUCED as INDUCED_CODE
from bayesmixed.kernels.links import LINK_CODES
from bayesmixed.kernels.merging import merge_rows
from bayesmixed.kernels.packing import Block, Packed, close
from bayesmixed.kernels.prior_rows import ABOVE_ONE, DISTRIBUTION_CODES, POSITIVE, REAL, UNIT, kernel
from bayesmixed.kernels.rows import FAMILY_CODES
from bayesmixed.links import Array
from bayesmixed.placements import (
    HIERARCHICAL,
    NONCENTRED,
    Placement,
    level_mean,
    parent_index,
    place_groups,
    population_mean,
    remaining_shift,
    taken_columns,
)
from bayesmixed.priors import DISTRIBUTIONS, INDUCED, Prior
from bayesmixed.terms.blocks import NormalBlock
from bayesmixed.thresholds import threshold_shift

TRANSFORMS = {"log": POSITIVE, "log_minus_one": ABOVE_ONE, "logit": UNIT}
_TRANSFORM_ONTO = {priors.REAL: REAL, priors.POSITIVE: POSITIVE, priors.UNIT: UNIT}
Centred = Mapping[str, NDArray[np.bool_]]
_DECODED_AT_ONCE = 4e6


@dataclass(frozen=True, slots=True)
class TermLayout:
    """Where a group term or smooth stands among the coordinates: SDs (-1: fixed), partial correlations by part, effects."""

    placement: Placement
    centred: NDArray[np.bool_]
    sd: NDArray[np.int64]
    sd_values: Array
    partials: tuple[slice, ...]
    effects: slice


@dataclass(frozen=True, slots=True)
class PredictorLayout:
    """Where a predictor stands among the coordinates; -1 marks a fixed coefficient."""

    predictor: Predictor
    beta: NDArray[np.int64]
    beta_values: Array
    terms: tuple[TermLayout, ...]


@dataclass(frozen=True, slots=True)
class Whitening:
    """Coefficients, by their slots, whose coordinates x are such that the coefficients are `centre + factor @ x`."""

    slots: NDArray[np.int64]
    centre: Array
    factor: Array


@dataclass(frozen=True, slots=True)
class Layout:
    """Coordinates of a design's density.

    Attributes
    ----------
    design : Design
        What is laid out.
    predictors : dict of PredictorLayout
        By parameter.
    scalars : dict of (int, float)
        Place of each parameter without predictor (-1: fixed) and its fixed value on the link scale.
    cuts : slice
        Places of the thresholds: the first one, then the logarithms of the distances.
    dimension : int
        Number of coordinates.
    whitening : Whitening or None
        For the coefficients of the first parameter: a correlated posterior of theirs is then no work for the sampler.
    """

    design: Design
    predictors: Mapping[str, PredictorLayout]
    scalars: Mapping[str, tuple[int, float]]
    cuts: slice
    dimension: int
    whitening: Whitening | None = None


def lay_out_coordinates(design: Design, centred: Centred) -> Layout:
    """Return the layout of a design.

    Parameters
    ----------
    centred : mapping
        By the name of the effects ("b_herd"): for each level whether its coefficients, not standardised effects, are
        the coordinates. Terms without an entry are non-centred.
    """
    at_now = 0
    predictors: dict[str, PredictorLayout] = {}
    for name, predictor in design.predictors.items():
        beta = np.full(len(predictor.population.labels), -1)
        values = np.zeros(len(beta))
        for k, label in enumerate(predictor.population.labels):
            prior = design.priors[coefficient_key(design, predictor, label)].prior
            if prior.name == "Fixed":
                values[k] = prior.arguments[0]
            else:
                beta[k], at_now = at_now, at_now + 1
        ways = {n: HIERARCHICAL if np.any(levels) else NONCENTRED for n, levels in centred.items()}
        terms = []
        for placement in place_groups(
            predictor, {predictor.b(g): ways.get(predictor.b(g), NONCENTRED) for g in predictor.normal_blocks}
        ):
            layout, at_now = _lay_out_term(design, predictor, placement, centred, at_now)
            terms.append(layout)
        predictors[name] = PredictorLayout(predictor, beta, values, tuple(terms))
    scalars = {}
    cuts = slice(at_now, at_now + len(design.family.cuts))
    at_now = cuts.stop
    for name in design.numbers:
        function, prior = design.scalar_prior(name)
        if prior.name == "Fixed":
            scalars[name] = (-1, float(design.spec.link(name).forward(function.inverse(prior.arguments[0]))))
        else:
            scalars[name], at_now = (at_now, 0.0), at_now + 1
    return Layout(design, predictors, scalars, cuts, at_now)


def _lay_out_term(
    design: Design, predictor: Predictor, placement: Placement, centred: Centred, start: int
) -> tuple[TermLayout, int]:
    group = placement.group
    keys = predictor.sd_keys(group)
    sd, values = np.full(len(keys), -1), np.ones(len(keys))
    for k, key in enumerate(keys):
        prior = design.priors[key].prior
        if prior.name == "Fixed":
            values[k] = prior.arguments[0]
        else:
            sd[k], start = start, start + 1
    partials = []
    for part in group.parts:
        if part.correlated:
            size = len(part.columns) * (len(part.columns) - 1) // 2
            partials.append(slice(start, start + size))
            start += size
    size = int(np.prod(group.shape))
    levels = centred.get(predictor.b(group), np.zeros(len(group.levels), dtype=bool))
    return TermLayout(placement, levels, sd, values, tuple(partials), slice(start, start + size)), start + size


def pack(layout: Layout) -> Packed:
    """Return the flat blocks that the compiled density reads."""
    design, block = layout.design, Block()
    rows = merge_rows(design)
    parameters = [parameter for parameter in design.family.parameters if not parameter.cut]
    width = len(parameters) + (2 if design.family.cuts else 0)
    header = np.zeros(at.FIRST_PARAMETER + at.PARAMETER_SIZE * width, dtype=np.int64)
    block.add_integers(header)
    header[at.ROWS], header[at.FAMILY], header[at.PARAMETERS] = (
        len(rows.kept),
        FAMILY_CODES[design.family.name],
        width,
    )
    header[at.DIMENSION] = layout.dimension
    header[at.RESPONSE], header[at.TRIALS] = block.add_numbers(rows.response), block.add_numbers(rows.trials)
    header[at.CONSTANTS] = block.add_numbers(rows.constants)
    header[at.WEIGHTS] = -1 if rows.weights is None else block.add_numbers(rows.weights)
    # Scales have a logarithmic link.
    factor = None if design.scale_factor is None else np.log(design.scale_factor[rows.kept])
    for number, parameter in enumerate(parameters):
        shift = factor if parameter.name == design.family.scale else None
        base = at.FIRST_PARAMETER + number * at.PARAMETER_SIZE
        header[base + at.LINK] = LINK_CODES[design.spec.link(parameter.name).name]
        if parameter.name in layout.scalars:
            slot, value = layout.scalars[parameter.name]
            header[base + at.SCALAR], header[base + at.SCALAR_VALUE] = slot, block.add_numbers([value])
            header[base + at.OFFSET] = -1 if shift is None else block.add_numbers(shift)
        else:
            header[base + at.SCALAR] = at.MODELLED
            _pack_predictor(block, header, base, layout.predictors[parameter.name], rows.kept, shift)
    if design.family.cuts:
        _pack_cuts(block, header, len(parameters), layout)
    header[at.PRIORS], header[at.PRIOR_COUNT] = pack_priors(block, layout)
    header[at.WHITENED] = -1 if layout.whitening is None else _pack_whitening(block, layout.whitening)
    return close(block, header)


def _pack_whitening(block: Block, whitening: Whitening) -> int:
    centre, factor = block.add_numbers(whitening.centre), block.add_numbers(whitening.factor)
    return block.add_integers([len(whitening.slots), centre, factor, *whitening.slots])


def _pack_cuts(block: Block, header: NDArray[np.int64], number: int, layout: Layout) -> None:
    """Write the thresholds with their prior as two parameters, the ends of the interval of each response."""
    base, prior, design = (
        at.FIRST_PARAMETER + number * at.PARAMETER_SIZE,
        layout.design.priors[CUTS].prior,
        layout.design,
    )
    count = len(design.family.cuts)
    numbers = [*prior.arguments, 0.0, 0.0][:3]
    if prior.name == INDUCED:
        code, shape = INDUCED_CODE, numbers[0]
        constant = float(special.gammaln((count + 1) * shape) - (count + 1) * special.gammaln(shape))
    else:
        code = DISTRIBUTION_CODES[prior.name]
        constant = count * _constant(prior)
    header[base + at.SCALAR], header[base + at.PARAMETER_SIZE + at.SCALAR] = at.UPPER_END, at.LOWER_END
    header[base + at.LINK] = LINK_CODES[design.mu.link.name]
    header[base + at.WIDTH], header[base + at.BETA_SLOTS] = count, layout.cuts.start
    header[base + at.REST_WIDTH] = code
    header[base + at.SCALAR_VALUE] = block.add_numbers([*numbers, constant])


def _constant(prior: Prior) -> float:
    """Return the part of the log-density of a prior that the compiled rows leave out."""
    law = prior.frozen()
    point = float(law.ppf(0.6))
    numbers = [*prior.arguments, 0.0, 0.0][:3]
    return float(law.logpdf(point)) - float(kernel(DISTRIBUTION_CODES[prior.name], *numbers, point)[0])


def _pack_predictor(
    block: Block,
    header: NDArray[np.int64],
    base: int,
    layout: PredictorLayout,
    kept: NDArray[np.int64],
    further: Array | None,
) -> None:
    predictor = layout.predictor
    placements = [term.placement for term in layout.terms]
    taken = taken_columns(placements)
    rest = [k for k in range(len(layout.beta)) if k not in taken]
    header[base + at.WIDTH] = len(layout.beta)
    header[base + at.BETA_SLOTS] = block.add_integers(layout.beta)
    header[base + at.BETA_VALUES] = block.add_numbers(layout.beta_values)
    header[base + at.REST_WIDTH], header[base + at.REST_COLUMNS] = len(rest), block.add_integers(rest)
    header[base + at.REST_MATRIX] = block.add_numbers(predictor.centred_matrix[np.ix_(kept, rest)])
    offset = predictor.offset[kept] + (0.0 if further is None else further)
    shift = sum((remaining_shift(predictor, p) for p in placements), np.zeros(len(layout.beta)))
    header[base + at.SHIFT], header[base + at.OFFSET] = block.add_numbers(shift), block.add_numbers(offset)
    table = np.zeros((len(layout.terms), at.TERM_SIZE), dtype=np.int64)
    names = [placement.group.name for placement in placements]
    for number, term in enumerate(layout.terms):
        group, placement, row = term.placement.group, term.placement, table[number]
        row[at.LEVELS], row[at.COLUMNS] = len(group.levels), len(term.sd)
        row[at.INDEX] = block.add_integers(group.index[kept])
        row[at.MATRIX], row[at.DENSE] = block.add_numbers(group.centred_matrix[kept]), int(group.dense)
        row[at.ONES] = int(len(group.labels) == 1 and bool(np.all(group.centred_matrix == 1)))
        row[at.SD_SLOTS], row[at.SD_VALUES] = block.add_integers(term.sd), block.add_numbers(term.sd_values)
        correlated = [part for part in group.parts if part.correlated]
        parts = [len(correlated)]
        for part, place in zip(correlated, term.partials, strict=True):
            parts += [len(part.columns), place.start, *part.columns]
        row[at.PARTS] = block.add_integers(parts)
        row[at.EFFECTS], row[at.CENTRED] = term.effects.start, block.add_integers(term.centred)
        row[at.PARENT], row[at.MEAN] = -1, -1
        if placement.parent:
            row[at.PARENT] = names.index(placement.parent)
            outer = placements[names.index(placement.parent)].group
            row[at.PARENT_INDEX] = block.add_integers(parent_index(group, outer))
        elif placement.columns:
            row[at.MEAN] = block.add_numbers(population_mean(predictor, placement))
        row[at.LEVEL_WIDTH] = len(placement.level_columns)
        if placement.level_columns:
            row[at.LEVEL_COLUMNS] = block.add_integers(placement.level_columns)
            row[at.LEVEL_MATRIX] = block.add_numbers(level_mean(predictor, placement))
            row[at.INTERCEPT] = group.intercept
        row[at.ABSORBED], row[at.OBSERVATION] = int(placement.absorbed), int(group.observation)
    header[base + at.TERMS], header[base + at.TERM_COUNT] = block.add_integers(table), len(table)


def pack_priors(block: Block, layout: Layout) -> tuple[int, int]:
    """Append slot, transform, code and place of the arguments of every scalar prior."""
    design, rows = layout.design, []

    def add(slot: int, transform: int, prior: Prior, factor: float = 1.0, lower: float = -np.inf) -> None:
        if slot < 0:
            return
        numbers = [*prior.arguments, 0.0, 0.0][:3]
        constant = _constant(prior)
        if lower > prior.support[0]:
            constant -= float(np.log1p(-prior.frozen().cdf(lower)))
        constant += float(np.log(abs(factor)))
        place = block.add_numbers([*numbers, constant, factor])
        rows.append((slot, transform, DISTRIBUTION_CODES[prior.name], place))

    for predictor_layout in layout.predictors.values():
        predictor = predictor_layout.predictor
        for slot, label in zip(predictor_layout.beta, predictor.population.labels, strict=True):
            add(int(slot), REAL, design.priors[coefficient_key(design, predictor, label)].prior)
        for term in predictor_layout.terms:
            group = term.placement.group
            for slot, key in zip(term.sd, predictor.sd_keys(group), strict=True):
                add(int(slot), POSITIVE, design.priors[key].prior)
            for part, place in zip([p for p in group.parts if p.correlated], term.partials, strict=True):
                concentration = design.priors[predictor.corr(group)].prior.arguments[0]
                width = len(part.columns)
                depths = [j for i in range(1, width) for j in range(i)]
                for slot, depth in zip(range(place.start, place.stop), depths, strict=True):
                    shape = concentration + (width - 2 - depth) / 2.0
                    add(slot, UNIT, Prior(name="Beta", arguments=(shape, shape)))
    for name, (slot, _) in layout.scalars.items():
        parameter = design.family.parameter(name)
        function, prior = design.scalar_prior(name)
        if function.text == "{}":
            add(slot, TRANSFORMS[parameter.link], prior, lower=parameter.lower)
        else:
            add(slot, _TRANSFORM_ONTO[function.support], prior, function.factors[parameter.link])
    return block.add_integers(rows if rows else [0]), len(rows)


def decode(layout: Layout, points: Array) -> dict[str, tuple[tuple[str, ...], Array]]:
    """Return the variables of the contract at (S, dimension) unconstrained points: name -> dims, (S, ...) values."""
    found: dict[str, tuple[tuple[str, ...], Array]] = {}
    design = layout.design
    if layout.whitening is not None:
        white = layout.whitening
        points = points.copy()
        points[:, white.slots] = white.centre + points[:, white.slots] @ white.factor.T
    for predictor_layout in layout.predictors.values():
        predictor = predictor_layout.predictor
        beta = _gather(points, predictor_layout.beta, predictor_layout.beta_values)
        if len(predictor.population.labels):
            found[predictor.beta] = ((f"{predictor.beta}_effect",), beta @ predictor.transform.T)
        totals: dict[str, Array] = {}
        rest = predictor.offset + beta @ predictor.centred_matrix.T if _has_observation(predictor_layout) else None
        for term in predictor_layout.terms:
            effects = _decode_term(points, predictor, term, beta, totals, rest, found)
            if rest is not None and not term.placement.group.observation:
                rest = rest + term.placement.group.contribution(effects)
    if design.family.cuts:
        steps = points[:, layout.cuts].copy()
        steps[:, 1:] = np.exp(steps[:, 1:])
        shift = threshold_shift(design, found[design.mu.beta][1] if design.mu.beta in found else None)
        found[CUTS] = (("cut",), np.cumsum(steps, axis=1) + np.reshape(shift, (-1, 1)))
    for name, (slot, value) in layout.scalars.items():
        eta = points[:, slot] if slot >= 0 else np.full(len(points), value)
        found[name] = ((), design.spec.link(name).inverse(eta))
    return found


def _decode_term(
    points: Array,
    predictor: Predictor,
    term: TermLayout,
    beta: Array,
    totals: dict[str, Array],
    rest: Array | None,
    found: dict[str, tuple[tuple[str, ...], Array]],
) -> Array:
    """Return the (S, J, K) effects at the centre, and add SDs, correlations and effects as written."""
    placement, group = term.placement, term.placement.group
    width, dims = len(term.sd), predictor.b_dims(group)
    sd = np.exp(points[:, np.maximum(term.sd, 0)])
    sd = np.where(term.sd >= 0, sd, term.sd_values)
    factor = sd[:, :, None] * correlation_factor(points, group, term.partials)
    coordinates = points[:, term.effects].reshape(len(points), -1, width)
    effects = np.einsum("skm,sjm->sjk", factor, coordinates)
    mean: Array | float = 0.0
    if placement.parent:
        outer = next(g for g in predictor.groups if g.name == placement.parent)
        mean = totals[placement.parent][:, parent_index(group, outer)]
    elif placement.columns:
        mean = (beta @ population_mean(predictor, placement).T)[:, None, :]
    elif group.observation and rest is not None:
        mean = rest[:, :, None]
    if placement.level_columns:
        intercepts = beta[:, list(placement.level_columns)] @ level_mean(predictor, placement).T
        mean = mean + intercepts[:, :, None] * (np.arange(width) == group.intercept)
    effects = np.where(term.centred[:, None], coordinates - mean, effects)
    totals[group.name] = effects + mean
    scaled = group.transform @ factor
    covariance = scaled @ scaled.swapaxes(-1, -2)
    written = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    found[predictor.sd(group)] = (dims[1:], written.reshape(len(points), *group.shape[1:]))
    if group.correlated:
        corr = covariance / written[:, :, None] / written[:, None, :]
        found[predictor.corr(group)] = ((dims[1], f"{dims[1]}_2"), corr)
    found[predictor.b(group)] = (dims, (effects @ group.transform.T).reshape(len(points), *group.shape))
    return effects


def correlation_factor(points: Array, group: NormalBlock, partials: tuple[slice, ...]) -> Array:
    """Return the (S, K, K) Cholesky factors of the correlations of a group's columns."""
    width = len(group.centre)
    factor = np.broadcast_to(np.eye(width), (len(points), width, width)).copy()
    for part, place in zip([p for p in group.parts if p.correlated], partials, strict=True):
        partial = np.tanh(0.5 * points[:, place])
        number = 0
        for i in range(1, len(part.columns)):
            left = np.ones(len(points))
            for j in range(i):
                factor[:, part.columns[i], part.columns[j]] = partial[:, number] * np.sqrt(left)
                left = left * (1.0 - partial[:, number] ** 2)
                number += 1
            factor[:, part.columns[i], part.columns[i]] = np.sqrt(left)
    return factor


def as_posterior(layout: Layout, points: Array) -> xr.Dataset:
    """Return (chain, draw, dimension) points as a Dataset with the names, dims and coords of the posterior.

    Some draws at a time are decoded. Effects are written over their coordinates, of which there are as many, so that
    memory is hardly more than that of the points, which are lost.
    """
    chains, draws = points.shape[:2]
    coords: dict[str, list[str]] = {"cut": layout.design.cut_labels}
    for predictor in layout.design.predictors.values():
        coords |= predictor.coords()
    rows = np.require(points.reshape(chains * draws, -1), requirements="W")
    places = {one.predictor.b(t.placement.group): t.effects for one in layout.predictors.values() for t in one.terms}
    arrays: dict[str, tuple[tuple[str, ...], Array]] = {}
    step = max(1, int(_DECODED_AT_ONCE / max(1, rows.shape[1], layout.design.rows)))
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        for name, (dims, values) in decode(layout, rows[part]).items():
            if name not in arrays:
                place = rows[:, places[name]] if name in places else np.empty((len(rows), *values.shape[1:]))
                arrays[name] = dims, place.reshape(len(rows), *values.shape[1:])
            arrays[name][1][part] = values
    variables = {
        name: (("chain", "draw", *dims), values.reshape(chains, draws, *values.shape[1:]))
        for name, (dims, values) in arrays.items()
    }
    used = {dim for dims, _ in variables.values() for dim in dims}
    labels: dict[str, object] = {name: values for name, values in coords.items() if name in used}
    return xr.Dataset(variables, coords=labels | {"chain": np.arange(chains), "draw": np.arange(draws)})


def unsupported(design: Design) -> str | None:
    """Return why the compiled density cannot express a design, or None."""
    if design.family.name not in FAMILY_CODES or not isinstance(design.spec.family, str):
        return f"family '{design.family.name}' has no compiled row"
    for name in design.numbers:
        function, prior = design.scalar_prior(name)
        onto = (
            TRANSFORMS[design.family.parameter(name).link]
            if function.text == "{}"
            else _TRANSFORM_ONTO[function.support]
        )
        if onto == UNIT and prior.name not in ("Beta", "Fixed"):
            return f"the prior {prior} of a number between 0 and 1 is not compiled"
    for key, entry in design.priors.items():
        if entry.prior.name not in DISTRIBUTION_CODES and entry.prior.name not in ("Fixed", "LKJ", INDUCED):
            return f"the prior {entry.prior} of '{key}' is not compiled"
    for predictor, group in design.normal_blocks():
        priors = [design.priors[key].prior for key in predictor.sd_keys(group)]
        if any(p.name in DISTRIBUTIONS and DISTRIBUTIONS[p.name].support[1] < np.inf for p in priors):
            return f"an SD of '{group.name}' has a bounded prior"
    return None


def coefficient_key(design: Design, predictor: Predictor, label: str) -> str:
    """Return the key under which a design holds the prior of a population coefficient."""
    centred = f"{predictor.beta}[{label}_centred]"
    return centred if label == "Intercept" and centred in design.priors else f"{predictor.beta}[{label}]"


def _gather(points: Array, slots: NDArray[np.int64], values: Array) -> Array:
    return np.where(slots >= 0, points[:, np.maximum(slots, 0)], values) if len(slots) else np.zeros((len(points), 0))


def _has_observation(layout: PredictorLayout) -> bool:
    return any(term.placement.group.observation and np.any(term.centred) for term in layout.terms)
