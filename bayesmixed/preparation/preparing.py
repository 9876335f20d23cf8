"""prepare: from a spec and a data frame to a checked Design."""

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bayesmixed.arguments import checked
from bayesmixed.design.default_priors import check_prior_keys, realise_priors
from bayesmixed.design.design import Design
from bayesmixed.design.latent_columns import refuse_latent
from bayesmixed.errors import DataError, SpecError, StatisticsWarning, enumerate_words, warn
from bayesmixed.formulas.names import read_columns
from bayesmixed.preparation.advice import advise, note_extrapolation
from bayesmixed.preparation.assembly import assemble
from bayesmixed.preparation.checks import check_design, check_variation
from bayesmixed.preparation.counted_rows import count_rows
from bayesmixed.preparation.data_files import find_source, read_data, take_table, with_columns
from bayesmixed.preparation.frequencies import merge_copies, write_out
from bayesmixed.preparation.latent_values import IMPUTE, add_latent, fill
from bayesmixed.preparation.open_rows import refuse_open_rows
from bayesmixed.preparation.streaming import is_streamed, read_streamed, refusal
from bayesmixed.preparation.used_columns import check_weights_column
from bayesmixed.spec.files import as_spec
from bayesmixed.spec.model_spec import ModelSpec
from bayesmixed.tables.frames import as_frame
from bayesmixed.terms.weights import FREQUENCY

_UNSAID = ("error", ())
"""Values of `missing` and `na` that count as not given."""


@checked
def prepare(
    spec: str | Path | ModelSpec,
    data: Any,
    *,
    missing: str = "error",
    like: Design | None = None,
    stream: bool | None = None,
    na: str | float | Iterable[str | float] = (),
    **options: Any,
) -> Design:
    """Return the Design of a spec on data.

    Parameters
    ----------
    spec : str, Path or ModelSpec
        Formula (then Gaussian), shipped name, TOML path or spec.
    data : data frame, mapping of columns, path, or source
        One row per observation; the path of a CSV or Parquet file, or of a folder of Parquet files or a pattern for their names,
        `"rows/*.parquet"`; a dataset of pyarrow, a dask data frame, or a relation of DuckDB.
    missing : {"error", "drop", "impute"}
        What to do with rows in which a used column is missing. Values of columns in mi(x) are always drawn with the
        parameters; with "impute" rows without a response are left out of the likelihood and predicted (`imputations`).
    like : Design, optional
        Learned coding and priors to replay on new rows. The response may then be absent; groups that are not in
        the fit are put after the known ones; an unseen level of a population factor is an error, and so is a
        combination of levels whose coefficients were dropped (`empty_cells` of the spec).
    stream : bool, optional
        Whether the rows of Parquet files and the other sources stay where they are, for tables that memory cannot hold. Those
        of Gaussian and lognormal models of population and group terms are read in pieces whenever they are needed, and what
        needs all rows later, such as residuals, is refused. For other models equal rows are counted in one reading, and the
        different ones are fitted with frequency weights. By default sources with 5 million rows or more are streamed, where
        the model allows.
    na : str, number or list of these
        Codes that mean a missing value, such as na=["n.d.", -999].
    **options
        With a formula: `family`, `priors`, `link`, `links`, `factors`, `crossed`, `empty_cells`, `functions` and formulas of
        further parameters, as for `fit`.

    Raises
    ------
    SpecError
        The spec names columns that are missing, or priors of unknown parameters.
    DataError
        The data do not suit the model; nothing has been sampled yet.

    Warns
    -----
    StatisticsWarning
        For each of `Design.notes`; with `like` for rows beyond the range that a smooth has learned.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("cbpp")
    >>> design = bm.prepare("herd_period", data)
    >>> [group.name for group in design.mu.groups], len(design.mu.groups[0].levels)
    (['herd'], 15)
    """
    spec = with_columns(as_spec(spec, **options), data if like is None else like.table.data, na)
    if like is not None:
        design = replay(spec, data, like, missing=missing, na=na)
        refuse_open_rows(design, design.predictors)
        return design
    source, rows = str(data) if isinstance(data, str | Path) else "", find_source(data)
    if rows is None and stream:
        raise DataError(
            f"Only Parquet files, datasets of pyarrow, dask data frames and relations of DuckDB can be streamed; "
            f"{source or type(data).__name__!r} is none of them, or does not exist."
            + (" Several files are pyarrow.dataset.dataset([...])." if isinstance(data, list | tuple) else "")
        )
    if rows is not None and is_streamed(spec, rows, stream):
        if spec.inexact or missing == IMPUTE:
            raise SpecError("Missing values are drawn for rows in memory only: bm.prepare(spec, data, stream=False).")
        reason = refusal(spec)
        if reason is None:
            return _warned(replace(read_streamed(spec, rows, missing, na), source=source))
        counted = count_rows(spec, rows, na, reason, wish=stream is True)
        if counted is not None:
            return _warned(replace(_prepare_complete(*counted, missing, ()), source=source))
    if rows is not None or source:
        data = read_data(spec, data, na=na)
    if spec.inexact or missing == IMPUTE:
        filled = fill(spec, data, missing, na)
        design = _warned(replace(_prepare_complete(spec, filled.data, "error", ()), source=source))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", StatisticsWarning)
            return add_latent(design, filled, prepare)
    design = replace(_prepare_complete(spec, data, missing, na), source=source)
    return _warned(design)


