"""Priors of thresholds, and what a cumulative model says about its categories."""

import warnings
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from conftest import classic, read_reference
from fixed_draws import fit_at
from scipy import integrate, special, stats

import bayesmixed as bm
from bayesmixed.design.thresholds import (
    draw_thresholds,
    match_thresholds,
    threshold_log_density,
    threshold_quantile,
    threshold_shift,
)
from bayesmixed.equations import write_equations
from bayesmixed.families.links import LINKS
from bayesmixed.prediction.prior_samples import sample_prior

LATENT = {"logit": stats.logistic, "probit": stats.norm, "cloglog": stats.gumbel_l}
PRIORS = ["InducedDirichlet(1)", "InducedDirichlet(2.5)", "Normal(0.5, 2)"]
UNITS = {"logit": 1.0, "probit": 0.55, "cloglog": 0.71}
CUTS = np.array([-0.7, 0.4, 1.9])

each_link = pytest.mark.parametrize("link", LATENT)
each_prior = pytest.mark.parametrize("prior", PRIORS)


def design_of(link="logit", prior=PRIORS[0], formula="y ~ x + (1 | g)"):
    spec = bm.from_formula(formula, family="cumulative", link=link, priors={"threshold": prior} if prior else {})
    return bm.prepare(spec, some_data())


