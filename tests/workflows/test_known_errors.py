"""Models with known standard errors, y | se(s): meta-analyses."""

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at
from meta_analyses import eight_schools, exact_posterior, half_student
from scipy import stats
from weighted_rows import prepared, weighted_table

import bayesmixed as bm
from bayesmixed.design.response_units import in_unit
from bayesmixed.equations import write_equations
from bayesmixed.errors import DataError, SpecError
from bayesmixed.spec.files import spec_from_toml, spec_to_toml

PUBLISHED = {
    "A": (-2, 7, 10, 16, 31),
    "B": (-5, 3, 8, 12, 23),
    "C": (-11, 2, 7, 11, 19),
    "D": (-7, 4, 8, 11, 21),
    "E": (-9, 1, 5, 10, 18),
    "G": (-1, 7, 10, 15, 26),
}
"""Quantiles 2.5, 25, 50, 75 and 97.5 % of true effects, of 200 draws: Gelman et al. 2013, Bayesian Data Analysis, Table 5.3."""
META = "y | se(s) ~ 1 + (1 | school)"


@pytest.fixture
def data():
    return weighted_table().assign(s=np.linspace(0.2, 2.0, 30))


def test_the_quadrature_has_the_published_posterior_of_eight_schools():
    effects = exact_posterior(eight_schools(), np.ones_like)[2]
    quantiles = np.quantile(effects, [0.025, 0.25, 0.5, 0.75, 0.975], axis=0)
    for place, school in enumerate("ABCDEFGH"):
        if school in PUBLISHED:
            assert quantiles[1:4, place] == pytest.approx(PUBLISHED[school][1:4], abs=2.0)
            assert quantiles[[0, 4], place] == pytest.approx(np.array(PUBLISHED[school])[[0, 4]], abs=4.0)


@pytest.mark.slow
def test_eight_schools_are_fitted_as_by_quadrature():
    data = eight_schools()
    fit = bm.fit(META, data, seed=1, draws=2000, progress=False)
    assert fit.engine.name == "collapsed"
    law = fit.design.priors["beta[Intercept]"].prior.arguments
    scale = fit.design.priors["sd_school[Intercept]"].prior.arguments[-1]
    tau, overall, effects = exact_posterior(data, half_student(scale), *law)
    drawn = fit.posterior["sd_school"].values.ravel()
    at = [0.1, 0.25, 0.5, 0.75, 0.9, 0.975]
    assert np.quantile(drawn, at) == pytest.approx(np.quantile(tau, at), abs=0.6)
    assert float(fit.posterior["beta"].mean()) == pytest.approx(overall.mean(), abs=0.3)
    table = bm.group_effects(fit, kind="coefficient")
    assert table["mean"].to_numpy() == pytest.approx(effects.mean(axis=0), abs=0.5)
    assert table["sd"].to_numpy() == pytest.approx(effects.std(axis=0), abs=0.5)
    new = bm.heterogeneity(fit).table.set_index("quantity").loc["new study"]
    exact = overall + tau * np.random.default_rng(1).standard_normal(len(tau))
    assert new[["lower", "upper"]].to_numpy(dtype=float) == pytest.approx(np.quantile(exact, [0.025, 0.975]), abs=1.5)


@pytest.mark.parametrize("family", ["gaussian", "student"])
@pytest.mark.parametrize("free", [False, True])
def test_the_log_likelihood_of_a_row_has_its_error(data, family, free):
    design = prepared(f"y | se(s{', sigma=True' * free}) ~ x + (1 | g)", data, family=family)
    some = fit_at(design, {"sigma": 1.5 if free else 1.0, "nu": 4.0, "sd_g": 0.7, "beta": 0.2})
    sd = np.hypot(1.5 * free, data["s"])
    eta = 0.2 + 0.2 * data["x"]
    law = stats.norm(eta, sd) if family == "gaussian" else stats.t(4.0, eta, sd)
    assert bm.log_likelihood(some)[0, 0].values == pytest.approx(law.logpdf(data["y"]))
    if family == "gaussian":
        joint = bm.log_likelihood(some, integrate="g")[0, 0]
        rows = (data["g"] == "b").to_numpy()
        expected = stats.multivariate_normal(eta[rows], 0.49 + np.diag(sd[rows] ** 2)).logpdf(data["y"][rows])
        assert float(joint.sel(g="b")) == pytest.approx(expected)
        factors = bm.shrinkage(some).table if hasattr(bm.shrinkage(some), "table") else bm.shrinkage(some)
        known = np.bincount(pd.factorize(data["g"])[0], sd**-2.0)
        order = pd.factorize(data["g"])[1].get_indexer(factors["level"])
        assert factors["factor"].to_numpy() == pytest.approx((0.49 * known / (1 + 0.49 * known))[order])


