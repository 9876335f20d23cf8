"""Reference grids: which values are asked for, where other columns are held, what cells are averaged over."""

import numpy as np
import pytest
from conftest import classic
from fixed_draws import fit_at

import bayesmixed as bm

SLEEP = classic("lme4", "sleepstudy")


def test_numbers_are_held_at_their_means_unless_at_says_where():
    design = bm.prepare("Reaction ~ Days + (Days | Subject)", SLEEP)
    fit = fit_at(design, {"beta": [250.0, 10.0], "sd_Subject": [25.0, 6.0], "corr_Subject": np.eye(2), "sigma": 20.0})
    spread = SLEEP["Days"].std()
    np.testing.assert_allclose(bm.marginal_means(fit, "Days").table["mean"], 295 + 10 * np.array([-spread, 0, spread]))
    assert bm.marginal_means(fit, "Days", at={"Days": [0, 7]}).table["mean"].tolist() == pytest.approx([250, 320])
    curve = bm.conditional_effects(fit, "Days").table
    assert len(curve) == 60
    np.testing.assert_allclose(curve["mean"], 250 + 10 * curve["Days"])


def test_a_covariate_that_is_not_asked_for_stays_at_its_mean():
    data = {"y": np.arange(12.0), "x": np.arange(12.0) ** 2, "A": ["p", "q"] * 6}
    fit = fit_at(bm.prepare("y ~ A + x", data), {"beta": [1.0, 2.0, 0.5], "sigma": 1.0})
    found = bm.marginal_means(fit, "A")
    np.testing.assert_allclose(found.table["mean"], [1 + 0.5 * np.mean(data["x"]), 3 + 0.5 * np.mean(data["x"])])
    assert found.notes == ("At x = 42.17 (mean).",)
    held = bm.marginal_means(fit, "A", at={"x": 4})
    np.testing.assert_allclose(held.table["mean"], [3.0, 5.0])
    assert held.notes == ("At x = 4.",)


