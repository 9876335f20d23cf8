"""Log-densities of units whose effects are integrated out."""

from collections.abc import Callable, Sequence

import numpy as np

from bayesmixed.cross_validation.integrated_rows import integrate_smallest
from bayesmixed.cross_validation.left_out_units import LeftOutUnits
from bayesmixed.cross_validation.normal_units import has_sums, is_normal, normal_rows, normal_unit, unit_rows
from bayesmixed.cross_validation.row_densities import likelihood_at, row_logs
from bayesmixed.cross_validation.units import OBSERVATION
from bayesmixed.errors import SpecError, enumerate_words, warn
from bayesmixed.families.links import Array
from bayesmixed.gauss_hermite import SURER_NODES
from bayesmixed.integration.bracketed_integrals import EVALUATIONS, integrate_bracketed
from bayesmixed.integration.layers import Integers, Layer, sum_rows
from bayesmixed.integration.nested_quadrature import (
    SHRINKING,
    TOLERANCE,
    Etas,
    RowLogs,
    check_layers,
    explain_refusal,
    integrate_doubting,
)
from bayesmixed.terms.block_parts import lies_in

MOST_WORK = 1e9
"""Rows times evaluations, half a minute, that integrals in one direction after the other may take."""
_MOST_DIRECTIONS = 2
_MANY = 0.1
"""Share of sets in doubt from which on all are integrated anew at once."""


def unit_logs(units_out: LeftOutUnits, draws: int | None = None) -> Array:
    """Return the joint log-density of the rows of each unit, (S, J), its effects integrated out.

    Closed form for responses that are normal, or whose logarithm is, with identity link; quadrature otherwise, in
    compiled code where `draws`, if not all are given here, are much work.

    Raises
    ------
    SpecError
        A unit's effects are too many for quadrature.
    """
    if has_sums(units_out):
        return normal_rows(units_out).sums.densities
    if units_out.layers and is_normal(units_out):
        return np.stack([normal_unit(units_out, rows)[0] for rows in unit_rows(units_out)], axis=-1)
    check_layers(units_out.layers)
    if units_out.layers and units_out.design.residual is not None:
        raise SpecError(
            f"Effects of '{units_out.layers[0].names[0]}' cannot be integrated out beside correlated residuals "
            f"({units_out.design.residual.residual}) of family '{units_out.design.family.name}', only of normal ones. Take "
            f'unit="{OBSERVATION}".'
        )
    if not units_out.layers:
        return sum_rows(row_logs(units_out)(units_out.etas), units_out.units)
    return sum_rows(set_logs(units_out, draws=draws), lies_in(units_out.layers[0].index, units_out.units))


def set_logs(units_out: LeftOutUnits, keep: Array | None = None, draws: int | None = None) -> Array:
    """Return the joint log-density of the rows of each set of the first layer, (S, J), by quadrature.

    What the usual rules may miss by more than `TOLERANCE` is integrated again by finer rules, and then in one direction after
    the other; a warning names units for which this was not enough.

    Parameters
    ----------
    keep : (n,) array, optional
        0 for rows that count as unknown, 1 for others.
    """
    compiled = None
    if keep is None and not units_out.events:
        size = units_out.draws if draws is None else draws
        compiled = integrate_smallest(units_out, likelihood_at(units_out), size)
    keep = np.ones(len(units_out.rows)) if keep is None else keep
    rows, layers = compiled or (row_logs(units_out, keep), units_out.layers)
    logs, doubts = integrate_doubting(rows, units_out.etas, layers)
    index = units_out.layers[0].index
    if not layers:
        logs, doubts = sum_rows(logs, index), sum_rows(doubts, index)
    logs, doubts = np.array(logs), np.array(doubts)
    known, work = keep, MOST_WORK

    def again(draws: Integers, sets: Integers, work: float) -> float:
        own = np.flatnonzero(np.isin(index, sets))
        one = units_out.take(draws, own)

        def problem(some: Integers) -> tuple[RowLogs, Etas, Sequence[Layer]]:
            rest = one.take(some, np.arange(len(own)))
            return row_logs(rest, known[own]), rest.etas, rest.layers

        within = np.ix_(draws, sets)
        found, doubt, done = integrate_anew(problem, logs[within], work)
        better = doubt < doubts[within]
        logs[within], doubts[within] = np.where(better, found, logs[within]), np.where(better, doubt, doubts[within])
        return done

    lost = doubts > TOLERANCE
    draws_lost, sets_lost = np.flatnonzero(np.any(lost, axis=1)), np.flatnonzero(np.any(lost, axis=0))
    if np.sum(lost) > _MANY * len(draws_lost) * len(sets_lost):
        again(draws_lost, sets_lost, 0.0)
    for j in np.flatnonzero(np.any(doubts > TOLERANCE, axis=0)):
        work -= again(np.flatnonzero(doubts[:, j] > TOLERANCE), np.array([j]), work)
    tell_doubts(units_out.layers, units_out.units, units_out.labels, doubts)
    return logs


