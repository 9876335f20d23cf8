"""Spectra of curves: how the SDs of their coefficients depend on further parameters, such as a length-scale."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bayesmixed.families.links import Array
from bayesmixed.prior_distributions import UNIT, Prior
from bayesmixed.terms.covariances import CovarianceParameter

_HALVES = Prior(name="Beta", arguments=(0.5, 0.5))
"""Default prior of a share: its odds are between 1/650 and 650 with probability 95 %."""


class Spectrum(ABC):
    """How the SDs of the coefficients of a curve depend on further parameters; their size is the SD of the curve.

    Attributes
    ----------
    label : str
        The term that it belongs to, "te(x, z)".
    words : str
        What the SDs depend on, in words.
    vanishing : bool
        Some of the SDs may be nearly zero: then data say nothing about these coefficients.
    heavy : bool
        Effects have a t distribution.
    note : str
        Variance of a coefficient in units of that of the curve, for equations, as a formula of its parameters in words.
    """

    label: str
    words: str
    note: str
    vanishing: bool = False
    heavy: bool = False

    def reason(self, name: str) -> str:
        """Return in words why compiled densities cannot hold it, given the name of the term."""
        return f"the SDs of the coefficients of '{name}' depend on {self.words}"

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
class SpectrumByLevel(Spectrum):
    """The spectra of curves of the levels of a factor, each with parameters of its own, which have the number of the level.

    Attributes
    ----------
    spectra : tuple of Spectrum
        Of each curve.
    by : str
        The factor.
    levels : tuple of str
        Its levels.
    """

    spectra: tuple[Spectrum, ...]
    by: str
    levels: tuple[str, ...]

    @property
    def label(self) -> str:  # type: ignore[override]
        """The term."""
        return self.spectra[0].label

    @property
    def words(self) -> str:  # type: ignore[override]
        """What the SDs depend on, in words."""
        return self.spectra[0].words

    @property
    def note(self) -> str:  # type: ignore[override]
        """Variance of a coefficient in units of that of its curve."""
        return f"{self.spectra[0].note}; each curve with its own"

    @property
    def vanishing(self) -> bool:  # type: ignore[override]
        """Whether some of the SDs may be nearly zero."""
        return self.spectra[0].vanishing

    @property
    def places(self) -> tuple[tuple[float, ...], ...]:
        """What default priors of its parameters depend on, the same for all curves."""
        return self.spectra[0].places

    @property
    def parameters(self) -> tuple[CovarianceParameter, ...]:
        """The parameters of each curve."""
        return tuple(
            replace(one, name=f"{one.name}{number}", meaning=f"{one.meaning} where {self.by} is {level}")
            for number, (spectrum, level) in enumerate(zip(self.spectra, self.levels, strict=True), 1)
            for one in spectrum.parameters
        )

    def of(self, curve: int, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of the parameters of one curve by their names there."""
        return {one.name: values[f"{one.name}{curve + 1}"] for one in self.spectra[curve].parameters}

    def sds(self, values: Mapping[str, Any], module: Any) -> Any:
        """Return the SDs of the coefficients in units of that of their curve, (..., J, K)."""
        own = [spectrum.sds(self.of(curve, values), module) for curve, spectrum in enumerate(self.spectra)]
        return module.stack(own, axis=-1)


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
