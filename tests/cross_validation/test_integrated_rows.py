"""Effects of units integrated out by compiled code, beside quadrature in NumPy and dense grids."""

import warnings

import numpy as np
import pytest
from fixed_draws import fit_at
from uncompiled import uncompiled
from unit_tables import ROWS

import bayesmixed as bm
from bayesmixed.cross_validation import integrated_rows, set_integrals
from bayesmixed.cross_validation.left_out_units import situate
from bayesmixed.cross_validation.marginal_densities import unit_logs
from bayesmixed.cross_validation.row_densities import row_logs
from bayesmixed.cross_validation.units import find_units
from bayesmixed.integration.layers import sum_rows
from bayesmixed.integration.nested_quadrature import integrate
from bayesmixed.terms.block_parts import lies_in

POSITIVE = ROWS.assign(y=np.exp(ROWS["y"]), n=9, w=np.tile([1, 3], 12), o=0.2 * ROWS["x"])
SD = {"beta": [0.4, 0.3], "sd_g": 0.8, "sd_g:h": 0.5, "sd_obs": 0.6, "corr_g": [[1.0, -0.4], [-0.4, 1.0]]}
FURTHER = {"negbin": {"theta": 1.5}, "gamma": {"shape": 3.0}}
CASES = {
    "plain": ("count ~ x + (1 | g)", "poisson", "g"),
    "events": ("yes ~ x + (1 | g)", "bernoulli", "g"),
    "trials": ("count | trials(n) ~ x + (1 | g)", "binomial", "g"),
    "negbin": ("count ~ x + (1 | g)", "negbin", "g"),
    "gamma": ("y ~ x + (1 | g)", "gamma", "g"),
    "offset": ("count ~ x + offset(o) + (1 | g)", "poisson", "g"),
    "two effects": ("count ~ x + (x | g)", "poisson", "g"),
    "three effects": ("yes ~ x + (x + k || g)", "bernoulli", "g"),
    "one slope": ("count ~ x + (0 + x | g)", "negbin", "g"),
    "nested": ("count ~ x + (1 | g/h)", "poisson", "g"),
    "rows": ("count ~ x + (1 | g) + obs()", "poisson", "g"),
    "rows of trials": ("count | trials(n) ~ x + (1 | g) + obs()", "binomial", "g"),
    "rows of gamma": ("y ~ x + (1 | g) + obs()", "gamma", "g"),
    "three layers": ("count ~ x + (1 | g/h) + obs()", "poisson", "g"),
    "rows alone": ("count ~ x + (1 | k) + obs()", "poisson", "x"),
    "a factor of its own": ("count ~ x + (1 | g) + (1 | k)", "poisson", "g"),
}

PLAIN = ("plain", "events", "trials", "negbin", "gamma", "offset", "nested", "rows alone", "a factor of its own")


@pytest.fixture(autouse=True)
def plain_python(monkeypatch):
    """Take all work, and no compiler; return which functions were called."""
    called = set()
    monkeypatch.setattr(integrated_rows, "WORK", 0.0)
    for name in ("integrate_sets", "integrate_plain_sets"):

        def note(*given, name=name):
            called.add(name)
            uncompiled(getattr(set_integrals, name))(*given)

        monkeypatch.setattr(set_integrals, f"{name}_compiled", note)
    return called


def units_of(formula, family, unit, data=POSITIVE, draws=3, theta=None, **values):
    keywords = {"theta": theta} if theta else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        design = bm.prepare(bm.from_formula(formula, family=family, **keywords), data)
    posterior = fit_at(design, SD | FURTHER.get(family, {}) | values, jitter=0.05, draws=draws).posterior
    return situate(design, posterior.isel(chain=[0]), find_units(design, unit, whole=True))


def by_numpy(units_out):
    sets = integrate(row_logs(units_out), units_out.etas, units_out.layers)
    return sum_rows(sets, lies_in(units_out.layers[0].index, units_out.units))


@pytest.mark.parametrize(
    "case", [pytest.param(c, marks=pytest.mark.slow if c == "three layers" else ()) for c in CASES]
)
def test_densities_of_units_are_those_of_quadrature_in_numpy(case, plain_python):
    units_out = units_of(*CASES[case], draws=1 if case == "three layers" else 3)
    np.testing.assert_allclose(unit_logs(units_out), by_numpy(units_out), atol=2e-4)
    assert plain_python == {"integrate_plain_sets" if case in PLAIN else "integrate_sets"}


def test_a_weighted_row_counts_as_that_many_rows():
    weighted = POSITIVE.assign(w=np.tile([1, 3], 12))
    written = weighted.loc[weighted.index.repeat(weighted["w"])].reset_index(drop=True)
    one = units_of("count | weights(w, frequency) ~ x + (1 | g)", "negbin", "g", weighted)
    other = units_of("count ~ x + (1 | g)", "negbin", "g", written)
    np.testing.assert_allclose(unit_logs(one), unit_logs(other), rtol=1e-9)


def test_a_dispersion_with_a_predictor_belongs_to_its_row():
    units_out = units_of("count ~ x + (1 | g)", "negbin", "g", theta="~ x", beta_theta=[0.3, 0.6])
    np.testing.assert_allclose(unit_logs(units_out), by_numpy(units_out), atol=2e-4)


@pytest.mark.parametrize(
    ("formula", "family", "values"),
    [
        ("y ~ x + (1 | g)", "student", {"sigma": 0.3, "nu": 3.0}),
        ("count ~ x + (1 | g)", "zero_inflated_poisson", {"zi": 0.2}),
        ("count ~ x + (1 | g)", "negbin1", {"phi": 0.7}),
    ],
)
def test_rows_that_are_not_concave_are_left_to_numpy(formula, family, values, plain_python):
    unit_logs(units_of(formula, family, "g", **values))
    assert not plain_python


def test_little_work_is_not_worth_a_compiler(monkeypatch, plain_python):
    monkeypatch.setattr(integrated_rows, "WORK", 3 * 24 * 15 + 1)
    unit_logs(units_of("count ~ x + (1 | g)", "poisson", "g"))
    assert not plain_python
    unit_logs(units_of("count ~ x + (1 | g)", "poisson", "g"), draws=4)
    assert plain_python
