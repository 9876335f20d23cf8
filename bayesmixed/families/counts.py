"""Families of counts."""

from itertools import pairwise
from typing import Any

import numpy as np
from scipy import special

from bayesmixed.families.links import Array, Link
from bayesmixed.families.parts import MU_RATE, half_normal, is_count, rate_mean, residual_variance
from bayesmixed.families.records import MORE_VARIATION, PLAIN, Family, Parameter, Values
from bayesmixed.families.tails import Tails, beta_tails, gamma_tails

_EXACT = 250
"""Terms of a series that are summed one by one; the rest is an integral."""
_NOTHING = 1e-12
_MANY, _KNOTS = 1e8, 150
_HUGE = 1e15


def _poisson_logp(y: Any, values: Values, trials: Any) -> Array:
    return np.asarray(special.xlogy(y, values["mu"]) - values["mu"] - special.gammaln(y + 1.0))


def _poisson_cdf(y: Any, values: Values, trials: Any) -> Array:
    return np.where(np.less(y, 0), 0.0, special.pdtr(np.floor(np.maximum(y, 0.0)), values["mu"]))


def _log_latent_variance(squared_cv: Any, link: Link) -> Array:
    # The log-normal form; the delta form, the squared CV itself, is 25 % too large for a Poisson mean of 2.
    return residual_variance(np.log1p(squared_cv), link, "log")


def log_rising(y: Any, size: Any) -> Array:
    """Return log Gamma(size + y) - log Gamma(size), without loss of digits for a large size."""
    positive = np.maximum(y, 1.0)
    return np.where(np.greater(y, 0), special.gammaln(positive) - special.betaln(size, positive), 0.0)


def _negbin_logp(y: Any, values: Values, trials: Any) -> Array:
    """Return the log-density of the negative binomial of mean mu and size theta."""
    mu, theta = values["mu"], values["theta"]
    failures = theta * np.log1p(mu / theta)
    return np.asarray(
        log_rising(y, theta) - special.gammaln(y + 1.0) - failures + special.xlogy(y, mu) - y * np.log(mu + theta)
    )


def _negbin_cdf(y: Any, values: Values, trials: Any) -> Array:
    mu, theta = values["mu"], values["theta"]
    below = special.betainc(theta, np.floor(np.maximum(y, 0.0)) + 1.0, theta / (theta + mu))
    return np.where(np.less(y, 0), 0.0, below)


def _poisson_tails(m: Any, y: Any, values: Values, trials: Any) -> Tails:
    above, below = gamma_tails(m, np.floor(y) + 1.0, m.log(values["mu"]))
    return below, above


def _negbin_tails(m: Any, y: Any, values: Values, trials: Any) -> Tails:
    mu, theta = values["mu"], values["theta"]
    return beta_tails(m, theta, np.floor(y) + 1.0, theta / (theta + mu), mu / (theta + mu))


def draw_poisson(rng: np.random.Generator, rate: Any, shape: tuple[int, ...]) -> Array:
    """Return Poisson numbers, also of rates beyond whole numbers of 64 bits, where they are normal."""
    rate = np.broadcast_to(rate, shape)
    found = rng.poisson(np.minimum(rate, _HUGE), shape).astype(float)
    beyond = rate > _HUGE
    if np.any(beyond):
        with np.errstate(invalid="ignore"):
            moved = rate + (found - _HUGE) * np.sqrt(np.minimum(rate, np.finfo(float).max) / _HUGE)
        found = np.where(beyond, moved, found)
    return found


def _negbin_random(rng: np.random.Generator, values: Values, trials: Any, shape: tuple[int, ...]) -> Array:
    rate = rng.gamma(values["theta"], values["mu"] / values["theta"], shape)
    return draw_poisson(rng, rate, shape)


def _with_theta(values: Values) -> Values:
    """Return the parameters of the negative binomial whose variance is mu (1 + phi)."""
    return {"mu": values["mu"], "theta": values["mu"] / values["phi"]}


