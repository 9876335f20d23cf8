"""Marginal means and conditional effects, against cell means and formulas written out by hand."""

import numpy as np
import pandas as pd
import pytest
from conftest import classic
from empty_cell_tables import prepared
from fixed_draws import fit_at
from scipy import special

import bayesmixed as bm
from bayesmixed.display.tables import middle_of

CBPP = classic("lme4", "cbpp")
CELLS = np.array([[3.0, 5.0, 4.0], [10.0, 7.0, 1.0]])


@pytest.fixture(scope="module")
def two_factors():
    """Return a balanced Gaussian layout whose cell means are CELLS in every draw."""
    a, b, group = (x.ravel() for x in np.meshgrid(["a1", "a2"], ["b1", "b2", "b3"], list("uvwxyz"), indexing="ij"))
    y = np.random.default_rng(0).normal(size=a.size)
    design = bm.prepare("y ~ A * B + (1 | g)", {"y": y, "A": a, "B": b, "g": group})
    matrix, first = (
        design.mu.population.matrix,
        [np.flatnonzero((a == i) & (b == j))[0] for i in ("a1", "a2") for j in ("b1", "b2", "b3")],
    )
    beta = np.linalg.solve(matrix[first], CELLS.ravel())
    return fit_at(design, {"beta": beta, "sd_g": 2.0, "sigma": 1.0})


@pytest.fixture(scope="module")
def herds():
    spec = bm.from_formula("incidence | trials(size) ~ period + (1 | herd)", family="binomial", factors=["period"])
    effects = np.linspace(-1, 1, 15)[:, None]
    return fit_at(bm.prepare(spec, CBPP), {"beta": [-1.4, -1.0, -1.1, -1.6], "sd_herd": 0.8, "b_herd": effects})


def test_cells_of_a_balanced_layout_are_its_cell_means(two_factors):
    found = bm.marginal_means(two_factors, "A:B")
    np.testing.assert_allclose(found.table["mean"], CELLS.ravel())
    assert list(found.table["B"]) == ["b1", "b2", "b3"] * 2


@pytest.mark.parametrize(("effect", "axis"), [("A", 1), ("B", 0)])
@pytest.mark.parametrize("groups", ["average", "typical", "existing"])
def test_main_effects_of_a_balanced_layout_are_averages_of_cell_means(two_factors, effect, axis, groups):
    found = bm.marginal_means(two_factors, effect, groups=groups)
    np.testing.assert_allclose(found.table["mean"], CELLS.mean(axis=axis))


def test_the_output_says_what_was_estimated_and_averaged_over(two_factors):
    text = str(bm.marginal_means(two_factors, "A"))
    assert "Estimand: expected y; g: the average over all groups." in text
    assert "Averaged over B (3 levels, equal weights)." in text


def test_on_the_response_scale_levels_are_averaged_after_the_inverse_link(herds):
    etas = -1.4 + np.array([0.0, -1.0, -1.1, -1.6])
    assert bm.marginal_means(herds, "period", groups="typical").table["mean"].tolist() == pytest.approx(
        special.expit(etas)
    )
    points, weights = np.polynomial.hermite_e.hermegauss(60)
    averages = special.expit(etas[:, None] + 0.8 * points) @ weights / weights.sum()
    assert bm.marginal_means(herds, "period").table["mean"].tolist() == pytest.approx(averages, rel=1e-9)
    assert bm.marginal_means(herds, "period", kind="linear").table["mean"].tolist() == pytest.approx(etas)


def test_existing_groups_are_averaged_over_or_shown_one_by_one(herds):
    etas = -1.4 + np.array([0.0, -1.0, -1.1, -1.6])
    effects = np.linspace(-1, 1, 15)
    over = bm.marginal_means(herds, "period", groups="existing").table["mean"]
    np.testing.assert_allclose(over, special.expit(etas[:, None] + effects).mean(axis=1))
    each = bm.marginal_means(herds, "herd", groups="existing").table
    np.testing.assert_allclose(each["mean"], special.expit(etas + effects[:, None]).mean(axis=1))
    assert list(each["herd"]) == [str(i) for i in range(1, 16)]


def test_a_grouping_column_needs_the_groups_of_the_data(herds):
    with pytest.raises(bm.SpecError, match="say groups='existing'"):
        bm.marginal_means(herds, "herd")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"effect": "perod"}, "Did you mean 'period'"),
        ({"effect": "period", "at": {"x": 1}}, "'x' is not a column of the model"),
        ({"effect": "period", "kind": "response"}, "cannot be averaged"),
        ({"effect": "period", "groups": "typcal"}, "Did you mean 'typical'"),
    ],
)
def test_impossible_requests_are_refused(herds, options, message):
    with pytest.raises(bm.SpecError, match=message):
        bm.marginal_means(herds, **options)


