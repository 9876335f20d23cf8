"""Estimates of the density of SDs, correlations and dispersions of a design, and draws of all else given these."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from bayesmixed.design.default_priors import group_unit
from bayesmixed.engines.independence import Outcome
from bayesmixed.engines.marginal_layout import MarginalLayout, one_model_serves
from bayesmixed.engines.outer_scales import find_scales
from bayesmixed.engines.proposals import Scales
from bayesmixed.engines.settings import Settings
from bayesmixed.engines.shared_factors import Shared
from bayesmixed.engines.working_borders import draw_borders, roots_at, share_factor
from bayesmixed.estimation.complete_pooling import fit_pooled
from bayesmixed.families.links import Array
from bayesmixed.gauss_hermite import hermite_rule
from bayesmixed.kernels.marginal.frozen_models import REACH

_NODES = (5, 7, 9, 13, 19, 27, 41)
_MOST = {1: 7, 2: 5, 3: 3}
"""How many of these rules may be tried, by the number of effects of a level."""
_WIDE, _WIDER, _FREEDOM = 0.1, 1.3, 8.0
"""Share of the wider t, how much wider it is, and its degrees of freedom."""
_EXACT = 5e-3
"""Change of the log-density with more nodes that is let pass."""
_TRIED, _LEAST_SHARE = 100, 0.15
"""Estimates that are tried before any chain, and the share of these that their weights are worth at least."""
LARGE = 61
"""Border from which its factor is that of one point for all."""
_BATCH = 100
"""Draws at once: independent of the number of cores, so that draws are."""
_LAPLACE_NODES = 9
"""Those of effects of rows while the mode is searched for."""
_STEP, _BEND, _FLATTEST = 1e-3, 0.1, 0.5
"""Steps of differences for slopes and curvatures; the smallest curvature that is believed."""
_NONE = 1e100
"""Minus the value of a point where there is none."""


@dataclass(frozen=True, slots=True)
class Estimates:
    """Estimates of the density of SDs, correlations and dispersions.

    Attributes
    ----------
    layout : MarginalLayout
    scales : Scales
    mode, covariance : (d,), (d, d) arrays
        Of Laplace's approximation.
    centre : (n,) array
        Linear predictors at the mode.
    levels : (J, K) array
        Standardised effects there.
    frozen : tuple of arrays
        Working models around `centre`.
    nodes, log_weights : (M, K), (M,) arrays
        Of the quadrature.
    rule : (2, N) array
        That of effects of rows, if these are integrated within each row.
    shared : Shared or None
        Where the border is large: draws of it from the working model.
    """

    layout: MarginalLayout
    scales: Scales
    mode: Array
    covariance: Array
    centre: Array
    levels: Array
    frozen: tuple[Array, Array]
    nodes: Array
    log_weights: Array
    rule: Array
    shared: Shared | None = None

    @property
    def kept(self) -> int:
        """The border is kept of each estimate."""
        return self.layout.border

    @property
    def sentence(self) -> str:
        """What was integrated, and how."""
        name, nodes = self.layout.groups[0].name, len(self.nodes)
        layer = self.layout.layer
        within = f"those of '{layer.name}' within these with {self.rule.shape[1]}, " if layer else ""
        return (
            f"effects of '{name}' integrated by quadrature with {nodes} nodes, {within}{self.kept} others by importance "
            "sampling"
        )

    def points(self, outer: Array) -> Array:
        """Return whole points, coefficients zero."""
        found = np.zeros((len(outer), len(self.layout.kept)))
        found[:, self.layout.outer] = outer
        return found

    def evaluate(self, points: Array, stream: np.random.Generator) -> tuple[Array, Array]:
        """Return logarithms of estimates, (S,), and the borders they were made of, (S, r).

        These are drawn from a mixture of a normal law and a wider t, which bounds the weights.
        """
        noise = stream.standard_normal((len(points), self.kept))
        if self.shared is not None:
            return self.estimate(points, noise, np.zeros(len(points)))
        wide = stream.uniform(size=len(points)) < _WIDE
        scale = _WIDER * np.sqrt(_FREEDOM / stream.chisquare(_FREEDOM, len(points)))
        noise[wide] *= scale[wide, None]
        squares, size = np.sum(noise**2, axis=1), self.kept
        t = -0.5 * (_FREEDOM + size) * np.log1p(squares / (_FREEDOM * _WIDER**2)) - size * np.log(_WIDER)
        t += (
            special.gammaln(0.5 * (_FREEDOM + size))
            - special.gammaln(0.5 * _FREEDOM)
            - 0.5 * size * np.log(0.5 * _FREEDOM)
        )
        return self.estimate(points, noise, np.logaddexp(np.log1p(-_WIDE) - 0.5 * squares, np.log(_WIDE) + t))

    def refusal(self, seed: int) -> str | None:
        """Return why estimates of a large border are of no use, from some at the mode, or None."""
        if self.shared is None:
            return None
        logs, _ = self.evaluate(np.repeat(self.mode[None], _TRIED, axis=0), np.random.default_rng([seed, 4]))
        weights = special.softmax(logs) if np.any(np.isfinite(logs)) else np.ones(1)
        share = 1.0 / float(_TRIED * np.sum(weights**2))
        if share >= _LEAST_SHARE:
            return None
        return f"{_TRIED} draws of {self.kept} effects and coefficients are worth {_TRIED * share:.0f}"

    def estimate(self, points: Array, noise: Array, densities: Array) -> tuple[Array, Array]:
        """Return logarithms of estimates, (S,), and borders, (S, r), made from random numbers with log-densities (S,).

        With a shared factor these are standard normal.
        """
        from bayesmixed.kernels.marginal.compiled import estimate

        layout, middle = self.layout, self.points(self.mode[None])[0]
        logs, border = np.empty(len(points)), np.zeros(noise.shape)
        far = np.any(np.abs(points - self.mode) > REACH, axis=1)
        starts = np.zeros((0, *self.levels.shape))
        if self.shared is not None:
            noise, densities, starts = draw_borders(self.shared, roots_at(self.layout, self.points(points)), noise)
            densities += 0.5 * self.kept * np.log(2.0 * np.pi)
        estimate(
            self.points(points),
            far,
            noise,
            densities,
            starts,
            layout.rows,
            layout.packed.data,
            layout.coefficients,
            middle,
            self.centre,
            self.frozen,
            self.nodes,
            self.log_weights,
            self.rule,
            logs,
            border,
        )
        return logs, border


def find_estimates(layout: MarginalLayout) -> Estimates:
    """Return the estimates around the mode of Laplace's approximation."""
    from scipy.optimize import minimize

    from bayesmixed.kernels.marginal.compiled import freeze, laplace

    rows, size = layout.rows, len(layout.kept) - layout.coefficients.shape[1]
    levels, others = np.zeros((len(rows.pointers) - 1, rows.own.shape[1])), np.zeros(layout.border)
    centre, row_rule = np.empty(len(rows.offset)), line_rule(_LAPLACE_NODES)

    def value(outer: Array) -> float:
        point = np.zeros((1, len(layout.kept)))
        point[0, layout.outer] = outer
        return float(laplace(point, rows, layout.packed.data, layout.coefficients, levels, others, centre, row_rule)[0])

    def descend(x: Array) -> tuple[float, Array]:
        here = value(x)
        if not np.isfinite(here):
            return _NONE, np.zeros(size)
        return -here, np.array([here - value(x + step) for step in _STEP * np.eye(size)]) / _STEP

    options = {"ftol": 1e-6, "gtol": 2e-2, "maxiter": 60}
    mode = minimize(descend, _start(layout), jac=True, method="L-BFGS-B", options=options).x
    covariance = _inverse_curvature(value, mode)
    value(mode)
    scales = find_scales(layout.full, layout.kept[layout.outer])
    point = np.zeros(len(layout.kept))
    point[layout.outer] = mode
    large = layout.border >= LARGE and one_model_serves(layout.full.design)
    frozen = freeze(point, rows, layout.packed.data, centre, row_rule, not large)
    shared = share_factor(layout, frozen[0][0], point, centre) if large else None
    nodes = *rule(_NODES[0], levels.shape[1]), line_rule(_NODES[0])
    return _with_nodes(Estimates(layout, scales, mode, covariance, centre, levels, frozen, *nodes, shared))


