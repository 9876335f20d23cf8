"""Link functions between a linear predictor and a parameter of a family."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bayesmixed.errors import SpecError, check_choice
from bayesmixed.gauss_hermite import NODES, expect

Array = NDArray[np.float64]

_EDGE = 1e-12
_EDGE_LOGIT = -float(special.logit(_EDGE))
_EXPONENT = 230.0


@dataclass(frozen=True, slots=True)
class Link:
    """A strictly monotone function g with eta = g(mu).

    Attributes
    ----------
    name : str
        Name in specs.
    forward, inverse : callable
        g and its inverse on NumPy arrays of any shape.
    derivative : callable
        d mu / d eta as a function of eta.
    pytensor_inverse : callable
        The inverse on PyTensor variables.
    unit : float or None
        The unit `s` in which default priors on this scale are stated; None: taken from the response.
    tolerance_variance : float or None
        Variance of the latent tolerance distribution whose CDF is the inverse link (binary responses).
    average : callable
        E g^-1(eta + N(0, v)) for arrays eta and v: the mean over the groups.
    ratio : str
        What exp(coefficient) is, or "" where it has no meaning.
    text : str
        The link of a parameter in words, with `{}` where the parameter goes.
    lowest : float
        Predictors at or below it have no inverse (NaN).
    reach : (float, float)
        Predictors beyond which the parameter counts as on the boundary: probabilities within 1e-12 of 0 and 1, and
        numbers whose powers are too large or small.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> logit = bm.LINKS["logit"]
    >>> round(float(logit.forward(0.2)), 2), float(logit.inverse(0.0))
    (-1.39, 0.5)
    """

    name: str
    forward: Callable[[Any], Array]
    inverse: Callable[[Any], Array]
    derivative: Callable[[Any], Array]
    pytensor_inverse: Callable[[Any], Any]
    unit: float | None
    tolerance_variance: float | None
    average: Callable[[Any, Any], Array]
    ratio: str
    text: str
    lowest: float = -np.inf
    reach: tuple[float, float] = (-np.inf, np.inf)

    @property
    def has_average(self) -> bool:
        """Whether `average` exists for v > 0."""
        return self.average not in (_no_inverse_average, _no_inverse_squared_average)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Pickle and copy a link of the catalogue by its name, since its functions cannot be."""
        plain = LINKS.get(self.name)
        for make in (_same, latent_link, positive_link):
            if plain is not None and self == make(plain):
                return _restore, (self.name, make)
        return object.__reduce_ex__(self, protocol)


def find_link(name: "str | Link") -> Link:
    """Return the link of that name; a `Link` object passes through.

    Raises
    ------
    SpecError
        No link has that name.
    """
    if not isinstance(name, str):
        return name
    check_choice("Link {}", name, LINKS)
    return LINKS[name]


def _same(link: Link) -> Link:
    return link


def _restore(name: str, make: Callable[[Link], Link]) -> Link:
    return make(LINKS[name])


def positive_link(link: Link) -> Link:
    """Return the link of a parameter that is positive: under the identity a predictor of 0 or less has no inverse."""
    if link.name != "identity":
        return link
    return replace(link, inverse=_positive, pytensor_inverse=_pytensor_positive, lowest=0.0)


def latent_link(link: Link) -> Link:
    """Return the link of a parameter that is itself the linear predictor, the location of a latent variable.

    `link` says which distribution function the latent variable has; its name and unit stay. Under it,
    P(Y > k) = 1 - F(threshold - eta): only the logit is symmetric and makes exp(coefficient) a ratio of odds.
    """
    plain = LINKS["identity"]
    return replace(
        plain,
        name=link.name,
        unit=link.unit,
        ratio=link.ratio if link.name == "logit" else "",
    )


def _pytensor_probit(eta: Any) -> Any:
    import pytensor.tensor as pt

    return 0.5 * pt.erfc(-eta / np.sqrt(2.0))


def _pytensor_sigmoid(eta: Any) -> Any:
    import pytensor.tensor as pt

    return pt.sigmoid(eta)


def _pytensor_exp(eta: Any) -> Any:
    import pytensor.tensor as pt

    return pt.exp(eta)


