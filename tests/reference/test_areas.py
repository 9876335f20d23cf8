"""Lip cancer in the districts of Scotland: the scaling of the graph, and BYM2 against quadrature over its SDs."""

import numpy as np
import pandas as pd
import pytest
from conftest import read_reference
from scipy import stats

import bayesmixed as bm

SCOTLAND = read_reference("scotland")
GRAPH = SCOTLAND["neighbours"]
FORMULA = "observed ~ outdoor + bym2(area, W) + offset(log(expected))"
PRIORS = {"beta[Intercept]": "Normal(0, 1)", "beta[outdoor]": "Normal(0, 1)"}

pytestmark = pytest.mark.filterwarnings("ignore:'area' has one row in each level")


def districts():
    columns = {name: SCOTLAND[name] for name in ("observed", "expected")}
    return pd.DataFrame(columns | {"area": list(GRAPH), "outdoor": np.array(SCOTLAND["outdoor"]) / 10})


def prepared():
    return bm.prepare(FORMULA, districts(), family="poisson", known={"W": GRAPH}, priors=PRIORS)


def test_the_graph_is_scaled_as_by_inla():
    neighbours = np.array([[float(other in GRAPH[one]) for other in GRAPH] for one in GRAPH])
    inverse = np.linalg.pinv(np.diag(neighbours.sum(axis=0)) - neighbours, hermitian=True)
    near = prepared().mu.groups[1]
    place = [list(GRAPH).index(level) for level in near.levels]
    scale = inverse[np.ix_(place, place)] / near.level_covariances
    assert np.allclose(scale, SCOTLAND["scaling_factor"], rtol=1e-6)


def log_likelihood(own, spatial, x, covariance, table):
    """Return the logarithm of the marginal likelihood of both SDs, coefficients and effects by Laplace's approximation."""
    y, expected = table["observed"].to_numpy(), table["expected"].to_numpy()
    prior = own**2 * np.eye(len(y)) + spatial**2 * covariance + x @ x.T
    precision, f = np.linalg.inv(prior), np.zeros(len(y))
    for _ in range(60):
        mean = expected * np.exp(f)
        step = np.linalg.solve(precision + np.diag(mean), y - mean - precision @ f)
        f = f + step / max(1.0, np.abs(step).max())
    mean = expected * np.exp(f)
    rows = stats.poisson(mean).logpmf(y).sum() - 0.5 * f @ precision @ f
    return rows - 0.5 * np.linalg.slogdet(np.eye(len(y)) + prior @ np.diag(mean))[1]


@pytest.mark.calibration
def test_bym2_has_the_posterior_of_quadrature():
    design, table = prepared(), districts()
    near = design.mu.groups[1]
    place = [near.levels.index(area) for area in table["area"]]
    covariance = near.level_covariances[np.ix_(place, place)]
    x = np.column_stack([np.ones(56), table["outdoor"]])
    own, spatial = np.meshgrid(np.linspace(0.01, 1.0, 34), np.linspace(0.01, 1.8, 45), indexing="ij")
    logs = np.vectorize(lambda a, b: log_likelihood(a, b, x, covariance, table))(own, spatial)
    logs += stats.t(4).logpdf(own) + stats.t(4).logpdf(spatial)
    weights = np.exp(logs - logs.max()) / np.exp(logs - logs.max()).sum()
    both = np.sqrt(own**2 + spatial**2)
    fit = bm.sample(design, draws=2500, seed=1, progress=False)
    found = bm.variance_components(fit).query("quantity in ('sd', 'rho')")[["mean", "sd"]].to_numpy()
    for values, name, sampled in zip(
        (own, spatial, both, spatial**2 / both**2), SCOTLAND["posterior"], found, strict=True
    ):
        mean = np.sum(weights * values)
        sd = np.sqrt(np.sum(weights * values**2) - mean**2)
        assert [mean, sd] == pytest.approx(SCOTLAND["posterior"][name], abs=0.004)
        assert sampled == pytest.approx([mean, sd], abs=0.012)
