"""The shifted lognormal family: times of which a part has passed before anything could happen."""

from dataclasses import replace
from typing import Any

import numpy as np

from bayesmixed.families.links import Array
from bayesmixed.families.positive import LOGNORMAL
from bayesmixed.families.records import Parameter, Values
from bayesmixed.prior_distributions import Prior

_SHIFT = float(np.log(2.0))
"""Default priors are those of a shift of half the typical response."""


def _rest(y: Any, values: Values) -> tuple[Any, Any]:
    """Return which responses lie beyond the shift, and how far; 1 for the others."""
    beyond = np.greater(y, values["ndt"])
    return beyond, np.where(beyond, y - values["ndt"], 1.0)


def _logp(y: Any, values: Values, trials: Any) -> Array:
    beyond, rest = _rest(y, values)
    return np.where(beyond, LOGNORMAL.logp(rest, values, trials), -np.inf)


def _cdf(y: Any, values: Values, trials: Any) -> Array:
    beyond, rest = _rest(y, values)
    return np.where(beyond, LOGNORMAL.cdf(rest, values, trials), 0.0)


def _pytensor_logp(y: Any, values: Values, trials: Any) -> Any:
    import pytensor.tensor as pt

    beyond = pt.gt(y, values["ndt"])
    log_rest = pt.log(pt.switch(beyond, y - values["ndt"], 1.0))
    z = (log_rest - values["mu"]) / values["sigma"]
    inside = -0.5 * z**2 - pt.log(values["sigma"]) - 0.5 * np.log(2.0 * np.pi) - log_rest
    return pt.switch(beyond, inside, -np.inf)


_MU, _SIGMA = LOGNORMAL.parameters
SHIFTED_LOGNORMAL = replace(
    LOGNORMAL,
    name="shifted_lognormal",
    concave_links=(),
    parameters=(
        replace(_MU, meaning="mean of the logarithm of the rest"),
        # Logarithms spread more once a shift is taken off.
        replace(
            _SIGMA,
            prior=lambda scale: ("sigma", Prior(name="HalfStudentT", arguments=(4.0, 2.0 * scale.unit))),
            intercept=lambda scale: (float(np.log(scale.unit)), 1.2),
        ),
        Parameter(
            "ndt",
            "shift: time before anything can happen",
            "log",
            ("log",),
            0.0,
            prior=lambda scale: ("ndt", Prior(name="HalfNormal", arguments=(float(np.exp(scale.mean)),))),
            intercept=lambda scale: (0.0, 1.0),
            onset=True,
            edges=("Without a shift take family lognormal.", ""),
        ),
    ),
    distribution="",
    arguments=lambda values, trials: {},
    pytensor_logp=_pytensor_logp,
    logp=_logp,
    cdf=_cdf,
    log_tails=None,
    constant=lambda y, trials: np.zeros(len(y)),
    random=lambda rng, values, trials, shape: values["ndt"] + LOGNORMAL.random(rng, values, trials, shape),
    mean=lambda values, trials: values["ndt"] + LOGNORMAL.mean(values, trials),
    score=lambda y, values, trials: (np.log(_rest(y, values)[1]) - values["mu"]) / np.square(values["sigma"]),
    smoothed_mean=lambda y, trials, exposure: float(np.mean(np.log(y))) - _SHIFT,
    from_working=None,
    imputable=False,
    conjugate=False,
    scale="",
    title="ShiftedLognormal",
)
