"""How Sphinx builds the site: `python3 -m uv run --group docs sphinx-build -W -b html docs docs/_build/html`."""

import sys
from pathlib import Path

import latex2mathml.converter
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
    display = "block" if node.tagname == "math_block" else "inline"
    self.body.append(latex2mathml.converter.convert(node.astext(), display=display))
    raise SkipNode


def setup(app):
    """Show formulas without a script."""
    app.add_html_math_renderer("mathml", (write_formula, None), (write_formula, None))
