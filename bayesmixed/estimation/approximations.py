"""What a search for the maximum of a marginal likelihood found."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayesmixed.design.design import Design
from bayesmixed.display.pages import Page, Section

METHODS = {
    "joint": "coefficients and effects at their joint mode, Laplace's approximation for the SDs (lme4's nAGQ=0)",
    "pql": "penalised quasi-likelihood: normal working responses, refitted until they no longer change",
    "laplace": "Laplace's approximation of the integral over all effects",
    "agq": "Gauss-Hermite quadrature in each level",
    "mc": "Monte Carlo integration in each level",
}

_NONE = 1e-4
"""Estimates smaller than this share of their standard error are rounding."""


@dataclass(frozen=True, slots=True, repr=False)
class Approximation(Page):
    """A model at its maximum likelihood.

    Attributes
    ----------
    design : Design
        The model.
    method : str
        A key of `METHODS`, with what it was asked to do.
    estimates, standard_errors : mapping
        By names of the draws: "beta[x]", "sd_g[Intercept]", "corr_g[Intercept, x]", "sigma". The standard error is NaN
        where the likelihood has no curvature, such as at an SD of 0 or a correlation of 1.
    effects : pandas.DataFrame
        Predicted effects as written: term, level, effect, estimate, sd; sd given all estimates.
    log_likelihood : float or None
        At the maximum, with all constants; None for "pql", which has none. At the mode under priors that of the
        likelihood alone.
    error : float
        Its Monte Carlo error.
    aic : float or None
        Akaike's information criterion; None where the likelihood is restricted or absent, and under priors.
    seconds : float
        What it took.
    converged : bool
        Whether the search ended where the gradient vanishes.
    notes : tuple of str
        What else to know: coefficients without a finite maximum.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> found = bm.approximate("herd", bm.datasets.load("cbpp"))
    >>> {name: round(error, 3) for name, error in found.standard_errors.items()}
    {'beta[Intercept]': 0.242, 'sd_herd[Intercept]': 0.195}
    """

    design: Design
    method: str
    estimates: Mapping[str, float]
    standard_errors: Mapping[str, float]
    effects: pd.DataFrame
    log_likelihood: float | None
    error: float
    aic: float | None
    seconds: float
    converged: bool
    notes: tuple[str, ...] = ()

    def sections(self) -> list[Section]:
        """Return the sections of the page."""
        lines = [
            f"{self.design.spec.formula}   (family {self.design.family.name}; {self.design.row_text})",
            self.method,
        ]
        if not self.converged:
            lines.insert(
                0, "NOT CONVERGED: the gradient does not vanish where the search ended. Do not use these numbers."
            )
        lines += [f"NOTE: {note}" for note in self.notes]
        if self.log_likelihood is not None:
            said = f" (Monte Carlo error {self.error:.2g})" if self.error else ""
            lines.append(f"log-likelihood {self.log_likelihood:.4f}{said}")
            lines[-1] += "" if self.aic is None else f", AIC {self.aic:.2f}"
        rows = [
            (name, _show_estimate(value, self.standard_errors[name]), _show_error(self.standard_errors[name]))
            for name, value in self.estimates.items()
        ]
        return [
            Section(before=tuple(lines), table=pd.DataFrame(rows, columns=["parameter", "estimate", "standard error"]))
        ]


def _show_estimate(value: float, error: float) -> str:
    return "0" if abs(value) < _NONE * error else f"{value:.4g}"


def _show_error(error: float) -> str:
    return "" if np.isnan(error) else f"{error:.3g}"
