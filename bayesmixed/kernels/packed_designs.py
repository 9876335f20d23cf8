"""From a design to the flat blocks that the compiled density reads."""

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bayesmixed import priors
from bayesmixed.design import CUTS, Design
from bayesmixed.kernels import packing as at
from bayesmixed.kernels.cutpoints import INDUCED as INDUCED_CODE
from bayesmixed.kernels.layouts import Layout, PredictorLayout
from bayesmixed.kernels.links import LINK_CODES
from bayesmixed.kernels.merging import merge_rows
from bayesmixed.kernels.packing import NO_GUIDE, Block, Packed, close, pack_joint, pack_whitening
from bayesmixed.kernels.prior_rows import ABOVE_ONE, DISTRIBUTION_CODES, POSITIVE, REAL, UNIT, kernel
from bayesmixed.kernels.rows import FAMILY_CODES
from bayesmixed.links import Array
from bayesmixed.placements import parent_index, remaining_columns
from bayesmixed.priors import DISTRIBUTIONS, INDUCED, Prior

TRANSFORMS = {"log": POSITIVE, "log_minus_one": ABOVE_ONE, "logit": UNIT}
_TRANSFORM_ONTO = {priors.REAL: REAL, priors.POSITIVE: POSITIVE, priors.UNIT: UNIT}


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
        if group.correlated and design.priors[predictor.corr(group)].prior.name == "Fixed":
            return f"the correlation of '{group.name}' is fixed by a number"
    return None


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
    header[at.WHITENED] = -1 if layout.whitening is None else pack_whitening(block, layout.whitening)
    first = [parameter.name for parameter in parameters].index(design.mu.parameter)
    table = int(header[at.FIRST_PARAMETER + first * at.PARAMETER_SIZE + at.TERMS])
    header[at.JOINT] = pack_joint(block, layout.joint or NO_GUIDE, table, _widths(layout))
    return close(block, header)


def _widths(layout: Layout) -> list[int]:
    """Return the number of columns of each factor among the coefficients of a joint guide."""
    terms = layout.predictors[layout.design.mu.parameter].terms
    return [] if layout.joint is None else [len(terms[place].sd) for place, _, _ in layout.joint.terms]


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
        for slot, prior in zip(predictor_layout.beta, design.coefficient_priors(predictor), strict=True):
            add(int(slot), REAL, prior)
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
    rest, matrix = remaining_columns(predictor, placements)
    header[base + at.WIDTH] = len(layout.beta)
    header[base + at.BETA_SLOTS] = block.add_integers(layout.beta)
    header[base + at.BETA_VALUES] = block.add_numbers(layout.beta_values)
    header[base + at.REST_WIDTH], header[base + at.REST_COLUMNS] = len(rest), block.add_integers(rest)
    header[base + at.REST_MATRIX] = block.add_numbers(matrix[kept])
    header[base + at.OFFSET] = block.add_numbers(predictor.offset[kept] + (0.0 if further is None else further))
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
        row[at.PARENT] = -1
        if placement.parent:
            row[at.PARENT] = names.index(placement.parent)
            outer = placements[names.index(placement.parent)].group
            row[at.PARENT_INDEX] = block.add_integers(parent_index(group, outer))
        row[at.MEAN_WIDTH], row[at.MEAN_COLUMNS] = len(placement.columns), block.add_integers(placement.columns)
        row[at.MEAN_WEIGHTS] = block.add_numbers(placement.weights)
        row[at.GUIDE] = block.add_numbers(term.guide)
        row[at.ABSORBED], row[at.OBSERVATION] = int(placement.absorbed), int(group.observation)
    header[base + at.TERMS], header[base + at.TERM_COUNT] = block.add_integers(table), len(table)
