"""Tables that are shipped with the package, each with its published source."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bayesmixed.errors import DataError, did_you_mean


@dataclass(frozen=True, slots=True)
class Dataset:
    """A shipped table.

    Attributes
    ----------
    name, title : str
        Key of `DATASETS`; what the table holds.
    source : str
        Publication of the data.
    text : tuple of str
        Columns that are labels although they look like numbers.
    """

    name: str
    title: str
    source: str
    text: tuple[str, ...]


def list() -> pd.DataFrame:  # noqa: A001  (the name is that of the public contract)
    """Return a table of the shipped data sets: name, title, rows, source."""
    rows = [(d.name, d.title, len(load(d.name)), d.source) for d in DATASETS.values()]
    return pd.DataFrame(rows, columns=["name", "title", "rows", "source"])


def load(name: str) -> pd.DataFrame:
    """Return a shipped table as a pandas data frame.

    Raises
    ------
    DataError
        No table has that name.
    """
    if name not in DATASETS:
        raise DataError(f"Data set '{name}' is not known. {did_you_mean(name, DATASETS)}")
    path = Path(__file__).parent / "data" / f"{name}.csv"
    return pd.read_csv(path, dtype=dict.fromkeys(DATASETS[name].text, str))


DATASETS = {
    "cbpp": Dataset(
        "cbpp",
        "Contagious bovine pleuropneumonia: new cases in 15 zebu herds over four periods",
        "Lesnoff, Laval, Bonnet, Abdicho, Workalemahu, Kifle, Peyraud, Lancelot & Thiaucourt (2004), "
        "Preventive Veterinary Medicine 64:27-40",
        ("herd", "period"),
    ),
    "sleepstudy": Dataset(
        "sleepstudy",
        "Mean reaction time (ms) of 18 lorry drivers over ten days of restricted sleep",
        "Belenky, Wesensten, Thorne, Thomas, Sing, Redmond, Russo & Balkin (2003), Journal of Sleep Research 12:1-12",
        ("Subject",),
    ),
}
