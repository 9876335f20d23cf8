"""From a design to the flat blocks that the compiled density reads."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bayesmixed import prior_distributions as priors
from bayesmixed.design.centring import Placement, remaining_columns
from bayesmixed.design.design import CUTS, Design
from bayesmixed.design.variance_splits import PartPrior, SplitOnData
from bayesmixed.families.links import Array
from bayesmixed.joint_priors import VARIANCE
from bayesmixed.kernels import records
from bayesmixed.kernels.joint.layouts import Layout, PredictorLayout, TermLayout
from bayesmixed.kernels.joint.merging import merge_rows
from bayesmixed.kernels.packing import Block, Packed, Record, close, pack_joint, pack_whitening
from bayesmixed.kernels.rows.compiled import kernel_compiled
from bayesmixed.kernels.rows.cutpoints import INDUCED as INDUCED_CODE
from bayesmixed.kernels.rows.families import FAMILY_CODES
from bayesmixed.kernels.rows.limited import LIMITED
from bayesmixed.kernels.rows.links import LINK_CODES
from bayesmixed.kernels.rows.priors import ABOVE_ONE, DISTRIBUTION_CODES, POSITIVE, REAL, UNIT
from bayesmixed.kernels.slots import Slots
from bayesmixed.prior_distributions import INDUCED, Prior
from bayesmixed.terms.block_parts import ALL, SEVERAL

TRANSFORMS = {"identity": REAL, "log": POSITIVE, "log_minus_one": ABOVE_ONE, "logit": UNIT}
_TRANSFORM_ONTO = {priors.REAL: REAL, priors.POSITIVE: POSITIVE, priors.UNIT: UNIT}
_RANGES = {**{code: support for support, code in _TRANSFORM_ONTO.items()}, ABOVE_ONE: (1.0, np.inf)}


def unsupported(design: Design) -> str | None:
    """Return why the compiled density cannot express a design, or None."""
    code = FAMILY_CODES.get(design.spec.family_record.name)
    if code is None or not isinstance(design.spec.family, str):
        return f"family '{design.family.name}' has no compiled row"
    if design.family.limited and code not in LIMITED:
        return f"family '{design.spec.family_record.name}' has no compiled row of censored or truncated responses"
    for key, transform, entry in _coordinates(design):
        prior = entry.plain
        if isinstance(prior, PartPrior) and not isinstance(prior.joint, SplitOnData):
            return f"the joint prior {prior.name} of '{key}' is not compiled"
        if prior.name == "Fixed" or isinstance(prior, PartPrior):
            continue
        if transform is None:
            return f"the prior {entry} of '{key}' itself, between two ends, is not compiled"
        if prior.name not in DISTRIBUTION_CODES or (transform == UNIT and prior.name != "Beta"):
            what = " of a number between 0 and 1" if transform == UNIT else f" of '{key}'"
            return f"the prior {entry}{what} is not compiled"
        (low, high), (first, last) = _RANGES[transform], prior.support
        if first > low or last < high:
            return f"the prior {entry} of '{key}' is bounded"
    for predictor, group in design.normal_blocks():
        if group.correlated and design.priors[predictor.corr(group)].prior.name == "Fixed":
            return f"the correlation of '{group.name}' is fixed by a number"
    return None


def _coordinates(design: Design) -> Iterator[tuple[str, int | None, Prior]]:
    """Yield each number that has a compiled prior: its key, the transform of its coordinate (None: not compiled), its prior."""
    for predictor in design.predictors.values():
        for key in predictor.keys:
            yield key, REAL, design.priors[key].prior
    for predictor, group in design.normal_blocks():
        for key in predictor.sd_keys(group):
            yield key, POSITIVE, design.priors[key].prior
    for name in design.numbers:
        function, prior = design.scalar_prior(name)
        stated = function.text == "{}"
        yield (
            function.key(name),
            TRANSFORMS.get(design.family.parameter(name).link) if stated else _TRANSFORM_ONTO[function.support],
            prior,
        )
    if design.split is not None:
        yield VARIANCE, POSITIVE, design.split.total
    if design.family.cuts and design.priors[CUTS].prior.name != INDUCED:
        yield CUTS, REAL, design.priors[CUTS].prior


def pack(layout: Layout) -> Packed:
    """Return the flat blocks that the compiled density reads."""
    design, block = layout.design, Block()
    rows = merge_rows(design)
    names = [parameter.name for parameter in design.family.parameters if not parameter.cut]
    parameters = np.zeros(len(names) + cut_columns(design), dtype=records.PARAMETER)
    terms: list[Record] = []
    # Scales have a logarithmic link.
    factor = None if design.observed.scale_factor is None else np.log(design.observed.scale_factor[rows.kept])
    for one, name in zip(parameters, names, strict=False):
        shift = factor if name == design.family.scale else None
        one["link"] = LINK_CODES[design.spec.link(name).name]
        if name in layout.scalars:
            scalar = layout.scalars[name]
            one["scalar"] = scalar.places[0]
            one["value"] = scalar.map.highest if scalar.free[0] else on_link_scale(scalar)
            one["offset"] = -1 if shift is None else block.add_numbers(shift)
        else:
            one["first_term"] = len(terms)
            terms += _pack_predictor(block, one, layout.predictors[name], rows.kept, shift)
    if design.family.cuts:
        pack_cuts(block, parameters[len(names) :], layout)
    model = np.zeros(1, dtype=records.MODEL)
    model["rows"], model["family"] = len(rows.kept), FAMILY_CODES[design.spec.family_record.name]
    model["response"], model["trials"] = block.add_numbers(rows.response), block.add_numbers(rows.trials)
    model["constants"] = block.add_numbers(rows.constants)
    model["weights"] = -1 if rows.weights is None else block.add_numbers(rows.weights)
    model["limits"] = block.add_numbers(_pack_limits(design, rows.kept)) if design.family.limited else -1
    if layout.whitening is not None:
        model["whitening"] = pack_whitening(block, layout.whitening)
    if layout.joint is not None:
        own = layout.predictors[design.mu.parameter].terms
        widths = [len(own[place].sd) for place, _, _ in layout.joint.terms]
        first = int(parameters["first_term"][names.index(design.mu.parameter)])
        model["joint"] = pack_joint(block, layout.joint, first, widths)
    first_term = int(parameters["first_term"][names.index(design.mu.parameter)])
    order = [term.placement.group.name for term in layout.predictors[design.mu.parameter].terms]
    places = {name: first_term + place for place, name in enumerate(order)}
    priors = pack_priors(layout, block, places)
    return close(block, model, parameters, np.array(terms, dtype=records.TERM), priors)


def _pack_limits(design: Design, rows: NDArray[np.int64]) -> Array:
    """Return the limits and the bounds of rows, one after the other: NaN where a response is known, infinite without bounds."""
    observed, count = design.observed, design.rows
    limits = np.full((2, count), np.nan) if observed.limits is None else observed.limits
    bounds = np.array([[-np.inf], [np.inf]]).repeat(count, axis=1) if observed.bounds is None else observed.bounds
    return np.concatenate([limits, bounds])[:, rows].ravel()


def pack_priors(layout: Layout, block: Block, places: Mapping[str, int]) -> Record:
    """Return the records of all priors but those of effects; `places` are those of the first parameter's terms among all."""
    design, split = layout.design, layout.design.split
    rows: list[tuple[float, ...]] = [] if split is None else [_pack_split(split, layout, block, places)]

    def add(
        slot: int,
        transform: int,
        prior: Prior,
        factor: float = 1.0,
        lower: float = -np.inf,
        highest: float = np.inf,
    ) -> None:
        if slot < 0 or isinstance(prior, PartPrior):
            return
        prior = prior.plain
        numbers = [*prior.arguments, 0.0, 0.0][:3]
        constant = _constant(prior)
        if lower > prior.support[0]:
            constant -= float(np.log1p(-prior.frozen().cdf(lower)))
        constant += float(np.log(abs(factor)))
        rows.append((slot, transform, DISTRIBUTION_CODES[prior.name], *numbers, constant, factor, highest))

    for predictor_layout in layout.predictors.values():
        predictor = predictor_layout.predictor
        for slot, prior in zip(predictor_layout.beta.places, design.coefficient_priors(predictor), strict=True):
            add(int(slot), REAL, prior)
        for term in predictor_layout.terms:
            group = term.placement.group
            for slot, key in zip(term.sd.places, term.sd.names, strict=True):
                add(int(slot), POSITIVE, design.priors[key].prior)
            for part, place in zip([p for p in group.parts if p.correlated], term.partials, strict=True):
                concentration = design.priors[predictor.corr(group)].prior.arguments[0]
                width = len(part.columns)
                depths = [j for i in range(1, width) for j in range(i)]
                for slot, depth in zip(place.places, depths, strict=True):
                    shape = concentration + (width - 2 - depth) / 2.0
                    add(int(slot), UNIT, Prior(name="Beta", arguments=(shape, shape)))
    for name, scalar in layout.scalars.items():
        slot = int(scalar.places[0])
        parameter = design.family.parameter(name)
        function, prior = design.scalar_prior(name)
        if function.text == "{}":
            add(slot, TRANSFORMS.get(parameter.link, REAL), prior, lower=parameter.lower, highest=scalar.map.highest)
        else:
            onto, factor = _TRANSFORM_ONTO[function.support], function.factors[parameter.link]
            add(slot, onto, prior, factor, highest=scalar.map.highest)
    return np.array(rows, dtype=records.PRIOR)