def _negbin1_score(y: Any, values: Values, trials: Any) -> Array:
    phi, theta = values["phi"], values["mu"] / values["phi"]
    return np.asarray((special.digamma(y + theta) - special.digamma(theta) - np.log1p(phi)) / phi)


def _negbin1_information(values: Values, trials: Any) -> Array:
    """Return the expected information; of many rows with one phi by a cubic spline in log(mu), to about 6 digits."""
    from scipy.interpolate import CubicSpline

    mu, phi = (np.asarray(value, dtype=float) for value in np.broadcast_arrays(values["mu"], values["phi"]))
    if mu.size <= 2 * _KNOTS or np.ptp(phi) > 0.0 or not np.ptp(mu) > 0.0:
        return _negbin1_sum(mu, phi)
    knots = np.linspace(np.log(mu.min()), np.log(mu.max()), _KNOTS)
    found = CubicSpline(knots, np.log(_negbin1_sum(np.exp(knots), np.full(_KNOTS, phi.flat[0]))))
    return np.asarray(np.exp(found(np.log(mu))))


def _negbin1_sum(mu: Array, phi: Array) -> Array:
    """Return the expected information: sum over k >= 0 of P(Y > k) / (theta + k)^2, over phi^2, theta = mu / phi.

    It is -E of the second derivative, with trigamma(theta) - trigamma(theta + y) written as a sum. The far terms are
    integrated by Gauss-Legendre rules on both sides of the mean, where any probability is left.
    """
    theta, share = mu / phi, phi / (1.0 + phi)
    mass = np.exp(-theta * np.log1p(phi))
    above = -np.expm1(-theta * np.log1p(phi))
    total = np.array(above / np.square(theta))
    for k in range(1, _EXACT):
        mass = mass * share * (theta + k - 1.0) / k
        above = np.maximum(above - mass, 0.0)
        total += above / np.square(theta + k)
    # Of many counts the distribution is normal, and only its mean is informative about mu.
    many = theta > _MANY
    far = (above > _NOTHING * total) & ~many
    if np.any(far):
        total[far] += _far_information(mu[far], phi[far])
    return np.where(many, 1.0 / (mu * (1.0 + phi)), total / np.square(phi))


def _far_information(mu: Array, phi: Array) -> Array:
    """Return the sum over k >= _EXACT of P(Y > k) / (theta + k)^2."""
    theta, sd = mu / phi, np.sqrt(mu * (1.0 + phi))
    total = np.zeros_like(theta)
    bounds = [np.full(theta.shape, _EXACT - 0.5)]
    bounds += [np.maximum(mu + reach * sd, bounds[0]) for reach in (-8.0, -3.0, 0.0, 3.0, 8.0, 20.0, 60.0)]
    nodes, weights = np.polynomial.legendre.leggauss(16)
    for low, high in pairwise(bounds):
        # In log(theta + k), where there is no steep part.
        half = 0.5 * np.log((theta + high) / (theta + low))
        for node, weight in zip(nodes, weights, strict=True):
            place = (theta + low) * np.exp(half * (1.0 + node))
            above = special.betaincc(theta, place - theta + 1.0, theta / (theta + mu))
            total += weight * half * above / place
    return total


POISSON = Family(
    name="poisson",
    concave_links=("log",),
    offers=PLAIN,
    parameters=(MU_RATE,),
    distribution="Poisson",
    arguments=lambda values, trials: {"mu": values["mu"]},
    support="whole numbers from 0",
    accepts=is_count,
    logp=_poisson_logp,
    cdf=_poisson_cdf,
    log_tails=_poisson_tails,
    constant=lambda y, trials: -special.gammaln(y + 1.0),
    random=lambda rng, values, trials, shape: draw_poisson(rng, values["mu"], shape),
    mean=lambda values, trials: np.asarray(values["mu"]),
    variance=lambda values, trials: np.asarray(values["mu"]),
    score=lambda y, values, trials: y / values["mu"] - 1.0,
    information=lambda values, trials: 1.0 / np.asarray(values["mu"]),
    latent_variance=lambda values, link, trials: _log_latent_variance(1.0 / values["mu"], link),
    latent_uses_mean=True,
    smoothed_mean=rate_mean,
    summable="counts",
    discrete=True,
    hint="For rates, model the count with offset(log(exposure)); for other positive numbers take gamma or lognormal.",
)

