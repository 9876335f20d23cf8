"""How Sphinx builds the site: `python3 -m uv run --group docs sphinx-build -W -b html docs docs/_build/html`."""

import sys
from pathlib import Path

from docutils.nodes import SkipNode

import bayesmixed

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import catalogue_pages  # noqa: E402

project = "bayesmixed"
author = "The authors of bayesmixed"
release = version = bayesmixed.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc"]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
nb_execution_mode = "off"  # notebooks show the outputs that they are stored with
nb_ipywidgets_js = {}  # no script from another host
myst_enable_extensions = ["attrs_block", "deflist", "dollarmath"]
myst_heading_anchors = 3
default_role = "py:obj"
catalogue_pages.write_pages(HERE)
autosummary_generate = [str(path.relative_to(HERE)) for path in sorted(HERE.glob("generated/api/*.rst"))]
autodoc_typehints = "none"  # the lists of parameters have them in words
numpydoc_show_class_members = False
python_maximum_signature_line_length = 88

html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_title = "bayesmixed"
html_show_sourcelink = False
html_copy_source = False
html_context = {"default_mode": "auto"}
html_sidebars = {page: [] for page in ("start", "coming", "lecture")}
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {
    "collapse_navigation": True,
    "header_links_before_dropdown": 7,
    "navbar_align": "left",
    "secondary_sidebar_items": ["page-toc"],
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": True,
    "back_to_top_button": False,
}


def write_formula(self, node):
    """Write a formula as MathML, which browsers show without a script."""
    self.body.append(catalogue_pages.write_formula(node.astext(), node.tagname == "math_block"))
    raise SkipNode


def name_toggles(app, error):
    """Give the toggles of the sidebar a name, which the theme forgets, for readers that speak."""
    for path in Path(app.outdir).rglob("*.html") if error is None else ():
        text = path.read_text(encoding="utf-8")
        if '<summary><span class="toctree-toggle"' in text:
            named = text.replace("<summary><span", '<summary aria-label="Pages below"><span')
            path.write_text(named, encoding="utf-8")


def setup(app):
    """Show formulas without a script."""
    app.connect("build-finished", name_toggles)
    app.add_html_math_renderer("mathml", (write_formula, None), (write_formula, None))
