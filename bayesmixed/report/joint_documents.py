"""The HTML documents on several responses: what they have in common, and a page of each."""

import re
from collections.abc import Callable, Iterable
from html import escape
from pathlib import Path

import bayesmixed as bm
from bayesmixed.display.pages import Section
from bayesmixed.fits.convergence import diagnose
from bayesmixed.fits.joint_fits import JointFit
from bayesmixed.report.chapters import show_convergence, write_sections
from bayesmixed.report.documents import NO_FILE, write_document, write_shell
from bayesmixed.report.reproduction import show_joint_reproduction
from bayesmixed.summaries.priors.joint_predictions import common_priors


def write_joint_documents(joint: JointFit, path: Path, data: str | None = None) -> dict[Path, str]:
    """Return the texts of the documents by their files: the one asked for has what is common, and links to those of each."""
    pages = page_names(path.stem, joint)
    named = {name: path.with_name(f"{page}{path.suffix or '.html'}") for name, page in pages.items()}
    diagnosis = diagnose(joint)
    first = next(iter(joint.fits.values()))
    file = data or first.design.source or NO_FILE
    links = [
        f'<li><a href="{escape(file.name)}">{escape(name)}</a>: <code>{escape(joint[name].design.spec.formula)}</code></li>'
        for name, file in named.items()
    ]
    chapters: dict[str, tuple[str, Callable[[], str]]] = {
        "responses": ("Responses", lambda: f"<ul>{''.join(links)}</ul>"),
        "answer": ("Summary", lambda: write_sections(bm.summary(joint).sections())),
        "model": ("Model", joint._repr_html_),
        "priors": ("Priors of the correlations between responses", lambda: _show_priors(joint)),
        "convergence": ("Convergence", lambda: show_convergence(diagnosis)),
        "reproduction": ("How to do this again", lambda: show_joint_reproduction(joint, file)),
    }
    title = joint.design.spec.title or "; ".join(fit.design.spec.formula for fit in joint.fits.values())
    found = {path: write_shell(title, diagnosis, chapters, first.versions.get("bayesmixed", ""))}
    return found | {file: write_document(joint[name], data) for name, file in named.items()}


def page_names(stem: str, responses: Iterable[str]) -> dict[str, str]:
    """Return names of files of the pages of responses, "report-y1", all different whatever the system makes of capitals."""
    found: dict[str, str] = {}
    for name in responses:
        plain = f"{stem}-{re.sub(r'[^\w.-]+', '_', name)}"
        taken = {one.lower() for one in found.values()}
        numbered = (f"{plain}_{number}" for number in range(2, len(found) + 3))
        found[name] = next(one for one in (plain, *numbered) if one.lower() not in taken)
    return found


def _show_priors(joint: JointFit) -> str:
    table = common_priors(joint.design)
    return write_sections([Section(table=table)] if len(table) else [Section(before=("Nothing ties the responses.",))])
