"""Pupils in classes in schools, whose SDs may be zero."""

import numpy as np

RNG = np.random.default_rng(5)


SCHOOL = np.repeat(np.arange(15), 8)


CLASS = np.repeat(np.arange(40), 3)


DATA = {
    "y": 3.0 + RNG.normal(size=15)[SCHOOL] + 2.0 * RNG.normal(size=120),
    "x": RNG.normal(size=120),
    "school": [f"s{i}" for i in SCHOOL],
    "class": [f"c{i}" for i in CLASS],
}
