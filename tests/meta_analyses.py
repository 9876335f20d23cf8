"""Estimates with known standard errors, and the exact posterior of a common mean and an SD between studies."""

import numpy as np
import pandas as pd
from scipy import stats


def eight_schools():
    """Return the effects of coaching in eight schools and their standard errors (Rubin 1981, J Educ Stat 6:377)."""
    return pd.DataFrame(
        {
            "school": list("ABCDEFGH"),
            "y": [28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0],
            "s": [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0],
        }
    )


def exact_posterior(data, tau_density, mean=0.0, sd=np.inf, seed=0, draws=100_000):
    """Return draws of tau, the overall mean and the true effects, by quadrature over tau (Gelman et al. 2013, section 5.4).

    The overall mean has the prior Normal(mean, sd), integrated out in closed form.
    """
    y, s = data["y"].to_numpy(), data["s"].to_numpy()
    grid = (np.arange(4000) + 0.5) / 4000 * 120
    precision = 1.0 / (s**2 + grid[:, None] ** 2)
    whole = precision.sum(axis=1) + sd**-2.0
    centre = (precision @ y + mean * sd**-2.0) / whole
    logs = 0.5 * np.sum(np.log(precision), axis=1) - 0.5 * np.log(whole)
    logs += -0.5 * (precision @ y**2) + 0.5 * whole * centre**2
    density = np.exp(logs - logs.max()) * tau_density(grid)
    generator = np.random.default_rng(seed)
    chosen = generator.choice(len(grid), draws, p=density / density.sum())
    tau = grid[chosen]
    overall = generator.normal(centre[chosen], whole[chosen] ** -0.5)
    share = tau[:, None] ** 2 / (tau[:, None] ** 2 + s**2)
    effects = generator.normal(overall[:, None] + share * (y - overall[:, None]), np.sqrt(share) * s)
    return tau, overall, effects


def half_student(scale):
    return lambda tau: stats.t(4).pdf(tau / scale)
