"""Marginal likelihoods by quadrature and by Monte Carlo integration, level by level."""

from typing import NamedTuple

import numpy as np
from scipy import special

from bayesmixed.design.row_likelihoods import RowLikelihood
from bayesmixed.errors import SpecError
from bayesmixed.estimation.conditional_models import MarginalParameters
from bayesmixed.families.links import Array
from bayesmixed.gauss_hermite import product_rule
from bayesmixed.integration.layers import Layer, sum_rows
from bayesmixed.integration.modes import Modes, find_modes
from bayesmixed.integration.nested_quadrature import Centres, Shape, explain_refusal, integrate
from bayesmixed.terms.block_parts import ONE

FREEDOM = 5.0
"""Degrees of freedom of the t from which effects are drawn around their mode."""


class Estimate(NamedTuple):
    """The logarithm of a marginal likelihood at points, (S,), and its Monte Carlo error, 0 for quadrature."""

    value: Array
    error: Array


def explain_no_levels(parameters: MarginalParameters, *, alone: bool) -> str:
    """Return why effects cannot be integrated level by level, "" if they can; with `alone` they must be of one factor."""
    blocks = parameters.design.mu.normal_blocks
    spread = [block.name for block in blocks if block.takes != ONE]
    if spread:
        return f"a row takes several effects of {spread[0]}"
    if alone and len(blocks) > 1:
        return f"effects of {len(blocks)} terms are more than one factor has"
    width = max((block.width for block in blocks), default=0)
    if len(blocks) > 1 and width > 1:
        return "nested factors may have one effect each"
    start = np.zeros((1, len(parameters.places)))
    return explain_refusal(parameters.layers(start)).rstrip(".")


class LevelIntegrals:
    """Marginal likelihoods of a design whose effects are those of one factor, or of nested ones."""

    def __init__(self, parameters: MarginalParameters) -> None:
        self.parameters = parameters
        self._near: dict[int, Centres] = {}

    def quadrature(self, points: Array, *, nodes: int | None, adaptive: bool) -> Estimate:
        """Return the integrals by Gauss-Hermite rules: moved to the mode of each level, or around 0.

        Raises
        ------
        SpecError
            Plain rules were asked for, and there are several factors.
        """
        rows, eta = self.parameters.rows_at(points)
        layers = self.parameters.layers(points)
        if not adaptive:
            (layer,) = layers
            found = [
                np.log(weight) + self._at(rows, eta, layer, np.broadcast_to(z, self._shape(eta, layer)))
                for z, weight in product_rule(nodes or 15, layer.width)
            ]
            return Estimate(special.logsumexp(found, axis=0).sum(axis=-1), np.zeros(len(points)))
        name = self.parameters.design.mu.parameter

        def logs(etas: dict[str, Array]) -> Array:
            with np.errstate(all="ignore"):
                return np.nan_to_num(rows.log_density(etas[name]), nan=-1e10, neginf=-1e10)

        near = self._near.setdefault(len(points), {})
        return Estimate(integrate(logs, {name: eta}, layers, near, nodes=nodes).sum(axis=-1), np.zeros(len(points)))

    def monte_carlo(self, points: Array, noise: Array, *, adaptive: bool) -> Estimate:
        """Return the integrals as means over draws of the effects, from their distribution or from a t around their mode.

        Parameters
        ----------
        noise : (draws, J, K) array
            Numbers between 0 and 1, the same for all points, so that the estimate is smooth.
        """
        rows, eta = self.parameters.rows_at(points)
        (layer,) = self.parameters.layers(points)
        if adaptive:
            modes = self._modes(rows, eta, layer)
            root = np.swapaxes(np.linalg.inv(np.linalg.cholesky(modes.precision)), -1, -2)
            draws = special.stdtrit(FREEDOM, noise)
            away = log_t(draws).sum(axis=-1)
            volume = np.linalg.slogdet(root)[1]
        else:
            draws = special.ndtri(noise)
        logs = []
        for number, draw in enumerate(draws):
            if adaptive:
                z = modes.place + np.einsum("sjkl,jl->sjk", root, draw)
                weight = -0.5 * np.sum(z**2 + np.log(2.0 * np.pi), axis=-1) - away[number] + volume
            else:
                z, weight = np.broadcast_to(draw, self._shape(eta, layer)), 0.0
            logs.append(self._at(rows, eta, layer, z) + weight)
        logs_of_draws = np.array(logs)
        mean = special.logsumexp(logs_of_draws, axis=0) - np.log(len(draws))
        spread = np.var(np.exp(logs_of_draws - mean), axis=0, ddof=1) / len(draws)
        return Estimate(mean.sum(axis=-1), np.sqrt(spread.sum(axis=-1)))

    def _modes(self, rows: RowLikelihood, eta: Array, layer: Layer) -> Modes:
        shape = self._shape(eta, layer)
        return find_modes(Shape(lambda at: self._at(rows, eta, layer, at), shape), np.zeros(shape))

    @staticmethod
    def _shape(eta: Array, layer: Layer) -> tuple[int, int, int]:
        return len(eta), int(layer.index.max()) + 1, layer.width

    @staticmethod
    def _at(rows: RowLikelihood, eta: Array, layer: Layer, z: Array) -> Array:
        """Return the log-density of the rows of each level, (S, J), at standardised effects (S, J, K)."""
        (source,) = layer.sources
        with np.errstate(all="ignore"):
            logs = rows.log_density(eta + source.contribution(z, layer.index))
        return sum_rows(np.nan_to_num(logs, nan=-1e10, neginf=-1e10), layer.index)


def log_t(values: Array) -> Array:
    """Return the log-density of the t from which effects are drawn."""
    constant = special.gammaln(0.5 * (FREEDOM + 1.0)) - special.gammaln(0.5 * FREEDOM) - 0.5 * np.log(FREEDOM * np.pi)
    return np.asarray(constant - 0.5 * (FREEDOM + 1.0) * np.log1p(values**2 / FREEDOM))


def refuse_levels(why: str, method: str, instead: str) -> None:
    """Refuse a method that integrates level by level (SpecError), if there is a reason."""
    if why:
        raise SpecError(f"method='{method}' integrates level by level, and {why}. Take method='{instead}'.")
