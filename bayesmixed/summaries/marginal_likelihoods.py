"""evidence: the marginal likelihood of models, and the Bayes factors between them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from bayesmixed.arguments import alone
from bayesmixed.cross_validation.common_responses import check_same_response, check_same_rows, note_bounds
from bayesmixed.design.design import Design
from bayesmixed.design.response_units import in_working_unit
from bayesmixed.display.pages import Page, Section
from bayesmixed.display.tables import to_text
from bayesmixed.engines import ENGINES, refusal
from bayesmixed.errors import SpecError
from bayesmixed.fits.fitting import Fit
from bayesmixed.summaries.evidence_without_effects import can_be_integrated, integrate_parameters
from bayesmixed.terms.weights import LIKELIHOOD

WEIGHT = "log_weight"
_SHOWN = 4


@dataclass(frozen=True, slots=True, repr=False)
class Evidence(Page):
    """Marginal likelihoods of models of the same data.

    Attributes
    ----------
    table : pandas.DataFrame
        One row per model, best first: log_evidence (natural logarithm of the density of the data, all constants
        included) and mcse (its Monte Carlo error); with several models log_bayes_factor (to the best one, 0 or less) and
        probability (if all were equally probable before).
    notes : tuple of str
        What a reader should know before using a Bayes factor.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("cbpp")
    >>> priors = {"beta[Intercept]": "Normal(0, 2)", "sd_herd": "HalfNormal(1)"}
    >>> fit = bm.fit("herd", data, priors=priors, engine="marginal", seed=1, progress=False)
    >>> bm.evidence(fit).notes
    ()
    """

    table: pd.DataFrame
    notes: tuple[str, ...]

    def sections(self) -> list[Section]:
        """Return the sections of the page."""
        table = self.table
        both = np.hypot(table["mcse"], table["mcse"].iloc[0]).where(table.index != table.index[0], 0.0)
        shown = pd.DataFrame({"log_evidence": _rounded(table["log_evidence"], table["mcse"])}, index=table.index)
        shown["mcse"] = [f"{error:.2g}" for error in table["mcse"]]
        if len(table) > 1:
            shown["log_bayes_factor"] = _rounded(table["log_bayes_factor"], both)
            shown["probability"] = [f"{p:.3f}" if p >= 0.001 else "< 0.001" for p in table["probability"]]
        shown = shown.rename_axis("model").reset_index()
        return [Section(before=("Marginal likelihood of the data.",), table=shown, after=self.notes)]


@alone("Fit it by itself for that.")
def evidence(fits: Fit | Mapping[str, Fit]) -> Evidence:
    """Return the log marginal likelihood of a model, or of several with the Bayes factors between them.

    The likelihood is averaged over the priors, so that the answer depends on their widths, however many data there are:
    state priors that you mean.

    Parameters
    ----------
    fits : Fit, or mapping of str to Fit
        Fits by the engine "marginal", by "collapsed" where it samples by independent proposals, or of models without
        effects by any engine, of the same rows and response.

    Returns
    -------
    Evidence
        One row per model.

    Raises
    ------
    SpecError
        A fit by an engine that gives no marginal likelihood, or with likelihood weights, under which the likelihood is
        not a density of the data.
    DataError
        The models are not of the same data.

    Notes
    -----
    The mean of the importance weights of all proposals, which were frozen before they were drawn, is an unbiased estimate
    of the marginal likelihood (Geweke 1989, Econometrica 57:1317); the effects in it are integrated out by quadrature or by
    importance sampling.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("cbpp")
    >>> priors = {"beta[Intercept]": "Normal(0, 2)", "sd_herd": "HalfNormal(1)"}
    >>> fit = bm.fit("herd", data, priors=priors, engine="marginal", seed=1, progress=False)
    >>> float(bm.evidence(fit).table.loc["model", "log_evidence"].round(1))
    -108.6
    """
    named = {"model": fits} if isinstance(fits, Fit) else dict(fits)
    if not named:
        raise SpecError(
            "evidence needs at least one fit: bm.evidence(fit), or bm.evidence({'name': fit, 'other': fit})."
        )
    for name, fit in named.items():
        _check(name, fit)
    designs = {name: fit.design for name, fit in named.items()}
    check_same_rows(designs)
    slopes = check_same_response(designs)
    rows = []
    for name, fit in named.items():
        value, error = log_evidence(fit)
        rows.append({"log_evidence": value + float(np.sum(slopes[name])), "mcse": error})
    table = pd.DataFrame(rows, index=pd.Index(named, name="model")).sort_values("log_evidence", ascending=False)
    if len(table) > 1:
        table["log_bayes_factor"] = table["log_evidence"] - table["log_evidence"].iloc[0]
        table["probability"] = special.softmax(table["log_evidence"].to_numpy())
    return Evidence(table, (*_errors(named), *note_default_priors(designs), *note_bounds(designs)))


def has_evidence(fit: Fit) -> bool:
    """Return whether the log marginal likelihood follows from the proposals of a fit, or by integration without effects."""
    known = WEIGHT in fit.draws["sample_stats"] or can_be_integrated(fit.design)
    return known and fit.design.observed.weighting != LIKELIHOOD


def log_evidence(fit: Fit) -> tuple[float, float]:
    """Return the log marginal likelihood of a fit that has one, and its Monte Carlo error."""
    design = fit.design
    if WEIGHT not in fit.draws["sample_stats"]:
        return integrate_parameters(fit)
    weights = fit.draws["sample_stats"].to_dataset()[WEIGHT].values.ravel()
    weights = weights[~np.isnan(weights)]  # draws by which another engine extended the fit have none
    total = special.logsumexp(weights)
    shares = np.exp(weights - total) * weights.size
    value = total - np.log(weights.size) - np.sum(design.observed.row_counts) * np.log(in_working_unit(design)[1])
    return float(value), float(np.std(shares, ddof=1) / np.sqrt(weights.size))


def _check(name: str, fit: Fit) -> None:
    """Refuse a fit from which no marginal likelihood follows."""
    design = fit.design
    if design.observed.weighting == LIKELIHOOD:
        raise SpecError(
            f"'{name}' has likelihood weights: a weighted likelihood is not a density of the data, so it has no "
            "marginal likelihood. Compare such models by their predictions."
        )
    if has_evidence(fit):
        return
    if fit.engine.name == "marginal":
        raise SpecError(
            f"The draws of '{name}' are those of another prior set, weighted, which gives no marginal likelihood but the "
            "Bayes factor in the `draws` of the comparison. Sample it: bm.refit(fit), or compare_priors(..., reweight=False)."
        )
    reason = refusal(ENGINES["marginal"], design)
    if reason:
        raise SpecError(
            f"'{name}' was sampled by the engine '{fit.engine.name}', which gives no marginal likelihood, and 'marginal', "
            f"which does, cannot sample it: {reason}. Compare predictions instead: bm.compare_models(fits, unit=...)."
        )
    raise SpecError(
        f"'{name}' was sampled by the engine '{fit.engine.name}', which gives no marginal likelihood. Sample it again: "
        'bm.refit(fit, engine="marginal").'
    )


def _errors(fits: Mapping[str, Fit]) -> tuple[str, ...]:
    refused = {name: fit.draws["sample_stats"].attrs.get("refused") for name, fit in fits.items()}
    return tuple(
        f"The error of '{name}' may be larger than stated ({reason}): sample with more draws and tune."
        for name, reason in refused.items()
        if reason
    )


def note_default_priors(designs: Mapping[str, Design]) -> tuple[str, ...]:
    """Return a warning, if priors of some models are defaults, that evidence depends on their widths."""
    notes = []
    defaults: dict[str, str] = {}
    for design in designs.values():
        defaults |= {key: str(entry.prior) for key, entry in design.priors.items() if entry.source == "default"}
    if defaults:
        some = ", ".join(f"{key} ~ {prior}" for key, prior in list(defaults.items())[:_SHOWN])
        more = f", and {len(defaults) - _SHOWN} more" if len(defaults) > _SHOWN else ""
        notes.append(
            f"{len(defaults)} priors are defaults, whose widths come from the data and not from what you know: {some}{more}. "
            "A model with an additional coefficient loses log(2) of its log evidence whenever the prior of this coefficient "
            "is made twice as wide (Lindley's paradox). State priors that you mean, and try others."
        )
    return tuple(notes)


def _rounded(values: pd.Series, errors: pd.Series) -> list[str]:
    return [to_text(value, max(error, 0.01)) for value, error in zip(values, errors, strict=True)]
