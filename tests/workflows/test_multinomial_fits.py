"""Counts of several categories in columns, from the formula to answers by category."""

import numpy as np
import pandas as pd
import pytest
from cli_runs import run
from fixed_draws import fit_at
from pymc_agreement import check_log_likelihood
from scipy import special, stats

import bayesmixed as bm
from bayesmixed.equations import write_equations
from bayesmixed.spec.files import spec_from_toml, spec_to_toml

FORMULA = "cbind(a, `b c`, d) ~ x + (1 |p| h)"
VALUES = {
    **{"beta_mu_b_c": [-0.5, 0.2], "sd_h_mu_b_c": 0.4, "beta_mu_d": [-0.9, 0.1], "sd_h_mu_d": 0.3},
    **{"b_h_mu_b_c": np.linspace(-0.4, 0.5, 5)[:, None], "corr_h_mu_b_c": np.eye(2)},
}


def some_data(rows=40):
    generator = np.random.default_rng(3)
    counts = generator.multinomial(12, [0.5, 0.3, 0.2], size=rows)
    data = {"x": generator.normal(size=rows), "h": np.array(list("uvwyz"))[np.arange(rows) % 5], "n": 12}
    return pd.DataFrame(data | dict(zip(("a", "b c", "d"), counts.T, strict=True)))


def some_spec(formula=FORMULA, **options):
    return bm.from_formula(formula, family="multinomial", **options)


@pytest.fixture(scope="module")
def fit():
    return fit_at(bm.prepare(some_spec(), some_data()), VALUES, jitter=0.01)


def log_density(design, values):
    model = bm.build(design)
    point = {**model.initial_point(), **{name: np.asarray(value, dtype=float) for name, value in values.items()}}
    return float(model.compile_fn(model.logp(sum=True), mode="FAST_COMPILE", point_fn=True)(point))


def test_the_posterior_is_that_of_rows_one_by_one():
    data = some_data(10)
    long = data.melt(["x", "h"], ["a", "b c", "d"], var_name="y", value_name="count")
    long = long.loc[long.index.repeat(long["count"])].reset_index(drop=True)
    designs = [
        bm.prepare(some_spec("cbind(a, `b c`, d) ~ x + (1 | h)"), data),
        bm.prepare("y ~ x + (1 | h)", long, family="categorical"),
    ]
    values = {"beta_mu_b_c[Intercept_centred]", "beta_mu_d[Intercept_centred]", "sd_h_mu_d[Intercept]"}
    for key in values:
        assert designs[0].priors[key].prior == designs[1].priors[key].prior
    # Rows are weighted otherwise in the centre of x and in its unit: the same priors make the posteriors the same.
    same = [bm.prepare(one.spec.replace(priors={"beta[x]": "Normal(0, 1)"}), one.table.data) for one in designs]
    offset = float(designs[1].mu.centre[1] - designs[0].mu.centre[1])
    found = []
    for intercept in (0.3, -0.7):
        points = [{"centred_beta_mu_d": [intercept + 0.4 * shift, 0.4]} for shift in (0.0, offset)]
        found.append([log_density(one, point) for one, point in zip(same, points, strict=True)])
    priors = [
        [
            stats.norm.logpdf(point, *one.priors["beta_mu_d[Intercept_centred]"].prior.arguments)
            for one, point in zip(same, (intercept, intercept + 0.4 * offset), strict=True)
        ]
        for intercept in (0.3, -0.7)
    ]
    likelihood = np.array(found) - np.array(priors)
    np.testing.assert_allclose(likelihood[0] - likelihood[1], (likelihood[0] - likelihood[1])[0], rtol=1e-9)


