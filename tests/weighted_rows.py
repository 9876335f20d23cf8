"""A table whose rows have weights, and what tests of weights do with it."""

import warnings

import numpy as np
import pandas as pd

import bayesmixed as bm
from bayesmixed.kernels.joint.compiled import evaluate
from bayesmixed.kernels.joint.layouts import lay_out_coordinates
from bayesmixed.kernels.joint.packed_designs import pack


def weighted_table():
    """Return 30 rows in five groups with weights that are whole numbers."""
    generator = np.random.default_rng(5)
    g = np.arange(30) % 5
    return pd.DataFrame(
        {
            "y": generator.normal(size=30) + g,
            "x": generator.normal(size=30) + 1.0,
            "count": generator.poisson(3.0, 30),
            "yes": generator.integers(0, 2, 30),
            "n": generator.integers(3, 9, 30),
            "w": generator.integers(1, 5, 30),
            "g": np.array(list("abcde"))[g],
        }
    )


def prepared(formula, data, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        return bm.prepare(bm.from_formula(formula, **options), data)


def written_out(data):
    return data.loc[data.index.repeat(data["w"])].reset_index(drop=True)


def kernel_density(design, x):
    return evaluate(pack(lay_out_coordinates(design, {})), x)
