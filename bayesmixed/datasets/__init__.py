"""Tables for examples: small ones are shipped, public ones are fetched on request, each with its published source.

The addresses of the fetched tables are those that the lecture's own scripts read. They were not reachable when this
catalogue was written: no checksum is known, and a fetched table is checked by its columns and its number of rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from bayesmixed.arguments import checked
from bayesmixed.datasets.downloads import fetch
from bayesmixed.errors import DataError, did_you_mean, enumerate_words
from bayesmixed.tables.frames import read_table


@dataclass(frozen=True, slots=True)
class Dataset:
    """A table of the catalogue.

    Attributes
    ----------
    name, title : str
        Key of `DATASETS`; what the table holds.
    source : str
        Publication of the data.
    rows : int
        Number of rows.
    text : tuple of str
        Columns that are labels although they look like numbers.
    addresses : mapping of str to str
        Addresses of the files, with their checksums ("" where not known); several are joined. None: it is shipped.
    join : str
        Column by which several files are joined.
    names : mapping of str to str
        Columns that are renamed as in the shipped spec.
    columns : tuple of str
        Columns that a fetched table must have.
    """

    name: str
    title: str
    source: str
    rows: int
    text: tuple[str, ...]
    addresses: Mapping[str, str] = field(default_factory=dict)
    join: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    columns: tuple[str, ...] = ()


def list() -> pd.DataFrame:  # noqa: A001  (the name is that of the public contract)
    """Return a table of the data sets: name, title, rows, where ("shipped" or "fetched on request"), source.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> bm.datasets.list()[["name", "rows", "where"]].head(3)
             name  rows               where
    0        cbpp    56             shipped
    1  sleepstudy   180             shipped
    2     alcohol   411  fetched on request
    """
    rows = [
        (d.name, d.title, d.rows, "fetched on request" if d.addresses else "shipped", d.source)
        for d in DATASETS.values()
    ]
    return pd.DataFrame(rows, columns=["name", "title", "rows", "where", "source"])


@checked
def load(name: str) -> pd.DataFrame:
    """Return a table as a pandas data frame; a public one is downloaded the first time, and kept.

    No checksum of the public files is known: they are checked by size, columns and number of rows.

    Raises
    ------
    DataError
        No table has that name, or it cannot be fetched.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> bm.datasets.load("cbpp").head(2)
      herd  incidence  size period
    0    1          2    14      1
    1    1          3    12      2
    """
    if name not in DATASETS:
        raise DataError(f"Data set '{name}' is not known. {did_you_mean(name, DATASETS)}")
    dataset = DATASETS[name]
    if dataset.addresses:
        return _load_fetched(dataset)
    return read_table(Path(__file__).parents[1] / "data" / f"{name}.csv", text=dataset.text)


def _load_fetched(dataset: Dataset) -> pd.DataFrame:
    paths = [fetch(address, checksum) for address, checksum in dataset.addresses.items()]
    original = {new: old for old, new in dataset.names.items()}
    data, *others = (read_table(path, text=[original.get(name, name) for name in dataset.text]) for path in paths)
    for other in others:
        if dataset.join in data and dataset.join in other:
            data = data.merge(other, on=dataset.join, suffixes=("", "_2"))
    data = data.rename(columns=dict(dataset.names))
    absent = [name for name in dataset.columns if name not in data.columns]
    if absent or len(data) != dataset.rows:
        for path in paths:
            path.unlink()
        wrong = f"has no column {enumerate_words(absent)}" if absent else f"has {len(data)} rows, not {dataset.rows}"
        raise DataError(
            f"The file fetched for data set '{dataset.name}' is a different table: it {wrong}. It was not kept. "
            f"Check {enumerate_words(dataset.addresses)}."
        )
    return data


_LECTURE = "https://raw.githubusercontent.com/rafamoral/courses/main/intro_mixed_models/data/"

DATASETS = {
    dataset.name: dataset
    for dataset in (
        Dataset(
            "cbpp",
            "Contagious bovine pleuropneumonia: new cases in 15 zebu herds over four periods",
            "Lesnoff, Laval, Bonnet, Abdicho, Workalemahu, Kifle, Peyraud, Lancelot & Thiaucourt (2004), "
            "Preventive Veterinary Medicine 64:27-40",
            56,
            ("herd", "period"),
        ),
        Dataset(
            "sleepstudy",
            "Mean reaction time (ms) of 18 lorry drivers over ten days of restricted sleep",
            "Belenky, Wesensten, Thorne, Thomas, Sing, Redmond, Russo & Balkin (2003), Journal of Sleep Research 12:1-12",
            180,
            ("Subject",),
        ),
        Dataset(
            "alcohol",
            "Alcohol consumption per adult (litres a year) in 189 countries, mostly in 2005 and 2008",
            "World Health Organization, by Gapminder (https://www.gapminder.org/data/); R package mosaicData",
            411,
            (),
            {f"{_LECTURE}alcohol.csv": ""},
            columns=("country", "year", "alcohol"),
        ),
        Dataset(
            "classroom",
            "Mathematics scores of 1,190 pupils in 312 classes of 107 schools",
            "Hill, Rowan & Ball (2005), American Educational Research Journal 42:371-406; "
            "West, Welch & Galecki (2007), Linear Mixed Models, chapter 4",
            1190,
            ("school", "class"),
            {f"{_LECTURE}classroom.csv": ""},
            names={"schoolid": "school", "classid2": "class"},
            columns=("mathscore", "ses", "school", "class"),
        ),
        Dataset(
            "lexical_decision",
            "Reaction times (ms) of 78 participants to 58 words, a sample of the British Lexicon Project",
            "Keuleers, Lacey, Rastle & Brysbaert (2012), Behavior Research Methods 44:287-304",
            662,
            ("participant",),
            {f"{_LECTURE}blp-short2.csv": ""},
            names={"spelling": "word"},
            columns=("rt", "participant", "word"),
        ),
        Dataset(
            "school_achievement",
            "Mathematics achievement of 7,185 pupils in 160 public and Catholic schools of the United States",
            "High School and Beyond (1982), in Raudenbush & Bryk (2002), Hierarchical Linear Models, chapter 4",
            7185,
            ("school",),
            {f"{_LECTURE}mathachieve.csv": "", f"{_LECTURE}mathachieveschool.csv": ""},
            join="school",
            columns=("mathach", "ses", "sex", "school", "himinty", "sector", "pracad", "disclim"),
        ),
    )
}
