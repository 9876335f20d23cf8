"""Engine "collapsed": SDs, correlations and sigma of a Gaussian model are sampled, all else integrated out exactly."""

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesmixed.design.design import Design
from bayesmixed.design.uncompiled import why_uncompiled
from bayesmixed.draws.tree import as_draws
from bayesmixed.engines.estimated_densities import sample_estimates
from bayesmixed.engines.exact_densities import sample_exactly
from bayesmixed.engines.independence import IGNORED
from bayesmixed.engines.parameterisation import choose_parameterisation
from bayesmixed.engines.runs import Run, compilation_of, run_sampler
from bayesmixed.engines.sd_coordinates import find_coordinates, starting_point
from bayesmixed.engines.settings import EngineRecord, Settings
from bayesmixed.interruptions import import_nutpie, import_whole, insistent_interrupts
from bayesmixed.kernels.collapsed.cross_products import split_groups
from bayesmixed.kernels.collapsed.exact_draws import draw_rest
from bayesmixed.kernels.collapsed.layouts import lay_out_collapsed
from bayesmixed.kernels.joint.decoding import as_posterior
from bayesmixed.kernels.joint.layouts import lay_out_coordinates, order_groups
from bayesmixed.kernels.joint.packed_designs import unsupported
from bayesmixed.kernels.rows.families import FAMILY_CODES, GAUSSIAN, LOGNORMAL

TUNE = 300
"""Tuning draws that suffice where the sampler starts in whitened coordinates."""
TARGET = 0.8
"""Usual target acceptance."""
NEEDS_ROWS = False
LARGEST_REST = 3000
SMALL_REST = 100
"""Coefficients and effects that remain up to which the density is evaluated exactly, and not estimated."""
MANY_REST = 50
"""Coefficients and effects that remain from which on independence sampling, with a quarter of the evaluations, was measured to
cost less for an effective draw than NUTS: 0.7 times as much for 59, half for 94, but as much for 25 to 45 and more for few."""
# Seconds on one core: some forty gradients here, which find the mode, of 6e-11 times the cube of the rest, and 200,000 of the
# kernel, of 4e-8 per row.
_SECONDS_CUBED, _SECONDS_PER_ROW = 2.5e-9, 8e-3


def supports(design: Design) -> str | None:
    """Return why this engine cannot sample a design, or None."""
    if design.family.limited:
        return "rows are censored or truncated"
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
        if group.single:
            return "effects of observations add to sigma"
    if why_uncompiled(design) or unsupported(design):
        return why_uncompiled(design) or unsupported(design)
    rest = len(design.mu.keys) + sum(g.size for g in split_groups(order_groups(design))[1])
    slow = rest > SMALL_REST and _SECONDS_CUBED * rest**3 > _SECONDS_PER_ROW * design.rows
    if rest > LARGEST_REST or slow:
        return f"{rest} coefficients remain when the largest factor is integrated out, too many for {design.rows} rows"
    if len(lay_out_coordinates(design, {}).outer) == 0:
        return "every SD is fixed"
    return None


def slower(design: Design) -> str | None:
    """Return None: no later engine is faster."""
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
    """Return draws from the posterior of a design, see `Engine`.

    Coefficients and effects are drawn exactly given each kept draw of the rest; no parameterisation matters.
    """
    import_nutpie()
    import_whole("bayesmixed.kernels.collapsed.compiled")
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    from bayesmixed.kernels.bridge import COORDINATES, announce_compilation, nutpie_model
    from bayesmixed.kernels.collapsed.compiled import collapsed_function

    choose_parameterisation(design, None, parameterisation)
    started = time.perf_counter()
    collapsed = lay_out_collapsed(design)
    timing = {"prepare": time.perf_counter() - started}
    started = time.perf_counter()
    announce_compilation(collapsed_function, progress, compilation_of("engine 'collapsed'"))
    with insistent_interrupts():
        function = collapsed_function()
    timing["compile"] = time.perf_counter() - started
    started = time.perf_counter()
    # Chains take the cores; threads of BLAS under them would wait for each other.
    with threadpool_limits(1, user_api="blas"):
        outcome, left, full, attributes = None, None, None, dict[Any, Any]()
        rest = int(collapsed.packed.data.model["rest"][0])
        if rest > SMALL_REST:
            outcome, full, left = sample_estimates(collapsed, settings, progress)
        elif target_accept is None and not design.streamed and rest >= MANY_REST:
            outcome, left = sample_exactly(collapsed, settings, progress)
        if outcome is not None and left is None:
            said: tuple[str, ...] = (outcome.sentence,)
            if target_accept is not None:
                said = (*said, IGNORED.format(target_accept))
            used = outcome.settings(settings)
            points, statistics = outcome.points, outcome.statistics
            statistics["log_weight"] = statistics["log_weight"] + _log_slope(design)
        else:
            coordinates = find_coordinates(collapsed)
            size = len(collapsed.kept)
            compiled = nutpie_model(coordinates.packed, size, starting_point(size), function)
            tree, said, used = run_sampler(compiled, settings, target_accept, progress, TARGET)
            said = (*said, f"independence sampling was left: {left}") if left else said
            points = coordinates.restore(np.asarray(tree["posterior"].to_dataset()[COORDINATES].values))
            attributes, statistics = tree["posterior"].attrs, tree["sample_stats"].to_dataset()
        timing["sample"] = time.perf_counter() - started
        started = time.perf_counter()
        if full is None:
            full = draw_rest(collapsed, points, settings.seed, settings.cores)
    posterior = as_posterior(collapsed.full, full)
    draws = as_draws(design, posterior.assign_attrs(attributes), statistics)
    timing["draw"] = time.perf_counter() - started
    names = [design.mu.beta, *(design.mu.b(group) for group in design.mu.normal_blocks)]
    how = (
        "integrated out, then drawn exactly"
        if left or rest <= SMALL_REST
        else "integrated out by exact steps and estimates"
    )
    sentence = f"{', '.join(names)} {how}"
    return Run(draws, EngineRecord("collapsed", why, (sentence, *said)), used, timing)


def _log_slope(design: Design) -> float:
    """Return what the log-density of the response has besides that of the normal numbers it is a function of."""
    trials = np.broadcast_to(np.asarray(design.trials, dtype=float), design.rows)
    constants = design.family.constant(np.asarray(design.response, dtype=float), trials) + 0.5 * np.log(2.0 * np.pi)
    return float(np.sum(design.observed.row_counts * constants))
