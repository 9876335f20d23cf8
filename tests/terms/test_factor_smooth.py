"""Curves of the levels of a factor: formulas, columns, mgcv's penalised fit, and what follows from a fit."""

import numpy as np
import pandas as pd
import pytest
from designs import SLEEP
from fixed_draws import fit_at
from scipy.optimize import brentq

import bayesmixed as bm
from bayesmixed.errors import DataError, SpecError, StatisticsWarning

FORMULA = 'Reaction ~ 1 + Days + s(Days, Subject, k=5, bs="fs")'


def test_formulas_are_printed_back_and_random_intercepts_are_read_as_groups():
    spec = bm.from_formula("Reaction ~ Days + s(Days, Subject, bs='fs', k=5)")
    assert spec.formula == FORMULA
    assert bm.from_formula("y ~ s(g, bs='re')") == bm.from_formula("y ~ (1 | g)")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("s(x, bs='fs')", "one covariate and one factor"),
        ("s(x, z, g, bs='fs')", "one covariate and one factor"),
        ("s(x, g, bs='fs', k=3)", "at least k=4"),
        ("s(x, g, bs='fs', k=a)", "k is a whole number"),
        ("s(x, g, bs='fs', by=f)", "option 'by' is not known"),
        ("s(x, g, bs='re')", r"\(0 \+ x \| g\)"),
        ("s(scale(x), g, bs='fs')", "learns from the data"),
        ("s(x, g + h, bs='fs')", "not a column name"),
    ],
)
def test_what_it_cannot_be_is_refused(text, said):
    with pytest.raises(SpecError, match=said):
        bm.from_formula(f"y ~ {text}")


@pytest.mark.parametrize(
    ("formula", "data", "said"),
    [
        (FORMULA, SLEEP.assign(Days=SLEEP["Days"] % 4), "4 different values, fewer than k=5. Write k=4"),
        (FORMULA, SLEEP.assign(Days=SLEEP["Subject"].astype(float)), "one value in every level of 'Subject'"),
        (FORMULA, SLEEP.assign(Days="a"), "holds no numbers"),
        (FORMULA, SLEEP.assign(Subject="a"), "one level"),
        (FORMULA + " + (1 | Subject)", SLEEP, "Two group terms of 'Subject' have the column 'Intercept'"),
    ],
)
def test_data_that_do_not_allow_it_are_refused(formula, data, said):
    with pytest.raises(DataError, match=said):
        bm.prepare(formula, data)


def test_its_columns_join_those_of_another_term_of_the_factor_and_are_replayed():
    data = SLEEP.assign(z=np.cos(np.arange(180.0)))
    design = bm.prepare('Reaction ~ Days + z + (0 + z | Subject) + s(Days, Subject, k=5, bs="fs")', data)
    again = bm.prepare(design.spec, data.iloc[::-1], like=design)
    np.testing.assert_allclose(again.mu.groups[0].matrix[::-1], design.mu.groups[0].matrix, atol=1e-9)
    keys = ["sd_Subject[z]", "sd_Subject[Intercept]", "sd_Subject[s(Days)[linear]]", "sd_Subject[s(Days)]"]
    assert [key for key in design.priors if key.startswith("sd_")] == keys


def test_the_penalised_fit_is_that_of_mgcv():
    """m <- gam(Reaction ~ s(Days, Subject, bs = "fs", k = 5), data = d, sp = c(0.2, 1e-9, 1e-9)); sum(m$edf);
    predict(m, expand.grid(Days = c(0, 3.3, 8.5), Subject = c("308", "371"))). Lines of levels are almost free there."""
    design = bm.prepare(FORMULA, SLEEP)
    block = design.mu.groups[0]
    columns = block.sparse_columns().toarray()
    bent = np.tile(np.arange(block.width) > 1, len(block.levels))

    def solve(weight):
        whole = columns.T @ columns + np.diag(weight * bent)
        return np.linalg.solve(whole, columns.T @ np.column_stack([design.response, columns]))

    weight = brentq(lambda w: np.trace(solve(w)[:, 1:]) - 57.2501715199, 1e-3, 1e3, xtol=1e-12)
    new = pd.DataFrame({"Days": [0, 3.3, 8.5] * 2, "Subject": np.repeat([308, 371], 3)})
    rows = bm.prepare(design.spec, new, like=design).mu.groups[0].sparse_columns().toarray()
    expected = [239.195450246, 323.218166813, 427.229940520, 270.307262708, 274.706627113, 348.059610181]
    np.testing.assert_allclose(rows @ solve(weight)[:, 0], expected, rtol=1e-6)


def test_effects_of_levels_are_curves_and_new_levels_draw_theirs():
    design = bm.prepare(FORMULA, SLEEP)
    sd = np.array([20.0, 5.0, 8.0, 8.0, 8.0])
    effects = np.random.default_rng(0).normal(size=(18, 5)) * sd
    fit = fit_at(design, {"beta": [300.0, 0.0], "sd_Subject": sd, "b_Subject": effects, "sigma": 10.0})
    z = design.mu.groups[0].matrix
    expected = 300.0 + np.sum(z * effects[design.mu.groups[0].index], axis=1)
    np.testing.assert_allclose(bm.predict(fit)["mean"].isel(chain=0, draw=0), expected)
    total = np.mean(z**2 @ sd**2)
    shares = bm.icc(fit).set_index(["term", "effect"])["mean"]
    assert shares[("same Subject", "icc")] == pytest.approx(total / (total + 100.0), rel=0.05)
    spread = bm.predict(fit, {"Days": [0.0], "Subject": ["new"]}, groups="new", seed=1)["mean"]
    assert float(spread.std()) == pytest.approx(np.sqrt(z[0] ** 2 @ sd**2), rel=0.25)
    with pytest.warns(StatisticsWarning, match="1 of 2 rows lie beyond the range 0 to 9"):
        bm.predict(fit, {"Days": [9.0, 12.0], "Subject": [308, 308]})


def test_a_saved_fit_predicts_the_same_curves(tmp_path):
    fit = fit_at(bm.prepare(FORMULA, SLEEP), {"sd_Subject": 1.0, "sigma": 1.0}, jitter=0.1)
    bm.save_fit(fit, tmp_path / "fit.nc")
    again = bm.predict(bm.load_fit(tmp_path / "fit.nc"), SLEEP.iloc[:7])["mean"]
    np.testing.assert_allclose(again, bm.predict(fit, SLEEP.iloc[:7])["mean"], atol=1e-9)


def test_without_pooling_it_is_named_what_to_write():
    with pytest.raises(SpecError, match=r"write Subject \+ s\(Days, by=Subject\)"):
        bm.from_formula(FORMULA).as_fixed("Subject")
    with pytest.raises(SpecError, match=r"write g:factor\(t\) in the population part"):
        bm.from_formula("y ~ ar1(0 + t | g)").as_fixed("g")
