"""Sharp checks of the compiled density: constants of merged rows, the quick mode, the law of (non-)centred effects."""

import numpy as np
import pandas as pd
import pytest
from conftest import classic, read_reference
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.estimation.quasi_likelihood import quasi_likelihood_mode
from bayesmixed.kernels.joint.compiled import evaluate
from bayesmixed.kernels.joint.decoding import decode
from bayesmixed.kernels.joint.layouts import lay_out_coordinates
from bayesmixed.kernels.joint.packed_designs import pack

CHECKS = {check["id"]: check for check in read_reference("sharp_checks")["checks"]}


def herds():
    return classic("lme4", "cbpp").astype({"herd": str})


def single_animals():
    """Return the 842 animals of the herds, a row each."""
    rows = herds()
    sick = np.concatenate([np.arange(n) < y for n, y in zip(rows["size"], rows["incidence"], strict=True)])
    return pd.DataFrame({"herd": np.repeat(rows["herd"].to_numpy(), rows["size"]), "sick": sick.astype(int)})


def test_merged_trials_keep_the_constants_of_their_rows_k1():
    expected = CHECKS["K1"]["expected"]
    whole = bm.prepare(bm.from_formula("incidence | trials(size) ~ 1 + (1 | herd)", family="binomial"), herds())
    single = bm.prepare(bm.from_formula("sick ~ 1 + (1 | herd)", family="bernoulli"), single_animals())
    x = 0.3 * np.random.default_rng(1).normal(size=lay_out_coordinates(whole, {}).dimension)
    values = [evaluate(pack(lay_out_coordinates(design, {})), x)[0] for design in (whole, single)]
    assert values[0] - values[1] == pytest.approx(expected["difference_is_sum_log_choose"], abs=1e-6)
    for design, key in ((whole, "loglik_binomial_rows"), (single, "loglik_bernoulli_rows")):
        point = CHECKS["K1"]["inputs"]["point"]
        fit = fit_at(design, {"beta": point["b0"], "sd_herd": point["sd"]})
        by_herd = bm.log_likelihood(fit, integrate="herd")
        total = float(by_herd.isel(chain=0, draw=0).sum())
        assert total == pytest.approx(expected[key], abs=1e-4)


def test_the_quick_mode_is_that_of_a_marginal_density_j1():
    priors = {"beta[Intercept]": "Normal(0, 2.5)", "sd_herd": "HalfStudentT(4, 1)"}
    spec = bm.from_formula("incidence | trials(size) ~ 1 + (1 | herd)", family="binomial", priors=priors)
    mode = quasi_likelihood_mode(bm.prepare(spec, herds()))
    assert mode.sds["herd"][0] == pytest.approx(
        CHECKS["J1"]["expected"]["sd_at_laplace_marginal_mode_no_prior"], rel=0.15
    )


@pytest.mark.parametrize("weight", [0, 1])
def test_effects_have_the_law_of_the_model_whatever_the_coordinates_e1(weight):
    """With v ~ N(w m, sd^w) the group coefficient m + sd^(1 - w) (v - w m) has mean m and standard deviation sd."""
    given = CHECKS["E1"]["inputs"]
    data = {"y": np.arange(20.0), "g": np.repeat(list("abcde"), 4)}
    design = bm.prepare("y ~ 1 + (1 | g)", data)
    layout = lay_out_coordinates(design, {"b_g": np.full(5, bool(weight))})
    predictor = layout.predictors["mu"]
    rng = np.random.default_rng(2)
    points = np.zeros((100_000, layout.dimension))
    points[:, predictor.beta.places] = given["m"]
    points[:, predictor.terms[0].sd.places] = np.log(given["sd"])
    v = rng.normal(weight * given["m"], given["sd"] ** weight, size=(len(points), 5))
    points[:, predictor.terms[0].effects] = v
    effects = decode(layout, points)["b_g"][1][..., 0]
    np.testing.assert_allclose(effects, given["sd"] ** (1 - weight) * (v - weight * given["m"]), atol=1e-12)
    assert np.mean(effects) == pytest.approx(0.0, abs=0.005)
    assert np.std(effects) == pytest.approx(given["sd"], abs=0.005)
