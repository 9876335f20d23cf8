"""The coordinates of a design: where each number that is sampled stands."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bayesmixed.design.centring import HIERARCHICAL, NONCENTRED, Placement, place_groups
from bayesmixed.design.design import CUTS, Design
from bayesmixed.families.links import Array
from bayesmixed.kernels.packing import JointGuide, Whitening
from bayesmixed.kernels.slots import (
    LOG,
    ORDERED,
    PARTIAL,
    REAL,
    STEPS,
    Allocation,
    CoordinateMap,
    Slots,
    below,
    on_link,
)
from bayesmixed.prior_distributions import Prior
from bayesmixed.terms.block_parts import ONE
from bayesmixed.terms.normal_block import NormalBlock
from bayesmixed.terms.predictors import Predictor

Centred = Mapping[str, NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class TermLayout:
    """Where a group term or smooth stands among the coordinates: SDs, partial correlations by part, effects.

    `guide` (J, K + 1, K) holds for each level the precision of its coefficients in the data, and below it the precision
    times their estimate: see `kernels.guides`. Zeros: standardised effects are the coordinates.
    """

    placement: Placement
    centred: NDArray[np.bool_]
    sd: Slots
    partials: tuple[Slots, ...]
    effects: slice
    guide: Array


@dataclass(frozen=True, slots=True)
class PredictorLayout:
    """Where a predictor stands among the coordinates: coefficients of its basis, terms."""

    predictor: Predictor
    beta: Slots
    terms: tuple[TermLayout, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """Coordinates of a design's density.

    Attributes
    ----------
    design : Design
        What is laid out.
    predictors : dict of PredictorLayout
        By parameter.
    scalars : dict of Slots
        Of each parameter without predictor, on its link.
    cuts : Slots
        Of the thresholds.
    dimension : int
        Number of coordinates.
    whitening : Whitening or None
        For the coefficients of the first parameter: a correlated posterior of theirs is then no work for the sampler.
    joint : JointGuide or None
        For the coefficients and effects of the first parameter, in the place of whitening and of guides of its terms.
    """

    design: Design
    predictors: Mapping[str, PredictorLayout]
    scalars: Mapping[str, Slots]
    cuts: Slots
    dimension: int
    whitening: Whitening | None = None
    joint: JointGuide | None = None

    @property
    def covariances(self) -> tuple[Slots, ...]:
        """SDs and correlations of all terms."""
        terms = (term for one in self.predictors.values() for term in one.terms)
        return tuple(slots for term in terms for slots in (term.sd, *term.partials))

    @property
    def slots(self) -> tuple[Slots, ...]:
        """Of every variable but effects, whose coordinates follow from these."""
        coefficients = (one.beta for one in self.predictors.values())
        return (*coefficients, *self.covariances, self.cuts, *self.scalars.values())

    @property
    def outer(self) -> NDArray[np.int64]:
        """Places of SDs, correlations and parameters without predictor: what stays when all else is integrated out."""
        return np.concatenate([slots.own for slots in (*self.covariances, *self.scalars.values())]).astype(np.int64)

    def among(self, kept: NDArray[np.int64]) -> "Layout":
        """Return the layout of some of the coordinates, in that order, without effects."""
        place = np.full(self.dimension + 1, -1)
        place[kept] = np.arange(len(kept))
        predictors = {}
        for name, one in self.predictors.items():
            terms = tuple(
                replace(
                    term,
                    sd=term.sd.moved(place),
                    partials=tuple(slots.moved(place) for slots in term.partials),
                    effects=slice(0, 0),
                )
                for term in one.terms
            )
            predictors[name] = replace(one, beta=one.beta.moved(place), terms=terms)
        scalars = {name: slots.moved(place) for name, slots in self.scalars.items()}
        cuts = self.cuts.moved(place)
        return replace(self, predictors=predictors, scalars=scalars, cuts=cuts, dimension=len(kept))


def lay_out_coordinates(design: Design, centred: Centred, guided: Collection[str] = ()) -> Layout:
    """Return the layout of a design.

    Parameters
    ----------
    centred : mapping
        By the name of the effects ("b_herd"): for each level whether its coefficients, not standardised effects, are
        the coordinates. Terms without an entry are non-centred.
    guided : collection of str
        Names of effects that are placed so that guides can be written into the layout.
    """
    room = Allocation()
    predictors: dict[str, PredictorLayout] = {}
    for name, predictor in design.predictors.items():
        fixed = [_fixed_value(prior) for prior in design.coefficient_priors(predictor)]
        beta = room.place(predictor.keys, fixed, REAL)
        parameterisations = dict.fromkeys(
            (*guided, *(n for n, levels in centred.items() if np.any(levels))), HIERARCHICAL
        )
        placements = place_groups(
            predictor,
            {predictor.b(g): parameterisations.get(predictor.b(g), NONCENTRED) for g in predictor.normal_blocks},
        )
        terms = tuple(_lay_out_term(design, predictor, placement, centred, room) for placement in placements)
        predictors[name] = PredictorLayout(predictor, beta, terms)
    cuts = room.place((CUTS,), [None] * len(design.family.cuts), STEPS if design.family.at_risk else ORDERED)
    scalars = {}
    for name in design.numbers:
        function, prior = design.scalar_prior(name)
        value = None if prior.name != "Fixed" else float(function.inverse(prior.arguments[0]))
        onto = on_link(design.spec.link(name)) if value is not None else _coordinate_of(design, name)
        scalars[name] = room.place((name,), [value], onto)
    return Layout(design, predictors, scalars, cuts, room.dimension)


def _coordinate_of(design: Design, name: str) -> CoordinateMap:
    """Return the coordinate of a parameter without predictor: its value on its link, or how far it is to all responses."""
    if design.family.parameter(name).onset and design.response is not None:
        return below(float(np.min(np.asarray(design.response))))
    return on_link(design.spec.link(name))


def order_groups(design: Design) -> tuple[NormalBlock, ...]:
    """Return the terms of effects of the first parameter, that of whose levels rows take one, with the most effects, first."""
    return tuple(sorted(design.mu.normal_blocks, key=lambda block: (block.takes != ONE, -block.size)))


def _fixed_value(prior: Prior) -> float | None:
    return prior.arguments[0] if prior.name == "Fixed" else None


def _lay_out_term(
    design: Design, predictor: Predictor, placement: Placement, centred: Centred, room: Allocation
) -> TermLayout:
    group = placement.group
    keys = predictor.sd_keys(group)
    sd = room.place(keys, [_fixed_value(design.priors[key].prior) for key in keys], LOG)
    partials = []
    for part in group.parts:
        if part.correlated:
            size = len(part.columns) * (len(part.columns) - 1) // 2
            partials.append(room.place((predictor.corr(group),), [None] * size, PARTIAL))
    levels = centred.get(predictor.b(group), np.zeros(len(group.levels), dtype=bool))
    guide = np.zeros((len(levels), len(keys) + 1, len(keys)))
    return TermLayout(placement, levels, sd, tuple(partials), room.take(int(np.prod(group.shape))), guide)
