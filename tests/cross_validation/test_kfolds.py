"""K-fold cross-validation, against weights."""

import warnings

import numpy as np
import pytest
from scipy import stats

import bayesmixed as bm


@pytest.mark.parametrize("k", [0, 1])
def test_one_fold_is_refused(k):
    with pytest.raises(bm.SpecError, match=r"at least [12]"):
        bm.kfold(bm.load_fit("herd_period"), by="herd", k=k)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "unit"), [("sleepstudy", "Subject"), ("penicillin", "dish"), ("pastes", "batch"), ("herd_period", "herd")]
)
def test_weights_say_what_sampling_without_each_group_says(fitted, name, unit):
    fit = fitted(name)
    few = bm.refit(fit, chains=2, draws=500)
    with warnings.catch_warnings():  # the densities of a few outlying groups vary much between draws
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        weighted = bm.loo(fit, unit=unit, refits=True)
        folds = bm.kfold(few, by=unit, k=99)
    assert weighted.elpd == pytest.approx(folds.elpd, abs=1.0)
    trusted = (weighted.pareto_k < 0.5).values
    # The Monte Carlo error of a density grows with its distance: half a percent of it.
    np.testing.assert_allclose(weighted.elpd_i[trusted], folds.elpd_i[trusted], atol=0.2, rtol=0.005)


def test_folds_of_a_known_mean_have_the_density_of_its_normal_posterior():
    data = {"y": np.random.default_rng(1).normal(3.0, 1.0, 12)}
    spec = bm.from_formula("y ~ 1", priors={"beta[Intercept]": "Normal(0, 2)", "sigma": 1.0})
    fit = bm.fit(spec, data, chains=2, draws=1000, seed=1, progress=False)
    found = bm.kfold(fit, by="observation", k=12)
    y = data["y"]
    expected = []
    for left in range(12):
        others = np.delete(y, left)
        precision = 0.25 + len(others)
        expected.append(stats.norm(others.sum() / precision, np.sqrt(1 + 1 / precision)).logpdf(y[left]))
    np.testing.assert_allclose(found.elpd_i, expected, atol=0.02)
    assert found.n_folds == 12
