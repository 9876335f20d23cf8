"""Prior sets: named alternatives to the priors of a model, realised on the same data in the same coordinates."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bayesmixed.design.default_priors import known_keys
from bayesmixed.design.design import Design
from bayesmixed.errors import SpecError, StatisticsWarning
from bayesmixed.fits.refitting import change_design
from bayesmixed.preparation.categories import spread_priors
from bayesmixed.preparation.preparing import as_design
from bayesmixed.spec.files import as_spec
from bayesmixed.spec.model_spec import ModelSpec

WIDE = 100.0
"""What the word "wide" multiplies the scales of the default priors by."""
PriorSet = Mapping[str, Any] | str | float


@dataclass(frozen=True, slots=True)
class RealisedSet:
    """A prior set on data.

    Attributes
    ----------
    label : str
        Its name; after a word or a number, what it means: "wide (default scales x 100)".
    design : Design
        With its priors.
    notes : tuple of str
        What a reader should know about the coordinates of its priors.
    unknown : tuple of str
        Names of its priors that the model has no parameter for, and that were left out.
    """

    label: str
    design: Design
    notes: tuple[str, ...]
    unknown: tuple[str, ...] = ()


def realise_sets(
    spec: str | Path | ModelSpec,
    data: Any,
    sets: Mapping[str, PriorSet],
    *,
    missing: str = "error",
    na: Any = (),
    leave_out: bool = False,
) -> dict[str, RealisedSet]:
    """Return each prior set on the data; numbers and coordinates of the priors that it does not name are frozen.

    Parameters
    ----------
    spec, data, missing, na
        As for `fit`.
    sets : mapping
        By name: priors that replace those of the spec (`{}`: the spec as it stands); "default", the default prior of
        every parameter; a number, the default priors with scales that many times as large; "wide", the same with 100.
        Priors on bounded supports (correlations, shares) have no scale and stay.
    leave_out : bool
        Leave out priors of parameters that the model does not have, instead of refusing them.

    Raises
    ------
    SpecError
        A set is none of these, or a prior is flat.
    """
    spec = as_spec(spec)
    reading: dict[str, Any] = {"missing": missing, "stream": False, "na": na}
    own = as_design(spec, data, **reading)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatisticsWarning)
        default = as_design(spec.replace(priors={}), data, **reading) if spec.priors else own
        return {name: _realise(name, chosen, own, default, leave_out) for name, chosen in sets.items()}


def _realise(name: str, chosen: PriorSet, own: Design, default: Design, leave_out: bool) -> RealisedSet:
    if chosen == "flat" or (isinstance(chosen, Mapping) and any(_is_flat(prior) for prior in chosen.values())):
        raise SpecError(
            f"Prior set '{name}' is flat. {_say_impropriety(default)} Take \"wide\": proper priors with "
            f"{WIDE:g} times the default scale."
        )
    if isinstance(chosen, Mapping):
        chosen = spread_priors(chosen, own.spec, own.family)
        unknown = tuple(key for key in chosen if key not in known_keys(own)) if leave_out else ()
        design, notes = change_design(own, {key: prior for key, prior in chosen.items() if key not in unknown})
        return RealisedSet(name, design, notes, unknown)
    if chosen == "default":
        return RealisedSet(name, default, ())
    if chosen == "wide":
        chosen = WIDE
    if isinstance(chosen, str) or not 0 < chosen < np.inf:
        raise SpecError(
            f'Prior set \'{name}\' is {chosen!r}. A set is a mapping of priors, "default", "wide", or a number by which '
            "the scales of the default priors are multiplied."
        )
    label = f"{name} (default scales x {chosen:g})"
    priors = {key: replace(e, prior=e.prior.widen(chosen), source="user") for key, e in default.priors.items()}
    return RealisedSet(label, replace(default, priors=priors), ())


def _is_flat(prior: object) -> bool:
    return isinstance(prior, str) and prior.strip().partition("(")[0] in ("Flat", "HalfFlat")


def _say_impropriety(design: Design) -> str:
    """Say what is wrong with a flat prior on these data: where the posterior would be improper, else what is lost."""
    for group in design.mu.groups:
        if len(group.levels) < 3:
            return f"With {len(group.levels)} levels of '{group.name}' the posterior under a flat prior is improper."
        if design.mu.link.tolerance_variance is not None:
            total = group.sums(np.asarray(design.response, dtype=float))
            trials = np.broadcast_to(np.asarray(design.trials, dtype=float), design.rows)
            mixed = int(np.sum((total > 0) & (total < group.sums(trials))))
            if mixed < 3:
                return (
                    f"Only {mixed} levels of '{group.name}' hold both outcomes: under a flat prior the posterior is "
                    "improper."
                )
    return "A flat prior is not a distribution: it has no prediction, no evidence, and may have no posterior."
