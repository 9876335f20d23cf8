"""Files that are fetched are checked, and kept once."""

import pandas as pd
import pytest
from served_files import serve, served

import bayesmixed as bm
from bayesmixed.datasets import downloads
from bayesmixed.datasets.downloads import download_folder, fetch
from bayesmixed.errors import DataError


@pytest.fixture
def server(tmp_path, monkeypatch):
    yield from serve(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"country": ["a"]}, r"no column 'year', 'alcohol'"),
        ({"country": "a", "year": [1], "alcohol": 2}, "has 1 rows, not 2"),
    ],
)
def test_another_table_at_the_address_is_refused_and_not_kept(server, monkeypatch, columns, words):
    folder, address, _ = server
    pd.DataFrame(columns).to_csv(folder / "alcohol.csv", index=False)
    served(monkeypatch, "alcohol", address, alcohol=None)
    with pytest.raises(DataError, match=words):
        bm.datasets.load("alcohol")
    assert not (download_folder() / "alcohol.csv").exists()


def test_without_a_connection_the_message_says_what_to_do(server, monkeypatch):
    _, address, _ = server
    with pytest.raises(
        DataError, match=r"cannot be fetched \(HTTPError\): .* or put the file into .* under the name 'absent"
    ) as raised:
        fetch(f"{address}absent.csv")
    assert raised.value.__suppress_context__
    assert str(raised.value).count(". ") == 0, "one sentence"
    with pytest.raises(DataError, match=r"cannot be fetched \(ConnectionError\)"):
        fetch("http://127.0.0.1:9/alcohol.csv")


def test_a_file_with_another_checksum_is_refused(server):
    folder, address, _ = server
    (folder / "table.csv").write_text("a\n1\n")
    with pytest.raises(DataError, match="its checksum is not"):
        fetch(f"{address}table.csv", "sha256:" + "0" * 64)


def test_a_file_that_is_too_large_is_refused_and_not_kept(server, monkeypatch):
    folder, address, _ = server
    (folder / "table.csv").write_text("a\n" + "1\n" * 500)
    monkeypatch.setattr(downloads, "MOST_BYTES", 1_000)
    with pytest.raises(DataError, match="it exceeds 1,000 bytes"):
        fetch(f"{address}table.csv")
    assert not [path for path in download_folder().glob("*") if path.is_file()]
    monkeypatch.setattr(downloads, "MOST_BYTES", 2_000)
    assert fetch(f"{address}table.csv").stat().st_size == 1_002
