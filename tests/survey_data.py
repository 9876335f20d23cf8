"""Tables of classic and simulated designs, and reports on them."""

import numpy as np
import pandas as pd
from conftest import classic

import bayesmixed as bm

PENICILLIN = "diameter ~ 1 + (1 | plate) + (1 | dish)"


def penicillin():
    return classic("lme4", "Penicillin").rename(columns={"sample": "dish"})


def classroom():
    """Return 30 schools of 1 to 9 classes, whose labels begin with 1 in every school."""
    generator = np.random.default_rng(1)
    rows = [
        (school, room)
        for school in range(1, 31)
        for room in range(1, generator.integers(1, 10) + 1)
        for _ in range(generator.integers(2, 8))
    ]
    data = pd.DataFrame(rows, columns=["school", "class"])
    return data.assign(ses=generator.normal(size=len(data)), mathscore=generator.normal(500, 30, len(data)))


def report_on(spec, data, **options):
    return bm.check_data(bm.from_formula(spec, **options) if "~" in spec else spec, data)