def _pack_split(split: SplitOnData, layout: Layout, block: Block, places: Mapping[str, int]) -> tuple[float, ...]:
    """Write the description of a joint prior of SDs and return its record."""
    total = split.total.plain
    numbers = [*total.arguments, 0.0, 0.0][:3]
    at = block.add_numbers([*numbers, *split.shares, *(value for part in split.parts for value in part.matrix.ravel())])
    integers = [len(split.parts), DISTRIBUTION_CODES[total.name], at]
    constant = _constant(total) + float(special.gammaln(sum(split.shares)) - np.sum(special.gammaln(split.shares)))
    constant -= np.log(2.0)
    for part in split.parts:
        integers += [-1, int(layout.scalars[part.name].places[0])] if part.residual else [places[part.name], -1]
        width = len(part.keys)
        constant += float(special.gammaln(width)) + width * np.log(2.0)
    return (block.add_integers(integers), REAL, records.SPLIT, 0.0, 0.0, 0.0, constant, 1.0, np.inf)


def on_link_scale(scalar: Slots) -> float:
    """Return the coordinate of a parameter that is fixed, 0 for others."""
    return 0.0 if scalar.free[0] else float(scalar.map.to_coordinates(scalar.fixed)[0])


def cut_columns(design: Design) -> int:
    """Return how many columns of predictors thresholds have: the ends of an interval, or one each."""
    count = len(design.family.cuts)
    return count if design.family.at_risk else min(2 * count, 2)


