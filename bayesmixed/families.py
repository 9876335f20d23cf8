"""Families: the conditional distribution of the response given its parameters."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bayesmixed.errors import SpecError, did_you_mean
from bayesmixed.links import Array, Link
from bayesmixed.priors import Prior

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ResponseScale:
    """Location and unit of the response, to which default priors are tied.

    Attributes
    ----------
    mean : float
        Mean of the response, smoothed away from the border of its support.
    unit : float
        max(1.4826 MAD, sd / 2) of the response: never zero, robust against outliers.
    """

    mean: float
    unit: float


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a family.

    Attributes
    ----------
    name, meaning : str
        Name in specs and draws; what it is, for a reader of tables.
    link : str
        Default link of its predictor.
    links : tuple of str
        All links that it may have.
    lower, upper : float
        Open range of its values.
    prior : callable or None
        Default prior where the parameter has no predictor, for a `ResponseScale`.
    intercept : callable or None
        Location and scale of the default normal prior of the intercept of its predictor, on the scale of `link`;
        None for the first parameter, whose prior follows from the response.
    """

    name: str
    meaning: str
    link: str
    links: tuple[str, ...]
    lower: float = -np.inf
    upper: float = np.inf
    prior: Callable[[ResponseScale], Prior] | None = None
    intercept: Callable[[ResponseScale], tuple[float, float]] | None = None


@dataclass(frozen=True, slots=True)
class Family:
    """Everything that the package knows about one distribution of the response.

    In all functions `y` and the values of the parameters broadcast against each other; `trials` is 1 where a
    family has none. `values` maps parameter names to arrays on the natural scale.

    Attributes
    ----------
    parameters : tuple of Parameter
        The mean-like parameter first.
    distribution, arguments : str, callable
        PyMC class, and its arguments for given (values, trials).
    support, accepts : str, callable
        The support in words; for (y, trials) which responses lie in it.
    logp, cdf : callable
        Log-density and probability P(Y <= y) for (y, values, trials).
    random, mean, variance : callable
        Draws (generator, values, trials, shape); moments (values, trials).
    score, information : callable
        First derivative of the log-density in the first parameter; its expected squared value.
    latent_variance : callable
        Residual variance on the link scale for (values, link), `mu` being the marginal mean
        (Nakagawa, Johnson & Schielzeth 2017, J R Soc Interface 14:20170213).
    discrete, has_trials, log_concave : bool
        Counts or not; binomial-type or not; log-density concave in the predictor under the usual links.
    latent_uses_mean : bool
        `latent_variance` depends on the mean, so it differs between rows.
    conjugate : bool
        Under the identity link group effects given all else are exactly normal.
    scale : str
        The parameter that is a residual scale in units of the response, or "".
    observation_effect : str
        Why `obs()` is not identified, or "" where it is.
    smoothed_mean : callable
        Mean of (y, trials, exposure), kept off the border, at which default priors put the intercept.
    hint : str
        What to try when the response lies outside the support.
    """

    name: str
    parameters: tuple[Parameter, ...]
    distribution: str
    arguments: Callable[[Values, Any], dict[str, Any]]
    support: str
    accepts: Callable[[Array, Any], NDArray[np.bool_]]
    logp: Callable[[Any, Values, Any], Array]
    cdf: Callable[[Any, Values, Any], Array]
    random: Callable[[np.random.Generator, Values, Any, tuple[int, ...]], Array]
    mean: Callable[[Values, Any], Array]
    variance: Callable[[Values, Any], Array]
    score: Callable[[Any, Values, Any], Array]
    information: Callable[[Values, Any], Array]
    latent_variance: Callable[[Values, Link], Array]
    smoothed_mean: Callable[[Array, Any, Any], float]
    discrete: bool = False
    has_trials: bool = False
    log_concave: bool = True
    latent_uses_mean: bool = False
    conjugate: bool = False
    scale: str = ""
    observation_effect: str = ""
    hint: str = ""

    def parameter(self, name: str) -> Parameter:
        """Return the parameter of that name; SpecError if the family has none."""
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        names = [parameter.name for parameter in self.parameters]
        raise SpecError(f"Family '{self.name}' has no parameter '{name}'. {did_you_mean(name, names)}")


def find_family(name: "str | Family") -> Family:
    """Return the family of that name; a `Family` object passes through.

    Raises
    ------
    SpecError
        No family has that name; names of brms, Bambi and R are translated in the hint.
    """
    if not isinstance(name, str):
        return name
    if name in FAMILIES:
        return FAMILIES[name]
    translated = _OTHER_NAMES.get(name.casefold().replace("_", "").replace(".", ""))
    hint = f"Did you mean '{translated}'?" if translated in FAMILIES else did_you_mean(name, FAMILIES)
    raise SpecError(f"Family '{name}' is not known. {hint}")


