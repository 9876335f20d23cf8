"""Comparisons of rows in which one column changes, against closed forms."""

import numpy as np
import pandas as pd
import pytest
from empty_cell_tables import prepared
from fixed_draws import fit_at
from numpy.polynomial.hermite_e import hermegauss
from scipy import special

import bayesmixed as bm
from bayesmixed.display.tables import middle_of

GENERATOR = np.random.default_rng(5)
ROWS = pd.DataFrame({"x": GENERATOR.normal(3.0, 2.0, 48), "t": GENERATOR.uniform(1.0, 4.0, 48)})
ROWS = ROWS.assign(f=list("pqr") * 16, g=np.repeat(list("ABCDEFGH"), 6), h=np.tile([0, 1], 24))
ROWS = ROWS.assign(n=GENERATOR.poisson(3.0, 48), y=GENERATOR.integers(0, 2, 48))
B, EFFECTS = np.array([0.3, 0.2, -0.4, 0.5]), np.linspace(-1.0, 1.0, 8)
IS = {level: (ROWS["f"] == level).to_numpy() for level in "pqr"}
BASE = B[0] + B[3] * ROWS["x"].to_numpy()
OF_GROUP = EFFECTS[np.repeat(np.arange(8), 6)]


def middles(estimates):
    return estimates.table[middle_of(estimates.table)].to_numpy()


@pytest.fixture(scope="module")
def binary():
    design = bm.prepare("y ~ f + x + (1 | g)", ROWS, family="bernoulli")
    return fit_at(design, {"beta": B, "sd_g": 0.7, "b_g": EFFECTS[:, None]})


def averaged(eta):
    points, weights = hermegauss(60)
    return special.expit(eta[:, None] + 0.7 * points) @ weights / weights.sum()


@pytest.mark.parametrize(
    ("groups", "response"),
    [
        ("typical", special.expit),
        ("existing", lambda eta: special.expit(eta + OF_GROUP)),
        ("average", averaged),
    ],
)
def test_rows_are_predicted_with_each_level_and_averaged_before_they_are_compared(binary, groups, response):
    low, high = (response(BASE + shift).mean() for shift in (0.0, B[2]))
    for comparison, expected in [
        ("difference", high - low),
        ("ratio", high / low),
        ("odds_ratio", high / (1 - high) / (low / (1 - low))),
    ]:
        found = bm.comparisons(binary, {"f": ["p", "r"]}, comparison=comparison, groups=groups)
        assert found.table["contrast"].tolist() == ["r - p" if comparison == "difference" else "r / p"]
        np.testing.assert_allclose(middles(found), expected, rtol=1e-8)


def test_columns_that_change_at_once_do_so_in_all_combinations(binary):
    found = bm.comparisons(binary, {"f": "consecutive", "x": [1, 5]}, cross=True, groups="typical")
    assert found.table["variable"].tolist() == ["f, x"] * 2
    assert found.table["contrast"].tolist() == ["q - p, 5 - 1", "r - q, 5 - 1"]
    at = special.expit(B[0] + np.array([[0.0], [B[1]], [B[2]]]) + B[3] * np.array([1.0, 5.0]))
    np.testing.assert_allclose(middles(found), [at[1, 1] - at[0, 0], at[2, 1] - at[1, 0]], rtol=1e-8)
    own = bm.comparisons(binary, {"f": ["p", "r"], "x": 2}, cross=True, groups="existing", by="g").table
    expected = special.expit(BASE + OF_GROUP + B[2] + 2 * B[3]) - special.expit(BASE + OF_GROUP)
    np.testing.assert_allclose(own["mean"], expected.reshape(8, 6).mean(axis=1), rtol=1e-8)


def test_equal_rows_are_predicted_once_and_the_average_is_that_of_all(binary):
    for options in ({}, {"groups": "existing"}, {"by": "g"}, {"at": {"x": [1.0, 2.0]}}, {"over": "grid"}):
        whole = bm.comparisons(binary, **options)
        assert whole.table["variable"].unique().tolist() == ["f", "x"]
    each = bm.comparisons(binary, "x", average=False)
    assert len(each.table) == 48
    assert each.table["row"].tolist() == list(range(48))
    for by in ("f", "g", ["f", "h"]):
        groups = ROWS.assign(_e=middles(each)).groupby(by)["_e"].mean()
        with_h = ROWS if "h" in by else None
        np.testing.assert_allclose(middles(bm.comparisons(binary, "x", by=by, data=with_h)), groups.to_numpy())


