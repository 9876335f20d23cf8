"""The specifications of a multiverse: prior sets times structures of a model, on the same rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bayesmixed.cross_validation.common_responses import check_same_response, check_same_rows
from bayesmixed.design.design import Design
from bayesmixed.errors import BayesMixedError, SpecError, enumerate_words
from bayesmixed.fits.prior_sets import PriorSet, RealisedSet, realise_sets
from bayesmixed.spec.files import as_spec
from bayesmixed.spec.model_spec import ModelSpec

Structure = str | Path | ModelSpec
MOST = 60
"""Specifications at most."""
OWN = "spec"
"""What the structure of the spec itself is called, where it has no other name."""


@dataclass(frozen=True, slots=True)
class Specifications:
    """Prior sets by structure, all that are different.

    Attributes
    ----------
    sets : mapping
        By structure: its prior sets on the data.
    notes : tuple of str
        Which priors and which specifications were left out, and why.
    """

    sets: Mapping[str, dict[str, RealisedSet]]
    notes: tuple[str, ...]


def lay_out_specifications(
    spec: ModelSpec,
    data: Any,
    sets: Mapping[str, PriorSet],
    structures: Mapping[str, Structure] | Sequence[Structure],
    *,
    missing: str,
    na: Any,
) -> Specifications:
    """Return every prior set of every structure, without those that are the same as another one.

    Raises
    ------
    SpecError, DataError
        A structure or a set cannot be read; there are too many; they are not of the same rows and response; a set names a
        parameter that no structure has.
    """
    specs = read_structures(spec, structures)
    count = len(specs) * len(sets)
    if not sets or count > MOST or count < 2:
        raise SpecError(
            f"{len(specs)} structures x {len(sets)} prior sets are {count} specifications; a multiverse has 2 to {MOST}. "
            "Leave out those whose answers you would not believe anyway."
        )
    found: dict[str, dict[str, RealisedSet]] = {}
    for name, one in specs.items():
        try:
            found[name] = realise_sets(one, data, sets, missing=missing, na=na, leave_out=True)
        except BayesMixedError as error:
            raise error.after(f"Structure '{name}':") from error
    designs = {name: next(iter(realised.values())).design for name, realised in found.items()}
    for name, one in specs.items():
        if (one.response, one.trials) != (spec.response, spec.trials):
            raise SpecError(
                f"Structure '{name}' has the response {one.response}, the spec {spec.response}: what columns do to these are "
                "different quantities. Give all structures the same response."
            )
    check_same_rows(designs)
    check_same_response(designs)
    notes = []
    for name in sets:
        everywhere = set.intersection(*(set(realised[name].unknown) for realised in found.values()))
        if everywhere:
            raise SpecError(f"Prior set '{name}': no structure has a parameter {enumerate_words(sorted(everywhere))}.")
    for name, realised in found.items():
        notes += [
            f"{name}, {which}: without the prior of {enumerate_words(one.unknown)}, which this structure does not have."
            for which, one in realised.items()
            if one.unknown
        ]
        notes += _leave_out_same(name, realised)
    return Specifications(found, tuple(notes))


def read_structures(spec: ModelSpec, structures: Mapping[str, Structure] | Sequence[Structure]) -> dict[str, ModelSpec]:
    """Return the specs of structures by name; the spec itself comes first, unless it is one of them.

    Formulas change that of the spec, as in `ModelSpec.update`, and leave all else as it is.

    Raises
    ------
    SpecError
        A structure cannot be read, or two are the same.
    """
    if isinstance(structures, Mapping):
        named = {str(name): one for name, one in structures.items()}
    else:
        named = {one.formula if isinstance(one, ModelSpec) else " ".join(str(one).split()): one for one in structures}
    read: dict[str, ModelSpec] = {}
    for name, one in named.items():
        try:
            found = spec.update(one) if isinstance(one, str) and "~" in one else as_spec(one)
        except SpecError as error:
            raise error.after(f"Structure '{name}':") from error
        same = next((other for other, model in read.items() if model == found), None)
        if same is not None:
            raise SpecError(f"Structures '{same}' and '{name}' are the same model, {found.formula}.")
        read[name] = found
    if spec in read.values():
        return read
    if OWN in read:
        raise SpecError(f"'{OWN}' is what the model itself is called here; give that structure another name.")
    return {OWN: spec, **read}


def _leave_out_same(name: str, realised: dict[str, RealisedSet]) -> list[str]:
    """Remove the sets that are the same as an earlier one in this structure, and return which."""
    kept: list[str] = []
    notes = []
    for which in list(realised):
        same = next((other for other in kept if _are_same(realised[other].design, realised[which].design)), None)
        if same is None:
            kept.append(which)
        else:
            del realised[which]
            notes.append(f"{name}, {which}: the same priors as {same}, counted once.")
    return notes


def _are_same(one: Design, other: Design) -> bool:
    """Return whether two designs of the same model have the same priors in the same coordinates."""
    pairs = zip(one.predictors.values(), other.predictors.values(), strict=True)
    return (
        {key: entry.prior for key, entry in one.priors.items()}
        == {key: entry.prior for key, entry in other.priors.items()}
        and {str(p) for p in one.joint_priors.values()} == {str(p) for p in other.joint_priors.values()}
        and all(np.array_equal(p.transform, q.transform) for p, q in pairs)
    )
