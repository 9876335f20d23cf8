"""Engine "collapsed": NUTS over SDs, correlations and sigma of a Gaussian model, all else integrated out exactly."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayesmixed.default_priors import group_unit
from bayesmixed.design import Design
from bayesmixed.draws import as_draws
from bayesmixed.engines.cross_products import (
    ROWS_AT_ONCE,
    CrossProducts,
    count_effects,
    order_groups,
    pooled_shift,
    principal_axes,
    row_factor,
    split_groups,
    weighted_rows,
)
from bayesmixed.engines.runs import Run, run_sampler
from bayesmixed.engines.settings import EngineRecord, Settings
from bayesmixed.kernels import packing as at
from bayesmixed.kernels.decoding import as_posterior
from bayesmixed.kernels.layouts import Layout, lay_out_coordinates
from bayesmixed.kernels.packed_designs import pack_priors, unsupported
from bayesmixed.kernels.packing import Block, Packed, Whitening, close, whiten
from bayesmixed.kernels.rows import FAMILY_CODES, GAUSSIAN, LOGNORMAL
from bayesmixed.links import Array
from bayesmixed.parameterisation import choose_parameterisation
from bayesmixed.streaming import read_parts
from bayesmixed.terms.blocks import NormalBlock

TUNE = 300
"""Tuning draws that suffice where the sampler starts in whitened coordinates."""
LARGEST_REST = 1500
SMALL_REST = 100
# Seconds on one core: a gradient here is about 1e-10 times the cube of the rest, one of the kernel 4e-8 per row; the
# kernel needs some ten times as many.
_SECONDS_CUBED, _SECONDS_PER_ROW = 1e-10, 4e-7
# Draws at once, and random numbers at once: independent of the number of cores, so that draws are.
_BATCH, _NOISE = 500, 20_000_000
_TARGET = 0.8
# Step of the differences that make the Hessian, and the smallest curvature that is believed of a log-SD.
_STEP, _FLATTEST = 1e-4, 0.5


@dataclass(frozen=True, slots=True)
class Collapsed:
    """A design laid out for the collapsed density.

    Attributes
    ----------
    full : Layout
        Coordinates of all parameters, effects non-centred.
    kept : (d,) integer array
        Places in `full` of the coordinates of the collapsed density: log-SDs, correlations, log sigma.
    packed : Packed
        Data of the collapsed density.
    groups : tuple of NormalBlock
        Group terms and smooths, the one that is eliminated first.
    size : int
        Number of effects and free coefficients.
    origin, matrix : (p,), (p, p) arrays
        Free coefficients at the centre are `origin + matrix @ u`, `u` the last p of the integrated numbers.
    residual : float
        Root mean square of the residuals of a pooled fit.
    """

    full: Layout
    kept: Array
    packed: Packed
    groups: tuple[NormalBlock, ...]
    size: int
    origin: Array
    matrix: Array
    residual: float


def supports(design: Design) -> str | None:
    """Return why this engine cannot sample a design, or None."""
    if FAMILY_CODES.get(design.family.name) not in (GAUSSIAN, LOGNORMAL) or not isinstance(design.spec.family, str):
        return f"family '{design.family.name}' is neither Gaussian nor lognormal"
    if design.mu.link.name != "identity":
        return f"link '{design.mu.link.name}' is not the identity"
    if len(design.predictors) > 1:
        return f"'{list(design.predictors)[1]}' has a predictor"
    for label in design.mu.population.labels:
        prior = design.coefficient_prior(design.mu, label)
        if prior.name not in ("Normal", "Fixed"):
            return f"the prior {prior} of '{design.mu.beta}[{label}]' is not normal"
    for group in design.mu.groups:
        if group.observation:
            return "effects of observations add to sigma"
    if unsupported(design):
        return unsupported(design)
    rest = len(design.mu.population.labels) + sum(count_effects(g) for g in split_groups(order_groups(design))[1])
    slow = rest > SMALL_REST and _SECONDS_CUBED * rest**3 > _SECONDS_PER_ROW * design.rows
    if rest > LARGEST_REST or slow:
        return f"{rest} coefficients remain when the largest factor is integrated out, too many for {design.rows} rows"
    if len(_kept_coordinates(lay_out_coordinates(design, {}))) == 0:
        return "every SD is fixed"
    return None


def sample(
    design: Design,
    settings: Settings,
    *,
    parameterisation: str | Mapping[str, str] = "auto",
    target_accept: float | None = None,
    why: str = "",
    progress: bool = True,
) -> Run:
    """Return draws from the posterior of a design; see `bayesmixed.engines.pymc.sample`, whose arguments are the same.

    Coefficients and effects are drawn exactly given each kept draw of the rest; no parameterisation matters.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    from bayesmixed.kernels.bridge import COORDINATES, announce_compilation, collapsed_function, nutpie_model

    choose_parameterisation(design, None, parameterisation)
    started = time.perf_counter()
    collapsed = lay_out_collapsed(design)
    timing = {"prepare": time.perf_counter() - started}
    started = time.perf_counter()
    announce_compilation("collapsed_function", progress)
    function = collapsed_function()
    timing["compile"] = time.perf_counter() - started
    started = time.perf_counter()
    # Chains take the cores; threads of BLAS under them would wait for each other.
    with threadpool_limits(1, user_api="blas"):
        whitening = _whiten(collapsed)
        compiled = nutpie_model(whiten(collapsed.packed, whitening), len(collapsed.kept), _start(whitening), function)
        tree, decisions, used = run_sampler(compiled, settings, target_accept, progress, _TARGET)
        timing["sample"] = time.perf_counter() - started
        started = time.perf_counter()
        points = whitening.restore(np.asarray(tree["posterior"].to_dataset()[COORDINATES].values))
        full = draw_rest(collapsed, points, settings.seed, settings.cores)
    posterior = as_posterior(collapsed.full, full)
    draws = as_draws(design, posterior.assign_attrs(tree["posterior"].attrs), tree["sample_stats"].to_dataset())
    timing["draw"] = time.perf_counter() - started
    names = [design.mu.beta, *(design.mu.b(group) for group in design.mu.normal_blocks)]
    sentence = f"{', '.join(names)} integrated out, then drawn exactly"
    return Run(draws, EngineRecord("collapsed", why, (sentence, *decisions)), used, timing)


