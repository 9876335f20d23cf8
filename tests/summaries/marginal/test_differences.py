"""Contrasts, against closed forms."""

import numpy as np
import pandas as pd
import pytest
from conftest import classic
from fixed_draws import fit_at
from scipy import special, stats

import bayesmixed as bm
from bayesmixed.display.tables import middle_of

CBPP = classic("lme4", "cbpp")
BETA = np.array([-1.4, -1.0, -1.1, -1.6])


@pytest.fixture(scope="module")
def herds():
    spec = bm.from_formula("incidence | trials(size) ~ period + (1 | herd)", family="binomial", factors=["period"])
    return fit_at(bm.prepare(spec, CBPP), {"beta": BETA, "sd_herd": 0.8})


@pytest.fixture(scope="module")
def jittered():
    """Return a Gaussian 2 x 2 layout whose coefficients have standard normal draws around 1, 2, 3, 4."""
    data = {"y": np.arange(16.0), "A": np.repeat(["a1", "a2"], 8), "B": np.tile(["b1", "b2"], 8)}
    return fit_at(bm.prepare("y ~ A * B", data), {"beta": [1.0, 2.0, 3.0, 4.0], "sigma": 9.0}, jitter=1.0)


def means(estimates: bm.Estimates) -> dict[str, float]:
    return dict(zip(estimates.table["contrast"], estimates.table[middle_of(estimates.table)], strict=True))


def test_pairs_on_the_link_scale_are_the_coefficients_and_their_differences(herds):
    found = means(bm.contrasts(herds, "period", kind="linear"))
    assert found == pytest.approx(
        {"2 - 1": -1.0, "3 - 1": -1.1, "4 - 1": -1.6, "3 - 2": -0.1, "4 - 2": -0.6, "4 - 3": -0.5}
    )


def test_ratios_on_the_link_scale_are_odds_ratios(herds):
    found = bm.contrasts(herds, "period", kind="linear", method="reference", ratio=True)
    assert means(found) == pytest.approx({f"{k} / 1": np.exp(b) for k, b in zip("234", BETA[1:], strict=True)})
    assert found.quantity.startswith("odds ratio, exp(difference), of")


@pytest.mark.parametrize(("ratio", "combine"), [(False, np.subtract), (True, np.divide)])
def test_on_the_response_scale_averaged_probabilities_are_compared(herds, ratio, combine):
    points, weights = np.polynomial.hermite_e.hermegauss(60)
    first, second = (special.expit(eta + 0.8 * points) @ weights / weights.sum() for eta in (-1.4, -2.4))
    found = means(bm.contrasts(herds, "period", ratio=ratio))
    assert found["2 / 1" if ratio else "2 - 1"] == pytest.approx(combine(second, first), rel=1e-9)


def test_the_reference_can_be_chosen(herds):
    found = means(bm.contrasts(herds, "period", kind="linear", method="reference", reference=4))
    assert found == pytest.approx({"1 - 4": 1.6, "2 - 4": 0.6, "3 - 4": 0.5})


def test_the_interaction_of_two_factors_is_the_coefficient_of_their_product(jittered):
    found = bm.contrasts(jittered, "A:B", method="interaction")
    beta = jittered.posterior["beta"].values
    np.testing.assert_allclose(found.draws.values[..., 0], beta[..., 3])
    assert list(found.table["contrast"]) == ["(a2 - a1) : (b2 - b1)"]


def test_contrasts_within_levels_are_simple_effects(jittered):
    found = bm.contrasts(jittered, "A", by="B")
    beta = jittered.posterior["beta"].values
    np.testing.assert_allclose(found.draws.values, np.stack([beta[..., 1], beta[..., 1] + beta[..., 3]], axis=-1))
    assert found.table[["B", "contrast"]].values.tolist() == [["b1", "a2 - a1"], ["b2", "a2 - a1"]]


def test_averaged_contrasts_take_the_levels_of_the_other_factor_with_equal_weights(jittered):
    found = bm.contrasts(jittered, "A")
    beta = jittered.posterior["beta"].values
    np.testing.assert_allclose(found.draws.values[..., 0], beta[..., 1] + 0.5 * beta[..., 3])


def test_own_weights_are_applied_as_given(herds):
    found = bm.contrasts(herds, "period", kind="linear", method={"late - early": [-0.5, -0.5, 0.5, 0.5]})
    assert means(found) == pytest.approx({"late - early": (-1.1 - 1.6 + 1.0) / 2})


def test_a_straight_line_over_numeric_levels_has_a_linear_trend_only():
    data = pd.DataFrame({"y": np.arange(12.0), "dose": [1, 2, 4, 8] * 3})
    design = bm.prepare(bm.from_formula("y ~ dose", factors=["dose"]), data)
    fit = fit_at(design, {"beta": [1.0, 1.0, 3.0, 7.0], "sigma": 1.0})
    found = means(bm.contrasts(fit, "dose", method="polynomial"))
    assert found["quadratic"] == pytest.approx(0.0, abs=1e-9)
    assert found["linear"] == pytest.approx(np.linalg.norm(np.array([1, 2, 4, 8]) - 3.75))


def test_the_direction_and_the_rope_have_the_probabilities_of_the_draws():
    data = {"y": np.arange(16.0), "A": np.repeat(["a1", "a2"], 8)}
    fit = fit_at(bm.prepare("y ~ A", data), {"beta": [0.0, -0.8], "sigma": 9.0}, jitter=1.0)
    row = bm.contrasts(fit, "A", rope=(-0.5, 0.5)).table.iloc[0]
    normal = stats.norm(-0.8, 1.0)
    # 100 draws: three standard errors of a share are below .15.
    assert row["pd"] == pytest.approx(normal.cdf(0), abs=0.15)
    assert row["in_rope"] == pytest.approx(normal.cdf(0.5) - normal.cdf(-0.5), abs=0.15)
    draws = bm.contrasts(fit, "A").draws.values
    assert row["pd"] == np.mean(draws < 0)


def test_the_printed_probability_is_never_certain(herds):
    assert "> 0.999" in str(bm.contrasts(herds, "period", kind="linear"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "pairs"}, "Did you mean 'pairwise'"),
        ({"method": "interaction"}, "needs two columns"),
        ({"method": "reference", "reference": "9"}, "reference='9' is not a level"),
        ({"method": {"x": [1, -1]}}, "has 2 weights; there are 4 means"),
        ({"method": {"mean": [0.25] * 4}, "ratio": True}, "weights that add up to 0"),
        ({"rope": (0.1, -0.1)}, "is empty"),
        ({"by": "period"}, "'period' is what is compared"),
        ({"kind": "probability"}, "categories of an ordered response"),
        ({"kind": "geometric_mean"}, "for models of a logarithm"),
    ],
)
def test_impossible_contrasts_are_refused(herds, options, message):
    with pytest.raises(bm.SpecError, match=message):
        bm.contrasts(herds, "period", **options)


def test_a_ratio_has_no_meaning_on_the_identity_link(jittered):
    with pytest.raises(bm.SpecError, match="no meaning under link 'identity'"):
        bm.contrasts(jittered, "A", kind="linear", ratio=True)
