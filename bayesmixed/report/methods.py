"""A paragraph for the methods section of a paper, and the works behind it."""

from collections.abc import Callable, Sequence

import numpy as np

import bayesmixed as bm
from bayesmixed.arguments import takes_drawn_values
from bayesmixed.errors import BayesMixedError
from bayesmixed.fits.convergence import diagnose
from bayesmixed.fits.fitting import Fit
from bayesmixed.spec.parsing import format_formula
from bayesmixed.summaries.checks.predictive_checks import PosteriorChecks

_SAMPLERS = {
    "kernel": "drawn with the No-U-Turn sampler",
    "pymc": "drawn with the No-U-Turn sampler",
    "collapsed": "drawn with the No-U-Turn sampler for the standard deviations and correlations, coefficients and group "
    "effects integrated out and drawn exactly afterwards",
    "marginal": "drawn by iterated sampling importance resampling from independent proposals of coefficients, standard "
    "deviations and dispersions, with the effects of the largest grouping factor integrated out by adaptive Gauss-Hermite "
    "quadrature",
}
_NUTS = "Hoffman & Gelman (2014), The No-U-Turn sampler, Journal of Machine Learning Research 15:1593."
_WORKS = {
    "kernel": (_NUTS,),
    "pymc": (
        _NUTS,
        "Abril-Pla et al. (2023), PyMC: a modern, and comprehensive probabilistic programming framework in Python, PeerJ "
        "Computer Science 9:e1516.",
    ),
    "collapsed": (_NUTS,),
    "marginal": (
        "Andrieu, Lee & Vihola (2018), Uniform ergodicity of the iterated conditional SMC and geometric ergodicity of particle "
        "Gibbs samplers, Bernoulli 24:842.",
        "Andrieu & Roberts (2009), The pseudo-marginal approach for efficient Monte Carlo computations, Annals of "
        "Statistics 37:697.",
    ),
}
_ALWAYS = (
    "Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021), Rank-normalization, folding, and localization: an improved "
    "R-hat, Bayesian Analysis 16:667.",
    "Gelman, Meng & Stern (1996), Posterior predictive assessment of model fitness via realized discrepancies, Statistica "
    "Sinica 6:733.",
)


@takes_drawn_values(tables="rows")
def methods_text(fit: Fit, *, seed: int | None = None) -> str:
    """Return a paragraph for the methods section of a paper, and below it the works that it rests on.

    It says which rows and groups were analysed, the model and all its priors, how the posterior was sampled and with which
    software, and what became of the convergence diagnostics and posterior predictive checks of this fit.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    seed : int, optional
        Of the replicates for the posterior predictive checks; that of the fit if not given.

    Returns
    -------
    str
        Plain text. It is honest about a fit that did not converge, so read it before you paste it.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> print(bm.methods_text(bm.load_fit("herd_period")).partition(".")[0])
    We fitted a Bayesian mixed model to 56 rows, with 15 levels of herd
    """
    paragraph = write_paragraph(fit, lambda: bm.posterior_checks(fit, seed=fit.settings.seed if seed is None else seed))
    return "\n\n".join((paragraph, "\n".join(("References", *list_works(fit)))))


def write_paragraph(fit: Fit, checks: Callable[[], PosteriorChecks]) -> str:
    """Return the paragraph; `checks` gives the posterior predictive checks."""
    return " ".join((_say_data(fit), _say_priors(fit), _say_sampling(fit), _say_checks(checks)))


def list_works(fit: Fit) -> tuple[str, ...]:
    """Return the works that a fit rests on."""
    return tuple(sorted((*_WORKS.get(fit.engine.name, ()), *_ALWAYS)))


