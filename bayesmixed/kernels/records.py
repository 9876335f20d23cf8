"""The records of a model's flat data: what each number in the header of a design, a parameter, a term and a prior is."""

from typing import Any, NamedTuple

import numpy as np

FIXED, MODELLED, UPPER_END, LOWER_END, FIRST_CUT, FURTHER_CUT = -1, -2, -3, -4, -5, -6
"""Values of the field `scalar` that are no coordinates: fixed, modelled, an end of the interval between two thresholds, or a
threshold of categories that are compared step by step."""
SPLIT = -1
"""Code of the joint prior of SDs, whose slot is the place of its description: see `kernels.joint.variance_split`."""


def _integers(*names: str) -> list[tuple[str, Any]]:
    return [(name, np.int64) for name in names]


WHITENING = np.dtype(_integers("size", "centre", "factor", "slots"))
"""A linear map of some coordinates; size 0: there is none. See `kernels.whitening`."""
JOINT = np.dtype(
    _integers("size", "levels", "width", "entries", "terms")
    + _integers("precision", "pull", "blocks", "pulls", "cross", "pointers", "columns", "slots", "table", "places")
)
"""Sizes of a joint guide, and where its arrays begin; size 0: there is none. See `kernels.joint_guides`."""
MODEL = np.dtype(
    [
        *_integers("rows", "family", "response", "trials", "constants", "weights", "limits"),
        ("whitening", WHITENING),
        ("joint", JOINT),
    ]
)
"""A model; weights and limits -1: there are none. Limits are those of censoring, low and high, and the bounds of truncation."""
PARAMETER = np.dtype(
    [
        *_integers("link", "scalar", "width", "beta_slots", "beta_values", "rest_width", "rest_columns", "rest_matrix"),
        *_integers("offset", "first_term", "terms", "first_cut", "cut_prior", "cut_numbers"),
        ("value", np.float64),
    ]
)
"""One parameter of the family. `scalar` is the coordinate of one without predictor, or one of the codes above; `value` is what
is fixed, and of a coordinate the number on the link below which it stays, infinite where there is none."""
TERM = np.dtype(
    _integers("levels", "columns", "index", "matrix", "ones", "sd_slots", "sd_values", "parts", "effects", "centred")
    + _integers("parent", "parent_index", "mean_width", "mean_columns", "mean_weights", "absorbed", "single")
    + _integers("whole", "entries", "guide")
)
"""One term: a single one has a level for each row; in a whole one every row takes the coefficients of all levels; where there
are entries, as many coefficients as these say, and `index` and `matrix` hold which, and what multiplies them."""
PRIOR = np.dtype(
    [
        *_integers("slot", "transform", "code"),
        *[(name, np.float64) for name in ("a", "b", "c", "constant", "factor", "highest")],
    ]
)
"""The prior of one number times `factor`, or a joint one of SDs: its arguments, and the part of its logarithm that depends on
neither. The number is the coordinate, or what stays below `highest`."""
COLLAPSED = np.dtype(
    [
        *_integers("sigma", "widest", "rest", "entries", "blocks", "pointers", "columns", "cross", "rest_matrix"),
        *_integers("level_sums", "rest_sums", "means", "classes", "class_blocks", "class_sizes", "class_products"),
        *_integers("whole", "kinds", "folded"),
        *[(name, np.float64) for name in ("sigma_value", "squares", "count", "constant")],
        ("whitening", WHITENING),
    ]
)
"""A model whose coefficients and effects are integrated out: the cross-products of its rows. Under `folded` begin the scales
of `kernels.folding`; -1: there are none."""


class Data(NamedTuple):
    """What compiled code reads of a model.

    Attributes
    ----------
    numbers, integers : 1-D arrays
        All arrays of the model, one after the other. Records say where each begins.
    model : (1,) array of MODEL or COLLAPSED
    parameters : (P,) array of PARAMETER
    terms : (T,) array of TERM
        The terms of all parameters.
    priors : (K,) array of PRIOR
    """

    numbers: Any
    integers: Any
    model: Any
    parameters: Any
    terms: Any
    priors: Any
