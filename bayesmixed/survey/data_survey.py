"""check_data: check a table against a spec, before anything is fitted."""

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayesmixed.design.design import Design
from bayesmixed.design.row_likelihoods import RowLikelihood
from bayesmixed.display.tables import format_range
from bayesmixed.errors import BayesMixedError, DataError, StatisticsWarning
from bayesmixed.families import Family, find_family
from bayesmixed.families.links import Array
from bayesmixed.families.multinomial import count_of
from bayesmixed.formulas.evaluation import evaluate, evaluate_expression
from bayesmixed.formulas.names import expression_columns, formula_columns
from bayesmixed.formulas.notation import join_factors
from bayesmixed.preparation.categories import read_counts
from bayesmixed.preparation.data_files import take_table, with_columns
from bayesmixed.preparation.preparing import prepare
from bayesmixed.preparation.used_columns import declared_factors, read_rows
from bayesmixed.spec.files import as_spec
from bayesmixed.spec.model_spec import ModelSpec
from bayesmixed.spec.parsing import format_formula
from bayesmixed.survey.missing_values import find_missing
from bayesmixed.survey.sections import LabelUse
from bayesmixed.survey.structure_report import Role, StructureReport
from bayesmixed.tables.columns import read_cells, settle
from bayesmixed.tables.factors import Table, as_table, encode, is_date, is_number
from bayesmixed.terms.limits import NONE, STATUSES, read_statuses
from bayesmixed.terms.relations import (
    NESTED,
    SAME,
    Factor,
    Pair,
    Spread,
    assign_levels,
    combine,
    count_anew,
    count_recurring,
    relate,
    spread,
)
from bayesmixed.terms.weights import FREQUENCY


def check_data(
    spec: str | Path | ModelSpec,
    data: Any,
    *,
    missing: str = "error",
    na: str | float | Iterable[str | float] = (),
    **options: Any,
) -> StructureReport:
    """Return a report on how a table suits a spec: levels, nesting, predictors, expected shrinkage, notes, refusal.

    Data that `prepare` refuses are reported too, with the reason in `refusal`; what is missing is shown by column, by columns
    that are missing together and by group (`plot_missing` draws it), and these rows are left out of the rest of the report.

    Parameters
    ----------
    spec : str, Path or ModelSpec
        Formula (then Gaussian), shipped name, TOML path or spec.
    data : data frame, mapping of columns, or path
        One row per observation; the path of a CSV or Parquet file.
    missing : {"error", "drop"}
        What `prepare` would do with rows in which a used column is missing.
    na : str, number or list of these
        Codes that mean a missing value.
    **options
        With a formula: `family`, `priors`, `link`, `links`, `factors`, `crossed`, `empty_cells`, `functions` and formulas of
        further parameters, as for `fit`.

    Raises
    ------
    SpecError, DataError
        There is nothing to report on: an unknown column, no table, no complete row.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("cbpp")
    >>> report = bm.check_data("herd_period", data)
    >>> print(str(report).splitlines()[-1])
      herd    1 SD                 14 coefficients     1 to 4 (median 4)
    """
    spec = as_spec(spec, **options)
    frame = take_table(spec, data, na)
    spec = with_columns(spec, frame)
    design, error = _try_to_prepare(spec, frame, missing, na)
    used = _find_columns(spec, frame, error)
    frame = _read_rows(spec, frame[used], na, error)
    kept = settle(frame.loc[frame[used].notna().all(axis=1), used])
    if error is not None and (missing not in ("error", "drop") or len(kept) == 0):
        raise error
    columns = _read_columns(spec, kept)
    factors = _read_factors(spec, columns)
    grouping = [factor for factor in factors if factor.singletons < len(factor.labels)]
    pairs = tuple(relate(first, second) for first, second in combinations(grouping, 2))
    levels = assign_levels(factors, pairs)
    response, information, unit = _read_response(spec, kept)
    return StructureReport(
        spec=spec,
        response=response,
        rows=len(frame),
        complete=len(kept),
        absent=find_missing(frame[used], [term.factor_columns for term in spec.terms if term.factor_columns]),
        factors=tuple(sorted(factors, key=lambda f: (levels[f.name], -len(f.labels)))),
        levels=levels,
        pairs=pairs,
        labels=tuple(_find_label_uses(spec, columns, pairs)),
        predictors=_read_predictors(spec, kept, factors),
        roles=_read_roles(spec, kept),
        information=information,
        unit=unit,
        notes=(*(() if design is None else design.notes), *_find_near_labels(kept)),
        refusal="" if error is None else str(error),
        design=design,
    )