def test_maximum_likelihood_is_that_of_nnet():
    """coef(m), deviance(m) and summary(m)$standard.errors of m <- multinom(cbind(a, b, c) ~ x, reltol = 1e-14): -2 times
    the log-likelihood without the multinomial coefficients, which densities here hold."""
    counts = {"a": [5, 2, 0, 7, 3, 1], "b": [1, 4, 6, 2, 0, 3], "c": [2, 2, 3, 1, 5, 8]}
    data = pd.DataFrame(counts | {"x": [-1, -0.4, 0.3, 0.1, 0.8, 1.5]})
    found = bm.approximate(some_spec("cbind(a, b, c) ~ x"), data)
    table = np.array(list(counts.values()))
    coefficients = special.gammaln(table.sum(axis=0) + 1.0).sum() - special.gammaln(table + 1.0).sum()
    assert -2.0 * (found.log_likelihood - coefficients) == pytest.approx(111.617908, abs=1e-5)
    there = [-0.1629727714, 0.5272028894, -0.2218528332, 1.2419405329]
    np.testing.assert_allclose(list(found.estimates.values()), there, atol=1e-3)
    errors = [0.35297676, 0.45774611, 0.38071654, 0.46812275]
    np.testing.assert_allclose(list(found.standard_errors.values()), errors, rtol=1e-2)
    empty = data.assign(**dict.fromkeys("abc", 0)).iloc[:2]
    again = bm.approximate(some_spec("cbind(a, b, c) ~ x"), pd.concat([data, empty], ignore_index=True))
    assert again.log_likelihood == pytest.approx(found.log_likelihood, abs=1e-6)


def test_the_reference_and_formulas_of_categories():
    design = bm.prepare(some_spec(reference="d", mu_b_c="~ 1 + (1 |p| h)"), some_data())
    assert design.categories == ("d", "a", "b c")
    assert {name: p.population.labels for name, p in design.predictors.items()} == {
        "mu_a": ("Intercept", "x"),
        "mu_b_c": ("Intercept",),
    }
    assert spec_from_toml(spec_to_toml(design.spec)) == design.spec
    assert "Multinomial(n_ij, softmax(0, mu_a_ij, mu_b_c_ij))" in " ".join(write_equations(design).split())


@pytest.mark.parametrize(
    ("formula", "change", "message"),
    [
        ("a ~ x", {}, "needs the counts of all categories"),
        ("cbind(a) ~ x", {}, "not part of the formula language"),
        ("cbind(a, d + 1) ~ x", {}, r"'d \+ 1' in .* is not a column"),
        ("cbind(a, a) ~ x", {}, "stands twice"),
        ("cbind(a, d) ~ d", {}, r"right side of its own formula \(column 'd'\)"),
        ("cbind(a, d) ~ x", {"a": -1}, r"'a' must be whole numbers from 0; 40 of 40 rows"),
        ("cbind(a, d) ~ x", {"a": 0.5}, "must be whole numbers"),
        ("cbind(a, d) ~ x", {"a": "q"}, "holds text"),
        ("cbind(a, d) ~ x", {"a": 0, "d": 0}, "All counts .* are 0"),
        ("cbind(a, d) | trials(n) ~ x", {}, r"add up to another number than trials\(n\)"),
        ("cbind(a, d) | trials(11) ~ x", {}, r"add up to another number than trials\(11\)"),
        ("cbind(a, q) ~ x", {}, "'q' in .* is not in the data"),
        ("cbind(a, d) ~ x + (1 | category)", {"category": list("uv") * 20}, "has a name that the results use"),
        ("cbind(a, d) | cens(n) ~ x", {}, "cannot be censored"),
    ],
)
def test_what_is_no_response_of_counts_is_refused(formula, change, message):
    with pytest.raises((bm.SpecError, bm.DataError), match=message):
        bm.prepare(some_spec(formula), some_data().assign(**change))


def test_other_families_and_other_sides_are_refused():
    with pytest.raises(bm.SpecError, match="is a response of family 'multinomial', not of 'binomial'"):
        bm.from_formula("cbind(a, d) ~ x", family="binomial")
    with pytest.raises(bm.SpecError, match="stand alone left of the tilde"):
        bm.from_formula("a ~ cbind(b, c)")
    with pytest.raises(bm.SpecError, match="reference='q' is no column"):
        some_spec(reference="q")


