"""Fits for reports, made without sampling."""

import numpy as np
import pandas as pd
from fixed_draws import fit_at

import bayesmixed as bm

NASTY = [
    "<script>alert(1)</script>",
    "\"quoted\" & 'single'",
    "</script><b>bold</b>",
    *(f"farm {i} {i}" for i in range(6)),
    "北海道の畑、とても長い名前の区画、第二",
]
DEPTH, USE = "depth below the surface (cm)", "use of the land, in the year before"
USES = ["grassland that is mown twice a year", "vineyard <old>"]


def fit_of_groups(count, *, rows=3, names=None):
    """Return a Gaussian fit with that many groups, their means in order, named by number or as given."""
    names = [f"herd {i}" for i in range(count)] if names is None else names
    effects = np.linspace(-1.5, 1.5, len(names))
    generator = np.random.default_rng(1)
    index = np.repeat(np.arange(len(names)), rows)
    y = 10 + effects[index] + generator.normal(size=len(index))
    data = pd.DataFrame({"y": y, "herd": np.asarray(names, dtype=object)[index]})
    if names is NASTY:
        data = data.assign(**{DEPTH: generator.uniform(5, 60, len(index)).round(), USE: np.resize(USES, len(index))})
    right = f"`{DEPTH}` + `{USE}`" if names is NASTY else "1"
    design = bm.prepare(f"y ~ {right} + (1 | herd)", data)
    order = [names.index(level) for level in design.mu.groups[0].levels]
    values = {
        "beta": [10.0, 0.0, 0.1][: 3 if names is NASTY else 1],
        "sd_herd": 1.0,
        "sigma": 1.0,
        "b_herd": effects[order][:, None],
    }
    return fit_at(design, values, jitter=0.05)


def fit_without_groups():
    """Return a fit of a model with no grouping factor."""
    generator = np.random.default_rng(2)
    data = pd.DataFrame({"x": np.arange(20.0), "y": generator.normal(size=20)})
    return fit_at(bm.prepare("y ~ x", data), {"beta": [0.0, 0.1], "sigma": 1.0}, jitter=0.05)


def fit_of_probabilities():
    """Return a binomial fit with an intercept and a slope for each of six farms."""
    generator = np.random.default_rng(3)
    farm = np.repeat([f"farm {letter}" for letter in "ABCDEF"], 10)
    x = np.tile(np.linspace(-1, 1, 10), 6)
    data = pd.DataFrame({"cases": generator.binomial(20, 0.3, size=60), "n": 20, "x": x, "farm": farm})
    design = bm.prepare(bm.from_formula("cases | trials(n) ~ x + (x || farm)", family="binomial"), data)
    values = {"beta": [-0.8, 0.1], "sd_farm": [0.5, 0.3]}
    return fit_at(design, values, jitter=0.05)


def fit_of_crossed_factors():
    """Return a Gaussian fit with a curve and two crossed factors, some of whose combinations are empty."""
    generator = np.random.default_rng(4)
    plate, dish = np.divmod(generator.permutation(60)[:50], 6)
    data = pd.DataFrame({"plate": plate.astype(str), "dish": np.array(list("ABCDEF"))[dish]})
    data = data.assign(x=generator.uniform(size=50), y=generator.normal(size=50))
    design = bm.prepare("y ~ s(x, k=4) + (1 | plate) + (1 | dish)", data)
    return fit_at(design, {"sd_plate": 0.5, "sd_dish": 0.5, "sigma": 1.0}, jitter=0.05)


MAKERS = {
    "15 groups": lambda: fit_of_groups(15),
    "slopes": fit_of_probabilities,
    "no group": fit_without_groups,
    "crossed": fit_of_crossed_factors,
    "2,000 groups": lambda: fit_of_groups(2000, rows=2),
    "nasty names": lambda: fit_of_groups(0, names=NASTY),
}