def test_a_large_grid_takes_fewer_draws_and_too_large_a_grid_is_refused(herds):
    found = bm.marginal_means(herds, "period:herd", groups="existing", at={"period": [1, 2] * 400})
    assert found.draws.sizes["row"] == 12_000
    assert found.draws.sizes["chain"] * found.draws.sizes["draw"] == 100
    with pytest.raises(bm.SpecError, match=r"240000 combinations.*Use groups='average'"):
        bm.marginal_means(herds, "period:herd", groups="existing", at={"period": [1, 2] * 8000})


def test_draws_carry_the_labels_of_the_table(two_factors):
    draws = bm.marginal_means(two_factors, "A:B").draws
    chosen = draws.isel(row=(draws["A"].values == "a2") & (draws["B"].values == "b1"))
    np.testing.assert_allclose(chosen, CELLS[1, 0])


def test_by_gives_the_cells_of_the_product_in_the_same_order(two_factors):
    for ask in (bm.marginal_means, bm.conditional_effects):
        product, by = ask(two_factors, "B:A" if ask is bm.marginal_means else "A:B"), ask(two_factors, "A", by=["B"])
        assert list(by.labels) == list(product.labels)
        np.testing.assert_allclose(by.draws.values, product.draws.values)
    assert "by A:B" in bm.marginal_means(two_factors, "B", by="A:B").title


def test_each_category_of_an_ordered_response_has_a_row():
    data = pd.DataFrame({"o": pd.Categorical(list("xyz") * 4, ordered=True), "A": np.repeat(["a1", "a2"], 6)})
    fit = fit_at(bm.prepare("o ~ A", data, family="cumulative"), {"beta": [1.0], "threshold": [-1.0, 0.5]})
    found = bm.marginal_means(fit, "A", kind="probability")
    below = [special.expit(np.array([-np.inf, -1.0, 0.5, np.inf]) - eta) for eta in (0.0, 1.0)]
    np.testing.assert_allclose(found.table["mean"], np.diff(below, axis=1).ravel())
    assert found.table[["A", "category"]].agg("".join, axis=1).tolist() == ["a1x", "a1y", "a1z", "a2x", "a2y", "a2z"]
    difference = bm.contrasts(fit, "A", kind="probability")
    np.testing.assert_allclose(difference.table["mean"], np.diff(below[1]) - np.diff(below[0]))
    numbers = bm.conditional_effects(fit, "A").table["mean"]
    np.testing.assert_allclose(numbers, found.table["mean"].to_numpy().reshape(2, 3) @ [1, 2, 3])


@pytest.mark.parametrize(("response", "family"), [("log(y)", "gaussian"), ("y", "lognormal"), ("log2(y)", "gaussian")])
def test_geometric_means_are_averages_of_logarithms_taken_back(response, family):
    data = {
        "y": np.exp(np.sin(np.arange(12.0))),
        "A": np.repeat(["a1", "a2"], 6),
        "B": list("uv") * 6,
        "g": list("abc") * 4,
    }
    beta = np.array([1.0, 0.5, -0.2]) / (np.log(2.0) if "log2" in response else 1.0)
    design = prepared(f"{response} ~ A + B + (1 | g)", data, family=family)
    fit = fit_at(design, {"beta": beta, "sd_g": 2.0, "sigma": 0.5})
    found = bm.marginal_means(fit, "A", kind="geometric_mean")
    np.testing.assert_allclose(found.table[middle_of(found.table)], np.exp([0.9, 1.4]))
    assert "geometric mean of y, the median where its logarithm is normal; g: the average" in found.quantity
    if family == "lognormal":
        expected = np.exp(np.array([1.0, 1.5]) + (4.0 + 0.25) / 2) * (1 + np.exp(-0.2)) / 2
        np.testing.assert_allclose(bm.marginal_means(fit, "A").table["median"], expected)


def test_geometric_means_are_refused_where_no_logarithm_is_modelled(two_factors, herds):
    for fit, effect in ((two_factors, "A"), (herds, "period")):
        with pytest.raises(bm.SpecError, match="for models of a logarithm"):
            bm.marginal_means(fit, effect, kind="geometric_mean")
