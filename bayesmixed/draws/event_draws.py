"""Missing events, drawn exactly given the parameters of each draw and the response."""

from dataclasses import replace

import numpy as np
import xarray as xr

from bayesmixed.design.design import Design
from bayesmixed.design.latent_columns import EventPattern, LatentColumn, event_patterns
from bayesmixed.design.row_likelihoods import likelihood_of_rows
from bayesmixed.draws.kept import values_of
from bayesmixed.draws.linear_predictors import predictor_given_effects
from bayesmixed.families.links import Array
from bayesmixed.terms.drawn_values import DrawnValues


def draw_events(design: Design, posterior: xr.Dataset, generator: np.random.Generator) -> xr.Dataset:
    """Return a posterior with the missing events of each draw, those of a row together."""
    summed = {one.column: one for one in design.latent if one.summed}
    if not summed:
        return posterior
    shape = (posterior.sizes["chain"], posterior.sizes["draw"])
    drawn = {name: np.empty((*shape, int(one.missing.sum()))) for name, one in summed.items()}
    for pattern in event_patterns(design):
        logs = event_logs(design, posterior, pattern)
        weights = np.cumsum(np.exp(logs - logs.max(axis=0)), axis=0)
        chosen = np.sum(generator.random(logs.shape[1:]) * weights[-1] >= weights, axis=0)
        events = np.array(pattern.combinations)[np.minimum(chosen, len(logs) - 1)]
        for place, name in enumerate(pattern.columns):
            own = np.cumsum(summed[name].missing)[pattern.rows] - 1
            drawn[name][..., own] = events[..., place]
    new = {one.imputed: (("chain", "draw", one.dim), drawn[name]) for name, one in summed.items()}
    return posterior.assign(new).assign_coords({one.dim: one.rows for one in summed.values()})


def event_logs(design: Design, posterior: xr.Dataset, pattern: EventPattern) -> Array:
    """Return the log-density of rows of one pattern and their events, (combination, chain, draw, row)."""
    rows, summed = pattern.rows, {one.column: one for one in design.latent if one.summed}
    names = {one.imputed: column for column, one in summed.items()}
    chances = {name: event_chance(summed[name], posterior)[..., rows] for name in pattern.columns}
    etas, rates = {}, dict[str, dict[str, Array]]()
    for parameter, predictor in design.predictors.items():
        own = predictor.take(rows)
        kept = replace(own, drawn=tuple(one for one in own.drawn if one.name not in names))
        etas[parameter] = predictor_given_effects(kept, posterior)
        for one in own.drawn:
            if isinstance(one, DrawnValues) and names.get(one.name) in pattern.columns:
                rates.setdefault(names[one.name], {})[parameter] = one.rates(values_of(posterior, predictor.beta))
    scalars = {name: value.values[..., None] for name, value in design.scalar_draws(posterior).items()}
    likelihood = likelihood_of_rows(design, scalars, rows=rows)
    first, found = design.mu.parameter, []
    for events in pattern.combinations:
        moved, total = dict(etas), np.zeros(())
        for column, event in zip(pattern.columns, events, strict=True):
            for parameter, rate in rates.get(column, {}).items():
                moved[parameter] = moved[parameter] + rate * (event - summed[column].guess[rows])
            with np.errstate(divide="ignore"):
                total = total + np.log(chances[column] if event else 1.0 - chances[column])
        further = {name: eta for name, eta in moved.items() if name != first}
        found.append(total + likelihood.log_density(moved[first], further))
    return np.stack(np.broadcast_arrays(*found))


def event_chance(latent: LatentColumn, posterior: xr.Dataset) -> Array:
    """Return the probability of the event in each row, (chain, draw, n)."""
    own: Design = latent.design
    return own.mu.link.inverse(predictor_given_effects(own.mu, posterior))