@pytest.mark.slow
def test_pymc_has_the_same_density_with_errors_beside_sigma(data):
    design = prepared("y | se(s, sigma=True) ~ 1", data, priors={"sigma": "HalfNormal(2)"})
    model = bm.build(design)
    logp = model.compile_logp()
    found = logp({"beta": np.array([0.4]), "sigma_log__": np.log(1.5)})
    prior = stats.norm(*design.priors["beta[Intercept]"].prior.arguments).logpdf(0.4)
    prior += stats.halfnorm(scale=2.0).logpdf(1.5) + np.log(1.5)
    expected = prior + stats.norm(0.4, np.hypot(1.5, data["s"])).logpdf(data["y"]).sum()
    assert float(found) == pytest.approx(expected)


@pytest.mark.slow
def test_engines_agree_with_known_errors():
    found = {}
    for engine in ("collapsed", "kernel"):
        fit = bm.fit(META, eight_schools(), engine=engine, seed=2, draws=1500, progress=False)
        found[engine] = fit.posterior[["beta", "sd_school"]].mean()
    for name in ("beta", "sd_school"):
        assert float(found["collapsed"][name].item()) == pytest.approx(float(found["kernel"][name].item()), abs=0.5)


def test_errors_have_the_unit_of_the_response(data):
    known = in_unit(prepared("y | se(s) ~ 1 + (1 | g)", data), 4.0)
    added = in_unit(prepared("y | se(s, sigma=True) ~ 1 + (1 | g)", data), 4.0)
    ones = {"sigma": np.asarray(known.priors["sigma"].prior.arguments[0])}
    assert known.in_rows(ones)["sigma"] == pytest.approx(data["s"] / 4.0)
    assert added.in_rows({"sigma": 0.0})["sigma"] == pytest.approx(data["s"] / 4.0)


def test_new_observations_have_the_error_of_their_row(data):
    for formula, sigma in (("y | se(s) ~ 1", 0.0), ("y | se(s, sigma=True) ~ 1", 2.0)):
        some = fit_at(prepared(formula, data), {"sigma": sigma or 1.0})
        new = pd.DataFrame({"s": np.repeat([1.0, 5.0], 2000)})
        drawn = bm.predict(some, new, kind="response", draws=2, seed=1)["response"].isel(chain=0, draw=0).values
        assert drawn[:2000].std() == pytest.approx(np.hypot(sigma, 1.0), rel=0.1)
        assert drawn[2000:].std() == pytest.approx(np.hypot(sigma, 5.0), rel=0.1)
        with pytest.raises(DataError, match="needs the standard errors 's'"):
            bm.predict(some, pd.DataFrame({"z": [1]}), kind="response")


def test_a_simulated_response_has_the_error_of_its_row(data):
    data["s"] = np.where(np.arange(30) < 15, 100.0, 1e-3)
    y = bm.simulate("y | se(s) ~ 1", data=data, truth={"beta[Intercept]": 0.0}, seed=1).data["y"]
    assert np.abs(y[:15]).max() > 20
    assert np.abs(y[15:]).max() < 0.01


def test_equations_have_the_errors_and_no_fixed_sigma(data):
    for model in (bm.from_formula("y | se(s) ~ x + (1 | g)"), prepared("y | se(s) ~ x + (1 | g)", data)):
        assert r"\mu_{ij}, \text{s}_{ij}^2\right)" in model.to_latex()
        assert "s²_ij" in write_equations(model)
        assert "σ =" not in write_equations(model)
    assert "σ² + s²_ij" in write_equations(bm.from_formula("y | se(s, sigma=True) ~ x + (1 | g)"))
    assert "sqrt(σ² + s_ij²)" in write_equations(
        bm.from_formula("y | se(s, sigma=True) ~ x + (1 | g)", family="student")
    )
    table = bm.prior_table("y | se(s) ~ 1").parameters.set_index("parameter")
    assert table.loc["sigma", ["prior", "meaning"]].tolist() == ["1", "multiplies the known standard errors of rows"]


