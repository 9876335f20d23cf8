"""How often each check, verdict and warning alarms on right models: no more often than it says."""

import warnings
from collections import Counter
from collections.abc import Callable, Iterator

import arviz_stats
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from exact_one_way import KNOWN, exact_fit, simulate_one_way
from right_models import right_model
from scipy import signal, stats

import bayesmixed as bm
from bayesmixed.calibration.ranks import Calibration
from bayesmixed.calibration.simulated_fits import Rank, SimulatedFit
from bayesmixed.fits.convergence import RHAT, chance_of_rhat
from bayesmixed.summaries.checks.bands import uniform_band
from bayesmixed.summaries.checks.mean_variance import mean_variance
from bayesmixed.summaries.checks.transforms import ecdf_difference
from bayesmixed.summaries.false_alarms import RATES
from bayesmixed.summaries.priors.pulls import describe_pulls

MODELS = 200
GROUPS, SIZE = 12, 6


def alarms(fit: bm.Fit, seed: int) -> Iterator[tuple[str, bool]]:
    """Yield every judgement of a fit, and whether it is an alarm."""
    factors = [group.name for group in fit.design.mu.groups if not group.residual]
    for groups in ("existing", "new"):
        for verdict in bm.posterior_checks(fit, groups=groups, seed=seed).table["verdict"]:
            yield "posterior_checks, doubtful", verdict != "fits"
            yield "posterior_checks, misfit", verdict.startswith("MISFIT")
    for row in bm.check_residuals(fit, seed=seed).itertuples():
        yield f"check_residuals, {row.check}", row.says != "as the model expects"
    yield "half_normal, rows", not bm.half_normal(fit, seed=seed).adequate
    pit = bm.residuals(fit, seed=seed)["pit"].to_numpy()
    yield "plot_posterior_checks, pit", len(ecdf_difference(pit).outside) > 0
    lower, upper = uniform_band(len(pit))
    yield "plot_loo_pit", bool(np.any((np.sort(pit) < lower) | (np.sort(pit) > upper)))
    family = fit.design.family
    if family.discrete and not family.cuts and family.name != "bernoulli":
        table = mean_variance(fit, seed=seed)
        for bin_ in table[table["model"] == "data"].itertuples():
            yield "plot_posterior_checks, mean_variance", not bin_.lower <= bin_.variance <= bin_.upper
    for against in ("mean", *factors):
        yield from _bars(fit, against, seed)
    for unit in ("observation", *factors):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", bm.StatisticsWarning)
            bm.loo(fit, unit=unit)
        yield f"loo, {'observation' if unit == 'observation' else 'group'}", bool(caught)
    for factor in factors:
        yield "half_normal, groups", not bm.half_normal(fit, level=factor, seed=seed).adequate
        title = bm.plot_posterior_checks(fit, "groups", by=factor, seed=seed).axes[0].get_title()
        outside, count = int(title.split()[0]), int(title.split()[2])
        for place in range(count):
            yield "plot_posterior_checks, groups", place < outside
        for verdict in bm.posterior_checks(fit, by=factor, seed=seed).table["verdict"]:
            yield "posterior_checks, doubtful", verdict != "fits"
            yield "posterior_checks, misfit", verdict.startswith("MISFIT")
        for shift in bm.influence(fit, factor).groupby("level")["shift"].agg(lambda shift: shift.abs().max()):
            yield "influence, shift", shift > 1
    for diagnosis in bm.prior_sensitivity(fit)["diagnosis"]:
        yield "prior_sensitivity, conflict", "conflict" in diagnosis


def _bars(fit: bm.Fit, against: str, seed: int) -> Iterator[tuple[str, bool]]:
    axes = bm.plot_residuals(fit, against, seed=seed).axes[0]
    for bar in axes.containers[0].lines[2][0].get_segments():
        low, high = sorted(bar[:, 1])
        yield "plot_residuals, bar", low > 0 or high < 0


Source = Callable[[int], bm.Fit]


def count_alarms(source: Source) -> tuple[Counter, Counter, Counter]:
    """Return how often each check of fits was made, how often it alarmed, and the alarms by check and family."""
    made, rung, where = Counter(), Counter(), Counter()
    for number in range(MODELS):
        fit = source(number)
        for name, alarmed in alarms(fit, number):
            made[name] += 1
            rung[name] += alarmed
            where[name, fit.design.family.name] += alarmed
        plt.close("all")
    return made, rung, where


def of_one_way(number: int) -> bm.Fit:
    """Return a fit of one factor whose draws are independent and from the exact posterior."""
    family = tuple(KNOWN)[number % len(KNOWN)]
    return exact_fit(family, simulate_one_way(family, GROUPS, SIZE, number), number)