def _with_nodes(estimates: Estimates) -> Estimates:
    """Return estimates with as many nodes, of effects of rows and of levels, as change little at the mode and 2 SDs from it."""
    mode, axes = estimates.mode, 2.0 * np.linalg.cholesky(estimates.covariance).T
    points = np.concatenate([mode[None], mode + axes, mode - axes])
    still = np.zeros((len(points), estimates.kept)), np.zeros(len(points))
    width = estimates.levels.shape[1]
    logs = estimates.estimate(points, *still)[0]
    for of_rows in (True, False) if estimates.layout.layer else (False,):
        for number in _NODES[1:] if of_rows else _NODES[1 : _MOST[width]]:
            if of_rows:
                finer = replace(estimates, rule=line_rule(number))
            else:
                nodes, log_weights = rule(number, width)
                finer = replace(estimates, nodes=nodes, log_weights=log_weights)
            found = finer.estimate(points, *still)[0]
            if np.nanmax(np.abs(found - logs)) < _EXACT:
                break
            estimates, logs = finer, found
    return estimates


def compile_all(layout: MarginalLayout) -> None:
    """Compile what is not yet compiled, or take it from the cache."""
    from bayesmixed.kernels.marginal.compiled import draw_levels, draw_row_effects, freeze, laplace

    rows, data = layout.rows, layout.packed.data
    none, levels = np.zeros((0, len(layout.kept))), np.zeros((len(rows.pointers) - 1, rows.own.shape[1]))
    border, centre = np.zeros(layout.border), np.zeros(len(rows.offset))
    row_rule = line_rule(_NODES[0])
    laplace(none, rows, data, layout.coefficients, levels, border, centre, row_rule)
    scales = find_scales(layout.full, layout.kept[layout.outer])
    mode = np.zeros(len(scales.powers))
    frozen = freeze(np.zeros(len(layout.kept)), rows, data, centre, row_rule, False)
    nodes = *rule(_NODES[0], levels.shape[1]), row_rule
    target = Estimates(layout, scales, mode, np.eye(len(mode)), centre, levels, frozen, *nodes)
    target.estimate(np.zeros((0, len(mode))), np.zeros((0, layout.border)), np.zeros(0))
    none_drawn, stream = np.zeros((0, layout.border)), np.random.default_rng(0)
    counts = np.zeros(0, dtype=np.int64)
    no_levels = np.zeros((0, *levels.shape))
    draw_levels(none, none_drawn, counts, stream, rows, data, levels, row_rule, no_levels)
    if layout.layer:
        no_rows = np.zeros((0, len(centre), 1))
        draw_row_effects(none, none_drawn, no_levels, stream, rows, layout.single, data, row_rule, no_rows)