def test_a_category_that_does_not_occur_is_pointed_out():
    with pytest.warns(bm.StatisticsWarning, match="Category 'd' of .* does not occur"):
        bm.prepare(some_spec("cbind(a, `b c`, d) ~ x"), some_data().assign(d=0))


def test_missing_counts_leave_their_rows_out_and_frequencies_repeat_them():
    data = some_data()
    data["a"] = data["a"].where(data.index > 2)
    assert bm.prepare(some_spec(), data, missing="drop").rows == 37
    weighted = bm.prepare(some_spec("cbind(a, `b c`, d) | weights(n, 'frequency') ~ x"), some_data())
    assert weighted.row_text == "480 rows in 40 lines with frequencies 'n'"


def test_log_likelihoods_are_multinomial_and_integrate_over_groups(fit):
    data, still = some_data(), fit_at(fit.design, VALUES)
    own = VALUES["b_h_mu_b_c"][np.arange(40) % 5, 0]
    x = data["x"].to_numpy()
    shares = special.softmax(np.stack([0 * x, -0.5 + 0.2 * x + own, -0.9 + 0.1 * x]), axis=0)
    counts = data[["a", "b c", "d"]].to_numpy()
    expected = stats.multinomial.logpmf(counts, 12, shares.T)
    np.testing.assert_allclose(bm.log_likelihood(still)[0, 0], expected, rtol=1e-9)
    grid = np.linspace(-6, 6, 121)
    first, second = (one.ravel() for one in np.meshgrid(grid, grid, indexing="ij"))
    weight = stats.norm.logpdf(first) + stats.norm.logpdf(second) + 2 * np.log(grid[1] - grid[0])
    rows = np.flatnonzero(data["h"] == "w")
    odds = np.stack(
        np.broadcast_arrays(0.0, -0.5 + 0.2 * x[rows, None] + 0.4 * first, -0.9 + 0.1 * x[rows, None] + 0.3 * second)
    )
    logs = np.einsum("kn,kng->g", counts[rows].T, special.log_softmax(odds, axis=0))
    logs += (special.gammaln(13.0) - special.gammaln(counts[rows] + 1.0).sum(axis=1)).sum()
    found = bm.log_likelihood(still, integrate="h", draws=2)
    assert float(np.asarray(found)[0, 0, 2]) == pytest.approx(special.logsumexp(logs + weight), abs=1e-3)
    assert float(bm.loo(fit, unit="observation").elpd) < 0.0


def test_new_responses_are_counts_of_all_categories(fit):
    made = bm.posterior_predictive(fit, draws=20, seed=1)[fit.design.response_name]
    assert made.dims == ("chain", "draw", "row", "category")
    assert np.all(made.sum("category") == 12)
    stated = fit_at(bm.prepare(some_spec("cbind(a, `b c`, d) | trials(n) ~ x + (1 |p| h)"), some_data()), VALUES)
    rows = pd.DataFrame({"x": [0.0, 1.0], "h": ["u", "v"], "n": [0, 10**6]})
    drawn = bm.predict(stated, rows, kind="response", seed=1)["response"]
    np.testing.assert_array_equal(drawn.sum("category")[0, 0], [0, 10**6])
    share = bm.predict(stated, rows, kind="probability")["probability"]
    assert abs(float(drawn[0, 0, 1, 0]) / 10**6 - float(share[0, 0, 1, 0])) < 0.003
    with pytest.raises(bm.DataError, match=r"total of each row.*\| trials\(n\)"):
        bm.predict(fit, rows[["x", "h"]], kind="response")


