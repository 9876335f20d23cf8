"""Prior sets, what changes between them, and its picture."""

import pytest
from conftest import CHECKS
from nine_rows import ROWS, SPEC, normal_posterior

import bayesmixed as bm

SLEEP = "Reaction ~ Days + (Days | Subject)"
pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")


def largest_effect(fit):
    return fit.posterior["b_group"].max("group").isel(group_effect=0, drop=True)


@pytest.fixture(scope="module")
def comparison():
    """Two priors of the mean, the SDs being known: the posteriors are normal and have closed forms."""
    sets = {"check": {"beta[Intercept]": "Normal(2, 1.5)"}, "tight": {"beta[Intercept]": "Normal(0, 0.5)"}}
    asked = {"ten times": "10 * beta[Intercept]", "range": largest_effect}
    settings = {"chains": 2, "draws": 1000, "seed": 3, "progress": False, "engine": "kernel"}
    return bm.compare_priors(SPEC, ROWS, sets, quantities=asked, **settings)


def row_of(comparison, name, **chosen):
    table = comparison.table[comparison.table["set"] == name]
    for column, wanted in chosen.items():
        table = table[table[column] == wanted]
    assert len(table) == 1
    return table.iloc[0]


def test_each_set_has_its_own_posterior(comparison):
    expected = CHECKS["G2"]["expected"]
    assert normal_posterior(2, 1.5)[:2] == pytest.approx((expected["beta_mean"], expected["beta_sd"]))
    for name, prior in (("check", (2, 1.5)), ("tight", (0, 0.5))):
        mean, sd, _ = normal_posterior(*prior)
        row = row_of(comparison, name, quantity="population effect")
        assert row["mean"] == pytest.approx(mean, abs=5 * row["mcse"])
        assert row["sd"] == pytest.approx(sd, rel=0.1)


def test_shifts_are_in_posterior_sds_of_the_first_set(comparison):
    first, second = (row_of(comparison, name, quantity="population effect") for name in ("check", "tight"))
    assert (first["shift"], first["spread"]) == (0.0, 1.0)
    (mean, sd, _), (other, other_sd, _) = normal_posterior(2, 1.5), normal_posterior(0, 0.5)
    assert second["shift"] == pytest.approx((other - mean) / sd, rel=0.15)
    assert second["spread"] == pytest.approx(other_sd / sd, rel=0.15)


def test_what_was_asked_for_is_reported(comparison):
    row = row_of(comparison, "check", term="ten times")
    assert row["mean"] == pytest.approx(10 * row_of(comparison, "check", quantity="population effect")["mean"])
    largest = row_of(comparison, "check", quantity="group effect", level="b")["mean"]
    assert row_of(comparison, "check", term="range")["mean"] >= largest


def test_the_page_says_which_priors_differ_and_what_moves_most(comparison):
    text = str(comparison)
    assert "tight against check: answers move; most: " in text
    assert "The same in all sets: sd_group[Intercept], sigma." in text
    assert "check  sampled" in text
    assert "nan" not in text
    assert list(comparison.wide()["quantity"][:2]) == ["asked", "asked"]
    assert {"group effect", "rank"} == set(comparison.wide(of_each_group=True)["quantity"])
    assert comparison._repr_html_().count("<table") == 4


def test_a_sweep_is_a_comparison_named_by_its_priors(monkeypatch):
    asked = {}
    monkeypatch.setattr(
        "bayesmixed.summaries.priors.comparison.compare_priors", lambda *args, **kw: asked.update(args[2])
    )
    bm.sweep_priors("y ~ 1 + (1 | group)", ROWS, "sd_group", ["HalfNormal(1)", 2.5])
    assert asked == {"HalfNormal(1)": {"sd_group": "HalfNormal(1)"}, "2.5": {"sd_group": 2.5}}
