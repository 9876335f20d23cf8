"""The search for the maximum of a marginal likelihood, by each way to integrate effects out."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from bayesmixed.design.design import Design
from bayesmixed.errors import SpecError, warn
from bayesmixed.estimation.approximations import METHODS, Approximation
from bayesmixed.estimation.conditional_models import ConditionalModel, MarginalParameters
from bayesmixed.estimation.edges import maximise_to_edges
from bayesmixed.estimation.effect_modes import EffectMode, determinant, find_effect_mode, slopes_of, value_of
from bayesmixed.estimation.integrals import Estimate, LevelIntegrals, explain_no_levels, refuse_levels
from bayesmixed.estimation.line_integrals import LineIntegrals, by_draws, by_nodes
from bayesmixed.estimation.log_priors import LogPrior
from bayesmixed.estimation.maximisation import Maximum, Slopes, maximise
from bayesmixed.estimation.precisions import Factor
from bayesmixed.estimation.quasi_likelihood import quasi_likelihood_mode
from bayesmixed.estimation.row_densities import is_compiled
from bayesmixed.estimation.separation import separated_coefficients
from bayesmixed.estimation.starting_points import starting_centre
from bayesmixed.families.links import Array
from bayesmixed.gauss_hermite import ADAPTIVE_NODES
from bayesmixed.parameter_keys import ParameterKey

Change = Callable[[ConditionalModel], ConditionalModel]
_ITERATIONS = 200
_PLACES = {
    "agq": {True: "nodes around the mode", False: "nodes around 0"},
    "mc": {True: "draws from a t around the mode", False: "draws from the distribution of the effects"},
}
_EDGE = 1.0 - 1e-9
"""Correlations beyond this count as at the end of their range."""
_ENDLESS = (
    "'{}' has no finite maximum: the likelihood rises the further it goes, because some columns tell outcomes apart without "
    "an error (perfect separation). Its estimate is only where the search stopped, and it has no standard error. Give it a "
    "prior, bm.approximate(..., priors=True) or bm.fit(...), or leave its column out."
)


class Climb:
    """One way to maximise the marginal likelihood of a design."""

    def __init__(self, design: Design, method: str, **asked: Any) -> None:
        self.design, self.method = design, method
        self.restricted: bool = asked["restricted"]
        self.parameters = MarginalParameters(design)
        self._prior = LogPrior(self.parameters.layout) if asked["priors"] else None
        self.normal = design.family.is_normal_under(design.mu.link)
        self.together = (method == "joint" and not self.normal) or self.restricted
        """Coefficients are sought together with the effects, not as parameters."""
        self._start = self._first = np.zeros(0)
        self._near: Factor | None = None
        self._integral: Callable[[Array], Estimate] | None = None
        self._lines: LineIntegrals | None = None
        levels = LevelIntegrals(self.parameters)
        nodes, adaptive = asked["points"], asked["adaptive"]
        blocks = design.mu.normal_blocks
        along_lines = len(blocks) == 1 and blocks[0].width == 1 and is_compiled(design)
        if method == "agq" and blocks and not (nodes == 1 and adaptive):
            refuse_levels(explain_no_levels(self.parameters, alone=not adaptive), method, "laplace")
            self._integral = lambda points: levels.quadrature(points, nodes=nodes, adaptive=adaptive)
            if along_lines:
                self._lines = by_nodes(self.parameters, nodes or ADAPTIVE_NODES[1], adaptive=adaptive)
        if method == "mc" and blocks:
            refuse_levels(explain_no_levels(self.parameters, alone=True), method, "laplace")
            shape = (asked["draws"], len(blocks[0].levels), blocks[0].width)
            noise = np.random.default_rng(asked["seed"]).uniform(size=shape)
            self._integral = lambda points: levels.monte_carlo(points, noise, adaptive=adaptive)
            if along_lines:
                self._lines = by_draws(self.parameters, noise[:, :, 0], adaptive=adaptive)
        if self._lines is not None:
            self._integral = self._lines.estimates
        self.text = f"method {method}: {METHODS[method]}"
        if self._integral is not None:
            self.text += f", {_PLACES[method][adaptive]}"
        if self.restricted:
            self.text += ", restricted likelihood"
        if self._prior is not None:
            self.text += ", mode under the priors"

    def climb(self, started: float) -> Approximation:
        """Return the model at the maximum; matrices are too small for BLAS threads, which would only wait."""
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        from bayesmixed.kernels.bridge import announce_compilation
        from bayesmixed.kernels.rows.compiled import fill_derivatives_compiled

        said = "what maximum likelihood needs (about 15 seconds; `bayesmixed warm-up` compiles it, too)"
        announce_compilation(fill_derivatives_compiled, True, said)
        with threadpool_limits(1, user_api="blas"):
            return self._climb(started)

    def _climb(self, started: float) -> Approximation:
        mode = quasi_likelihood_mode(self.design) if self.design.mu.normal_blocks else None
        centre, _ = starting_centre(self.parameters.layout, mode)
        point = centre[self.parameters.places]
        if mode is not None:
            point = self.parameters.lifted(point)
        scale = self.parameters.scale(point, None if mode is None else mode.covariance)
        own = point[self.parameters.of_coefficients] if self.together else np.zeros(0)
        self._start = self._first = np.concatenate([own, np.zeros(self.parameters.effects)])
        if self.method == "pql" and not self.normal:
            return self._describe(self._iterate(point, scale), started)
        if self._integral is None or self._has_slopes(self.parameters.at(point)):
            found = self._maximise(point, scale)
            if self._integral is None:
                return self._describe(found, started)
            if found.found and not found.flat.size:  # from an SD of 0 nothing climbs
                point, scale = found.point, found.root
        slopes = None if self._lines is None else self._with_prior_slopes(self._lines.slopes, scale)
        edges = self.parameters.edges(np.ones(len(point), dtype=bool))
        found = maximise_to_edges(self._integral_values, point, scale, slopes, *edges)
        return self._describe(found, started)

    def _with_prior_slopes(self, slopes: Slopes, scale: Array) -> Slopes:
        """Return values and gradients with the log prior density added, where priors enter."""
        if self._prior is None:
            return slopes
        steps = 1e-4 * np.diag(np.sqrt(np.sum(scale**2, axis=1)))

        @np.errstate(invalid="ignore")  # trial steps
        def both(point: Array) -> tuple[float, Array]:
            value, gradient = slopes(point)
            near = self._log_prior(point + np.concatenate([steps, -steps, 0.0 * steps[:1]]))
            own = (near[: len(steps)] - near[len(steps) : -1]) / (2.0 * np.diagonal(steps))
            return value + near[-1], gradient + own

        return both

    def _maximise(self, point: Array, scale: Array, change: Change | None = None) -> Maximum:
        """Return the maximum over all parameters, or over those but the coefficients, of a model that may be changed."""
        own = self.parameters.of_coefficients if self.together else np.zeros(len(point), dtype=bool)

        def whole(part: Array) -> Array:
            found = point.copy()
            found[~own] = part
            return found

        of_all = self._with_prior_slopes(lambda point: self._laplace_slopes(self._model(point, change)), scale)

        def slopes(part: Array) -> tuple[float, Array]:
            value, gradient = of_all(whole(part))
            return value, gradient[~own]

        def values(parts: Array) -> Array:
            points = np.array([whole(part) for part in parts])
            found = [self._laplace_slopes(self._model(point, change), False)[0] for point in points]
            return np.array(found) + self._log_prior(points)

        known = (
            slopes
            if self._has_slopes(change(self.parameters.at(point)) if change else self.parameters.at(point))
            else None
        )
        asked = values, point[~own], scale[np.ix_(~own, ~own)], known
        # Working responses change after each search: there is no hurry.
        found = maximise(*asked) if change else maximise_to_edges(*asked, *self.parameters.edges(~own))
        return self._with_coefficients(point, found) if self.together else found

    def _has_slopes(self, model: ConditionalModel) -> bool:
        """Return whether derivatives are known: those of determinants are where they have the observed information."""
        if not model.density.sloped:
            return False
        if self.method != "joint" or model.quadratic:
            return True
        # Away from where a link is symmetric, at which both are the same.
        eta = model.eta + (self.design.mu.link.unit or np.abs(model.eta)) * np.linspace(0.1, 0.5, len(model.eta))
        observed, expected = -model.derivatives(eta)[:, 2], model.expected_information(eta)
        return bool(np.allclose(observed, expected, rtol=1e-8, atol=0.0))

    def _with_coefficients(self, point: Array, found: Maximum) -> Maximum:
        """Return a maximum over the other parameters together with the coefficients at the joint mode there."""
        own, whole = self.parameters.of_coefficients, point.copy()
        whole[~own], whole[own] = found.point, 0.0
        model = self.parameters.at(whole)
        mode = self._mode(model)
        width = int(own.sum())
        whole[own] = mode.place[:width] if mode is not None else np.nan
        covariance, scale = np.zeros((len(whole),) * 2), np.eye(len(whole))
        covariance[np.ix_(~own, ~own)], scale[np.ix_(~own, ~own)] = found.covariance, found.scale
        flat = np.zeros((len(whole), found.flat.shape[1]))
        flat[~own] = found.flat
        if mode is not None and width:
            pattern, values, penalty = model.system(joint=True)
            factor = pattern.factor(values, model.expected_information(mode.eta), penalty)
            units = np.eye(pattern.size, width)
            columns = [np.full(width, np.nan) if factor is None else factor.solve(unit)[:width] for unit in units.T]
            covariance[np.ix_(own, own)] = np.array(columns)
            scale[np.ix_(own, own)] = np.diag(np.sqrt(np.diagonal(np.array(columns))))
        return Maximum(whole, found.value, covariance, found.found and mode is not None, scale, flat)

    def _mode(self, model: ConditionalModel) -> EffectMode | None:
        """Return the mode of the effects, starting from the last one."""
        mode = find_effect_mode(model, self._start, joint=self.together, near=self._near)
        if mode is None:
            mode = find_effect_mode(model, self._first, joint=self.together)
        self._start = self._first if mode is None else mode.place
        self._near = None if mode is None else mode.factor
        return mode

    def _model(self, point: Array, change: Change | None = None) -> ConditionalModel:
        whole = point.copy()
        if self.together:
            whole[self.parameters.of_coefficients] = 0.0
        model = self.parameters.at(whole)
        return model if change is None else change(model)

    def _laplace_slopes(self, model: ConditionalModel, sloped: bool = True) -> tuple[float, Array]:
        """Return Laplace's approximation and its gradient in all parameters."""
        with np.errstate(all="ignore"):  # trial steps
            none = np.zeros(len(self.parameters.places))
            mode = self._mode(model)
            if mode is None:
                return -np.inf, none
            expected = self.method == "joint" and not model.quadratic
            factor = determinant(model, mode, expected=expected, restricted=self.restricted)
            value = value_of(model, mode, factor, self.restricted)
            if factor is None or mode.factor is None or not sloped:
                return value, none
            return value, slopes_of(model, mode, factor)

    def _log_prior(self, points: Array) -> Array:
        """Return the log prior density at points (S, d), 0 without priors."""
        if self._prior is None:
            return np.zeros(len(points))
        return self._prior(np.array([self.parameters.coordinates(point) for point in points]))

    @np.errstate(all="ignore")  # trial steps
    def _integral_values(self, points: Array) -> Array:
        """Return the integrals at points (S, d), times priors where these enter."""
        assert self._integral is not None
        try:
            return self._integral(points).value + self._log_prior(points)
        except np.linalg.LinAlgError:  # a trial step so far out that densities overflow
            return np.full(len(points), -np.inf)

    def _iterate(self, point: Array, scale: Array) -> Maximum:
        """Return where the working responses of penalised quasi-likelihood no longer change."""
        found = Maximum(point, np.nan, scale @ scale.T, False, scale, scale[:, :0])
        eta = self.parameters.at(point).eta
        for _ in range(_ITERATIONS):
            change = partial(ConditionalModel.around, eta=eta)
            found = self._maximise(found.point, scale, change)
            mode = self._mode(self._model(found.point, change))
            if mode is None:
                break
            moved = float(np.max(np.abs(mode.eta - eta)))
            eta = mode.eta
            if moved < 1e-7 * (1.0 + float(np.ptp(eta))):
                return found
        return replace(found, found=False)

    def _describe(self, found: Maximum, started: float) -> Approximation:
        parameters = self.parameters
        estimates = parameters.named(found.point)
        steps = 1e-4 * np.diag(np.sqrt(np.diagonal(found.scale @ found.scale.T)).clip(1e-8))
        slopes = [
            (np.array([*parameters.named(found.point + e).values()]) - [*parameters.named(found.point - e).values()])
            / (2.0 * e.max())
            for e in steps
        ]
        jacobian = np.array(slopes).T.reshape(len(estimates), len(found.point))
        errors = dict(zip(estimates, found.standard_errors(jacobian).tolist(), strict=True))
        edges = [key for key, at in estimates.items() if ParameterKey.read(key).of_correlations and abs(at) > _EDGE]
        own = found.standard_errors(np.eye(len(found.point)))[parameters.of_coefficients]
        labels = () if self._prior is not None else separated_coefficients(parameters.at(found.point), own)
        endless = [str(ParameterKey(self.design.mu.beta, label)) for label in labels]
        errors |= dict.fromkeys([*edges, *endless], np.nan)
        notes = tuple(_ENDLESS.format(key) for key in endless)
        for note in notes:
            warn(note)
        log_likelihood = None if self.method == "pql" and not self.normal else found.value
        error = float(self._integral(found.point[None]).error[0]) if self._integral else 0.0
        if log_likelihood is not None:
            log_likelihood -= float(self._log_prior(found.point[None])[0])
        comparable = log_likelihood is not None and not self.restricted and self._prior is None
        return Approximation(
            design=self.design,
            method=self.text,
            estimates=estimates,
            standard_errors=errors,
            effects=self._effects(found.point),
            log_likelihood=log_likelihood,
            error=error,
            aic=2.0 * len(found.point) - 2.0 * found.value if comparable else None,
            seconds=time.perf_counter() - started,
            converged=found.found,
            notes=notes,
        )

    def _effects(self, point: Array) -> pd.DataFrame:
        """Return the mode of the effects given the estimates, and their sds there."""
        model = self.parameters.at(point)
        mode = find_effect_mode(model, np.zeros(self.parameters.effects))
        if mode is None or mode.factor is None:
            raise SpecError("The effects have no mode at the estimates. Sample the model: bm.fit(...).")
        found, start = [], 0
        for block, root in self.parameters.roots_as_written(point):
            width, levels = block.width, len(block.levels)
            size, shown = levels * width, block.levels
            effects = mode.place[start : start + size].reshape(levels, width) @ root.T
            within = np.indices((width, width)).reshape(2, 1, -1)
            first, second = start + np.arange(levels)[:, None] * width + within
            blocks = mode.factor.covariances(first.ravel(), second.ravel()).reshape(levels, width, width)
            spread = np.sqrt(np.einsum("ik,jkl,il->ji", root, blocks, root))
            if block.combined is not None:
                shown, own = block.combined
                effects, whole = own @ effects, np.zeros((len(shown) * width, mode.place.size))
                whole[:, start : start + size] = np.kron(own, root)
                spread = np.sqrt([row @ mode.factor.solve(row) for row in whole]).reshape(effects.shape)
            for name, values in (("estimate", effects), ("sd", spread)):
                labels = [(block.name, level, label) for level in shown for label in block.labels or ("",)]
                index = pd.MultiIndex.from_tuples(labels, names=["term", "level", "effect"])
                found.append(pd.Series(values.ravel(), index, name=name))
            start += size
        pairs = [pd.concat(found[k : k + 2], axis=1) for k in range(0, len(found), 2)]
        columns = ["term", "level", "effect", "estimate", "sd"]
        return pd.concat(pairs).reset_index()[columns] if pairs else pd.DataFrame(columns=columns)