def _say_data(fit: Fit) -> str:
    design, spec = fit.design, fit.design.spec
    levels = [f"{len(group.levels):,} levels of {group.name}" for group in design.mu.groups if group.compared]
    left_out = f" ({design.dropped:,} more had missing values and were left out)" if design.dropped else ""
    mixed = "mixed model" if design.mu.groups else "regression"
    grouped = f", with {_join(levels)}" if levels else ""
    return (
        f"We fitted a Bayesian {mixed} to {design.row_text}{left_out}{grouped}. The response was {spec.response}"
        f"{f' of {spec.trials}' if spec.trials else ''}, of family {design.family.name} with {design.mu.link.name} link; the "
        f"model was {spec.formula}{_say_further(fit)}.{_say_drawn(fit)}"
        + (
            f" It was fitted together with {_join(fit.beside)}, in one model of several responses."
            if fit.beside
            else ""
        )
    )


def _say_further(fit: Fit) -> str:
    """Return the formulas of further parameters where residuals are correlated or have SDs of their own."""
    spec = fit.design.spec
    if spec.residual is None:
        return ""
    scale = spec.family_record.scale
    own = f", {scale} {format_formula('', spec.predictors[scale])}" if scale in spec.predictors else ""
    if not spec.residual.correlated:
        return own
    record = spec.residual.record
    how = "each two visits with a correlation of their own" if record.correlated(2) else record.text
    return f"{own}, with residuals correlated within {spec.residual.name}: {how}, {spec.residual}"


def _say_drawn(fit: Fit) -> str:
    """Return how missing values were treated: imputed beforehand, or drawn with the parameters, and under which models."""
    found = []
    if fit.settings.tables > 1:
        found.append(
            f" Missing values had been imputed beforehand: the model was fitted to each of {fit.settings.tables} tables, and "
            "draws were pooled (Rubin, 1987)."
        )
    for one in fit.design.latent:
        which = f"{one.missing.sum():,} missing values" if one.error is None else "True values"
        why = "" if one.error is None else ", measured with errors of known SD,"
        own = one.design.spec
        found.append(
            f" {which} of {one.column}{why} were drawn with the parameters, under {own.formula} (family {own.family})."
        )
    return "".join(found)


def _say_priors(fit: Fit) -> str:
    listed = [
        f"{entry.prior} for {key} ({'each ' if count > 1 else ''}{entry.about})"
        for key, (entry, count) in fit.design.priors_by_term().items()
        if entry.prior.name != "Fixed"
    ]
    return f"Priors were: {'; '.join(listed)}."


def _say_sampling(fit: Fit) -> str:
    settings, versions = fit.settings, fit.versions
    verdict = diagnose(fit)
    others = [
        f"{name} {versions[name]}" for name in ("nutpie", "pymc", "arviz") if name in versions and _used(fit, name)
    ]
    software = _join([f"bayesmixed {versions.get('bayesmixed', '')}".strip(), *others])
    how = _SAMPLERS.get(fit.engine.name, f"drawn by engine {fit.engine.name}")
    said = (
        f"The posterior was {how} ({settings.chains} chains of {settings.draws:,} draws after "
        f"{settings.tune:,} tuning draws; {software})."
    )
    if not verdict.ok:
        return f"{said} THE CHAINS HAD NOT CONVERGED: {'; '.join(verdict.problems)}."
    sizes = verdict.table[["ess_bulk", "ess_tail"]].min().min()
    none = ", and no transition diverged" if verdict.steps else ""
    return (
        f"{said} R-hat was at most {verdict.table['rhat'].max():.3f} and effective sample sizes were at least "
        f"{sizes:,.0f}{none}. We report posterior means (medians where a mean does not exist) with 95 % equal-tailed intervals."
    )


def _used(fit: Fit, package: str) -> bool:
    return {"nutpie": fit.engine.name != "marginal", "pymc": fit.engine.name == "pymc"}.get(package, True)


def _say_checks(checks: Callable[[], PosteriorChecks]) -> str:
    try:
        table = checks().table
    except BayesMixedError as error:
        return f"No posterior predictive checks: {error}"
    failed = table.loc[np.asarray(table["verdict"] != "fits"), "statistic"].tolist()
    said = f"Of {len(table)} statistics of the data compared with replicates from the posterior predictive distribution"
    if not failed:
        return f"{said}, all agreed with them."
    return f"{said}, {len(failed)} did not agree with them: {_join(failed)}."


def _join(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
