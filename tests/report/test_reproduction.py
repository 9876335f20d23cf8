"""What a report says for doing the same again."""

from report_fits import fit_of_probabilities
from report_outlines import Outline

from bayesmixed.report.documents import write_document
from bayesmixed.report.reproduction import write_code
from bayesmixed.spec.files import spec_from_toml


def test_the_code_and_the_file_say_the_same_model():
    fit = fit_of_probabilities()
    outline = Outline(write_document(fit))
    shown = outline.text_of(**{"aria-label": "Model file"})
    assert spec_from_toml(shown) == fit.design.spec
    assert outline.text_of(**{"aria-label": "Python code"}) == write_code(fit)
    compile(write_code(fit), "report", "exec")
    assert f"seed={fit.settings.seed}" in write_code(fit)