def test_columns_in_at_have_their_values_in_all_rows(binary):
    held = bm.comparisons(binary, {"f": "pairwise"}, at={"x": [0.0, 4.0]}, by="x", groups="typical")
    assert held.table["x"].tolist() == [0.0, 4.0] * 3
    eta = np.array([[B[0] + B[3] * x + shift for x in (0.0, 4.0)] for shift in (0.0, B[1], B[2])])
    q, r = special.expit(eta[1]) - special.expit(eta[0]), special.expit(eta[2]) - special.expit(eta[0])
    np.testing.assert_allclose(middles(held), np.concatenate([q, r, r - q]))
    over_both = bm.comparisons(binary, {"f": ["p", "q"]}, at={"x": [0.0, 4.0]}, groups="typical")
    np.testing.assert_allclose(middles(over_both), q.mean())


@pytest.mark.parametrize("kind", ["mean", "linear"])
def test_over_the_grid_they_are_contrasts_of_marginal_means(binary, kind):
    found = bm.comparisons(binary, {"f": "pairwise"}, over="grid", kind=kind)
    np.testing.assert_allclose(found.draws.values, bm.contrasts(binary, "f", kind=kind).draws.values)
    assert found.notes == bm.contrasts(binary, "f", kind=kind).notes


def test_on_the_link_scale_a_ratio_is_the_odds_ratio_of_a_group(binary):
    found = bm.comparisons(binary, {"f": "consecutive", "x": 2}, kind="linear", comparison="ratio")
    np.testing.assert_allclose(middles(found), np.exp([B[1], B[2] - B[1], 2 * B[3]]))
    assert found.quantity.startswith("odds ratio, exp(difference), of")


def test_counts_are_compared_at_the_exposure_of_the_rows_or_the_one_that_is_asked_for():
    design = bm.prepare("n ~ f + offset(log(t))", ROWS, family="poisson")
    fit = fit_at(design, {"beta": B[:3]})
    difference = np.exp(B[0]) * (np.exp(B[1]) - 1.0)
    found = bm.comparisons(fit, {"f": ["p", "q"]})
    np.testing.assert_allclose(middles(found), difference * ROWS["t"].mean())
    np.testing.assert_allclose(middles(bm.comparisons(fit, {"f": ["p", "q"]}, at={"t": 50})), 50 * difference)
    assert bm.comparisons(fit).table["variable"].tolist() == ["f", "f"]


def test_new_groups_are_the_same_ones_before_and_after_the_change():
    design = bm.prepare("y ~ f + (1 | g)", ROWS.assign(y=ROWS["x"]))
    fit = fit_at(design, {"beta": B[:3], "sd_g": 5.0, "sigma": 1.0})
    found = bm.comparisons(fit, {"f": ["p", "q"]}, groups="new", seed=1)
    np.testing.assert_allclose(found.draws.values, B[1])


def test_rows_with_frequencies_count_as_often_as_they_say():
    few = ROWS.groupby(["f", "h"], as_index=False).size().assign(w=[1, 5, 2, 3, 4, 1], k=[0, 1, 1, 0, 1, 0])
    long = few.loc[few.index.repeat(few["w"])]
    pair = [
        fit_at(bm.prepare(formula, data, family="bernoulli"), {"beta": B})
        for formula, data in (('k | weights(w, "frequency") ~ f + h', few), ("k ~ f + h", long))
    ]
    for ask in (bm.comparisons, bm.slopes):
        first, second = (middles(ask(fit)) for fit in pair)
        np.testing.assert_allclose(first, second, rtol=1e-9)


