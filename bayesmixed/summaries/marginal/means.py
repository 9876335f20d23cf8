"""Marginal means and conditional effects: what a model expects over the values of some columns."""

from collections.abc import Mapping, Sequence
from typing import Any

from bayesmixed.arguments import pools
from bayesmixed.display.estimates import Estimates, as_estimates
from bayesmixed.errors import SpecError
from bayesmixed.fits.fitting import Fit
from bayesmixed.summaries.marginal.estimable import find_estimable, name_cell
from bayesmixed.summaries.marginal.grids import (
    asked_values,
    existing_groups,
    grid_draws,
    make_grid,
    split_by,
    split_effect,
)
from bayesmixed.summaries.marginal.ratios import GEOMETRIC

_POINTS = 60


@pools
def marginal_means(
    fit: Fit,
    effect: str,
    *,
    by: str | Sequence[str] | None = None,
    at: Mapping[str, Any] | None = None,
    kind: str = "mean",
    groups: str | Mapping[str, str] = "average",
    seed: int | None = None,
) -> Estimates:
    """Return the mean at each combination of levels, averaged over everything else.

    Factors that are not named are averaged over with equal weights, numbers are held at their means, and groups are
    integrated out, on the scale of `kind`. With kind "linear" these are the estimated marginal means of R's emmeans;
    with groups "typical" those of a group without effects, as brms shows them.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    effect : str
        One column or several: "A", "A:B". A number is taken at its values if there are at most three, else at
        mean - sd, mean, mean + sd, unless `at` says where.
    by : str or list, optional
        Means within each value of these columns, "B" or "B:C" or ["B", "C"]; the same cells as those of "B:A".
    at : mapping, optional
        Values of columns: {"Days": [0, 5]}.
    kind : str
        As in `predict`, but for "response"; "probability" gives a row for each category of an ordered response. For
        the logarithm of a response, log(y) ~ ..., and for family lognormal also "geometric_mean": the mean of the
        logarithm, averaged over all else, taken back to the scale of y, where it is the median if logarithms are normal.
        The arithmetic mean of y is larger: "mean" of family lognormal.
    groups : str or mapping
        As in `predict`. With "existing" the mean runs over the groups of the data.
    seed : int, optional
        For groups "new": one new group for all rows.

    Returns
    -------
    Estimates
        Print it: it says what was estimated and averaged over. The attribute "table" is a data frame, "draws" has the
        draws. Cells that include a combination of levels without rows (`empty_cells` of the spec) are not estimable: a note
        names them.

    Raises
    ------
    SpecError
        No such column, kind or mode.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> bm.marginal_means(fit, "period").table[["period", "mean", "sd"]].round(2)
      period  mean    sd
    0      1  0.22  0.04
    1      2  0.10  0.03
    2      3  0.09  0.03
    3      4  0.06  0.03
    """
    names = dict.fromkeys((*split_by(by, fit.design), *split_effect(effect, fit.design)))
    title = f"Marginal means of {effect}{_say_by(by, fit)}"
    return _estimate(fit, title, asked_values(fit, names, at), at, kind, groups, seed)


@pools
def conditional_effects(
    fit: Fit,
    effect: str,
    *,
    by: str | Sequence[str] | None = None,
    at: Mapping[str, Any] | None = None,
    kind: str = "mean",
    groups: str | Mapping[str, str] = "average",
    seed: int | None = None,
) -> Estimates:
    """Return what is expected over the values of one column, for the values of another one.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    effect : str
        "x", or "x:by". x runs over the range of the data, the levels of a factor or the values of a number that has two;
        `by` takes the values that `marginal_means` takes. A grouping column needs groups="existing".
    by : str or list, optional
        Further columns, for each value of which the effect is shown, "B" or "B:C" or ["B", "C"].
    at, kind, groups, seed
        As in `marginal_means`; other factors are averaged over with equal weights.

    Returns
    -------
    Estimates
        For a picture: `plot_conditional_effects`.

    Raises
    ------
    SpecError
        No such column, kind or mode; more than two columns.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> bm.conditional_effects(fit, "period", groups="typical").table[["period", "mean", "sd"]].round(2)
      period  mean    sd
    0      1  0.20  0.04
    1      2  0.09  0.03
    2      3  0.08  0.02
    3      4  0.05  0.02
    """
    names = split_effect(effect, fit.design)
    if len(names) > 2:
        raise SpecError(f"'{effect}' has {len(names)} columns; a picture shows x and by: '{names[0]}:{names[1]}'.")
    further = [name for name in (*names[1:], *split_by(by, fit.design)) if name != names[0]]
    asked = asked_values(fit, names[:1], at, _POINTS) | asked_values(fit, further, at)
    return _estimate(fit, f"Conditional effect of {effect}{_say_by(by, fit)}", asked, at, kind, groups, seed)


def _say_by(by: str | Sequence[str] | None, fit: Fit) -> str:
    return f" by {':'.join(split_by(by, fit.design))}" if by else ""


def _estimate(
    fit: Fit,
    title: str,
    asked: Mapping[str, list[Any]],
    at: Mapping[str, Any] | None,
    kind: str,
    groups: str | Mapping[str, str],
    seed: int | None,
) -> Estimates:
    grid = make_grid(fit, asked, at, existing_groups(fit.design, groups))
    draws = grid_draws(fit, grid, kind, groups, seed)
    told, lost = find_estimable(
        grid.rows, grid.starts, None, kind, lambda cell: name_cell(grid.cells, cell), product=kind == GEOMETRIC
    )
    mean = bool(draws.attrs["has_mean"])
    notes = (*grid.notes, *lost)
    return as_estimates(title, draws.attrs["estimand"], notes, grid.cells[told], draws[..., told], mean=mean)