def test_residuals_are_by_category_and_right_under_the_model():
    truth = {"beta_mu_b[Intercept]": 0.3, "beta_mu_b[x]": 0.5, "beta_mu_c[Intercept]": -0.4, "beta_mu_c[x]": 0.0}
    rows = pd.DataFrame({"x": np.random.default_rng(1).normal(size=400), "n": np.tile([0, 3, 40, 200], 100)})
    made = bm.simulate(some_spec("cbind(a, b, c) | trials(n) ~ x"), data=rows, truth=truth, seed=2).data
    assert np.all(made[["a", "b", "c"]].sum(axis=1) == rows["n"])
    right = fit_at(
        bm.prepare(some_spec("cbind(a, b, c) ~ x"), made), {"beta_mu_b": [0.3, 0.5], "beta_mu_c": [-0.4, 0.0]}
    )
    table = bm.residuals(right)
    assert len(table) == 1200
    for _, own in table.groupby("category"):
        assert stats.kstest(own["pit"], "uniform").pvalue > 0.01
    checks = bm.check_residuals(right)
    assert list(checks["category"].unique()) == ["a", "b", "c"]
    assert np.sum(checks["p"] < 0.05) <= 1
    assert "All 6 statistics fit" in str(bm.posterior_checks(right, seed=1))


def test_more_variation_between_rows_than_multinomial_is_found():
    generator = np.random.default_rng(5)
    odds = np.column_stack([np.zeros(80), 0.8 * generator.normal(size=(80, 2))])
    counts = [generator.multinomial(30, share) for share in special.softmax(odds, axis=1)]
    data = pd.DataFrame(counts, columns=list("abc"))
    flat = fit_at(
        bm.prepare(some_spec("cbind(a, b, c) ~ 1"), data), {"beta_mu_b": [0.0], "beta_mu_c": [0.0]}, jitter=0.05
    )
    checks = bm.posterior_checks(flat, seed=1)
    assert "more variation of the share of a between rows" in str(checks.table["verdict"].tolist())
    assert any("obs()" in text for text in checks.suggestions)
    dispersion = bm.check_residuals(flat).query("check == 'dispersion'")
    assert list(dispersion["says"]) == ["more variation than the model expects"] * 3


def test_intraclass_correlations_are_those_of_counts_out_of_as_many_trials(fit):
    still = fit_at(
        bm.prepare(some_spec("cbind(a, `b c`, d) ~ 1 + (1 | h)"), some_data()),
        {**VALUES, "beta_mu_b_c": [-0.5], "beta_mu_d": [-0.9]},
    )
    z = np.random.default_rng(1).standard_normal((2, 400_000))
    shares = special.softmax(np.stack([0 * z[0], -0.5 + 0.4 * z[0], -0.9 + 0.3 * z[1]]), axis=0)
    between, inside = shares.var(axis=1), (shares * (1 - shares)).mean(axis=1)
    for trials in (1.0, 12.0):
        found = bm.icc(still, trials=trials)
        assert list(found["level"]) == ["= a", "= b c", "= d"]
        np.testing.assert_allclose(found["mean"], between / (between + inside / trials), rtol=0.02)


def test_answers_are_by_category(fit):
    table = bm.comparisons(fit, "x", kind="probability").table
    assert list(table["category"]) == ["a", "b c", "d"]
    assert table["mean"].sum() == pytest.approx(0.0, abs=1e-12)
    assert "probability of d" in str(bm.describe_effects(fit))
    assert len(bm.plot_effects(fit).axes) >= 1
    assert len(bm.plot_posterior_checks(fit, draws=20, seed=1).axes) >= 1
    expected = bm.prior_predictive(fit.design, draws=30, seed=1)
    assert list(expected.table["quantity"])[:3] == ["share of a", "share of b c", "share of d"]
    assert "Counts: a " in " ".join(str(bm.check_data(some_spec(), some_data())).split())


