"""Categories: the labels and numbers of an ordinal or a nominal response."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from bayesmixed.errors import DataError, SpecError, did_you_mean, enumerate_words
from bayesmixed.families import Family
from bayesmixed.families.links import Array
from bayesmixed.families.multinomial import pack_counts
from bayesmixed.families.parts import is_whole
from bayesmixed.families.records import label_names
from bayesmixed.formulas.notation import safe_name
from bayesmixed.parameter_keys import ParameterKey, VariableNames, names_of
from bayesmixed.spec.model_spec import ModelSpec
from bayesmixed.terms.correlation_matrices import tied_sets


def read_categories(
    name: str, column: pd.Series, known: tuple[str, ...] = (), *, ordered: bool = True, reference: str = ""
) -> tuple[Array, tuple[str, ...]]:
    """Return the number of the category of each row, 1 the lowest or the reference, and the labels of the categories.

    Parameters
    ----------
    name : str
        The response, for messages.
    column : pandas.Series
        An ordered Categorical, whose order is kept, or whole numbers, of which those that occur are categories. Without
        `ordered` also texts, truth values and any Categorical.
    known : tuple of str, optional
        The categories of the fit that rows are added to.
    ordered : bool, optional
        Whether the family needs their order.
    reference : str, optional
        The category that comes first; the first one of the data if not given.

    Raises
    ------
    DataError
        The categories have no order, there are fewer than two, or one is not among the known ones; of categories without
        order, the reference is none of them, or two have the same name in the results.
    """
    labels = _labels(name, column, ordered)
    if len(labels) < 2 and not known:
        need = "thresholds need" if ordered else "the family needs"
        raise DataError(f"Response '{name}' has one category ('{labels[0]}'); {need} two or more.")
    if not ordered and not known:
        labels = _put_first(name, labels, reference)
    unseen = [label for label in labels if known and label not in known]
    if unseen:
        raise DataError(
            f"Response '{name}' has the categories {enumerate_words(unseen)}, which the model was not fitted to. "
            f"Known categories: {enumerate_words(known, 12)}."
        )
    numbers = {label: number for number, label in enumerate(known or labels, 1)}
    codes = np.array([numbers[_as_text(value)] for value in column], dtype=float)
    return codes, known or labels


def read_counts(spec: ModelSpec, data: pd.DataFrame) -> tuple[Array | None, Array | None, tuple[str, ...]]:
    """Return the counts of the categories of each row, their total, and the names of the categories, the reference first.

    Rows to predict may have no counts, or a total alone.

    Raises
    ------
    DataError
        A count is no whole number from 0, there is none at all, or a stated total is another one; two categories have the same
        name in the results.
    """
    names = _put_first(spec.response, spec.counted, spec.reference)
    known = {*names} <= {*data.columns}
    read = {name: _read_counts(name, data[name]) for name in (names if known else ()) if name in data}
    stated = spec.trials if isinstance(spec.trials, str) else ""
    total: Array | None = None
    if stated in data:
        total = _read_counts(stated, data[stated])
    elif isinstance(spec.trials, int):
        total = np.full(len(data), float(spec.trials))
    if not known:
        return None, total, names
    found = np.sum(list(read.values()), axis=0)
    if total is not None and np.any(found != total):
        bad = np.flatnonzero(found != total)
        raise DataError(
            f"The counts of '{spec.response}' add up to another number than trials({spec.trials}) in {len(bad)} of {len(found)} "
            f"rows (first: row {data.index[bad[0]]}, {found[bad[0]]:g} and {total[bad[0]]:g})."
        )
    if not np.any(found):
        raise DataError(f"All counts of '{spec.response}' are 0; there is nothing to explain.")
    return pack_counts(list(read.values())), np.asarray(found), names


def _read_counts(name: str, column: pd.Series) -> Array:
    if not pd.api.types.is_numeric_dtype(column):
        raise DataError(f"Column '{name}' holds text; counts of categories are whole numbers from 0.")
    counts = column.to_numpy(dtype=float)
    bad = np.flatnonzero(~(is_whole(counts) & (counts >= 0)))
    if len(bad):
        raise DataError(
            f"Counts in '{name}' must be whole numbers from 0; {len(bad)} of {len(counts)} rows are not (first: row "
            f"{column.index[bad[0]]}, value {counts[bad[0]]:g})."
        )
    return counts


def as_categories(numbers: Array, labels: tuple[str, ...], *, ordered: bool = True) -> Any:
    """Return the responses for numbers of categories: whole numbers where all labels are, else a Categorical."""
    codes = np.asarray(numbers).astype(np.int64) - 1
    if all(label.lstrip("-").isdigit() for label in labels):
        return np.array([int(label) for label in labels])[codes]
    return pd.Categorical.from_codes(codes, categories=pd.Index(list(labels)), ordered=ordered)


def with_own_categories(spec: ModelSpec, family: Family, categories: tuple[str, ...]) -> ModelSpec:
    """Return the spec in which a prior for all categories or thresholds, "beta[x]", is one of each that has none of its own.

    Raises
    ------
    SpecError, DataError
        A parameter has a formula that belongs to no category but the first one, or to no threshold; two thresholds have the
        same name in the results.
    """
    accepted = [parameter.name for parameter in family.parameters]
    twice = [name for name in accepted if accepted.count(name) > 1]
    if twice:
        raise DataError(
            f"Two thresholds of '{spec.response}' would have the name '{twice[0]}' in results; rename a category."
        )
    for name in spec.predictors:
        if name != family.shared and name not in accepted:
            other = f", other than the reference, '{categories[0]}'" if family.template else ""
            raise SpecError(
                f"'{name}' has a formula, but no {'category' if family.template else 'threshold'} of '{spec.response}' has that "
                f"name{other}. {did_you_mean(name, accepted)}"
            )
    priors = spread_priors(spec.priors, spec, family)
    return spec.replace(priors=priors) if priors != spec.priors else spec


def spread_priors(given: Mapping[str, Any], spec: ModelSpec, family: Family) -> dict[str, Any]:
    """Return priors by key, those of all categories or thresholds as one of each that has none of its own.

    Raises
    ------
    SpecError
        A prior is that of all, and each has its own.
    """
    if not family.shared:
        return dict(given)
    own = [one.name for one in family.parameters if one.category or one.of_cut]
    common = names_of(family.shared, family.first).suffix
    endings, priors = [names_of(name, family.first).suffix for name in own], dict[str, Any]()
    for key, prior in given.items():
        read = ParameterKey.read(key)
        shared = (read.of_population or read.of_sd or read.of_correlations) and read.variable.endswith(common)
        if not shared or read.variable.endswith(tuple(endings)):
            priors[key] = prior
            continue
        variable = read.variable.removesuffix(common)
        later = _later_endings(spec, family, variable) if read.of_correlations else set()
        every = [ParameterKey(f"{variable}{ending}", read.label) for ending in endings if ending not in later]
        if all(one in given for one in every):
            what = "categories" if family.template else "thresholds"
            raise SpecError(
                f"The prior for '{key}' is that of all {what}, but each has its own: {enumerate_words(every)}. Replace these."
            )
        priors |= {one: prior for one in every if one not in given}
    return priors


def _later_endings(spec: ModelSpec, family: Family, variable: str) -> set[str]:
    """Return the endings of categories whose correlations are in the matrix of another one, to which a letter ties them."""
    terms = {one.name: spec.terms_of(one.name) or () for one in family.parameters}
    letters = {
        name: [term.tied_by for term in own if variable == VariableNames("").correlations(safe_name(term.name))]
        for name, own in terms.items()
    }
    return {names_of(name, family.first).suffix for members in tied_sets(letters) for name in members[1:]}


def _put_first(name: str, labels: tuple[str, ...], reference: str) -> tuple[str, ...]:
    """Return labels of categories without order, the reference first (DataError)."""
    if reference and reference not in labels:
        raise DataError(f"'{reference}' is no category of '{name}'. {did_you_mean(reference, labels)}")
    names = label_names(labels)
    twice = [label for label, own in zip(labels, names, strict=True) if names.count(own) > 1]
    if twice:
        raise DataError(
            f"The categories {enumerate_words(twice)} of '{name}' would have the same name in the results. Rename one."
        )
    return tuple(sorted(labels, key=lambda label: label != reference))


def _labels(name: str, column: pd.Series, ordered: bool) -> tuple[str, ...]:
    if isinstance(column.dtype, pd.CategoricalDtype) and (column.dtype.ordered or not ordered):
        return tuple(_as_text(value) for value in column.cat.categories)
    values = np.asarray(column.unique(), dtype=object)
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        numbers = np.asarray(values, dtype=float)
        broken = numbers[numbers != np.floor(numbers)]
        if len(broken):
            accepted = "ordered categories in '{}': whole numbers, or an ordered Categorical"
            raise DataError(
                f"The family needs {(accepted if ordered else "categories in '{}': labels, or whole numbers").format(name)}; "
                f"found {broken[0]:g}. For measurements take another family, or cut them into classes with pd.cut."
            )
        return tuple(_as_text(value) for value in sorted(numbers))
    found = sorted(_as_text(value) for value in values)
    if not ordered:
        return tuple(found)
    order = ", ".join(f'"{label}"' for label in found[:12])
    raise DataError(
        f"Response '{name}' has categories without an order ({enumerate_words(found)}). Put them in order, lowest first: "
        f'data["{name}"] = pd.Categorical(data["{name}"], [{order}], ordered=True); or number them 1, 2, ...'
    )


def _as_text(value: Any) -> str:
    return f"{value:.0f}" if isinstance(value, int | float | np.number) and not isinstance(value, bool) else str(value)
