"""Forest plots: what is drawn is what is expected in each group."""

import numpy as np
import pandas as pd
import pytest
from empty_cell_tables import prepared
from fixed_draws import fit_at
from meta_analyses import eight_schools
from scipy import special

import bayesmixed as bm

PARTS = pd.DataFrame({"batch": np.repeat(list("ABCDEF"), 6), "part": np.tile(np.repeat(["1", "2", "3"], 2), 6)})
PARTS = PARTS.assign(y=np.arange(36) % 2, x=np.linspace(-1, 1, 36))


def drawn(figure):
    """Return the medians by name."""
    axes = figure.axes[0]
    points = next(one for one in axes.collections if one.get_zorder() == 3).get_offsets()
    names = [text.get_text() for text in axes.get_yticklabels()]
    return dict(zip(names, points[:, 0], strict=True))


@pytest.fixture(scope="module")
def nested():
    design = prepared("y ~ x + (1 | batch/part)", PARTS, family="bernoulli")
    values = {"beta": [0.3, 2.0], "sd_batch": 1.0, "sd_batch:part": 0.5}
    values |= {"b_batch": np.linspace(-1, 1, 6)[:, None], "b_batch:part": np.linspace(-0.5, 0.5, 18)[:, None]}
    return fit_at(design, values)


def test_a_part_within_a_batch_has_both_effects_and_stands_beside_the_population(nested):
    figure = bm.plot_forest(nested)
    found = drawn(figure)
    assert len(found) == 18
    batch, part = np.repeat(np.linspace(-1, 1, 6), 3), np.linspace(-0.5, 0.5, 18)
    np.testing.assert_allclose(list(found.values()), special.expit(0.3 + batch + part))
    assert list(found)[:4] == ["A : 1", "A : 2", "A : 3", "B : 1"]
    mean = bm.marginal_means(nested, "x", at={"x": [0.0]}).table["mean"][0]
    np.testing.assert_allclose(figure.axes[0].lines[0].get_xdata(), mean)


def test_an_outer_factor_is_averaged_over_what_lies_within(nested):
    found = drawn(bm.plot_forest(nested, "batch"))
    points, weights = np.polynomial.hermite_e.hermegauss(60)
    expected = special.expit(0.3 + np.linspace(-1, 1, 6)[:, None] + 0.5 * points) @ weights / weights.sum()
    np.testing.assert_allclose(list(found.values()), expected, rtol=1e-8)


def test_slopes_are_those_of_the_groups():
    design = prepared("y ~ x + (x | batch)", PARTS.assign(y=PARTS["x"] + PARTS["y"]))
    slopes = np.array([3.0, 1.0, 2.0, 6.0, 5.0, 4.0])
    values = {"beta": [0.0, 10.0], "sd_batch": 1.0, "corr_batch": np.eye(2), "sigma": 1.0}
    fit = fit_at(design, values | {"b_batch": np.column_stack([np.zeros(6), slopes])})
    found = drawn(bm.plot_forest(fit, effect="x"))
    assert found == {"B": 11.0, "C": 12.0, "A": 13.0, "F": 14.0, "E": 15.0, "D": 16.0}
    with pytest.raises(bm.SpecError, match="'z' does not vary between"):
        bm.plot_forest(fit, effect="z")


def test_what_has_no_forest_is_refused(nested):
    with pytest.raises(bm.SpecError, match="Did you mean 'batch'"):
        bm.plot_forest(nested, "bach")
    with pytest.raises(bm.SpecError, match="needs a grouping factor"):
        bm.plot_forest(fit_at(prepared("y ~ x", PARTS), {"beta": [0.0, 1.0], "sigma": 1.0}))


def test_a_meta_analysis_shows_own_estimates_and_a_new_study():
    data = eight_schools()
    design = prepared("y | se(s) ~ 1 + (1 | school)", data)
    effects = np.linspace(-3, 4, 8)[:, None]
    fit = fit_at(design, {"sigma": 1.0, "sd_school": 5.0, "beta": 8.0, "b_school": effects})
    axes = bm.plot_forest(fit).axes[0]
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert names == [*"ABCDEFGH", "overall", "new school"]
    own = next(one for one in axes.collections if one.get_label() == "own estimate, 95 %")
    np.testing.assert_allclose(own.get_offsets()[:, 0], data["y"])
    other = fit_at(
        prepared("y | se(s) ~ x + (1 | school)", data.assign(x=data["y"] ** 2)), {"sigma": 1.0, "sd_school": 5.0}
    )
    assert len(bm.plot_forest(other).axes[0].get_yticklabels()) == 8


def test_own_estimates_of_several_rows_are_weighted_by_their_precision():
    data = pd.concat([eight_schools(), eight_schools().assign(y=0.0, s=5.0)], ignore_index=True)
    fit = fit_at(prepared("y | se(s) ~ 1 + (1 | school)", data), {"sigma": 1.0, "sd_school": 5.0})
    axes = bm.plot_forest(fit).axes[0]
    own = next(one for one in axes.collections if one.get_label() == "own estimate, 95 %").get_offsets()[:, 0]
    weights = eight_schools()["s"] ** -2.0
    np.testing.assert_allclose(own, weights * eight_schools()["y"] / (weights + 1 / 25.0))
