"""Covariance structures of the effects of a level: what each one is called, its parameters, and its correlations."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayesmixed.errors import check_choice
from bayesmixed.families.links import Array
from bayesmixed.prior_distributions import POSITIVE, Prior, Support
from bayesmixed.terms.correlations import (
    ar1,
    ar1_root,
    coordinates_root,
    distances_of,
    exchangeable,
    exchangeable_root,
    exponential,
    gaussian,
    matern32,
    matern52,
    of_distances,
    ou,
    ou_root,
    toeplitz,
    toeplitz_root,
)

ANY, ORDER, TIMES, COORDINATES = "any", "order", "times", "coordinates"
"""Columns of a structure: those of any formula; the levels of a factor in order, or times in equal steps; times at any
distances; places in one, two or more coordinates."""
ROUNDING = 1e-6
"""Steps by which a time may miss the step that it is."""
_AROUND_ZERO = Prior(name="Normal", arguments=(0.0, 0.5))
"""Default prior of a correlation, cut off at its range: near the Beta(2, 2) on (-1, 1) of a free one."""


@dataclass(frozen=True, slots=True)
class CovarianceParameter:
    """A parameter of a covariance structure besides the SDs.

    Attributes
    ----------
    name : str
        What its variable begins with: "ar1" of "ar1_subject".
    symbol : str
        In equations.
    meaning : str
        In words.
    support : callable
        Takes the number of columns, returns the open interval in which it lies.
    prior : callable
        Takes the places of the columns, (K, d), returns its default prior, which is cut off at the support.
    prior_text : str
        The default prior where it depends on the places, in words; "" where it does not.
    """

    name: str
    symbol: str
    meaning: str
    support: Callable[[int], Support]
    prior: Callable[[Array], Prior]
    prior_text: str = ""


@dataclass(frozen=True, slots=True)
class Covariance:
    """How the effects of one group on several columns vary together.

    Attributes
    ----------
    name : str
        Name in specs.
    bars : str
        The bars that denote it in a formula, or those inside its call.
    correlated : callable
        Takes the number of columns, returns whether correlations are estimated one by one.
    text : str
        In words, for tables and equations.
    call : str
        The call around the bar that denotes it in a formula, "" for none.
    option : str
        What follows the bar in its call, "nu=2.5"; "" for none.
    equal : bool
        All columns have one SD.
    columns : str
        Which columns it is for, one of the four above.
    parameters : tuple of CovarianceParameter
        Its parameters besides the SDs.
    root : callable or None
        Takes the values of its parameters by name, (..., 1, 1) arrays or symbols, the places of the columns, (K, d), and the
        module numpy or pytensor.tensor; returns the Cholesky factor of the correlations, (..., K, K). None: the identity.
    correlation : callable or None
        Takes the values of its parameters by name, (..., 1, 1) arrays, and places, which may be in any order and between
        those of the fit; returns the correlations, (..., K, K).
    formula : str
        The correlation of two columns k and l for equations, with {} for its parameter.
    note : str
        What is added to it in words.
    absorbs : bool
        Adding a multiple of the identity gives another covariance of the same structure.
    lags : bool
        It has a partial autocorrelation for each lag, so that nothing is known about places beyond those of the fit.
    neighbour : callable or None
        Where a column depends on those before by way of the last of them: takes the values of its parameters by name,
        distances, (n,), and the module; returns the correlation at these distances.
    """

    name: str
    bars: str
    correlated: Callable[[int], bool]
    text: str
    call: str = ""
    option: str = ""
    equal: bool = False
    columns: str = ANY
    parameters: tuple[CovarianceParameter, ...] = ()
    root: Callable[[Mapping[str, Any], Array, Any], Any] | None = None
    correlation: Callable[[Mapping[str, Array], Array], Array] | None = None
    formula: str = "{}"
    note: str = ""
    absorbs: bool = False
    lags: bool = False
    neighbour: Callable[[Mapping[str, Any], Array, Any], Any] | None = None

    @property
    def structured(self) -> bool:
        """Whether it is neither diagonal nor free: SDs or correlations of several columns share parameters."""
        return self.equal or self.root is not None


def find_covariance(name: str) -> Covariance:
    """Return the covariance structure of that name.

    Raises
    ------
    SpecError
        No structure has that name.
    """
    check_choice("Covariance {}", name, COVARIANCES)
    return COVARIANCES[name]


def lkj_concentration(columns: int) -> float:
    """Return the default LKJ concentration, max(1, 3 - K/2).

    For K = 2, 3, 4 every single correlation then has the same marginal distribution, Beta(2, 2) on (-1, 1).
    """
    return max(1.0, 3.0 - columns / 2.0)


def _none(columns: int) -> bool:
    return False


def _correlation(name: str, meaning: str, *, exchangeable: bool = False) -> CovarianceParameter:
    def support(width: int) -> Support:
        return (-1.0 / max(width - 1, 1) if exchangeable else -1.0), 1.0

    return CovarianceParameter(name, "rho", meaning, support, lambda places: _AROUND_ZERO)


def _range_prior(places: Array) -> Prior:
    """Return a distribution with 95 % between the smallest and the largest distance, or a factor of e around one."""
    distances = distances_of(places)[np.triu_indices(len(places), 1)]
    low, high = np.log(distances.min(initial=np.inf)), np.log(distances.max(initial=0.0))
    return Prior(name="LogNormal", arguments=(float((low + high) / 2.0), float(max((high - low) / 4.0, 0.5))))


def _reach_prior(places: Array) -> Prior:
    """Return a distribution with 95 % between the median distance to the nearest place and the largest distance."""
    distances = distances_of(places) + np.diag(np.full(len(places), np.inf))
    nearest, largest = np.median(distances.min(axis=1)), distances[np.isfinite(distances)].max(initial=0.0)
    return _range_prior(np.array([[0.0], [nearest], [largest]]) if nearest < largest else places)


def partial_correlation(lag: int) -> CovarianceParameter:
    """Return the parameter of the correlation of a lag given those before."""
    meaning = f"correlation of columns {lag} steps apart, given those between" if lag > 1 else _STEP
    return _correlation(f"pacf{lag}", meaning)


_STEP = "correlation of columns one step apart"
_RANGE = CovarianceParameter(
    "range",
    "range",
    "distance over which correlations fall",
    lambda width: POSITIVE,
    _range_prior,
    "95 % between the smallest and the largest distance",
)
_REACH = replace(
    _RANGE,
    prior=_reach_prior,
    prior_text="95 % between the median distance to the nearest place and the largest distance",
)
_RHO = _correlation("rho", "correlation of each two columns", exchangeable=True)
_AR1 = _correlation("ar1", _STEP)

_EXCHANGEABLE = Covariance(
    "exchangeable",
    "|",
    _none,
    "equally correlated, with one SD",
    "homcs",
    equal=True,
    parameters=(_RHO,),
    root=exchangeable_root,
    correlation=exchangeable,
    note="k ≠ l",
    absorbs=True,
)
_AUTOREGRESSIVE = Covariance(
    "ar1",
    "|",
    _none,
    "autoregressive of order 1, with one SD",
    "ar1",
    equal=True,
    columns=ORDER,
    parameters=(_AR1,),
    root=ar1_root,
    correlation=ar1,
    formula="{}^|k-l|",
    note="k, l in steps",
    neighbour=lambda values, steps, module: values["ar1"] ** steps,
)
_TOEPLITZ = Covariance(
    "toeplitz",
    "|",
    _none,
    "correlated by their lag, with one SD",
    "homtoep",
    equal=True,
    columns=ORDER,
    root=toeplitz_root,
    correlation=toeplitz,
    formula="",
    absorbs=True,
    lags=True,
)


def _of_coordinates(
    name: str, text: str, call: str, formula: str, correlation: Callable[[Any, Any, Any], Any], option: str = ""
) -> Covariance:
    """Return correlations that fall with the distance, given as a function of distances, a range and the module."""
    return Covariance(
        name,
        "|",
        _none,
        f"{text} of the distance, with one SD",
        call,
        option,
        equal=True,
        columns=COORDINATES,
        parameters=(_REACH,),
        root=coordinates_root(correlation),
        correlation=lambda values, places: of_distances(correlation, values, places, np),
        formula=formula,
        note="d distances of places",
    )


def _with_sds(one: Covariance, call: str) -> Covariance:
    """Return the same correlations with an SD of each column."""
    text = one.text.removesuffix(", with one SD")
    return replace(one, name=f"heterogeneous_{one.name}", text=text, call=call, equal=False, absorbs=False)


COVARIANCES: dict[str, Covariance] = {
    one.name: one
    for one in (
        Covariance("unstructured", "|", lambda columns: columns > 1, "correlated", "us"),
        Covariance("independent", "||", _none, "independent", "diag"),
        Covariance("homogeneous", "|", _none, "independent, with one SD", "homdiag", equal=True, absorbs=True),
        _EXCHANGEABLE,
        _with_sds(_EXCHANGEABLE, "cs"),
        _AUTOREGRESSIVE,
        _with_sds(_AUTOREGRESSIVE, "hetar1"),
        _TOEPLITZ,
        _with_sds(_TOEPLITZ, "toep"),
        Covariance(
            "ou",
            "|",
            _none,
            "an Ornstein-Uhlenbeck process, with one SD",
            "ou",
            equal=True,
            columns=TIMES,
            parameters=(_RANGE,),
            root=ou_root,
            correlation=ou,
            formula="exp(-d_kl/{})",
            note="d distances of times",
            neighbour=lambda values, distances, module: module.exp(-distances / values["range"]),
        ),
        _of_coordinates("exponential", "an exponential function", "exp", "exp(-d_kl/{})", exponential),
        _of_coordinates("gaussian", "a Gaussian function", "gau", "exp(-(d_kl/{})^2)", gaussian),
        _of_coordinates("matern32", "a Matérn 3/2 function", "mat", "(1 + d_kl/{0}) exp(-d_kl/{0})", matern32),
        _of_coordinates(
            "matern52",
            "a Matérn 5/2 function",
            "mat",
            "(1 + d_kl/{0} + (d_kl/{0})^2/3) exp(-d_kl/{0})",
            matern52,
            "nu=2.5",
        ),
    )
}
CALLS = {one.call: one.name for one in COVARIANCES.values() if not one.option}
"""Names of covariances by their calls in formulas, those of glmmTMB."""
VARIANTS = {
    "homogeneous": "independent",
    "exchangeable": "heterogeneous_exchangeable",
    "ar1": "heterogeneous_ar1",
    "toeplitz": "heterogeneous_toeplitz",
}
"""Covariances with one SD, and the same ones with an SD of each column."""
SMOOTHNESS = {0.5: "exponential", 1.5: "matern32", 2.5: "matern52"}
"""Matérn covariances by their smoothness, mat(x + y | g, nu=1.5)."""
