"""Draws of two engines from the same posterior, compared number by number in Monte Carlo standard errors."""

import numpy as np
import pandas as pd
import xarray as xr
from scipy import special

from bayesmixed.calibration.simulated_fits import LOG_LIKELIHOOD
from bayesmixed.cross_validation.log_densities import total_log_likelihood
from bayesmixed.display.tables import working_units
from bayesmixed.draws.tree import top_level_numbers
from bayesmixed.engines import ENGINES, refusal
from bayesmixed.engines.marginal import LEFT
from bayesmixed.errors import SpecError, check_choice
from bayesmixed.families.links import Array
from bayesmixed.fits.convergence import diagnose
from bayesmixed.fits.fitting import Fit, sample
from bayesmixed.integration.posterior_means import parameter_has_mean

STATISTICS: dict[str, float | None] = {"mean": None, "sd": None, "2.5 %": 0.025, "97.5 %": 0.975}
"""What is compared, with the share of draws below a quantile."""
STOPPED = "the run was stopped"
FEWEST_CHAINS, FEWEST_DRAWS = 4, 1000


def other_engines(fit: Fit) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the engines, besides its own, that can sample the model of a fit, and why the others cannot."""
    refused = {name: refusal(engine, fit.design) for name, engine in ENGINES.items() if name != fit.engine.name}
    able = tuple(name for name, reason in refused.items() if reason is None)
    return able, tuple(f"{name}: {reason}" for name, reason in refused.items() if reason is not None)


def check_engine(fit: Fit, engine: str) -> None:
    """Refuse an engine that cannot check a fit: its own one, and one that cannot sample the model (SpecError)."""
    check_choice("Engine {}", engine, list(ENGINES))
    if engine == fit.engine.name:
        raise SpecError(f"The fit is by the engine '{engine}' already; another one has to check it.")
    reason = refusal(ENGINES[engine], fit.design)
    if reason:
        raise SpecError(f"Engine '{engine}' cannot sample this model: {reason}.")


def sample_by_another(fit: Fit, engine: str | None, seed: int, progress: bool) -> tuple[Fit | None, tuple[str, ...]]:
    """Return the same posterior sampled by another engine, the first one that can if none is named, and why others cannot.

    Draws of a run that was interrupted, or that did not converge, are none.
    """
    able, reasons = other_engines(fit)
    before = fit.settings
    for name in able if engine is None else (engine,):
        other = sample(
            fit.design,
            engine=name,
            chains=max(before.chains, FEWEST_CHAINS),
            draws=max(before.draws, FEWEST_DRAWS),
            seed=seed,
            cores=before.cores,
            progress=progress,
        )
        verdict = diagnose(other)
        if not other.settings.complete:
            return None, (f"{name}: {STOPPED}",)
        if other.engine.name == fit.engine.name:
            reasons = (*reasons, f"{name}: {other.engine.why.partition(LEFT)[2]}")
        elif not verdict.ok:
            reasons = (*reasons, f"{name}: {verdict.problems[0]}")
        else:
            return other, reasons
    return None, reasons


def compare_draws(fit: Fit, other: Fit | None) -> pd.DataFrame:
    """Return how two fits of one posterior differ.

    Numbers that are fixed in both are left out. Of a parameter without a posterior mean, such as theta of a negative binomial,
    the logarithm is compared. The log-likelihood of all rows depends on the effects of groups too.

    Returns
    -------
    pandas.DataFrame
        One row per quantity and statistic: quantity, statistic, fit, other, mcse (of the difference), z (difference in these),
        p (two-sided); no rows without another fit.
    """
    pairs = [] if other is None else list(zip(_quantities(fit), _quantities(other), strict=True))
    moving = [(name, a, b) for (name, a), (_, b) in pairs if np.ptp(a) > 0 or np.ptp(b) > 0 or a.flat[0] != b.flat[0]]
    rows = []
    for name, first, second in moving:
        centre = float(np.median(second))
        unit = float(working_units(np.concatenate([first.ravel(), second.ravel()])[:, None] - centre)[0])
        ours, theirs = (_statistics((values - centre) / unit) for values in (first, second))
        for statistic in STATISTICS:
            (value, error), (reference, its_error) = ours[statistic], theirs[statistic]
            mcse = float(np.hypot(error, its_error))
            apart = value - reference
            z = apart / mcse if mcse > 0 else np.copysign(np.inf, apart) if apart else 0.0
            origin = 0.0 if statistic == "sd" else centre
            p = 2.0 * special.ndtr(-abs(z))
            rows.append((name, statistic, origin + unit * value, origin + unit * reference, unit * mcse, z, p))
    numbers = dict.fromkeys(("fit", "other", "mcse", "z", "p"), float)
    return pd.DataFrame(rows, columns=["quantity", "statistic", *numbers]).astype(numbers)


def _quantities(fit: Fit) -> list[tuple[str, Array]]:
    """Return the draws (chain, draw) of every number that two engines have to agree about."""
    design, found = fit.design, []
    for name, draws in top_level_numbers(design, fit.posterior):
        values = draws.transpose("chain", "draw").values
        infinite = name in design.numbers and not parameter_has_mean(design, name)
        found.append((f"log({name})", np.log(values)) if infinite else (name, values))
    if design.streamed is None and design.observed.multiplicity is None:
        found.append((LOG_LIKELIHOOD, total_log_likelihood(fit).values))
    return found


def _statistics(draws: Array) -> dict[str, tuple[float, float]]:
    """Return each statistic of draws (chain, draw) with its Monte Carlo standard error, 0 of constant draws."""
    import arviz_stats

    data = xr.Dataset({"x": (("chain", "draw"), draws)})
    found = {}
    for name, share in STATISTICS.items():
        if share is None:
            value, error = (draws.mean() if name == "mean" else draws.std(ddof=1)), arviz_stats.mcse(data, method=name)
        else:
            value, error = np.quantile(draws, share), arviz_stats.mcse(data, method="quantile", prob=share)
        found[name] = float(value), float(error["x"]) if np.ptp(draws) > 0 else 0.0
    return found
