"""How often each verdict and warning alarms although the model is right: the rates that messages, docstrings and tests share."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """How often a judgement goes against a right model.

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
    "loo, observation": Rate(0.05, "call"),
    "loo, group": Rate(0.35, "call, with a dozen groups"),
    "prior_sensitivity, conflict": Rate(0.15, "quantity, with a dozen groups"),
    "prior_table, conflict": Rate(0.08, "table, of data drawn from the priors"),
    "prior_predictive, outside": Rate(0.07, "quantity, of data drawn from the priors"),
    "summary, default priors pull": Rate(0.05, "fit, with 50 groups and plenty of rows"),
    "calibrate, not calibrated": Rate(0.05, "run"),
    "calibrate, inside": Rate(0.05, "quantity"),
}
"""Rates by verdict, for independent draws. That of R-hat depends on the run: `convergence.chance_of_rhat`. Pareto k is a fact
about the posterior with and without a unit: of few groups one is often too influential although the model is right."""


def expect_by_chance(name: str) -> str:
    """Return the rate of a judgement as words for a title: "at most about 1 in 20 by chance"."""
    return f"at most about 1 in {1.0 / RATES[name].chance:.0f} by chance"
