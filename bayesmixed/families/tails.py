"""Tails of distributions in log space: log P(Y <= y) and log P(Y > y), for NumPy arrays and PyTensor variables alike."""

from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy import special

from bayesmixed.families.parts import pytensor_log_normal_cdf

Tails = tuple[Any, Any]
"""log P(Y <= y) and log P(Y > y)."""

_LEAST = 1e-290
"""Smallest probability that is computed as such; of smaller ones the logarithm is that of the leading term."""
_FAR, _NEVER, _CLOSE = 600.0, -1e10, 1e-6


def numpy_functions() -> Any:
    """Return the functions that tails are made of, on NumPy arrays."""
    return SimpleNamespace(
        **{name: getattr(np, name) for name in ("exp", "log", "log1p", "expm1", "where", "maximum", "minimum")},
        **{name: getattr(special, name) for name in ("gammaln", "gammainc", "gammaincc", "betainc", "erfcx")},
        logaddexp=np.logaddexp,
        log_normal=special.log_ndtr,
    )


def pytensor_functions() -> Any:
    """Return the same functions on PyTensor variables."""
    import pytensor.tensor as pt

    names = ("exp", "log", "log1p", "expm1", "where", "maximum", "minimum", "gammaln")
    return SimpleNamespace(
        **{name: getattr(pt, name) for name in (*names, "gammainc", "gammaincc", "betainc", "erfcx", "logaddexp")},
        log_normal=pytensor_log_normal_cdf,
    )


# In all of them each branch sees only arguments at which it and its gradient are finite.


def log_complement(m: Any, log: Any) -> Any:
    """Return log(1 - exp(log)) for log < 0."""
    near, far = m.minimum(m.maximum(log, -1.0), -1e-300), m.minimum(log, -0.5)
    return m.where(log > -0.7, m.log(-m.expm1(near)), m.log1p(-m.exp(far)))


def hazard_tails(m: Any, log_hazard: Any) -> Tails:
    """Return the tails of a distribution with cumulative hazard H: P(Y > y) = exp(-H)."""
    hazard = m.exp(m.minimum(log_hazard, _FAR))
    small = m.minimum(hazard, 1e-4)
    inside = m.log(-m.expm1(-m.maximum(hazard, 1e-5)))
    return m.where(hazard < 5e-5, log_hazard - small / 2.0 + small**2 / 24.0, inside), -hazard


def gamma_tails(m: Any, shape: Any, log_x: Any) -> Tails:
    """Return the logarithms of the regularised incomplete gamma functions P and Q of (shape, x)."""
    log_x = m.minimum(m.maximum(log_x, -_FAR), _FAR)
    x = m.exp(log_x)
    leading = shape * log_x - x - m.gammaln(shape)
    # The first convergents of their continued fractions (DLMF 8.9).
    left = leading - m.log(shape) - m.log1p(-m.minimum(x / (shape + 1.0), 0.99))
    right = leading - m.log(m.maximum(x - shape + 1.0, 1.0))
    return _settled(m, m.gammainc(shape, x), left), _settled(m, m.gammaincc(shape, x), right)


def beta_tails(m: Any, a: Any, b: Any, x: Any, rest: Any) -> Tails:
    """Return log I_x(a, b) and log I_rest(b, a), rest = 1 - x, which add up to 1 as probabilities."""
    betaln = m.gammaln(a) + m.gammaln(b) - m.gammaln(a + b)
    leading = a * m.log(x) + b * m.log(rest) - betaln
    # The first convergent of the continued fraction (DLMF 8.17.22).
    left = leading - m.log(a) - m.log1p(-m.minimum((a + b) * x / (a + 1.0), 0.99))
    right = leading - m.log(b) - m.log1p(-m.minimum((a + b) * rest / (b + 1.0), 0.99))
    below, above = _settled(m, m.betainc(a, b, x), left), _settled(m, m.betainc(b, a, rest), right)
    # Rounding of a number near 1 says little about how far it is from 1.
    return m.where(rest < _CLOSE, log_complement(m, above), below), m.where(x < _CLOSE, log_complement(m, below), above)


def normal_tails(m: Any, z: Any) -> Tails:
    """Return the tails of the standard normal distribution."""
    return m.log_normal(z), m.log_normal(-z)


def student_tails(m: Any, z: Any, nu: Any) -> Tails:
    """Return the tails of the standard t distribution."""
    square = z**2 + 1e-200
    outer, inner = nu / (nu + square), square / (nu + square)
    # Near the centre from the share of the inside, whose argument is exact there.
    far, _ = beta_tails(m, 0.5 * nu, 0.5 + 0.0 * nu, m.minimum(outer, 0.6), m.maximum(inner, 0.4))
    inside = m.betainc(0.5 + 0.0 * nu, 0.5 * nu, m.minimum(inner, 0.6))
    tail = np.log(0.5) + m.where(inner < 0.5, m.log1p(-m.minimum(inside, 1.0 - 1e-12)), far)
    body = log_complement(m, tail)
    return m.where(z < 0.0, tail, body), m.where(z < 0.0, body, tail)


def mix_tails(m: Any, share: Any, upper: Any, inside: Tails) -> Tails:
    """Return the tails from 0 on of a distribution that is at an edge with probability `share`, else has the tails `inside`.

    The edge is 0, or with probability `upper` the upper one; None: always 0.
    """
    rest = m.log1p(-share)
    below, above = rest + inside[0], rest + inside[1]
    if upper is None:
        return m.logaddexp(m.log(share), below), above
    return m.logaddexp(m.log(share * (1.0 - upper)), below), m.logaddexp(m.log(share * upper), above)


def from_zero(m: Any, log_tails: Any, usual: float, y: Any, values: Any, trials: Any) -> Tails:
    """Return the tails of positive responses also at y = 0, where none is below; `usual` is any response."""
    positive = np.greater(y, 0.0)
    below, above = log_tails(m, np.where(positive, y, usual), values, trials)
    return m.where(positive, below, _NEVER), m.where(positive, above, 0.0)


def _settled(m: Any, probability: Any, leading: Any) -> Any:
    return m.where(probability > _LEAST, m.log(m.maximum(probability, _LEAST)), leading)
