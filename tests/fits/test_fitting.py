"""Fits: what is refused before sampling, what a fit holds."""

from importlib.metadata import version

import numba
import numpy as np
import pytest
import xarray as xr

import bayesmixed as bm
from bayesmixed.fits.fitting import installed_versions


@pytest.mark.parametrize("engine", ["auto", "pymc", "kernel"])
@pytest.mark.parametrize(
    ("formula", "family", "priors"),
    [
        ("y ~ x", "gaussian", {"beta[Intercept]": 0.1, "beta[x]": 0.5, "sigma": 1}),
        ("n ~ 1", "poisson", {"beta[Intercept]": 0.3}),
        ("n ~ 1", "negbin", {"beta[Intercept]": 0.3, "1/sqrt(theta)": 0.5}),
    ],
)
def test_a_model_whose_parameters_are_all_fixed_has_nothing_to_sample(formula, family, priors, engine):
    data = {"y": np.sin(np.arange(20.0)), "x": np.cos(np.arange(20.0)), "n": np.arange(20) % 5}
    design = bm.prepare(bm.from_formula(formula, family=family, priors=priors), data)
    with pytest.raises(bm.SpecError, match=r"are fixed by numbers .* nothing to sample"):
        bm.sample(design, engine=engine, draws=10, tune=10, progress=False)


def test_a_tree_holds_the_draws_and_the_data_of_the_fit():
    fit = bm.load_fit("herd_period")
    tree = fit.to_datatree()
    assert {"posterior", "sample_stats", "observed_data", "constant_data"} <= set(tree.children)
    xr.testing.assert_equal(tree["posterior"].to_dataset(), fit.posterior)
    counts = tree["observed_data"]["incidence"].values
    np.testing.assert_array_equal(counts, bm.datasets.load("cbpp")["incidence"])


def test_the_tree_with_all_groups_is_what_the_functions_of_arviz_take():
    import arviz_plots
    import arviz_stats

    fit = bm.load_fit("herd_period")
    before = set(fit.draws.children)
    tree = fit.to_datatree(log_likelihood=True, posterior_predictive=True, prior=True, seed=1)
    assert set(fit.draws.children) == before, "the fit stays as it is"
    xr.testing.assert_equal(tree["log_likelihood"]["incidence"], bm.log_likelihood(fit).rename("incidence"))
    assert tree["prior"].sizes["draw"] == fit.settings.draws
    assert tree["prior_predictive"]["incidence"].sizes == tree["posterior_predictive"]["incidence"][:1].sizes
    with pytest.warns(UserWarning, match="Pareto"):  # of single rows given the effects of their herds
        found = arviz_stats.loo(tree)
    assert found.elpd == pytest.approx(-98.8, abs=1.5)
    arviz_plots.plot_ppc_dist(tree, backend="none")
    assert "mean" in arviz_stats.summary(tree, var_names=["sd_herd"])


def test_versions_are_those_that_python_imports():
    versions = installed_versions()
    assert versions["numba"] == numba.__version__
    assert versions["bayesmixed"] == version("bayesmixed")


def test_the_same_seed_gives_the_same_draws_and_another_seed_others():
    data = {"y": np.random.default_rng(1).normal(size=20)}
    options = {"chains": 2, "draws": 50, "tune": 50, "progress": False, "engine": "collapsed"}
    first, again, other = (bm.fit("y ~ 1", data, seed=seed, **options).posterior for seed in (1, 1, 2))
    xr.testing.assert_equal(first, again)
    assert not first["beta"].equals(other["beta"])
