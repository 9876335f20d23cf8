"""tau, I-squared and new studies against algebra."""

import numpy as np
import pytest
from fixed_draws import fit_at
from meta_analyses import eight_schools
from weighted_rows import prepared

import bayesmixed as bm
from bayesmixed.errors import SpecError
from bayesmixed.summaries.variance.study_differences import typical_variance

META = "y | se(s) ~ 1 + (1 | school)"


def fixed(formula, data, values, **options):
    return fit_at(prepared(formula, data, **options), {"sigma": 1.0, **values})


def test_the_typical_variance_of_a_common_mean_is_that_of_higgins_and_thompson():
    s = eight_schools()["s"].to_numpy()
    w = s**-2.0
    expected = 7 * w.sum() / (w.sum() ** 2 - np.sum(w**2))
    assert typical_variance(np.ones((8, 1)), s) == pytest.approx(expected)
    assert typical_variance(np.ones((8, 1)), 1e9 * s) == pytest.approx(1e18 * expected)
    assert typical_variance(np.zeros((8, 0)), s) == pytest.approx(8 / w.sum())
    x = np.column_stack([np.ones(8), np.arange(8.0)])
    weights = np.diag(w)
    residual = weights - weights @ x @ np.linalg.solve(x.T @ weights @ x, x.T @ weights)
    assert typical_variance(x, s) == pytest.approx(6 / np.trace(residual))


def test_i_squared_is_the_share_of_tau_squared():
    found = bm.heterogeneity(fixed(META, eight_schools(), {"sd_school": 6.0, "beta": 8.0}))
    table = found.table.set_index(["term", "quantity"])["mean"]
    typical = typical_variance(np.ones((8, 1)), eight_schools()["s"].to_numpy())
    assert table["school", "tau"] == 6.0
    assert table["all", "I2"] == table["school", "I2"] == pytest.approx(36.0 / (36.0 + typical))
    assert table["all", "overall"] == 8.0
    assert found.draws.sel(row=4).std() == pytest.approx(6.0, rel=0.3)


def test_several_terms_and_sigma_share_the_heterogeneity():
    data = eight_schools().assign(lab=list("aabbccdd"))
    values = {"sigma": 2.0, "sd_lab": 4.0}
    table = bm.heterogeneity(fixed("y | se(s, sigma=True) ~ 1 + (1 | lab)", data, values)).table
    shares = table[table["quantity"] == "I2"].set_index("term")["mean"]
    assert shares["lab"] == pytest.approx(4 * shares["sigma"])
    assert shares["all"] == pytest.approx(5 * shares["sigma"])


def test_with_columns_there_is_no_single_overall_mean():
    data = eight_schools().assign(x=np.arange(8.0))
    found = bm.heterogeneity(fixed("y | se(s) ~ x + (1 | school)", data, {"sd_school": 6.0}))
    assert found.table["quantity"].tolist() == ["tau", "I2", "I2"]
    assert "True effects depend on 'x'" in found.notes[-1]


@pytest.mark.parametrize(
    ("formula", "options", "words"),
    [
        ("y ~ 1 + (1 | lab)", {}, "known standard errors: write y . se"),
        ("y | se(s) ~ 1", {}, "No effects differ"),
        (META, {"family": "student"}, "not for family 'student'"),
    ],
)
def test_models_without_heterogeneity_are_refused(formula, options, words):
    some = fixed(formula, eight_schools().assign(lab=list("aabbccdd")), {"nu": 4.0}, **options)
    with pytest.raises(bm.SpecError, match=words):
        bm.heterogeneity(some)


def test_a_coefficient_for_each_row_leaves_no_typical_error():
    fit = fixed("y | se(s) ~ school + (1 | school)", eight_schools(), {"sd_school": 6.0})
    with pytest.raises(SpecError, match="8 coefficients for 8 rows"):
        bm.heterogeneity(fit)