def _read_rows(spec: ModelSpec, frame: pd.DataFrame, na: Any, error: BayesMixedError | None) -> pd.DataFrame:
    """Return the columns as `prepare` reads them, all as labels where it refuses what is in their cells."""
    try:
        return read_rows(spec, frame, na=na)
    except BayesMixedError as refused:
        try:
            return read_cells(frame, frame.columns, na=na)
        except BayesMixedError:
            raise error or refused from None


def _try_to_prepare(
    spec: ModelSpec, frame: pd.DataFrame, missing: str, na: Any
) -> tuple[Design | None, BayesMixedError | None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatisticsWarning)
        try:
            return prepare(spec, frame, missing=missing, na=na), None
        except BayesMixedError as error:
            return None, error


def _find_columns(spec: ModelSpec, frame: pd.DataFrame, error: BayesMixedError | None) -> list[str]:
    """Return the columns that the spec reads, in their order; the error of `prepare` where one is missing."""
    names = list(frame.columns)
    trials = spec.addition_columns
    if error is not None and not {*spec.factors, *trials} <= set(names):
        raise error
    found = {*expression_columns(spec.response, names), *trials}
    for term in spec.terms:
        found |= term.columns(names)
    return [name for name in names if name in found]


def _read_columns(spec: ModelSpec, kept: pd.DataFrame) -> dict[str, Factor]:
    """Return the columns that name groups as factors."""
    return {name: Factor(name, *encode(kept[name])) for term in spec.terms for name in term.factor_columns}


def _read_factors(spec: ModelSpec, columns: Mapping[str, Factor]) -> list[Factor]:
    groups = dict.fromkeys(term.factor_columns for term in spec.terms if term.factor_columns)
    return [_join(columns, names) for names in groups]


def _join(columns: Mapping[str, Factor], names: Sequence[str]) -> Factor:
    factor = columns[names[0]]
    for name in names[1:]:
        factor = combine(factor, columns[name])
    return factor


def _find_label_uses(spec: ModelSpec, columns: Mapping[str, Factor], pairs: Sequence[Pair]) -> Iterator[LabelUse]:
    """Yield the columns that a factor a:b joins, and crossed columns whose labels count anew in each other."""
    for names in dict.fromkeys(term.factor_columns for term in spec.terms if len(term.factor_columns) > 1):
        *outside, name = names
        outer, column = _join(columns, outside), columns[name]
        recurring = count_recurring(relate(outer, column), column)
        yield LabelUse(column, outer, combine(outer, column), recurring, None, True)
    for pair in pairs:
        both = (pair.inner, pair.outer)
        if pair.kind in (NESTED, SAME) or any(len(f.columns) > 1 or f.name in spec.crossed for f in both):
            continue
        for column, outer in ((pair.outer, pair.inner), (pair.inner, pair.outer)):
            counts = count_anew(pair, column)
            if counts is not None:
                joined = join_factors((outer.name, column.name))
                recurring = count_recurring(pair, column)
                formula = _write_nested(spec, column.name, joined)
                yield LabelUse(column, outer, combine(outer, column), recurring, counts, False, formula)
                break


