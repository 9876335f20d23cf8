"""The Conway-Maxwell Poisson family by its mean: counts with more or less variation than Poisson counts."""

from collections.abc import Callable
from functools import cache
from math import comb
from typing import Any

import numpy as np
from scipy import special

from bayesmixed.errors import SpecError
from bayesmixed.families.links import Array
from bayesmixed.families.parts import MU_RATE, is_count, rate_mean, residual_variance
from bayesmixed.families.records import ANY_VARIATION, Family, Parameter, Values
from bayesmixed.prior_distributions import Prior

_WINDOW = np.arange(72.0)
"""Counts around the mode, or from 0 on, whose probabilities are added one by one; the others are integrals."""
_BELOW = 36.0
_DROP = 42.0
"""Probabilities are left out where they are below exp(-42) of the largest one."""
_POINTS, _SHARES = np.polynomial.legendre.leggauss(16)
_POINTS, _SHARES = 0.5 * (1.0 + _POINTS), 0.5 * _SHARES
_ROUNDS = (20, 10)
_SETTLED = 1e-13
_CHUNK = 1024


def _corrections() -> Array:
    """Return what is added, of the counts 3.5 before to 3.5 after an edge, to an integral from the edge on to make it a sum:
    1/D - 1/delta in powers of the central difference delta (Euler-Maclaurin summation)."""
    found = np.zeros(8)
    for power, factor in ((1, 1 / 24), (3, -17 / 5760), (5, 367 / 967680), (7, -27859 / 464486400)):
        for i in range(power + 1):
            found[4 + (power - 1) // 2 - i] += factor * (-1.0) ** i * comb(power, i)
    return found


_EDGE, _OFFSETS, _FALLS = _corrections(), np.arange(-3.5, 4.0), special.gammaln(_WINDOW + 1.0)


def _end(log_rate: Array, nu: Array, mode: Array, start: Array) -> Array:
    """Return where a log-probability is less than that of the mode by `_DROP`, by Newton's method from a place beyond it."""
    top = mode * log_rate - nu * special.gammaln(mode + 1.0)
    for _ in range(6):
        slope = log_rate - nu * special.psi(start + 1.0)
        away = top - start * log_rate + nu * special.gammaln(start + 1.0) - _DROP
        start = np.maximum(start + away / np.where(np.abs(slope) < 1e-12, -1e-12, slope), -0.5)
    return start


def _layout(log_rate: Array, nu: Array) -> tuple[Array, Array, Array, Array]:
    """Return the first count of the window, the mode, and the ends beyond which nothing is left."""
    mode = np.exp(np.minimum(log_rate / nu, 40.0))
    width = np.sqrt(2.0 * _DROP * (mode + 1.0) / nu)
    last = _end(log_rate, nu, mode, mode + width)
    first = np.minimum(_end(log_rate, nu, mode, np.maximum(mode - width, 0.0)), mode)
    return np.where((first < 8.0) | (mode < _BELOW + 8.0), 0.0, np.floor(mode) - _BELOW), mode, first, last


def _tail(edge: Array, middle: Array, end: Array, side: float) -> tuple[Array, Array]:
    """Return nodes and weights of the sum over counts beyond an edge, a half-number, until an end."""
    there = (end - edge) * side > 0.0
    nodes = [edge[:, None] + side * _OFFSETS]
    weights = [np.where(there[:, None], _EDGE, 0.0)]
    for low, high in ((edge, middle), (middle, end)) if side > 0.0 else ((edge, end),):
        half = 0.5 * np.maximum((high - low) * side, 0.0) * there
        for begin in (0.0, 1.0):
            nodes.append(low[:, None] + side * half[:, None] * (begin + _POINTS))
            weights.append(half[:, None] * _SHARES)
    return np.concatenate(nodes, axis=1), np.concatenate(weights, axis=1)


def _nodes(log_rate: Array, nu: Array) -> tuple[Array, Array, Array]:
    """Return nodes, weights and log y! at the nodes, (n, nodes), of sums over all counts."""
    begin, mode, first, last = _layout(log_rate, nu)
    upper, lower = begin + len(_WINDOW) - 0.5, begin - 0.5
    if np.all(begin == 0.0) and np.all(last <= upper):
        shape = len(nu), len(_WINDOW)
        return tuple(np.broadcast_to(one, shape) for one in (_WINDOW, np.ones(()), _FALLS))  # type: ignore[return-value]
    moved = begin > 0.0
    right = _tail(upper, np.clip(mode, upper, np.maximum(last, upper)), last, 1.0)
    left = _tail(np.where(moved, lower, 8.5), mode, np.where(moved, first, 9.0), -1.0)
    window = begin[:, None] + _WINDOW
    nodes = np.concatenate([window, right[0], left[0]], axis=1)
    return nodes, np.concatenate([np.ones(window.shape), right[1], left[1]], axis=1), special.gammaln(nodes + 1.0)


def _sums(log_rate: Array, nu: Array, nodes: Array, weights: Array, falls: Array) -> tuple[Array, Array, Array, Array]:
    """Return the log of the normalising constant, mean, variance, and the probabilities of nodes, of counts with
    log P(y) = y log_rate - nu log y! - constant; `falls` are log y! at the nodes."""
    logs = nodes * log_rate[:, None] - nu[:, None] * falls
    highest = np.max(logs, axis=1)
    share = weights * np.exp(logs - highest[:, None])
    whole = np.sum(share, axis=1)
    share /= whole[:, None]
    mean = np.einsum("ij,ij->i", share, nodes)
    variance = np.einsum("ij,ij,ij->i", share, nodes - mean[:, None], nodes - mean[:, None])
    return highest + np.log(whole), mean, variance, share


def _solve(mu: Array, nu: Array) -> tuple[Array, tuple[Array, Array, Array]]:
    """Return the log of the rate that gives a mean, with nodes, weights and log y! at the nodes; arguments are vectors.

    E Y^nu = rate and E (Y + 1)^-nu <= 1 / rate bound it on both sides (Jensen's inequality).
    """
    log_mu, under = np.log(mu), nu < 1.0
    low = np.where(under, log_mu - np.log1p(mu), np.maximum(log_mu, nu * log_mu))
    high = np.where(under, np.minimum(log_mu, nu * log_mu), nu * np.log1p(mu))
    # The mean is about rate^(1/nu) - (nu - 1) / (2 nu) (Shmueli et al. 2005, J R Stat Soc C 54:127).
    moved = mu + (nu - 1.0) / (2.0 * nu)
    guess = np.where(moved > 1.0, nu * np.log(np.maximum(moved, 1.0)), log_mu - (1.0 - nu) * np.log1p(mu))
    place = np.clip(guess, low, np.maximum(low, high))
    for rounds in _ROUNDS:
        sums = _nodes(place, nu)
        for _ in range(rounds):
            _, mean, variance, _ = _sums(place, nu, *sums)
            mean, variance = np.maximum(mean, 1e-300), np.maximum(variance, 1e-300)
            low, high = np.where(mean < mu, place, low), np.where(mean < mu, high, place)
            step = place + (log_mu - np.log(mean)) * mean / variance
            step = np.where((step >= low) & (step <= high), step, 0.5 * (low + high))
            place, change = step, np.max(np.abs(step - place), initial=0.0)
            if change < _SETTLED:
                break
    return place, _nodes(place, nu)


def _by_parts(function: Callable[..., Any], *arguments: Any) -> list[Array]:
    """Return results of a function of vectors for arrays that broadcast, the first one means: computed for some elements at a
    time, those with small means together, which need fewer nodes."""
    arrays = np.broadcast_arrays(*(np.asarray(argument, dtype=float) for argument in arguments))
    order = np.argsort(arrays[0], axis=None)
    flat = [array.ravel()[order] for array in arrays]
    starts = range(0, max(order.size, 1), _CHUNK)
    parts = [function(*(array[start : start + _CHUNK] for array in flat)) for start in starts]
    found = []
    for part in zip(*parts, strict=True):
        found.append(np.empty(order.size))
        found[-1][order] = np.concatenate(part)
    return [one.reshape(arrays[0].shape) for one in found]


def _moments(mu: Any, phi: Any) -> list[Array]:
    """Return the log of the rate, that of the normalising constant, the variance, the mean of log y! and its covariance with
    the response, for arrays that broadcast."""

    def of(mu: Array, phi: Array) -> tuple[Array, ...]:
        place, sums = _solve(mu, 1.0 / phi)
        constant, mean, variance, share = _sums(place, 1.0 / phi, *sums)
        fall = np.einsum("ij,ij->i", share, sums[2])
        return place, constant, variance, fall, np.einsum("ij,ij->i", share * (sums[0] - mean[:, None]), sums[2])

    return _by_parts(of, mu, phi)


def _logp(y: Any, values: Values, trials: Any) -> Array:
    log_rate, constant, *_ = _moments(values["mu"], values["phi"])
    return np.asarray(y * log_rate - special.gammaln(np.asarray(y) + 1.0) / values["phi"] - constant)


@cache
def _moments_op() -> Any:
    """Return `_moments` of two vectors as an operation of PyTensor, whose first two results have derivatives in both."""
    import pytensor.tensor as pt
    from pytensor.gradient import DisconnectedType
    from pytensor.graph.basic import Apply
    from pytensor.graph.op import Op

    class Moments(Op):  # type: ignore[misc]
        __props__ = ()

        def make_node(self, mu: Any, phi: Any) -> Any:
            return Apply(self, [mu, phi], [pt.dvector() for _ in range(5)])

        def perform(self, node: Any, inputs: Any, outputs: Any) -> None:
            for cell, value in zip(outputs, _moments(*inputs), strict=True):
                cell[0] = np.ascontiguousarray(value)

        def infer_shape(self, node: Any, shapes: Any) -> Any:
            return [shapes[0]] * 5

        def pullback(self, inputs: Any, outputs: Any, output_grads: Any) -> Any:
            (mu, phi), (_, _, variance, fall, covariance) = inputs, outputs
            of_rate, of_constant, *others = output_grads
            if any(not isinstance(one.type, DisconnectedType) for one in others):
                raise SpecError(
                    "PyTensor has first derivatives of the Conway-Maxwell Poisson density only: sample it (bm.fit), or take "
                    "second ones by differences."
                )
            of_rate, of_constant = (
                pt.zeros_like(mu) if isinstance(one.type, DisconnectedType) else one for one in (of_rate, of_constant)
            )
            # The constant changes by the mean with log_rate and by -E log Y! with nu; at a given mean d log_rate is
            # (d mu + covariance d nu) / variance.
            moved = (of_rate + mu * of_constant) / variance
            return [moved, -(moved * covariance - of_constant * fall) / phi**2]

    return Moments()


def _pytensor_logp(y: Any, values: Values, trials: Any) -> Any:
    import pytensor.tensor as pt

    y = pt.cast(y, "float64")
    mu, phi = (pt.as_tensor_variable(values[name]) + pt.zeros_like(y) for name in ("mu", "phi"))
    log_rate, constant, *_ = _moments_op()(mu, phi)
    return y * log_rate - pt.gammaln(y + 1.0) / phi - constant


def _variance(values: Values, trials: Any) -> Array:
    return _moments(values["mu"], values["phi"])[2]


def _cdf(y: Any, values: Values, trials: Any) -> Array:
    def of(mu: Array, phi: Array, y: Array) -> tuple[Array]:
        nu = 1.0 / phi
        place, sums = _solve(mu, nu)
        constant, _, _, share = _sums(place, nu, *sums)
        begin, mode, first, last = _layout(place, nu)
        size, tail = len(_WINDOW), 8 + 4 * len(_POINTS)
        y = np.clip(np.floor(y), -1.0, np.maximum(np.floor(last), begin + size))
        inside = np.sum(share[:, :size] * (sums[0][:, :size] <= y[:, None]), axis=1) + np.sum(
            share[:, size + tail :], axis=1
        )
        edge = y + 0.5
        beyond = []
        for side, end in ((1.0, last), (-1.0, first)):
            own, shares = _tail(edge, np.clip(mode, edge, np.maximum(last, edge)), end, side)
            logs = own * place[:, None] - nu[:, None] * special.gammaln(own + 1.0) - constant[:, None]
            beyond.append(np.sum(shares * np.exp(np.minimum(logs, 0.0)), axis=1))
        found = np.select([y < begin, y >= begin + size], [beyond[1], 1.0 - beyond[0]], inside)
        return (np.where(y < 0.0, 0.0, np.clip(found, 0.0, 1.0)),)

    return _by_parts(of, values["mu"], values["phi"], np.maximum(y, -1.0))[0]


def _random(rng: np.random.Generator, values: Values, trials: Any, shape: tuple[int, ...]) -> Array:
    """Draw by rejection, as probabilities are log-concave (Devroye 1987, Computing 39:87)."""
    log_rate, constant, *_ = _moments(values["mu"], values["phi"])
    nu = np.broadcast_to(1.0 / np.asarray(values["phi"], dtype=float), log_rate.shape)

    def log_chance(y: Array, log_rate: Array, nu: Array, constant: Array) -> Array:
        at = np.maximum(y, 0.0)
        return np.where(y < 0.0, -np.inf, at * log_rate - nu * special.gammaln(at + 1.0) - constant)

    log_rate, constant, nu = (np.broadcast_to(one, shape).ravel() for one in (log_rate, constant, nu))
    mode = np.floor(np.exp(np.minimum(log_rate / nu, 40.0)))
    top = log_chance(mode, log_rate, nu, constant)
    drawn, left = np.zeros(mode.shape), np.arange(mode.size)
    while left.size:
        chance = np.exp(top[left])
        inner = 1.0 + 0.5 * chance
        flat = rng.random(left.size) <= inner / (1.0 + inner)
        reach = np.where(flat, rng.random(left.size) * inner, inner + rng.exponential(size=left.size)) / chance
        y = mode[left] + np.where(rng.random(left.size) < 0.5, -1.0, 1.0) * np.round(reach)
        level = np.log(rng.random(left.size)) + np.minimum(0.0, inner - chance * reach)
        taken = level <= log_chance(y, log_rate[left], nu[left], constant[left]) - top[left]
        drawn[left[taken]] = y[taken]
        left = left[~taken]
    return drawn.reshape(shape)


CONWAY_MAXWELL_POISSON = Family(
    name="conway_maxwell_poisson",
    offers=ANY_VARIATION,
    parameters=(
        MU_RATE,
        Parameter(
            "phi",
            "dispersion (1: Poisson; variance about phi mu)",
            "log",
            ("log",),
            0.0,
            prior=lambda scale: ("log(phi)", Prior(name="Normal", arguments=(0.0, 1.0))),
            intercept=lambda scale: (0.0, 1.0),
            edges=("For counts without variation there is no family.", ""),
        ),
    ),
    distribution="",
    arguments=lambda values, trials: {},
    pytensor_logp=_pytensor_logp,
    support="whole numbers from 0",
    accepts=is_count,
    logp=_logp,
    cdf=_cdf,
    random=_random,
    mean=lambda values, trials: np.asarray(values["mu"]),
    variance=_variance,
    score=lambda y, values, trials: np.asarray((y - values["mu"]) / _variance(values, trials)),
    information=lambda values, trials: 1.0 / _variance(values, trials),
    latent_variance=lambda values, link, trials: residual_variance(
        np.log1p(_variance(values, trials) / np.square(values["mu"])), link, "log"
    ),
    latent_uses_mean=True,
    smoothed_mean=rate_mean,
    discrete=True,
    title="ConwayMaxwellPoisson",
    hint="For rates, model the count with offset(log(exposure)); for other positive numbers take gamma or lognormal.",
)
