"""The picture of shrinkage over group size, and what it says."""

import numpy as np
import pytest
from conftest import classic
from fixed_draws import fit_at

import bayesmixed as bm


def gaussian(sd, groups=20):
    data = {"y": np.random.default_rng(2).normal(size=2 * groups), "country": np.repeat(np.arange(groups), 2)}
    return fit_at(bm.prepare("y ~ 1 + (1 | country)", data), {"sd_country": sd, "sigma": 1.0}, jitter=0.01)


@pytest.mark.parametrize(
    ("sd", "words", "kept"),
    [(4.5, "near 1: less shrinkage", 98), (0.1, "near 0: more shrinkage", 2), (1.0, "between 0", 67)],
)
def test_the_title_says_what_the_icc_means(sd, words, kept):
    title = bm.plot_pooling_curve(gaussian(sd)).axes[0].get_title(loc="left")
    assert words in title
    assert f"A country with 2 rows keeps {kept} % of its own deviation" in title


def test_discs_stand_on_the_curve_at_the_sizes_of_the_data():
    fit = gaussian(1.0, groups=200)
    (discs,) = [
        c for c in bm.plot_pooling_curve(fit).axes[0].collections if len(c.get_offsets()) == 1 and c.get_sizes().size
    ]
    curve = bm.pooling_curve(fit).set_index("size")
    np.testing.assert_allclose(discs.get_offsets()[0], [2, curve.loc[2, "median"]])


def test_factors_are_crosses_where_the_curve_is_a_guide():
    spec = bm.from_formula("incidence | trials(size) ~ 1 + (1 | herd)", family="binomial")
    fit = fit_at(bm.prepare(spec, classic("lme4", "cbpp")), {"beta": -2.0, "sd_herd": 0.8})
    axes = bm.plot_pooling_curve(fit).axes[0]
    factors = bm.shrinkage(fit)["factor"]
    drawn = [np.asarray(c.get_offsets())[:, 1] for c in axes.collections if len(c.get_offsets()) == 15]
    np.testing.assert_allclose(drawn[0], factors, atol=1e-9)
    title = axes.get_title(loc="left")
    assert "on the latent logit scale" in title
    assert f"{100 * factors.min():.0f} to {100 * factors.max():.0f} %" in title
    assert axes.get_xlabel() == "trials of a herd"


def test_a_number_is_a_curve_alone():
    axes = bm.plot_pooling_curve(0.952).axes[0]
    assert axes.get_title(loc="left").startswith("ICC 0.952, near 1: less shrinkage.")
    assert axes.lines[0].get_ydata()[1] == pytest.approx(0.9754, abs=1e-4)