def _find_near_labels(kept: pd.DataFrame) -> Iterator[str]:
    """Yield a note for each column of text with labels that differ only in case or spaces."""
    for name in kept.columns:
        if is_number(kept[name]) or is_date(kept[name]):
            continue
        alike: dict[str, list[str]] = {}
        for label in encode(kept[name])[1]:
            alike.setdefault(" ".join(label.split()).casefold(), []).append(label)
        twins = [labels for labels in alike.values() if len(labels) > 1]
        if twins:
            shown = " and ".join(f"'{label}'" for label in twins[0])
            others = len(twins) - 1
            more = f", and so in {others} more case{'s' if others > 1 else ''}" if others else ""
            yield (
                f"Labels of '{name}' differ only in case or spaces: {shown}{more}. They count as different; if they "
                "mean the same, write them the same way."
            )


def _write_nested(spec: ModelSpec, column: str, joined: str) -> str:
    """Return the formula of a spec with one grouping column replaced by the joined ones."""
    first = find_family(spec.family).parameters[0].name
    terms = [
        term.model_copy(update={"by": joined}) if term.factor_columns == (column,) else term
        for term in spec.predictors[first]
    ]
    return format_formula(spec.response, terms, *spec.additions)


def _read_predictors(spec: ModelSpec, kept: pd.DataFrame, factors: Sequence[Factor]) -> tuple[Spread, ...]:
    names = _formula_columns(spec, kept)
    declared = declared_factors(spec)
    found = []
    for name in names:
        numbers = kept[name].to_numpy(dtype=float) if is_number(kept[name]) and name not in declared else None
        if numbers is not None and not np.all(np.isfinite(numbers)):
            numbers = None
        found.append(spread(name, pd.factorize(kept[name])[0].astype(np.intp), factors, numbers))
    return tuple(found)


def _formula_columns(spec: ModelSpec, kept: pd.DataFrame) -> list[str]:
    names = list(kept.columns)
    formulas = [formula for term in spec.terms for formula in term.formulas]
    found = {column for formula in formulas for column in formula_columns(formula, names)}
    return [name for name in names if name in found]


def _read_roles(spec: ModelSpec, kept: pd.DataFrame) -> dict[str, tuple[Role, ...]]:
    """Return what each factor does in each predictor; nothing where a formula cannot be evaluated."""
    try:
        table = as_table(kept, declared_factors(spec), _formula_columns(spec, kept))
        roles: dict[str, tuple[Role, ...]] = {}
        tied: dict[str, int] = {}
        for parameter, terms in spec.predictors.items():
            for term in terms:
                if term.factor_columns:
                    labels = evaluate(term.formulas[0], table).labels
                    pairs = len(labels) * (len(labels) - 1) // 2 if term.correlated(len(labels)) else 0
                    if term.tied_by:
                        before = tied.get(term.tied_by, 0)
                        pairs, tied[term.tied_by] = pairs + before * len(labels), before + len(labels)
                    roles[term.name] = (*roles.get(term.name, ()), Role(parameter, labels, pairs))
    except BayesMixedError:
        return {}
    return roles


def _read_response(spec: ModelSpec, kept: pd.DataFrame) -> tuple[str, Array, str]:
    """Return the response in words, the units of the ICC in each row, and what a unit is."""
    family = find_family(spec.family)
    link = spec.link(family.parameters[0].name).name
    ones = np.ones(len(kept))
    counted = spec.weights is not None and spec.weights.kind == FREQUENCY and is_number(kept[spec.weights.column])
    copies = kept[spec.weights.column].to_numpy(dtype=float) if counted and spec.weights else ones
    rows = f"{copies.sum():,.0f} rows in {len(kept):,} lines with frequencies" if counted else f"{len(kept):,} rows"
    text = f"{spec.response}; family {family.name}, link {link}; {rows}."
    if family.counted:
        return f"Response: {text}{_say_counts(spec, kept, copies)}", *_written_out((ones, ""), copies, counted)
    try:
        y = np.asarray(evaluate_expression(spec.response, Table(kept, {})), dtype=float)
        trials = np.asarray(kept[spec.trials] if isinstance(spec.trials, str) else spec.trials or 1.0, dtype=float)
    except (BayesMixedError, TypeError, ValueError):
        return f"Response: {text}", ones, ""
    if family.has_trials:
        total, events = float(np.sum(copies * trials)), float(np.sum(copies * y))
        share = f"{events:,g} of {total:,g} trials ({events / total:.3g})"
        return f"Response: {text} {share}.", *_written_out(
            _count_units(spec, family, y, trials, copies), copies, counted
        )
    summary = f"From {np.min(y):,.6g} to {np.max(y):,.6g}, mean {np.average(y, weights=copies):,.4g}."
    summary += _say_limits(spec, kept)
    return f"Response: {text} {summary}", *_written_out(_count_units(spec, family, y, trials, copies), copies, counted)


