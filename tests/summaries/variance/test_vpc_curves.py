"""The share of the variance between groups over a covariate."""

import numpy as np
import pytest
from conftest import CHECKS
from crossed_fits import crossed_fit
from fixed_draws import fit_at
from variance_fits import sloped_fit

import bayesmixed as bm

pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")


@pytest.mark.parametrize("shift", [0.0, 2000.0])
def test_the_curve_of_slopes_does_not_depend_on_the_origin(shift):
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


def test_the_curve_is_over_the_column_of_the_slope_not_one_whose_name_is_part_of_its_name():
    table = {"y": np.arange(12.0) % 5, "a": np.arange(12) % 2, "year": np.arange(12.0) % 3, "g": np.arange(12) // 3}
    fit = fit_at(
        bm.prepare("y ~ a + year + (year | g)", table), {"sd_g": [1.0, 0.5], "corr_g": np.eye(2), "sigma": 1.0}
    )
    curve = bm.vpc_curve(fit)
    assert set(curve["effect"]) == {"year"}
    between = 1.0 + 0.25 * curve["value"] ** 2
    np.testing.assert_allclose(curve["mean"], between / (between + 1.0))


@pytest.mark.parametrize(
    ("options", "message"), [({}, "no group term has a slope"), ({"column": "z"}, "'z' is not a numeric column")]
)
def test_a_curve_without_its_column_is_refused(options, message):
    with pytest.raises(bm.SpecError, match=f"(?i){message}"):
        bm.vpc_curve(crossed_fit("gaussian"), **options)
