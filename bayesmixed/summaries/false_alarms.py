"""How often each verdict and warning alarms although the model is right: the rates that messages, docstrings and tests share."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """How often a verdict or warning is a false alarm.

    Attributes
    ----------
    chance : float
        At most this share of judgements of right models are alarms.
    each : str
        What is judged each time.
    """

    chance: float
    each: str


RATES = {
    "posterior_checks, doubtful": Rate(0.05, "statistic, and level of by="),
    "posterior_checks, misfit": Rate(0.01, "statistic, and level of by="),
    "plot_posterior_checks, groups": Rate(0.05, "level"),
    "plot_posterior_checks, pit": Rate(0.05, "plot"),
    "plot_posterior_checks, mean_variance": Rate(0.05, "bin"),
    "check_residuals, dispersion": Rate(0.05, "fit"),
    "check_residuals, spread": Rate(0.05, "fit"),
    "check_residuals, zeros": Rate(0.05, "fit"),
    "half_normal, rows": Rate(0.05, "plot"),
    "half_normal, groups": Rate(0.05, "plot"),
    "plot_loo_pit": Rate(0.05, "plot"),
    "plot_residuals, bar": Rate(0.05, "bar"),
    "influence, shift": Rate(0.05, "group"),
    "loo, observation": Rate(0.05, "call, with 4,000 draws"),
    "loo, group": Rate(0.5, "call, with 8 to 45 groups"),
    "prior_sensitivity, conflict": Rate(0.15, "quantity, with a dozen groups"),
    "prior_table, conflict": Rate(0.08, "table, of data drawn from the priors"),
    "prior_predictive, outside": Rate(0.07, "quantity, of data drawn from the priors"),
    "summary, default priors pull": Rate(0.05, "fit, with 50 groups and plenty of rows"),
    "calibrate, not calibrated": Rate(0.05, "run"),
    "calibrate, inside": Rate(0.05, "quantity"),
    "verify": Rate(0.01, "fit that has converged"),
}
"""Rates by verdict, over the families and one factor, small groups, slopes, crossed and nested factors, smooths, offsets and a
second predictor. That of R-hat depends on the run: `convergence.chance_of_rhat`. Pareto k is a fact about the posterior with
and without a unit: of few groups one is often too influential although the model is right. Of other warnings see `FACTS`."""

FACTS = {
    "notes of a design": "its levels, rows, columns and categories, and responses that it does not hold",
    "check_data": "how factors are nested or crossed, how labels are written, and what the table holds",
    "refusals": "what the table or the spec holds",
    "update: priors left out": "the terms of the formula",
    "load_fit: damaged or older": "checksums and versions",
    "diagnose: interrupted, one chain, divergences, no movement, effective sample sizes, E-BFMI": "the run",
    "compare_models: own coefficients, few units": "the design, the number of units",
    "loo, kfold, compare_models: Monte Carlo error": "the draws",
    "compare_priors: answers move": "the distance of two posteriors",
    "predictions beyond the rows of the fit": "the range of a covariate",
    "icc, r2, variance_dossier, smooth_effects: what is missing": "moments that do not exist, integrals that are too large",
    "prior_table: extreme means, large differences; prior_predictive: far values": "the priors, without the response",
}
"""Warnings and notes that state facts, so that no false alarm is possible, and what they are facts of."""


def expect_by_chance(name: str) -> str:
    """Return the rate of a judgement as words for a title: "at most about 1 in 20 by chance"."""
    return f"at most about 1 in {1.0 / RATES[name].chance:.0f} by chance"
