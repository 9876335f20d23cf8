"""Engine "collapsed": NUTS over SDs, correlations and sigma of a Gaussian model, all else integrated out exactly."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bayesmixed.default_priors import group_unit
from bayesmixed.design import Design
from bayesmixed.draws import as_draws
from bayesmixed.engines.collapsed_layout import Collapsed, kept_coordinates, lay_out_collapsed
from bayesmixed.engines.cross_products import count_effects, order_groups, split_groups
from bayesmixed.engines.exact_draws import draw_rest
from bayesmixed.engines.runs import Run, run_sampler
from bayesmixed.engines.settings import EngineRecord, Settings
from bayesmixed.interruptions import import_whole, insistent_interrupts
from bayesmixed.kernels.decoding import as_posterior
from bayesmixed.kernels.layouts import lay_out_coordinates
from bayesmixed.kernels.packed_designs import unsupported
from bayesmixed.kernels.packing import Whitening, whiten
from bayesmixed.kernels.rows import FAMILY_CODES, GAUSSIAN, LOGNORMAL
from bayesmixed.links import Array
from bayesmixed.parameterisation import choose_parameterisation

TUNE = 300
"""Tuning draws that suffice where the sampler starts in whitened coordinates."""
TARGET = 0.8
"""Usual target acceptance."""
LARGEST_REST = 1500
SMALL_REST = 100
# Seconds on one core: a gradient here is about 1e-10 times the cube of the rest, one of the kernel 4e-8 per row; the
# kernel needs some ten times as many.
_SECONDS_CUBED, _SECONDS_PER_ROW = 1e-10, 4e-7
# Step of the differences that make the Hessian, and the smallest curvature that is believed of a log-SD.
_STEP, _FLATTEST = 1e-4, 0.5


def supports(design: Design) -> str | None:
    """Return why this engine cannot sample a design, or None."""
    if FAMILY_CODES.get(design.family.name) not in (GAUSSIAN, LOGNORMAL) or not isinstance(design.spec.family, str):
        return f"family '{design.family.name}' is neither Gaussian nor lognormal"
    if design.mu.link.name != "identity":
        return f"link '{design.mu.link.name}' is not the identity"
    if len(design.predictors) > 1:
        return f"'{list(design.predictors)[1]}' has a predictor"
    for key, prior in zip(design.mu.keys, design.coefficient_priors(design.mu), strict=True):
        if prior.name not in ("Normal", "Fixed"):
            return f"the prior {prior} of '{key}' is not normal"
    for group in design.mu.groups:
        if group.of_rows:
            return "effects of observations add to sigma"
    if unsupported(design):
        return unsupported(design)
    rest = len(design.mu.keys) + sum(count_effects(g) for g in split_groups(order_groups(design))[1])
    slow = rest > SMALL_REST and _SECONDS_CUBED * rest**3 > _SECONDS_PER_ROW * design.rows
    if rest > LARGEST_REST or slow:
        return f"{rest} coefficients remain when the largest factor is integrated out, too many for {design.rows} rows"
    if len(kept_coordinates(lay_out_coordinates(design, {}))) == 0:
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
    import_whole("nutpie", "bayesmixed.kernels.bridge")
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    from bayesmixed.kernels.bridge import COORDINATES, announce_compilation, collapsed_function, nutpie_model

    choose_parameterisation(design, None, parameterisation)
    started = time.perf_counter()
    collapsed = lay_out_collapsed(design)
    timing = {"prepare": time.perf_counter() - started}
    started = time.perf_counter()
    announce_compilation("collapsed_function", progress)
    with insistent_interrupts():
        function = collapsed_function()
    timing["compile"] = time.perf_counter() - started
    started = time.perf_counter()
    # Chains take the cores; threads of BLAS under them would wait for each other.
    with threadpool_limits(1, user_api="blas"):
        whitening = _whiten(collapsed)
        compiled = nutpie_model(whiten(collapsed.packed, whitening), len(collapsed.kept), _start(whitening), function)
        tree, decisions, used = run_sampler(compiled, settings, target_accept, progress, TARGET)
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
