"""The picture of the variance shares: what is drawn are the numbers of `icc`."""

import numpy as np
import pytest
from crossed_fits import crossed_fit

import bayesmixed as bm


@pytest.mark.parametrize("family", ["gaussian", "poisson", "binomial"])
def test_the_bar_and_the_points_are_the_numbers_of_the_table(family):
    fit = crossed_fit(family)
    table = bm.icc(fit)
    shares = table[table["effect"] == "share"]
    *bars, axes = bm.plot_variance_shares(fit).axes
    for bar in bars:
        assert [patch.get_width() for patch in bar.patches] == pytest.approx(list(shares["mean"]))
        assert sum(patch.get_width() for patch in bar.patches) == pytest.approx(1.0)
    ordered = [*shares["mean"], *table.loc[table["effect"] == "icc", "mean"]]
    assert [line.get_xdata()[0] for line in axes.lines] == pytest.approx(ordered)
    ends = np.array([[line.get_paths()[0].vertices[:, 0]] for line in axes.collections]).reshape(-1, 2)
    assert ends[:, 0] == pytest.approx([*shares["lower"], *table.loc[table["effect"] == "icc", "lower"]])
    assert len(bars) == int(len(shares) > 0)


def test_a_model_without_groups_is_refused():
    fit = crossed_fit("gaussian", None, "~ x")
    with pytest.raises(bm.SpecError):
        bm.plot_variance_shares(fit)
