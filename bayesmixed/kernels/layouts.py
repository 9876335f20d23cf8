"""The coordinates of a design: where each number that is sampled stands."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesmixed.design import Design
from bayesmixed.kernels.packing import JointGuide, Whitening
from bayesmixed.links import Array
from bayesmixed.placements import HIERARCHICAL, NONCENTRED, Placement, place_groups
from bayesmixed.predictors import Predictor

Centred = Mapping[str, NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class TermLayout:
    """Where a group term or smooth stands among the coordinates: SDs (-1: fixed), partial correlations by part, effects.

    `guide` (J, K + 1, K) holds for each level the precision of its coefficients in the data, and below it the precision
    times their estimate: see `kernels.guides`. Zeros: standardised effects are the coordinates.
    """

    placement: Placement
    centred: NDArray[np.bool_]
    sd: NDArray[np.int64]
    sd_values: Array
    partials: tuple[slice, ...]
    effects: slice
    guide: Array


@dataclass(frozen=True, slots=True)
class PredictorLayout:
    """Where a predictor stands among the coordinates; -1 marks a fixed coefficient."""

    predictor: Predictor
    beta: NDArray[np.int64]
    beta_values: Array
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
    scalars : dict of (int, float)
        Place of each parameter without predictor (-1: fixed) and its fixed value on the link scale.
    cuts : slice
        Places of the thresholds: the first one, then the logarithms of the distances.
    dimension : int
        Number of coordinates.
    whitening : Whitening or None
        For the coefficients of the first parameter: a correlated posterior of theirs is then no work for the sampler.
    joint : JointGuide or None
        For the coefficients and effects of the first parameter, in the place of whitening and of guides of its terms.
    """

    design: Design
    predictors: Mapping[str, PredictorLayout]
    scalars: Mapping[str, tuple[int, float]]
    cuts: slice
    dimension: int
    whitening: Whitening | None = None
    joint: JointGuide | None = None


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
    at_now = 0
    predictors: dict[str, PredictorLayout] = {}
    for name, predictor in design.predictors.items():
        beta = np.full(len(predictor.keys), -1)
        values = np.zeros(len(beta))
        for k, prior in enumerate(design.coefficient_priors(predictor)):
            if prior.name == "Fixed":
                values[k] = prior.arguments[0]
            else:
                beta[k], at_now = at_now, at_now + 1
        ways = dict.fromkeys((*guided, *(n for n, levels in centred.items() if np.any(levels))), HIERARCHICAL)
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
    guide = np.zeros((len(levels), len(keys) + 1, len(keys)))
    return TermLayout(placement, levels, sd, values, tuple(partials), slice(start, start + size), guide), start + size
