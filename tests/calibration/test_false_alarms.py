"""How often each check, verdict and warning alarms on right models: no more often than it says."""

import warnings
from collections import Counter
from collections.abc import Iterator

import pytest
from exact_one_way import KNOWN, exact_fit, simulate_one_way
from scipy import stats

import bayesmixed as bm
from bayesmixed.summaries.checks.mean_variance import mean_variance
from bayesmixed.summaries.checks.transforms import ecdf_difference

MODELS = 200
GROUPS, SIZE = 12, 6
COUNTS = ("poisson", "negbin", "negbin1", "binomial", "beta_binomial", "zero_inflated_poisson", "hurdle_poisson")

STATED = {
    "posterior_checks: a statistic is doubtful or a misfit": 0.05,
    "posterior_checks: a statistic is a misfit": 0.01,
    "posterior_checks, new groups: a statistic is doubtful or a misfit": 0.05,
    "posterior_checks, new groups: a statistic is a misfit": 0.01,
    "check_residuals: dispersion": 0.05,
    "check_residuals: spread": 0.05,
    "check_residuals: zeros": 0.05,
    "half_normal, rows: some outside the simultaneous band": 0.05,
    "half_normal, groups: some outside the simultaneous band": 0.05,
    "plot_posterior_checks, pit: outside of the band": 0.05,
    "mean_variance: a bin outside of the range": 0.05,
    "mean_variance: a bar misses the model": 0.05,
    "plot_residuals: a bar misses 0": 0.05,
    "plot_posterior_checks, groups: a mean outside of its interval": 0.05,
    "influence: a group shifts a parameter by more than 1": 0.05,
    "loo, observation: a warning": 0.05,
    "loo, group: a warning": 0.05,
    "prior_sensitivity: possible prior-data conflict": 0.05,
    "diagnose: not converged": 0.01,
}
"""Rates by check, for right models and independent draws."""


def alarms(fit: bm.Fit, seed: int) -> Iterator[tuple[str, bool]]:
    """Yield every judgement of a fit, and whether it is an alarm."""
    for groups, where in (("existing", ""), ("new", ", new groups")):
        for verdict in bm.posterior_checks(fit, groups=groups, seed=seed).table["verdict"]:
            yield f"posterior_checks{where}: a statistic is doubtful or a misfit", verdict != "fits"
            yield f"posterior_checks{where}: a statistic is a misfit", verdict.startswith("MISFIT")
    for row in bm.check_residuals(fit, seed=seed).itertuples():
        yield f"check_residuals: {row.check}", row.says != "as the model expects"
    yield "half_normal, rows: some outside the simultaneous band", not bm.half_normal(fit, seed=seed).adequate
    level = bm.half_normal(fit, level="g", seed=seed)
    yield "half_normal, groups: some outside the simultaneous band", not level.adequate
    pit = bm.residuals(fit, seed=seed)["pit"].to_numpy()
    yield "plot_posterior_checks, pit: outside of the band", len(ecdf_difference(pit).outside) > 0
    if fit.design.family.name in COUNTS:
        yield from _bins(fit, seed)
    for against in ("mean", "g"):
        yield from _bars(fit, against, seed)
    title = bm.plot_posterior_checks(fit, "groups", seed=seed).axes[0].get_title()
    outside, count = int(title.split()[0]), int(title.split()[2])
    for place in range(count):
        yield "plot_posterior_checks, groups: a mean outside of its interval", place < outside
    largest = bm.influence(fit, "g").groupby("level")["shift"].agg(lambda shift: shift.abs().max())
    for shift in largest:
        yield "influence: a group shifts a parameter by more than 1", shift > 1
    for unit, name in (("observation", "observation"), ("g", "group")):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", bm.StatisticsWarning)
            bm.loo(fit, unit=unit)
        yield f"loo, {name}: a warning", bool(caught)
    for diagnosis in bm.prior_sensitivity(fit)["diagnosis"]:
        yield "prior_sensitivity: possible prior-data conflict", "conflict" in diagnosis
    yield "diagnose: not converged", not bm.diagnose(fit).ok


def _bins(fit: bm.Fit, seed: int) -> Iterator[tuple[str, bool]]:
    table = mean_variance(fit, seed=seed)
    data, model = (table[table["model"] == name].reset_index() for name in ("data", "this model"))
    for bin_, expected in zip(data.itertuples(), model["variance"], strict=True):
        yield "mean_variance: a bin outside of the range", not bin_.lower <= bin_.variance <= bin_.upper
        yield "mean_variance: a bar misses the model", abs(bin_.variance - expected) > 1.96 * bin_.error


def _bars(fit: bm.Fit, against: str, seed: int) -> Iterator[tuple[str, bool]]:
    axes = bm.plot_residuals(fit, against, seed=seed).axes[0]
    for bar in axes.containers[0].lines[2][0].get_segments():
        low, high = sorted(bar[:, 1])
        yield "plot_residuals: a bar misses 0", low > 0 or high < 0


def count_alarms(models: int, families: tuple[str, ...] = tuple(KNOWN)) -> tuple[Counter, Counter, Counter]:
    """Return how often each check was made, how often it alarmed, and the alarms by check and family."""
    made, rung, where = Counter(), Counter(), Counter()
    for number in range(models):
        family = families[number % len(families)]
        fit = exact_fit(family, simulate_one_way(family, GROUPS, SIZE, number), number)
        for name, alarmed in alarms(fit, number):
            made[name] += 1
            rung[name] += alarmed
            where[name, family] += alarmed
    return made, rung, where


@pytest.mark.calibration
def test_right_models_alarm_no_more_often_than_is_stated():
    made, rung, where = count_alarms(MODELS)
    assert set(made) == set(STATED)
    for name, rate in STATED.items():
        print(f"{name:75s} stated {rate:.3f}  found {rung[name] / made[name]:.4f}  of {made[name]}")
    too_often = {
        name: (rung[name], made[name], {family: n for (check, family), n in where.items() if check == name and n})
        for name, rate in STATED.items()
        if rung[name] > stats.binom.ppf(0.999, made[name], rate)
    }
    assert not too_often
