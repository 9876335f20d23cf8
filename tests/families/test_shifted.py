"""The shifted lognormal family: its density, its coordinate, and the row that weights cannot leave out."""

import warnings

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at
from scipy import stats

import bayesmixed as bm

FAMILY = bm.FAMILIES["shifted_lognormal"]
TIMES = np.array([0.31, 0.44, 0.52, 0.48, 0.71, 0.39, 0.63, 0.92, 0.55, 0.47])
TABLE = pd.DataFrame({"y": TIMES, "x": np.arange(10) % 2, "g": np.arange(10) // 2})


def test_density_and_distribution_function_are_those_of_scipy():
    y, values = np.array([0.1, 0.3, 0.31, 0.5, 4.0]), {"mu": -0.7, "sigma": 0.6, "ndt": 0.3}
    there = stats.lognorm(s=0.6, scale=np.exp(-0.7), loc=0.3)
    np.testing.assert_allclose(FAMILY.logp(y, values, 1.0), there.logpdf(y), rtol=1e-12)
    np.testing.assert_allclose(FAMILY.cdf(y, values, 1.0), there.cdf(y), atol=1e-15)
    assert float(FAMILY.mean(values, 1.0)) == pytest.approx(there.mean())
    assert float(FAMILY.variance(values, 1.0)) == pytest.approx(there.var())


@pytest.mark.parametrize(
    ("key", "prior", "there"),
    [
        ("ndt", "LogNormal(-1.5, 0.5)", stats.lognorm(s=0.5, scale=np.exp(-1.5)).logpdf),
        ("ndt", "Uniform(0.25, 0.4)", stats.uniform(0.25, 0.15).logpdf),
        ("log(ndt)", "Normal(-1, 1)", lambda shift: stats.norm(-1.0, 1.0).logpdf(np.log(shift))),
        ("1/ndt", "LogNormal(1, 1)", lambda shift: stats.lognorm(s=1.0, scale=np.e).logpdf(1.0 / shift)),
    ],
)
def test_the_coordinate_of_the_shift_ends_at_the_smallest_response_and_the_prior_does_not(key, prior, there):
    from bayesmixed.model.prior_variables import start_of_onset
    from bayesmixed.model.pymc_models import build

    design = bm.prepare("y ~ 1", TABLE, family="shifted_lognormal", priors={key: prior})
    model = build(design)
    (coordinate,) = [value for value in model.value_vars if "ndt" in value.name]
    (logp,) = model.logp(vars=[model.values_to_rvs[coordinate]], sum=False, jacobian=False)
    (shift,) = model.replace_rvs_by_values([model["ndt"]])
    both = model.compile_fn([logp, shift], mode="FAST_COMPILE", inputs=[coordinate])
    (start,) = start_of_onset(design).values()
    begins = model.rvs_to_transforms[model.values_to_rvs[coordinate]].forward(start).eval()
    for place in (-4.0, 0.0, 2.0, float(begins)):
        found, ndt = (float(one) for one in both({coordinate.name: np.array(place)}))
        assert 0.0 < ndt < TIMES.min()
        assert found == pytest.approx(there(ndt), abs=1e-9)


def test_the_prior_density_on_the_scale_of_the_link_integrates_to_one_over_all_shifts():
    """Evidence needs it: the likelihood is zero above the smallest response, and the prior is not."""
    from bayesmixed.draws.prior_densities import log_prior_density

    design = bm.prepare("y ~ 0 + x", TABLE, family="shifted_lognormal", priors={"sigma": 1.0, "beta": 0.0})
    places = np.linspace(-16.0, 4.0, 4001)
    posterior = fit_at(design, {"sigma": 1.0, "ndt": 0.1}, 0.0).posterior.isel(
        chain=[0], draw=np.zeros(4001, dtype=int)
    )
    posterior = posterior.assign_coords(draw=np.arange(4001))
    posterior["ndt"] = posterior["ndt"].copy(data=np.exp(places)[None])
    density = np.exp(log_prior_density(design, posterior)[0])
    assert float(np.sum(density) * (places[1] - places[0])) == pytest.approx(1.0, abs=1e-3)


@pytest.fixture(scope="module")
def fit():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        design = bm.prepare("y ~ x + (1 | g)", TABLE, family="shifted_lognormal")
    values = {"beta": [-1.0, 0.1], "sd_g": 0.1, "sigma": 0.5, "ndt": 0.2}
    made = fit_at(design, values, 0.02)
    assert float(made.draws["posterior"]["ndt"].max()) < TIMES.min()
    return made


def test_weights_cannot_leave_out_the_smallest_response(fit):
    with pytest.warns(bm.StatisticsWarning, match=r"for 1 of 10 units .*largest for '0'.*refits=True"):
        found = bm.loo(fit, unit="observation")
    assert np.flatnonzero(np.isinf(found.pareto_k.values)).tolist() == [0]
    assert np.flatnonzero(np.isinf(bm.residuals(fit)["pareto_k"])).tolist() == [0]
    with pytest.warns(bm.StatisticsWarning, match="for 1 of 5 units .*largest for '0'"):
        bm.loo(fit, unit="g")
    bounding = bm.influence(fit, "g").groupby("level")["pareto_k"].max()
    assert np.isinf(bounding).tolist() == [True, False, False, False, False]


def test_two_smallest_responses_bound_the_shift_for_each_other():
    design = bm.prepare("y ~ x", TABLE.assign(y=np.where(TIMES < 0.4, 0.31, TIMES)), family="shifted_lognormal")
    fit = fit_at(design, {"beta": [-1.0, 0.1], "sigma": 0.5, "ndt": 0.2}, 0.02)
    assert np.all(np.isfinite(bm.loo(fit, unit="observation").pareto_k.values))


def test_what_has_no_meaning_is_refused():
    design = bm.prepare("y ~ x", TABLE, family="shifted_lognormal")
    fit = fit_at(design, {"beta": [-1.0, 0.5], "sigma": 0.4, "ndt": 0.2})
    with pytest.raises(bm.SpecError, match="for models of a logarithm"):
        bm.marginal_means(fit, "x", at={"x": [0, 1]}, kind="geometric_mean")
    with pytest.raises(bm.SpecError, match="residuals are those of families 'gaussian', 'student', 'lognormal'; "):
        bm.from_formula("y ~ x", family="shifted_lognormal", residual="homcs(1 | g)")
    with pytest.raises(bm.SpecError, match="'ndt' of family 'shifted_lognormal' takes no predictor"):
        bm.from_formula("y ~ x", family="shifted_lognormal", ndt="~ x")
    with pytest.raises(bm.SpecError, match="no maximum: it is infinite where 'ndt'"):
        bm.approximate("y ~ x", TABLE, family="shifted_lognormal")
    with pytest.raises(bm.BayesMixedError, match=r"fixed at 0.4, outside its range \(0, 0.31\)"):
        bm.prepare("y ~ x", TABLE, family="shifted_lognormal", priors={"ndt": 0.4})


@pytest.mark.slow
def test_the_engine_stays_below_the_smallest_response():
    generator = np.random.default_rng(4)
    x, g = generator.normal(size=120), np.arange(120) % 6
    y = FAMILY.random(generator, {"mu": -1.0 + 0.3 * x, "sigma": 0.5, "ndt": 0.3}, 1.0, (120,))
    fit = bm.fit(
        "y ~ x + (1 | g)",
        {"y": y, "x": x, "g": g},
        family=FAMILY.name,
        draws=200,
        tune=400,
        chains=2,
        seed=1,
        progress=False,
    )
    ndt = fit.posterior["ndt"].values
    assert np.quantile(ndt, 0.01) < 0.3 < ndt.max() < y.min()
    assert bm.diagnose(fit).divergences == 0
