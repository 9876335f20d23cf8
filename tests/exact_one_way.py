"""Fits of `y ~ 1 + (1 | g)` whose draws are independent and from the exact posterior, by sums over a grid."""

import warnings
from typing import Any

import fixed_draws
import numpy as np
import pandas as pd
import pytest
from scipy import special

import bayesmixed as bm

KNOWN = {
    "gaussian": {"sigma": 1.0},
    "student": {"sigma": 1.0, "nu": 5.0},
    "lognormal": {"sigma": 0.5},
    "gamma": {"shape": 4.0},
    "inverse_gaussian": {"shape": 4.0},
    "beta": {"phi": 10.0},
    "bernoulli": {},
    "binomial": {},
    "beta_binomial": {"phi": 10.0},
    "poisson": {},
    "negbin": {"theta": 3.0},
    "negbin1": {"phi": 0.8},
    "zero_inflated_poisson": {"zi": 0.2},
    "hurdle_poisson": {"hu": 0.3},
    "hurdle_gamma": {"shape": 4.0, "hu": 0.3},
}
"""Families, with the further parameters that are known to the model."""
BETA, SD = 0.7, 0.6
_POINTS, _NODES = 51, 61


def simulate_one_way(
    family: str, groups: int, size: int, seed: int, *, sd: float = SD, beta: float = BETA
) -> pd.DataFrame:
    """Return data of a right model."""
    rows = pd.DataFrame({"g": np.repeat([f"{i:03}" for i in range(groups)], size), "n": 12})
    truth = {"beta[Intercept]": beta, "sd_g[Intercept]": sd, **KNOWN[family]}
    return bm.simulate(_spec(family, KNOWN[family]), data=rows, truth=truth, seed=seed).data


def exact_fit(family: str, data: pd.DataFrame, seed: int = 0, *, chains: int = 4, draws: int = 250) -> bm.Fit:
    """Return the fit of a family whose further parameters are known, under default priors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        design = bm.prepare(_spec(family, KNOWN[family]), data)
    generator = np.random.default_rng([seed, 5])
    values = _draw(design, generator, chains * draws)
    shaped = {name: v.reshape(chains, draws, *v.shape[1:]) for name, v in values.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fixed_draws, "CHAINS", chains)
        patch.setattr(fixed_draws, "DRAWS", draws)
        return fixed_draws.fit_at(design, {**KNOWN[family], **shaped})


def _spec(family: str, known: dict[str, float]) -> Any:
    trials = " | trials(n)" if bm.FAMILIES[family].has_trials else ""
    return bm.from_formula(f"y{trials} ~ 1 + (1 | g)", family=family, priors=dict(known))


def _draw(design: Any, generator: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    family, link, index = design.family, design.mu.link, design.mu.groups[0].index
    y, trials = (np.broadcast_to(np.asarray(a, dtype=float), index.shape) for a in (design.response, design.trials))
    levels = int(index.max()) + 1
    known = KNOWN[family.name]
    z = np.linspace(-5.5, 5.5, _NODES)
    location = float(design.priors["beta[Intercept]"].prior.arguments[0])
    betas, sds = np.linspace(location - 1.6, location + 1.6, _POINTS), np.geomspace(0.02, 4.0, _POINTS)

    def logs(eta: np.ndarray) -> np.ndarray:
        """Return the log-likelihood of each group at predictors (n, ...)."""
        values = {**known, family.parameters[0].name: link.inverse(eta)}
        shape = (-1, *[1] * (eta.ndim - 1))
        each = family.logp(y.reshape(shape), values, trials.reshape(shape))
        total = np.zeros((levels, *eta.shape[1:]))
        np.add.at(total, index, each)
        return total

    prior = design.priors["beta[Intercept]"].prior.frozen().logpdf(betas)[:, None]
    prior = prior + design.priors["sd_g[Intercept]"].prior.frozen().logpdf(sds) + np.log(sds)
    eta = np.arange(betas.min() - 6.0 * sds.max(), betas.max() + 6.0 * sds.max(), 0.02)
    table = logs(np.broadcast_to(eta, (len(y), len(eta))))
    at = betas[:, None, None] + sds[:, None] * z
    conditional = np.stack([np.interp(at, eta, row) for row in table]) - 0.5 * z**2
    joint = prior + special.logsumexp(conditional, axis=-1).sum(axis=0)
    mass = np.exp(joint - joint.max()).ravel()
    cells = generator.choice(mass.size, size=count, p=mass / mass.sum())
    b, s = np.unravel_index(cells, joint.shape)
    beta = betas[b] + (betas[1] - betas[0]) * generator.uniform(-0.5, 0.5, count)
    sd = sds[s] * (sds[1] / sds[0]) ** generator.uniform(-0.5, 0.5, count)
    law = np.exp(conditional - conditional.max(axis=-1, keepdims=True))[:, b, s]
    cumulative = np.cumsum(law, axis=-1)
    place = (cumulative < generator.uniform(size=(levels, count, 1)) * cumulative[..., -1:]).sum(axis=-1)
    effect = z[place] + (z[1] - z[0]) * generator.uniform(-0.5, 0.5, place.shape)
    # The predictor of a group is what its data know; the effects follow it when coefficient and SD move in their cell.
    total = (betas[b] + sds[s] * effect).T
    return {"beta": beta[:, None], "sd_g": sd[:, None], "b_g": (total - beta[:, None])[..., None]}
