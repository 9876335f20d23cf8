"""Ratios of cells: of geometric means, in any unit of the response."""

import numpy as np
import pytest
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.display.tables import middle_of


def ratio_in(estimates):
    """Return the one ratio of a table, of v over u."""
    assert list(estimates.table["contrast"]) == ["v / u"]
    return estimates.table[middle_of(estimates.table)][0]


LOGARITHMS = [
    ("log(y)", np.log, "gaussian", "mean"),
    ("log(y)", np.log, "student", "linear"),
    ("log2(y * 3)", lambda y: np.log2(3 * y), "gaussian", "mean"),
    ("np.log10(y / z)", lambda y: np.log10(y), "gaussian", "mu"),
    ("I(log(`y`))", np.log, "gaussian", "mean"),
]


def of_response(response, family, unit, forward):
    """Return a fit of a response whose unit changes, with coefficients that follow."""
    y = np.exp(np.random.default_rng(2).normal(size=24))
    data = {"y": y * unit, "z": np.ones(24), "a": np.repeat(["u", "v"], 12)}
    design = bm.prepare(bm.from_formula(f"{response} ~ a", family=family), data)
    start = float(forward(unit)) - 2.0
    return fit_at(design, {"beta": [start, forward(np.e) - forward(1.0)], "sigma": 0.4, "nu": 5.0})


@pytest.mark.parametrize("unit", [1e-9, 0.1, 1.0, 3000.0])
@pytest.mark.parametrize(("response", "forward", "family", "kind"), LOGARITHMS)
def test_ratios_of_a_logarithm_are_those_of_geometric_means_in_any_unit(response, forward, family, kind, unit):
    # The second group lies at e times the first one, whatever the base and the unit.
    found = bm.contrasts(of_response(response, family, unit, forward), "a", ratio=True, kind=kind)
    assert ratio_in(found) == pytest.approx(np.e)
    assert found.quantity.startswith("ratio of geometric means of")


def test_a_ratio_of_geometric_means_is_that_of_simulated_responses():
    fit = of_response("log10(y)", "gaussian", 1.0, np.log10)
    drawn = 10.0 ** bm.predict(fit, {"a": ["u", "v"] * 2000, "z": np.ones(4000)}, kind="response", seed=1)["response"]
    log = np.log(drawn.values).reshape(100, 2000, 2).mean(axis=(0, 1))
    assert bm.contrasts(fit, "a", ratio=True).table["mean"][0] == pytest.approx(np.exp(log[1] - log[0]), rel=0.02)


def test_the_lognormal_family_has_both_ratios_and_says_which():
    fit = of_response("y", "lognormal", 1.0, np.log)
    linear, mean = (bm.contrasts(fit, "a", ratio=True, kind=kind) for kind in ("linear", "mean"))
    assert ratio_in(linear) == pytest.approx(np.e)
    assert ratio_in(mean) == pytest.approx(np.e)
    assert linear.quantity.startswith("ratio of geometric means of y")
    assert mean.quantity.startswith("ratio of expected y")


@pytest.mark.parametrize("response", ["log1p(y)", "sqrt(y)", "log(y + 1)", "y - 1", "y^2", "exp(y)"])
def test_a_ratio_that_would_depend_on_the_unit_or_is_none_of_the_column_is_refused(response):
    fit = of_response(response, "gaussian", 1.0, np.log)
    with pytest.raises(bm.SpecError, match=r"is not a ratio of what was measured.*Ask for differences"):
        bm.contrasts(fit, "a", ratio=True)
