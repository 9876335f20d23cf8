"""Pages of the site that follow from the code: public names by question, families, links, notebooks, changes."""

import json
import re
from html import unescape
from pathlib import Path

import numpy as np
from family_pictures import draw_family, drawn_families

import bayesmixed as bm
from bayesmixed.families.r_families import R_FAMILIES
from bayesmixed.families.records import Family, Parameter, ResponseScale

ROOT = Path(__file__).parents[1]

SECTIONS: dict[str, tuple[str, ...]] = {
    "Models and data": (
        "spec", "terms", "translation", "preparation", "design", "survey", "tables", "simulation", "datasets",
        "plots.missing_maps",
    ),
    "Priors": ("prior_distributions", "summaries.priors", "plots.prior_", "plots.elicited", "plots.multiverses"),
    "Fits": ("fits", "model", "engines", "many_fits"),
    "Can the draws be used?": ("fits.convergence", "plots.draw_plots", "calibration", "plots.calibration_plots"),
    "What was estimated, and what predicted?": (
        "summaries.overview", "summaries.parameters", "plots.forests", "plots.smooths", "display"
    ),
    "Effects on the response": (
        "summaries.marginal", "plots.all_effects", "plots.effects", "plots.surfaces",
        "plots.survival_curves",
    ),
    "Variation": ("summaries.variance", "plots.variance_shares", "plots.vpc_curves"),
    "Pooling": (
        "summaries.pooling", "summaries.variance.pooling_curves", "plots.pooling", "plots.pooling_curves"
    ),
    "Does the model fit?": (
        "summaries.checks", "plots.checks", "plots.half_normal_plots", "plots.residual_plots",
        "cross_validation.influential_groups",
    ),
    "Prediction": (
        "prediction", "summaries.marginal.populations", "plots.populations",
    ),
    "Which model predicts better?": ("cross_validation", "summaries.screening", "summaries.marginal_likelihoods"),
    "Maximum likelihood": ("estimation", "summaries.rungs", "plots.ladders"),
    "Reports": ("report",),
    "More pictures": ("plots",),
    "Families and links": ("families",),
    "Errors": ("errors",),
}  # fmt: skip
"""Sections of the reference, with the beginnings of the modules whose public names they have; the longest one decides."""

CATALOGUES = {
    "FAMILIES": "Families of the response, by name: see [Families](../families.md).",
    "LINKS": "Links between predictors and parameters, by name.",
    "TERMS": "Kinds of terms of a predictor, by name.",
    "COVARIANCES": "How the effects of a level vary together, by name.",
    "ENGINES": "What draws from posteriors, by name, in the order in which they are tried.",
}


MODULES = {"datasets": ("datasets.list", "datasets.load")}
"""Public modules, with their functions."""

SECTION = """{title}
{line}

.. currentmodule:: bayesmixed

.. autosummary::
   :toctree: names
   :nosignatures:

{names}
"""

API = """# Public names, by question

All are names of `bayesmixed`, imported as `bm`. Every one shows an example that runs.

```{{toctree}}
:maxdepth: 2

{entries}
```

## Catalogues

{catalogues}"""

CATALOGUE = """```{{py:data}} bayesmixed.{name}
{text}

{members}
```
"""

FAMILIES = """# Families

A family is the distribution of the response given its predictors and groups. Its first parameter has the formula of the
model; each other one is a number with a prior, or has a formula of its own (`sigma="~ x"`), on the scale of its link.
This page is written from the catalogue `bm.FAMILIES`. Pictures show draws at three values of each parameter, the others held
at their middle one.

Priors are those of parameters without a formula. Where it says *units*, they are in units of the response: the
larger of 1.4826 times its median absolute deviation and half its SD.

| response | families |
|---|---|"""

OFFERS = {
    "more variation": "For more variation than the plain families of such responses have.",
    "more zeros": "For more zeros than the other families of such responses have.",
}


