"""Functions that take a grouping factor take it in the same way."""

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at

import bayesmixed as bm

N = 48
ROWS = pd.DataFrame(
    {
        "y": np.sin(np.arange(N) * 1.7) + np.arange(N) % 6,
        "my herd": np.resize(list("abcdef"), N),
        "b": np.repeat(list("uvwxpqrs"), 6),
    }
)
FIT = fit_at(
    bm.prepare("y ~ 1 + (1 | `my herd`) + (1 | b)", ROWS), {"beta": 2.0, "sd_my herd": 1.5, "sd_b": 0.7, "sigma": 1.0}
)
TAKING = {
    "group_effects": lambda *group: bm.group_effects(FIT, *group),
    "shrinkage": lambda *group: bm.shrinkage(FIT, *group),
    "influence": lambda *group: bm.influence(FIT, *group),
    "group_ranks": lambda *group: bm.group_ranks(FIT, *group).table,
    "future_group": lambda *group: bm.future_group(FIT, *group).table,
    "pooling_curve": lambda *group: bm.pooling_curve(FIT, *group),
}


@pytest.mark.parametrize("call", sorted({*TAKING} - {"influence"}))
def test_the_group_is_the_second_argument_the_first_factor_if_it_is_not_given(call):
    take = TAKING[call]
    first, second, quoted = take("my herd"), take("b"), take("`my herd`")
    default = take()
    assert not first.equals(second)
    pd.testing.assert_frame_equal(first, quoted)
    if call == "group_effects":
        pd.testing.assert_frame_equal(default, pd.concat([first, second], ignore_index=True))
    else:
        pd.testing.assert_frame_equal(default, first)


def test_influence_takes_the_group_as_they_do():
    fit = bm.load_fit("herd_period")
    for group in ((), ("`herd`",)):
        pd.testing.assert_frame_equal(bm.influence(fit, *group), bm.influence(fit, "herd"))


@pytest.mark.parametrize("call", TAKING)
def test_a_misspelt_group_is_refused_with_the_one_that_was_meant(call):
    with pytest.raises(bm.SpecError, match="Did you mean 'my herd'"):
        TAKING[call]("my herds")
    with pytest.raises(bm.SpecError, match="must be a text"):
        TAKING[call](["my herd"])