def _prepare_complete(spec: ModelSpec, data: Any, missing: str, na: Any) -> Design:
    """Return the Design of a spec on a table without values to be drawn; nothing is said yet."""
    frequencies = spec.weights if spec.weights and spec.weights.kind == FREQUENCY else None
    if frequencies:
        check_weights_column(spec, as_frame(data).columns)
        data = write_out(frequencies, as_frame(data), na)
    design = assemble(spec, data, missing, None, optional=False, na=na)
    copies = np.asarray(design.weights) if frequencies else None
    if copies is not None:
        design = replace(design, observed=replace(design.observed, weights=np.ones(design.rows)))
    check_variation(design.family, design.spec.response, np.asarray(design.response), np.asarray(design.trials))
    suspicious = check_design(design)
    with np.errstate(over="ignore", invalid="ignore"):
        design = replace(design, priors=realise_priors(design))
    _refuse_overflow(design)
    design = replace(design, notes=tuple(dict.fromkeys((*advise(design), *suspicious))))
    return design if copies is None else merge_copies(design, copies)


def as_design(
    spec: str | Path | ModelSpec | Design, data: Any = None, *, latent: bool = False, **options: Any
) -> Design:
    """Return the Design of a spec on data; one that is prepared already passes through. With `latent` it may have columns of
    which values are drawn with the parameters.

    Raises
    ------
    SpecError
        Data or options are given with a Design, which has its own.
    """
    if not isinstance(spec, Design):
        design = prepare(spec, data, **options)
        return design if latent else _refused(design)
    if not latent:
        _refused(spec)
    refuse_beside_design("Design", data, options)
    return spec


def refuse_beside_design(kind: str, data: Any, options: Mapping[str, Any]) -> None:
    """Refuse data and options that are given with a design, which has its own (SpecError)."""
    given = {"data": data, **options}
    said = [
        name
        for name, value in given.items()
        if not (value is None or (isinstance(value, str | tuple) and value in _UNSAID))
    ]
    if said:
        raise SpecError(
            f"{enumerate_words(said)} given with a {kind} would change nothing: it has its own data and options. Give the spec "
            "instead, or leave them out."
        )


def replay(
    spec: ModelSpec, data: Any, like: Design, *, missing: str = "error", na: str | float | Iterable[str | float] = ()
) -> Design:
    """Return the Design of new rows as `prepare` does with `like`, also where the fit does not determine their predictor."""
    design = assemble(spec, take_table(spec, data, na), missing, like, optional=True, na=na)
    return _warned(replace(design, priors=like.priors, notes=tuple(note_extrapolation(design))))


def _refused(design: Design) -> Design:
    refuse_latent(design.latent, "This")
    return design


def _refuse_overflow(design: Design) -> None:
    """Refuse numbers so large that a prior on their scale is not finite (DataError)."""
    beyond = [str(key) for key, entry in design.priors.items() if not np.all(np.isfinite(entry.prior.arguments))]
    if beyond:
        raise DataError(
            f"The default priors of {enumerate_words(beyond)} exceed the range of floating point: response or columns "
            "are too large. Divide them by a power of ten."
        )


def prepare_without_response(spec: ModelSpec, data: Any, na: Any = (), categories: tuple[str, ...] = ()) -> Design:
    """Return the Design of rows that have no response yet, of given categories, without priors: what simulation needs.

    Raises
    ------
    SpecError, DataError
        As `prepare`.
    """
    frame = as_frame(data)
    spec = with_columns(spec, frame)
    names = read_columns(spec.response, frame.columns)
    frame = frame.drop(columns=list(names), errors="ignore")
    design = assemble(spec, frame, "error", None, optional=True, na=na, categories=categories)
    check_design(design)
    check_prior_keys(design)
    return design


def _warned(design: Design) -> Design:
    for note in design.notes:
        warn(note)
    return design
