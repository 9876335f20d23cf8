"""The share of the variance that lies between groups, as a curve over a covariate."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesmixed.arguments import takes_drawn_values
from bayesmixed.design.design import Design
from bayesmixed.design.structures import fixed_places
from bayesmixed.display.result_tables import as_result
from bayesmixed.display.tables import labelled
from bayesmixed.errors import DataError, SpecError, check_choice, did_you_mean
from bayesmixed.families.records import refuse_categories
from bayesmixed.fits.fitting import Fit
from bayesmixed.formulas.group_means import ANY
from bayesmixed.formulas.names import formula_columns
from bayesmixed.preparation.data_files import take_table
from bayesmixed.preparation.new_rows import replay_rows
from bayesmixed.preparation.open_rows import refuse_open_rows
from bayesmixed.summaries.variance.components import residual_of_rows
from bayesmixed.summaries.variance.group_moments import (
    PredictorParts,
    few_for_latent,
    on_latent_scale,
    response_moments,
    shared_covariance,
    take_apart,
    thin_for,
)
from bayesmixed.summaries.variance.intraclass import latent_name, notes_of_limits
from bayesmixed.tables.factors import as_label, is_number
from bayesmixed.terms.contract import LEVELS

SCALES = ("latent", "data")
_POINTS = 25


@takes_drawn_values(tables="columns")
def vpc_curve(
    fit: Fit,
    column: str | None = None,
    *,
    scale: str = "latent",
    data: Any = None,
    na: str | float | Iterable[str | float] = (),
) -> pd.DataFrame:
    """Return the share of the variance that each grouping factor contributes, over the values of a covariate.

    With random slopes the variance between groups is z' Sigma z, a parabola in the covariate, and so the variance
    partition coefficient z' Sigma z / (total variance) is a curve; it does not depend on where x is centred.

    Parameters
    ----------
    fit : Fit
        With at least one grouping factor.
    column : str, optional
        A column of numbers; by default the first one in a group term. Other measured columns are held at their mean,
        factors and counts at their most frequent value.
    scale : {"latent", "data"}
        As in `icc`.
    data : data frame, mapping of columns, or path, optional
        The rows to take instead, each of which has its value of `column`.
    na : str, number or list of these
        Codes that mean a missing value in `data`.

    Returns
    -------
    pandas.DataFrame
        Columns term (factor), level (empty), effect (the column), value, scale, mean, sd, lower, upper (95 %), mcse.

    Raises
    ------
    SpecError, DataError
        No such column, no grouping factor, or no such scale.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("sleepstudy")
    >>> fit = bm.fit("sleepstudy", data, draws=100, seed=1, progress=False)
    >>> curve = bm.vpc_curve(fit, "Days")
    >>> curve["value"].tolist()[::12]
    [0.0, 4.5, 9.0]
    """
    refuse_categories(fit.design.family, "A curve of variance shares")
    check_choice("scale={}", scale, SCALES)
    blocks = [group for predictor, group in fit.design.group_blocks() if scale == "data" or predictor is fit.design.mu]
    factors = tuple(dict.fromkeys(group.name for group in blocks if not group.residual))
    if not factors:
        raise SpecError("A share of the variance between groups needs a grouping factor with several rows per level.")
    frame = _rows(fit.design, column) if data is None else take_table(fit.design.spec, data, na=na)
    name = column or _slope_column(fit.design)
    if name not in frame:
        raise DataError(f"The data have no column '{name}'. {did_you_mean(name, [str(c) for c in frame])}")
    rows = replay_rows(fit.design, frame, na=na)
    refuse_open_rows(rows, rows.predictors)
    few = few_for_latent if scale == "latent" else thin_for
    posterior = few(fit.design, fit.posterior, rows.rows)
    shares: dict[str, list[Any]] = {factor: [] for factor in factors}
    latent = scale == "latent" and fit.design.family.latent_mean is not None
    for whole in take_apart(rows, posterior, np.arange(rows.rows)):
        predictor_parts, integrated = (on_latent_scale(whole), "data") if latent else (whole, scale)
        total = _total(predictor_parts, integrated)
        for factor in factors:
            shares[factor].append(_shared(predictor_parts, factor, integrated) / total)
    tables = []
    for factor, parts in shares.items():
        values = np.concatenate(parts).reshape(posterior.sizes["chain"], posterior.sizes["draw"], -1)
        table = labelled(xr.DataArray(values, dims=("chain", "draw", "row")), factor, [""], [name] * rows.rows)
        table.insert(3, "value", frame[name].to_numpy())
        table.insert(4, "scale", latent_name(fit) if scale == "latent" else "data")
        tables.append(table)
    table, notes = pd.concat(tables, ignore_index=True), [*notes_of_limits(fit)]
    if data is None:
        types = dict.fromkeys(column for block in blocks for column in block.splits if column != name)
        notes += [
            f"shares over {name} are of groups whose {one} is {as_label(frame[one].iloc[0])}: data= takes others"
            for one in types
        ]
    table.attrs |= {"note": "; ".join(notes)} if notes else {}
    return as_result(table)


def has_slopes(fit: Fit) -> bool:
    """Return whether the variance between the groups of the first parameter changes with a numeric column."""
    return bool(_slope_columns(fit.design))


def _total(predictor_parts: PredictorParts, scale: str) -> Any:
    if scale == "data":
        _, between, within = response_moments(predictor_parts, 1.0)
        return between + within
    return residual_of_rows(predictor_parts) + sum(
        predictor_parts.variances[predictor_parts.design.mu.parameter].values()
    )


def _shared(predictor_parts: PredictorParts, factor: str, scale: str) -> Any:
    if scale == "data":
        return shared_covariance(predictor_parts, {factor}, 1.0)
    return predictor_parts.variances[predictor_parts.design.mu.parameter][factor]


def _slope_columns(design: Design) -> list[str]:
    """Return the columns of numbers whose coefficients vary between groups."""
    names = [str(c) for c in design.table.data]
    terms = [term for term in design.spec.terms_of(design.mu.parameter) or () if term.part == LEVELS]
    read = {c for term in terms for formula in term.formulas for c in formula_columns(formula, names, grouping=False)}
    return [c for c in names if c in read - {*design.table.levels} and is_number(design.table.data[c])]


def _slope_column(design: Design) -> str:
    columns = _slope_columns(design)
    if not columns:
        raise SpecError("No group term has a slope of a numeric column; name the column of the curve: column=...")
    return columns[0]


def _rows(design: Design, column: str | None) -> pd.DataFrame:
    """Return rows over the range of a column, all else typical."""
    table = design.table
    name = column or _slope_column(design)
    if name not in table.data or name in table.levels or not pd.api.types.is_numeric_dtype(table.data[name]):
        numbers = [str(c) for c in table.data if pd.api.types.is_numeric_dtype(table.data[c])]
        raise SpecError(f"'{name}' is not a numeric column of the model. {did_you_mean(name, numbers)}")
    columns = [str(c) for c in table.data]
    read = {c for term in design.spec.terms for c in term.columns(columns)} | {name}
    # Of the most frequent combination of levels: the most frequent level of each factor may not occur with the others.
    factors = [c for c in columns if c in read and c in table.levels]
    cells = (
        table.data.groupby(factors, observed=True).ngroup().to_numpy() if factors else np.zeros(table.rows, dtype=int)
    )
    usual_row = int(np.argmax(np.bincount(cells, design.observed.row_counts)[cells]))
    places = fixed_places(design)
    values = table.data[name]
    points = np.unique(values) if name in places else np.linspace(values.min(), values.max(), _POINTS)
    frame = table.data[[c for c in columns if c in read]].iloc[[usual_row] * len(points)].reset_index(drop=True)
    written_out = np.repeat(np.arange(table.rows), design.observed.row_counts.astype(int))
    for other in frame.columns.difference(factors):
        values = table.data[other]
        number = other not in {*table.levels, *places} and pd.api.types.is_float_dtype(values)
        usual = design.observed.row_shares @ values if number else values.iloc[written_out].mode().iloc[0]
        frame[other] = pd.Series([usual] * len(points), dtype=values.dtype)
    if design.observed.row_scale is not None and design.spec.weights is not None:
        frame[design.spec.weights.column] = design.observed.mean_variance_column
    units = {column for _, group in design.group_blocks() for column in group.factors}
    frame = frame.assign(**dict.fromkeys((units - {*table.levels, name}) & {*frame.columns}, ANY))
    return frame.assign(**{name: points})
