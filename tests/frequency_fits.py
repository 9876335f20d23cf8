"""Rows with frequencies and the same rows written out, and fits of both at the same draws."""

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at

import bayesmixed as bm

SLOPES = {"sd_g": [0.7, 0.4], "corr_g": [[1.0, 0.3], [0.3, 1.0]]}
CASES = {
    "normal": ("y | weights(w, frequency) ~ x + (x | g)", {}, SLOPES),
    "lognormal": ("z | weights(w, frequency) ~ x + (1 | g/h)", {"family": "lognormal"}, {"sd_g": 0.5, "sd_g:h": 0.3}),
    "counts": ("k | weights(w, frequency) ~ x + (1 | g/h)", {"family": "poisson"}, {"sd_g": 0.5, "sd_g:h": 0.3}),
    "slopes of shares": ("k | trials(n) + weights(w, frequency) ~ x + (x | g)", {"family": "binomial"}, SLOPES),
    "a modelled scale": ("y | weights(w, frequency) ~ x + (1 | g)", {"sigma": "~ x"}, {"sd_g": 0.7, "beta_sigma": 0.1}),
}
each_case = pytest.mark.parametrize("case", CASES)


def weighted_and_written_out(case):
    """Return two fits with the same draws."""
    formula, options, values = CASES[case]
    stream = np.random.default_rng(4)
    rows = pd.DataFrame({"x": stream.normal(size=24), "g": np.repeat(list("abcdef"), 4), "w": 1 + np.arange(24) % 3})
    rows["h"] = np.tile(["u", "u", "v", "v"], 6)
    rows["y"], rows["k"], rows["n"] = stream.normal(size=24), stream.poisson(2.0, 24), 12
    rows["z"] = np.exp(rows["y"])
    plain = formula.replace(" + weights(w, frequency)", "").replace(" | weights(w, frequency)", "")
    frames = {formula: rows, plain: rows.loc[rows.index.repeat(rows["w"])].reset_index(drop=True)}
    values = {"beta": [0.5, 0.2], "sigma": 0.8} | values
    return [
        fit_at(bm.prepare(bm.from_formula(text, **options), frame), values, jitter=1e-3)
        for text, frame in frames.items()
    ]
