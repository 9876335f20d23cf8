"""The variance dossier and its parts: curves, typical ratios, negligible SDs, effective numbers of groups."""

import numpy as np
import pytest
from conftest import classic, read_reference
from crossed_fits import crossed_fit, known
from fixed_draws import fit_at
from scipy import special

import bayesmixed as bm

CHECKS = {check["id"]: check for check in read_reference("sharp_checks")["checks"]}
pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")


def sloped_fit(shift=0.0):
    """Return the six groups of ten rows of check S1, with x moved and the same lines."""
    given = CHECKS["S1"]["inputs"]
    x = np.tile(np.arange(10.0), 6) + shift
    data = {"y": x + np.repeat(np.arange(6.0), 10) ** 2, "x": x, "g": np.repeat(list("abcdef"), 10)}
    first, second, rho = *given["sd"], given["corr"]
    back = np.array([[1.0, -shift], [0.0, 1.0]])
    covariance = back @ [[first**2, rho * first * second], [rho * first * second, second**2]] @ back.T
    sd = np.sqrt(np.diag(covariance))
    values = {"sd_g": sd, "corr_g": covariance / np.outer(sd, sd), "sigma": given["sigma"]}
    return fit_at(bm.prepare("y ~ x + (x | g)", data), values)


@pytest.mark.parametrize("shift", [0.0, 2000.0])
def test_the_curve_of_slopes_does_not_depend_on_the_origin_s1(shift):
    expected = CHECKS["S1"]["expected"]
    rows = {"x": np.array([0.0, 5.0, 9.0]) + shift, "g": ["a", "a", "a"]}
    for scale in ("latent", "data"):
        table = bm.vpc_curve(sloped_fit(shift), data=rows, scale=scale)
        found = table["mean"].tolist()
        assert found == pytest.approx([expected[f"vpc_x{x}"] for x in (0, 5, 9)], abs=1e-7)
    assert (table["value"] - shift).tolist() == [0.0, 5.0, 9.0]


def test_the_curve_covers_the_range_of_the_column():
    table = bm.vpc_curve(sloped_fit())
    assert (table["value"].min(), table["value"].max(), len(table)) == (0.0, 9.0, 25)


def test_the_curve_on_the_data_scale_follows_the_mean_even_without_slopes():
    fit = crossed_fit("poisson", formula="~ x + (1 | g)", values={"beta": [0.4, 0.5]})
    table = bm.vpc_curve(fit, "x", scale="data")
    m = np.exp(0.4 + 0.5 * table["value"] + 0.49 / 2)
    np.testing.assert_allclose(table["mean"], m * np.expm1(0.49) / (1 + m * np.expm1(0.49)), rtol=1e-8)


@pytest.mark.parametrize(
    ("options", "message"), [({}, "no group term has a slope"), ({"column": "z"}, "'z' is no column")]
)
def test_a_curve_without_its_column_is_refused(options, message):
    with pytest.raises(bm.SpecError, match=f"(?i){message}"):
        bm.vpc_curve(crossed_fit("gaussian"), **options)


def test_the_median_odds_ratio_is_that_of_pairs_of_groups():
    fit = crossed_fit("bernoulli", formula="~ 1 + (1 | g)", values={"sd_g": 1.2})
    row = bm.typical_ratios(fit).iloc[0]
    assert row["effect"] == "median odds ratio"
    assert row["median"] == pytest.approx(np.exp(np.sqrt(2 * 1.44) * special.ndtri(0.75)), rel=1e-5)
    pairs = np.random.default_rng(1).normal(0, 1.2, (2, 200_000))
    assert row["median"] == pytest.approx(np.median(np.exp(np.abs(pairs[0] - pairs[1]))), rel=0.01)


def test_the_effective_number_of_groups_g1_s1():
    given = CHECKS["G1"]["inputs"]
    design = bm.prepare("y ~ 1 + (1 | group)", {"y": given["y"], "group": given["group"]})
    fit = fit_at(design, {"beta": 3.0, "sd_group": 1.2, "sigma": 0.8})
    assert bm.effective_groups(fit)["mean"].iloc[0] == pytest.approx(CHECKS["G1"]["expected"]["sum_lambda"], abs=1e-7)
    assert bm.effective_groups(sloped_fit())["mean"].iloc[0] == pytest.approx(
        6 * CHECKS["S1"]["expected"]["trace_Lambda"], abs=1e-7
    )


def test_the_effective_number_of_a_bernoulli_model_is_the_sum_of_its_exact_factors():
    fit = crossed_fit("bernoulli", formula="~ 1 + (1 | g)")
    expected = bm.shrinkage(fit)["factor"].sum()
    assert bm.effective_groups(fit)["mean"].iloc[0] == pytest.approx(expected, rel=1e-9)


def test_a_fixed_sd_has_no_prior_probability():
    spec = bm.from_formula("Yield ~ 1 + (1 | Batch)", priors={"sd_Batch": 40.0})
    table = bm.negligible_sds(fit_at(bm.prepare(spec, classic("lme4", "Dyestuff")), {"sd_Batch": 40.0, "sigma": 50.0}))
    assert np.isnan(table["prior"].iloc[0])
    assert table["posterior"].iloc[0] == 0


@pytest.mark.parametrize("name", known)
def test_every_family_has_a_dossier(name):
    dossier = bm.variance_dossier(
        crossed_fit(name, formula="~ x + (x | g) + (1 | h)", values={"beta": 0.2, "corr_g": np.eye(2)})
    )
    assert {"icc", "vpc", "ratios", "negligible", "effective", "r2"} <= {*dossier.tables} | {
        "vpc" if "Share of the variance" in note else "" for note in dossier.notes
    }
    assert "Intraclass correlation" in str(dossier)
    assert dossier._repr_html_().count("<table") == len(dossier.tables)


def test_a_dossier_without_groups_is_refused():
    with pytest.raises(bm.SpecError, match=r"add a term such as \(1 \| group\)"):
        bm.variance_dossier(crossed_fit("gaussian", formula="~ x"))


def test_the_picture_has_a_curve_for_each_factor():
    fit = crossed_fit("gaussian", formula="~ x + (x | g) + (1 | h)", values={"beta": 0.2, "corr_g": np.eye(2)})
    axes = bm.plot_vpc_curve(fit).axes[0]
    assert [line.get_label() for line in axes.lines] == ["g, 95 %", "h, 95 %"]
    assert axes.get_xlabel() == "x"
