"""The HTML document on one response: its head, its table of contents, its chapters in order."""

from collections.abc import Callable, Mapping
from functools import cache
from html import escape
from importlib.resources import files

import bayesmixed as bm
from bayesmixed.calibration.certificates import Verification
from bayesmixed.fits.convergence import Diagnosis, diagnose
from bayesmixed.fits.fitting import Fit
from bayesmixed.report.chapters import (
    show_answer,
    show_checks,
    show_convergence,
    show_estimates,
    show_future,
    show_model,
    show_or_explain,
    show_page,
    show_priors,
    show_question,
    show_structure,
    show_variation,
)
from bayesmixed.report.groups import show_groups
from bayesmixed.report.reproduction import show_citation, show_reproduction

NO_FILE = "data.csv"
"""What the file of the data is called where they came from none."""


def write_document(fit: Fit, data: str | None = None, verification: Verification | None = None) -> str:
    """Return the report on a fit as the text of an HTML document."""
    diagnosis = diagnose(fit)
    listed = list_chapters(fit, diagnosis, data or fit.design.source or NO_FILE, verification)
    title = fit.design.spec.title or fit.design.spec.formula
    return write_shell(title, diagnosis, listed, fit.versions.get("bayesmixed", ""))


def write_shell(
    title: str, verdict: Diagnosis, listed: Mapping[str, tuple[str, Callable[[], str]]], version: str
) -> str:
    """Return an HTML document with chapters by their anchors; version is that of the package."""
    title = escape(title)
    contents = "".join(f'<li><a href="#{name}">{escape(heading)}</a></li>' for name, (heading, _) in listed.items())
    chapters = "\n".join(_write_chapter(name, *chapter) for name, chapter in listed.items())
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>
{_read("report.css")}</style>
</head>
<body>
<a class="skip" href="#{next(iter(listed))}">Skip to the report</a>
<header>
<h1>{title}</h1>
{_write_verdict(verdict)}
</header>
<nav aria-label="Contents"><ul>{contents}</ul></nav>
<main>
{chapters}
</main>
<footer><p>Written by bayesmixed {escape(version)}. Intervals are 95 %, equal-tailed.</p></footer>
<script>
{_read("report.js")}</script>
</body>
</html>
"""


def list_chapters(
    fit: Fit, diagnosis: Diagnosis, data: str, verification: Verification | None = None
) -> dict[str, tuple[str, Callable[[], str]]]:
    """Return the chapters by their anchors: heading, and the function that writes the text below it."""
    checks = cache(lambda: bm.posterior_checks(fit, seed=fit.settings.seed))
    verified = {} if verification is None else {"verification": ("Verification", lambda: show_page(verification))}
    return {
        "answer": ("Answer", lambda: show_answer(fit)),
        "question": ("Question and data", lambda: show_question(fit)),
        "structure": ("Structure of the data", lambda: show_structure(fit)),
        "model": ("Model", lambda: show_model(fit)),
        "priors": ("Priors", lambda: show_priors(fit)),
        "convergence": ("Convergence", lambda: show_convergence(diagnosis)),
        **verified,
        "estimates": ("Estimates", lambda: show_estimates(fit)),
        "checks": ("Does the model fit?", lambda: show_checks(fit, checks())),
        "variation": ("Where the variation comes from", lambda: show_variation(fit)),
        "groups": ("Groups and their shrinkage", lambda: show_groups(fit)),
        "future": ("A future group", lambda: show_future(fit)),
        "citation": ("How to cite", lambda: show_citation(fit, checks)),
        "reproduction": ("How to do this again", lambda: show_reproduction(fit, data)),
    }


def _write_verdict(verdict: Diagnosis) -> str:
    first = next(verdict.paragraphs())
    return f'<p class="verdict {"good" if verdict.ok else "bad"}">{escape(first)}</p>'


def _write_chapter(name: str, heading: str, show: Callable[[], str]) -> str:
    content = show_or_explain(show)
    return f'<section id="{name}" aria-labelledby="{name}-h">\n<h2 id="{name}-h">{escape(heading)}</h2>\n{content}\n</section>'


def _read(name: str) -> str:
    return files("bayesmixed.report").joinpath(name).read_text(encoding="utf-8")
