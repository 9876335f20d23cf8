"""Frozen priors: numbers and coordinates of the priors of a fit, kept when its data or its other priors change."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from bayesmixed.design.coefficient_priors import READERS
from bayesmixed.design.default_priors import realise_priors
from bayesmixed.design.design import Design, RealisedPrior
from bayesmixed.design.earlier_coordinates import Origins, origins_of, place_at_origins
from bayesmixed.design.stated_coordinates import place_terms, with_bases
from bayesmixed.design.variance_splits import PartPrior, part_prior
from bayesmixed.families.links import Array
from bayesmixed.joint_priors import KEYS
from bayesmixed.parameter_keys import ParameterKey
from bayesmixed.prior_texts import as_prior
from bayesmixed.terms.basis import Basis
from bayesmixed.terms.blocks import GroupBlock
from bayesmixed.terms.predictors import Predictor


@dataclass(frozen=True, slots=True)
class FrozenPriors:
    """What no longer follows the data.

    Attributes
    ----------
    priors : mapping
        Realised priors by key, as in `Design`.
    bases : mapping of tuples of (Basis or None)
        Bases on which default priors are stated, by variable: "beta", "b_Subject".
    means : mapping of mappings
        Means of columns over the rows of the fit, by variable and column; "written beta" for those as written.
    origins : mapping of mappings
        Where the priors of an earlier version are stated, by variable and column; empty for those of this one.
    """

    priors: Mapping[str, RealisedPrior]
    bases: Mapping[str, tuple[Basis | None, ...]]
    means: Mapping[str, Mapping[str, float]]
    origins: Origins = field(default_factory=dict)


def freeze(design: Design) -> FrozenPriors:
    """Return the priors of a design with their coordinates."""
    bases: dict[str, tuple[Basis | None, ...]] = {}
    means = {}
    origins: dict[str, Mapping[str, float]] = {}
    for predictor in design.predictors.values():
        origins |= origins_of(predictor)
        block, beta = predictor.population, predictor.beta
        bases[beta], means[beta] = (block.basis,), _by_label(block.column_labels, block.means)
        means[f"written {beta}"] = _by_label(block.labels, block.written_means)
    for predictor, group in design.group_blocks():
        name = predictor.b(group)
        bases[name], means[name] = group.bases, _by_label(_column_labels(group), group.means)
    return FrozenPriors(design.priors, bases, means, origins)


def with_frozen_priors(design: Design, frozen: FrozenPriors, changed: Collection[str] = ()) -> Design:
    """Return a design with the frozen priors, where it has parameters of the same names.

    Parameters
    ----------
    changed : collection of str
        Keys of the spec's priors that were newly given: they replace the frozen ones.

    Raises
    ------
    SpecError
        A prior of the spec names no parameter, or its support does not fit the parameter.
    """
    predictors = {name: _with_bases(design, p, frozen) for name, p in design.predictors.items()}
    design = replace(design, predictors=predictors)
    moved = {name for p, g in design.group_blocks() if g.coordinates.as_written for name in (p.sd(g), p.corr(g))}
    priors = realise_priors(design)
    for key, entry in priors.items():
        kept = frozen.priors.get(key)
        joint = isinstance(entry.prior, PartPrior)
        if joint != (kept is not None and isinstance(kept.prior, PartPrior)) or (
            joint and not KEYS.keys().isdisjoint(changed)
        ):
            continue
        if kept is not None and ParameterKey.read(key).match(design.spec.priors) not in changed:
            priors[key] = replace(kept, about=entry.about) if ParameterKey.read(key).variable in moved else kept
    return replace(design, priors=priors)


def frozen_to_text(frozen: FrozenPriors) -> str:
    """Return frozen priors as JSON, which `frozen_from_text` reads back without loss."""
    priors = {key: (entry.prior.to_text(), entry.source, entry.about) for key, entry in frozen.priors.items()}
    joints = {e.prior.name: e.prior.joint.to_lists() for e in frozen.priors.values() if isinstance(e.prior, PartPrior)}
    bases = {name: [basis and basis.to_lists() for basis in found] for name, found in frozen.bases.items()}
    means, origins = ({name: dict(m) for name, m in found.items()} for found in (frozen.means, frozen.origins))
    further = {"joint": joints, "origins": origins}
    kept = {name: values for name, values in further.items() if values}
    return json.dumps({"priors": priors, "bases": bases, "means": means, **kept})


def frozen_from_text(text: str) -> FrozenPriors:
    """Return the frozen priors that `frozen_to_text` wrote, in this version or an earlier one."""
    found = json.loads(text)
    joints = [READERS[name](lists) for name, lists in found.get("joint", {}).items()]
    priors = {}
    for key, (prior, *rest) in found["priors"].items():
        joint = next((one for one in joints if one.holds(key)), None)
        priors[key] = RealisedPrior(as_prior(prior, key) if joint is None else part_prior(joint, key), *rest)
    if "centres" in found:  # before default priors were stated on a basis
        return FrozenPriors(priors, {}, {}, found["centres"])
    bases = {name: tuple(basis and Basis.from_lists(basis) for basis in own) for name, own in found["bases"].items()}
    return FrozenPriors(priors, bases, found["means"], found.get("origins", {}))


def _with_bases(design: Design, predictor: Predictor, frozen: FrozenPriors) -> Predictor:
    """Return the predictor with the frozen bases and means, where its formulas have the same columns as before."""
    if design.streamed is None:  # streamed designs have the bases of all their rows
        predictor = with_bases(predictor, design.table, frozen.bases)
    population = predictor.population
    means = _known(frozen, predictor.beta, population.column_labels, population.means)
    written = _known(frozen, f"written {predictor.beta}", population.labels, population.written_means)
    population = replace(population, means=means, written_means=written)
    groups = tuple(
        replace(group, means=_known(frozen, predictor.b(group), _column_labels(group), group.means))
        for group in predictor.groups
    )
    placed = place_terms(design.spec, design.family, replace(predictor, population=population, groups=groups))
    return place_at_origins(design.spec, design.family, placed, frozen.origins)


def _column_labels(group: GroupBlock) -> tuple[str, ...]:
    own = [
        [str(column) for column in part.columns] if basis is None else basis.labels
        for part, basis in zip(group.parts, group.bases, strict=True)
    ]
    return tuple(f"{number} {label}" for number, labels in enumerate(own) for label in labels)


def _by_label(labels: tuple[str, ...], values: Array) -> dict[str, float]:
    return {label: float(value) for label, value in zip(labels, values, strict=True)}


def _known(frozen: FrozenPriors, name: str, labels: tuple[str, ...], values: Array) -> Array:
    known = frozen.means.get(name, {})
    return np.array([known.get(label, value) for label, value in zip(labels, values, strict=True)])
