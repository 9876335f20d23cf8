"""Fit files of earlier versions, and how they differ from those of today."""

import re
from collections.abc import Sequence

import xarray as xr

from bayesmixed.design.design import Design
from bayesmixed.design.earlier_coordinates import origins_of
from bayesmixed.errors import DataError, enumerate_words

_CHANGED, _QUOTED = re.compile(r"(?<![\w.])c[rc]\("), re.compile(r"`[^`]*`")
_MIDNIGHT = " 00:00:00"


def is_earlier(design: Design) -> bool:
    """Return whether the priors of a design are stated as an earlier version did."""
    return any(origins_of(predictor) for predictor in design.predictors.values())


def refuse_changed_columns(design: Design) -> None:
    """Refuse a fit whose formula makes different columns today.

    Raises
    ------
    DataError
        It has splines that are constrained now.
    """
    formulas = [getattr(term, "formula", "") for term in design.spec.terms]
    changed = [text for text in formulas if _CHANGED.search(_QUOTED.sub("", text))]
    if changed:
        raise DataError(
            f"cr() and cc(), as in {enumerate_words(changed, 1)}, made different columns in the version that wrote it. Sample "
            "the model again."
        )


def with_present_labels(tree: xr.DataTree, design: Design) -> xr.DataTree:
    """Return draws with labels of dates as they are written today, without the time if all are midnights."""
    found = {}
    for name, child in tree.children.items():
        dataset = child.to_dataset()
        labels = {
            dim: [str(label) for label in wanted]
            for predictor in design.predictors.values()
            for dim, wanted in predictor.coords().items()
            if dim in dataset.coords and _same_dates([str(v) for v in dataset[dim].values], [str(v) for v in wanted])
        }
        found[name] = dataset.assign_coords(labels)
    changed = xr.DataTree.from_dict(found)
    changed.attrs = dict(tree.attrs)
    return changed


def _same_dates(stored: Sequence[str], wanted: Sequence[str]) -> bool:
    return list(stored) != list(wanted) and [label.replace(_MIDNIGHT, "") for label in stored] == list(wanted)
