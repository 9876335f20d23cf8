"""summary: a fit on one page, the verdict on convergence first."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from bayesmixed.arguments import pools
from bayesmixed.design.design import CUTS, Design
from bayesmixed.display.pages import Page, Section
from bayesmixed.display.tables import drop_empty, format_table, interval_errors, labelled
from bayesmixed.draws.tree import stacked
from bayesmixed.errors import SpecError, enumerate_words
from bayesmixed.fits.convergence import diagnose
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.joint_fits import JointFit
from bayesmixed.integration.posterior_means import parameter_has_mean
from bayesmixed.summaries.parameters.effects import population_effects
from bayesmixed.summaries.parameters.smooths import smooth_effects
from bayesmixed.summaries.parameters.tidying import describe_correlations
from bayesmixed.summaries.priors.pulls import describe_pulls
from bayesmixed.summaries.variance.components import variance_components
from bayesmixed.summaries.variance.group_spread import negligible_sds, show_negligible
from bayesmixed.summaries.variance.intraclass import icc
from bayesmixed.summaries.variance.sharing import sharing_patterns


@dataclass(frozen=True, slots=True, repr=False)
class Summary(Page):
    """A page about a fit; `str()` for terminals, HTML in notebooks.

    Attributes
    ----------
    heading : tuple of str
        What was fitted, the verdict, what was estimated and what predicted.
    tables : mapping of str to pandas.DataFrame
        Numbers as text, no more digits than the Monte Carlo error supports.
    notes : tuple of str
        What a statistician would point out.
    """

    heading: tuple[str, ...]
    tables: Mapping[str, pd.DataFrame]
    notes: tuple[str, ...]

    def sections(self) -> list[Section]:
        """Return the sections of the page."""
        heading = Section(before=self.heading)
        tables = [Section(name, table=table) for name, table in self.tables.items()]
        notes = tuple(f"- {note}" for note in self.notes)
        return [heading, *tables, *([Section("Notes", before=notes)] if notes else [])]


@pools
def summary(fit: Fit | JointFit) -> Summary:
    """Return a page about a fit: verdict, counts, estimated effects, SDs, how likely each SD is negligible, ICC.

    Intervals are 95 %, equal-tailed. If the verdict is not "Converged", the numbers below it are not to be used. The first
    note says whether default priors pull coefficients or SDs (power scaling; with plenty of data in at most 5 % of fits).
    Of several responses the tables of each follow each other, and the correlations between them.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> bm.summary(fit).heading[2]
    'Converged: no divergences, R-hat at most 1.006, effective sample size at least 892.'
    """
    if isinstance(fit, JointFit):
        return _summarise_responses(fit)
    design, settings = fit.design, fit.settings
    name = design.family.name
    heading = (
        *([design.spec.title] if design.spec.title else []),
        f"{design.spec.formula}   (family {name}, link {design.mu.link.name}; {design.row_text}"
        + (f", {design.dropped} left out)" if design.dropped else ")"),
        *(
            [f"Fitted together with {enumerate_words(fit.beside)}; the draws are those given all of them."]
            if fit.beside
            else []
        ),
        *diagnose(fit).paragraphs(),
        f"{count_sentence(fit)} ({settings.chains} chains x {settings.draws} draws, engine {fit.engine.name}).",
    )
    pulls = "" if fit.settings.tables > 1 else describe_pulls(fit)
    tables, missing = tabulate_estimates(fit)
    return Summary(heading, tables, (*([pulls] if pulls else []), *missing, *design.notes))


def _summarise_responses(joint: JointFit) -> Summary:
    """Return the page about several responses: the verdict on all of them, then each."""
    settings, title = joint.settings, joint.design.spec.title
    pages = {name: summary(fit) for name, fit in joint.fits.items()}
    heading = [title] if title else []
    for name, fit in joint.fits.items():
        place = 1 if fit.design.spec.title else 0
        heading.append(f"{name}: {pages[name].heading[place]}")
    heading += diagnose(joint).paragraphs()
    counts = "; ".join(f"{name}: {count_sentence(fit)}" for name, fit in joint.fits.items())
    heading.append(f"{counts} ({settings.chains} chains x {settings.draws} draws, engine {joint.engine.name}).")
    tables = {f"{name}. {title}": table for name, page in pages.items() for title, table in page.tables.items()}
    between = describe_correlations(joint)
    if len(between):
        shown = between.rename(
            columns={"estimate": "mean", "std.error": "sd", "conf.low": "lower", "conf.high": "upper"}
        )
        shown["mcse"] = shown["sd"] / shown["ess"] ** 0.5
        kept = shown[["group", "term", "mean", "sd", "lower", "upper", "mcse"]]
        tables["Estimated: correlations between responses"] = format_table(kept)
    notes = tuple(f"{name}: {note}" for name, page in pages.items() for note in page.notes)
    return Summary(tuple(heading), tables, notes)


def tabulate_estimates(fit: Fit) -> tuple[dict[str, pd.DataFrame], tuple[str, ...]]:
    """Return the tables of the page by their headings, numbers as text; and notes on what cannot be computed."""
    design, tables = fit.design, {}
    missing: list[str] = []
    population = population_effects(fit)
    if isinstance(population, pd.DataFrame) and len(population):
        one = population["term"].nunique() == 1
        shown = format_table(population).drop(columns=["level", *(["term"] if one else [])])
        tables[f"Estimated: population effects (scale: {_name_scales(design)}; 95 % interval)"] = shown
    scalars = design.scalar_draws(fit.posterior)
    others = [parameter for parameter in scalars if parameter != design.family.scale]
    if others:
        mean = all(parameter_has_mean(design, name) for name in others)
        rows = pd.concat([labelled(scalars[name], name, [""], [""], mean=mean) for name in others], ignore_index=True)
        errors = pd.concat([interval_errors(scalars[name]) for name in others], ignore_index=True)
        tables["Estimated: other parameters"] = drop_empty(format_table(rows, errors=errors))
    why = fit.why_refused("columns")
    curves = [curve for predictor in design.predictors.values() for curve in predictor.curves]
    if curves and not why:
        shown = format_table(smooth_effects(fit, _EDF_DRAWS).sort_values(["term", "level"], kind="stable"))
        plain = dict.fromkeys((len(curve.line_labels) // curve.curves, curve.around) for curve in curves)
        straight = ", ".join(f"edf {count}: {around}" for count, around in sorted(plain))
        tables[f"Estimated: smooths ({straight}; sd: around it)"] = drop_empty(shown)
        for predictor in design.predictors.values():
            for curve in predictor.curves:
                own = [stacked(fit.posterior[key]) for key, _, _ in predictor.structure_parameters(curve)]
                missing += curve.judge(*own)
    if design.mu.groups or design.family.scale in design.scalars or design.spec.residual is not None:
        components = variance_components(fit)
        kept = components[~components["quantity"].isin(["variance", "covariance"])]
        if len(kept):
            tables["Estimated: standard deviations and correlations"] = drop_empty(format_table(kept))
    if design.mu.groups:
        tables[_NEGLIGIBLE_HEADING] = show_negligible(negligible_sds(fit))
    if fit.settings.tables > 1:
        missing.append(f"{fit.unsettled.capitalize()}: bm.missing_information(fit) says what is lost.")
    if why:
        missing.append(f"No intraclass correlation: {why}.")
    elif sharing_patterns(design, everywhere=True):
        try:
            correlations = icc(fit)
        except SpecError as error:
            missing.append(f"No intraclass correlation: {error}")
        else:
            if "note" in correlations.attrs and (correlations.attrs["scale"] != "data" or design.family.limited):
                missing.append(correlations.attrs["note"])
            kept = correlations[correlations["effect"] == "icc"].drop(columns="effect")
            one = kept["scale"].nunique() == 1
            title = "Intraclass correlation (" + (f"scale: {kept['scale'].iloc[0]}; " if one else "")
            shown = drop_empty(format_table(kept.drop(columns=["scale"] if one else [])))
            tables[f"{title}two observations with ...)"] = shown
    return tables, tuple(missing)


def count_sentence(fit: Fit) -> str:
    """Return "3 parameters estimated, 189 country effects predicted"."""
    design = fit.design
    estimated = count_estimated(design)
    counts = [f"{estimated} parameter{'s' if estimated != 1 else ''} estimated"]
    for predictor, group in design.group_blocks():
        counts.append(f"{int(group.has.sum())} {group.adjective} effects{predictor.suffix} predicted")
    return ", ".join(counts)


def count_estimated(design: Design) -> int:
    """Return how many numbers are estimated: each threshold and each correlation is one; fixed ones are none."""
    pairs = {name: len(matrix.pairs) for name, matrix in design.matrices.items()}
    sizes = {**pairs, CUTS: len(design.family.cuts)}
    return sum(sizes.get(key, 1) for key, entry in design.priors.items() if entry.prior.name != "Fixed")


_EDF_DRAWS = 50
_NEGLIGIBLE_HEADING = "Probability that a group SD is negligible (below a tenth of the unit of its scale)"


def _name_scales(design: Design) -> str:
    """Return "log", or "log for mu, logit for zi" where predictors have several links."""
    links = {p.parameter: p.link.name for p in design.predictors.values() if p.population.labels}
    if len(set(links.values())) == 1:
        return next(iter(links.values()))
    return ", ".join(f"{link} for {parameter}" for parameter, link in links.items())
