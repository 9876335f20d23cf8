"""Draws weighted by the ratio of prior densities, beside algebra, and where they cannot stand for draws."""

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at
from nine_rows import ROWS, SPEC, exact_fit, normal_posterior, with_draws
from scipy import special, stats

import bayesmixed as bm
from bayesmixed.engines.proposal_weights import pareto_k
from bayesmixed.fits.prior_sets import realise_sets
from bayesmixed.summaries.priors.reweighting import weigh_by_priors, why_not_weighed

COUNTS = pd.DataFrame({"count": [0, 2, 1, 3, 5, 4, 1, 1, 0, 2, 6, 3], "g": list("aaabbbcccddd")})

pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")


def drawn(priors, others, count=4000):
    """Return a fit with exact draws under a prior of the intercept, and the design with another."""
    sets = realise_sets(SPEC, ROWS, {"one": {"beta[Intercept]": priors}, "two": {"beta[Intercept]": others}})
    return exact_fit(sets["one"].design, count), sets["two"].design


def test_the_weighted_draws_have_the_moments_and_the_evidence_of_the_other_posterior():
    fit, design = drawn("Normal(2, 1.5)", "Normal(3, 1)")
    weights = weigh_by_priors(fit, design)
    (_, _, first), (mean, sd, second) = normal_posterior(2, 1.5), normal_posterior(3, 1)
    assert weights.good
    assert weights.log_evidence_ratio == pytest.approx(second - first, abs=4 * weights.mcse)
    assert 0 < weights.mcse < 0.05
    beta = weights.draw("one").posterior["beta"].values.ravel()
    error = sd / np.sqrt(4000 * weights.worth)
    assert beta.mean() == pytest.approx(mean, abs=4 * error)
    assert beta.std() == pytest.approx(sd, rel=0.1)
    lower, upper = stats.norm(mean, sd).ppf([0.025, 0.975])
    assert np.quantile(beta, [0.025, 0.975]) == pytest.approx([lower, upper], abs=0.15 * sd)


def test_draws_are_repeated_side_by_side_and_keep_their_labels_and_all_that_belongs_to_them():
    fit, design = drawn("Normal(2, 1.5)", "Normal(3, 1)", 400)
    same = fit.posterior["b_group"] + fit.posterior["beta"].isel(beta_effect=0)
    fit.draws["posterior"] = fit.posterior.assign(b_group=same)
    again = weigh_by_priors(fit, design).draw("one")
    before, after = fit.posterior, again.posterior
    assert after.sizes == before.sizes
    assert np.array_equal(after["draw"], before["draw"])
    for chain in range(2):
        old, new = (x["beta"].values[chain, :, 0] for x in (before, after))
        places = [int(np.flatnonzero(old == value)[0]) for value in new]
        assert places == sorted(places)
        np.testing.assert_array_equal(after["b_group"].values[chain, :, 0, 0], new)
    assert again.design is design
    assert "drawn again" in again.engine.decisions[-1]
    assert "lp" not in again.draws["sample_stats"]


def test_weights_of_posteriors_far_apart_or_with_longer_tails_are_not_good():
    assert not weigh_by_priors(*drawn("Normal(2, 1.5)", "Normal(-9, 0.3)")).good
    narrow, wide = drawn("Normal(2.1, 0.05)", "Normal(2.1, 5)")
    assert not weigh_by_priors(narrow, wide).good


def test_weights_under_which_means_are_known_but_not_sds_are_not_good():
    """Rows that say next to nothing: the posteriors are the priors, t with 8 and with 3 degrees of freedom."""
    spec = bm.from_formula("y ~ 1", priors={"sigma": 1e6})
    laws = {"one": {"beta[Intercept]": "StudentT(8, 0, 1)"}, "two": {"beta[Intercept]": "StudentT(3, 0, 1)"}}
    sets = realise_sets(spec, ROWS, laws)
    fit = with_draws(fit_at(sets["one"].design, {"sigma": 1e6}), stats.t(8).rvs(4000, random_state=2))
    weights = weigh_by_priors(fit, sets["two"].design)
    alone = pareto_k(stats.t(3).logpdf(fit.posterior["beta"].values) - stats.t(8).logpdf(fit.posterior["beta"].values))
    assert alone < 0.7 < weights.pareto_k
    assert not weights.good