def test_within_and_between_a_number_moves_inside_its_group():
    table = ROWS.assign(y=ROWS["x"])
    design = bm.prepare("y ~ within(x, g) + between(x, g) + (1 | g)", table)
    fit = fit_at(design, {"beta": [1.0, 2.0, 7.0], "sd_g": 1.0, "sigma": 1.0})
    for ask in (bm.comparisons, bm.slopes):
        np.testing.assert_allclose(middles(ask(fit, "x")), 2.0, rtol=1e-6)


def test_each_category_of_an_ordered_response_has_its_probability():
    table = ROWS.assign(o=pd.Categorical(np.resize(["low", "mid", "high"], 48), ["low", "mid", "high"], ordered=True))
    fit = fit_at(
        bm.prepare("o ~ x + (1 | g)", table, family="cumulative"), {"beta": [0.5], "threshold": [0, 1.5], "sd_g": 0.7}
    )
    found = bm.comparisons(fit, {"x": [2, 4]}, kind="probability", groups="typical")
    assert found.table["category"].tolist() == ["low", "mid", "high"]
    below = [np.concatenate([[0.0], special.expit(np.array([0.0, 1.5]) - eta), [1.0]]) for eta in (1.0, 2.0)]
    np.testing.assert_allclose(middles(found), np.diff(below[1]) - np.diff(below[0]), atol=1e-12)
    assert abs(middles(bm.slopes(fit, kind="probability")).sum()) < 1e-9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"variables": "z"}, "Accepted|Did you mean"),
        ({"variables": "g"}, "names groups.*group_effects"),
        ({"variables": {"f": 2}}, "is a factor; take reference"),
        ({"variables": {"f": ["p", "z"]}}, "'z' is not a level"),
        ({"variables": {"f": "pairs"}}, "Did you mean 'pairwise'"),
        ({"variables": {"x": "SD"}}, "Did you mean 'sd'"),
        ({"variables": {"x": [1, 2, 3]}}, "from one of two values"),
        ({"variables": {"x": 0}}, "cannot change by 0"),
        ({"variables": {"x": {}}}, "is a word, a number"),
        ({"variables": "f", "cross": True}, "cross=True changes several columns"),
        ({"cross": True}, "cross=True changes several columns"),
        ({"variables": ["f", "x"], "cross": True, "at": {"f": "p"}}, "'f' is what changes"),
        ({"comparison": "odds-ratio"}, "Did you mean 'odds_ratio'"),
        ({"over": "data"}, "Accepted: rows, grid"),
        ({"over": "grid", "average": False}, "leave out data"),
        ({"by": "z"}, "'z' is not a column of the rows"),
        ({"by": "f", "variables": "f"}, "'f' is what changes"),
        ({"at": {"f": "p"}, "variables": "f"}, "'f' is what changes"),
        ({"at": {"z": 1}}, "not a column of the model"),
        ({"kind": "response"}, "cannot be averaged"),
        ({"comparison": "odds_ratio", "kind": "linear"}, "of probabilities and shares"),
        ({"data": ROWS.iloc[:0]}, "no rows"),
        ({"data": ROWS[["f"]], "variables": "x"}, "no column 'x'"),
        ({"at": {"x": "no"}, "variables": "x"}, "'x' changes here and has to be a number"),
        ({"at": {"x": "no"}, "variables": "x", "over": "grid"}, "'x' changes here and has to be a number"),
    ],
)
def test_impossible_comparisons_are_refused(binary, options, message):
    with pytest.raises(bm.errors.BayesMixedError, match=message):
        bm.comparisons(binary, **options)


def test_what_the_data_leave_open_is_left_out_or_cancels():
    table = ROWS[(ROWS["f"] != "q") | (ROWS["h"] == 0)].astype({"h": str})
    design = prepared("y ~ f*h + x", table, family="bernoulli")
    fit = fit_at(design, {"beta": np.arange(len(design.mu.population.labels)) / 10}, jitter=0.01)
    found = bm.comparisons(fit, "h", by="f", groups="typical")
    assert found.table["f"].tolist() == ["p", "r"]
    assert "Not estimable: f = q (the fit has no rows with" in str(found)
    assert len(bm.slopes(fit, over="grid", kind="linear").table) == 1
    with pytest.raises(bm.SpecError, match=r'Not estimable.*kind="linear"'):
        bm.slopes(fit, over="grid")
