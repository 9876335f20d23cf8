"""verify: a certificate for a fit, by a second engine and by refits of data simulated from its posterior."""

import warnings
from contextlib import suppress
from typing import Any

import numpy as np

from bayesmixed.arguments import alone
from bayesmixed.calibration.certificates import Verification, find_resolution
from bayesmixed.calibration.engine_comparison import (
    STOPPED,
    check_engine,
    compare_draws,
    other_engines,
    sample_by_another,
)
from bayesmixed.calibration.simulated_fits import SimulatedFit, Task, fit_simulated
from bayesmixed.calibration.simulated_responses import repeat_rows
from bayesmixed.errors import SpecError, StatisticsWarning, did_you_mean
from bayesmixed.fits.convergence import diagnose
from bayesmixed.fits.fitting import Fit, sample
from bayesmixed.fits.refitting import SETTINGS, settings_of
from bayesmixed.progress import ProgressLine
from bayesmixed.task_runs import run_tasks

COARSEST = 1.0
"""Error of a mean, in posterior SDs, that has to show for a verdict."""
_DEFAULTS: dict[str, Any] = {"chains": 2, "draws": 500, "store": "all"}


@alone("Fit it by itself for that.")
def verify(
    fit: Fit,
    *,
    engine: str | None = None,
    refits: int = 20,
    seed: int | None = None,
    progress: bool = True,
    **settings: Any,
) -> Verification:
    """Return whether a fit can be relied on: a second engine samples its posterior, and data simulated from it are refitted.

    Of every coefficient, SD, correlation and dispersion, and of the log-likelihood, the mean, the SD and the ends of the 95 %
    interval are compared with those of the second engine, in Monte Carlo standard errors. Engines share the reading of formulas,
    data and priors, about which this says nothing.

    Then, `refits` times, a draw of the posterior makes a second response for the same rows and groups, and the model is fitted
    to both responses together, with the priors of the fit. Given both, that draw and those of the refit are exchangeable, so that
    its rank among them is uniform if the samplers are right (posterior SBC: Säilynoja, Schmitt, Bürkner & Vehtari 2025,
    arXiv:2502.03279).

    Parameters
    ----------
    fit : Fit
        The fitted model.
    engine : str, optional
        The engine that checks; if not given, the first of "collapsed", "marginal", "kernel" and "pymc" that can.
    refits : int
        How many; 0 for none. They are coarse beside the second engine: 20 show draws that are far too narrow or beside the mark.
    seed : int, optional
        If not given, one that follows from that of the fit.
    progress : bool
        Say how far the run is.
    **settings
        Of `sample`, for the refits; by default those of the fit with chains=2, draws=500.

    Returns
    -------
    Verification
        Ctrl-C ends the refits and returns what is done. Right fits that have converged fail in at most 1 % of cases.

    Raises
    ------
    SpecError
        The engine cannot sample the model, or is that of the fit; a setting does not exist.
    SamplingError
        The second engine could not start.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.fit("sleepstudy_intercept", bm.datasets.load("sleepstudy"), seed=1, progress=False)
    >>> print(bm.verify(fit, refits=2, progress=False).verdict)
    Verified: 'marginal' draws from the same posterior as 'collapsed', and 2 refits of simulated data find the true values.
    """
    for name in settings:
        if name not in SETTINGS or name in ("missing", "progress"):
            raise SpecError(f"verify has no setting '{name}'. {did_you_mean(name, SETTINGS)}")
    if engine is not None:
        check_engine(fit, engine)
    seed = fit.settings.seed if seed is None else seed
    state = np.random.SeedSequence(seed, spawn_key=(1,)).generate_state(2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatisticsWarning)
        other, reasons = sample_by_another(fit, engine, int(state[0]), progress)
    notes: list[str] = []
    unclear: list[str] = []
    if other is None:
        said = f"no second engine checked it ({'; '.join(reasons)})"
        # Where none exists the refits have to do.
        (unclear if other_engines(fit)[0] or not refits else notes).append(said)
    table = compare_draws(fit, other)
    coarse = find_resolution(table).max()
    if other is not None and not coarse <= COARSEST:
        unclear.append(f"a mean may be wrong by {coarse:.1f} posterior SDs without showing")
    done: tuple[SimulatedFit, ...] = ()
    if refits and not any(reason.endswith(STOPPED) for reason in reasons):
        try:
            done = _refit(fit, refits, int(state[1]), settings, progress)
        except SpecError as error:
            (notes if other else unclear).append(f"no data were simulated: {error}")
        else:
            unclear += [f"the run was stopped after {len(done)} of {refits} refits"] if len(done) < refits else []
    failed = [one.problem for one in done if one.problem]
    unclear += [f"{len(failed)} of {len(done)} refits failed ({failed[0]})"] if failed else []
    return Verification(
        formula=fit.design.spec.formula,
        engine=fit.engine.name,
        other="" if other is None else other.engine.name,
        seeds=(fit.settings.seed, seed),
        diagnosis=diagnose(fit),
        table=table,
        refits=done,
        unclear=tuple(unclear),
        notes=tuple(notes),
    )


def _refit(fit: Fit, count: int, seed: int, settings: dict[str, Any], progress: bool) -> tuple[SimulatedFit, ...]:
    """Return the fits of data simulated from a posterior, as many as were done before an interruption."""
    rows = repeat_rows(fit.design)
    given = settings_of(fit, rows) | _DEFAULTS | settings | {"progress": False}
    task, done = Task(rows, sample, given, seed, fit), []
    with suppress(KeyboardInterrupt), ProgressLine("refits", progress) as line:
        for one in line.follow(run_tasks(fit_simulated, task, range(count)), count):
            done.append(one)
    return tuple(done)
