"""Values of columns that are not known exactly, given all but the response: they leave with their row."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import xarray as xr

from bayesmixed.design.design import Design
from bayesmixed.design.latent_columns import LatentColumn
from bayesmixed.draws.event_draws import event_chance
from bayesmixed.draws.kept import values_of
from bayesmixed.draws.linear_predictors import predictor_given_effects
from bayesmixed.families.links import Array
from bayesmixed.integration.layers import Integers, Source
from bayesmixed.terms.drawn_values import DrawnValues
from bayesmixed.terms.predictors import Predictor


@dataclass(frozen=True, slots=True)
class UnknownColumn:
    """Normal distributions of the values of a column under its own model, and given what was measured.

    Attributes
    ----------
    latent : LatentColumn
    centre, sd : (chain, draw, n) array
        In rows whose value is known its guess, and 0.
    """

    latent: LatentColumn
    centre: Array
    sd: Array


def unknown_columns(columns: Sequence[LatentColumn], posterior: xr.Dataset) -> dict[str, UnknownColumn]:
    """Return the columns whose values are normal given all but the response, by the name of their draws."""
    return {one.imputed: _given_measured(one, posterior) for one in columns if one.design.family.is_normal}


def leaving_columns(design: Design) -> list[LatentColumn]:
    """Return the columns of `value_sources`, in their order."""
    used = {one.name for p in design.predictors.values() for one in p.drawn if isinstance(one, DrawnValues)}
    return [one for one in design.latent if one.design.family.is_normal and one.imputed in used]


def _given_measured(latent: LatentColumn, posterior: xr.Dataset) -> UnknownColumn:
    own: Design = latent.design
    values = {name: p.link.inverse(predictor_given_effects(p, posterior)) for name, p in own.predictors.items()}
    centre, variance = values["mu"], values["sigma"] ** 2
    if latent.error is not None:
        share = variance / (variance + latent.error**2)
        centre, variance = centre + share * (latent.guess - centre), share * latent.error**2
    return UnknownColumn(
        latent, np.where(latent.missing, centre, latent.guess), np.sqrt(np.where(latent.missing, variance, 0.0))
    )


@dataclass(frozen=True, slots=True)
class Events:
    """What missing events of rows may have been: one combination of these.

    Attributes
    ----------
    log_chance : (S, n) array
        Logarithm of its probability in each row, given all but the response; -inf where an event is known to differ.
    moves : mapping of (S, n) arrays
        How far it moves the predictors.
    """

    log_chance: Array
    moves: Mapping[str, Array]

    def moved(self, etas: Mapping[str, Array]) -> dict[str, Array]:
        """Return the predictors with these events."""
        return {name: eta + self.moves[name] if name in self.moves else eta for name, eta in etas.items()}

    def take(self, draws: Integers, rows: Integers) -> "Events":
        """Return the same events in some rows at some draws."""
        shape = self.log_chance.shape
        moves = {name: np.broadcast_to(own, shape)[np.ix_(draws, rows)] for name, own in self.moves.items()}
        return Events(self.log_chance[np.ix_(draws, rows)], moves)


def possible_events(
    columns: Sequence[LatentColumn], predictors: Mapping[str, Predictor], posterior: xr.Dataset
) -> tuple[Events, ...]:
    """Return the combinations of missing events, none where none are missing."""
    columns = [one for one in columns if one.summed]
    if not columns:
        return ()
    draws = posterior.sizes["chain"] * posterior.sizes["draw"]
    chances = [event_chance(one, posterior).reshape(draws, -1) for one in columns]
    found = []
    for events in product((0, 1), repeat=len(columns)):
        total, moves = np.zeros((draws, len(columns[0].missing))), dict[str, Array]()
        for one, chance, event in zip(columns, chances, events, strict=True):
            with np.errstate(divide="ignore"):
                own = np.log(chance if event else 1.0 - chance)
            total = total + np.where(one.missing, own, np.where(one.guess == event, 0.0, -np.inf))
            for name, predictor in predictors.items():
                for drawn in (drawn for drawn in predictor.drawn if drawn.name == one.imputed):
                    assert isinstance(drawn, DrawnValues)
                    rate = drawn.rates(values_of(posterior, predictor.beta)).reshape(draws, -1)
                    moves[name] = moves.get(name, np.zeros(())) + rate * np.where(one.missing, event - one.guess, 0.0)
        found.append(Events(total, moves))
    return tuple(found)


def without_drawn(
    predictor: Predictor, unknown: Mapping[str, UnknownColumn], posterior: xr.Dataset, events: Collection[str]
) -> tuple[Predictor, Array]:
    """Return a predictor without the drawn values of some columns and without events, and what the values are expected to add,
    (chain, draw, n) or 0."""
    kept = replace(predictor, drawn=tuple(one for one in predictor.drawn if one.name not in {*unknown, *events}))
    moved = [
        one.rates(values_of(posterior, predictor.beta)) * (unknown[one.name].centre - one.guess)
        for one in predictor.drawn
        if isinstance(one, DrawnValues) and one.name in unknown
    ]
    return kept, np.asarray(sum(moved, np.zeros(())))


def value_sources(
    predictors: Mapping[str, Predictor], unknown: Mapping[str, UnknownColumn], posterior: xr.Dataset
) -> Iterator[tuple[str, Integers, Source]]:
    """Yield what unknown values add to the predictors of their rows: column, sets of single rows, loadings."""
    for name, column in unknown.items():
        loadings: dict[str, Array] = {}
        for parameter, predictor in predictors.items():
            for one in predictor.drawn:
                if not isinstance(one, DrawnValues) or one.name != name:
                    continue
                own = one.rates(values_of(posterior, predictor.beta)) * column.sd
                loadings[parameter] = own.reshape(-1, own.shape[-1], 1)
        if loadings:
            first = next(iter(loadings))
            yield column.latent.column, np.arange(column.sd.shape[-1]), Source(first, loadings.pop(first), loadings)