@pytest.mark.parametrize(
    ("priors", "others", "said"),
    [
        ({"sd_group": "HalfNormal(1)"}, {"sd_group": 1.0}, "fixed"),
        ({"sd_group": 1.0}, {"sd_group": 1.2}, "fixed"),
        ({"sd_group": "Uniform(0, 2)"}, {"sd_group": "HalfNormal(1)"}, "excludes"),
        ({"beta[Intercept]": "HalfNormal(4)"}, {"beta[Intercept]": "Normal(0, 4)"}, "excludes"),
        ({"sigma": "Uniform(0, 9)"}, {"sigma": "Uniform(0, 2)"}, None),
        ({"beta[Intercept]": "Normal(0, 4)"}, {}, None),
    ],
)
def test_draws_are_not_weighed_where_they_cannot_reach(priors, others, said):
    sets = realise_sets(bm.from_formula("y ~ 1 + (1 | group)"), ROWS, {"one": priors, "two": others})
    fit = fit_at(sets["one"].design, {"beta": 2.0, "sd_group": 0.5, "sigma": 1.0}, jitter=0.01)
    reason = why_not_weighed(fit, sets["two"].design)
    assert reason is None if said is None else said in reason


def test_weights_of_a_model_with_effects_follow_from_coefficients_and_sds_alone():
    """Draws of both from a dense grid, against sums over the grid under the other priors; the effects are of no account."""
    sets = realise_sets(
        bm.from_formula("count ~ 1 + (1 | g)", family="poisson"),
        COUNTS,
        {
            "one": {"beta[Intercept]": "Normal(0, 2)", "sd_g": "HalfNormal(1)"},
            "two": {"beta[Intercept]": "Normal(0.5, 0.5)", "sd_g": "HalfStudentT(4, 0.5)"},
        },
    )
    beta, sd = np.linspace(-1.5, 3.0, 181), np.linspace(0.005, 4.0, 200)
    z = np.linspace(-6.0, 6.0, 121)
    mass = stats.norm.logpdf(z) + np.log(z[1] - z[0])
    logs = np.zeros((len(beta), len(sd)))
    for _, rows in COUNTS.groupby("g"):
        eta = beta[:, None, None] + sd[:, None] * z
        total = rows["count"].sum() * eta - len(rows) * np.exp(eta) - special.gammaln(rows["count"] + 1.0).sum()
        logs += special.logsumexp(total + mass, axis=-1)
    first = logs + stats.norm(0, 2).logpdf(beta)[:, None] + stats.halfnorm(0, 1).logpdf(sd)
    second = logs + stats.norm(0.5, 0.5).logpdf(beta)[:, None] + np.log(2.0) + stats.t(4, 0, 0.5).logpdf(sd)
    stream = np.random.default_rng(5)
    places = np.unravel_index(stream.choice(logs.size, 8000, p=special.softmax(first.ravel())), logs.shape)
    fit = fit_at(sets["one"].design, {"beta": 0.0, "sd_g": 1.0}, draws=4000)
    drawn = {
        "beta": beta[places[0]] + stream.uniform(-0.5, 0.5, 8000) * (beta[1] - beta[0]),
        "sd_g": np.abs(sd[places[1]] + stream.uniform(-0.5, 0.5, 8000) * (sd[1] - sd[0])),
        "b_g": stream.normal(size=fit.posterior["b_g"].shape),
    }
    posterior = {
        name: one.copy(data=drawn[name].reshape(one.shape)) for name, one in fit.posterior[list(drawn)].items()
    }
    fit.draws["posterior"] = fit.posterior.assign(posterior)
    weights = weigh_by_priors(fit, sets["two"].design)
    exact = special.logsumexp(second) - special.logsumexp(first)
    assert weights.pareto_k < 0.5
    assert weights.log_evidence_ratio == pytest.approx(exact, abs=4 * weights.mcse)
    assert 0.0 < weights.mcse < 0.03
    shares, chances = special.softmax(weights.log_weights.ravel()), special.softmax(second)
    for name, mean in (("beta", beta @ chances.sum(axis=1)), ("sd_g", chances.sum(axis=0) @ sd)):
        error = 4.0 * np.sqrt(np.sum(shares**2)) * drawn[name].std()
        assert shares @ drawn[name] == pytest.approx(mean, abs=error)
    fit.draws["posterior"] = fit.posterior.assign(b_g=5.0 * fit.posterior["b_g"])
    np.testing.assert_array_equal(weigh_by_priors(fit, sets["two"].design).log_weights, weights.log_weights)
