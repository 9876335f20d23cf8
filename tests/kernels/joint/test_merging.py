"""Merged rows have exactly the likelihood of the rows that they stand for."""

import numpy as np
import pandas as pd
import pytest
from conftest import classic, read_reference
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.kernels.joint.compiled import evaluate
from bayesmixed.kernels.joint.layouts import lay_out_coordinates
from bayesmixed.kernels.joint.merging import merge_rows
from bayesmixed.kernels.joint.packed_designs import pack

ROWS = 240
(CHECK,) = (check for check in read_reference("sharp_checks")["checks"] if check["id"] == "K1")


def table():
    rng = np.random.default_rng(3)
    g = np.repeat([f"g{j}" for j in range(8)], ROWS // 8)
    f = np.tile(["a", "b", "c"], ROWS // 3)
    return pd.DataFrame(
        {
            "g": g,
            "f": f,
            "yes": rng.integers(0, 2, ROWS),
            "count": rng.poisson(2.0, ROWS),
            "n": rng.integers(2, 6, ROWS),
        }
    ).assign(part=lambda d: np.minimum(d["count"], d["n"]), w=rng.integers(1, 4, ROWS))


CASES = [
    ("yes ~ f + (1 | g)", "bernoulli", 24),
    ("part | trials(n) ~ f + (f | g)", "binomial", 24),
    ("count ~ f + (1 | g)", "poisson", 24),
    ("count | weights(w, 'frequency') ~ f + (1 | g)", "poisson", 24),
    ("count ~ f + (1 | g)", "negbin", None),
    ("count ~ f", "zero_inflated_poisson", None),
    ("part | trials(n) ~ f", "beta_binomial", None),
]


@pytest.mark.parametrize(("formula", "family", "cells"), CASES)
def test_the_density_is_that_of_single_rows(formula, family, cells, monkeypatch):
    design = bm.prepare(bm.from_formula(formula, family=family), table())
    rows = merge_rows(design)
    assert len(rows.kept) == cells if cells else len(rows.kept) < 0.9 * ROWS
    layout = lay_out_coordinates(design, {})
    x = 0.3 * np.random.default_rng(1).normal(size=layout.dimension)
    merged = evaluate(pack(layout), x)
    assert len(merge_rows(design, 0.0).kept) == ROWS
    single = evaluate(pack(layout), x)
    assert merged[0] == pytest.approx(single[0], rel=1e-12)
    np.testing.assert_allclose(merged[1], single[1], rtol=1e-9, atol=1e-9)


def test_constants_of_binomial_rows_are_kept_as_they_were():
    herds = bm.datasets.load("cbpp")
    design = bm.prepare(bm.from_formula("incidence | trials(size) ~ 1 + (1 | herd)", family="binomial"), herds)
    rows = merge_rows(design)
    assert len(rows.kept) == 15
    assert np.sum(rows.constants) == pytest.approx(185.4757, abs=1e-4)


def test_rows_with_effects_of_their_own_stay_single():
    design = bm.prepare(bm.from_formula("count ~ f + obs()", family="poisson"), table())
    assert len(merge_rows(design).kept) == ROWS


def test_rows_of_different_predictors_of_a_further_parameter_stay_apart():
    data = table()
    design = bm.prepare(bm.from_formula("count ~ 1", family="negbin", theta="~ f"), data)
    pooled = bm.prepare(bm.from_formula("count ~ 1", family="negbin"), data)
    assert len(merge_rows(design).kept) == data.groupby(["f", "count"]).ngroups
    assert len(merge_rows(pooled).kept) == data["count"].nunique()
    assert len(merge_rows(pooled.with_response(np.arange(ROWS))).kept) == ROWS


def herds():
    return classic("lme4", "cbpp").astype({"herd": str})


def single_animals():
    """Return the 842 animals of the herds, a row each."""
    rows = herds()
    sick = np.concatenate([np.arange(n) < y for n, y in zip(rows["size"], rows["incidence"], strict=True)])
    return pd.DataFrame({"herd": np.repeat(rows["herd"].to_numpy(), rows["size"]), "sick": sick.astype(int)})


def test_rows_of_trials_and_of_single_animals_differ_by_their_binomial_coefficients():
    expected = CHECK["expected"]
    whole = bm.prepare(bm.from_formula("incidence | trials(size) ~ 1 + (1 | herd)", family="binomial"), herds())
    single = bm.prepare(bm.from_formula("sick ~ 1 + (1 | herd)", family="bernoulli"), single_animals())
    x = 0.3 * np.random.default_rng(1).normal(size=lay_out_coordinates(whole, {}).dimension)
    values = [evaluate(pack(lay_out_coordinates(design, {})), x)[0] for design in (whole, single)]
    assert values[0] - values[1] == pytest.approx(expected["difference_is_sum_log_choose"], abs=1e-6)
    for design, key in ((whole, "loglik_binomial_rows"), (single, "loglik_bernoulli_rows")):
        point = CHECK["inputs"]["point"]
        fit = fit_at(design, {"beta": point["b0"], "sd_herd": point["sd"]})
        by_herd = bm.log_likelihood(fit, integrate="herd")
        total = float(by_herd.isel(chain=0, draw=0).sum())
        assert total == pytest.approx(expected[key], abs=1e-4)
