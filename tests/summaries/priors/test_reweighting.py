"""Draws weighted by the ratio of prior densities, beside algebra, and where they cannot stand for draws."""

import numpy as np
import pytest
from fixed_draws import fit_at
from nine_rows import ROWS, SPEC, exact_fit, normal_posterior, with_draws
from scipy import stats

import bayesmixed as bm
from bayesmixed.engines.proposal_weights import pareto_k
from bayesmixed.fits.prior_sets import realise_sets
from bayesmixed.summaries.priors.reweighting import weigh_by_priors, why_not_weighed

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