@pytest.mark.parametrize("written", ["se(s)", "se(s, sigma=True)"])
def test_a_spec_with_errors_is_written_and_read_back(written):
    spec = bm.from_formula(f"y | {written} ~ x + (1 | g)")
    assert spec.formula == f"y | {written} ~ 1 + x + (1 | g)"
    assert spec_from_toml(spec_to_toml(spec)) == spec
    assert bm.from_formula(**spec.as_formula()) == spec
    call = f"brm(y | {written.replace('True', 'TRUE')} ~ x + (1 | g))"
    assert bm.from_r(call).weights == spec.weights


def test_summaries_do_not_show_the_fixed_sigma(data):
    some = fit_at(prepared("y | se(s) ~ x + (1 | g)", data), {"sigma": 1.0, "sd_g": 0.7})
    assert "sigma" not in bm.tidy(some)["term"].tolist()
    rows = bm.variance_components(some)
    residual = rows[rows["term"] == "Residual"]
    assert residual["effect"].tolist() == ["mean over rows"]
    assert residual["mean"].item() == pytest.approx(np.mean(data["s"] ** 2))
    icc = bm.icc(some)
    share = icc.loc[icc["effect"] == "icc", "mean"].item()
    assert share == pytest.approx(0.49 / (0.49 + np.mean(data["s"] ** 2)))
    assert "Residual" not in str(bm.summary(fit_at(prepared("y | se(s) ~ x", data), {"sigma": 1.0})))


def test_effects_of_rows_are_possible_where_errors_are_known(data):
    assert prepared("y | se(s) ~ x + obs()", data).rows == 30
    one = prepared(META, eight_schools())
    assert not [note for note in one.notes if "obs()" in note]


@pytest.mark.parametrize(
    ("formula", "options", "words"),
    [
        ("y | se(s) ~ x", {"family": "poisson"}, "are those of families gaussian and student"),
        ("y | se(s) ~ x", {"sigma": "~ x"}, "A formula of 'sigma' is not possible with known"),
        ("y | se(s) ~ x", {"priors": {"sigma": "HalfNormal(1)"}}, r"Write se\(..., sigma=True\)"),
        ("y | se(s) + weights(w, 'precision') ~ x", {}, "has one of weights"),
        ("y | se() ~ x", {}, "needs a column of standard errors"),
        ("y | se(s, tau=1) ~ x", {}, "needs a column of standard errors"),
        ("y ~ se(s)", {}, "stand left of the tilde"),
        ("y | se(absent) ~ x", {}, "'absent' is not in the data"),
        (
            "y | se(s, sigma=True) ~ x",
            {"priors": {"variance": "R2D2M2(R2=Beta(1, 1), shares=Dirichlet(1))"}},
            "weights or errors",
        ),
        (
            "y | se(s) ~ x + (1 | g)",
            {"priors": {"variance": "VarianceSplit(total=HalfNormal(1), shares=Dirichlet(1, 1))"}},
            "errors of rows are known",
        ),
    ],
)
def test_errors_that_do_not_suit_the_model_are_refused(data, formula, options, words):
    with pytest.raises(SpecError, match=words):
        prepared(formula, data, **options)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0, "must be numbers above zero; 1 of 30 rows are not .first: row 3, value 0.. Leave"),
        (-1.0, "above zero"),
        (np.inf, "infinite in 1 of 30 rows"),
        (np.nan, "missing values"),
        ("much", "1 of 30 values are text"),
    ],
)
def test_impossible_errors_are_refused(data, value, words):
    data["s"] = data["s"].astype(object if isinstance(value, str) else float)
    data.loc[3, "s"] = value
    with pytest.raises(DataError, match=words):
        prepared("y | se(s) ~ x", data)
    if value == 0.0:
        assert prepared("y | se(s, sigma=True) ~ x", data).rows == 30


def test_what_cannot_be_done_with_errors_beside_sigma_is_refused(data):
    design = prepared("y | se(s, sigma=True) ~ x + (1 | g)", data)
    with pytest.raises(SpecError, match="no maximum likelihood where rows have known standard errors"):
        bm.approximate(design)
    with pytest.raises(SpecError, match="rows have known standard errors, 's', beside sigma"):
        bm.sample(design, engine="kernel")
