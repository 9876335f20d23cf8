"""Rows of a plan: nested and crossed groups, and columns."""

import numpy as np

from bayesmixed.simulation.rows import lay_out
from bayesmixed.spec.simulation_plan import SimulationPlan


def plan(**fields):
    return lay_out(SimulationPlan(**fields), np.random.default_rng(0))


def test_nested_labels_count_on_or_start_anew():
    groups = {"school": {"count": 3}, "class": {"count": 2, "within": "school", "rows": 4}}
    frame = plan(groups=groups)
    assert frame["class"].nunique() == 6
    groups["class"]["labels"] = "reused"
    again = plan(groups=groups)
    assert sorted(again["class"].unique()) == ["1", "2"]
    assert len(frame) == len(again) == 24


def test_a_table_of_sizes_gives_exactly_these_sizes():
    frame = plan(groups={"country": {"count": 5, "rows": {"1": 2, "3": 3}}})
    assert sorted(frame["country"].value_counts()) == [1, 1, 3, 3, 3]


def test_crossed_cells_are_kept_in_the_share_asked_for():
    frame = plan(crossing={"person": 10, "word": 8, "keep": 0.5})
    assert len(frame) == 40
    assert not frame.duplicated().any()


def test_columns_are_laid_out_per_factor_or_belong_to_one():
    frame = plan(
        groups={"herd": {"count": 4, "rows": 3}},
        columns={
            "period": {"levels": ["1", "2", "3"], "per": "herd"},
            "day": {"sequence": [0, 2], "per": "herd"},
            "size": {"integers": [5, 9], "of": "herd"},
            "x": {"normal": [10, 1]},
        },
    )
    assert list(frame["period"]) == ["1", "2", "3"] * 4
    assert list(frame["day"]) == [0, 2, 4] * 4
    assert (frame.groupby("herd")["size"].nunique() == 1).all()
    assert frame["x"].nunique() == 12