def draw_rest(target: Estimates, found: Outcome, settings: Settings) -> Array:
    """Return draws of all coordinates, (chain, draw, .), the effects of the levels given each kept draw."""
    from bayesmixed.kernels.marginal.compiled import draw_levels, draw_row_effects

    layout, full = target.layout, target.layout.full
    terms = {t.placement.group.name: t for t in full.predictors[full.design.mu.parameter].terms}
    border = found.kept.reshape(int(np.prod(found.points.shape[:2])), layout.border)
    points = target.points(found.points.reshape(len(border), -1))
    _, location, scale = layout.coefficients
    width = len(location)
    points[:, :width] = location + scale * border[:, layout.border - width :]
    drawn = np.zeros((len(border), full.dimension))
    drawn[:, layout.kept] = points
    start = 0
    for group in layout.groups[1:]:
        stop = start + group.size
        drawn[:, terms[group.name].effects] = border[:, start:stop]
        start = stop
    streams = np.random.default_rng([settings.seed, 3]).spawn(-(-len(border) // _BATCH))
    place, layer = terms[layout.groups[0].name].effects, layout.layer
    if layer:
        row_place = terms[layer.name].effects.start + layout.own_levels

    def fill(number: int) -> None:
        part = slice(number * _BATCH, (number + 1) * _BATCH)
        whole = np.hstack([points[part], border[part]])
        # Draws of one state follow each other: what they share is made once.
        first = np.flatnonzero(np.append(True, np.any(whole[1:] != whole[:-1], axis=1)))
        counts = np.diff(np.append(first, len(whole)))
        levels = np.empty((len(whole), *target.levels.shape))
        data, stream = layout.packed.data, streams[number]
        given = counts, stream, layout.rows, data, target.levels, target.rule
        draw_levels(points[part][first], border[part][first], *given, levels)
        drawn[part, place] = levels.reshape(len(levels), -1)
        if layer:
            own = np.empty((len(whole), len(layer.levels), 1))
            both = layout.rows, layout.single
            draw_row_effects(points[part], border[part], levels, stream, *both, data, target.rule, own)
            drawn[part, row_place] = own[:, :, 0]

    with ThreadPoolExecutor(settings.cores) as pool:
        list(pool.map(fill, range(len(streams))))
    return drawn.reshape(*found.points.shape[:2], -1)


def line_rule(count: int) -> Array:
    """Return nodes and log weights for one effect, (2, M)."""
    nodes, log_weights = rule(count, 1)
    return np.vstack([nodes[:, 0], log_weights])


def rule(count: int, width: int) -> tuple[Array, Array]:
    """Return nodes, (M, K), and log weights, (M,), of a product of rules, |x|^2 / 2 added to the latter."""
    x, weights = hermite_rule(count)
    places = np.indices((count,) * width).reshape(width, -1).T
    return x[places], np.sum(np.log(weights)[places] + 0.5 * x[places] ** 2, axis=1)


def _start(layout: MarginalLayout) -> Array:
    """Return half the unit of the default priors for SDs, and further parameters and thresholds of a pooled fit."""
    design, full = layout.full.design, np.zeros(layout.full.dimension)
    unit = group_unit(design, design.mu)
    for term in layout.full.predictors[design.mu.parameter].terms:
        term.sd.write(full, 0.5 * unit / term.placement.group.scales)
    if layout.full.scalars or design.family.cuts:
        values = fit_pooled(design).values
        layout.full.cuts.write(full, np.array([float(np.mean(values[name])) for name in design.family.cuts]))
        for name, scalar in layout.full.scalars.items():
            scalar.write(full, np.array([float(np.mean(values[name]))]))
    return full[layout.kept[layout.outer]]


def _inverse_curvature(value: Callable[[Array], float], mode: Array) -> Array:
    """Return the inverse of minus the second derivatives, no curvature below a smallest one."""
    size, step = len(mode), _BEND * np.eye(len(mode))
    middle = value(mode)
    up, down = ([value(mode + sign * e) for e in step] for sign in (1.0, -1.0))
    bend = np.diag([a - 2.0 * middle + b for a, b in zip(up, down, strict=True)])
    for i in range(size):
        for k in range(i):
            both = value(mode + step[i] + step[k]) + value(mode - step[i] - step[k])
            bend[i, k] = bend[k, i] = 0.5 * (both - up[i] - down[i] - up[k] - down[k] + 2.0 * middle)
    curvatures, axes = np.linalg.eigh(-np.nan_to_num(bend) / _BEND**2)
    return np.asarray(axes / np.maximum(curvatures, _FLATTEST) @ axes.T)