def some_data():
    x = np.random.default_rng(5).normal(4.0, 1.0, 48)
    return pd.DataFrame({"x": x, "g": np.arange(48) // 6, "y": np.arange(48) % 4 + 1})


@each_link
@each_prior
def test_quantiles_of_the_prior_are_those_of_its_draws(link, prior):
    design = design_of(link, prior)
    draws = draw_thresholds(design, 40_000, np.random.default_rng(1))
    assert np.all(np.diff(draws, axis=1) > 0)
    for share in (0.1, 0.5, 0.9):
        np.testing.assert_allclose((draws < threshold_quantile(design, share)).mean(axis=0), share, atol=0.01)


@each_link
def test_the_default_prior_is_normal_with_four_units_of_the_link(link):
    design, rule = design_of(link, prior=None), f"Normal(0, {4 * UNITS[link]:g})"
    assert str(design.priors["threshold"].prior) == rule
    rules = bm.prior_table(bm.from_formula("y ~ x", family="cumulative", link=link)).parameters.set_index("parameter")
    assert rules.loc["threshold", "prior"] == rule
    assert f"threshold ~ {rule}" in write_equations(design.spec)


@each_link
def test_default_priors_expect_every_category(link):
    fit = sample_prior(design_of(link, prior=None), draws=4000, seed=1)
    found = bm.predict(fit, kind="probability", groups="average")["probability"].mean("row").values.reshape(-1, 4)
    np.testing.assert_allclose(found.mean(axis=0), 0.25, atol=0.125)
    assert np.mean(found.max(axis=1) > 0.9) < 0.12


@each_link
def test_an_induced_dirichlet_prior_makes_all_shares_at_the_centre_equally_likely(link):
    shares = np.diff(LATENT[link].cdf(draw_thresholds(design_of(link), 40_000, np.random.default_rng(2))), axis=1)
    assert stats.kstest(shares[:, 0], stats.beta(1, 3).cdf).pvalue > 0.001


@each_link
def test_the_density_of_an_induced_dirichlet_prior_is_that_of_sorted_draws_of_the_latent_variable(link):
    expected = LATENT[link].logpdf(CUTS).sum()
    assert threshold_log_density(design_of(link), CUTS) == pytest.approx(expected, rel=1e-10)


@each_link
@pytest.mark.parametrize("shape", [1.5, 3.0])
def test_the_density_of_an_induced_dirichlet_prior_integrates_to_one(link, shape):
    data = {"y": np.arange(12) % 3 + 1, "x": np.random.default_rng(5).normal(size=12)}
    spec = bm.from_formula("y ~ x", family="cumulative", link=link, priors={"threshold": f"InducedDirichlet({shape})"})
    nodes, weights = np.polynomial.legendre.leggauss(60)
    second = 0.5 + 0.5 * nodes[:, None]
    shares = np.stack(np.broadcast_arrays(second * second.T, second), axis=-1)
    cuts = LINKS[link].forward(shares)
    # On the scale of shares, where the support is bounded: divided by the slopes of the change of variables.
    density = np.exp(threshold_log_density(bm.prepare(spec, data), cuts)) / np.prod(
        LINKS[link].derivative(cuts), axis=-1
    )
    total = 0.25 * (weights * second.T[0]) @ density @ weights
    assert np.log(total) == pytest.approx(3 * special.gammaln(shape) - special.gammaln(3 * shape), abs=1e-3)


def test_forward_draws_of_the_pymc_model_have_the_prior():
    import pymc as pm

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = bm.build(design_of())
        drawn = pm.draw(model["centred_threshold"], 3000, random_seed=1)
    assert stats.kstest(special.expit(drawn[:, 1]), stats.beta(2, 2).cdf).pvalue > 0.001


def test_matched_thresholds_give_the_shares_of_the_data():
    design = design_of("probit")
    eta = np.linspace(-2.0, 1.0, 48)
    cuts = match_thresholds(design, eta)
    np.testing.assert_allclose([stats.norm.cdf(cut - eta).mean() for cut in cuts], [0.25, 0.5, 0.75], atol=1e-10)


def test_prior_draws_are_thresholds_as_written():
    design = design_of()
    fit = sample_prior(design, draws=4000, seed=1)
    beta, cuts = fit.posterior["beta"].values[0, :, 0], fit.posterior["threshold"].values[0]
    centred = cuts - beta[:, None] * design.mu.centre[0]
    assert stats.kstest(special.expit(centred[:, 0]), stats.beta(1, 3).cdf).pvalue > 0.001


@pytest.fixture(scope="module", params=LATENT)
def fit(request):
    """Return a fit with two groups of draws: the same numbers in all of them."""
    return fit_at(design_of(request.param), {"beta": [0.3], "sd_g": [0.9], "threshold": CUTS + 1.2})


def shares_of(link, eta):
    return np.diff([0.0, *LATENT[link].cdf(CUTS + 1.2 - eta), 1.0])


def test_probabilities_of_categories_are_differences_of_the_latent_distribution(fit):
    link = fit.design.mu.link.name
    found = bm.predict(fit, {"x": [5.0], "g": ["new"]}, groups="typical", kind="probability")["probability"]
    assert list(found["category"].values) == ["1", "2", "3", "4"]
    np.testing.assert_allclose(found.values[0, 0, 0], shares_of(link, 0.3 * 5.0), rtol=1e-10)


def test_average_probabilities_are_integrated_over_the_groups(fit):
    link = fit.design.mu.link.name
    found = bm.predict(fit, {"x": [5.0], "g": ["new"]}, groups="average", kind="probability")["probability"]
    normal = stats.norm(0.0, 0.9)
    expected = [integrate.quad(lambda b, k=k: normal.pdf(b) * shares_of(link, 1.5 + b)[k], -8, 8)[0] for k in range(4)]
    np.testing.assert_allclose(found.values[0, 0, 0], expected, atol=1e-7)
    mean = bm.predict(fit, {"x": [5.0], "g": ["new"]}, groups="average")
    assert mean["mean"].values[0, 0, 0] == pytest.approx(np.dot(expected, [1, 2, 3, 4]), abs=1e-6)
    assert "number of the category of y (1: 1, 4: 4)" in mean.attrs["estimand"]


def test_the_log_likelihood_takes_thresholds_as_written(fit):
    link, design = fit.design.mu.link.name, fit.design
    x, y = design.table.data["x"].to_numpy(), np.asarray(design.response).astype(int)
    expected = [np.log(shares_of(link, 0.3 * value)[category - 1]) for value, category in zip(x, y, strict=True)]
    found = bm.log_likelihood(fit).values[0, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_a_fit_of_ordered_labels_is_kept_in_its_file(tmp_path):
    data = design_of().table.data.assign(
        y=lambda d: pd.Categorical.from_codes(d["y"].astype(int) - 1, list("dcba"), ordered=True)
    )
    spec = bm.from_formula("y ~ x + (1 | g)", family="cumulative", link="probit")
    before = fit_at(bm.prepare(spec, data), {"beta": [0.3], "sd_g": [0.9], "threshold": CUTS})
    after = bm.load_fit(bm.save_fit(before, tmp_path / "fit.nc"))
    assert after.design.categories == ("d", "c", "b", "a")
    np.testing.assert_array_equal(after.design.response, before.design.response)
    np.testing.assert_allclose(
        bm.predict(after, kind="probability")["probability"], bm.predict(before, kind="probability")["probability"]
    )


def test_the_icc_of_an_event_is_that_of_two_normal_variables_cut_at_its_threshold():
    design = design_of("probit", formula="y ~ 1 + (1 | g)")
    table = bm.icc(fit_at(design, {"sd_g": [0.9], "threshold": CUTS}), scale="data")
    shared = 0.9**2 / (1.0 + 0.9**2)
    pair = stats.multivariate_normal(cov=[[1.0, shared], [shared, 1.0]])
    for level, cut in zip(["> 1", "> 2", "> 3"], CUTS / np.sqrt(1.0 + 0.9**2), strict=True):
        share = stats.norm.sf(cut)
        expected = (pair.cdf([-cut, -cut]) - share**2) / (share * (1.0 - share))
        assert float(table.loc[table["level"] == level, "mean"].iloc[0]) == pytest.approx(expected, rel=1e-4)


def test_the_latent_icc_has_the_variance_of_the_latent_variable(fit):
    table = bm.icc(fit, scale="latent")
    expected = 0.81 / (0.81 + LATENT[fit.design.mu.link.name].var())
    assert float(table.loc[table["effect"] == "icc", "mean"].iloc[0]) == pytest.approx(expected, rel=1e-10)


def test_r2_is_one_of_the_latent_variable_alone(fit):
    table = bm.r2(fit)
    assert {name.split()[0] for name in table["scale"]} == {"latent"}
    assert "not numbers" in table.attrs["note"]
    with pytest.raises(bm.SpecError, match="categories are not numbers"):
        bm.r2(fit, scale="data")


TRUTH = {"beta[x]": 0.8, "sd_g": 0.7, "threshold[low|mid]": 2.5, "threshold[mid|high]": 4.0}


def test_simulated_labels_are_ordered_as_the_thresholds_say():
    frame = {"x": np.random.default_rng(1).normal(4.0, 1.0, 4000), "g": np.arange(4000) // 40}
    made = bm.simulate(bm.from_formula("y ~ x + (1 | g)", family="cumulative"), data=frame, truth=TRUTH, seed=2)
    assert list(made.data["y"].cat.categories) == ["low", "mid", "high"]
    eta = 0.8 * frame["x"] + made.truth["b_g"].values[frame["g"], 0]
    for number, (low, high) in enumerate(pairwise([-np.inf, 2.5, 4.0, np.inf])):
        shares = special.expit(high - eta) - special.expit(low - eta)
        error = np.sqrt(np.sum(shares * (1.0 - shares)))
        assert abs(np.sum(made.data["y"].cat.codes == number) - shares.sum()) < 4.0 * error


@pytest.mark.parametrize(
    "wrong", [{}, {"threshold[a|b]": 1.0, "threshold[c|d]": 2.0}, {"threshold[a|b]": 1.0, "threshold[b|c]": 0.0}]
)
def test_true_thresholds_make_one_increasing_chain(wrong):
    truth = {"beta[x]": 0.8, "sd_g": 0.7} | wrong
    with pytest.raises(bm.SpecError, match="in increasing order"):
        bm.simulate(
            bm.from_formula("y ~ x + (1 | g)", family="cumulative"),
            data={"x": [1.0, 2.0, 3.0], "g": [1, 1, 2]},
            truth=truth,
        )


@pytest.mark.slow
@each_link
def test_a_fit_recovers_what_made_its_data(link):
    frame = {"x": np.random.default_rng(1).normal(4.0, 1.0, 1000), "g": np.arange(1000) // 25}
    made = bm.simulate(
        bm.from_formula("y ~ x + (1 | g)", family="cumulative", link=link), data=frame, truth=TRUTH, seed=3
    )
    spec = bm.from_formula("y ~ x + (1 | g)", family="cumulative", link=link)
    fit = bm.fit(spec, made.data, draws=400, chains=2, seed=1, progress=False)
    for name, value in made.truth.data_vars.items():
        draws = fit.posterior[name].values.reshape(800, -1)
        distance = np.abs(draws.mean(axis=0) - value.values.ravel()) / draws.std(axis=0)
        assert np.mean(distance < 2.0) > 0.85, name
        assert np.all(distance < 4.0), name


@pytest.mark.slow
def test_wine_has_the_effects_of_clmm():
    reference = read_reference("ordinal")["models"]["wine_clmm_agq10"]
    spec = bm.from_formula("rating ~ temp + contact + (1 | judge)", family="cumulative")
    fit = bm.fit(spec, classic("ordinal", "wine"), draws=1500, seed=1, progress=False)
    assert int(fit.draws["sample_stats"]["diverging"].sum()) == 0
    table = bm.population_effects(fit)
    for (_, row), (estimate, _) in zip(table.iterrows(), reference["fixed"].values(), strict=True):
        assert abs(row["mean"] - estimate) < 0.3 * row["sd"], row["effect"]
    cuts = fit.posterior["threshold"]
    assert list(cuts["cut"].values) == list(reference["threshold"])
    for k, (estimate, _) in enumerate(reference["threshold"].values()):
        assert abs(float(cuts[..., k].mean()) - estimate) < 0.3 * float(cuts[..., k].std())
    row = bm.variance_components(fit).iloc[0]
    assert row["lower"] < reference["sd"]["judge"]["(Intercept)"] < row["upper"]


@pytest.mark.parametrize(
    ("formula", "priors"),
    [
        ("o ~ x", {}),
        ("o ~ x + z", {}),
        ("o ~ x * z + f", {}),
        ("o ~ f + x", {"beta": "Normal(0, 1)"}),
        ("o ~ x + z", {"beta[z]": "Normal(0, 1)"}),
        ("o ~ s(x) + z", {}),
    ],
)
def test_columns_at_the_centre_and_thresholds_as_written_are_one_model(formula, priors):
    generator = np.random.default_rng(3)
    data = {
        "o": generator.integers(1, 5, 90),
        "x": generator.normal(50.0, 2.0, 90),
        "z": generator.normal(-7.0, 1.0, 90),
        "f": generator.choice(list("abc"), 90),
    }
    with warnings.catch_warnings(action="ignore"):
        design = bm.prepare(bm.from_formula(formula, family="cumulative", priors=priors), data)
    mu = design.mu
    coordinates = generator.normal(size=len(mu.keys))
    beta = mu.transform @ coordinates
    at_centre = mu.centred_matrix @ coordinates
    np.testing.assert_allclose(at_centre, mu.population.matrix @ beta - threshold_shift(design, beta), atol=1e-9)