def of_all_structures(number: int) -> bm.Fit:
    """Return a sampled fit of one of all families in one of nine structures, all parameters estimated."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        spec, data = right_model(number)
        return bm.fit(spec, data, seed=number, progress=False)


def too_many(rung: int, made: int, rate: float) -> bool:
    """Return whether alarms are more than a rate gives, but for one study in a thousand."""
    return bool(rung > stats.binom.ppf(0.999, made, rate))


@pytest.mark.calibration
@pytest.mark.parametrize("source", [of_one_way, of_all_structures])
def test_right_models_alarm_no_more_often_than_is_stated(source):
    """An hour for all structures."""
    made, rung, where = count_alarms(source)
    others = ("calibrate", "verify", "summary", "prior_table", "prior_predictive")
    assert set(made) == {name for name in RATES if not name.startswith(others)}
    for name in made:
        print(f"{name:45s} stated {RATES[name].chance:.3f}  found {rung[name] / made[name]:.4f}  of {made[name]}")
    assert not {
        name: (rung[name], made[name], {family: n for (check, family), n in where.items() if check == name and n})
        for name in made
        if too_many(rung[name], made[name], RATES[name].chance)
    }


@pytest.mark.calibration
def test_default_priors_are_said_to_pull_well_informed_fits_no_more_often_than_is_stated():
    families, runs = tuple(KNOWN), 150
    lines = []
    for number in range(runs):
        family = families[number % len(families)]
        fit = exact_fit(family, simulate_one_way(family, 50, 10, number), number)
        line = describe_pulls(fit)
        lines += [(family, line)] if line else []
    print(len(lines), "of", runs, lines)
    assert not too_many(len(lines), runs, RATES["summary, default priors pull"].chance)


def data_from_priors(family: str, count: int) -> Iterator[tuple[bm.ModelSpec, pd.DataFrame]]:
    """Yield a model whose priors are stated, those that are defaults for a first table, and tables drawn from them."""
    formula = f"y{' | trials(n)' if bm.FAMILIES[family].has_trials else ''} ~ x + (1 | g)"
    table = simulate_one_way(family, GROUPS, SIZE, 1).assign(x=np.sin(np.arange(GROUPS * SIZE)))
    design = bm.prepare(bm.from_formula(formula, family=family), table)
    priors = {key: entry.prior.to_text() for key, entry in design.priors.items()}
    made = bm.prior_predictive(design, table, draws=count, seed=1).draws["prior_predictive"]["y"]
    for y in made.values.reshape(-1, len(table))[:count]:
        yield bm.from_formula(formula, family=family, priors=priors), table.assign(y=y)


@pytest.mark.calibration
def test_data_drawn_from_the_priors_are_said_to_lie_outside_of_them_no_more_often_than_is_stated():
    made, rung = Counter(), Counter()
    each = -(-MODELS // len(KNOWN))
    for number, (spec, data) in enumerate(pair for family in KNOWN for pair in data_from_priors(family, each)):
        try:
            table = bm.prior_table(spec, data)
            notes = bm.prior_predictive(spec, data, draws=400, seed=number)
        except bm.DataError:  # numbers too large to write down, or all the same
            continue
        made["prior_table, conflict"] += 1
        rung["prior_table, conflict"] += any("outside of the" in n or "varies with an SD" in n for n in table.notes)
        made["prior_predictive, outside"] += len(notes.table)
        rung["prior_predictive, outside"] += sum("outside of the prior's" in n for n in notes.notes)
    print(made, rung)
    assert made["prior_table, conflict"] > MODELS / 2
    assert not {name: (rung[name], made[name]) for name in made if too_many(rung[name], made[name], RATES[name].chance)}


@pytest.mark.calibration
@pytest.mark.parametrize("quantities", [1, 5])
def test_right_samplers_are_called_calibrated_as_often_as_is_stated(quantities):
    generator, runs, alarmed, outside = np.random.default_rng(1), 200, 0, 0
    for _ in range(runs):
        pits = generator.uniform(size=(50, quantities))
        fits = tuple(
            SimulatedFit(number, {f"q{k}": Rank(0.0, 0, 99, pit) for k, pit in enumerate(row)}, 0, 1.0, (), "")
            for number, row in enumerate(pits)
        )
        found = Calibration("y ~ 1", 50, 1, fits)
        alarmed += bool(found.suspicious)
        outside += int(np.sum(~found.table["inside"]))
    assert not too_many(alarmed, runs, RATES["calibrate, not calibrated"].chance)
    assert not too_many(outside, runs * quantities, RATES["calibrate, inside"].chance)


@pytest.mark.calibration
@pytest.mark.parametrize(("chains", "draws"), [(2, 250), (4, 250), (2, 500)])
def test_rhat_of_draws_that_follow_each_other_passes_its_limit_no_more_often_than_is_stated(chains, draws):
    """Autoregressive series in which `each` draws are worth an independent one."""
    generator, count = np.random.default_rng(1), 2000
    for each in (1.5, 3.0, 6.0):
        slope = (each - 1.0) / (each + 1.0)
        shocks = generator.standard_normal((chains, draws + 100, count))
        values = signal.lfilter([np.sqrt(1.0 - slope**2)], [1.0, -slope], shocks, axis=1)[:, 100:]
        series = xr.DataArray(values, dims=("chain", "draw", "series")).to_dataset(name="x")
        found = int(np.sum(arviz_stats.rhat(series)["x"] > RHAT))
        assert not too_many(found, count, chance_of_rhat(chains, draws, 1, draws / each))


@pytest.mark.calibration
@pytest.mark.parametrize(("chains", "draws"), [(2, 250), (4, 250), (2, 500)])
def test_rhat_of_independent_draws_passes_its_limit_as_often_as_is_stated(chains, draws):
    series = xr.DataArray(
        np.random.default_rng(1).standard_normal((chains, draws, 5000)), dims=("chain", "draw", "series")
    )
    found = int(np.sum(arviz_stats.rhat(series.to_dataset(name="x"))["x"] > RHAT))
    assert stats.binomtest(found, 5000, chance_of_rhat(chains, draws)).pvalue > 0.001
