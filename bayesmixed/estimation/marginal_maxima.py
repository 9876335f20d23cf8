"""Maximum likelihood, the effects integrated out in one of several ways."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayesmixed.approximation import quick_mode
from bayesmixed.design import Design
from bayesmixed.engines.kernel import starting_centre
from bayesmixed.errors import SpecError, did_you_mean
from bayesmixed.estimation.conditional_models import MarginalParameters
from bayesmixed.estimation.effect_modes import (
    EffectMode,
    find_effect_mode,
    laplace,
    observed_information,
    solver,
    working_model,
)
from bayesmixed.estimation.integrals import Estimate, LevelIntegrals, explain_no_levels, refuse_levels
from bayesmixed.estimation.maximisation import Maximum, maximise
from bayesmixed.links import Array
from bayesmixed.parameter_keys import ParameterKey
from bayesmixed.preparation import prepare
from bayesmixed.spec import ModelSpec
from bayesmixed.summaries.display.pages import Page, Section

METHODS = {
    "joint": "coefficients and effects at their joint mode, Laplace's approximation for the SDs (lme4's nAGQ=0)",
    "pql": "penalised quasi-likelihood: normal working responses, fitted in turn until they stay",
    "laplace": "Laplace's approximation of the integral over all effects",
    "agq": "adaptive Gauss-Hermite quadrature",
    "mc": "Monte Carlo integration",
}
_ITERATIONS, _MOST_POINTS = 200, 100
_EDGE = 1.0 - 1e-9
"""Correlations beyond stand at the end of their range."""


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
        By names of the draws: "beta[x]", "sd_g[Intercept]", "corr_g[Intercept, x]", "sigma". The standard error of what
        the likelihood does not bend in, such as an SD of 0 or a correlation of 1, is NaN.
    effects : pandas.DataFrame
        Predicted effects as written: term, level, effect, estimate, sd; sd given all estimates.
    log_likelihood : float or None
        At the maximum, with all constants; None for "pql", which has none.
    error : float
        Its Monte Carlo error.
    aic : float or None
        Akaike's information criterion; None where the likelihood is restricted or absent.
    seconds : float
        What it took.
    converged : bool
        Whether the search ended where the slope vanishes.

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

    def sections(self) -> list[Section]:
        """Return the sections of the page."""
        lines = [
            f"{self.design.spec.formula}   (family {self.design.family.name}; {self.design.row_text})",
            self.method,
        ]
        if not self.converged:
            lines.insert(
                0, "NOT CONVERGED: the slope does not vanish where the search ended. Do not use these numbers."
            )
        if self.log_likelihood is not None:
            said = f" (Monte Carlo error {self.error:.2g})" if self.error else ""
            lines.append(f"log-likelihood {self.log_likelihood:.4f}{said}")
            lines[-1] += "" if self.aic is None else f", AIC {self.aic:.2f}"
        rows = [
            (name, f"{value:.4g}", _show_error(self.standard_errors[name])) for name, value in self.estimates.items()
        ]
        return [
            Section(before=tuple(lines), table=pd.DataFrame(rows, columns=["parameter", "estimate", "standard error"]))
        ]


def _show_error(error: float) -> str:
    return "" if np.isnan(error) else f"{error:.3g}"


def approximate(
    spec: str | Path | ModelSpec | Design,
    data: Any = None,
    *,
    method: str = "laplace",
    points: int | None = None,
    draws: int = 1000,
    adaptive: bool = True,
    restricted: bool = False,
    seed: int = 0,
    **options: Any,
) -> Approximation:
    """Return a model at the maximum of its marginal likelihood, the effects integrated out. Priors do not enter.

    Parameters
    ----------
    spec : str, Path, ModelSpec or Design
        Formula, shipped name, TOML path or spec, with data; or what `prepare` returned.
    data : data frame, mapping of columns, or path, optional
        One row per observation.
    method : {"joint", "pql", "laplace", "agq", "mc"}
        How effects are integrated out, from the fastest to the most precise: see `METHODS`.
    points : int, optional
        Nodes of "agq" in each direction: by default 15 for one effect of a level, 9 for two, 7 for three; of nested factors
        11 for the inner ones.
    draws : int
        Draws of the effects of each level for "mc".
    adaptive : bool
        "agq": nodes around the mode of each level, not around 0. "mc": draws from a t around the mode, not from the
        normal law of the effects.
    restricted : bool
        Restricted maximum likelihood (REML) of a Gaussian model: coefficients are integrated out as well, under a flat
        density.
    seed : int
        Of the draws.
    **options
        With a formula: `family`, `link` and so on, as for `fit`.

    Raises
    ------
    SpecError
        The method does not apply to the model: the message names one that does.
    DataError
        As for `prepare`.

    Notes
    -----
    "joint" and "laplace" are the two stages of Bates et al. (2015, J Stat Softw 67:1), the latter with the observed
    Hessian; "pql" follows Breslow & Clayton (1993, JASA 88:9), "agq" Pinheiro & Bates (1995, J Comput Graph Stat 4:12).
    Standard errors come from the curvature of the likelihood at its maximum, those of SDs and correlations by the delta
    method.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("cbpp")
    >>> found = bm.approximate("herd", data, method="agq")
    >>> round(found.log_likelihood, 3), round(found.estimates["sd_herd[Intercept]"], 3)
    (-104.759, 0.818)
    """
    if method not in METHODS:
        raise SpecError(f"method='{method}' is not known. {did_you_mean(method, METHODS)}")
    design = spec if isinstance(spec, Design) else prepare(spec, data, **options)
    _refuse(design, method, restricted=restricted)
    if points is not None and points > _MOST_POINTS:
        raise SpecError(f"points={points} is more than {_MOST_POINTS}; more than 30 seldom change anything.")
    if method == "mc" and draws < 2:
        raise SpecError("method='mc' needs at least two draws, to tell its Monte Carlo error.")
    started = time.perf_counter()
    rung = _Rung(design, method, points=points, draws=draws, adaptive=adaptive, restricted=restricted, seed=seed)
    return rung.climb(started)


def _refuse(design: Design, method: str, *, restricted: bool) -> None:
    """Refuse designs and methods that do not go together (SpecError)."""
    family = design.family
    if design.streamed:
        raise SpecError("Maximum likelihood needs the rows in memory: bm.prepare(spec, path, stream=False).")
    if design.response is None:
        raise SpecError("This design has no response (it was prepared for prediction), so there is nothing to fit.")
    other = [p.parameter for p in design.predictors.values() if p is not design.mu and p.normal_blocks]
    if other:
        raise SpecError(
            f"Effects on '{other[0]}' are not integrated out by bm.approximate. Sample the model: bm.fit(...)."
        )
    for block in design.mu.normal_blocks:
        if block.correlated and design.priors[design.mu.corr(block)].prior.name == "Fixed":
            raise SpecError(
                f"The correlation of '{block.name}' is fixed by a number, and bm.approximate estimates it. Sample the model: "
                "bm.fit(...)."
            )
    normal = family.conjugate and design.mu.link.name == "identity"
    if restricted and not (
        normal and list(design.predictors) == [design.mu.parameter] and method in ("joint", "laplace")
    ):
        raise SpecError(
            "restricted=True is for Gaussian models with identity link and one sigma, by method='laplace', which is exact "
            "there. Leave it out."
        )
    if method == "pql" and not normal and (design.numbers or family.cuts or len(design.predictors) > 1):
        raise SpecError(
            f"method='pql' has no likelihood that would tell the further parameters of family '{family.name}'. "
            "Take method='laplace'."
        )


class _Rung:
    """One way to maximise the marginal likelihood of a design."""

    def __init__(self, design: Design, method: str, **asked: Any) -> None:
        self.design, self.method = design, method
        self.restricted: bool = asked["restricted"]
        self.parameters = MarginalParameters(design)
        self.normal = design.family.conjugate and design.mu.link.name == "identity"
        self.together = method == "joint" or self.restricted
        """Coefficients are sought together with the effects, not as parameters."""
        self._start = self._first = np.zeros(0)
        self._integral: Callable[[Array], Estimate] | None = None
        levels = LevelIntegrals(self.parameters)
        nodes, adaptive = asked["points"], asked["adaptive"]
        blocks = design.mu.normal_blocks
        if method == "agq" and blocks and not (nodes == 1 and adaptive):
            refuse_levels(explain_no_levels(self.parameters, alone=not adaptive), method, "laplace")
            self._integral = lambda points: levels.quadrature(points, nodes=nodes, adaptive=adaptive)
        if method == "mc" and blocks:
            refuse_levels(explain_no_levels(self.parameters, alone=True), method, "laplace")
            shape = (asked["draws"], len(blocks[0].levels), blocks[0].width)
            noise = np.random.default_rng(asked["seed"]).uniform(size=shape)
            self._integral = lambda points: levels.monte_carlo(points, noise, adaptive=adaptive)
        self.text = f"method {method}: {METHODS[method]}" + (", restricted likelihood" if self.restricted else "")

    def climb(self, started: float) -> Approximation:
        """Return the model at the maximum."""
        mode = quick_mode(self.design) if self.design.mu.normal_blocks else None
        centre, _ = starting_centre(self.parameters.layout, mode)
        point = centre[self.parameters.places]
        scale = self.parameters.scale(point, None if mode is None else mode.covariance)
        own = point[self.parameters.of_coefficients] if self.together else np.zeros(0)
        self._start = self._first = np.concatenate([own, np.zeros(self.parameters.at(point).columns.shape[1])])
        found = (
            self._iterate(point, scale) if self.method == "pql" and not self.normal else self._maximise(point, scale)
        )
        return self._describe(found, started)

    def _maximise(self, point: Array, scale: Array, values: Callable[[Array], Array] | None = None) -> Maximum:
        """Return the maximum over all parameters, or over those but the coefficients."""
        values = values or (self._integral_values if self._integral else self._laplace_values)
        if not self.together:
            return maximise(values, point, scale)
        own = self.parameters.of_coefficients

        def at(points: Array) -> Array:
            whole = np.tile(point, (len(points), 1))
            whole[:, ~own] = points
            return values(whole)

        found = maximise(at, point[~own], scale[np.ix_(~own, ~own)])
        return self._with_coefficients(point, found)

    def _with_coefficients(self, point: Array, found: Maximum) -> Maximum:
        """Return a maximum over the other parameters together with the coefficients at the joint mode there."""
        from scipy import sparse

        own, whole = self.parameters.of_coefficients, point.copy()
        whole[~own], whole[own] = found.point, 0.0
        model = self.parameters.at(whole)
        mode = self._mode(model)
        width = int(own.sum())
        whole[own] = mode.place[:width] if mode is not None else np.nan
        covariance = np.full((len(whole), len(whole)), 0.0)
        covariance[np.ix_(~own, ~own)] = found.covariance
        if mode is not None and width:
            columns = sparse.hstack([sparse.csr_array(model.population), model.columns], format="csr")
            penalty = np.repeat([0.0, 1.0], [width, model.columns.shape[1]])
            solve, _ = solver(columns, model.rows.expected_information(mode.eta), penalty)
            covariance[np.ix_(own, own)] = solve(np.eye(len(penalty))[:, :width])[:width]
        return Maximum(whole, found.value, covariance, found.found and mode is not None)

    def _mode(self, model: Any) -> EffectMode | None:
        """Return the mode of the effects, from where the last one was."""
        mode = find_effect_mode(model, self._start, joint=self.together)
        if mode is None:
            mode = find_effect_mode(model, self._first, joint=self.together)
        self._start = self._first if mode is None else mode.place
        return mode

    def _laplace_values(self, points: Array) -> Array:
        return np.array([self._laplace_value(self._model(point)) for point in points])

    def _model(self, point: Array) -> Any:
        whole = point.copy()
        if self.together:
            whole[self.parameters.of_coefficients] = 0.0
        return self.parameters.at(whole)

    def _laplace_value(self, model: Any) -> float:
        mode = self._mode(model)
        if mode is None:
            return -np.inf
        return laplace(model, mode, expected=self.method == "joint", restricted=self.restricted)

    def _integral_values(self, points: Array) -> Array:
        assert self._integral is not None
        try:
            return self._integral(points).value
        except np.linalg.LinAlgError:  # a trial step so far away that densities overflow
            return np.full(len(points), -np.inf)

    def _iterate(self, point: Array, scale: Array) -> Maximum:
        """Return where the working responses of penalised quasi-likelihood stay."""
        found, eta = Maximum(point, np.nan, scale @ scale.T, False), self.parameters.at(point).eta
        for _ in range(_ITERATIONS):

            def values(points: Array, eta: Array = eta) -> Array:
                return np.array([self._laplace_value(working_model(self._model(p), eta)) for p in points])

            found = self._maximise(found.point, scale, values)
            model = self._model(found.point)
            mode = self._mode(working_model(model, eta))
            if mode is None:
                break
            moved = float(np.max(np.abs(mode.eta - eta)))
            eta = mode.eta
            if moved < 1e-7 * (1.0 + float(np.ptp(eta))):
                return found
        return found._replace(found=False)

    def _describe(self, found: Maximum, started: float) -> Approximation:
        parameters = self.parameters
        estimates = parameters.named(found.point)
        steps = (
            1e-4 * np.eye(len(found.point)) * np.sqrt(np.nan_to_num(np.diagonal(found.covariance), nan=1.0)).clip(1e-8)
        )
        slopes = [
            (np.array([*parameters.named(found.point + e).values()]) - [*parameters.named(found.point - e).values()])
            / (2.0 * e.max())
            for e in steps
        ]
        jacobian = np.array(slopes).T.reshape(len(estimates), len(found.point))
        unknown = np.isnan(np.diagonal(found.covariance))
        variance = np.einsum("ik,kl,il->i", jacobian, np.nan_to_num(found.covariance), jacobian)
        moved = np.any(np.abs(jacobian[:, unknown]) > 0.0, axis=1)
        moved |= [ParameterKey.read(name).of_correlations and abs(value) > _EDGE for name, value in estimates.items()]
        errors = np.where(moved, np.nan, np.sqrt(np.maximum(variance, 0.0)))
        log_likelihood = None if self.method == "pql" and not self.normal else found.value
        error = float(self._integral(found.point[None]).error[0]) if self._integral else 0.0
        comparable = log_likelihood is not None and not self.restricted
        return Approximation(
            design=self.design,
            method=self.text,
            estimates=estimates,
            standard_errors=dict(zip(estimates, errors.tolist(), strict=True)),
            effects=self._effects(found.point),
            log_likelihood=log_likelihood,
            error=error,
            aic=2.0 * len(found.point) - 2.0 * found.value if comparable else None,
            seconds=time.perf_counter() - started,
            converged=found.found,
        )

    def _effects(self, point: Array) -> pd.DataFrame:
        """Return the mode of the effects given the estimates, and their sds there."""
        model = self.parameters.at(point)
        mode = find_effect_mode(model, np.zeros(model.columns.shape[1]))
        if mode is None:
            raise SpecError("The effects have no mode at the estimates. Sample the model: bm.fit(...).")
        solve, _ = solver(model.columns, observed_information(model.rows, mode.eta), np.ones(len(mode.place)))
        found, start = [], 0
        for block, root in self.parameters.roots_as_written(point):
            width, levels = block.width, len(block.levels)
            effects = mode.place[start : start + levels * width].reshape(levels, width) @ root.T
            spread = np.sqrt(
                np.einsum("ik,jkl,il->ji", root, _level_blocks(solve, len(mode.place), start, levels, width), root)
            )
            for name, values in (("estimate", effects), ("sd", spread)):
                labels = [(block.name, level, label) for level in block.levels for label in block.labels or ("",)]
                index = pd.MultiIndex.from_tuples(labels, names=["term", "level", "effect"])
                found.append(pd.Series(values.ravel(), index, name=name))
            start += levels * width
        pairs = [pd.concat(found[k : k + 2], axis=1) for k in range(0, len(found), 2)]
        columns = ["term", "level", "effect", "estimate", "sd"]
        return pd.concat(pairs).reset_index()[columns] if pairs else pd.DataFrame(columns=columns)


def _level_blocks(solve: Callable[[Array], Array], size: int, start: int, levels: int, width: int) -> Array:
    """Return the blocks (J, K, K) of the levels of a term in the inverse that `solve` multiplies with."""
    found = np.empty((levels, width, width))
    at_once = max(1, int(2e6 / size / width))
    for first in range(0, levels, at_once):
        own = np.arange(first, min(first + at_once, levels))
        places = start + own[:, None] * width + np.arange(width)
        units = np.zeros((size, places.size))
        units[places.ravel(), np.arange(places.size)] = 1.0
        columns = solve(units)
        for number, level in enumerate(own):
            found[level] = columns[places[number], number * width : (number + 1) * width]
    return found
