"""Units left out by weights of the draws, some at a time."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesmixed.cross_validation.importance_weights import SAMPLED, relative_efficiency, smooth_columns
from bayesmixed.cross_validation.row_pieces import RowPredictions
from bayesmixed.draws.pieces import are_kept
from bayesmixed.families.links import Array

_SEEDS = 50
"""Units of very many for whose sake some are predicted first, to find the efficiency of the draws."""


@dataclass(frozen=True, slots=True)
class Weighted:
    """What draws say about some rows or units, and the weights with which they do without each.

    Attributes
    ----------
    predicted : RowPredictions
    log_weights : (S, m) array
        Smoothed, their exponentials add up to 1.
    pareto_k : (m,) array
    """

    predicted: RowPredictions
    log_weights: Array
    pareto_k: Array

    @property
    def rows(self) -> NDArray[np.intp]:
        """Numbers of the rows or units."""
        return self.predicted.rows


def weigh(
    predict: Callable[[NDArray[np.bool_] | None], Iterator[RowPredictions]],
    posterior: xr.Dataset,
    count: int,
    each: int = 1,
) -> Iterator[Weighted]:
    """Yield rows or units with their weights, some at a time.

    Parameters
    ----------
    predict : callable
        Predictions of all, or of those wanted, (J,), and perhaps further ones.
    posterior : xarray.Dataset
        The draws.
    count : int
        Number J of rows or units.
    each : int
        Numbers that are predicted at each draw.

    Raises
    ------
    SpecError
        The draws are too few for the tail of a distribution.
    """
    chains = posterior.sizes["chain"]

    def by_chain(part: RowPredictions) -> Array:
        return part.log.reshape(chains, -1, part.log.shape[-1])

    if are_kept(posterior, count * each):
        found: Iterable[RowPredictions] = list(predict(None))
        sampled = np.arange(0, count, max(1, count // SAMPLED))
        chosen = np.empty((chains, posterior.sizes["draw"], len(sampled)))
        for part in found:
            inside = np.isin(part.rows, sampled)
            chosen[..., np.searchsorted(sampled, part.rows[inside])] = by_chain(part)[..., inside]
    else:
        found = predict(None)
        seeds = np.zeros(count, dtype=bool)
        seeds[:: max(1, count // _SEEDS)] = True
        parts = [by_chain(part)[..., seeds[part.rows]] for part in predict(seeds)]
        chosen = np.concatenate(parts, axis=-1)
    efficiency = relative_efficiency(chosen)
    for part in found:
        yield Weighted(part, *smooth_columns(part.log, efficiency))