def sections_of_names() -> dict[str, list[str]]:
    """Return the public names of each section; a name whose module is in none is an error."""
    found: dict[str, list[str]] = {section: [] for section in SECTIONS}
    modules = {name: bm._PUBLIC.get(name, name) for name in bm.__all__ if name not in CATALOGUES}
    starts = [(start, section) for section, many in SECTIONS.items() for start in many]
    for name, module in modules.items():
        fitting = [(len(start), section) for start, section in starts if module.startswith(start)]
        if not fitting:
            raise LookupError(f"bm.{name} is in no section: add its module, {module}, to SECTIONS of {__file__}.")
        found[max(fitting)[1]].append(name)
    return {section: sorted(names, key=_rank) for section, names in found.items() if names}


def _rank(name: str) -> tuple[bool, bool, str]:
    """Functions first, then pictures, then values."""
    return name[0].isupper(), name.startswith("plot_"), name


def write_reference() -> dict[str, str]:
    """Return the pages about public names: one for each section, and a list of the sections."""
    pages = {}
    for section, names in sections_of_names().items():
        listed = "\n".join(f"   {entry}" for name in names for entry in MODULES.get(name, (name,)))
        pages[f"api/{_slug(section)}.rst"] = SECTION.format(title=section, line="=" * len(section), names=listed)
    entries = "\n".join(Path(page).stem for page in pages)
    members = [CATALOGUE.format(name=name, text=text, members=", ".join(f"`{one}`" for one in getattr(bm, name)))
               for name, text in CATALOGUES.items()]  # fmt: skip
    return pages | {"api/index.md": API.format(entries=entries, catalogues="\n".join(members))}


def write_families() -> str:
    """Return the page about families: for each what it is for, its parameters, their links and default priors."""
    lines = [FAMILIES]
    supports = list(dict.fromkeys(family.support for family in bm.FAMILIES.values()))
    for support in supports:
        links = ", ".join(f"[`{one.name}`](#{_slug(one.name)})" for one in _families_on(support))
        lines.append(f"| {support} | {links} |")
    for support in supports:
        lines += [f"\n## {support[0].upper()}{support[1:]}", *(_describe(one) for one in _families_on(support))]
    lines += ["\n## Links\n", "| link | predictor | exp(coefficient) is |\n|---|---|---|"]
    lines += [f"| `{link.name}` | {link.text.format('mu')} | {link.ratio or '-'} |" for link in bm.LINKS.values()]
    return "\n".join(lines) + "\n"


def _families_on(support: str) -> list[Family]:
    return [family for family in bm.FAMILIES.values() if family.support == support]


def _describe(family: Family) -> str:
    first, lines = family.parameters[0], [f"\n### {family.name}\n"]
    lines += [_describe_parameter(parameter, first=parameter is first) for parameter in family.parameters]
    notes = [OFFERS[family.offers]] if family.offers in OFFERS else []
    if family.variance_text:
        text = family.variance_text.format(*(parameter.name for parameter in family.parameters))
        notes.append(f"Variance: `{text}`.")
    if not _mean_is_first(family):
        notes.append(f"`{first.name}` is not the mean of the response; means and effects are those of the response.")
    if family.has_trials:
        notes.append("Written `y | trials(n) ~`.")
    if family.observation_effect:
        notes.append(f"`obs()` is refused: {family.observation_effect}.")
    peers = sorted({name for name, (ours, _) in R_FAMILIES.items() if ours == family.name} - {family.name})
    if peers:
        notes.append("In R: " + ", ".join(f"`{name}`" for name in peers) + ".")
    if family in drawn_families():
        names = ", ".join(parameter.name for parameter in family.parameters)
        notes.append(f"\n\n![Histograms of {family.name} at three values of {names}](pictures/{family.name}.svg)")
    return "\n".join([*lines, "", " ".join(notes)])


def _describe_parameter(parameter: Parameter, first: bool) -> str:
    others = " or ".join(f"`{link}`" for link in parameter.links if link != parameter.link)
    link = f"link `{parameter.link}`" + (f" (or {others})" if others else "")
    lines = [f"`{parameter.name}`", f": {parameter.meaning}; {_range(parameter)}; {link}"]
    stated = [parameter.prior(ResponseScale(mean=mean, unit=1.0)) for mean in (0.4, 0.6)] if parameter.prior else []
    if stated and stated[0] == stated[1]:
        key, value = stated[0]
        of = f" of `{key}`" if key != parameter.name else ""
        lines[-1] += f"; prior `{value}`{of}{', in *units*' if parameter.power else ''}"
    elif not first:
        lines[-1] += "; prior by the data, see `bm.prior_table`"
    return "\n".join([*lines, ""])


