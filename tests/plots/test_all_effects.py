"""All effects in one figure: which panels there are, and what they hold."""

import numpy as np
import pandas as pd
import pytest
from empty_cell_tables import prepared
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.plots.all_effects import terms_of

GENERATOR = np.random.default_rng(4)
DATA = pd.DataFrame({"x": GENERATOR.uniform(1, 5, 48), "z": GENERATOR.normal(size=48), "f": list("abc") * 16})
DATA = DATA.assign(h=np.tile(["u", "v"], 24), g=np.repeat([f"g{i}" for i in range(8)], 6), t=2.0, b=[0, 1, 1, 0] * 12)
DATA = DATA.assign(y=GENERATOR.normal(size=48), n=GENERATOR.poisson(3.0, 48))
DATA["o"] = pd.Categorical(np.resize(list("lmh"), 48), list("lmh"), ordered=True)


def fitted(formula, **fields):
    design = prepared(formula, DATA, **fields)
    values = {design.mu.sd(block): 0.5 for block in design.mu.normal_blocks}
    values |= {design.mu.corr(block): np.eye(block.width) for block in design.mu.groups}
    values |= {"sigma": 1.0, "threshold": [-1.0, 1.0], "beta": 0.1}
    return fit_at(design, values, jitter=0.01)


@pytest.mark.parametrize(
    ("formula", "panels"),
    [
        ("y ~ x + f + (1 | g)", ["x", "f"]),
        ("y ~ f*x + z", ["x:f", "z"]),
        ("y ~ f*h", ["f:h"]),
        ("y ~ f*h*x", ["f:h", "x:f", "x:h"]),
        ("y ~ b*x + I(x^2) + offset(t) + (x | g)", ["x:b"]),
        ("y ~ s(x, k=5) + log(x):f + within(z, g)", ["x:f", "z"]),
        ("y ~ C(b) + poly(x, 2)", ["b", "x"]),
    ],
)
def test_each_term_has_a_panel_and_products_have_one_for_each_pair(formula, panels):
    assert sorted(terms_of(fitted(formula), "mean")) == sorted(panels)


def test_parameters_that_the_mean_does_not_depend_on_have_no_panel():
    assert terms_of(fitted("y ~ x", sigma="~ z"), "mean") == ["x"]
    fit = fitted("n ~ x", family="zero_inflated_poisson", zi="~ z")
    assert terms_of(fit, "mean") == ["x", "z"]


@pytest.mark.parametrize(
    ("formula", "options", "said"),
    [
        ("y ~ x*f", {}, False),
        ("y ~ x + f", {}, True),
        ("y ~ x + f", {"effects": "x"}, True),
        ("y ~ x + f", {"effects": "x", "at": {"f": "a"}}, False),
        ("y ~ 1 + (1 | g)", {"effects": "g", "groups": "existing"}, False),
    ],
)
def test_the_title_speaks_of_other_columns_where_there_are_some(formula, options, said):
    assert ("Other numbers are at their means" in bm.plot_effects(fitted(formula), **options).get_suptitle()) == said


def test_a_panel_holds_the_population_and_the_named_curve_of_each_group():
    fit = fitted("y ~ x + (x | g)")
    fit = fit_at(
        fit.design,
        {
            "beta": [0.0, 1.0],
            "sd_g": 1.0,
            "corr_g": np.eye(2),
            "sigma": 1.0,
            "b_g": np.column_stack([np.arange(8.0), np.arange(8.0) / 10]),
        },
    )
    axes = bm.plot_effects(fit).axes[0]
    own = [line for line in axes.lines if line.get_linestyle() == "-" and line.get_linewidth() < 1]
    ends = [line.get_ydata()[-1] for line in own]
    np.testing.assert_allclose(ends, np.arange(8) + (1 + np.arange(8) / 10) * DATA["x"].max())
    assert [text.get_text().strip() for text in axes.texts] == [f"g{i}" for i in range(8)]
    figure = bm.plot_effects(fit, curves=False)
    assert not figure.axes[0].texts
    assert figure.get_suptitle() == "g: the average over all groups"


def test_ordered_responses_show_their_categories():
    figure = bm.plot_effects(fitted("o ~ x*f + (1 | g)", family="cumulative"))
    assert [axes.get_xlabel() for axes in figure.axes] == ["x", "f"]
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == list("lmh")
    with pytest.raises(bm.SpecError, match="the curves are categories here"):
        bm.plot_effects(figure_fit := fitted("o ~ x*f", family="cumulative"), "x:f")
    by = bm.plot_conditional_effects(figure_fit, "x", by="f", kind="probability")
    assert [axes.get_title(loc="left") for axes in by.axes] == ["f a", "f b", "f c"]
    assert all(len(axes.lines) == 3 for axes in by.axes)


def test_only_what_is_asked_for_is_drawn():
    fit = fitted("y ~ x + z + f + h + (1 | g)")
    assert [axes.get_xlabel() for axes in bm.plot_effects(fit, ["z", "x:h"]).axes if axes.get_visible()] == ["z", "x"]
    with pytest.raises(bm.SpecError, match="13 panels are too many"):
        bm.plot_effects(fit, ["x"] * 13)
    with pytest.raises(bm.SpecError, match="Did you mean"):
        bm.plot_effects(fit, "xx")