def _say_counts(spec: ModelSpec, kept: pd.DataFrame, copies: Array) -> str:
    """Return how often each category occurs, where the response is counts of several."""
    try:
        counts, _, names = read_counts(spec, kept)
    except DataError:
        return ""
    sums = {} if counts is None else {name: float(copies @ count_of(counts, k)) for k, name in enumerate(names, 1)}
    return f" Counts: {', '.join(f'{name} {count:,.0f}' for name, count in sums.items())}." if sums else ""


def _say_limits(spec: ModelSpec, kept: pd.DataFrame) -> str:
    """Return how many rows are censored on which side, and what is truncated."""
    said = "" if spec.truncation is None else f" Rows are seen only if it is {spec.truncation.words}."
    try:
        statuses = [] if spec.censoring is None else list(read_statuses(spec.censoring, kept))
    except DataError:
        return said
    counts = {status: statuses.count(status) for status in STATUSES if status != NONE and status in statuses}
    listed = ", ".join(f"{count:,} {status}-censored" for status, count in counts.items())
    return f" {listed}.{said}" if listed else said


def _written_out(found: tuple[Array, str], copies: Array, counted: bool) -> tuple[Array, str]:
    """Return units of lines, and what a unit is, with every line as often as its frequency says."""
    units, unit = found
    return (units * copies, unit or "Counts as: rows, each line as often as its frequency says.") if counted else found


def _count_units(spec: ModelSpec, family: Family, y: Array, trials: Array, copies: Array) -> tuple[Array, str]:
    """Return how many units of the latent scale each row counts for at the overall mean: Fisher information x variance.

    A residual scale, and obs(), is the same in all rows, which are then the units themselves; so they are where further
    parameters are unknown, or the latent scale has no variance.
    """
    ones = np.ones(len(y))
    observed = any(term.single for term in spec.terms)
    if family.scale or observed or spec.limits or len(family.parameters) > 1 or not np.all(np.isfinite(y)):
        return ones, ""
    first = family.parameters[0].name
    link = spec.link(first)
    try:
        with np.errstate(all="raise"):
            times = copies.astype(int)
            tried = np.repeat(np.broadcast_to(trials, y.shape), times)
            mean = family.smoothed_mean(np.repeat(y, times), tried, 1.0)
            values = {first: np.asarray(mean)}
            rows = RowLikelihood(family, {first: link}, y, trials, {})
            known = rows.expected_information(link.forward(np.full(y.shape, mean)))
            each = known * family.latent_variance(values, link, trials)
    except (BayesMixedError, FloatingPointError, ValueError):
        return ones, ""
    each = np.broadcast_to(np.asarray(each, dtype=float), y.shape)
    if not np.all(np.isfinite(each)):
        return ones, ""
    low, high = float(each.min()), float(each.max())
    counted = f"{low:.2g}" if np.isclose(low, high, atol=0.0) else " to ".join(format_range((low, high), 2))
    what = "a single trial" if family.has_trials else "a row"
    text = (
        f"Here ρ is the ICC of {what} on the latent {link.name} scale. A row counts as {counted} values on that scale "
        f"(what it tells about the linear predictor at the overall mean, {mean:.3g}); n is their sum over the group."
    )
    return each, text
