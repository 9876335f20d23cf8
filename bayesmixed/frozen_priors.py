"""Frozen priors: numbers and coordinates of the priors of a fit, kept when its data or its other priors change."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from bayesmixed.default_priors import realise_priors, states_centred_prior, states_group_prior
from bayesmixed.design import Design, RealisedPrior
from bayesmixed.links import Array
from bayesmixed.predictors import Predictor
from bayesmixed.priors import as_prior, matching_key, split_key
from bayesmixed.terms.blocks import GroupBlock


@dataclass(frozen=True, slots=True)
class FrozenPriors:
    """What does not follow the data any more.

    Attributes
    ----------
    priors : mapping
        Realised priors by key, as in `Design`.
    centres : mapping of mappings
        Column means at which priors are stated, by variable ("beta", "b_Subject") and column.
    """

    priors: Mapping[str, RealisedPrior]
    centres: Mapping[str, Mapping[str, float]]


def freeze(design: Design) -> FrozenPriors:
    """Return the priors of a design with their coordinates."""
    centres = {p.beta: _by_label(p.population.labels, p.centre) for p in design.predictors.values()}
    centres |= {p.b(group): _by_label(group.labels, group.centre) for p, group in design.group_blocks()}
    return FrozenPriors(design.priors, centres)


def with_frozen_priors(design: Design, frozen: FrozenPriors, changed: Collection[str] = ()) -> Design:
    """Return a design with the frozen priors, where it has parameters of the same names.

    Parameters
    ----------
    changed : collection of str
        Keys of the spec's priors that were given anew: they replace the frozen ones.

    Raises
    ------
    SpecError
        A prior of the spec names no parameter, or has a support that the parameter does not have.
    """
    predictors = {name: _with_centres(design, p, frozen) for name, p in design.predictors.items()}
    design = replace(design, predictors=predictors)
    moved = {name for p, g in design.group_blocks() if _has_moved(frozen, p, g) for name in (p.sd(g), p.corr(g))}
    priors = realise_priors(design)
    for key, entry in priors.items():
        kept = frozen.priors.get(key)
        if kept is not None and matching_key(key, design.spec.priors) not in changed:
            priors[key] = replace(kept, about=entry.about) if split_key(key)[0] in moved else kept
    return replace(design, priors=priors)


def frozen_to_text(frozen: FrozenPriors) -> str:
    """Return frozen priors as JSON, which `frozen_from_text` reads back without loss."""
    priors = {key: (entry.prior.to_text(), entry.source, entry.about) for key, entry in frozen.priors.items()}
    return json.dumps({"priors": priors, "centres": {name: dict(c) for name, c in frozen.centres.items()}})


def frozen_from_text(text: str) -> FrozenPriors:
    """Return the frozen priors that `frozen_to_text` wrote."""
    found = json.loads(text)
    priors = {key: RealisedPrior(as_prior(prior, key), *rest) for key, (prior, *rest) in found["priors"].items()}
    return FrozenPriors(priors, found["centres"])


def _with_centres(design: Design, predictor: Predictor, frozen: FrozenPriors) -> Predictor:
    """Return the predictor with the frozen centres, where the user's priors do not put it as written."""
    centre = predictor.centre
    if (predictor.cut or "Intercept" in predictor.population.labels) and states_centred_prior(
        design.spec, predictor.suffix
    ):
        centre = _known(frozen, predictor.beta, predictor.population.labels, centre)
    groups = []
    for group in predictor.groups:
        own = group.centre
        if not states_group_prior(design.spec, group.name, predictor.suffix):
            own = _known(frozen, predictor.b(group), group.labels, own)
        groups.append(replace(group, centre=own))
    return replace(predictor, centre=centre, groups=tuple(groups))


def _has_moved(frozen: FrozenPriors, predictor: Predictor, group: GroupBlock) -> bool:
    return not np.array_equal(_known(frozen, predictor.b(group), group.labels, group.centre), group.centre)


def _by_label(labels: tuple[str, ...], centre: Array) -> dict[str, float]:
    return {label: float(value) for label, value in zip(labels, centre, strict=True)}


def _known(frozen: FrozenPriors, name: str, labels: tuple[str, ...], centre: Array) -> Array:
    known = frozen.centres.get(name, {})
    return np.array([known.get(label, value) for label, value in zip(labels, centre, strict=True)])