def integrate_anew(
    problem: Callable[[Integers], tuple[RowLogs, Etas, Sequence[Layer]]], coarse: Array, work: float
) -> tuple[Array, Array, float]:
    """Return log-densities of sets, (S, J), by how many nats they may be off, and the work that slow integrals took.

    Parameters
    ----------
    problem : callable
        What is integrated at some of the S draws, or at all whichever are asked for.
    coarse : (S, J) array
        What the usual rules give.
    """
    lost, logs = np.arange(len(coarse)), coarse.copy()
    doubts, changes = np.full(coarse.shape, np.inf), np.full(coarse.shape, np.inf)
    rows, etas, layers = problem(lost)
    directions = sum(layer.width for layer in layers)

    def of_lost(values: Array) -> Array:
        return values[lost] if len(values) == len(coarse) else values

    for nodes in SURER_NODES.get(directions, ()):
        found, doubt = (of_lost(values) for values in integrate_doubting(rows, etas, layers, nodes=nodes))
        before, changes[lost] = changes[lost], np.abs(found - logs[lost])
        doubts[lost] = np.minimum(doubt, SHRINKING * np.maximum(before, changes[lost]))
        logs[lost] = found
        lost = np.flatnonzero(np.any(doubts > TOLERANCE, axis=1))
        if len(lost) == 0:
            return logs, doubts, 0.0
        rows, etas, layers = problem(lost)
    done = float(next(iter(etas.values())).size) * float(EVALUATIONS) ** directions
    if done > work or directions > _MOST_DIRECTIONS:
        return logs, doubts, 0.0
    found, doubt = (of_lost(values) for values in integrate_bracketed(rows, etas, layers))
    better = doubt < doubts[lost]
    logs[lost], doubts[lost] = np.where(better, found, logs[lost]), np.where(better, doubt, doubts[lost])
    return logs, doubts, done


def tell_doubts(layers: Sequence[Layer], units: Integers, labels: Sequence[object], doubts: Array) -> None:
    """Warn of units whose integrals may be off, from doubts of the sets of the first layer, the unit of each row and names of
    units."""
    sets = np.flatnonzero(np.any(doubts > TOLERANCE, axis=0))
    if len(sets) == 0:
        return
    own = np.unique(lies_in(layers[0].index, units)[sets])
    named = enumerate_words([labels[unit] if labels else unit + 1 for unit in own])
    names = " and ".join(dict.fromkeys(name for layer in layers for name in layer.names))
    warn(
        f"Integrals over effects ({names}) may be off by more than {TOLERANCE:g} nats for {named}, at "
        f"{np.mean(np.any(doubts > TOLERANCE, axis=1)):.1%} of the draws: the SDs there are so large that densities are cut off "
        f"within a small part of them. Give SDs a narrower prior (bm.prior_table shows them), or take fewer effects of a level."
    )


def can_integrate(units_out: LeftOutUnits) -> bool:
    """Return whether `unit_logs` can integrate the effects of the units out."""
    closed = is_normal(units_out) or not units_out.layers
    return closed or (units_out.design.residual is None and not explain_refusal(units_out.layers))
