"""Effects of groups that letters tie across formulas, in everything that reads them: against sums over dense grids."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at
from pymc_agreement import check_log_likelihood, made_up_fit
from scipy import special, stats
from tied_models import CORRELATIONS, COVARIANCE, FORMULA, SDS, SIGMA, spec, table, tied_fit

import bayesmixed as bm
from bayesmixed.cross_validation import held_out
from bayesmixed.display.tables import middle_of
from bayesmixed.draws.prior_densities import log_prior_densities
from bayesmixed.errors import SpecError
from bayesmixed.prediction.prior_samples import sample_prior

pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
RHO = -0.8
POINTS, WEIGHTS = np.polynomial.hermite_e.hermegauss(61)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


@pytest.fixture(scope="module")
def counts():
    """Counts whose mean and whose probability of an extra zero are correlated over groups: all draws are the same."""
    data = pd.DataFrame({"y": [0, 3, 1, 0, 2, 5, 0, 4], "g": list("aabbccdd")})
    model = bm.from_formula("y ~ (1 |p| g)", family="zero_inflated_poisson", zi="~ (1 |p| g)")
    values = {"beta": 0.4, "beta_zi": -0.5, "sd_g": 0.7, "sd_g_zi": 1.1, "corr_g": [[1.0, RHO], [RHO, 1.0]]}
    return fit_at(bm.prepare(model, data), values)


def over_groups(function):
    """Return the mean over groups of a function of rate and probability of an extra zero, by a dense rule."""
    first, second = POINTS[:, None], RHO * POINTS[:, None] + np.sqrt(1.0 - RHO**2) * POINTS[None, :]
    rate, zero = np.exp(0.4 + 0.7 * first), special.expit(-0.5 + 1.1 * second)
    return WEIGHTS @ np.broadcast_to(function(rate, zero), (61, 61)) @ WEIGHTS


def test_new_groups_have_all_their_effects_drawn_together():
    rows = pd.DataFrame({"x": 2.0, "g": [f"new {k}" for k in range(150)]})
    fit = tied_fit()
    found = {kind: bm.predict(fit, rows, groups="new", kind=kind, seed=3)[kind].values for kind in ("mu", "sigma")}
    columns = np.array([[1.0, 2.0, 0.0], [0.0, 0.0, 1.0]])
    drawn = np.stack([found["mu"].ravel(), np.log(found["sigma"]).ravel()])
    np.testing.assert_allclose(drawn.mean(axis=1), [2.0, -0.3], atol=0.05)
    np.testing.assert_allclose(np.cov(drawn), columns @ COVARIANCE @ columns.T, rtol=0.06, atol=0.01)


def test_known_groups_keep_their_effects_beside_new_ones():
    fit = tied_fit(b_g=np.full((8, 2), 0.25), b_g_sigma=0.5)
    rows = pd.DataFrame({"x": 2.0, "g": ["g1", "another"]})
    found = bm.predict(fit, rows, groups="any", kind="sigma", seed=3)["sigma"].values
    np.testing.assert_allclose(found[..., 0], np.exp(0.2))
    assert found[..., 1].std() > 0.1


def test_the_average_over_groups_is_that_of_correlated_effects(counts):
    found = bm.predict(counts, {"g": ["any"]}, groups="average")["mean"].values
    expected = over_groups(lambda rate, zero: (1.0 - zero) * rate)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    apart = np.exp(0.4 + 0.245) * over_groups(lambda rate, zero: 1.0 - zero)
    assert abs(expected / apart - 1.0) > 0.1


def test_the_population_of_groups_is_that_of_correlated_effects(counts):
    estimates = bm.future_group(counts)
    rows = estimates.table.set_index(["scale", "quantity"])[middle_of(estimates.table)]
    mean = over_groups(lambda rate, zero: (1.0 - zero) * rate)
    square = over_groups(lambda rate, zero: ((1.0 - zero) * rate) ** 2)
    assert rows["expected y", "mean"] == pytest.approx(mean, rel=1e-5)
    assert rows["expected y", "SD"] == pytest.approx(np.sqrt(square - mean**2), rel=1e-3)


def test_intraclass_correlations_are_those_of_correlated_effects(counts):
    mean = over_groups(lambda rate, zero: (1.0 - zero) * rate)
    between = over_groups(lambda rate, zero: ((1.0 - zero) * rate) ** 2) - mean**2
    square = over_groups(lambda rate, zero: (1.0 - zero) * (rate + rate**2))
    found = bm.icc(counts, scale="data")
    assert found.loc[found["effect"] == "icc", "mean"].item() == pytest.approx(between / (square - mean**2), rel=1e-4)


def test_the_density_of_a_group_is_integrated_over_its_correlated_effects(counts):
    found = bm.log_likelihood(counts, integrate="g").values[0, 0]
    for level, y in enumerate([(0, 3), (1, 0), (2, 5), (0, 4)]):

        def density(rate, zero, y=y):
            parts = [zero * (one == 0) + (1.0 - zero) * stats.poisson.pmf(one, rate) for one in y]
            return parts[0] * parts[1]

        assert found[level] == pytest.approx(np.log(over_groups(density)), abs=1e-3)


def test_groups_with_slopes_are_left_out_with_all_their_effects():
    fit = tied_fit()
    data = fit.design.table.data
    found = bm.log_likelihood(fit, integrate="g").values[0, 0]
    z = np.random.default_rng(1).multivariate_normal(np.zeros(3), COVARIANCE, size=200_000)
    for level in (0, 5):
        own = data[data["g"] == f"g{level}"]
        mean = 1.0 + z[:, :1] + (0.5 + z[:, 1:2]) * own["x"].to_numpy()
        logs = stats.norm.logpdf(own["y"].to_numpy(), mean, np.exp(-0.3 + z[:, 2:])).sum(axis=1)
        expected = special.logsumexp(logs) - np.log(len(z))
        error = np.exp(logs - expected).std() / np.sqrt(len(z))
        assert found[level] == pytest.approx(expected, abs=4.0 * error + 0.01)


def test_groups_of_one_row_have_correlated_effects(counts):
    data = counts.design.table.data.assign(g=[f"g{row}" for row in range(8)])
    values = {name: counts.posterior[name].values[0, 0] for name in ("beta", "beta_zi", "sd_g", "sd_g_zi", "corr_g")}
    found = bm.log_likelihood(fit_at(bm.prepare(counts.design.spec, data), values), integrate="g").values[0, 0]
    for row, y in enumerate(data["y"]):
        expected = over_groups(lambda rate, zero, y=y: zero * (y == 0) + (1.0 - zero) * stats.poisson.pmf(y, rate))
        assert found[row] == pytest.approx(np.log(expected), abs=2e-3)


def test_groups_without_rows_have_their_effects_drawn_together(monkeypatch):
    fit = tied_fit(table(levels=40, rows=2))

    def sample(design, **_):
        names = {
            str(name): fit.posterior[name].values[0, 0] for name in fit.posterior if not str(name).startswith("b_")
        }
        return SimpleNamespace(posterior=fit_at(design, names | {"b_g": 9.0, "b_g_sigma": 9.0}).posterior)

    monkeypatch.setattr(held_out, "sample", sample)
    held = fit.design.table.data["g"].isin([f"g{k}" for k in range(30)]).to_numpy()
    found = held_out.sample_without(fit, held, seed=1)
    effects = np.concatenate([found["b_g"].transpose("chain", "draw", "g", ...), found["b_g_sigma"]], axis=-1)
    own = np.array([label in [f"g{k}" for k in range(30)] for label in found["g"].values])
    np.testing.assert_array_equal(effects[:, :, ~own], 9.0)
    np.testing.assert_allclose(np.cov(effects[:, :, own].reshape(-1, 3).T), COVARIANCE, rtol=0.15, atol=0.02)


@pytest.mark.parametrize(
    "ask",
    [
        lambda fit: bm.icc(fit),
        lambda fit: bm.r2(fit),
        lambda fit: bm.variance_components(fit),
        lambda fit: bm.shrinkage(fit),
        lambda fit: bm.marginal_means(fit, "x").table,
        lambda fit: {"elpd": [bm.loo(fit, unit="g").elpd]},
        lambda fit: bm.log_likelihood(fit, integrate="g").to_dataframe("log"),
        lambda fit: bm.future_group(fit).table,
    ],
)
def test_tied_effects_without_correlations_are_those_of_separate_formulas(ask):
    own = {"beta": [0.4, 0.2], "beta_zi": -0.5, "sd_g": 0.7, "sd_g_zi": 1.1, "corr_g": np.eye(2)}
    data = pd.DataFrame({"y": [0, 3, 1, 0, 2, 5, 0, 4], "g": list("aabbccdd"), "x": [1.0, 2, 4, 3, 2, 1, 5, 1]})
    found = []
    for bars in ("|p|", "|"):
        model = bm.from_formula(f"y ~ x + (1 {bars} g)", family="zero_inflated_poisson", zi=f"~ (1 {bars} g)")
        found.append(ask(fit_at(bm.prepare(model, data), own, jitter=0.0)))
    one, two = (pd.DataFrame(answer).select_dtypes("number") for answer in found)
    np.testing.assert_allclose(one[: len(two)], two, rtol=1e-5, atol=1e-6)


def test_simulated_groups_have_the_correlations_that_are_asked_for():
    truth = {"beta[Intercept]": 1.0, "beta[x]": 0.5, "beta_sigma": -0.3}
    truth |= {"sd_g[Intercept]": 1.0, "sd_g[x]": 0.5, "sd_g_sigma": 0.4}
    labels = ["mu[Intercept]", "mu[x]", "sigma[Intercept]"]
    pairs = [(0, 1), (0, 2), (1, 2)]
    each = {f"corr_g[{labels[i]}, {labels[j]}]": CORRELATIONS[i, j] for i, j in pairs}
    data = table(levels=2000, rows=2)[["x", "g"]]
    found = bm.simulate(spec(), truth=truth | each, data=data, seed=4).truth
    effects = np.concatenate([found["b_g"].values, found["b_g_sigma"].values], axis=1)
    np.testing.assert_allclose(np.cov(effects.T), COVARIANCE, atol=0.06)
    with pytest.raises(SpecError, match=r"No true value for .*corr_g\[mu\[Intercept\], mu\[x\]\]"):
        bm.simulate(spec(), truth=truth, data=data)
    with pytest.raises(SpecError, match="contradict each other"):
        bm.simulate(spec(), truth=truth | dict(zip(each, (0.9, 0.9, -0.9), strict=True)), data=data)


def test_draws_from_the_priors_hold_the_matrix_of_all_effects():
    drawn = sample_prior(bm.prepare(spec(priors={"corr_g": "LKJ(2)"}), table()), draws=4000, seed=1).posterior
    corr = drawn["corr_g"].values[0]
    # Each correlation of three columns is a Beta(2.5, 2.5) on (-1, 1).
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert stats.kstest((1.0 + corr[:, i, j]) / 2.0, stats.beta(2.5, 2.5).cdf).pvalue > 1e-3


def test_the_prior_density_of_the_correlations_is_that_of_all_of_them():
    fit = tied_fit(jitter=0.01)
    plain = fit.design.spec.replace(priors={"corr_g": "LKJ(3)"})
    again = fit_at(bm.prepare(plain, table()), {"sd_g": SDS[:2], "sd_g_sigma": SDS[2:], "corr_g": CORRELATIONS})
    found = log_prior_densities(again.design, again.posterior)["corr_g"].values
    np.testing.assert_allclose(found, 2.0 * np.linalg.slogdet(CORRELATIONS)[1])


@pytest.mark.parametrize("formulas", [(FORMULA, SIGMA), ("y ~ x + (1 |p| g) + (0 + x | g)", "~ x + (1 + x |p| g)")])
def test_the_tree_of_a_fit_has_all_free_variables_of_its_model(formulas):
    check_log_likelihood(made_up_fit(formulas[0], "gaussian", sigma=formulas[1]))


def test_a_saved_fit_is_read_with_its_ties(tmp_path):
    fit = tied_fit(jitter=0.01)
    bm.save_fit(fit, tmp_path / "fit.nc")
    again = bm.load_fit(tmp_path / "fit.nc")
    assert again.design.spec == fit.design.spec
    rows = pd.DataFrame({"x": [1.0, 2.0], "g": ["a", "b"]})
    one, two = (bm.predict(f, rows, groups="new", kind="response", seed=1)["response"] for f in (fit, again))
    np.testing.assert_allclose(one, two)


def test_tables_name_the_predictors_of_each_correlation():
    fit = tied_fit()
    rows = bm.variance_components(fit)
    rows = rows[rows["quantity"] == "covariance"].set_index(["effect", "level"])["mean"]
    assert rows.to_dict() == pytest.approx(
        {
            ("mu[Intercept]", "mu[x]"): 0.15,
            ("mu[Intercept]", "sigma[Intercept]"): 0.28,
            ("mu[x]", "sigma[Intercept]"): -0.08,
        }
    )
    terms = bm.tidy(fit)
    own = terms[terms["term"].str.startswith("cor__")]
    assert own["term"].tolist()[1] == "cor__mu[Intercept].sigma[Intercept]"
    assert own["component"].tolist() == ["", "", ""]
    assert bm.hypothesis(fit, "corr_g[mu[Intercept], sigma[Intercept]] > 0.5").table["probability"].item() == 1.0


def test_what_needs_a_compiled_density_says_why_there_is_none():
    for call in (bm.approximate, lambda s, d: bm.fit(s, d, engine="kernel")):
        with pytest.raises(SpecError, match="effects of 'g' on 'mu', 'sigma' are correlated with each other"):
            call(spec(), table())


def test_brms_letters_are_translated():
    found = bm.from_r(
        'brm(bf(y ~ x + (1 + x |p| g), sigma ~ (1 |p| g)), data = d, prior = prior(lkj(2), class = "cor"))'
    )
    assert found == spec(priors={"corr_g": "LKJ(2)"})
    found = bm.from_r('brm(bf(y ~ x + (1 + x | gr(g, id = "p")), sigma ~ (1 |p| gr(g))), data = d)')
    assert found == spec()


@pytest.mark.slow
def test_correlations_across_formulas_are_found():
    data = table(levels=60, rows=12)
    fit = bm.fit(spec(), data, chains=2, draws=400, tune=400, seed=1, progress=False)
    assert fit.engine.name == "pymc"
    corr = fit.posterior["corr_g"]
    assert list(corr["g_tied"].values) == ["mu[Intercept]", "mu[x]", "sigma[Intercept]"]
    mean, sd = corr.mean(("chain", "draw")).values, corr.std(("chain", "draw")).values
    away = np.abs(mean - CORRELATIONS)[np.triu_indices(3, 1)] / sd[np.triu_indices(3, 1)]
    assert np.all(away < 3.5)
    np.testing.assert_allclose(np.diagonal(corr.values, axis1=-2, axis2=-1), 1.0)
