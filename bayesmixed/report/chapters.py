"""The chapters of a report that are pages of summaries: each function returns HTML for one fit."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from html import escape

import numpy as np

import bayesmixed as bm
from bayesmixed.design.latent_columns import with_gaps
from bayesmixed.display.pages import Page, Section, write_markup
from bayesmixed.equations import SCROLLED, write_indices, write_mathml
from bayesmixed.errors import BayesMixedError, SpecError
from bayesmixed.fits.convergence import Diagnosis
from bayesmixed.fits.fitting import Fit
from bayesmixed.report.pictures import draw_shares, embed
from bayesmixed.summaries.checks.predictive_checks import PosteriorChecks
from bayesmixed.summaries.marginal.changes import explaining_columns
from bayesmixed.summaries.marginal.grids import column_roles
from bayesmixed.summaries.overview import count_sentence, tabulate_estimates

_MOST_LEVELS = 8
"""Levels of a factor whose means and contrasts are shown."""
_EFFECTS = "The expected response over each column, with 95 % bands, beside the rows of the data and the groups."
_IN_ESTIMATES = ("components", "icc", "negligible")


def show_or_explain(show: Callable[[], str]) -> str:
    """Return what a function shows, or, where it does not apply to the model, the reason."""
    try:
        return show()
    except BayesMixedError as error:
        return f'<p class="absent">Not in this report: {escape(str(error))}</p>'


def show_answer(fit: Fit) -> str:
    """Return what each column does to the response: in sentences, in pictures, and as means and contrasts of factors."""
    parts = [lambda: write_sections(bm.describe_effects(fit).sections())]
    if explaining_columns(fit.design):
        parts.append(lambda: embed(bm.plot_effects(fit), _EFFECTS))
    parts += [partial(_show_means, fit, name) for name in column_roles(fit.design).factors]
    return "\n".join(map(show_or_explain, parts))


def _show_means(fit: Fit, name: str) -> str:
    if len(fit.design.table.levels[name]) > _MOST_LEVELS:
        raise SpecError(f"the means of {name}, which has many levels; bm.marginal_means(fit, {name!r}) has them.")
    kind = "probability" if fit.design.family.template else "mean"
    pages = (bm.marginal_means(fit, name, kind=kind), bm.contrasts(fit, name, kind=kind))
    return write_sections(section for page in pages for section in page.sections())


def show_question(fit: Fit) -> str:
    """Return what was asked, and of which data."""
    spec, design = fit.design.spec, fit.design
    texts = [spec.question] if spec.question else []
    left_out = f" ({design.dropped:,} with missing values were left out)" if design.dropped else ""
    texts.append(
        f"{design.row_text}{left_out}; response {spec.response}, family {design.family.name}, "
        f"link {design.mu.link.name}. {count_sentence(fit)}."
    )
    notes = tuple(f"- {note}" for note in design.notes)
    return f"<p><code>{escape(spec.formula)}</code></p>\n{write_sections([Section(before=(*texts, *notes))])}"


def show_structure(fit: Fit) -> str:
    """Return how rows, groups and predictors of the data are related."""
    _, *sections = bm.check_data(fit.design.spec, with_gaps(fit.design.table.data, fit.design.latent)).sections()
    return write_sections(section for section in sections if section.title != "Notes")


def show_model(fit: Fit) -> str:
    """Return the equations with the numbers of the priors."""
    equations = f'<div class="scroll" {SCROLLED}>{write_mathml(fit.design)}</div>'
    return f"{equations}\n<p>{write_indices(fit.design)}</p>"


def show_priors(fit: Fit) -> str:
    """Return the priors, and what they imply before any data."""
    _, priors, *others = bm.prior_table(fit.design).sections()
    return write_sections([replace(priors, title=""), *others])


def show_convergence(diagnosis: Diagnosis) -> str:
    """Return the verdict on the draws, and the numbers behind it."""
    table = diagnosis.table.rename_axis("variable").reset_index()
    table["rhat"] = [f"{value:.3f}" for value in table["rhat"]]
    for column in ("ess_bulk", "ess_tail"):
        table[column] = [f"{value:.0f}" for value in table[column]]
    meaning = (
        "The worst element of each variable. rhat: 1 where the chains agree. ess: how many independent draws the draws "
        "are worth, for the middle (bulk) and for the ends of intervals (tail)."
    )
    return write_sections([*diagnosis.sections(), Section(before=(meaning,), table=table)])


def show_page(page: Page) -> str:
    """Return a page, without the heading of its first section, as that of the chapter says the same."""
    first, *others = page.sections()
    return write_sections([replace(first, title=""), *others])


def show_estimates(fit: Fit) -> str:
    """Return the estimated parameters, and the curves of smooths."""
    tables = write_sections(Section(name, table=table) for name, table in tabulate_estimates(fit)[0].items())
    curves = [(f"{curve.name}{p.suffix}", curve) for p in fit.design.predictors.values() for curve in p.curves]
    text = "{} over its covariate, with 95 % bands."
    drawn = [embed(bm.plot_smooth(fit, name), text.format(name)) for name, curve in curves if curve.dimensions == 1]
    return "\n".join([tables, *drawn])


def show_variation(fit: Fit) -> str:
    """Return the variance dossier, without what is among the estimates already."""
    dossier = bm.variance_dossier(fit)
    tables = {name: table for name, table in dossier.tables.items() if name not in _IN_ESTIMATES}
    shares = draw_shares(dossier.tables["icc"]) if "icc" in dossier.tables else ""
    _, *sections = replace(dossier, tables=tables).sections()
    return f"{shares}\n{write_sections(sections)}"


def show_checks(fit: Fit, checks: PosteriorChecks) -> str:
    """Return posterior predictive checks, with a picture."""
    failed = int(np.sum(checks.table["verdict"] != "fits"))
    text = f"The data beside replicates of the model. {failed} of {len(checks.table)} statistics do not fit; see the table."
    return f"{write_sections(checks.sections())}\n{embed(bm.plot_posterior_checks(fit, seed=fit.settings.seed), text)}"


def show_future(fit: Fit) -> str:
    """Return what the model predicts for a group of each factor that is not in the data."""
    return "\n".join(_show_population(fit, name) for name in fit.design.factors or [None])


def _show_population(fit: Fit, factor: str | None) -> str:
    future = bm.future_group(fit, factor, seed=fit.settings.seed)
    picture = bm.plot_future_group(fit, factor, seed=fit.settings.seed)
    return f"{write_sections(future.sections())}\n{embed(picture, f'{future.title}. Its numbers are in the table.')}"


def write_sections(sections: Iterable[Section]) -> str:
    """Return sections as HTML below the heading of a chapter; wide tables scroll by themselves."""
    markup = write_markup(sections, heading=3, inline=True)
    for name, label in (("table", "Table"), ("pre", "Drawing"), ("svg", "Drawing")):
        box = f'<div class="scroll" tabindex="0" role="group" aria-label="{label}">'
        markup = markup.replace(f"<{name}", f"{box}<{name}").replace(f"</{name}>", f"</{name}></div>")
    return markup