def _pytensor_cloglog(eta: Any) -> Any:
    import pytensor.tensor as pt

    return -pt.expm1(-pt.exp(eta))


def _pytensor_cauchit(eta: Any) -> Any:
    import pytensor.tensor as pt

    return pt.arctan2(np.float64(1.0), -eta) / np.pi


def _pytensor_where_positive(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    import pytensor.tensor as pt

    return lambda eta: pt.switch(eta > 0, function(eta), np.nan)


def _where_positive(values: Any, eta: Any) -> Array:
    """Return values where a predictor is positive, NaN elsewhere: there the link has no inverse."""
    return np.where(np.greater(eta, 0), values, np.nan)


def _positive(eta: Any) -> Array:
    return _where_positive(eta, eta)


def _pytensor_positive(eta: Any) -> Any:
    return _pytensor_where_positive(lambda value: value)(eta)


def _by_quadrature(inverse: Callable[[Any], Array]) -> Callable[[Any, Any], Array]:
    """Return the average of an inverse link over normal predictors of some mean and variance."""
    return lambda eta, variance: expect(lambda z: inverse(eta + np.sqrt(variance) * z[0]), 1, NODES[1])


def _cauchit_average(eta: Any, variance: Any) -> Array:
    """Return the average by the trapezoidal rule, which converges faster than Gauss-Hermite near the poles of the link."""
    points = np.arange(-9.0, 9.025, 0.05)
    weights = 0.05 * _normal_density(points)
    sd = np.sqrt(variance)
    total: Any = 0.0
    for point, weight in zip(points, weights, strict=True):
        total = total + weight * np.arctan2(1.0, -(eta + sd * point)) / np.pi
    return np.asarray(total)


def _no_inverse_average(eta: Any, variance: Any) -> Array:
    _refuse_average("inverse", variance)
    return 1.0 / np.asarray(eta)


def _no_inverse_squared_average(eta: Any, variance: Any) -> Array:
    _refuse_average("inverse_squared", variance)
    return 1.0 / np.sqrt(eta)


def _refuse_average(name: str, variance: Any) -> None:
    if np.any(np.asarray(variance) > 0):
        raise SpecError(
            f"Under link '{name}' the average over groups does not exist: normal effects take the predictor through 0. "
            'Take link "log", or predictions with groups="typical".'
        )


def _normal_density(eta: Any) -> Array:
    return np.exp(-0.5 * np.square(eta)) / np.sqrt(2.0 * np.pi)


LINKS: dict[str, Link] = {
    "identity": Link(
        name="identity",
        forward=np.asarray,
        inverse=np.asarray,
        derivative=np.ones_like,
        pytensor_inverse=lambda eta: eta,
        unit=None,
        tolerance_variance=None,
        average=lambda eta, variance: np.asarray(eta + 0.0 * variance),
        ratio="",
        text="{}",
    ),
    "log": Link(
        name="log",
        forward=np.log,
        inverse=np.exp,
        derivative=np.exp,
        pytensor_inverse=_pytensor_exp,
        unit=1.0,
        tolerance_variance=None,
        average=lambda eta, variance: np.exp(eta + 0.5 * variance),
        ratio="ratio of means",
        text="log({})",
        reach=(-_EXPONENT, _EXPONENT),
    ),
    "log_minus_one": Link(
        name="log_minus_one",
        forward=lambda mu: np.log(np.asarray(mu) - 1.0),
        inverse=lambda eta: 1.0 + np.exp(eta),
        derivative=np.exp,
        pytensor_inverse=lambda eta: 1.0 + _pytensor_exp(eta),
        unit=1.0,
        tolerance_variance=None,
        average=lambda eta, variance: 1.0 + np.exp(eta + 0.5 * variance),
        ratio="",
        text="log({} - 1)",
        reach=(-_EXPONENT, _EXPONENT),
    ),
    "logit_minus_one": Link(
        name="logit_minus_one",
        forward=lambda mu: special.logit(np.asarray(mu) - 1.0),
        inverse=lambda eta: 1.0 + special.expit(eta),
        derivative=lambda eta: special.expit(eta) * special.expit(-np.asarray(eta)),
        pytensor_inverse=lambda eta: 1.0 + _pytensor_sigmoid(eta),
        unit=1.0,
        tolerance_variance=None,
        average=_by_quadrature(lambda eta: 1.0 + special.expit(eta)),
        ratio="",
        text="logit({} - 1)",
        reach=(-_EDGE_LOGIT, _EDGE_LOGIT),
    ),
    "logit": Link(
        name="logit",
        forward=special.logit,
        inverse=special.expit,
        derivative=lambda eta: special.expit(eta) * special.expit(-np.asarray(eta)),
        pytensor_inverse=_pytensor_sigmoid,
        unit=1.0,
        tolerance_variance=np.pi**2 / 3.0,
        average=_by_quadrature(special.expit),
        ratio="odds ratio",
        text="logit({})",
        reach=(-_EDGE_LOGIT, _EDGE_LOGIT),
    ),
    "probit": Link(
        name="probit",
        forward=special.ndtri,
        inverse=special.ndtr,
        derivative=_normal_density,
        pytensor_inverse=_pytensor_probit,
        unit=0.55,
        tolerance_variance=1.0,
        average=lambda eta, variance: special.ndtr(eta / np.sqrt(1.0 + variance)),
        ratio="",
        text="probit({})",
        reach=(float(special.ndtri(_EDGE)), -float(special.ndtri(_EDGE))),
    ),
    "cloglog": Link(
        name="cloglog",
        forward=lambda mu: np.log(-np.log1p(-np.asarray(mu))),
        inverse=lambda eta: -np.expm1(-np.exp(eta)),
        derivative=lambda eta: np.exp(np.asarray(eta) - np.exp(eta)),
        pytensor_inverse=_pytensor_cloglog,
        unit=0.71,
        tolerance_variance=np.pi**2 / 6.0,
        average=_by_quadrature(lambda eta: -np.expm1(-np.exp(eta))),
        ratio="hazard ratio",
        text="cloglog({})",
        reach=(float(np.log(_EDGE)), float(np.log(-np.log(_EDGE)))),
    ),
    "cauchit": Link(
        name="cauchit",
        forward=lambda mu: -1.0 / np.tan(np.pi * np.asarray(mu)),
        inverse=lambda eta: np.arctan2(1.0, -np.asarray(eta)) / np.pi,
        derivative=lambda eta: 1.0 / (np.pi * (1.0 + np.square(eta))),
        pytensor_inverse=_pytensor_cauchit,
        unit=1.0,
        tolerance_variance=None,
        average=_cauchit_average,
        ratio="",
        text="cauchit({})",
        reach=(-1.0 / (np.pi * _EDGE), 1.0 / (np.pi * _EDGE)),
    ),
    "inverse": Link(
        name="inverse",
        forward=lambda mu: 1.0 / np.asarray(mu),
        inverse=lambda eta: 1.0 / _where_positive(eta, eta),
        derivative=lambda eta: -1.0 / np.square(eta),
        pytensor_inverse=lambda eta: _pytensor_where_positive(lambda value: 1.0 / value)(eta),
        unit=None,
        tolerance_variance=None,
        average=_no_inverse_average,
        ratio="",
        text="1/{}",
        lowest=0.0,
    ),
    "inverse_squared": Link(
        name="inverse_squared",
        forward=lambda mu: 1.0 / np.square(mu),
        inverse=lambda eta: 1.0 / np.sqrt(_where_positive(eta, eta)),
        derivative=lambda eta: -0.5 * np.power(eta, -1.5),
        pytensor_inverse=lambda eta: _pytensor_where_positive(lambda value: value**-0.5)(eta),
        unit=None,
        tolerance_variance=None,
        average=_no_inverse_squared_average,
        ratio="",
        text="1/{}^2",
        lowest=0.0,
    ),
    "sqrt": Link(
        name="sqrt",
        forward=np.sqrt,
        inverse=lambda eta: _where_positive(np.square(eta), eta),
        derivative=lambda eta: 2.0 * np.asarray(eta),
        pytensor_inverse=lambda eta: _pytensor_where_positive(lambda value: value**2)(eta),
        unit=None,
        tolerance_variance=None,
        average=lambda eta, variance: np.square(eta) + variance,
        ratio="",
        text="sqrt({})",
        lowest=0.0,
    ),
}
