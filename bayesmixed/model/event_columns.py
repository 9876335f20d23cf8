"""Missing events in a PyMC model: each row with some is a mixture over what they may have been."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayesmixed.design.design import Design
from bayesmixed.design.latent_columns import EventPattern, event_patterns
from bayesmixed.families.multinomial import as_numbers


@dataclass(frozen=True, slots=True)
class EventVariable:
    """A column of events in a PyMC model.

    Attributes
    ----------
    guess : (n,) array
        Events in the columns of the design.
    chance : (n,) variable
        Probability of the event in each row.
    """

    guess: Any
    chance: Any


def declare_events(latent: Any, chance: Any) -> EventVariable:
    """Declare the model of a column of events on the rows where they are known."""
    import pymc as pm

    known = np.flatnonzero(~latent.missing)
    pm.Bernoulli(f"observed_{latent.column}", chance[known], observed=latent.guess[known].astype(np.int64))
    return EventVariable(latent.guess, chance)


@dataclass(frozen=True, slots=True)
class Rows:
    """What the likelihood of rows with missing events is made of.

    Attributes
    ----------
    values : mapping
        Parameters of the family, at the events in the columns of the design.
    etas : mapping
        Linear predictors of those that have one.
    rates : mapping of mappings
        By column and parameter: how much the predictor changes if an event takes place.
    events : mapping of EventVariable
        By column.
    """

    values: Mapping[str, Any]
    etas: Mapping[str, Any]
    rates: Mapping[str, Mapping[str, Any]]
    events: Mapping[str, EventVariable]


def sum_events(design: Design, found: Rows) -> tuple[Design, dict[str, Any]]:
    """Add the likelihood of rows with missing events to the model, and return the design of the other rows with the values of
    their parameters."""
    import pymc as pm
    import pytensor.tensor as pt

    patterns = event_patterns(design)
    terms = [pt.logsumexp(pt.stack(_logs(design, found, pattern)), axis=0).sum() for pattern in patterns]
    pm.Potential("rows_with_missing_events", pt.sum(pt.stack(terms)))
    other = np.setdiff1d(np.arange(design.rows), np.concatenate([pattern.rows for pattern in patterns]))
    rest = replace(design, observed=design.observed.take(other))
    return rest, rest.in_rows({name: _take(value, other) for name, value in found.values.items()})


def _logs(design: Design, found: Rows, pattern: EventPattern) -> list[Any]:
    """Return the log-density of rows and their events, by combination of events."""
    import pytensor.tensor as pt

    rows = pattern.rows
    part = replace(design, observed=design.observed.take(rows))
    logs = []
    for events in pattern.combinations:
        etas = {name: eta[rows] for name, eta in found.etas.items()}
        chance: Any = 0.0
        for column, event in zip(pattern.columns, events, strict=True):
            own = found.events[column]
            for name, rate in found.rates[column].items():
                etas[name] = etas[name] + rate[rows] * (event - own.guess[rows])
            chance = chance + pt.log(own.chance[rows] if event else 1.0 - own.chance[rows])
        values = {name: _take(value, rows) for name, value in found.values.items()}
        values |= {name: design.predictors[name].link.pytensor_inverse(eta) for name, eta in etas.items()}
        logs.append(chance + row_densities(part, part.in_rows(values)))
    return logs


def row_densities(design: Design, values: Mapping[str, Any]) -> Any:
    """Return the log-density of each row of the response, (n,)."""
    import pymc as pm

    family, y, trials = design.family, as_numbers(design.response), design.trials
    if family.discrete:
        y, trials = y.astype(np.int64), np.asarray(trials).astype(np.int64)
    if family.pytensor_logp is not None:
        return family.pytensor_logp(y, values, trials)
    return pm.logp(getattr(pm, family.distribution).dist(**family.arguments(values, trials)), y)


def _take(value: Any, rows: Any) -> Any:
    """Return the values of some rows of a parameter; one that all rows share is returned as it is."""
    return value[rows] if getattr(value, "ndim", 0) else value