@pytest.mark.parametrize(
    "ask",
    [
        lambda fit: bm.plot_residuals(fit),
        lambda fit: bm.half_normal(fit),
        lambda fit: bm.plot_posterior_checks(fit, kind="pit"),
        lambda fit: bm.plot_prior_predictive(bm.prior_predictive(fit.design, draws=5, seed=1)),
        lambda fit: bm.predict(fit),
        lambda fit: bm.shrinkage(fit),
        lambda fit: bm.future_group(fit),
        lambda fit: bm.r2(fit),
        lambda fit: bm.approximate(some_spec("cbind(a, `b c`, d) ~ x + (1 | h)"), some_data()),
    ],
)
def test_what_needs_one_number_or_one_predictor_is_refused(fit, ask):
    with pytest.raises(bm.SpecError):
        ask(fit)


def test_models_of_the_same_counts_are_compared_whatever_their_reference(fit):
    other = fit_at(bm.prepare(some_spec("cbind(d, a, `b c`) ~ 1"), some_data()), {})
    assert len(bm.compare_models({"one": fit, "two": other}, unit="observation").table) == 2
    fewer = fit_at(bm.prepare(some_spec("cbind(a, d) ~ 1"), some_data()), {})
    with pytest.raises(bm.SpecError, match="do not have the same response"):
        bm.compare_models({"one": fit, "two": fewer}, unit="observation")


def test_densities_by_pymc_are_ours_and_its_responses_have_the_totals(fit):
    import pymc as pm
    import pytensor

    check_log_likelihood(fit)
    with bm.build(fit.design), pytensor.config.change_flags(mode="FAST_COMPILE"):
        drawn = pm.sample_posterior_predictive(fit.to_datatree(pymc=True), progressbar=False, random_seed=1)
    made = drawn["posterior_predictive"][fit.design.response_name]
    assert made.dims == ("chain", "draw", "row", "category")
    assert np.all(made.sum("category") == 12)


def test_a_saved_fit_comes_back(fit, tmp_path):
    bm.save_fit(fit, tmp_path / "counts.nc")
    again = bm.load_fit(tmp_path / "counts.nc")
    assert again.draws["observed_data"][fit.design.response_name].dims == ("row", "category")
    np.testing.assert_array_equal(bm.log_likelihood(again), bm.log_likelihood(fit))


def test_missing_columns_are_drawn_in_such_models():
    data = some_data()
    data["w"] = data["x"].where(data.index > 3)
    data["e"] = (data["x"] > 0).astype(float).where(data.index > 2)
    spec = some_spec("cbind(a, `b c`, d) ~ mi(w) + mi(e)", impute={"e": {"formula": "~ 1", "family": "bernoulli"}})
    assert np.isfinite(log_density(bm.prepare(spec, data), {}))


@pytest.mark.slow
def test_the_truth_is_found_from_the_command_line(tmp_path):
    truth = {"beta_mu_b[Intercept]": 0.3, "beta_mu_b[x]": 0.5, "beta_mu_c[Intercept]": -0.4, "beta_mu_c[x]": 0.0}
    rows = pd.DataFrame({"x": np.random.default_rng(1).normal(size=150), "n": 30})
    made = bm.simulate(some_spec("cbind(a, b, c) | trials(n) ~ x"), data=rows, truth=truth, seed=2).data
    made.to_csv(tmp_path / "counts.csv", index=False)
    told = ("--family", "multinomial", "--draws", "300", "--chains", "2", "--seed", "1", "--out", str(tmp_path / "out"))
    result = run("fit", "cbind(a, b, c) ~ x", str(tmp_path / "counts.csv"), *told, "--json")
    assert result.exit_code in (0, 3), result.output
    found = bm.load_fit(next((tmp_path / "out").glob("*.nc"))).posterior
    for name, expected in (("beta_mu_b", [0.3, 0.5]), ("beta_mu_c", [-0.4, 0.0])):
        draws = found[name]
        assert np.all(np.abs(draws.mean(("chain", "draw")) - expected) < 4 * draws.std(("chain", "draw")))
