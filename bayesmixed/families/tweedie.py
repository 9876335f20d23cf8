"""The Tweedie family of powers between 1 and 2: sums of a Poisson number of gamma amounts, zero where there are none."""

from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np
from scipy import special

from bayesmixed.families.links import Array
from bayesmixed.families.parts import MU_POSITIVE, is_whole, no_latent_variance
from bayesmixed.families.records import OTHER_SHAPE, Family, Parameter, Values
from bayesmixed.families.tails import numpy_functions
from bayesmixed.prior_distributions import Prior

_STEPS = 7.75
_NODES = np.arange(-62.0, 63.0)
"""Steps from the largest summand of a density: of 1, or of 1/7.75 of the SD of the summands where the first one lies far off,
which leaves no error."""
_REACH, _CLOSE = 9.0, 1e-17
_MOST = 1e15
_COUNTED = 50.0
"""Whole numbers below are taken for counts, not for amounts that were rounded."""


def _rate(values: Values) -> Any:
    """Return the mean number of amounts."""
    return values["mu"] ** (2.0 - values["power"]) / (values["phi"] * (2.0 - values["power"]))


def _shape(values: Values) -> Any:
    """Return the shape of one amount."""
    return (2.0 - values["power"]) / (values["power"] - 1.0)


def _log_density(m: Any, y: Any, values: Values) -> Any:
    """Return the log-density of positive responses: the series of Dunn & Smyth (2005, Stat Comput 15:267).

    Summand j is the density of the sum of j amounts, times the probability of j of them; the logarithms bend down in j.
    """
    mu, phi, power = (values[name] for name in ("mu", "phi", "power"))
    shape, log_y = _shape(values), m.log(y)
    largest = m.frozen(m.exp((2.0 - power) * log_y) / (phi * (2.0 - power)))
    step = m.maximum(1.0, (largest / (1.0 + m.frozen(shape))) ** 0.5 / _STEPS)
    # Whole numbers where the steps are 1; elsewhere any nodes give the sum.
    number = m.floor(largest + 1.0)[..., None] + step[..., None] * _NODES
    inside, number = number >= 1.0, m.maximum(number, 1.0)
    log_z = shape * (log_y - m.log(power - 1.0)) - (1.0 + shape) * m.log(phi) - m.log(2.0 - power)
    summands = number * log_z[..., None] - m.gammaln(1.0 + number) - m.gammaln(shape[..., None] * number)
    highest = m.frozen(m.highest(m.where(inside, summands, -np.inf)))
    total = m.total(m.where(inside, m.exp(m.minimum(summands - highest[..., None], 0.0)), 0.0))
    series = highest + m.log(total * step) - log_y
    return (
        series
        - (y * m.exp((1.0 - power) * m.log(mu)) / (power - 1.0) + m.exp((2.0 - power) * m.log(mu)) / (2.0 - power))
        / phi
    )


def _numpy() -> Any:
    m = numpy_functions()
    m.floor, m.frozen = np.floor, np.asarray
    m.highest, m.total = (lambda x: np.max(x, axis=-1)), (lambda x: np.sum(x, axis=-1))
    return m


def _logp(y: Any, values: Values, trials: Any) -> Array:
    y, mu, phi, power = np.broadcast_arrays(
        y, *(np.asarray(values[name], dtype=float) for name in ("mu", "phi", "power"))
    )
    at = {"mu": mu, "phi": phi, "power": power}
    found = np.asarray(-_rate(at))
    positive = y > 0
    if positive.any():
        found = np.where(positive, 0.0, found)
        there = {name: value[positive] for name, value in at.items()}
        found[positive] = _log_density(_numpy(), y[positive].astype(float), there)
    return found


def _pytensor_logp(y: Any, values: Values, trials: Any) -> Any:
    import pytensor.tensor as pt
    from pytensor.gradient import disconnected_grad

    from bayesmixed.families.tails import pytensor_functions

    m = pytensor_functions()
    m.floor, m.frozen = pt.floor, disconnected_grad
    m.highest, m.total = (lambda x: pt.max(x, axis=-1)), (lambda x: pt.sum(x, axis=-1))
    positive = pt.gt(y, 0.0)
    safe = pt.switch(positive, y, 1.0)
    # All of one length, so that summands have a row each.
    whole = {name: pt.as_tensor_variable(value) + pt.zeros_like(safe) for name, value in values.items()}
    return pt.switch(positive, _log_density(m, safe, whole), -_rate(whole))


