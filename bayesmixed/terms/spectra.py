"""Spectra of curves: how the SDs of their coefficients depend on further parameters, such as a length-scale."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bayesmixed.families.links import Array
from bayesmixed.prior_distributions import UNIT, Prior
from bayesmixed.terms.covariances import CovarianceParameter

_HALVES = Prior(name="Beta", arguments=(0.5, 0.5))
"""Default prior of a share: its odds are between 1/650 and 650 with probability 95 %."""


class Spectrum(ABC):
    """How the SDs of the coefficients of one curve depend on further parameters; their size is the SD of the curve.

    Attributes
    ----------
    label : str
        The term that it belongs to, "te(x, z)".
    words : str
        What the SDs depend on, in words.
    vanishing : bool
        Some of the SDs may be nearly zero: then data say nothing about these coefficients.
    note : str
        Variance of a coefficient in units of that of the curve, for equations, as a formula of its parameters in words.
    """

    label: str
    words: str
    note: str
    vanishing: bool = False

    @property
    @abstractmethod
    def parameters(self) -> tuple[CovarianceParameter, ...]:
        """Its parameters."""

    @property
    def places(self) -> tuple[tuple[float, ...], ...]:
        """What default priors of its parameters depend on."""
        return ()

    @property
    def width(self) -> int:
        """Number of curves."""
        return 1

    @abstractmethod
    def sds(self, values: Mapping[str, Any], module: Any) -> Any:
        """Return the SDs of the coefficients in units of that of the curve, (..., J).

        Parameters
        ----------
        values : mapping
            Parameters by name, (..., 1) arrays or scalar symbols.
        module : module
            numpy or pytensor.tensor.
        """


@dataclass(frozen=True, slots=True, eq=False)
class Balance(Spectrum):
    """Coefficients of a tensor product with a penalty in each direction: precisions w d1 + (1 - w) d2, w the balance.

    Their variances are scaled so that the mean variance of the surface over the rows is that of its SD, whatever the balance.

    Attributes
    ----------
    label : str
        The term.
    first, second : (J,) arrays
        Penalty of each coefficient along each covariate.
    squares : (J,) array
        Mean over rows of the square of each column.
    """

    label: str
    first: Array
    second: Array
    squares: Array
    words = "how stiffness is shared between the covariates"
    note = "1 / (c (w d + (1 - w) e)): d, e roughness along each covariate; c so that the mean variance over rows is 1"

    @property
    def parameters(self) -> tuple[CovarianceParameter, ...]:
        """The share of the first covariate in the penalty."""
        meaning = "share of roughness along the first covariate in the penalty"
        return (CovarianceParameter("balance", "w", meaning, lambda width: UNIT, lambda places: _HALVES),)

    def sds(self, values: Mapping[str, Any], module: Any) -> Any:
        """Return the SDs of the coefficients in units of that of the surface, (..., J)."""
        share = values["balance"]
        variances = 1.0 / (share * self.first + (1.0 - share) * self.second)
        total = module.sum(variances * self.squares, axis=-1, keepdims=True)
        return module.sqrt(variances / total)
