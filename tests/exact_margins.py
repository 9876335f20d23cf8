"""The exact posterior of `y ~ 1 + (1 | g)`, further parameters known, by sums over grids."""

from typing import Any

import numpy as np
from scipy import special, stats

Array = np.ndarray[Any, Any]


def grid_logs(design: Any, known: dict[str, float], betas: Array, sds: Array) -> Array:
    """Return the log-density of the data and both priors, (sds, betas), the effects integrated out."""
    family, link, block = design.family, design.mu.link, design.mu.normal_blocks[0]
    index = np.asarray(block.read_rows()[0])
    y, trials = (np.broadcast_to(np.asarray(a, dtype=float), index.shape) for a in (design.response, design.trials))
    z = np.linspace(-6, 6, 161)
    weight = stats.norm.pdf(z) * (z[1] - z[0])
    prior = design.priors["beta[Intercept]"].prior.frozen().logpdf(betas)
    found = []
    for sd in sds:
        whole = np.zeros(len(betas))
        for level in range(len(block.levels)):
            own = index == level
            eta = design.mu.offset[own][:, None, None] + betas[:, None] + sd * z
            values = {**known, family.parameters[0].name: link.inverse(eta)}
            with np.errstate(all="ignore"):
                rows = family.logp(y[own][:, None, None], values, trials[own][:, None, None]).sum(axis=0)
            whole += special.logsumexp(np.nan_to_num(rows, nan=-1e10, neginf=-1e10), b=weight, axis=-1)
        found.append(whole + prior + design.priors[f"sd_{block.name}[Intercept]"].prior.frozen().logpdf(sd))
    return np.array(found)


class Margin:
    """A law on a fine grid, with what a test compares."""

    def __init__(self, grid: Array, mass: Array) -> None:
        self.grid, self.mass = grid, mass / mass.sum()

    def mean(self) -> float:
        return float(self.grid @ self.mass)

    def std(self) -> float:
        return float(np.sqrt((self.grid - self.mean()) ** 2 @ self.mass))

    def ppf(self, probability: float) -> float:
        return float(np.interp(probability, np.cumsum(self.mass) - 0.5 * self.mass, self.grid))


def exact_margins(design: Any, known: dict[str, float], spread: float = 4.0) -> tuple[Margin, Margin]:
    """Return the posteriors of the intercept and of the SD."""
    location = float(design.priors["beta[Intercept]"].prior.arguments[0])
    betas = location + spread * np.linspace(-1.0, 1.0, 81)
    u = 0.95 * (np.arange(120) + 0.5) / 120
    sds = u / (1.0 - u)
    logs = grid_logs(design, known, betas, sds) - 2.0 * np.log1p(-u)[:, None]
    mass = np.exp(logs - logs.max())
    fine = 0.95 * (np.arange(4000) + 0.5) / 4000
    return Margin(betas, mass.sum(axis=0)), Margin(fine / (1.0 - fine), np.interp(fine, u, mass.sum(axis=1)))


def assert_law(draws, law, errors=4.5):
    """Compare mean, SD and outer quantiles of draws with those of a law, given the effective number of draws."""
    import arviz_stats

    size = float(arviz_stats.ess(draws, chain_axis=0, draw_axis=1, method="mean"))
    assert abs(draws.mean() - law.mean()) < errors * law.std() / np.sqrt(size)
    assert abs(draws.std() / law.std() - 1.0) < 2.0 * errors / np.sqrt(size)
    for probability in (0.025, 0.5, 0.975):
        below = np.mean(draws < law.ppf(probability))
        assert abs(below - probability) < errors * np.sqrt(probability * (1.0 - probability) / size)