def _cdf(y: Any, values: Values, trials: Any) -> Array:
    """Return the distribution function: that of sums of j amounts, averaged over j."""
    y, mu, phi, power = np.broadcast_arrays(
        y, *(np.asarray(values[name], dtype=float) for name in ("mu", "phi", "power"))
    )
    at = {"mu": mu, "phi": phi, "power": power}
    rate, shape = np.asarray(_rate(at)), np.asarray(_shape(at))
    scaled = np.maximum(y, 0.0) / (phi * (power - 1.0) * mu ** (power - 1.0))
    step = np.maximum(1.0, np.sqrt(rate) / np.maximum(_STEPS, 3.0 * np.sqrt(shape)))
    reach = int(np.ceil(np.max(_REACH * np.sqrt(rate) / step, initial=0.0))) + 12
    total = np.exp(-rate) * np.ones(y.shape)
    for node in range(-reach, reach + 1):
        number = np.floor(rate) + node * step
        weight = np.where(
            number >= 1.0,
            np.exp(special.xlogy(number, rate) - rate - special.gammaln(np.maximum(number, 0.0) + 1.0)),
            0.0,
        )
        if np.max(weight, initial=0.0) > _CLOSE:
            total += step * weight * special.gammainc(shape * np.maximum(number, 1.0), scaled)
    return np.where(y >= 0.0, np.minimum(total, 1.0), 0.0)


def _random(rng: np.random.Generator, values: Values, trials: Any, shape: tuple[int, ...]) -> Array:
    number = rng.poisson(np.minimum(_rate(values), _MOST), shape)
    amounts = rng.standard_gamma(_shape(values) * number, shape)
    return np.asarray(amounts * values["phi"] * (values["power"] - 1.0) * values["mu"] ** (values["power"] - 1.0))


def _variance(values: Values, trials: Any) -> Array:
    return np.asarray(values["phi"] * np.power(values["mu"], values["power"]))


def _mean(y: Array, trials: Any, exposure: Any) -> float:
    """Return the mean of the response, 1 where all are zero."""
    return float(np.mean(y)) or 1.0


def _unseen(y: Array, stated: AbstractSet[str]) -> str:
    """Say what takes the meaning from a power that is estimated: counts, at which the density has no bound as the power comes
    to 1, and no zeros."""
    if "power" in stated:
        return ""
    if np.all(is_whole(y)) and np.max(y) < _COUNTED:
        return "small whole numbers only: of counts the power comes to 1. Take family negbin1, negbin or poisson."
    if np.all(y > 0):
        return (
            "no zeros, which this family has beside positive numbers: take family gamma, or state a prior of 'power'."
        )
    return ""


TWEEDIE = Family(
    name="tweedie",
    offers=OTHER_SHAPE,
    parameters=(
        # The unit of phi depends on the power, so that the response is sampled in its own unit.
        Parameter("mu", MU_POSITIVE.meaning, "log", MU_POSITIVE.links, 0.0),
        Parameter(
            "phi",
            "dispersion (variance phi mu^power)",
            "log",
            ("log",),
            0.0,
            # At power 1.5 the squared CV is phi / sqrt(mean), which is larger than that of positive responses.
            prior=lambda scale: ("phi", Prior(name="HalfStudentT", arguments=(4.0, 2.0 * float(np.sqrt(scale.mean))))),
            intercept=lambda scale: (0.5 * float(np.log(scale.mean)), 1.5),
        ),
        Parameter(
            "power",
            "power of the mean in the variance",
            "logit_minus_one",
            ("logit_minus_one",),
            1.0,
            2.0,
            prior=lambda scale: ("power-1", Prior(name="Beta", arguments=(2.0, 2.0))),
            intercept=lambda scale: (0.0, 1.2),
            edges=("For counts take family negbin1 or poisson.", "Without zeros take family gamma."),
        ),
    ),
    distribution="",
    arguments=lambda values, trials: {},
    pytensor_logp=_pytensor_logp,
    support="numbers from 0",
    accepts=lambda y, trials: np.isfinite(y) & (y >= 0),
    logp=_logp,
    cdf=_cdf,
    random=_random,
    mean=lambda values, trials: np.asarray(values["mu"]),
    variance=_variance,
    score=lambda y, values, trials: np.asarray((y - values["mu"]) / _variance(values, trials)),
    information=lambda values, trials: 1.0 / _variance(values, trials),
    latent_variance=no_latent_variance,
    smoothed_mean=_mean,
    unseen=_unseen,
    title="Tweedie",
    hint="For numbers below zero take gaussian or student.",
)
