"""Ordered categories compared step by step are chains of binary events."""

import numpy as np
import pytest
from fixed_draws import fit_at
from scipy import optimize, special, stats

import bayesmixed as bm
from bayesmixed.errors import SpecError
from bayesmixed.families.stepwise import stepwise

LATENT = {"logit": stats.logistic, "probit": stats.norm, "cloglog": stats.gumbel_l}
KINDS = ("sratio", "cratio", "acat")
CUTS = np.array([0.8, -1.1, 0.3])
EXTREME = {"logit": 800.0, "probit": 60.0, "cloglog": 30.0}

each_kind = pytest.mark.parametrize("kind", KINDS)
each_link = pytest.mark.parametrize("link", LATENT)


def some(kind, link, mu):
    """Return the family of four categories, and its values, with thresholds that do not increase."""
    family = stepwise(kind, link).for_categories(tuple("1234"))
    return family, {"mu": mu, **dict(zip(family.cuts, CUTS, strict=True))}


@each_link
@pytest.mark.parametrize("kind", ["sratio", "cratio"])
def test_the_likelihood_is_that_of_a_chain_of_binary_events(kind, link):
    mu, y = np.array([-0.7, 0.2, 1.4, 0.9]), np.array([1.0, 2.0, 3.0, 4.0])
    family, values = some(kind, link, mu)
    chain = np.zeros(4)
    for row, category in enumerate(y.astype(int)):
        for k in range(min(category, 3)):
            stops = category == k + 1
            x, law = mu[row] - CUTS[k], LATENT[link]
            chance = law.cdf(-x) if kind == "sratio" else law.sf(x)
            chain[row] += stats.bernoulli.logpmf(stops, chance)
    np.testing.assert_allclose(family.logp(y, values, 1.0), chain, rtol=1e-10)


def test_adjacent_categories_under_a_logit_are_a_softmax_with_equal_steps():
    family, values = some("acat", "logit", 0.6)
    expected = special.log_softmax(0.6 * np.arange(4) - np.concatenate([[0.0], np.cumsum(CUTS)]))
    np.testing.assert_allclose(family.logp(np.arange(1.0, 5.0), values, 1.0), expected, rtol=1e-12)


@each_link
def test_of_two_adjacent_categories_the_upper_one_has_the_probability_of_the_link(link):
    family, values = some("acat", link, 0.6)
    shares = np.exp(family.logp(np.arange(1.0, 5.0), values, 1.0))
    np.testing.assert_allclose(shares[1:] / (shares[1:] + shares[:-1]), LATENT[link].cdf(0.6 - CUTS), rtol=1e-10)


@each_kind
@each_link
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_far_out_nothing_is_lost(kind, link, sign):
    family, values = some(kind, link, np.full(4, sign * EXTREME[link]))
    y = np.arange(1.0, 5.0)
    logs, end = family.logp(y, values, 1.0), 3 if sign > 0 else 0
    assert logs[end] == pytest.approx(0.0, abs=1e-9)
    assert np.all(logs <= 1e-12)
    assert np.isfinite(family.score(y, values, 1.0)[end])
    np.testing.assert_array_equal(
        family.cdf(np.array([0.0, 4.0, 9.0]), {**values, "mu": values["mu"][0]}, 1.0), [0, 1, 1]
    )


def ratings(rows=240):
    generator = np.random.default_rng(8)
    x = generator.normal(size=rows)
    g = np.arange(rows) % 12
    eta = 0.7 * x + 0.8 * generator.normal(size=12)[g]
    y = 1 + (generator.random((rows, 3)) < special.expit(eta[:, None] - CUTS)).cumprod(axis=1).sum(axis=1)
    return {"y": y, "x": x, "g": g}


def shares_by_hand(kind, beta, cuts, x):
    """Return the probabilities of the categories under a logit, (n, K)."""
    if kind == "acat":
        return special.softmax(beta * x[:, None] * np.arange(4) - np.concatenate([[0.0], np.cumsum(cuts)]), axis=1)
    passed = special.expit(beta * x[:, None] - cuts)
    return np.hstack([np.ones((len(x), 1)), np.cumprod(passed, axis=1)]) * np.hstack([1 - passed, np.ones((len(x), 1))])


