"""Joint priors of coefficients, realised on a design: which terms have a share or a scale, and what is refused."""

import re
from collections.abc import Mapping

import numpy as np

from bayesmixed.design.coefficient_priors import ExplainedOnData, HorseshoeOnData
from bayesmixed.design.design import Design, RealisedPrior
from bayesmixed.design.realised_splits import effect_parts, has_residual, match_shares, refuse_stated
from bayesmixed.design.variance_parts import Part
from bayesmixed.design.variance_splits import JointOnData, part_prior
from bayesmixed.errors import SpecError
from bayesmixed.joint_priors import COEFFICIENTS, R2D2M2, VARIANCE, Horseshoe
from bayesmixed.parameter_keys import ParameterKey

Priors = Mapping[str, RealisedPrior]


def coefficient_priors(design: Design, priors: Priors, unit: float) -> dict[str, RealisedPrior]:
    """Return the priors of a design with those of coefficients that have a joint prior in place of their own.

    Parameters
    ----------
    priors : mapping
        All others, realised.
    unit : float
        The unit s of the first predictor.

    Raises
    ------
    SpecError
        The model has not what the joint prior is for, or a coefficient has a prior of its own as well.
    """
    found = dict(priors)
    explained, shrunken = design.spec.priors.get(VARIANCE), design.spec.priors.get(COEFFICIENTS)
    if isinstance(explained, R2D2M2):
        if shrunken is not None:
            raise SpecError(f"R2D2M2 is a prior of the coefficients: leave '{COEFFICIENTS}' out.")
        _place(found, _explain(design, priors, explained))
    if isinstance(shrunken, Horseshoe):
        _place(found, _shrink(design, priors, shrunken, unit))
    return found


def _place(priors: dict[str, RealisedPrior], joint: JointOnData) -> None:
    for part in joint.parts:
        for key in part.keys:
            priors[key] = RealisedPrior(part_prior(joint, key), "user", priors[key].about)


def _explain(design: Design, priors: Priors, stated: R2D2M2) -> ExplainedOnData:
    scale, name = design.family.scale, f"Prior for '{VARIANCE}': R2D2M2"
    if not (design.family.additive and design.family.is_normal_under(design.mu.link)):
        raise SpecError(
            f"{name} is for Gaussian models: R2 compares what terms explain of the response with sigma^2, and under family "
            f"'{design.family.name}' with link '{design.mu.link.name}' it is not the sum of its terms and a normal residual. "
            'For the variances of its groups take "VarianceSplit(...)", for many coefficients "Horseshoe(...)".'
        )
    if scale not in design.numbers or priors[scale].prior.name == "Fixed" or design.observed.row_scale is not None:
        why = "has a predictor" if scale not in design.numbers else "is fixed by a number"
        why = (
            "differs between rows of different weights or errors"
            if scale in design.numbers and design.weights is not None
            else why
        )
        raise SpecError(f"{name} needs one residual SD with a prior, and '{scale}' {why}.")
    terms = _terms(design, name)
    effects = effect_parts(design, priors)
    parts = (*terms, *effects)
    if not parts:
        raise SpecError(f"{name} shares what terms explain, and the model has no term.")
    refuse_stated(design, parts, VARIANCE)
    names = [part.name for part in parts]
    alike = len(stated.shares) == 1 and not stated.names
    shares = stated.shares * len(parts) if alike else match_shares(stated, names)
    return ExplainedOnData(stated.r2, shares, parts, priors[scale].prior)


def _shrink(design: Design, priors: Priors, stated: Horseshoe, unit: float) -> HorseshoeOnData:
    parts = _terms(design, f"Prior for '{COEFFICIENTS}'")
    refuse_stated(design, parts, COEFFICIENTS)
    count = sum(len(part.keys) for part in parts)
    if stated.relevant >= count:
        raise SpecError(
            f"Prior for '{COEFFICIENTS}': relevant is {stated.relevant:g}, the number of large coefficients, and must be "
            f"below the number of all of them, {count}."
        )
    rows = float(np.sum(design.observed.row_counts))
    scale = stated.relevant / (count - stated.relevant) / np.sqrt(rows)
    sigma = priors[str(design.family.scale)].prior if has_residual(design) else None
    if sigma is None or sigma.name == "Fixed":
        scale *= unit if sigma is None else sigma.arguments[0]
        sigma = None
    return HorseshoeOnData(stated, parts, float(scale), stated.slab_scale * unit, sigma)


def _terms(design: Design, name: str) -> tuple[Part, ...]:
    """Return the terms of the population part of the first parameter but the intercept, with the variance of their columns."""
    if design.streamed is not None:
        raise SpecError(f"{name} needs the rows in memory, and those of this design are streamed.")
    predictor = design.mu
    if not predictor.population.basis.constant:
        raise SpecError(f"{name} leaves the intercept out, and this formula has none: write it without '0 +'.")
    shares = design.observed.row_shares
    columns = predictor.centred_matrix
    spread = shares @ (columns - shares @ columns) ** 2
    keys: dict[str, list[int]] = {}
    for place, key in enumerate(predictor.keys):
        if not ParameterKey.read(key).of_intercept:
            term = re.sub(r" #\d+$", "", str(ParameterKey.read(key).label)).removesuffix("_centred")
            keys.setdefault(term, []).append(place)
    return tuple(
        Part(term, tuple(predictor.keys[k] for k in places), ((float(np.sum(spread[places])),),))
        for term, places in keys.items()
    )
