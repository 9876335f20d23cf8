"""Log prior densities in their coordinates, and power scaling by them."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from fixed_draws import fit_at
from frequency_fits import each_case, weighted_and_written_out

import bayesmixed as bm
from bayesmixed.summaries.priors.power_scaling import _scale

NINE = {"y": [3.1, 2.7, 4.0, 5.2, 4.9, 1.0, 1.8, 2.2, 2.9], "group": list("aaabbcccc")}
PRIORS = {"beta[Intercept]": "Normal(2, 1.5)", "sd_group": "HalfNormal(1)", "sigma": "HalfNormal(1)"}
# statistics.md 4.3, by quadrature: derivative of E[sd] with respect to the power of the priors.
SLOPE_OF_ALL, SLOPE_OF_SD = -0.3067, -0.3441
pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")


def test_unknown_names_and_fixed_priors_are_refused():
    fit = fit_at(bm.prepare("y ~ 1 + (1 | group)", NINE), {"sigma": 1.0, "sd_group": 3.0})
    with pytest.raises(bm.SpecError, match="Did you mean 'sd_group'"):
        bm.prior_sensitivity(fit, "sd_grup")
    spec = bm.from_formula("y ~ 1", priors={"beta[Intercept]": 3.0, "sigma": 1.0})
    with pytest.raises(bm.SpecError, match="no prior to scale"):
        bm.prior_sensitivity(fit_at(bm.prepare(spec, NINE), {"beta": 3.0, "sigma": 1.0}))


def test_answers_that_hold_a_part_of_the_draws_are_scaled_by_the_densities_of_these():
    """As those of an ICC that needs an integral for each draw."""
    coords = {"chain": [0, 1], "draw": np.arange(40)}
    answer, density = (
        xr.DataArray(np.random.default_rng(seed).normal(size=(2, 40)), dims=("chain", "draw"), coords=coords)
        for seed in (1, 2)
    )
    part = slice(3, None, 4)
    few = _scale("q", answer.isel(draw=part), {"prior": density})
    again = _scale("q", answer.isel(draw=part), {"prior": density.isel(draw=part)})
    assert few == again
    assert few != _scale("q", answer, {"prior": density})


def test_a_comparison_is_scaled_as_the_difference_of_its_sides():
    fit = fit_at(bm.prepare("y ~ 1 + (1 | group)", NINE), {"sigma": 1.0, "sd_group": 3.0}, jitter=0.5)
    table = bm.prior_sensitivity(fit, quantities={"above": "beta[Intercept] > 0"}).set_index("quantity")
    assert np.isfinite(table.loc["above", ["prior", "likelihood", "mean_slope"]].astype(float)).all()


@pytest.mark.slow
@pytest.mark.parametrize(("engine", "options"), [("collapsed", {}), ("kernel", {"parameterisation": "noncentred"})])
def test_the_nine_rows_whatever_the_engine_and_the_parameterisation(engine, options):
    spec = bm.from_formula("y ~ 1 + (1 | group)", priors=PRIORS)
    fit = bm.fit(spec, NINE, engine=engine, draws=4000, seed=2, progress=False, **options)
    for priors, slope in ((None, SLOPE_OF_ALL), ("sd_group", SLOPE_OF_SD)):
        table = bm.prior_sensitivity(fit, priors, quantities={"twice": "2 * sd_group"}).set_index("quantity")
        # Standard error of a covariance from some 6,000 effective draws: about 0.008.
        assert table.loc["sd_group[Intercept]", "mean_slope"] == pytest.approx(slope, abs=0.03)
        assert table.loc["twice", "mean_slope"] == pytest.approx(2 * table.loc["sd_group[Intercept]", "mean_slope"])
        assert table.loc["sd_group[Intercept]", "prior"] > 0.1
        assert table.loc["sd_group[Intercept]", "diagnosis"] == "possible prior-data conflict"


@each_case
def test_frequencies_count_rows(case):
    one, other = (bm.prior_sensitivity(fit) for fit in weighted_and_written_out(case))
    pd.testing.assert_frame_equal(one, other, rtol=1e-6)


def test_likelihood_weights_scale_the_likelihood_that_was_sampled():
    stream = np.random.default_rng(1)
    data = {"y": stream.normal(size=12), "g": np.repeat(list("abcd"), 3), "w": np.full(12, 2.0)}
    values = {"beta": 0.2, "sd_g": 0.5, "sigma": 1.0}
    fits = [
        fit_at(bm.prepare(bm.from_formula(f"y{weights} ~ 1 + (1 | g)"), data), values, jitter=0.05)
        for weights in ("", " | weights(w, likelihood)")
    ]
    plain, weighted = (bm.prior_sensitivity(fit)["likelihood"].to_numpy() for fit in fits)
    np.testing.assert_allclose(weighted, 2.0 * plain, rtol=1e-9)
