"""Densities, distribution functions and moments of single rows, given what is known of them."""

from collections.abc import Callable

import numpy as np
from scipy import special

from bayesmixed.cross_validation.left_out_units import LeftOutUnits
from bayesmixed.design.row_likelihoods import RowLikelihood, likelihood_of_rows
from bayesmixed.families import Family
from bayesmixed.families.links import Array
from bayesmixed.families.multinomial import as_responses
from bayesmixed.families.records import Values
from bayesmixed.integration.layers import Integers
from bayesmixed.integration.nested_quadrature import NOWHERE, Etas, RowLogs
from bayesmixed.terms.residual_blocks import ResidualBlock
from bayesmixed.terms.residual_rows import given_earlier, given_others


def row_values(units_out: LeftOutUnits, etas: Etas, rows: Integers | None = None) -> dict[str, Array]:
    """Return the parameters of the family, off their borders, at predictors (S, n) of all or some rows."""
    likelihood = likelihood_at(units_out, slice(None) if rows is None else rows)
    return likelihood.values(*_split(units_out, etas))


def row_logs(units_out: LeftOutUnits, keep: Array | float = 1.0) -> RowLogs:
    """Return the log-densities of the rows, weights included, as a function of the predictors; rows with keep 0 count as
    unknown."""
    likelihood = likelihood_at(units_out)
    if units_out.design.residual is not None:
        return _correlated_logs(units_out)

    def given_events(etas: Etas) -> Array:
        with np.errstate(all="ignore"):
            found = likelihood.log_density(*_split(units_out, etas))
        return np.nan_to_num(found, nan=NOWHERE, neginf=NOWHERE)

    def logs(etas: Etas) -> Array:
        if not units_out.events:
            return np.asarray(keep * given_events(etas))
        each = [one.log_chance + given_events(one.moved(etas)) for one in units_out.events]
        return np.asarray(keep * special.logsumexp(np.stack(each), axis=0))

    return logs


def _correlated_logs(units_out: LeftOutUnits) -> RowLogs:
    """Return the log-densities of rows, each given those of its group before it, as a function of the predictors."""
    (y, trials), family = response_of(units_out), units_out.design.family
    block = residual_of(units_out)

    def logs(etas: Etas) -> Array:
        values = row_values(units_out, etas)
        return family.logp(y, given_earlier(block, units_out.residual, family, values, y), trials)

    return logs


def residual_of(units_out: LeftOutUnits, rows: Integers | slice = slice(None)) -> ResidualBlock:
    """Return the groups within which residuals of rows are correlated."""
    assert units_out.design.residual is not None
    return units_out.design.residual.take(units_out.rows[rows])


def given_other_rows(units_out: LeftOutUnits) -> dict[str, Array]:
    """Return the parameters of each row given the other rows of the group within which its residual is correlated."""
    values, (y, _) = row_values(units_out, units_out.etas), response_of(units_out)
    return given_others(residual_of(units_out), units_out.residual, units_out.design.family, values, y)


def logs_given_others(units_out: LeftOutUnits) -> Array:
    """Return the log-density of each row given the other rows of its group, (S, n)."""
    y, trials = response_of(units_out)
    return units_out.design.family.logp(y, given_other_rows(units_out), trials)


def likelihood_at(units_out: LeftOutUnits, rows: Integers | slice = slice(None)) -> RowLikelihood:
    """Return the likelihood of all or some rows."""
    y, trials = response_of(units_out)
    return likelihood_of_rows(
        units_out.design,
        units_out.scalars,
        response=y[..., rows],
        trials=trials[rows],
        rows=units_out.rows[rows],
        rough=True,
    )


def _split(units_out: LeftOutUnits, etas: Etas) -> tuple[Array, Etas]:
    """Return the predictor of the first parameter, and those of the others."""
    first = units_out.design.mu.parameter
    return etas[first], {name: eta for name, eta in etas.items() if name != first}


def distribution_at(
    units_out: LeftOutUnits, points: Array, at: Integers, moments: bool = False
) -> Callable[[Etas], Array]:
    """Return P(Y <= point) of some rows as a function of the predictors, (M, S, m); after them the moments."""
    _, trials = response_of(units_out)
    family, wanted = units_out.design.family, points[:, units_out.rows[at]]

    def answers(etas: Etas) -> Array:
        if not units_out.events:
            return given_events({name: eta[:, at] for name, eta in etas.items()})
        each = [(np.exp(one.log_chance[:, at]), one.moved(etas)) for one in units_out.events]
        return sum(
            (chance * given_events({name: eta[:, at] for name, eta in moved.items()}) for chance, moved in each),
            np.zeros(()),
        )

    def given_events(etas: Etas) -> Array:
        values = row_values(units_out, etas, at)
        shape = next(iter(values[name] for name in etas)).shape
        found = [family.cdf(point, values, trials[at]) for point in wanted]
        found += list(moments_of(family, values, trials[at])) if moments else []
        return np.stack([np.broadcast_to(one, shape) for one in found])

    return answers


def moments_of(family: Family, values: Values, trials: Array) -> tuple[Array, Array, Array]:
    """Return E(Y), E(Y^2) and the square of E(Y)."""
    mean = family.mean(values, trials)
    square = np.square(mean)
    return mean, family.variance(values, trials) + square, square


def copies_of(units_out: LeftOutUnits) -> Array:
    """Return how many rows each row stands for, (n,)."""
    return units_out.design.observed.take(units_out.rows).row_counts


def response_of(units_out: LeftOutUnits) -> tuple[Array, Array]:
    """Return the response of the rows, (..., n), and their numbers of trials."""
    design = units_out.design
    y = as_responses(design.response)
    trials = np.broadcast_to(np.asarray(design.trials, dtype=float), y.shape[-1:])
    return y[..., units_out.rows], trials[units_out.rows]