def pack_cuts(block: Block, ends: Record, layout: Layout) -> None:
    """Write the thresholds with their prior as the parameters that they are, see `cut_columns`."""
    prior, design = layout.design.priors[CUTS].prior, layout.design
    count = len(design.family.cuts)
    numbers = [*prior.arguments, 0.0, 0.0][:3]
    if prior.name == INDUCED:
        code, shape = INDUCED_CODE, numbers[0]
        constant = float(special.gammaln((count + 1) * shape) - (count + 1) * special.gammaln(shape))
    else:
        code = DISTRIBUTION_CODES[prior.name]
        constant = count * _constant(prior)
    stepwise = design.family.at_risk is not None
    ends["scalar"] = records.FURTHER_CUT if stepwise else records.LOWER_END
    upper = ends[0]
    upper["scalar"] = records.FIRST_CUT if stepwise else records.UPPER_END
    upper["link"] = LINK_CODES[design.mu.link.name]
    upper["width"], upper["first_cut"], upper["cut_prior"] = count, layout.cuts.places[0], code
    upper["cut_numbers"] = block.add_numbers([*numbers, constant])


def _constant(prior: Prior) -> float:
    """Return the part of the log-density of a prior that the compiled rows leave out."""
    distribution = prior.frozen()
    point = float(distribution.ppf(0.6))
    numbers = [*prior.arguments, 0.0, 0.0][:3]
    return float(distribution.logpdf(point)) - float(
        kernel_compiled(DISTRIBUTION_CODES[prior.name], *numbers, point)[0]
    )


