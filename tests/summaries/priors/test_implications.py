"""What priors are said to miss of the data: seldom where the model is right, and always where the prior is far off."""

import warnings

import numpy as np
import pytest
from scipy import stats

import bayesmixed as bm
from bayesmixed.design.prior_draws import draw_priors
from bayesmixed.summaries.priors.implications import list_oddities

REPEATS = 60


def tells_of_the_mean(family, y, g, **priors):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        spec = bm.from_formula("y ~ 1 + (1 | g)", family=family, priors=priors)
        design = bm.prepare(spec, {"y": y, "g": [f"g{k}" for k in g]})
    return any(note.startswith("The mean of y") for note in list_oddities(draw_priors(design, 1000)))


def responses(family, eta, generator):
    if family == "gaussian":
        return eta + generator.standard_normal(len(eta))
    if family == "poisson":
        return generator.poisson(np.exp(eta))
    return generator.binomial(1, 1.0 / (1.0 + np.exp(-eta)))


@pytest.mark.calibration
@pytest.mark.parametrize("family", ["gaussian", "poisson", "bernoulli"])
def test_the_mean_of_few_groups_is_found_odd_in_one_right_model_of_twenty(family):
    generator, g, found = np.random.default_rng(1), np.repeat(np.arange(5), 6), 0
    own = {"sigma": "HalfNormal(1)"} if family == "gaussian" else {}
    for _ in range(REPEATS):
        effects = abs(generator.standard_normal()) * generator.standard_normal(5)
        y = responses(family, 0.1 * generator.standard_normal() + effects[g], generator)
        y[:2] = 0, 1  # some variation
        found += tells_of_the_mean(
            family, y, g, **{"beta[Intercept]": "Normal(0, 0.1)", "sd_g": "HalfNormal(1)"}, **own
        )
    assert found <= stats.binom.ppf(0.999, REPEATS, 0.05)


@pytest.mark.parametrize("family", ["gaussian", "poisson"])
def test_a_mean_far_from_its_prior_is_told(family):
    g = np.arange(60) % 10
    y = np.random.default_rng(1).poisson(5, 60)
    own = {"sigma": "HalfNormal(1)"} if family == "gaussian" else {}
    assert tells_of_the_mean(family, y, g, **{"beta[Intercept]": "Normal(0, 0.3)", "sd_g": "HalfNormal(0.3)"}, **own)
