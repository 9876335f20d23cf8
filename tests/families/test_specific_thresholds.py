"""Effects that differ between thresholds: each threshold of a step-by-step family is an event of its own."""

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at
from pymc_agreement import check_log_likelihood, made_up_fit, rows_for
from scipy import special

import bayesmixed as bm
from bayesmixed.draws.prior_densities import log_prior_densities
from bayesmixed.engines.pymc import starting_points
from bayesmixed.equations import write_equations
from bayesmixed.errors import DataError, SpecError
from bayesmixed.estimation.quasi_likelihood import quasi_likelihood_mode
from bayesmixed.spec.files import spec_from_toml, spec_to_toml


def table(rows=150):
    k = np.arange(rows)
    latent = 0.9 * np.sin(k) + (1.0 + 0.8 * (k % 3 == 1)) * special.logit((k * 0.61803398875) % 1.0 * 0.998 + 0.001)
    y = np.digitize(latent, [-1.2, 0.1, 1.4]) + 1
    return pd.DataFrame({"y": y, "x": np.sin(k).round(3), "f": np.array(list("uvw"))[k % 3], "h": k % 10})


SPEC = bm.from_formula("y ~ f", family="sratio", threshold="~ x")
VALUES = {"beta": [0.4, -0.2], "threshold": [-1.0, -0.6, -0.2]} | {
    f"beta_threshold_{pair}": [slope] for pair, slope in (("1_2", 0.7), ("2_3", 0.1), ("3_4", -0.5))
}


@pytest.mark.parametrize("family", ["sratio", "cratio"])
def test_maximum_likelihood_is_that_of_stacked_events(family):
    # s <- do.call(rbind, lapply(1:3, function(k) transform(d[d$y >= k,], k = factor(k), stop = d$y[d$y >= k] == k)))
    # glm(stop ~ 0 + k + k:x + I(-(f == "v")) + I(-(f == "w")), binomial, s)
    expected = [0.16102958446, -0.09599841155, -0.64394933232, -0.60531351202, -0.25585380023]
    expected += [-0.96761919230, -0.64764019341, -0.15300380076]
    found = bm.approximate("y ~ f", table(), family=family, threshold="~ x")
    assert found.log_likelihood == pytest.approx(-201.46667638, abs=1e-6)
    np.testing.assert_allclose([found.estimates[name] for name in found.estimates], expected, atol=2e-5)


def test_adjacent_categories_with_effects_on_all_thresholds_are_a_multinomial_model():
    # nnet::multinom(factor(y) ~ x, d, reltol = 1e-14, maxit = 1000)
    found = bm.approximate("y ~ 1", table(), family="acat", threshold="~ x")
    assert found.log_likelihood == pytest.approx(-201.871114793, abs=1e-6)
    slopes = [found.estimates[f"beta_threshold_{pair}[x]"] for pair in ("1_2", "2_3", "3_4")]
    np.testing.assert_allclose(-np.cumsum(slopes), [0.2588308830, 0.7123165350, 0.9643064568], atol=2e-5)


def test_each_row_has_its_thresholds():
    fit = fit_at(bm.prepare(SPEC, table()), VALUES)
    rows = pd.DataFrame({"x": [0.5, -1.0], "f": ["v", "u"]})
    shares = bm.predict(fit, rows, kind="probability")["probability"].values[0, 0]
    cuts = np.array([-1.0, -0.6, -0.2]) + np.array([[0.5], [-1.0]]) * [0.7, 0.1, -0.5]
    stop = special.expit(cuts - np.array([[0.4], [0.0]]))
    left = np.cumprod(1.0 - stop, axis=1)
    np.testing.assert_allclose(shares[:, :3], stop * np.column_stack([np.ones(2), left[:, :2]]))


def test_pymc_has_the_density_of_the_record():
    data = rows_for(bm.FAMILIES["sratio"])
    fit = made_up_fit("y ~ z + (1 | g)", "sratio", data=data, threshold="~ x + (1 | h)", disc="~ f")
    check_log_likelihood(fit)


def test_the_prior_of_thresholds_is_that_at_the_means_of_all_columns():
    moved = table().assign(x=lambda d: d["x"] + 1000.0)
    shifted = {**VALUES, "threshold": np.array([-1.0, -0.6, -0.2]) - 1000.0 * np.array([0.7, 0.1, -0.5])}
    fits = [fit_at(bm.prepare(SPEC, data), values) for data, values in ((table(), VALUES), (moved, shifted))]
    priors = [log_prior_densities(fit.design, fit.posterior) for fit in fits]
    for key, density in priors[0].items():
        np.testing.assert_allclose(density, priors[1][key], rtol=1e-9, err_msg=key)


def test_a_prior_of_all_thresholds_is_one_of_each():
    priors = {"beta_threshold[x]": "Normal(0, 9)", "beta_threshold_2_3[x]": "Normal(0, 1)", "beta": "Normal(0, 2)"}
    design = bm.prepare(SPEC.replace(priors=priors), table())
    scales = [design.priors[f"beta_threshold_{pair}[x]"].prior.arguments[1] for pair in ("1_2", "2_3", "3_4")]
    assert scales == [9.0, 1.0, 9.0]


def test_the_spec_is_written_read_shown_and_simulated():
    assert spec_from_toml(spec_to_toml(SPEC)) == SPEC
    assert "threshold_i = threshold + β1_threshold·x_i" in write_equations(SPEC)
    said = write_equations(bm.prepare(SPEC, table()))
    assert "threshold_2_3_i = threshold_2_3 + β1_threshold_2_3·x_i" in said
    truth = {f"threshold[{k}|{k + 1}]": 0.0 for k in (1, 2)}
    truth |= {"beta": 0.0, "beta_threshold_1_2[x]": 3.0, "beta_threshold_2_3[x]": 0.0}
    rows = pd.DataFrame({"x": np.tile([0.0, 1.0], 2000), "f": np.tile(["u", "u", "v", "v"], 1000)})
    made = bm.simulate(SPEC, truth=truth, data=rows, seed=1).data
    np.testing.assert_allclose((made["y"] == 1).groupby(made["x"]).mean(), special.expit([0.0, 3.0]), atol=0.03)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"family": "cumulative", "threshold": "~ x"},
            SpecError,
            "could cross. Families 'sratio', 'cratio', 'acat'",
        ),
        ({"threshold": "~ f"}, DataError, "'f\\[T.v\\].*'threshold' does too"),
        ({"threshold": "~ 1"}, SpecError, "no column"),
        ({"threshold": "~ 0 + x"}, SpecError, "removes the intercept"),
        ({"threshold": "~ x", "threshold_2_9": "~ x"}, SpecError, "no threshold of 'y' has that name.*threshold_2_3"),
        ({"family": "gaussian", "threshold": "~ x"}, SpecError, "no parameter 'threshold'"),
    ],
)
def test_what_it_cannot_be_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        bm.prepare(bm.from_formula("y ~ f", **{"family": "sratio", **options}), table())


def test_thresholds_of_the_same_name_are_refused():
    data = table().assign(y=lambda d: pd.Categorical.from_codes(d["y"] - 1, ["a", "b_c", "a_b", "c"], ordered=True))
    with pytest.raises(DataError, match="would have the name"):
        bm.prepare(SPEC, data)


@pytest.mark.parametrize("further", [{}, {"threshold": "~ x"}, {"disc": "~ x"}])
def test_the_engine_has_a_start(further):
    design = bm.prepare("y ~ f + (1 | h)", table(), family="sratio", **further)
    assert starting_points(design, quasi_likelihood_mode(design), bm.build(design))
