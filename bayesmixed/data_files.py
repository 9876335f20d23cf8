"""Data files, read as a spec needs them."""

import re
from pathlib import Path
from typing import Any

import pandas as pd

from bayesmixed.errors import DataError, SpecError
from bayesmixed.frames import read_table
from bayesmixed.spec import ModelSpec
from bayesmixed.terms.tables import natural_key, variables


def read_data(spec: ModelSpec, path: str | Path) -> pd.DataFrame:
    """Return what a spec needs of a data file; columns that only name groups are read as text, so that 007 stays 007.

    Of a Parquet file only the columns that the spec reads are loaded, text as codes, so that tables of many million
    rows fit into memory.

    Raises
    ------
    DataError
        The file is missing, is of another kind, or cannot be read.
    """
    path = Path(path)
    if path.suffix.lower() == ".parquet" and path.is_file():
        return _read_parquet(spec, path)
    return read_table(path, text=label_columns(spec))


def label_columns(spec: ModelSpec) -> list[str]:
    """Return the columns that hold labels only, such as ids 007 or 1.10, which must not be read as numbers."""
    terms = [term for parameter in spec.predictors.values() for term in parameter]
    groups = [name for term in terms if term.kind == "group" for name in term.factor_columns]
    read = [spec.response, str(spec.trials), "" if spec.weights is None else spec.weights.column]
    read += [text for term in terms for text in (getattr(term, "formula", ""), getattr(term, "expression", ""))]
    labels = [n for n in groups if not any(re.search(rf"(?<![\w.]){re.escape(n)}(?![\w.])", text) for text in read)]
    return [*labels, *spec.factors, *(name for term in terms for name in term.factors())]


def _read_parquet(spec: ModelSpec, path: Path) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
        used = _used_columns(spec, schema.names)
        text = [name for name in used if _is_text(schema.field(name).type)]
        data: pd.DataFrame = pq.read_table(
            path, columns=used, read_dictionary=text, use_pandas_metadata=True
        ).to_pandas(self_destruct=True)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"Data file '{path}' cannot be read: {str(error).strip()}") from error
    for name in text:
        data[name] = data[name].cat.reorder_categories(sorted(data[name].cat.categories, key=natural_key))
    return data


def _used_columns(spec: ModelSpec, names: list[str]) -> list[str]:
    """Return the columns that a spec reads; all of them where it names one that is not there, which `prepare` refuses."""
    weights = [] if spec.weights is None else [spec.weights.column]
    trials = [spec.trials] if isinstance(spec.trials, str) else []
    try:
        found = {*variables(spec.response, names), *trials, *weights, *spec.factors}
        found |= {column for terms in spec.predictors.values() for term in terms for column in term.columns(names)}
    except SpecError:
        return list(names)
    return [name for name in names if name in found]


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
