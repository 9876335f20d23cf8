"""Families without a compiled row: ranks of true values among prior draws that are weighted by the density of the record."""

import numpy as np
import pytest
from scipy import special, stats

import bayesmixed as bm

DRAWS, ROWS, SETS = 10_000, 12, 40


def priors(name, generator, size):
    """Return draws of the parameters, (size, 1) each."""
    drawn = {
        "tweedie": lambda: {
            "mu": generator.lognormal(0.5, 0.6, size),
            "phi": np.abs(generator.normal(0.0, 1.5, size)),
            "power": 1.0 + generator.beta(2.0, 2.0, size),
        },
        "conway_maxwell_poisson": lambda: {
            "mu": generator.lognormal(1.0, 0.6, size),
            "phi": generator.lognormal(0.0, 0.8, size),
        },
        "shifted_lognormal": lambda: {
            "mu": generator.normal(-1.0, 0.6, size),
            "sigma": generator.lognormal(-0.7, 0.4, size),
            "ndt": np.abs(generator.normal(0.0, 0.3, size)),
        },
    }
    return {parameter: values[:, None] for parameter, values in drawn[name]().items()}


@pytest.mark.calibration
@pytest.mark.parametrize("name", ["tweedie", "conway_maxwell_poisson", "shifted_lognormal"])
def test_true_values_have_uniform_ranks(name):
    family, generator = bm.FAMILIES[name], np.random.default_rng(11)
    ranks: dict[str, list[float]] = {}
    for _ in range(SETS):
        truth = priors(name, generator, 1)
        y = family.random(generator, truth, 1.0, (1, ROWS))
        drawn = priors(name, generator, DRAWS)
        logs = np.sum(family.logp(y, drawn, 1.0), axis=1)
        weights = np.exp(logs - special.logsumexp(logs))
        assert np.sum(weights) ** 2 / np.sum(weights**2) > 20
        for parameter, values in drawn.items():
            ranks.setdefault(parameter, []).append(float(weights @ (values[:, 0] < truth[parameter].item())))
    for parameter, found in ranks.items():
        p = stats.kstest(found, "uniform").pvalue
        print(f"{name}, {parameter}: {SETS} ranks, p = {p:.3f}")
        assert p > 0.01 / len(ranks)
