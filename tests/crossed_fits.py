"""Fits of two crossed factors to any family of the catalogue, whose parameters are given."""

import numpy as np
import pytest
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.families import FAMILIES

V_G, V_H = 0.49, 0.25
V = V_G + V_H
MEANING = {
    "mu": 0.4,
    "sigma": 0.8,
    "nu": 8.0,
    "shape": 3.0,
    "phi": 8.0,
    "theta": 2.0,
    "zi": 0.3,
    "hu": 0.3,
    "zoi": 0.2,
    "coi": 0.6,
    "tau": 0.5,
    "alpha": 2.0,
    "quantile": 0.5,
    "power": 1.6,
    "ndt": 0.3,
}


def values_of(family):
    """Return one setting of the parameters of a family; a location of 0.4 serves every link."""
    return {p.name: MEANING[p.name] for p in family.parameters if p.name in MEANING}


def data_of(family, rows=60):
    """Return a crossed table whose response a family accepts."""
    generator = np.random.default_rng(3)
    values = {p.name: np.full(rows, MEANING[p.name]) for p in family.parameters}
    y = family.random(generator, values, 6.0 if family.has_trials else 1.0, (rows,))
    index = np.arange(rows)
    return {"y": y, "n": np.full(rows, 6), "g": index % 10, "h": index // 10, "x": generator.standard_normal(rows)}


def crossed_fit(name, link=None, formula="~ 1 + (1 | g) + (1 | h)", values=None, **predictors):
    family = FAMILIES[name]
    left = "y | trials(n)" if family.has_trials else "y"
    options = {"links": {"mu": link}} if link else {}
    spec = bm.from_formula(
        f"{left} {formula}",
        family=name,
        crossed=["h"] if "| h" in f"{formula} {predictors}" else [],
        **options,
        **predictors,
    )
    truth = values_of(family) | {"beta": 0.4, "sd_g": np.sqrt(V_G), "sd_h": np.sqrt(V_H)} | (values or {})
    return fit_at(bm.prepare(spec, data_of(family)), truth)


known = [
    name
    for name, family in FAMILIES.items()
    if {p.name for p in family.parameters} <= set(MEANING) and not family.template
]
each_family = pytest.mark.parametrize("name", known)
