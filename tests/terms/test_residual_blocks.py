"""Groups of correlated residuals on tables: places, steps, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from bayesmixed.errors import DataError
from bayesmixed.tables.factors import as_table
from bayesmixed.terms.residual_blocks import ResidualBlock, build_residual
from bayesmixed.terms.residual_correlations import Residual


def visits() -> pd.DataFrame:
    """Return four groups with times 1, 2, 4, 5."""
    return pd.DataFrame([(f"s{s}", t) for s in range(4) for t in (1, 2, 4, 5)], columns=["s", "t"])


def block_of(text: str, data: pd.DataFrame, like: ResidualBlock | None = None, missing: int = 0) -> ResidualBlock:
    """Return the groups of a table."""
    return build_residual(Residual.model_validate(text), as_table(data, set(), ["t"], None), like, missing)


def test_repeated_visits_and_unequal_steps_are_refused() -> None:
    twice = pd.concat([visits(), visits().iloc[[3]]], ignore_index=True)
    with pytest.raises(DataError, match="2 rows share their group and their t"):
        block_of("us(t | s)", twice)
    uneven = visits().assign(t=lambda d: d["t"].replace({4: 3.5}))
    with pytest.raises(DataError, match="not in equal steps"):
        block_of("ar1(t | s)", uneven)
    assert block_of("ou(t | s)", uneven).chained


def test_missing_visits_are_further_steps_apart() -> None:
    steps = block_of("ar1(t | s)", visits())
    assert steps.before[1][:4].tolist() == [1.0, 1.0, 2.0, 1.0]
    levels = block_of("ar1(factor(t) | s)", visits())
    assert levels.before[1][:4].tolist() == [1.0, 1.0, 1.0, 1.0]


def test_steps_are_those_within_groups() -> None:
    shifted = visits().assign(t=lambda d: d["t"] + 0.37 * d["s"].str[1:].astype(int))
    assert block_of("ar1(t | s)", shifted).before[1][:8].tolist() == [1.0, 1.0, 2.0, 1.0] * 2


def test_rows_in_their_order_need_all_rows() -> None:
    with pytest.raises(DataError, match="3 rows with missing values were left out"):
        block_of("ar1(1 | s)", visits(), missing=3)
    assert block_of("homcs(1 | s)", visits(), missing=3).equal


def test_too_many_visits_are_refused_where_each_pair_has_a_correlation() -> None:
    many = pd.DataFrame({"s": np.repeat(["a", "b"], 30), "t": np.tile(np.arange(30), 2)})
    with pytest.raises(DataError, match="30 distinct values"):
        block_of("us(t | s)", many)
    assert len(block_of("ar1(t | s)", many).structure.places) == 3


def test_text_has_no_distances() -> None:
    named = visits().assign(t=lambda d: "week " + d["t"].astype(str))
    with pytest.raises(DataError, match="holds no numbers"):
        block_of("ou(t | s)", named)
    assert block_of("us(t | s)", named).labels == ("week 1", "week 2", "week 4", "week 5")


def test_rows_to_predict_have_the_places_of_the_fit() -> None:
    for text in ("us(t | s)", "ar1(t | s)", "homtoep(t | s)", "ou(t | s)"):
        fitted = block_of(text, visits())
        later = block_of(text, visits().assign(t=lambda d: d["t"].replace({1: 2, 2: 4, 4: 5, 5: 1})), fitted)
        assert later.structure == fitted.structure
    with pytest.raises(DataError, match="not among its values in the fit"):
        block_of("us(t | s)", visits().assign(t=lambda d: d["t"] + 1), block_of("us(t | s)", visits()))
    with pytest.raises(DataError, match="between the steps of the fit"):
        block_of("homtoep(t | s)", visits().assign(t=lambda d: d["t"] / 2), block_of("homtoep(t | s)", visits()))
    with pytest.raises(DataError, match="times the step of the fit, 1"):
        block_of("ar1(t | s)", visits().assign(t=lambda d: d["t"] / 2), block_of("ar1(t | s)", visits()))
    with pytest.raises(DataError, match="correlations of up to 4"):
        block_of("homtoep(t | s)", visits().assign(t=lambda d: d["t"] * 2), block_of("homtoep(t | s)", visits()))
    few = visits().iloc[[0, 1, 4, 5]]
    with pytest.raises(DataError, match="has 4 rows to predict"):
        block_of("homcs(1 | s)", visits(), block_of("homcs(1 | s)", few.reset_index(drop=True)))


def test_rows_with_the_same_visits_share_a_pattern() -> None:
    patterns = block_of("us(t | s)", visits().drop(index=[5])).patterns
    assert sorted(rows.shape for _, rows in patterns) == [(1, 3), (3, 4)]