@pytest.mark.parametrize("term", ["toep(0 + t | g)", "hetar1(0 + t | g)", "ar1(0 + factor(t) | g)"])
def test_times_whose_effects_have_no_others_between_are_held_and_asked_at_those_of_the_data(term):
    times = np.tile([2000.0, 2001.0, 2003.0], 5)
    data = {"y": np.arange(15.0) % 4, "x": np.arange(15.0) % 7, "t": times, "g": np.arange(15) // 3}
    fit = fit_at(bm.prepare(f"y ~ x + t + {term}", data), {"beta": [1.0, 2.0, 0.5], "corr_g": np.eye(3), "sigma": 1.0})
    expected = 1.0 + 2.0 * np.mean(data["x"]) + 0.5 * np.unique(times)
    found = bm.marginal_means(fit, "x", at={"x": [np.mean(data["x"])]})
    assert found.notes[-1] == "At t = 2001 (value nearest to the mean)."
    np.testing.assert_allclose(found.table["mean"], expected[1])
    np.testing.assert_allclose(bm.marginal_means(fit, "t").table["mean"], expected)
    np.testing.assert_allclose(bm.conditional_effects(fit, "t").table["mean"], expected)
    assert "t, 2003 instead of 2000: expected y is higher by 1.5" in str(bm.describe_effects(fit))
    assert bm.vpc_curve(fit, "t")["value"].tolist() == np.unique(times).tolist()
    assert bm.slopes(fit).table["variable"].tolist() == ["x"]
    with pytest.raises(bm.SpecError, match=r"has no slope here; bm.comparisons\(fit, \"t\"\)"):
        bm.slopes(fit, "t")
    assert bm.plot_effects(fit).axes
    assert bm.plot_surface(fit, "x:t").axes


def test_a_centred_column_is_held_at_0_not_at_what_rounding_leaves():
    x = np.arange(12.0) * 0.1
    data = {"y": np.arange(12.0), "x": x - x.mean(), "A": ["p", "q"] * 6}
    assert data["x"].mean() != 0.0
    fit = fit_at(bm.prepare("y ~ A + x", data), {"beta": [1.0, 2.0, 0.5], "sigma": 1.0})
    assert bm.marginal_means(fit, "A").notes == ("At x = 0 (mean).",)


def test_columns_within_groups_are_compared_inside_one_group():
    generator = np.random.default_rng(3)
    data = {"y": generator.normal(size=40), "x": generator.normal(size=40), "g": np.repeat(list("abcdefgh"), 5)}
    design = bm.prepare("y ~ within(x, g) + between(x, g) + (1 | g)", data)
    fit = fit_at(design, {"beta": [1.0, 2.0, 7.0], "sd_g": 1.0, "sigma": 1.0})
    means = bm.marginal_means(fit, "x", at={"x": [-1.0, 0.0, 1.0]}).table["mean"]
    np.testing.assert_allclose(np.diff(means), 2.0)


LEARNING = [
    "within(x, g) + between(x, g)",
    "within(x, g):f + between(x, g)",
    "within(x, g) + within(z, g) + between(z, g, h)",
    "poly(x, 2) + f",
    "bs(x, df=4) + scale(z)",
    "center(x) * z",
    "s(x, k=5) + f",
]


def grouped(formula, family="gaussian", seed=4):
    """Return a fit of 60 rows in unbalanced groups whose coefficients and effects are drawn."""
    generator = np.random.default_rng(seed)
    g = np.sort(generator.integers(0, 7, 60))
    x = generator.normal(size=60) + g
    table = {
        "y": generator.normal(size=60) if family == "gaussian" else generator.poisson(2.0, 60),
        "x": x,
        "z": generator.normal(2.0, 1.0, 60),
        "f": np.array(list("pqr"))[np.arange(60) % 3],
        "h": np.array(list("uv"))[np.arange(60) % 2],
        "g": [f"g{i}" for i in g],
    }
    design = bm.prepare(bm.from_formula(f"y ~ {formula} + (1 | g)", family=family), table)
    values = {"beta": 0.2 * generator.normal(size=len(design.mu.population.labels)), "sd_g": 0.5, "sigma": 1.0}
    values |= {design.mu.b(group): 0.3 * generator.normal(size=group.shape) for group in design.mu.normal_blocks}
    return fit_at(design, values), table


@pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
@pytest.mark.parametrize("family", ["gaussian", "poisson"])
@pytest.mark.parametrize("formula", LEARNING)
@pytest.mark.parametrize("groups", ["average", "existing", {"g": "new"}])
def test_a_cell_does_not_depend_on_the_other_cells_that_are_asked_for(formula, family, groups):
    fit, _ = grouped(formula, family)
    for ask in (bm.marginal_means, bm.conditional_effects):
        alone = ask(fit, "x", at={"x": [3.0]}, groups=groups, seed=1).draws[0, 0].values
        among = ask(fit, "x", at={"x": [2.0, 3.0, 5.0]}, groups=groups, seed=1).draws[0, 0].values
        assert alone[0] == pytest.approx(among[1], rel=1e-12)
    pair = bm.contrasts(fit, "x", at={"x": [3.0, 1.0]}, groups=groups, seed=1).draws[0, 0].values
    among = bm.contrasts(fit, "x", at={"x": [3.0, 1.0, 5.0]}, groups=groups, seed=1).draws[0, 0].values
    assert pair[0] == pytest.approx(among[0], rel=1e-9, abs=1e-12)


def test_the_group_mean_of_a_cell_is_the_mean_of_all_rows():
    fit, table = grouped("within(x, g) + between(x, g)")
    intercept, inside, across = fit.posterior["beta"].values[0, 0]
    mean = np.mean(table["x"])
    for ask in (bm.marginal_means, lambda fit, name, at: bm.future_group(fit, at=at)):
        found = ask(fit, "x", at={"x": [8.0]})
        assert found.table["mean"][0] == pytest.approx(intercept + inside * (8.0 - mean) + across * mean)
        assert "The mean of 'x' in a group is that of all rows of the data." in found.notes


def test_known_groups_keep_their_means_whatever_rows_are_predicted():
    fit, table = grouped("within(x, g) + between(x, g)")
    every = bm.predict(fit)["mean"].values
    some = [3, 17, 40]
    rows = {name: np.asarray(column)[some] for name, column in table.items()}
    np.testing.assert_allclose(bm.predict(fit, rows)["mean"].values, every[..., some], rtol=1e-12)


@pytest.mark.parametrize("values", [[0, 1], [3.5, 7.0], [0, 1, 5]])
def test_a_number_with_few_values_is_taken_at_these(values):
    data = {"y": np.arange(30.0), "x": np.resize(values, 30), "many": np.arange(30.0)}
    fit = fit_at(bm.prepare("y ~ x + many", data), {"beta": [1.0, 2.0, 0.0], "sigma": 1.0})
    found = bm.marginal_means(fit, "x").table
    assert found["x"].tolist() == values
    np.testing.assert_allclose(found["mean"], 1 + 2 * np.array(values))
    assert len(bm.contrasts(fit, "x").table) == len(values) * (len(values) - 1) // 2
    assert len(bm.conditional_effects(fit, "many:x").table) == 60 * len(values)
    assert len(bm.conditional_effects(fit, "x").table) == (2 if len(values) == 2 else 60)
