"""Tensor products of splines: mgcv's penalised fits at its smoothing parameters, and replay on other points."""

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.terms.tensor_bases import learn_tensor

NUMBERS = np.arange(120)
DATA = pd.DataFrame({"x": ((NUMBERS * 0.618034) % 1).round(3), "z": (100 * ((NUMBERS * 0.754878) % 1)).round(2)})
DATA["y"] = (np.sin(5 * DATA["x"]) * DATA["z"] / 50 + np.cos(DATA["z"] / 20) + np.cos(7 * NUMBERS) / 4).round(4)
NEW = pd.DataFrame({"x": [0.1, 0.5, 0.9, 1.2], "z": [20, 80, 50, 110]})
REFERENCES = {
    "te(x, z, k=[5, 6])": (
        [0.0706953670730031, 0.2716751692997045],
        [0.344286576240776, 0.329213441796090],
        [0.844092914569, 0.386612614197, -1.732592114655, -3.100942611767],
    ),
    "ti(x, z, k=[5, 6])": (
        [5.82044906094919e-01, 2.90025948918078e05],
        [0.0861033316124572, 0.0832951376304743],
        [-0.3107674379268, 0.1524143944692, -0.0636277055277, -2.2508279890020],
    ),
    'te(x, z, bs=["cc", "cr"])': (
        [0.111832224312931, 0.493522734209893],
        [0.274333182950156, 0.358909430517282],
        [0.636336413040, 0.307902589615, -1.557456562260],
    ),
}
"""By term: m$sp, m$smooth[[1]]$S.scale and predict(m, NEW) of m <- gam(y ~ TERM, data = DATA, method = "REML")."""


@pytest.mark.parametrize("text", REFERENCES)
@pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
def test_a_penalised_fit_is_that_of_mgcv_at_its_smoothing_parameters(text):
    smoothing, scale, expected = REFERENCES[text]
    design = bm.prepare(f"y ~ {text}", DATA)
    tensor = design.mu.curves[0].tensor
    largest = [margin.penalties.max() for margin in tensor.margins]
    penalty = sum(s / c * d / top for s, c, d, top in zip(smoothing, scale, tensor.penalties, largest, strict=True))
    free = design.mu.population.matrix
    columns = np.hstack([free, design.mu.curves[0].matrix])
    rows = np.hstack([np.zeros((len(penalty), free.shape[1])), np.diag(np.sqrt(penalty))])
    size = np.linalg.norm(columns, axis=0)
    target = np.append(design.response, np.zeros(len(penalty)))
    found = np.linalg.lstsq(np.vstack([columns, rows]) / size, target, rcond=None)[0] / size
    at = bm.prepare(design.spec, NEW.iloc[: len(expected)], like=design)
    made = np.hstack([at.mu.population.matrix, at.mu.curves[0].matrix]) @ found
    np.testing.assert_allclose(made, expected, atol=1e-7)


@pytest.mark.parametrize("main", [True, False])
def test_penalised_columns_are_orthogonal_to_those_without_a_penalty_and_are_replayed(main):
    points = DATA[["x", "z"]].to_numpy()
    tensor = learn_tensor(points, (4, 5), ("cr", "cr"), main=main)
    free = np.column_stack([np.ones(len(points)), tensor.free(points)])
    assert free.shape[1] == (4 if main else 2)
    columns = tensor.penalised(points)
    assert columns.shape[1] == (20 - 4 if main else 12 - 1)
    np.testing.assert_allclose(free.T @ columns / np.linalg.norm(free, axis=0)[:, None], 0.0, atol=1e-9)
    np.testing.assert_allclose(tensor.penalised(points[[7, 3]]), columns[[7, 3]], atol=1e-12)


def test_without_main_effects_the_surface_sums_to_zero_along_each_covariate():
    grid = np.array([(x, z) for x in np.linspace(0, 1, 6) for z in np.linspace(0, 9, 7)])
    tensor = learn_tensor(grid, (4, 5), ("cr", "cr"), main=False)
    surface = tensor.penalised(grid).reshape(6, 7, -1)
    np.testing.assert_allclose(surface.sum(axis=0), 0.0, atol=1e-9)
    np.testing.assert_allclose(surface.sum(axis=1), 0.0, atol=1e-9)