@each_kind
def test_maximum_likelihood_is_that_of_the_closed_form(kind):
    data = ratings()
    place = np.arange(len(data["y"])), data["y"] - 1

    def loss(point):
        return -np.sum(np.log(shares_by_hand(kind, point[0], point[1:], data["x"])[place]))

    best = optimize.minimize(loss, np.zeros(4), tol=1e-10)
    assert np.any(np.diff(best.x[1:]) < 0)
    found = bm.approximate(bm.from_formula("y ~ x", family=kind), data)
    assert found.log_likelihood == pytest.approx(-best.fun, abs=1e-4)
    np.testing.assert_allclose(list(found.estimates.values()), best.x, atol=2e-3)


@each_kind
def test_the_variance_of_numbers_of_categories_is_refused_and_the_events_have_an_icc(kind):
    design = bm.prepare(bm.from_formula("y ~ x + (1 | g)", family=kind), ratings())
    fit = fit_at(design, {"beta": [0.7], "threshold": CUTS, "sd_g": 0.8})
    assert list(bm.icc(fit)["level"]) == ["> 1", "> 2", "> 3"]
    with pytest.raises(SpecError, match="There is no R2 of this model"):
        bm.r2(fit)


def test_the_prior_of_increasing_thresholds_is_refused_where_they_need_not_increase():
    spec = bm.from_formula("y ~ x", family="sratio", priors={"threshold": "InducedDirichlet(1)"})
    with pytest.raises(SpecError, match="which is for family 'cumulative'"):
        bm.prepare(spec, ratings())


def test_true_thresholds_may_fall():
    truth = {"beta[x]": 0.7, "threshold[low|mid]": 0.8, "threshold[mid|high]": -1.1}
    made = bm.simulate("y ~ x", data={"x": np.linspace(-1, 1, 50)}, family="acat", truth=truth, seed=1)
    assert set(made.data["y"]) == {"low", "mid", "high"}


@pytest.mark.calibration
@pytest.mark.parametrize("kind", KINDS[:2])
def test_with_groups_the_posterior_is_that_of_binary_events_in_rows_of_their_own(kind):
    """Of a stopping ratio under a logit: the same draws, by another engine, of the chain of events."""
    data = ratings()
    fit = bm.fit(
        bm.from_formula("y ~ x + (1 | g)", family=kind, priors={"beta[x]": "Normal(0, 2)"}), data, seed=1, draws=2000
    )
    rows = [(row, k) for row, y in enumerate(data["y"]) for k in range(1, min(y, 3) + 1)]
    events = {name: np.array([data[name][row] for row, _ in rows]) for name in ("x", "g")}
    events |= {f"s{j}": np.array([float(k == j) for _, k in rows]) for j in (1, 2, 3)}
    events["passed"] = np.array([int(data["y"][row] > k) for row, k in rows])
    centre, four = float(np.mean(data["x"])), "Normal(0, 4)"
    events["x"] = events["x"] - centre
    priors = {"beta[x]": "Normal(0, 2)", **{f"beta[s{j}]": four for j in (1, 2, 3)}}
    spec = bm.from_formula("passed ~ 0 + s1 + s2 + s3 + x + (1 | g)", family="bernoulli", priors=priors)
    chain = bm.fit(spec, events, engine="kernel", seed=2, draws=4000)
    for name, theirs in {"beta": ["x"], "sd_g": ["Intercept"]}.items():
        dim = fit.posterior[name].dims[-1]
        ours, other = fit.posterior[name].values[..., 0], chain.posterior[name].sel({dim: theirs}).values[..., 0]
        assert abs(ours.mean() - other.mean()) < 0.1 * other.std()
        assert ours.std() == pytest.approx(other.std(), rel=0.12)
    cuts = fit.posterior["threshold"].values - fit.posterior["beta"].values * centre
    for j in (1, 2, 3):
        other = -chain.posterior["beta"].sel(beta_effect=f"s{j}").values
        assert abs(cuts[..., j - 1].mean() - other.mean()) < 0.1 * other.std()