def _range(parameter: Parameter) -> str:
    low, high = parameter.lower, parameter.upper
    if np.isfinite(low) and np.isfinite(high):
        return f"{low:g} to {high:g}"
    return f"above {low:g}" if np.isfinite(low) else "any number"


def _mean_is_first(family: Family) -> bool:
    values = {one.name: np.array(0.3 if np.isfinite(one.upper) else one.lower + 1.5 if np.isfinite(one.lower) else 0.4)
              for one in family.parameters}  # fmt: skip
    if family.cuts:
        return False
    try:
        return bool(np.isclose(family.mean(values, 1), values[family.parameters[0].name]))
    except bm.SpecError:  # counts of several categories have no single mean
        return False


def write_gallery() -> dict[str, str]:
    """Return the notebooks, with the outputs that they are stored with, and a list of them."""
    pages, entries = {}, []
    for path in sorted((ROOT / "examples").glob("*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        for output in (output for cell in notebook["cells"] for output in cell.get("outputs", [])):
            if "text/html" in output.get("data", {}):
                output["data"]["text/html"] = _as_part_of_a_page("".join(output["data"]["text/html"]))
        pages[f"gallery/{path.name}"] = json.dumps(notebook)
        first = next(cell for cell in notebook["cells"] if cell["cell_type"] == "markdown")
        title, _, rest = "".join(first["source"]).partition("\n")
        entries.append((path.stem, title.lstrip("# "), rest.strip().split("\n\n")[0].replace("\n", " ")))
    lines = ["# Gallery\n\nNotebooks with their outputs; the files are in the folder `examples/` of the repository.\n"]
    lines += [f"[{title}]({stem}.ipynb)\n: {about}\n" for stem, title, about in entries]
    toctree = "\n".join(stem for stem, _, _ in entries)
    pages["gallery/index.md"] = "\n".join(lines) + f"\n```{{toctree}}\n:hidden:\n\n{toctree}\n```\n"
    return pages


def write_formula(text: str, display: bool) -> str:
    """Return a formula in LaTeX as MathML, which browsers show without a script."""
    from latex2mathml.converter import convert

    parts = re.findall(r"\\begin\{aligned\}.*?\\end\{aligned\}", text, re.DOTALL) or [text]
    parts = [convert(part.replace("{aligned}", "{align*}"), display="block" if display else "inline") for part in parts]
    found = "".join(parts).replace("<mi>&#x0007E;</mi>", "<mo>&#x223C;</mo>")
    return f'<div class="formula" tabindex="0">{found}</div>' if display else found


def _as_part_of_a_page(output: str) -> str:
    """Return HTML with its formulas, which notebooks show by a script, as MathML, and headings below those of pages."""
    output = re.sub(r"\$\$(.*?)\$\$", lambda found: write_formula(unescape(found[1]), True), output, flags=re.DOTALL)
    output = re.sub(r"\\\((.*?)\\\)", lambda found: write_formula(unescape(found[1]), False), output)
    return re.sub(r"<(/?)h4\b", r"<\1h3", output.replace("<th></th>", "<td></td>"))


def write_pages(docs: Path) -> None:
    """Write all these pages into the folder `generated` of the site, those that changed."""
    pages = write_reference() | write_gallery() | {"families.md": write_families()}
    for name, page in {"CHANGELOG.md": "changes.md", "CONTRIBUTING.md": "contributing.md"}.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        pages[page] = text.replace("](docs/", "](../").replace("](README.md", "](../start.md")
    target = docs / "generated"
    stale = {path for path in target.rglob("*") if path.is_file() and not {"names", "pictures"} & {*path.parts}}
    for path in stale - {target / name for name in pages}:
        path.unlink()
    for name, text in pages.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    for family in drawn_families():
        if not (picture := target / "pictures" / f"{family.name}.svg").exists():
            draw_family(family, picture)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9_]+", "-", text.lower()).strip("-")
