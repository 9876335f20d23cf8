"""Quantities of a multiverse: which there are, and whether their signs hold."""

import numpy as np
import pytest
import xarray as xr
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.summaries.priors.decisions import (
    Decision,
    check_expressions,
    count_signs,
    find_decisions,
    tabulate_decisions,
)

ROWS = {
    "y": np.arange(24.0) % 7,
    "x": np.arange(24.0) % 4,
    "f": np.tile(list("aabb"), 6),
    "g": np.repeat(list("ABCDEF"), 4),
}
pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")


def normal(mean, sd, seed):
    return xr.DataArray(np.random.default_rng(seed).normal(mean, sd, (2, 4000)), dims=("chain", "draw"))


@pytest.fixture(scope="module")
def table():
    """Three specifications of one effect, whose estimates are 2, 0.5 and -1 with SD 1, 1 and 0.2; and an ICC."""
    laws = {("a", "s"): (2.5, 1.0), ("a", "t"): (0.5, 1.0), ("b", "s"): (-1.0, 0.2)}
    made = {key: [Decision("ICC", "same g", normal(0.5, 0.01, 9), True)] for key in laws}
    for seed, (key, law) in enumerate(laws.items()):
        made[key].append(Decision("effect", "x", normal(*law, seed), True))
    return tabulate_decisions(made)


def test_estimates_and_probabilities_are_those_of_the_draws(table):
    rows = table[table["name"] == "x"]
    assert list(rows["structure"]) == ["a", "a", "b"]
    assert rows["estimate"].to_numpy() == pytest.approx([2.5, 0.5, -1.0], abs=0.05)
    assert rows["above"].to_numpy() == pytest.approx([0.9938, 0.6915, 0.0], abs=0.01)
    assert list(dict.fromkeys(table["quantity"])) == ["effect", "ICC"]


def test_shares_of_signs_are_those_of_the_first_specification(table):
    signs = count_signs(table).set_index("name")
    assert signs.loc["x", ["specifications", "sign"]].tolist() == [3, 1.0]
    assert signs.loc["x", ["same_sign", "clear"]].tolist() == pytest.approx([2 / 3, 1 / 3])
    assert signs.loc["x", ["lowest", "highest"]].tolist() == pytest.approx([-1.0, 2.5], abs=0.05)
    assert np.isnan(signs.loc["same g", "sign"])


def test_what_has_no_mean_somewhere_has_medians_everywhere():
    heavy = normal(0.0, 1.0, 1) / normal(0.0, 1.0, 2)
    made = {
        ("a", "s"): [Decision("asked", "q", heavy, False)],
        ("a", "t"): [Decision("asked", "q", normal(1, 1, 3), True)],
    }
    table = tabulate_decisions(made)
    assert table["estimate"].to_numpy() == pytest.approx([0.0, 1.0], abs=0.06)
    assert table["sd"].isna().all()


def test_effects_on_different_estimands_are_different_quantities():
    pairs = {"s": "difference of means", "t": "difference of medians"}
    made = {("a", key): [Decision("effect", "x", normal(1, 1, 3), True, of)] for key, of in pairs.items()}
    assert list(count_signs(tabulate_decisions(made))["name"]) == [f"x, {of}" for of in pairs.values()]


def test_effects_are_the_comparisons_that_describe_effects_says():
    fit = fit_at(bm.prepare("y ~ x + f + (1 | g)", ROWS), {"beta": [1.0, 2.0, -3.0], "sd_g": 1.0, "sigma": 1.0}, 0.1)
    found, notes = find_decisions(fit, {"twice": "2 * beta[x]", "sd": lambda one: one.posterior["sigma"]}, 1)
    assert [(one.quantity, one.name) for one in found] == [
        ("asked", "twice"),
        ("asked", "sd"),
        ("effect", "f: b - a"),
        ("effect", "x: +1"),
        ("ICC", "same g (response scale)"),
    ]
    table = bm.describe_effects(fit).table.set_index("variable")
    for one in found[2:4]:
        assert float(one.draws.mean()) == pytest.approx(table.loc[one.name[0], "mean"])
    assert notes == []
    lost = find_decisions(fit, {"slope": "sd_g[x]"}, 1)[1]
    assert lost == ["no 'slope', whose parameters are not in this structure"]


def test_an_expression_that_no_structure_can_read_is_refused_before_any_sampling():
    designs = {"a": bm.prepare("y ~ x + (1 | g)", ROWS), "b": bm.prepare("y ~ x + (x | g)", ROWS)}
    check_expressions({"effect": "sd_g[x]", "other": "b_g[A, Intercept]"}, designs)
    with pytest.raises(bm.SpecError, match="sd_h"):
        check_expressions({"odd": "sd_h"}, designs)
    with pytest.raises(bm.SpecError, match="'sure' is a comparison"):
        check_expressions({"sure": "beta[x] > 0"}, designs)
