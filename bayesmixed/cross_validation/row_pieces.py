"""Predictions of rows, some whole units at a time, so that no array has all draws of all rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesmixed.draws.pieces import most_rows, split_draws
from bayesmixed.families.links import Array
from bayesmixed.integration.layers import Integers


@dataclass(frozen=True, slots=True)
class RowPredictions:
    """What each draw says about some rows, given the other rows.

    Attributes
    ----------
    rows : (m,) integer array
    log : (S, m) array
        Log-density at the response.
    distribution : (M, S, m) array
        P(Y <= point) at the M points that were asked for.
    moments : (3, S, m) array
        E(Y), E(Y^2), and E(m^2) of the row's mean m given all effects; (0, S, m) unless asked for.
    """

    rows: Integers
    log: Array
    distribution: Array
    moments: Array


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of each row besides its density.

    Attributes
    ----------
    points : (M, n) array
        Where the distribution function of each row is wanted; M can be 0.
    moments : bool
        Whether the moments of each row are wanted.
    """

    points: Array
    moments: bool = False

    @property
    def nothing(self) -> bool:
        """Whether the density alone is wanted."""
        return not (len(self.points) or self.moments)


Predict = Callable[[xr.Dataset, Integers], RowPredictions]


def in_pieces(
    posterior: xr.Dataset, wanted: NDArray[np.bool_], units: Integers, predict: Predict
) -> Iterator[RowPredictions]:
    """Yield predictions of some rows, some whole units at a time."""
    for rows in whole_units(np.flatnonzero(wanted), units, most_rows(posterior)):
        yield by_draws(posterior, rows, predict)


def by_draws(posterior: xr.Dataset, rows: Integers, predict: Predict) -> RowPredictions:
    """Return predictions of some rows; of more than fit into memory at all draws, some draws at a time."""
    chains = posterior.sizes["chain"]
    parts = [predict(part, rows) for part in split_draws(posterior, len(rows))]
    if len(parts) == 1:
        return parts[0]

    def join(pieces: list[Array]) -> Array:
        split = [p.reshape(*p.shape[:-2], chains, p.shape[-2] // chains, p.shape[-1]) for p in pieces]
        joined = np.concatenate(split, axis=-2)
        return joined.reshape(*joined.shape[:-3], chains * joined.shape[-2], joined.shape[-1])

    return RowPredictions(
        parts[0].rows,
        join([part.log for part in parts]),
        join([part.distribution for part in parts]),
        join([part.moments for part in parts]),
    )


def whole_units(rows: Integers, units: Integers, most: int) -> Iterator[Integers]:
    """Yield some of the rows, (m,), whole units, at most so many at a time, but at least one unit; `units` has that of every row
    of the design."""
    if len(rows) == 0:
        return
    rows = rows[np.argsort(units[rows], kind="stable")]
    ends = np.append(np.flatnonzero(np.diff(units[rows])) + 1, len(rows))
    start = 0
    while start < len(rows):
        place = int(np.searchsorted(ends, start + most, side="right")) - 1
        end = int(ends[place]) if place >= 0 and ends[place] > start else int(ends[place + 1])
        yield rows[start:end]
        start = end
