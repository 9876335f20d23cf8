"""Joint priors of SDs: densities by numerical change of variables, draws against quantiles, what is read back."""

import numpy as np
import pytest
from scipy import stats

from bayesmixed.design.correlation_draws import draw_correlations
from bayesmixed.design.variance_parts import Part
from bayesmixed.design.variance_splits import SplitOnData, part_prior
from bayesmixed.prior_texts import as_prior

SLOPES = Part(
    "g",
    ("sd_g[a]", "sd_g[b]", "sd_g[c]"),
    ((1.0, 0.2, 0.1), (0.2, 2.0, 0.6), (0.1, 0.6, 0.7)),
    (((0, 1, 2), 2.0),),
    "corr_g",
)
PLAIN = Part("h", ("sd_h[Intercept]",), ((1.3,),))
SIGMA = Part("sigma", ("sigma",), ((1.0,),))
SPLIT = SplitOnData(as_prior("HalfStudentT(4, 2)"), (0.7, 1.5, 2.0), (SLOPES, PLAIN, SIGMA))


def sds_of(point, correlation):
    """Return the five SDs for the total, two shares, and two shares of columns."""
    total, first, second, *within = point
    shares = np.array([first, second, 1.0 - first - second])
    columns = np.array([*within, 1.0 - sum(within)])
    own = SLOPES.sds(np.array([total**2 * shares[0]]), columns[None], correlation[None])[0]
    return np.array([*own, total * np.sqrt(shares[1] / 1.3), total * np.sqrt(shares[2])])


def covariances(sds, correlation):
    return [np.outer(sds[:3], sds[:3]) * correlation, sds[3:4, None] ** 2, sds[4:5, None] ** 2]


@pytest.mark.parametrize("seed", range(4))
def test_the_density_of_sds_is_that_of_total_and_shares_over_the_jacobian(seed):
    generator = np.random.default_rng(seed)
    correlation = draw_correlations(3, 1.0, 1, generator)[0]
    shares, columns = generator.dirichlet([2, 2, 2]), generator.dirichlet([2, 2, 2])
    point = np.array([generator.gamma(2.0), *shares[:2], *columns[:2]])
    steps = 1e-6 * np.eye(5)
    jacobian = np.array([sds_of(point + s, correlation) - sds_of(point - s, correlation) for s in steps]) / 2e-6
    stated = as_prior("HalfStudentT(4, 2)").frozen().logpdf(point[0])
    stated += stats.dirichlet(SPLIT.shares).logpdf(shares) + stats.dirichlet(np.ones(3)).logpdf(columns)
    expected = stated - np.linalg.slogdet(jacobian)[1]
    found = covariances(sds_of(point, correlation), correlation)
    assert SPLIT.log_density(found) == pytest.approx(expected, abs=1e-6)
    constant = stats.dirichlet(SPLIT.shares).logpdf([1 / 3] * 3) - np.sum((np.array(SPLIT.shares) - 1) * np.log(1 / 3))
    assert SPLIT.log_density_as_stated(found) + constant + np.log(2.0) == pytest.approx(stated, abs=1e-9)


def drawn(count=40_000):
    generator = np.random.default_rng(5)
    correlation = draw_correlations(3, 2.0, count, generator)
    return correlation, SPLIT.draw(np.ones(count), {"corr_g": correlation}, generator)


def test_the_parts_of_draws_add_up_to_the_total_and_their_shares_are_dirichlet():
    correlation, values = drawn()
    sds = np.stack([values[key] for key in SLOPES.keys], axis=-1)
    variance = SLOPES.variance(sds[:, :, None] * correlation * sds[:, None, :])
    whole = variance + 1.3 * values["sd_h[Intercept]"] ** 2 + values["sigma"] ** 2
    # The total is drawn once in each of as many intervals as there are draws.
    levels = np.sort(SPLIT.total.frozen().cdf(np.sqrt(whole)))
    assert np.abs(levels - (np.arange(levels.size) + 0.5) / levels.size).max() * levels.size < 0.51
    assert stats.kstest(variance / whole, stats.beta(0.7, 3.5).cdf).pvalue > 0.01
    assert stats.kstest(values["sigma"] ** 2 / whole, stats.beta(2.0, 2.2).cdf).pvalue > 0.01


@pytest.mark.parametrize("key", ["sd_g[a]", "sd_g[c]", "sd_h[Intercept]", "sigma"])
def test_the_distribution_of_one_sd_is_that_of_its_draws(key):
    _, values = drawn()
    found = part_prior(SPLIT, key).frozen()
    levels = np.array([0.025, 0.25, 0.5, 0.75, 0.975])
    assert np.mean(values[key][:, None] < found.ppf(levels), axis=0) == pytest.approx(levels, abs=0.015)
    assert found.cdf(found.ppf(levels)) == pytest.approx(levels)
    middle = found.median()
    slope = (found.cdf(middle * 1.001) - found.cdf(middle * 0.999)) / (0.002 * middle)
    assert found.pdf(middle) == pytest.approx(slope, rel=1e-3)
    assert np.mean(found.rvs(20_000, 1) < middle) == pytest.approx(0.5, abs=0.015)


def test_the_prior_is_read_back_from_lists_and_moves_with_the_unit():
    assert SplitOnData.from_lists(SPLIT.to_lists()) == SPLIT
    one = part_prior(SPLIT, "sigma")
    assert one.rescale(3.0).frozen().median() == pytest.approx(3.0 * one.frozen().median())
    assert one.widen(2.0).joint.total == as_prior("HalfStudentT(4, 4)")
