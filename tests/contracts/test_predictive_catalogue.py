"""Replicates and checks take the fit of any family of the catalogue."""

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.families import FAMILIES
from bayesmixed.summaries.checks.predictive_checks import FITS

ROWS = 160
# Of categories without order the true values say which there are: see tests/workflows/test_nominal_fits.py.
PLAIN = {name: family for name, family in FAMILIES.items() if not family.template}
each_family = pytest.mark.parametrize("family", PLAIN.values(), ids=list(PLAIN))


def fit_of(family, seed=3):
    """Return a fit at the parameters that made its data."""
    generator = np.random.default_rng(20262)
    data = pd.DataFrame({"x": generator.normal(size=ROWS), "n": 9, "g": [f"{i % 16:02}" for i in range(ROWS)]})
    left = "y | trials(n)" if family.has_trials else "y"
    spec = bm.from_formula(f"{left} ~ x + (1 | g)", family=family.name)
    truth = {"beta[Intercept]": 0.3, "beta[x]": 0.4, "sd_g[Intercept]": 0.4}
    truth |= {
        p.name: p.lower + 0.4 * (p.upper - p.lower) if np.isfinite(p.upper) else max(p.lower, -5.0) + 4.0
        for p in family.parameters[1:]
        if not p.cut
    }
    if family.cuts:
        del truth["beta[Intercept]"]
        truth |= {"threshold[1|2]": -0.7, "threshold[2|3]": 0.5, "threshold[3|4]": 1.6}
    made = bm.simulate(spec, data=data, truth=truth, seed=seed)
    values = {name: made.truth[name].values for name in made.truth.data_vars}
    return fit_at(bm.prepare(spec, made.data), values)


@each_family
def test_replicates_lie_in_the_support(family):
    fit = fit_of(family)
    for groups in ("existing", "new"):
        made = bm.posterior_predictive(fit, groups=groups, seed=1)["y"].values
        assert np.all(family.accepts(made, fit.design.trials))


@each_family
@pytest.mark.parametrize("groups", ["existing", "new"])
def test_checks_have_numbers_text_and_html(family, groups):
    checks = bm.posterior_checks(fit_of(family), groups=groups, seed=1)
    assert np.all(np.isfinite(checks.table[["observed", "median", "lower", "upper", "p"]]))
    assert "Posterior predictive checks" in str(checks)
    assert "<table" in checks._repr_html_()


@each_family
def test_checks_of_the_true_model_mostly_fit(family):
    tables = [bm.posterior_checks(fit_of(family, seed), seed=1).table for seed in range(100, 106)]
    # 5 % are expected; the statistics of one data set depend on each other.
    assert np.mean(pd.concat(tables)["verdict"] != FITS) <= 0.2


@each_family
def test_every_family_has_its_pictures(family):
    fit = fit_of(family)
    for kind in ("rootogram" if family.discrete else "density", "pit", None):
        assert bm.plot_posterior_checks(fit, kind, draws=40).axes


@each_family
def test_every_family_has_its_prior_predictive(family):
    design = fit_of(family).design
    prior = bm.prior_predictive(design, draws=200)
    assert prior.replicates.shape == (200, ROWS)
    assert np.all(np.isfinite(prior.table[["median", "lower", "upper", "data"]]))
    assert f"{design.spec.response} as the priors expect it" in str(prior)
