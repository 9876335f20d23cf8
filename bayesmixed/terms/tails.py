"""Effects of levels with a t distribution: its degrees of freedom as a parameter of the term."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesmixed.families.links import Array
from bayesmixed.prior_distributions import Prior
from bayesmixed.terms.covariances import CovarianceParameter
from bayesmixed.terms.spectra import Spectrum

_PRIOR = Prior(name="Gamma", arguments=(2.0, 0.1))
"""Default prior of the degrees of freedom (Juárez & Steel 2010), cut off at 2."""


@dataclass(frozen=True, slots=True, eq=False)
class Tail(Spectrum):
    """The t distribution of the effects of one column, whose degrees of freedom are above 2, so that it has an SD.

    Attributes
    ----------
    label : str
        The column.
    """

    label: str
    words = "a t distribution"
    note = ""
    heavy = True

    def reason(self, name: str) -> str:
        """Return in words why compiled densities cannot hold it."""
        return f"the effects of '{name}' have a t distribution"

    @property
    def parameters(self) -> tuple[CovarianceParameter, ...]:
        """The degrees of freedom."""
        meaning = "degrees of freedom of the t distribution of effects"
        return (CovarianceParameter("nu", "nu", meaning, lambda width: (2.0, np.inf), lambda places: _PRIOR),)

    def sds(self, values: Mapping[str, Any], module: Any) -> Any:
        """Return 1: the SD of an effect is that of the term."""
        return np.ones(1)


def tail_factors(degrees: Array, levels: int, generator: np.random.Generator) -> Array:
    """Return what makes normal effects of levels, (..., J, K), those of a t distribution with the same SD, (..., J, 1), given its
    degrees of freedom, (...)."""
    nu = np.asarray(degrees)[..., None, None]
    return np.sqrt((nu - 2.0) / generator.chisquare(np.broadcast_to(nu, (*nu.shape[:-2], levels, 1))))
