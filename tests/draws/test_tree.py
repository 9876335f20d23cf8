"""The tree of a fit: which variables it holds, and the data beside them."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import bayesmixed as bm
from bayesmixed.draws.tree import as_draws, constant_data, draw_names, stacked, stored_frame, top_level_names

pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")


def table():
    index = np.arange(24)
    return pd.DataFrame(
        {
            "y": np.sin(index),
            "x/z": np.cos(index),
            "f": pd.Categorical(np.array(["low", "high", "top"])[index % 3], ["low", "high", "top"], ordered=True),
            "g": np.array(list("abcdef"))[index % 6],
            "n": index % 4,
        },
        index=[f"row {i}" for i in index],
    )


@pytest.mark.parametrize(
    ("formula", "options", "names"),
    [
        ("y ~ 1", {}, ["beta", "sigma"]),
        ("y ~ 0 + (1 | g)", {}, ["sd_g", "b_g", "sigma"]),
        ("y ~ n + (n | g)", {}, ["beta", "sd_g", "corr_g", "b_g", "sigma"]),
        ("y ~ n + (n || g)", {}, ["beta", "sd_g", "b_g", "sigma"]),
        ("n ~ 1", {"family": "negbin"}, ["beta", "theta"]),
        ("f ~ n + (1 | g)", {"family": "cumulative"}, ["beta", "sd_g", "b_g", "threshold"]),
        ("y ~ 1", {"sigma": "~ n + (1 | g)"}, ["beta", "beta_sigma", "sd_g_sigma", "b_g_sigma"]),
    ],
)
def test_the_variables_are_those_of_the_terms_and_of_the_family(formula, options, names):
    design = bm.prepare(bm.from_formula(formula, **options), table())
    assert list(draw_names(design)) == names
    assert list(top_level_names(design)) == [name for name in names if not name.startswith("b_")]


@pytest.mark.parametrize(
    ("formula", "family"), [("y ~ `x/z` + f + (1 | g)", "gaussian"), ("f ~ y + `x/z` + (1 | g)", "cumulative")]
)
def test_the_data_come_back_from_the_tree_as_they_were(formula, family):
    design = bm.prepare(bm.from_formula(formula, family=family), table())
    back = stored_frame(constant_data(design))
    used = ["y", "x/z", "f", "g"]
    assert set(back) == set(used)
    for name in used:
        assert list(back[name]) == list(table()[name])
    assert list(back.index) == list(table().index)
    assert list(back["f"].cat.categories) == ["low", "high", "top"]
    assert back["f"].cat.ordered == design.table.data["f"].cat.ordered


def test_what_is_not_of_the_fit_is_left_out():
    design = bm.prepare("y ~ 1", table())
    values = np.arange(8.0).reshape(2, 4)
    posterior = xr.Dataset(
        {
            "beta": (("chain", "draw", "beta_effect"), values[..., None]),
            "sigma": (("chain", "draw"), values + 1),
            "raw": (("chain", "draw"), values),
        }
    )
    tree = as_draws(design, posterior, xr.Dataset({"depth": (("chain", "draw"), values), "odd": (("chain",), [1, 2])}))
    assert set(tree["posterior"].data_vars) == {"beta", "sigma"}
    assert set(tree["sample_stats"].data_vars) == {"tree_depth"}
    np.testing.assert_array_equal(tree["observed_data"]["y"], table()["y"])
    assert list(tree["observed_data"]["row"].values) == list(table().index)


def test_stacked_draws_are_those_of_one_chain_after_the_other():
    values = np.arange(24).reshape(2, 3, 4)
    found = stacked(xr.DataArray(values, dims=("chain", "draw", "k")).transpose("k", "draw", "chain"))
    np.testing.assert_array_equal(found, values.reshape(6, 4))
