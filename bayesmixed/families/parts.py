"""Components that several families share: supports, smoothed means, parameters."""

from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from bayesmixed.errors import SpecError
from bayesmixed.families.links import Array, Link
from bayesmixed.families.records import Family, Parameter, ResponseScale, Values
from bayesmixed.prior_distributions import Prior


def is_whole(y: Array) -> NDArray[np.bool_]:
    """Return whether values are finite whole numbers."""
    return np.asarray(np.isfinite(y) & (y == np.floor(y)))


def choose(y: Any, by_category: Array, otherwise: float) -> Array:
    """Return the entry of the category of each response."""
    found: Any = np.full(by_category.shape[1:], otherwise)
    for number, entry in enumerate(by_category, 1):
        found = np.where(np.equal(y, number), entry, found)
    return np.asarray(found)


def is_count(y: Array, trials: Any) -> NDArray[np.bool_]:
    """Return whether values are whole numbers from 0."""
    return (y >= 0) & is_whole(y)


def location_mean(y: Array, trials: Any, exposure: Any) -> float:
    """Return the mean of the response."""
    return float(np.mean(y))


def proportion_mean(y: Array, trials: Any, exposure: Any) -> float:
    """Return the share of successes, half a success and half a failure added."""
    return float((np.sum(y) + 0.5) / (np.sum(np.broadcast_to(trials, np.shape(y))) + 1.0))


def rate_mean(y: Array, trials: Any, exposure: Any) -> float:
    """Return the number of events by exposure, half an event added."""
    return float((np.sum(y) + 0.5) / np.sum(np.broadcast_to(exposure, np.shape(y))))


def no_latent_variance(values: Values, link: Link, trials: Any) -> NoReturn:
    """Refuse: distributions mixed with a point mass, or cut off, have no residual variance on the link scale."""
    raise SpecError(
        'This family has no residual variance on the link scale. bm.icc and bm.r2 with scale="data" need none.'
    )


def no_category_variance(values: Values, link: Link, trials: Any) -> NoReturn:
    """Refuse: categories that are compared one by one have no residual variance on the link scale, nor a variance as numbers."""
    raise SpecError(
        'This family has no residual variance on the link scale. bm.icc(fit, scale="data") has a correlation for each category.'
    )


def residual_variance(variance: Any, link: Link, needed: str = "identity") -> Array:
    """Return a variance that is one on the scale of a link, refusing other links (SpecError)."""
    if link.name != needed:
        raise SpecError(
            f"The residual variance on the link scale is not defined for link '{link.name}' of this family. "
            'bm.icc and bm.r2 with scale="data" need none.'
        )
    return np.asarray(variance)


def pytensor_logp_of(family: Family, y: Any, values: Values, trials: Any) -> Any:
    """Return the log-density of a family on PyTensor variables."""
    if family.pytensor_logp is not None:
        return family.pytensor_logp(y, values, trials)
    import pymc as pm

    return pm.logp(getattr(pm, family.distribution).dist(**family.arguments(values, trials)), y)


def pytensor_log_normal_cdf(x: Any) -> Any:
    """Return the log of the standard normal distribution function on PyTensor variables."""
    import pytensor.tensor as pt

    # Each branch sees only arguments at which it is finite, so that the gradient of the other one is too.
    below, above = pt.minimum(x, 0.0), pt.maximum(x, 0.0)
    left = pt.log(0.5 * pt.erfcx(-below / np.sqrt(2.0))) - 0.5 * below**2
    return pt.switch(pt.lt(x, 0.0), left, pt.log1p(-0.5 * pt.erfc(above / np.sqrt(2.0))))


def half_normal(key: str, scale: float = 1.0) -> tuple[str, Prior]:
    """Return a half-normal prior under its key."""
    return key, Prior(name="HalfNormal", arguments=(scale,))


MU_REAL = Parameter("mu", "mean", "identity", ("identity", "log", "inverse"), power=1.0)
MU_LOG_MEAN = Parameter("mu", "mean of the logarithm", "identity", ("identity",))
MU_POSITIVE = Parameter("mu", "mean", "log", ("log", "inverse", "identity"), 0.0, power=1.0)
MU_PROBABILITY = Parameter("mu", "probability", "logit", ("logit", "probit", "cloglog", "cauchit"), 0.0, 1.0)
MU_PROPORTION = Parameter("mu", "mean", "logit", ("logit", "probit", "cloglog", "cauchit"), 0.0, 1.0)
MU_RATE = Parameter("mu", "mean", "log", ("log", "sqrt", "identity"), 0.0)
SIGMA = Parameter(
    "sigma",
    "residual SD",
    "log",
    ("log",),
    0.0,
    prior=lambda scale: ("sigma", Prior(name="HalfStudentT", arguments=(4.0, scale.unit))),
    intercept=lambda scale: (float(np.log(scale.unit)) - 0.5, 1.2),
    unit=0.5,
    power=1.0,
)
NU = Parameter(
    "nu",
    "degrees of freedom",
    "log_minus_one",
    ("log_minus_one",),
    1.0,
    prior=lambda scale: ("nu", Prior(name="Gamma", arguments=(2.0, 0.1))),
    intercept=lambda scale: (2.7, 0.8),
    unit=0.5,
)
PRECISION = Parameter(
    "phi",
    "precision",
    "log",
    ("log",),
    0.0,
    prior=lambda scale: ("1/(1+phi)", Prior(name="Beta", arguments=(1.0, 3.0))),
    intercept=lambda scale: (1.5, 1.4),
)


def share(name: str, meaning: str, edges: tuple[str, str] = ("", "")) -> Parameter:
    """Return a probability that mixes two parts of a distribution, with what to take where it is 0 or 1."""

    def intercept(scale: ResponseScale) -> tuple[float, float]:
        return 0.0, 1.5

    prior = f"logit({name})", Prior(name="Normal", arguments=(0.0, 1.5))
    return Parameter(
        name, meaning, "logit", ("logit",), 0.0, 1.0, prior=lambda scale: prior, intercept=intercept, edges=edges
    )
