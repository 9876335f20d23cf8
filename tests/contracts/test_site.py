"""The site: pages that follow from the code have all of it, and the code of the other pages shows what they say."""

import inspect
import re
from pathlib import Path

import catalogue_pages
import page_outputs
import pytest

import bayesmixed as bm
from bayesmixed.peer_names import PEER_NAMES

DOCS = Path(__file__).parents[2] / "docs"
PAGES = page_outputs.pages_with_code()


def test_every_public_name_is_in_one_section_of_the_reference():
    listed = [name for names in catalogue_pages.sections_of_names().values() for name in names]
    assert sorted([*listed, *catalogue_pages.CATALOGUES]) == sorted(bm.__all__)
    assert "bayesmixed.prepare" not in catalogue_pages.write_reference()["api/errors.rst"]


def test_a_name_of_an_unknown_module_is_refused(monkeypatch):
    monkeypatch.setitem(bm._PUBLIC, "fit", "elsewhere.fits")
    with pytest.raises(LookupError, match=r"bm\.fit is in no section"):
        catalogue_pages.sections_of_names()


def test_the_page_of_families_has_every_parameter_of_each_and_every_link():
    page = catalogue_pages.write_families()
    for family in bm.FAMILIES.values():
        part = page.split(f"\n### {family.name}\n")[1].split("\n#")[0]
        assert all(f"`{one.name}`\n: {one.meaning};" in part for one in family.parameters)
    assert all(f"| `{link}` |" in page for link in bm.LINKS)


@pytest.mark.parametrize("path", [DOCS.parent / "README.md", *page_outputs.pages()], ids=lambda path: path.stem)
def test_a_page_names_public_names_alone_with_arguments_that_they_have(path):
    text = path.read_text(encoding="utf-8")
    named = set(re.findall(r"\bbm\.(\w+)", text)) - {"datasets"}
    assert named <= {*bm.__all__, *PEER_NAMES, "__version__"}
    for name, given in re.findall(r"\bbm\.(\w+)\(([^()`]*(?:\([^()]*\))?[^()`]*)\)", text):
        accepted = inspect.signature(getattr(bm, name)).parameters if name in bm._PUBLIC else {}
        if name in bm._PUBLIC and not any(one.kind is one.VAR_KEYWORD for one in accepted.values()):
            assert set(re.findall(r"(?:^|,\s*)(\w+)=(?!=)", given)) <= {*accepted}, f"bm.{name}({given})"


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",  # the answers of the page of questions are tested by tests/workflows/test_questions.py
    [pytest.param(name, marks=pytest.mark.calibration if name == "questions" else ()) for name in PAGES],
)
def test_the_code_of_a_page_shows_what_the_page_says(name):
    stored = PAGES[name].read_text(encoding="utf-8")
    assert page_outputs.differences(stored, page_outputs.run_page(PAGES[name])) == []


def test_other_words_and_other_numbers_are_differences_and_monte_carlo_errors_are_none():
    assert page_outputs.differences("mean 0.52", "mean 0.5") == []
    assert page_outputs.differences("mean 0.52", "median 0.52") == [("mean", "median")]
    assert page_outputs.differences("mean 0.52", "mean 1.52") == [(0.52, 1.52)]
