"""The last chapters of a report: how to cite, and all that is needed to do the same again."""

from collections.abc import Callable
from dataclasses import replace
from html import escape
from typing import Any

import pandas as pd

from bayesmixed.display.pages import Section
from bayesmixed.errors import SpecError, enumerate_words
from bayesmixed.fits.file_checks import fingerprint
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.joint_fits import JointFit
from bayesmixed.fits.refitting import settings_of
from bayesmixed.report.chapters import write_sections
from bayesmixed.report.methods import list_works, write_paragraph
from bayesmixed.report.result_folders import MODEL
from bayesmixed.spec.files import joint_to_toml, spec_to_toml
from bayesmixed.summaries.checks.predictive_checks import PosteriorChecks


def show_citation(fit: Fit, checks: Callable[[], PosteriorChecks]) -> str:
    """Return a paragraph for a methods section, and the works behind it; `checks` gives the posterior predictive checks."""
    works = (f"- {work}" for work in list_works(fit))
    return write_sections(
        [Section(before=("For a methods section:", write_paragraph(fit, checks), "References:", *works))]
    )


def show_reproduction(fit: Fit, data: str) -> str:
    """Return the code, the model file, the seed and the versions; `data` is the name of the file of the data."""
    if fit.beside:
        raise SpecError(
            f"'{fit.design.response_name}' was fitted together with {enumerate_words(fit.beside)}, so code for it alone would "
            "give other draws. Keep the code of bm.fit([...], data), and the file of bm.save_fit(joint, path)."
        )
    versions = pd.DataFrame(list(fit.versions.items()), columns=["package", "version"])
    seconds = sum(fit.timing.values())
    took = f" It took {seconds:.1f} seconds." if fit.timing else ""
    texts = [f"Engine {fit.engine.name}: {fit.engine.why}.{took}", *fit.engine.decisions]
    texts.append(f"Fingerprint of the columns used (SHA-256): {fingerprint(fit.design.table.data)}")
    run = write_sections([Section("The run", before=tuple(texts)), Section("Versions", table=versions)])
    return (
        f"<h3>Code</h3>\n{_write_code(write_code(fit, data), 'Python code')}\n"
        f"<h3>{MODEL}</h3>\n{_write_model_file(fit)}\n{run}"
    )


def write_code(fit: Fit, data: str) -> str:
    """Return Python code that fits the model of the file model.toml to a file of data again, with the same settings."""
    settings = fit.settings
    options: dict[str, Any] = {
        "chains": settings.chains,
        "draws": settings.draws,
        "tune": settings.tune,
        "seed": settings.seed,
    }
    options |= {"engine": fit.engine.name} | ({"missing": "drop"} if fit.design.dropped else {})
    usual = {"parameterisation": "auto", "target_accept": None, "store": "auto"}
    options |= {name: value for name, value in settings_of(fit, fit.design).items() if usual.get(name, value) != value}
    arguments = "".join(f"    {name}={value!r},\n" for name, value in options.items())
    return (
        f"# {MODEL} is the file below\n"
        f'import bayesmixed as bm\n\nfit = bm.fit(\n    "{MODEL}",\n    {data!r},\n{arguments})\n'
        'bm.write_report(fit, "report.html")\n'
    )


def show_joint_reproduction(joint: JointFit, data: str) -> str:
    """Return the code and the model file by which several responses are fitted together again."""
    first = next(iter(joint.fits.values()))
    dropped = any(part.dropped for part in joint.design.parts.values())
    text = write_code(replace(first, design=replace(first.design, dropped=int(dropped))), data)
    return (
        f"<h3>Code</h3>\n{_write_code(text, 'Python code')}\n"
        f"<h3>{MODEL}</h3>\n{_model_file(lambda: joint_to_toml(joint.design.spec))}"
    )


def _write_model_file(fit: Fit) -> str:
    return _model_file(lambda: spec_to_toml(fit.design.spec))


def _model_file(write: Callable[[], str]) -> str:
    try:
        return _write_code(write(), "Model file")
    except SpecError as error:
        return f'<p class="absent">Not in this report: {escape(str(error))} Keep the code that makes it.</p>'


def _write_code(text: str, label: str) -> str:
    return f'<div class="scroll" tabindex="0" role="group" aria-label="{label}"><pre><code>{escape(text)}</code></pre></div>'