NEGBIN = Family(
    name="negbin",
    concave_links=("log",),
    offers=MORE_VARIATION,
    parameters=(
        MU_RATE,
        Parameter(
            "theta",
            "size (variance mu + mu^2 / theta)",
            "log",
            ("log",),
            0.0,
            prior=lambda scale: half_normal("1/sqrt(theta)"),
            intercept=lambda scale: (1.3, 2.2),
        ),
    ),
    distribution="NegativeBinomial",
    arguments=lambda values, trials: {"mu": values["mu"], "alpha": values["theta"]},
    support="whole numbers from 0",
    accepts=is_count,
    logp=_negbin_logp,
    cdf=_negbin_cdf,
    log_tails=_negbin_tails,
    constant=lambda y, trials: -special.gammaln(y + 1.0),
    random=_negbin_random,
    mean=lambda values, trials: np.asarray(values["mu"]),
    variance=lambda values, trials: values["mu"] + np.square(values["mu"]) / values["theta"],
    score=lambda y, values, trials: (y - values["mu"]) / (values["mu"] * (1.0 + values["mu"] / values["theta"])),
    information=lambda values, trials: 1.0 / (values["mu"] * (1.0 + values["mu"] / values["theta"])),
    latent_variance=lambda values, link, trials: _log_latent_variance(1.0 / values["mu"] + 1.0 / values["theta"], link),
    latent_uses_mean=True,
    smoothed_mean=rate_mean,
    discrete=True,
    variance_text="{0} + {0}^2/{1}",
    hint="For rates, model the count with offset(log(exposure)); for other positive numbers take gamma or lognormal.",
)

NEGBIN1 = Family(
    name="negbin1",
    offers=MORE_VARIATION,
    parameters=(
        MU_RATE,
        Parameter(
            "phi",
            "overdispersion (variance mu (1 + phi))",
            "log",
            ("log",),
            0.0,
            prior=lambda scale: half_normal("sqrt(phi)", float(np.sqrt(scale.mean))),
            intercept=lambda scale: (float(np.log(scale.mean)) - 1.3, 2.2),
        ),
    ),
    distribution="NegativeBinomial",
    arguments=lambda values, trials: {"mu": values["mu"], "alpha": values["mu"] / values["phi"]},
    support="whole numbers from 0",
    accepts=is_count,
    logp=lambda y, values, trials: _negbin_logp(y, _with_theta(values), trials),
    cdf=lambda y, values, trials: _negbin_cdf(y, _with_theta(values), trials),
    log_tails=lambda m, y, values, trials: _negbin_tails(m, y, _with_theta(values), trials),
    constant=lambda y, trials: -special.gammaln(y + 1.0),
    random=lambda rng, values, trials, shape: _negbin_random(rng, _with_theta(values), trials, shape),
    mean=lambda values, trials: np.asarray(values["mu"]),
    variance=lambda values, trials: values["mu"] * (1.0 + values["phi"]),
    score=_negbin1_score,
    information=_negbin1_information,
    latent_variance=lambda values, link, trials: _log_latent_variance((1.0 + values["phi"]) / values["mu"], link),
    latent_uses_mean=True,
    smoothed_mean=rate_mean,
    discrete=True,
    title="NB1",
    variance_text="{0} (1 + {1})",
    hint="For rates, model the count with offset(log(exposure)); for other positive numbers take gamma or lognormal.",
)
