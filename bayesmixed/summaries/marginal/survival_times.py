"""Survival curves, and means of times that are restricted to a horizon."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from bayesmixed.arguments import pools
from bayesmixed.display.estimates import Estimates, as_estimates
from bayesmixed.errors import SpecError
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.prediction.predictions import predict_function
from bayesmixed.summaries.marginal.grids import Grid, asked_values, existing_groups, make_grid, split_by

_POINTS, _NODES = 60, 100
_LARGEST, _FEWEST = 4e6, 400
"""Draws are thinned to that many numbers, but to no fewer draws."""


@pools
def survival(
    fit: Fit,
    times: Sequence[float] | float | None = None,
    *,
    by: str | Sequence[str] | None = None,
    at: Mapping[str, Any] | None = None,
    groups: str | Mapping[str, str] = "average",
    seed: int | None = None,
) -> Estimates:
    """Return survival curves: the probability that a time, or another positive response, is larger than each of some numbers.

    Parameters
    ----------
    fit : Fit
        A model of positive responses, such as `weibull`, `exponential`, `lognormal` or `gamma`, with or without censored rows.
    times : number or sequence, optional
        In the unit of the response; 60 of them, from 0 to the largest response, if not given.
    by : str or list, optional
        Columns for each combination of whose values there is a curve, "B" or "B:C" or ["B", "C"], as in `marginal_means`.
    at : mapping, optional
        Values of columns: {"age": [40, 60]}.
    groups : str or mapping
        As in `predict`. By default probabilities are averaged over all groups: the curve of the population, which falls
        faster at first and more slowly later than that of a typical group.
    seed : int, optional
        For groups "new".

    Returns
    -------
    Estimates
        A row for each time and curve. Factors that are not named are averaged over with equal weights, numbers are held at
        their means. For a picture: `plot_survival`.

    Raises
    ------
    SpecError
        The response is not positive and continuous; no such column or mode; a negative time.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = {"time": [1.5, 2.5, 1, 4, 3, 4], "arm": list("aaabbb")}
    >>> fit = bm.fit("time ~ arm", data, family="exponential", draws=100, seed=1, progress=False)
    >>> curves = bm.survival(fit, [0, 2], by="arm")
    >>> curves.table[["arm", "time", "mean"]].query("time == 0").to_numpy().tolist()
    [['a', 0.0, 1.0], ['b', 0.0, 1.0]]
    >>> curves.quantity
    'probability that time is larger'
    """
    points = _points(fit, times)

    def above(values: Mapping[str, Array]) -> Array:
        return np.stack([_survival(fit, point, values) for point in points])

    return _estimate(fit, "Survival", "time", above, "probability that {} is larger", points, by, at, groups, seed)


@pools
def restricted_mean(
    fit: Fit,
    until: Sequence[float] | float,
    *,
    by: str | Sequence[str] | None = None,
    at: Mapping[str, Any] | None = None,
    groups: str | Mapping[str, str] = "average",
    seed: int | None = None,
) -> Estimates:
    """Return the restricted mean survival time: the mean of the time or a horizon, whichever is smaller.

    It is the area below the survival curve up to the horizon, has a mean whatever the family and the groups, and says little
    about what lies beyond the data (Royston & Parmar 2013, BMC Med Res Methodol 13:152).

    Parameters
    ----------
    fit, by, at, groups, seed
        As in `survival`.
    until : number or sequence
        The horizon, in the unit of the response.

    Returns
    -------
    Estimates
        A row for each horizon and combination, in the unit of the response.

    Raises
    ------
    SpecError
        As `survival`.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = {"time": [1.5, 2.5, 1, 4, 3, 4], "arm": list("aaabbb")}
    >>> fit = bm.fit("time ~ arm", data, family="exponential", draws=100, seed=1, progress=False)
    >>> mean = bm.restricted_mean(fit, 4)
    >>> 1 < mean.table["mean"].item() < 4
    True
    """
    points = _points(fit, until)
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    # Nodes are dense near 0, where survival curves may be steep: t = horizon v^4.
    steps = 0.5 * (1.0 + nodes)
    places, shares = steps**4, 2.0 * weights * steps**3

    def area(values: Mapping[str, Array]) -> Array:
        return np.stack(
            [
                sum(
                    point * share * _survival(fit, point * place, values)
                    for place, share in zip(places, shares, strict=True)
                )
                for point in points
            ]
        )

    return _estimate(
        fit,
        "Restricted mean",
        "until",
        area,
        "mean of {}, or of until where that is smaller",
        points,
        by,
        at,
        groups,
        seed,
    )


def _survival(fit: Fit, point: float, values: Mapping[str, Array]) -> Array:
    """Return the probability of a response above a number, for parameters (chain, draw, row)."""
    found = 1.0 - fit.design.spec.family_record.cdf(np.asarray(point), values, 1.0)
    return np.broadcast_to(found, np.broadcast_shapes(*(np.shape(value) for value in values.values())))


def _points(fit: Fit, given: Sequence[float] | float | None) -> Array:
    """Return the numbers that are asked for (SpecError)."""
    family = fit.design.spec.family_record
    if family.discrete or family.accepts(np.array([-1.0]), 1.0)[0] or not family.accepts(np.array([2.0]), 1.0)[0]:
        raise SpecError(
            f"Survival curves are of positive continuous responses, as those of weibull or lognormal; family '{family.name}' "
            f"has {family.support}. bm.predict(fit, kind='response') draws responses of any family."
        )
    if given is None:
        return np.linspace(0.0, float(np.max(np.asarray(fit.design.response))), _POINTS)
    points = np.atleast_1d(np.asarray(given, dtype=float))
    if not len(points) or not np.all(np.isfinite(points) & (points >= 0)):
        raise SpecError(f"{given!r} are no times: give finite numbers from 0 on.")
    return points


def _estimate(
    fit: Fit,
    title: str,
    label: str,
    function: Callable[[Mapping[str, Array]], Array],
    what: str,
    points: Array,
    by: str | Sequence[str] | None,
    at: Mapping[str, Any] | None,
    groups: str | Mapping[str, str],
    seed: int | None,
) -> Estimates:
    names = split_by(by, fit.design)
    grid = make_grid(fit, asked_values(fit, names, at), at, existing_groups(fit.design, groups))
    column = label + "_" * (label in names)
    before = " (before it is truncated)" if fit.design.spec.truncation is not None else ""
    said = f"{what.format(fit.design.spec.response)}{before}"
    fitting = max(int(_LARGEST // (len(points) * grid.rows.rows)), _FEWEST)
    found = predict_function(fit, grid.rows, function, said, groups=groups, draws=fitting, seed=seed)
    means = _over_cells(found, grid)
    cells = grid.cells.loc[np.repeat(grid.cells.index, len(points))].reset_index(drop=True)
    labels = cells.assign(**{column: np.tile(points, len(grid.cells))})
    title = f"{title}{f' by {chr(58).join(names)}' if names else ''}"
    return as_estimates(title, str(found.attrs["estimand"]), grid.notes, labels, means)


def _over_cells(found: xr.DataArray, grid: Grid) -> xr.DataArray:
    """Return draws (chain, draw, point, row) averaged over the rows of each cell, (chain, draw, row): points within cells."""
    counts = np.diff([*grid.starts, grid.rows.rows])
    means = np.swapaxes(np.add.reduceat(found.values, grid.starts, axis=-1) / counts, 2, 3)
    coords = {name: found[name] for name in ("chain", "draw")}
    return xr.DataArray(means.reshape(*means.shape[:2], -1), dims=("chain", "draw", "row"), coords=coords)
