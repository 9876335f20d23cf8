"""Marginal likelihoods of one factor with one effect each, by nodes or draws along a line in each level, with derivatives."""

from typing import NamedTuple

import numpy as np
from scipy import special

from bayesmixed.estimation.conditional_models import ConditionalModel, MarginalParameters
from bayesmixed.estimation.effect_modes import find_effect_mode
from bayesmixed.estimation.integrals import FREEDOM, Estimate, log_t
from bayesmixed.families.links import Array
from bayesmixed.gauss_hermite import hermite_rule

_KEPT = 1_000_000
"""Rows times numbers whose derivatives are kept for the second look at them."""


class _Places(NamedTuple):
    """Modes and spreads of levels, (J,), standardised effects there, mode + spread times the numbers, (Q, J), and what
    derivatives of rows there are known."""

    mode: Array
    spread: Array
    z: Array
    rows: list[Array]


class LineIntegrals:
    """Integrals over the standardised effects of the J levels of one factor, as weighted sums at numbers moved to each mode.

    Parameters
    ----------
    numbers, log_weights : (Q, J) arrays
        Numbers, and logarithms of weights such that the sum of exp(weight) f(number) is the integral of f.
    adaptive : bool
        Whether numbers are moved to the mode of each level and scaled with its curvature.
    drawn : bool
        Whether the numbers are draws, so that the integral has a Monte Carlo error.
    """

    def __init__(
        self, parameters: MarginalParameters, numbers: Array, log_weights: Array, *, adaptive: bool, drawn: bool
    ) -> None:
        self.parameters, self.adaptive, self.drawn = parameters, adaptive, drawn
        self.numbers, self.log_weights = numbers, log_weights
        self.index = parameters.pattern(joint=False).indices[:, 0]
        self._start = np.zeros(parameters.effects)

    def estimates(self, points: Array) -> Estimate:
        """Return the logarithms of the marginal likelihood at points (S, d), -inf where there is none."""
        found = np.array([self._estimate(point) for point in points])
        return Estimate(found[:, 0], found[:, 1])

    def _estimate(self, point: Array) -> tuple[float, float]:
        found = self._integrate(self.parameters.at(point))
        if found is None:
            return -np.inf, 0.0
        logs, count = found[0], len(found[0])
        means = np.logaddexp.reduce(logs, axis=0)
        spread = np.var(count * np.exp(logs - means), axis=0, ddof=1).sum() / count if self.drawn else 0.0
        return float(means.sum()), float(np.sqrt(spread))

    def slopes(self, point: Array) -> tuple[float, Array]:
        """Return the logarithm of the marginal likelihood and its derivatives in the parameters, (d,).

        Modes and spreads move with the parameters, and numbers with them.
        """
        model = self.parameters.at(point)
        found = self._integrate(model, kept=len(self.numbers) * len(self.index) <= _KEPT)
        if found is None:
            return -np.inf, np.zeros(len(point))
        logs, places = found
        means = np.logaddexp.reduce(logs, axis=0)
        loadings, index, size = model.values[:, 0], self.index, len(means)
        further = model.further.shape[1]
        of_first, of_loadings = np.zeros(len(index)), np.zeros(len(index))
        of_further, at_mode, at_spread = np.zeros((len(index), further)), np.zeros(size), np.zeros(size)
        for q, share in enumerate(np.exp(logs - means)):
            z, number, own = places.z[q], self.numbers[q], share[index]
            rows = places.rows[q] if places.rows else model.derivatives(model.eta + loadings * z[index], mixed=True)
            of_first += own * rows[:, 1]
            of_loadings += own * rows[:, 1] * z[index]
            of_further += own[:, None] * rows[:, 4::3]
            steep = share * (np.bincount(index, loadings * rows[:, 1], size) - z)
            at_mode += steep
            at_spread += steep * number
        if self.adaptive:
            mode, spread = places.mode, places.spread
            rows = model.derivatives(model.eta + loadings * mode[index], mixed=True)
            # What one more unit of the second derivative at the mode adds by the spread, and of the first by the mode.
            bend = 0.5 * (at_spread + 1.0 / spread) * spread**3
            third = np.bincount(index, loadings**3 * rows[:, 3], size)
            steep = (at_mode + bend * third) * spread**2
            on_bend, on_slope = bend[index], steep[index]
            of_first += on_slope * rows[:, 2] * loadings + on_bend * rows[:, 3] * loadings**2
            of_loadings += on_slope * (rows[:, 1] + rows[:, 2] * loadings * mode[index])
            of_loadings += on_bend * (2.0 * rows[:, 2] * loadings + rows[:, 3] * loadings**2 * mode[index])
            of_further += (on_slope * loadings)[:, None] * rows[:, 5::3] + (on_bend * loadings**2)[:, None] * rows[
                :, 6::3
            ]
        gradient = self.parameters.slopes(model.full, of_first, of_further, of_loadings[:, None])
        return float(means.sum()), gradient

    def _integrate(self, model: ConditionalModel, *, kept: bool = False) -> tuple[Array, _Places] | None:
        """Return the logarithms of the terms of each sum, (Q, J), and where they are; None where there is no density."""
        loadings, index, size = model.values[:, 0], self.index, self.parameters.effects
        mode, spread = np.zeros(size), np.ones(size)
        if self.adaptive:
            found = find_effect_mode(model, self._start) or find_effect_mode(model, np.zeros(size))
            if found is None or found.factor is None:
                return None
            mode = self._start = found.place
            spread = 1.0 / np.sqrt(1.0 - np.bincount(index, loadings**2 * found.rows[:, 2], size))
        logs = np.empty((len(self.numbers), size))
        z, known = mode + spread * self.numbers, []
        for q, place in enumerate(z):
            rows = model.derivatives(model.eta + loadings * place[index], mixed=kept)
            known += [rows] if kept else []
            logs[q] = np.bincount(index, np.nan_to_num(rows[:, 0], nan=-1e10, neginf=-1e10), size) - 0.5 * place**2
        logs += self.log_weights + np.log(spread)
        return logs, _Places(mode, spread, z, known)


def by_nodes(parameters: MarginalParameters, count: int, *, adaptive: bool) -> LineIntegrals:
    """Return the integrals by a Gauss-Hermite rule."""
    x, weights = hermite_rule(count)
    logs = np.log(weights) + 0.5 * x**2
    return LineIntegrals(parameters, x[:, None], logs[:, None], adaptive=adaptive, drawn=False)


def by_draws(parameters: MarginalParameters, noise: Array, *, adaptive: bool) -> LineIntegrals:
    """Return the integrals as means over draws made of numbers between 0 and 1, (draws, J): from a t around the mode of each
    level, or from the distribution of the effects."""
    if adaptive:
        draws = special.stdtrit(FREEDOM, noise)
        logs = -log_t(draws) - 0.5 * np.log(2.0 * np.pi)
    else:
        draws = special.ndtri(noise)
        logs = 0.5 * draws**2
    return LineIntegrals(parameters, draws, logs - np.log(len(draws)), adaptive=adaptive, drawn=True)
