"""Of normal models the working model is the model: every estimate is the collapsed density."""

import numpy as np
import pytest
from marginal_designs import ROWS, prepared, with_nodes

from bayesmixed.engines.marginal_estimates import find_estimates
from bayesmixed.engines.marginal_layout import lay_out_marginal
from bayesmixed.kernels.collapsed.compiled import evaluate
from bayesmixed.kernels.collapsed.layouts import lay_out_collapsed


def table():
    generator = np.random.default_rng(3)
    i = np.arange(ROWS)
    return {
        "y": 20 + 3 * generator.normal(size=ROWS) + i % 6,
        "x": generator.normal(size=ROWS) + 1.0,
        "w": 0.5 + generator.uniform(size=ROWS),
        "o": generator.normal(size=ROWS),
        "g": np.array(list("abcdefgh"))[i % 8],
        "h": np.array([f"h{k}" for k in range(5)])[generator.integers(0, 5, ROWS)],
        "m": np.array(list("pqrs"))[i % 4],
        "each": i.astype(str),
        "u": np.array(list("pqrs"))[(i // 3) % 4],
    }


NORMAL = {
    "one factor": ("y ~ x + (1 | g)", {}),
    "slopes": ("y ~ x + (0 + x | g)", {}),
    "offset": ("y ~ x + offset(o) + (1 | g)", {}),
    "weights": ("y | weights(w, 'precision') ~ x + (1 | g)", {}),
    "crossed": ("y ~ x + (1 | g) + (1 | h)", {}),
    "correlated in the border": ("y ~ x + (1 | g) + (x | m)", {}),
    "several levels": ("y ~ 1 + (1 | g) + (1 | mm(m, u))", {}),
    "smooth": ("y ~ s(x, k=5) + (1 | g)", {}),
    "fixed": ("y ~ x + (1 | g) + (1 | h)", {"beta[x]": 0.7, "sd_h": 0.8, "sigma": 3.0}),
    "correlated": ("y ~ x + (x | g)", {}),
    "three effects": ("y ~ x + (x + o | g) + (1 | h)", {}),
    "two parts": ("y ~ x + (1 | g) + (0 + x | g)", {}),
    "effects of rows": ("y ~ x + (1 | g) + (1 | h) + (1 | each)", {"sigma": 1.5}),
    "slopes and effects of rows": ("y ~ x + (x | g) + (1 | each)", {"sigma": 1.5, "sd_each": 0.7}),
    "no population": ("y ~ 0 + (1 | g)", {}),
}


@pytest.mark.parametrize("name", NORMAL)
def test_of_a_normal_model_every_estimate_is_the_density_itself(name):
    formula, priors = NORMAL[name]
    design = prepared(formula, table(), priors=priors)
    estimates = with_nodes(find_estimates(lay_out_marginal(design)), 41)
    collapsed = lay_out_collapsed(design)
    generator = np.random.default_rng(1)
    points = estimates.mode + generator.normal(size=(5, len(estimates.mode)))
    noise = generator.normal(size=(5, estimates.kept))
    logs, _ = estimates.estimate(points, noise, -0.5 * np.sum(noise**2, axis=1))
    exact = [evaluate(collapsed.packed, point)[0] for point in points]
    assert logs == pytest.approx(exact, rel=1e-9)