def lay_out_collapsed(design: Design) -> Collapsed:
    """Return the collapsed density of a design as flat blocks of cross-products.

    The response enters as the residual of a pooled fit and the coefficients on the axes of the population columns,
    scaled by their priors: neither a shift of the response nor of a covariate costs digits.
    """
    full = lay_out_coordinates(design, {})
    kept = _kept_coordinates(full)
    predictor, one = design.mu, full.predictors[design.mu.parameter]
    free = one.beta >= 0
    priors = [design.coefficient_prior(predictor, label) for label in predictor.population.labels]
    mean = np.array([prior.arguments[0] for prior in priors])
    scale = np.array([prior.arguments[1] for prior, own in zip(priors, free, strict=True) if own])
    factor = row_factor(design)
    axes = principal_axes(factor[:, :-1][:, free] * scale)
    shift = pooled_shift((factor[:, :-1][:, free] * scale) @ axes, factor[:, -1] - factor[:, :-1] @ mean, design.rows)
    groups = order_groups(design)
    products = CrossProducts(groups, len(shift))
    for part in read_parts(design):
        for start in range(0, part.rows, ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            root, matrix, response = weighted_rows(part, rows)
            columns = (matrix[:, free] * scale) @ axes
            products.add(part, rows, root, columns, response - matrix @ mean - columns @ shift)
    header = np.zeros(_density().HEADER_SIZE, dtype=np.int64)
    block = Block()
    block.add_integers(header)
    header[at.ROWS], header[at.DIMENSION], header[at.WHITENED] = design.rows, len(kept), -1
    _pack_terms(block, header, full, kept, groups)
    products.pack(block, header, shift)
    header[_density().COUNT] = block.add_numbers(_count(design))
    size = len(shift) + sum(count_effects(group) for group in groups)
    matrix = scale[:, None] * axes
    residual = np.sqrt(max(products.squares / _count(design)[0], 1e-24))
    return Collapsed(full, kept, close(block, header), groups, size, mean[free] + matrix @ shift, matrix, residual)


def draw_rest(collapsed: Collapsed, points: Array, seed: int, cores: int) -> Array:
    """Return draws of all coordinates of the full layout, (chain, draw, .), given those of the collapsed density."""
    flat = np.ascontiguousarray(points.reshape(-1, points.shape[-1]))
    full = np.zeros((len(flat), collapsed.full.dimension))
    full[:, collapsed.kept] = flat
    step = max(1, min(_BATCH, _NOISE // max(collapsed.size, 1)))
    starts = range(0, len(flat), step)
    streams = np.random.default_rng([seed, 1]).spawn(len(starts))

    def fill(start: int, stream: np.random.Generator) -> None:
        part = slice(start, start + step)
        noise = stream.standard_normal((len(flat[part]), collapsed.size))
        place_effects(collapsed, draw_integrated(collapsed, flat[part], noise), full[part])

    with ThreadPoolExecutor(cores) as pool:
        list(pool.map(fill, starts, streams))
    return full.reshape(*points.shape[:2], -1)


def draw_integrated(collapsed: Collapsed, points: Array, noise: Array) -> Array:
    """Return the integrated numbers, (S, q), made from standard normal noise given points of the density; zero
    noise gives their mean."""
    from bayesmixed.kernels.bridge import draw_effects_compiled

    out = np.empty_like(noise)
    draw_effects_compiled(points, noise, collapsed.packed.numbers, collapsed.packed.integers, out)
    return out


def place_effects(collapsed: Collapsed, integrated: Array, full: Array) -> None:
    """Write the integrated numbers into points of the full layout."""
    one = collapsed.full.predictors[collapsed.full.design.mu.parameter]
    terms = {term.placement.group.name: term for term in one.terms}
    start = 0
    for group in collapsed.groups:
        stop = start + count_effects(group)
        full[:, terms[group.name].effects] = integrated[:, start:stop]
        start = stop
    full[:, one.beta[one.beta >= 0]] = collapsed.origin + integrated[:, start:] @ collapsed.matrix.T


def _density() -> Any:
    from bayesmixed.kernels import collapsed_density

    return collapsed_density


def _kept_coordinates(full: Layout) -> Any:
    kept: list[int] = []
    for one in full.predictors.values():
        for term in one.terms:
            kept += [int(slot) for slot in term.sd if slot >= 0]
            kept += [slot for place in term.partials for slot in range(place.start, place.stop)]
    kept += [slot for slot, _ in full.scalars.values() if slot >= 0]
    return np.array(kept, dtype=np.int64)


def _pack_terms(block: Block, header: Any, full: Layout, kept: Any, groups: tuple[NormalBlock, ...]) -> None:
    """Append the table of terms, sigma and the priors, in the coordinates of the collapsed density."""
    here = _density()
    place = np.full(full.dimension + 1, -1)
    place[kept] = np.arange(len(kept))
    one = full.predictors[full.design.mu.parameter]
    terms = {}
    for term in one.terms:
        partials = tuple(slice(int(place[p.start]), int(place[p.start]) + p.stop - p.start) for p in term.partials)
        terms[term.placement.group.name] = replace(
            term, sd=np.where(term.sd >= 0, place[term.sd], -1), partials=partials, effects=slice(0, 0)
        )
    scalars = {name: (int(place[slot]) if slot >= 0 else -1, value) for name, (slot, value) in full.scalars.items()}
    reduced = replace(
        full,
        predictors={
            one.predictor.parameter: replace(one, beta=np.full(len(one.beta), -1), terms=tuple(terms.values()))
        },
        scalars=scalars,
        dimension=len(kept),
    )
    unused = 1 - len(split_groups(groups)[0])
    table = np.zeros((unused + len(groups), at.TERM_SIZE), dtype=np.int64)
    table[0, at.COLUMNS] = 1
    table[0, at.SD_SLOTS], table[0, at.SD_VALUES] = block.add_integers([-1]), block.add_numbers([1.0])
    table[0, at.PARTS] = block.add_integers([0])
    for row, group in zip(table[unused:], groups, strict=True):
        term = terms[group.name]
        row[at.LEVELS], row[at.COLUMNS] = len(group.levels), len(term.sd)
        row[at.SD_SLOTS], row[at.SD_VALUES] = block.add_integers(term.sd), block.add_numbers(term.sd_values)
        correlated = [part for part in group.parts if part.correlated]
        parts = [len(correlated)]
        for part, own in zip(correlated, term.partials, strict=True):
            parts += [len(part.columns), own.start, *part.columns]
        row[at.PARTS] = block.add_integers(parts)
    header[here.TERMS], header[here.TERM_COUNT] = block.add_integers(table), len(table)
    header[here.WIDEST] = table[:, at.COLUMNS].max()
    (slot, value) = next(iter(scalars.values()))
    header[here.SIGMA], header[here.SIGMA_VALUE] = slot, block.add_numbers([value])
    header[at.PRIORS], header[at.PRIOR_COUNT] = pack_priors(block, reduced)


def _count(design: Design) -> list[float]:
    """Return by what log 2 pi sigma^2 is multiplied, and the part of the log-likelihood that depends on no parameter."""
    count = float(design.rows if design.multiplicity is None else np.sum(design.multiplicity))
    constant = 0.0 if design.scale_factor is None else -float(np.sum(np.log(design.scale_factor)))
    return [count, constant]


def _whiten(collapsed: Collapsed) -> Whitening:
    """Return coordinates in which the collapsed density is about standard normal: those of the Hessian at its mode."""
    from scipy.optimize import minimize

    from bayesmixed.kernels.bridge import collapsed_function, evaluate

    design, function = collapsed.full.design, collapsed_function()
    first = np.zeros(collapsed.full.dimension)
    unit = group_unit(design, design.mu)
    for term in collapsed.full.predictors[design.mu.parameter].terms:
        free = term.sd >= 0
        first[term.sd[free]] = np.log(0.5 * unit / term.placement.group.scales)[free]
    for slot, _ in collapsed.full.scalars.values():
        if slot >= 0:
            first[slot] = np.log(collapsed.residual)

    def descend(x: Array) -> tuple[float, Array]:
        value, gradient = evaluate(collapsed.packed, x, function)
        return -value, -gradient

    centre = minimize(descend, first[collapsed.kept], jac=True, method="L-BFGS-B", options={"maxiter": 50}).x
    steps = _STEP * np.eye(len(centre))
    hessian = np.array([descend(centre + step)[1] - descend(centre - step)[1] for step in steps]) / (2.0 * _STEP)
    curvatures, axes = np.linalg.eigh(0.5 * (hessian + hessian.T))
    covariance = axes / np.maximum(curvatures, _FLATTEST) @ axes.T
    return Whitening(np.arange(len(centre)), centre, np.linalg.cholesky(covariance))


def _start(whitening: Whitening) -> Callable[[Any], Array]:
    """Return a function that draws a starting point from the normal approximation at the mode."""

    def draw(seed: Any) -> Array:
        return np.random.default_rng(seed).standard_normal(len(whitening.slots))

    return draw
