"""The asymmetric Laplace family is SciPy's, and its likelihood is greatest at sample quantiles."""

import numpy as np
import pytest
from scipy import stats

import bayesmixed as bm
from bayesmixed.families import FAMILIES

FAMILY = FAMILIES["asymmetric_laplace"]


@pytest.mark.parametrize(
    "values", [{"mu": 0.4, "sigma": 0.6, "quantile": 0.25}, {"mu": 1, "sigma": 2, "quantile": 0.9}]
)
def test_density_distribution_function_and_moments_are_scipys(values):
    y, quantile = np.linspace(-4.0, 9.0, 27), values["quantile"]
    scale = values["sigma"] / np.sqrt(quantile * (1.0 - quantile))
    there = stats.laplace_asymmetric(np.sqrt(quantile / (1.0 - quantile)), loc=values["mu"], scale=scale)
    np.testing.assert_allclose(FAMILY.logp(y, values, 1.0), there.logpdf(y), rtol=1e-12)
    np.testing.assert_allclose(FAMILY.cdf(y, values, 1.0), there.cdf(y), rtol=1e-12)
    assert float(FAMILY.mean(values, 1.0)) == pytest.approx(there.mean())
    assert float(FAMILY.variance(values, 1.0)) == pytest.approx(there.var())
    assert float(FAMILY.cdf(values["mu"], values, 1.0)) == pytest.approx(quantile)


def test_the_likelihood_is_greatest_at_the_sample_quantile():
    y = np.random.default_rng(1).gamma(2.0, size=201)
    for quantile in (0.1, 0.5, 0.9):
        values = {"mu": y[:, None], "sigma": 1.0, "quantile": quantile}
        best = y[np.argmax(FAMILY.logp(y, values, 1.0).sum(axis=1))]
        assert np.mean(y <= best) == pytest.approx(quantile, abs=0.01)


def test_it_is_the_median_unless_a_quantile_is_stated():
    data = {"y": np.arange(9.0)}
    for priors, expected in (({}, 0.5), ({"quantile": 0.9}, 0.9)):
        spec = bm.from_formula("y ~ 1", family="asymmetric_laplace", priors=priors)
        prior = bm.prepare(spec, data).priors["quantile"].prior
        assert (prior.name, prior.arguments) == ("Fixed", (expected,))


def test_there_is_no_maximum_likelihood_with_effects_integrated_out():
    data = {"y": np.arange(9.0), "g": list("aaabbbccc")}
    with pytest.raises(bm.SpecError, match=r"from whose curvature.*bm\.fit"):
        bm.approximate("y ~ 1 + (1 | g)", data, family="asymmetric_laplace", priors={"sd_g": "HalfNormal(1)"})
