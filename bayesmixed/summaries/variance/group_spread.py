"""How much the groups of a fit differ: typical ratios, negligible SDs, effective numbers of groups."""

import numpy as np
import pandas as pd

from bayesmixed.arguments import pools, takes_drawn_values
from bayesmixed.design.default_priors import group_unit
from bayesmixed.display.result_tables import as_result
from bayesmixed.display.tables import labelled
from bayesmixed.draws.linear_predictors import covariances_at_centre
from bayesmixed.errors import SpecError
from bayesmixed.families.records import refuse_categories
from bayesmixed.fits.fitting import Fit
from bayesmixed.integration.posterior_means import has_free_sd
from bayesmixed.summaries.pooling.shrinkage_factors import trace_draws
from bayesmixed.summaries.variance.components import mean_group_variances
from bayesmixed.summaries.variance.intraclass import as_draws

NEGLIGIBLE = 0.1


@pools
def typical_ratios(fit: Fit) -> pd.DataFrame:
    """Return the typical ratio, or difference, between two groups of each factor of the first parameter.

    exp(sqrt(2) z SD), z the upper quartile of the standard normal, is the median over pairs of groups of the larger
    odds (rate, mean, hazard) divided by the smaller: the median odds ratio of Merlo et al. (2006, J Epidemiol Community
    Health 60:290). Under other links the median of the difference on the link scale. A term with slopes, or with types of
    groups, gr(g, by=f), enters by its mean variance over the rows; of related levels, gr(g, cov=A), pairs are those of
    the fit.

    Returns
    -------
    pandas.DataFrame
        Columns term, level (empty), effect ("median odds ratio", ...), mean and sd (of a ratio, which has none, the median
        over the posterior), lower, upper (95 %), mcse. A median
        odds ratio of 1: the groups are alike; 2: of two groups at random, one has typically twice the odds.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> bm.typical_ratios(fit)[["term", "effect", "median"]].round(1)
       term             effect  median
    0  herd  median odds ratio     1.9
    """
    refuse_categories(fit.design.family, "Typical ratios")
    _needs_groups(fit)
    link = fit.design.mu.link
    what = f"median {fit.design.ratio}" if link.ratio else "median difference"
    tables = []
    for name, variance in mean_group_variances(fit.design, fit.posterior).items():
        group = next(group for group in fit.design.mu.groups if group.name == name)
        if group.heavy:
            raise SpecError(f"Typical ratios are of normal effects, and those of '{name}' have a t distribution.")
        relative = variance / group.mean_level_variance(fit.design.observed.row_shares)
        typical = group.typical_difference * np.sqrt(relative)
        draws = as_draws(np.exp(typical) if link.ratio else typical, fit.posterior)
        mean = not link.ratio or not has_free_sd(fit.design, fit.design.mu, [group.name])
        tables.append(labelled(draws, name, [""], [what], mean=mean))
    return as_result(pd.concat(tables, ignore_index=True))


@takes_drawn_values(tables="columns")
def effective_groups(fit: Fit) -> pd.DataFrame:
    """Return the effective number of effects of each term of the first parameter, given the population part.

    The sum over groups of the trace of I - Var(b | y, theta) Sigma^-1 (Hodges & Sargent 2001, Biometrika 88:367): from
    0, groups pooled completely, to the number of effects, not pooled at all. With an estimated mean and J balanced
    groups with factor lambda, the model spends 1 + (J - 1) lambda in total.

    Returns
    -------
    pandas.DataFrame
        Columns term, level (empty), effect (empty), effects (how many there are), mean, sd, lower, upper, mcse.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> bm.effective_groups(fit)[["term", "effects", "mean"]].round()
       term  effects  mean
    0  herd       15  10.0
    """
    refuse_categories(fit.design.family, "Effective numbers of effects")
    _needs_groups(fit)
    tables = []
    for group in fit.design.mu.groups:
        number = trace_draws(fit, fit.design.mu, group).sum("level")
        table = labelled(number, group.name, [""], [""])
        table.insert(3, "effects", int(group.has.sum()))
        tables.append(table)
    return as_result(pd.concat(tables, ignore_index=True))


@pools
def negligible_sds(fit: Fit) -> pd.DataFrame:
    """Return the probability that each group SD is below a tenth of the unit of its scale, beside its prior value.

    Not a test of zero: it answers how much the data have moved the probability that the groups hardly differ. SDs of
    correlated slopes are taken at the covariate means, where their priors are stated. Of related levels, gr(g, cov=A), the
    limit is that of a level with the mean variance in A.

    Returns
    -------
    pandas.DataFrame
        Columns term, effect, below (the limit), prior (NaN for a fixed SD), posterior.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> bm.negligible_sds(fit)[["term", "below", "posterior"]].round(2)
       term  below  posterior
    0  herd    0.1        0.0
    """
    rows = []
    for predictor, group in fit.design.group_blocks():
        limits = NEGLIGIBLE * group_unit(fit.design, predictor) * group.coordinates.units / group.typical_spread
        covariance = covariances_at_centre(predictor, group, fit.posterior, moments=True)
        sds = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1)).reshape(-1, len(group.labels))
        for key, column in predictor.sd_places(group).items():
            label = group.coordinates.labels[column]
            prior = fit.design.priors[key].prior
            before = np.nan if prior.name == "Fixed" else float(prior.frozen().cdf(limits[column]))
            after = float(np.mean(sds[:, column] < limits[column]))
            rows.append((f"{group.name}{predictor.suffix}", label, limits[column], before, after))
    return as_result(pd.DataFrame(rows, columns=["term", "effect", "below", "prior", "posterior"]))


def show_negligible(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table of `negligible_sds` as text."""
    shown = {name: table[name].map(_probability) for name in ("prior", "posterior")}
    return table.assign(below=table["below"].map("{:.3g}".format), **shown)


def _needs_groups(fit: Fit) -> None:
    if not fit.design.mu.groups:
        raise SpecError(f"No grouping factor enters the predictor of {fit.design.mu.parameter}; add e.g. (1 | group).")


def _probability(value: float) -> str:
    if np.isnan(value):
        return ""
    return "< 0.001" if value < 0.001 else "> 0.999" if value > 0.999 else f"{value:.2g}"