def _pack_predictor(
    block: Block, one: np.void, layout: PredictorLayout, kept: NDArray[np.int64], further: Array | None
) -> list[Record]:
    """Write the record of a modelled parameter and return those of its terms."""
    predictor = layout.predictor
    placements = [term.placement for term in layout.terms]
    rest, matrix = remaining_columns(predictor, placements)
    one["scalar"], one["terms"] = records.MODELLED, len(placements)
    one["width"], one["rest_width"] = len(layout.beta), len(rest)
    one["beta_slots"], one["beta_values"] = block.add_integers(layout.beta.places), block.add_numbers(layout.beta.fixed)
    one["rest_columns"], one["rest_matrix"] = block.add_integers(rest), block.add_numbers(matrix[kept])
    one["offset"] = block.add_numbers(predictor.offset[kept] + (0.0 if further is None else further))
    names = [placement.group.name for placement in placements]
    return [_pack_term(block, term, placements, names, kept) for term in layout.terms]


def _pack_term(
    block: Block, layout: TermLayout, placements: list[Placement], names: list[str], kept: NDArray[np.int64]
) -> Record:
    placement, group = layout.placement, layout.placement.group
    term = pack_covariance(block, layout)
    places, values = group.read_rows(kept)
    term["entries"] = places.shape[1] if group.takes == SEVERAL else 0
    term["index"], term["matrix"] = block.add_integers(places), block.add_numbers(values)
    term["whole"] = group.takes == ALL
    term["ones"] = len(group.labels) == 1 and bool(np.all(group.centred_matrix == 1))
    term["effects"], term["centred"] = layout.effects.start, block.add_integers(layout.centred)
    term["parent"] = -1
    if placement.parent:
        term["parent"] = names.index(placement.parent)
        outer = placements[names.index(placement.parent)].group
        term["parent_index"] = block.add_integers(group.parents(outer))
    term["mean_width"], term["mean_columns"] = len(placement.columns), block.add_integers(placement.columns)
    term["mean_weights"] = block.add_numbers(placement.weights)
    term["guide"] = block.add_numbers(layout.guide)
    term["absorbed"], term["single"] = placement.absorbed, group.single
    return term


def pack_covariance(block: Block, layout: TermLayout) -> Record:
    """Return the record of a term with all that the covariance of its effects needs."""
    group, term = layout.placement.group, np.zeros((), dtype=records.TERM)
    term["levels"], term["columns"] = len(group.levels), len(layout.sd)
    term["sd_slots"], term["sd_values"] = block.add_integers(layout.sd.places), block.add_numbers(layout.sd.fixed)
    correlated = [part for part in group.parts if part.correlated]
    parts = [len(correlated)]
    for part, place in zip(correlated, layout.partials, strict=True):
        parts += [len(part.columns), int(place.places[0]), *part.columns]
    term["parts"] = block.add_integers(parts)
    return term
