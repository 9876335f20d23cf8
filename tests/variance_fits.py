"""Tables and fits whose variances are known."""

import numpy as np
from conftest import CHECKS
from fixed_draws import fit_at

import bayesmixed as bm


def one(table, **chosen):
    for column, wanted in chosen.items():
        table = table[table[column] == wanted]
    assert len(table) == 1
    return table["mean"].iloc[0]


def nested_data(schools=3, classes=3, pupils=2):
    rows = [(f"s{s}", f"s{s}c{c}") for s in range(schools) for c in range(classes) for _ in range(pupils)]
    school, room = zip(*rows, strict=True)
    return {"y": np.arange(len(rows)) % 5 + 0.1, "school": school, "room": room}


def crossed_data():
    rows = [(f"a{i}", f"b{j}") for i in range(4) for j in range(3) for _ in range(2)]
    a, b = zip(*rows, strict=True)
    return {"y": np.arange(len(rows)) % 7 + 0.1, "a": a, "b": b}


def sloped_fit(shift=0.0):
    """Return the six groups of ten rows of check S1, with x moved and the same lines."""
    given = CHECKS["S1"]["inputs"]
    x = np.tile(np.arange(10.0), 6) + shift
    data = {"y": x + np.repeat(np.arange(6.0), 10) ** 2, "x": x, "g": np.repeat(list("abcdef"), 10)}
    first, second, rho = *given["sd"], given["corr"]
    back = np.array([[1.0, -shift], [0.0, 1.0]])
    covariance = back @ [[first**2, rho * first * second], [rho * first * second, second**2]] @ back.T
    sd = np.sqrt(np.diag(covariance))
    values = {"sd_g": sd, "corr_g": covariance / np.outer(sd, sd), "sigma": given["sigma"]}
    return fit_at(bm.prepare("y ~ x + (x | g)", data), values)
