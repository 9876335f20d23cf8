"""Engine "pymc": nutpie's NUTS on the PyMC model of a design."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from bayesmixed.design.design import Design
from bayesmixed.draws.event_draws import draw_events
from bayesmixed.draws.tree import as_draws, draw_names
from bayesmixed.engines.parameterisation import choose_parameterisation
from bayesmixed.engines.runs import Run, run_sampler
from bayesmixed.engines.settings import EngineRecord, Settings
from bayesmixed.errors import SamplingError
from bayesmixed.estimation.quasi_likelihood import QuasiLikelihoodMode, quasi_likelihood_mode
from bayesmixed.interruptions import import_whole, insistent_interrupts
from bayesmixed.model.latent_variables import latent_starts
from bayesmixed.model.prior_variables import start_of_onset
from bayesmixed.model.pymc_models import build_to_sample
from bayesmixed.progress import say

TUNE = 1000
"""Tuning draws of each chain."""
TARGET = 0.9
"""Usual target acceptance."""
NEEDS_ROWS = True


def supports(design: Design) -> str | None:
    """Return None: this engine samples every design whose rows are in memory."""
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
    """Return draws from the posterior of a design, see `Engine`."""
    mode = quasi_likelihood_mode(design) if design.mu.normal_blocks else None
    choices = choose_parameterisation(design, mode, parameterisation)
    for latent in design.latent:
        own = quasi_likelihood_mode(latent.design) if latent.design.mu.normal_blocks else None
        choices = (*choices, *choose_parameterisation(latent.design, own, "auto"))
    ways = {choice.effects: choice.parameterisation for choice in choices}

    def starts(model: Any) -> dict[str, Any]:
        return starting_points(design, mode, model) | latent_starts(design) | start_of_onset(design)

    def declare() -> Any:
        return build_to_sample(design, ways)

    summed = [latent.imputed for latent in design.latent if latent.summed]
    names = [name for name in draw_names(design) if name not in summed]
    tree, decisions, used, timing = draw(declare, names, starts, settings, target_accept, progress)
    posterior = draw_events(design, tree["posterior"].to_dataset(), np.random.default_rng([settings.seed, 2]))
    draws = as_draws(design, posterior, tree["sample_stats"].to_dataset())
    return Run(draws, EngineRecord("pymc", why, (*map(str, choices), *decisions)), used, timing)


def draw(
    declare: Callable[[], Any],
    names: Iterable[str],
    starts: Callable[[Any], Mapping[str, Any]],
    settings: Settings,
    target_accept: float | None,
    progress: bool,
) -> tuple[xr.DataTree, tuple[str, ...], Settings, dict[str, float]]:
    """Return nutpie's draws of variables of the PyMC model that `declare` makes, decisions, settings and seconds, see
    `run_sampler`; `starts` gives random starting points of free variables of the model."""
    import_whole("nutpie", "pymc")
    import nutpie

    from bayesmixed.kernels.compiled_files import checked_cache

    _check_folder()
    started = time.perf_counter()
    if progress:
        say("Compiling the model (some seconds; a minute the first time on a machine) ...")
    model = declare()
    points = starts(model)
    jittered = {variable for variable in model.free_RVs if variable.name not in points}
    with checked_cache(), insistent_interrupts():
        compiled = nutpie.compile_pymc_model(model, var_names=list(names), initial_points=points, jitter_rvs=jittered)
    timing = {"compile": time.perf_counter() - started}
    started = time.perf_counter()
    tree, decisions, used = run_sampler(compiled, settings, target_accept, progress, TARGET)
    timing["sample"] = time.perf_counter() - started
    return tree, decisions, used, timing


def _check_folder() -> None:
    """Refuse to sample where PyTensor has no folder for what it compiles."""
    import pytensor

    try:
        _ = pytensor.config.compiledir
    except ValueError as error:
        raise SamplingError(
            f"PyTensor has no folder for the compiled model: {error} Set PYTENSOR_FLAGS=base_compiledir=FOLDER to one that "
            "can be written."
        ) from error


def starting_points(design: Design, mode: QuasiLikelihoodMode | None, model: Any) -> dict[str, Any]:
    """Return random starting points for coefficients and SDs, twice as wide as the approximate posterior.

    nutpie's own jitter of one unit is far off where a slope is measured in hundredths.
    """
    import pymc as pm

    if mode is None:
        return {}
    predictor, names = design.mu, {variable.name for variable in model.free_RVs}
    beta = predictor.beta if predictor.beta in names else f"centred_{predictor.beta}"
    points: dict[str, Any] = {}
    if beta in names:
        points[beta] = pm.Normal.dist(mode.beta, 2.0 * np.sqrt(np.diag(mode.covariance)))
    for group in predictor.normal_blocks:
        for name in (predictor.sd(group), f"centred_{predictor.sd(group)}"):
            if name in names:
                sd = mode.sds[group.name].reshape(group.shape[1:])
                points[name] = pm.Uniform.dist(0.5 * sd, 2.0 * sd)
    for parameter, value in mode.values.items():
        name = f"{parameter}{design.ending}"
        if name in names and parameter != design.family.onset:  # whose start is in its coordinate
            link = design.spec.link(parameter)
            near = [float(link.inverse(link.forward(value) + d)) for d in (-0.35, 0.35)]
            points[name] = pm.Uniform.dist(*near)
    return points
