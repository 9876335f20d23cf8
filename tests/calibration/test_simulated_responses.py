"""Responses simulated from a posterior: rows, groups and effects, and the identity on which their ranks rest."""

import warnings
from functools import partial

import numpy as np
import pytest
from exact_one_way import KNOWN, _draw, exact_fit, simulate_one_way
from exact_samplers import PRIORS, VALUES, normal_fit, right, too_wide
from fixed_draws import fit_at
from right_models import right_model

import bayesmixed as bm
from bayesmixed.calibration.rank_tests import joint, location_p, spread_p
from bayesmixed.calibration.simulated_fits import LOG_LIKELIHOOD, Task, fit_simulated, tabulate_ranks
from bayesmixed.calibration.simulated_responses import draw_from_posterior, repeat_rows


@pytest.mark.parametrize("number", [1, 7, 14, 20, 49, 56, 114])
def test_rows_are_repeated_with_coding_priors_and_groups_and_each_new_row_has_its_own_effect(number):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        design = bm.prepare(*right_model(number))
    twice = repeat_rows(design)
    assert (twice.rows, twice.priors, twice.categories) == (2 * design.rows, design.priors, design.categories)
    for name, predictor in design.predictors.items():
        other = twice.predictors[name]
        assert np.allclose(other.population.matrix, np.vstack([predictor.population.matrix] * 2))
        assert np.allclose(other.offset, np.tile(predictor.offset, 2))
        for group, its in zip(predictor.groups, other.groups, strict=True):
            assert len(its.levels) == len(group.levels) * (1 + group.single)
            assert group.single or its.levels == group.levels
    assert np.allclose(twice.trials, np.tile(np.broadcast_to(design.trials, design.rows), 2))


def test_a_label_of_a_single_row_keeps_its_effect_and_obs_has_a_new_one():
    data = {"y": [0, 900, 5], "id": list("abc")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        known = bm.prepare(bm.from_formula("y ~ 1 + (1 | id)", family="poisson"), data)
        drawn = bm.prepare(bm.from_formula("y ~ 1 + obs()", family="poisson"), data)
    effects = np.array([[-9.0], [6.0], [0.0]])
    made = draw_from_posterior(fit_at(known, {"beta": 1.0, "sd_id": 5.0, "b_id": effects}), 1)
    assert made.response[:3].tolist() == [0, 900, 5]
    assert made.response[3] == 0
    assert abs(made.response[4] - np.exp(7)) < 200
    values = {"mu": np.exp(1.0 + np.tile(effects[:, 0], 2))}
    assert made.log_likelihood == pytest.approx(known.family.logp(made.response, values, 1.0).sum())
    made = draw_from_posterior(fit_at(drawn, {"beta": 3.0, "sd_obs": 0.001, "b_obs": effects}), 1)
    assert np.all(np.abs(made.response[3:] - np.exp(3)) < 25)


def test_precision_weights_count_in_both_halves():
    design = bm.prepare('y | weights(w, "precision") ~ 1', {"y": [1.0, 2.0, 4.0], "w": [1e10, 1e10, 1e-10]})
    made = draw_from_posterior(fit_at(design, {"beta": 3.0, "sigma": 1.0}), 2)
    assert np.allclose(made.response[3:5], 3.0, atol=1e-3)
    assert abs(made.response[5] - 3.0) > 100
    assert repeat_rows(design).weights.tolist() == [1e10, 1e10, 1e-10] * 2


@pytest.mark.parametrize("kind", ["frequency", "likelihood"])
def test_other_weights_are_refused(kind):
    design = bm.prepare(f'y | weights(w, "{kind}") ~ 1', {"y": [1.0, 2.0, 4.0], "w": [1, 2, 3]})
    with pytest.raises(bm.SpecError, match=f"{kind} weights"):
        repeat_rows(design)


def pits(fit, sampler, count=30):
    task = Task(repeat_rows(fit.design), sampler, {}, 5, fit)
    table = tabulate_ranks(fit_simulated(task, number) for number in range(count))
    return {name: own["pit"].to_numpy() for name, own in table.groupby("quantity", sort=False)}


def test_draws_of_exact_posteriors_have_uniform_ranks_and_wrong_ones_do_not():
    fit = normal_fit(bm.prepare(bm.from_formula("y ~ 1", priors=PRIORS), VALUES))
    found = pits(fit, right)
    assert list(found) == ["beta[Intercept]", LOG_LIKELIHOOD]
    assert joint(np.array([test(pit) for pit in found.values() for test in (location_p, spread_p)])) > 0.01
    assert spread_p(pits(fit, too_wide)["beta[Intercept]"]) < 1e-3
    shifted = partial(normal_fit, prior_mean=-15.0)
    assert location_p(pits(fit, lambda design, **_: shifted(design))["beta[Intercept]"]) < 1e-3


@pytest.mark.calibration
@pytest.mark.parametrize("family", ["gaussian", "poisson", "bernoulli"])
def test_draws_of_exact_posteriors_with_groups_have_uniform_ranks(family):
    """The SD, the coefficient and the log-likelihood, to which the effects of groups belong."""

    def sampler(design, **_):
        values = _draw(design, np.random.default_rng(int(1e6 * abs(design.response.sum()))), 1000)
        return fit_at(design, {**KNOWN[family], **{n: v[:100].reshape(2, 50, *v.shape[1:]) for n, v in values.items()}})

    found = pits(exact_fit(family, simulate_one_way(family, 8, 5, 3), 1), sampler, count=300)
    p = {name: (location_p(pit), spread_p(pit)) for name, pit in found.items()}
    print(family, p)
    assert joint(np.array(list(p.values())).ravel()) > 0.01
