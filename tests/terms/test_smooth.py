"""Smooth terms: formulas, blocks on data, replay on new rows, refusals and notes."""

import warnings

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.kernels.joint.decoding import decode
from bayesmixed.kernels.joint.layouts import lay_out_coordinates
from bayesmixed.terms import Smooth

ROWS = 80


def table():
    i, generator = np.arange(ROWS), np.random.default_rng(2)
    return pd.DataFrame(
        {
            "y": generator.normal(size=ROWS) + np.sin(i / 8),
            "x": generator.uniform(1, 9, ROWS),
            "z": generator.normal(size=ROWS),
            "w": generator.normal(size=ROWS) + 2.0,
            "f": np.array(["a", "b", "c"])[i % 3],
            "g": np.array(list("pqrstuvw"))[i % 8],
            "one": 1.5,
            "few": (i % 5).astype(float),
        }
    )


def prepared(formula, data=None, like=None, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        spec = bm.from_formula(formula, **options) if like is None else like.spec
        return bm.prepare(spec, table() if data is None else data, like=like)


FORMULAS = [
    "y ~ 1 + s(x)",
    'y ~ 1 + f + s(x, k=6, by=f) + s(z, bs="cr") + (1 | g)',
    'y ~ 1 + s(x, k=7, by=z, bs="ps") + s(log(x), bs="cc")',
    "y ~ 1 + s(`my x`) + s(x, by=`my f`)",
]


@pytest.mark.parametrize("formula", FORMULAS)
def test_formulas_are_printed_back_and_written_to_toml(formula, tmp_path):
    spec = bm.from_formula(formula, sigma="~ s(x, k=5)")
    assert spec.formula == formula
    assert bm.from_formula(**spec.as_formula()) == spec
    bm.save_spec(spec, tmp_path / "smooth.toml")
    assert bm.load_spec(tmp_path / "smooth.toml") == spec


def test_a_table_of_toml_is_the_same_as_the_formula():
    term = {"kind": "smooth", "x": "x", "by": "f", "k": 6, "bs": "cr"}
    spec = bm.ModelSpec(response="y", predictors={"mu": [{"kind": "fixed", "formula": "f"}, term]})
    assert spec == bm.from_formula("y ~ f + s(x, by=f, k=6, bs='cr')")


def test_formulas_can_be_changed_by_smooths():
    spec = bm.from_formula("y ~ x + s(z, k=5) + (1 | g)")
    assert spec.update("~ . - s(z, k=5) + s(x)").formula == "y ~ 1 + x + (1 | g) + s(x)"


def test_names_dims_and_keys_are_those_of_the_contract():
    design = prepared("y ~ f + s(x, k=6) + s(z, by=f, k=5) + (1 | g)", sigma="~ s(x, k=4)")
    spec = ["sd_s(x)", "sd_s(z):f[a]", "sd_s(z):f[b]", "sd_s(z):f[c]", "sd_g[Intercept]", "sd_s(x)_sigma"]
    assert [key for key in design.priors if key.startswith("sd_")] == spec
    layout = lay_out_coordinates(design, {})
    found = decode(layout, np.zeros((3, layout.dimension)))
    expected = {
        "b_s(x)": (("s(x)",), (3, 4)),
        "sd_s(x)": ((), (3,)),
        "b_s(z):f": (("s(z):f", "s(z):f_effect"), (3, 3, 3)),
        "sd_s(z):f": (("s(z):f_effect",), (3, 3)),
        "b_s(x)_sigma": (("s(x)_sigma",), (3, 2)),
    }
    assert {name: (found[name][0], found[name][1].shape) for name in expected} == expected
    assert "s(x)[linear]" in design.mu.population.labels
    assert "s(z)[linear]:f[b]" in design.mu.population.labels


def test_the_default_prior_of_the_sd_is_in_the_unit_of_the_response_and_a_user_prior_replaces_it():
    data = table()
    one, ten = prepared("y ~ s(x)", data), prepared("y ~ s(x)", data.assign(y=10 * data["y"]))
    assert ten.priors["sd_s(x)"].prior.arguments[1] == pytest.approx(10 * one.priors["sd_s(x)"].prior.arguments[1])
    own = prepared("y ~ f + s(x, by=f)", priors={"sd_s(x):f": "Exponential(2)", "sd_s(x):f[b]": "HalfNormal(3)"})
    texts = [str(own.priors[f"sd_s(x):f[{level}]"].prior) for level in "abc"]
    assert texts == ["Exponential(2)", "HalfNormal(3)", "Exponential(2)"]
    assert prepared("y ~ s(x)", sigma="~ s(x)").priors["sd_s(x)_sigma"].prior.arguments == (4.0, 0.5)


@pytest.mark.parametrize("bs", ["tp", "cr", "ps", "cc"])
def test_new_rows_replay_what_was_learned(bs):
    data = table()
    design = prepared(f"y ~ f + s(x, by=f, k=6, bs='{bs}') + s(z, by=w, k=5, bs='{bs}')", data)
    chosen = data.iloc[[40, 3, 11, 11]].drop(columns="y")
    new = prepared("", chosen, like=design)
    np.testing.assert_allclose(new.mu.population.matrix, design.mu.population.matrix[[40, 3, 11, 11]], atol=1e-9)
    for before, after in zip(design.mu.curves, new.mu.curves, strict=True):
        np.testing.assert_allclose(after.matrix, before.matrix[[40, 3, 11, 11]], atol=1e-9)
        np.testing.assert_array_equal(after.index, before.index[[40, 3, 11, 11]])


def test_predictions_hold_the_curve_of_the_row_s_level_times_its_multiplier():
    design = prepared("y ~ f + s(x, by=f, k=6) + s(z, by=w, k=5, bs='cr') + (1 | g)")
    generator = np.random.default_rng(0)
    by_level, one = generator.normal(size=(4, 3)), generator.normal(size=3)
    beta = generator.normal(size=len(design.mu.population.labels))
    fit = fit_at(design, {"beta": beta, "b_s(x):f": by_level, "b_s(z):w": one, "sd_g": 1.0, "sigma": 1.0})
    curves, times = design.mu.curves
    expected = design.mu.population.matrix @ beta
    for row in range(ROWS):
        expected[row] += curves.matrix[row] @ by_level[:, "abc".index(table()["f"][row])] + times.matrix[row] @ one
    found = bm.predict(fit, groups="typical", kind="linear")["linear"].isel(chain=0, draw=0)
    np.testing.assert_allclose(found, expected)
    again = bm.predict(fit, table().iloc[5:9], groups="new", kind="linear", seed=1)["linear"]
    assert again.sizes["row"] == 4
    assert "s(x)" not in bm.predict(fit, groups="average").attrs["estimand"]


def test_a_smooth_is_no_group_in_the_tables():
    design = prepared("y ~ s(x, k=6) + (1 | g)")
    values = {"beta": [0.0, 1.0], "b_s(x)": [1.0, 0.5, 0.0, 0.0], "sd_s(x)": 9.0, "sd_g": 0.7, "sigma": 1.2}
    fit = fit_at(design, values, jitter=1e-6)
    assert set(bm.variance_components(fit)["term"]) == {"g", "Residual"}
    assert set(bm.group_effects(fit)["term"]) == {"g"}
    icc = bm.icc(fit).set_index(["term", "effect"])["mean"]
    assert icc.loc[("same g", "icc")] == pytest.approx(0.49 / (0.49 + 1.44), rel=1e-3)
    smooth = design.mu.curves[0]
    curve = smooth.line_matrix[:, 0] + smooth.matrix @ np.array([1.0, 0.5, 0.0, 0.0])
    r2 = bm.r2(fit, scale="latent").set_index("effect")["mean"]
    assert r2["marginal"] == pytest.approx(np.var(curve) / (np.var(curve) + 0.49 + 1.44), rel=1e-3)


def test_simulated_curves_have_the_given_sd():
    spec = bm.from_formula("y ~ f + s(x, by=f, k=8)")
    truth = {"beta": 0.0, "sd_s(x):f": 2.0, "sd_s(x):f[b]": 0.01, "sigma": 1e-6}
    smooth, squares = prepared(spec.formula).mu.curves[0], []
    for seed in range(30):
        drawn = bm.simulate(spec, truth=truth, data=table().drop(columns="y"), seed=seed)
        effects = drawn.truth["b_s(x):f"].values
        squares.append(np.mean(effects**2, axis=0))
        np.testing.assert_allclose(drawn.data["y"], smooth.contribution(effects), atol=1e-4)
    np.testing.assert_allclose(np.mean(squares, axis=0), [4.0, 1e-4, 4.0], rtol=0.4)


def test_prior_draws_hold_curves_with_the_prior_s_sd():
    from bayesmixed.prediction.prior_samples import sample_prior

    design = prepared("y ~ f + s(x, by=f, k=8)", priors={"sd_s(x):f": 2.0, "sd_s(x):f[b]": 0.5})
    prior = sample_prior(design, draws=4000, seed=1)
    spread = prior.posterior["b_s(x):f"].std(("chain", "draw", "s(x):f")).values
    np.testing.assert_allclose(spread, [2.0, 0.5, 2.0], rtol=0.03)
    assert bm.predict(prior, kind="linear").sizes["row"] == ROWS


def test_the_prior_density_of_a_fit_counts_each_sd_of_a_smooth_once():
    from bayesmixed.draws.prior_densities import log_prior_densities

    design = prepared("y ~ s(x, k=5) + s(z, by=f, k=4)", priors={"sd_s(x)": "Exponential(2)"})
    fit = fit_at(design, {"sd_s(x)": 0.7, "sd_s(z):f": [0.1, 0.2, 0.3], "sigma": 1.0})
    found = {
        key: float(value[0, 0])
        for key, value in log_prior_densities(fit.design, fit.posterior).items()
        if key.startswith("sd_")
    }
    assert found["sd_s(x)"] == pytest.approx(np.log(2.0) - 1.4)
    for level, sd in zip("abc", (0.1, 0.2, 0.3), strict=True):
        prior = design.priors[f"sd_s(z):f[{level}]"].prior
        assert found[f"sd_s(z):f[{level}]"] == pytest.approx(float(prior.frozen().logpdf(sd)))
    assert len(found) == 4


def test_rows_with_frequencies_learn_the_spline_of_the_rows_written_out():
    data = table().assign(times=np.arange(ROWS) % 3 + 1)
    many = data.loc[data.index.repeat(data["times"])].reset_index(drop=True)
    counted, written = prepared("y | weights(times, 'frequency') ~ s(x, k=6)", data), prepared("y ~ s(x, k=6)", many)
    own, expected = counted.mu.curves[0], written.mu.curves[0]
    assert own.matrix.shape == (ROWS, 4)
    first = np.cumsum(data["times"]) - data["times"]
    np.testing.assert_allclose(own.matrix, expected.matrix[first], atol=1e-10)


def test_a_saved_fit_predicts_the_same_curve(tmp_path):
    design = prepared("y ~ f + s(x, by=f, k=6)")
    fit = fit_at(design, {"b_s(x):f": np.arange(12.0).reshape(4, 3), "sigma": 1.0})
    bm.save_fit(fit, tmp_path / "fit.nc")
    again = bm.predict(bm.load_fit(tmp_path / "fit.nc"), table().iloc[:5])["mean"]
    np.testing.assert_allclose(again, bm.predict(fit, table().iloc[:5])["mean"], atol=1e-9)


def test_equations_and_tables_of_priors_name_the_curves():
    spec = bm.from_formula("y ~ f + s(x, by=f)")
    for model in (spec, prepared("y ~ f + s(x, by=f)")):
        text = model.to_latex()
        assert r"\text{s(x):f}_{i} &= \sum_{k}" in text
        assert "SD of the curve around a straight line" in text
    assert r"\sigma_{\text{s(x):f[a]}}" in text
    assert "sd_s(x):f" in set(bm.prior_table(spec).parameters["parameter"])
    assert {f"sd_s(x):f[{level}]" for level in "abc"} <= set(bm.prior_table(spec, table()).parameters["parameter"])


REFUSED = [
    ("y ~ s(few)", "has 5 different values, fewer than k=10. Write k=5 or less"),
    ("y ~ s(one, k=4)", "is 1.5 in every row"),
    ("y ~ s(f)", "holds no numbers"),
    ("y ~ s(log(z))", "is not finite in"),
    ("y ~ s(x) + s(x, k=5)", "occurs twice"),
    ("y ~ s(nothing)", "Column 'nothing' in 'nothing' is not in the data"),
    ("y ~ s(x, by=nothing)", "Column 'nothing' in 's(x, by=nothing)' is not in the data"),
    ("y ~ x + s(x)", "collinear|same column|add up"),
]


@pytest.mark.parametrize(("formula", "words"), REFUSED)
def test_what_cannot_be_a_smooth_is_refused_with_the_way_out(formula, words):
    with pytest.raises(bm.BayesMixedError, match=None) as caught:
        prepared(formula)
    assert any(word in str(caught.value) for word in words.split("|")), str(caught.value)


def test_missing_values_of_the_covariate_are_refused_or_dropped():
    data = table()
    data.loc[3, "x"] = np.nan
    with pytest.raises(bm.DataError, match="x"):
        bm.prepare("y ~ s(x)", data)
    assert bm.prepare("y ~ s(x)", data, missing="drop").rows == ROWS - 1


def test_a_level_that_the_fit_did_not_see_is_an_error():
    design = prepared("y ~ f + s(x, by=f)")
    with pytest.raises(bm.DataError, match="which the model was not fitted to"):
        prepared("", table().assign(f="new"), like=design)


def test_rows_beyond_the_range_of_their_own_curve_are_flagged():
    data = table()
    data.loc[data["f"] == "a", "x"] = np.linspace(4, 5, (data["f"] == "a").sum())
    design = prepared("y ~ f + s(x, by=f, k=6)", data)
    with pytest.warns(bm.StatisticsWarning, match="1 of 2 rows lie beyond the range 4 to 5 .* for 'a'"):
        bm.prepare(design.spec, {"x": [7.0, 7.0], "f": ["a", "b"]}, like=design)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bm.prepare(design.spec, {"x": [4.5, 7.0], "f": ["a", "b"]}, like=design)


def test_curves_by_factor_without_its_main_effect_are_pointed_out():
    with pytest.warns(bm.StatisticsWarning, match="share one mean"):
        bm.prepare("y ~ s(x, by=f)", table())
    for formula in ("y ~ f + s(x, by=f)", "y ~ 0 + f + s(x, by=f)"):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            bm.prepare(formula, table())
    data = table()
    data.loc[data["f"] == "a", "x"] = np.resize([2.0, 3.0, 4.0], (data["f"] == "a").sum())
    with pytest.warns(bm.StatisticsWarning, match="'f' a has 3 different values of x, fewer than k=10"):
        bm.prepare("y ~ f + s(x, by=f)", data)


def test_the_schema_knows_the_term():
    assert "smooth" in bm.TERMS
    assert Smooth(x="x").name == "s(x)"
