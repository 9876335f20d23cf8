"""The quantities that people care about, as rows of one table."""

import numpy as np
import pytest
from conftest import CHECKS
from crossed_fits import crossed_fit, known
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.summaries.parameters.reported_quantities import find_without_mean, report_quantities

pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")


def test_ranks_count_from_the_largest():
    design = bm.prepare("y ~ 1 + (1 | group)", {name: CHECKS["G1"]["inputs"][name] for name in ("y", "group")})
    fit = fit_at(design, {"beta": 3.0, "sd_group": 1.2, "sigma": 0.8, "b_group": [[0.1], [2.0], [-1.0]]})
    table = report_quantities(fit, {})
    assert table[table["quantity"] == "rank"]["mean"].tolist() == [2.0, 1.0, 3.0]


@pytest.mark.parametrize("name", known)
def test_every_family_reports_its_quantities(name):
    table = report_quantities(crossed_fit(name), {"intercept": "beta"})
    wanted = {"asked", "population effect", "sd", "ICC", "shrinkage factor", "group effect", "rank"}
    assert wanted <= set(table["quantity"])
    assert table["mean"].notna().all()


def test_what_was_asked_for_is_computed_draw_by_draw():
    fit = fit_at(bm.prepare("y ~ 1", {"y": np.arange(20.0)}), {"beta": 2.0, "sigma": 1.0}, jitter=0.1)
    asked = {"square": "beta[Intercept] ** 2", "own": lambda one: 3 * one.posterior["sigma"]}
    table = report_quantities(fit, asked).query("quantity == 'asked'").set_index("term")
    assert table.loc["square", "mean"] == pytest.approx(np.mean(fit.posterior["beta"].values ** 2))
    assert table.loc["own", "upper"] == pytest.approx(3 * np.quantile(fit.posterior["sigma"], 0.975))


def test_a_parameter_without_a_mean_is_reported_on_the_logarithm():
    fit = crossed_fit("negbin")
    assert find_without_mean(fit, {"size": "theta", "slope": "beta"}) == {"theta", "size"}
    rows = report_quantities(fit, {"size": "theta"}).set_index("term")
    assert rows.loc["log(theta)", "mean"] == pytest.approx(np.log(2.0))
    assert rows.loc["size", "median"] == pytest.approx(2.0)
    assert np.isnan(rows.loc["size", "mean"])