_OTHER_NAMES = {
    "normal": "gaussian",
    "gauss": "gaussian",
    "t": "student",
    "studentt": "student",
    "binary": "bernoulli",
    "logistic": "bernoulli",
    "count": "poisson",
}


def _whole(y: Array) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite(y) & (y == np.floor(y)))


def _location_mean(y: Array, trials: Any, exposure: Any) -> float:
    return float(np.mean(y))


def _proportion_mean(y: Array, trials: Any, exposure: Any) -> float:
    return float((np.sum(y) + 0.5) / (np.sum(np.broadcast_to(trials, np.shape(y))) + 1.0))


def _rate_mean(y: Array, trials: Any, exposure: Any) -> float:
    return float((np.sum(y) + 0.5) / np.sum(np.broadcast_to(exposure, np.shape(y))))


def _binomial_logp(y: Any, values: Values, trials: Any) -> Array:
    mu = values["mu"]
    choose = special.gammaln(trials + 1.0) - special.gammaln(y + 1.0) - special.gammaln(trials - y + 1.0)
    return np.asarray(choose + special.xlogy(y, mu) + special.xlog1py(trials - y, -mu))


def _binomial_cdf(y: Any, values: Values, trials: Any) -> Array:
    below = special.bdtr(np.floor(np.clip(y, 0.0, trials)), np.asarray(trials).astype(int), values["mu"])
    return np.where(np.less(y, 0), 0.0, below)


def _gaussian_logp(y: Any, values: Values, trials: Any) -> Array:
    z = (y - values["mu"]) / values["sigma"]
    return np.asarray(-0.5 * z**2 - np.log(values["sigma"]) - 0.5 * np.log(2.0 * np.pi))


def _student_logp(y: Any, values: Values, trials: Any) -> Array:
    nu, sigma = values["nu"], values["sigma"]
    z = (y - values["mu"]) / sigma
    constant = special.gammaln((nu + 1) / 2) - special.gammaln(nu / 2) - 0.5 * np.log(nu * np.pi) - np.log(sigma)
    return np.asarray(constant - 0.5 * (nu + 1) * np.log1p(z**2 / nu))


def _student_score(y: Any, values: Values, trials: Any) -> Array:
    residual = y - values["mu"]
    return np.asarray((values["nu"] + 1) * residual / (values["nu"] * values["sigma"] ** 2 + residual**2))


def _student_variance(values: Values, trials: Any) -> Array:
    nu, sigma = np.broadcast_arrays(values["nu"], values["sigma"])
    return np.asarray(np.where(nu > 2, sigma**2 * nu / np.where(nu > 2, nu - 2, 1.0), np.inf))


def _residual_variance(variance: Any, link: Link) -> Array:
    if link.name != "identity":
        raise SpecError(
            f"The residual variance on the link scale is not defined for link '{link.name}' of this family."
        )
    return np.asarray(variance)


def _poisson_latent_variance(values: Values, link: Link) -> Array:
    # The log-normal form; the delta form 1/mu is 25 % too large at mu = 2.
    return np.asarray(np.log1p(1.0 / values["mu"]))


def _tolerance_variance(values: Values, link: Link) -> Array:
    if link.tolerance_variance is None:
        raise SpecError(f"The latent scale is not defined for link '{link.name}' of a binary response.")
    return np.full(np.shape(values["mu"]), link.tolerance_variance)


_MU_REAL = Parameter("mu", "mean", "identity", ("identity", "log"))
_MU_PROBABILITY = Parameter("mu", "probability", "logit", ("logit", "probit", "cloglog"), 0.0, 1.0)
_MU_RATE = Parameter("mu", "mean", "log", ("log",), 0.0)
_SIGMA = Parameter(
    "sigma",
    "residual SD",
    "log",
    ("log",),
    0.0,
    prior=lambda scale: Prior(name="HalfStudentT", arguments=(4.0, scale.unit)),
    intercept=lambda scale: (float(np.log(scale.unit)) - 0.5, 1.2),
)
_NU = Parameter(
    "nu",
    "degrees of freedom",
    "log_minus_one",
    ("log_minus_one",),
    1.0,
    prior=lambda scale: Prior(name="Gamma", arguments=(2.0, 0.1)),
    intercept=lambda scale: (2.7, 0.8),
)

FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Family(
            name="gaussian",
            parameters=(_MU_REAL, _SIGMA),
            distribution="Normal",
            arguments=lambda values, trials: {"mu": values["mu"], "sigma": values["sigma"]},
            support="finite numbers",
            accepts=lambda y, trials: np.isfinite(y),
            logp=_gaussian_logp,
            cdf=lambda y, values, trials: special.ndtr((y - values["mu"]) / values["sigma"]),
            random=lambda rng, values, trials, shape: rng.normal(values["mu"], values["sigma"], shape),
            mean=lambda values, trials: np.asarray(values["mu"]),
            variance=lambda values, trials: np.square(values["sigma"]),
            score=lambda y, values, trials: (y - values["mu"]) / np.square(values["sigma"]),
            information=lambda values, trials: 1.0 / np.square(values["sigma"]),
            latent_variance=lambda values, link: _residual_variance(np.square(values["sigma"]), link),
            smoothed_mean=_location_mean,
            conjugate=True,
            scale="sigma",
            observation_effect="it is the same thing as the residual SD 'sigma'",
        ),
        Family(
            name="student",
            parameters=(_MU_REAL, _SIGMA, _NU),
            distribution="StudentT",
            arguments=lambda values, trials: {"nu": values["nu"], "mu": values["mu"], "sigma": values["sigma"]},
            support="finite numbers",
            accepts=lambda y, trials: np.isfinite(y),
            logp=_student_logp,
            cdf=lambda y, values, trials: special.stdtr(values["nu"], (y - values["mu"]) / values["sigma"]),
            random=lambda rng, values, trials, shape: (
                values["mu"] + values["sigma"] * rng.standard_t(np.broadcast_to(values["nu"], shape), shape)
            ),
            mean=lambda values, trials: np.asarray(values["mu"]),
            variance=_student_variance,
            score=_student_score,
            information=lambda values, trials: (values["nu"] + 1) / ((values["nu"] + 3) * np.square(values["sigma"])),
            latent_variance=lambda values, link: _residual_variance(_student_variance(values, 1), link),
            smoothed_mean=_location_mean,
            log_concave=False,
            scale="sigma",
            observation_effect="it cannot be told from the residual SD 'sigma'",
        ),
        Family(
            name="bernoulli",
            parameters=(_MU_PROBABILITY,),
            distribution="Bernoulli",
            arguments=lambda values, trials: {"p": values["mu"]},
            support="0 or 1",
            accepts=lambda y, trials: (y == 0) | (y == 1),
            logp=_binomial_logp,
            cdf=_binomial_cdf,
            random=lambda rng, values, trials, shape: rng.binomial(1, values["mu"], shape).astype(float),
            mean=lambda values, trials: np.asarray(values["mu"]),
            variance=lambda values, trials: values["mu"] * (1 - values["mu"]),
            score=lambda y, values, trials: (y - trials * values["mu"]) / (values["mu"] * (1 - values["mu"])),
            information=lambda values, trials: trials / (values["mu"] * (1 - values["mu"])),
            latent_variance=_tolerance_variance,
            smoothed_mean=_proportion_mean,
            discrete=True,
            observation_effect="a single 0 or 1 says nothing about its own variance",
            hint='For two-level text write the event on the left side: (outcome == "yes") ~ ...',
        ),
        Family(
            name="binomial",
            parameters=(_MU_PROBABILITY,),
            distribution="Binomial",
            arguments=lambda values, trials: {"n": trials, "p": values["mu"]},
            support="whole numbers from 0 to the number of trials",
            accepts=lambda y, trials: (y >= 0) & (y <= trials) & _whole(y),
            logp=_binomial_logp,
            cdf=_binomial_cdf,
            random=lambda rng, values, trials, shape: rng.binomial(
                np.asarray(trials).astype(int), values["mu"], shape
            ).astype(float),
            mean=lambda values, trials: trials * values["mu"],
            variance=lambda values, trials: trials * values["mu"] * (1 - values["mu"]),
            score=lambda y, values, trials: (y - trials * values["mu"]) / (values["mu"] * (1 - values["mu"])),
            information=lambda values, trials: trials / (values["mu"] * (1 - values["mu"])),
            latent_variance=_tolerance_variance,
            smoothed_mean=_proportion_mean,
            discrete=True,
            has_trials=True,
            hint="The response holds numbers of successes, the trials the numbers tried.",
        ),
        Family(
            name="poisson",
            parameters=(_MU_RATE,),
            distribution="Poisson",
            arguments=lambda values, trials: {"mu": values["mu"]},
            support="whole numbers from 0",
            accepts=lambda y, trials: (y >= 0) & _whole(y),
            logp=lambda y, values, trials: special.xlogy(y, values["mu"]) - values["mu"] - special.gammaln(y + 1.0),
            cdf=lambda y, values, trials: np.where(
                y < 0, 0.0, special.pdtr(np.floor(np.maximum(y, 0.0)), values["mu"])
            ),
            random=lambda rng, values, trials, shape: rng.poisson(values["mu"], shape).astype(float),
            mean=lambda values, trials: np.asarray(values["mu"]),
            variance=lambda values, trials: np.asarray(values["mu"]),
            score=lambda y, values, trials: y / values["mu"] - 1.0,
            information=lambda values, trials: 1.0 / np.asarray(values["mu"]),
            latent_variance=_poisson_latent_variance,
            latent_uses_mean=True,
            smoothed_mean=_rate_mean,
            discrete=True,
            hint="For rates, model the count with offset(log(exposure)).",
        ),
    )
}
