"""The prior table: every prior, where it comes from, in which coordinate it is stated and what it implies."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayesmixed.design.design import CUTS, Design
from bayesmixed.design.prior_draws import draw_priors, prior_quantile
from bayesmixed.design.structures import structure_range
from bayesmixed.display.pages import Page, Section
from bayesmixed.display.tables import format_range
from bayesmixed.parameter_keys import ParameterKey
from bayesmixed.preparation.preparing import as_design
from bayesmixed.preparation.streaming import drawn_rows
from bayesmixed.spec.files import as_spec
from bayesmixed.spec.model_spec import ModelSpec
from bayesmixed.summaries.priors.implications import list_implications, list_oddities
from bayesmixed.summaries.priors.implied_coefficients import list_coefficients
from bayesmixed.summaries.priors.rules import explain_rules, list_rules
from bayesmixed.terms.predictors import Predictor
from bayesmixed.terms.prior_rules import AS_WRITTEN, AT_CENTRE

DRAWS = 4000
_SOURCES = {"default": "default rule", "user": "user"}


@dataclass(frozen=True, slots=True, repr=False)
class PriorTable(Page):
    """The priors of a model; `str()` for terminals, HTML in notebooks.

    Attributes
    ----------
    heading : str
        The model.
    parameters : pandas.DataFrame
        Columns parameter (the key of `priors`), prior, source, meaning, stated (the coordinate: "at the covariate
        means" or "as written"), and with data lower, upper (the middle 95 % of the prior; that of the total or of R2 for a
        joint prior, NaN for the horseshoe, which has neither).
    coefficients : pandas.DataFrame
        What the priors imply for coefficients as written that are not stated themselves: columns coefficient, meaning,
        mean, sd, lower, upper; empty without data.
    implications : pandas.DataFrame
        Columns quantity, unit, median, lower, upper, coverage; empty without data.
    notes : tuple of str
        Where the priors look odd against the data; without data, what the letters of the rules mean. Data drawn from the
        priors are said to lie outside of them in at most 8 % of tables.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("cbpp")
    >>> priors = bm.prior_table("herd", data)
    >>> print(priors.implications["quantity"].iloc[0])
    typical odds ratio between two levels of herd
    """

    heading: str
    parameters: pd.DataFrame
    coefficients: pd.DataFrame
    implications: pd.DataFrame
    notes: tuple[str, ...]

    def sections(self) -> list[Section]:
        """Return the sections of the page."""
        return _sections(self)


def prior_table(
    spec: str | Path | ModelSpec | Design,
    data: Any = None,
    *,
    missing: str = "error",
    na: Any = (),
    **options: Any,
) -> PriorTable:
    """Return the prior of every parameter, and what the priors imply together.

    Parameters
    ----------
    spec : str, Path, ModelSpec or Design
        A design has its data already.
    data : data frame, optional
        Without it the table shows the rules instead of numbers.
    missing : {"error", "drop"}
        As in `prepare`.
    na : str, number or list of these
        Codes that mean a missing value.
    **options
        With a formula: `family`, `priors`, `link`, `links`, `factors`, `crossed`, `empty_cells`, `functions` and formulas of
        further parameters, as for `fit`.

    Returns
    -------
    PriorTable
        Ranges of parameters are exact, of numbers with a joint prior within about 3 % (from at most 4000 values of their
        scale); what they imply comes from 4000 draws from the priors, always the same.
        "Typical odds ratio between two levels of herd 2.0 (90 % 1.1 to 13)": half of all pairs of herds are expected
        to have odds that differ by more than a factor of 2, but it may well be 1.1 or 13.

    Raises
    ------
    SpecError, DataError
        As `prepare`.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("cbpp")
    >>> bm.prior_table("herd", data).parameters[["parameter", "prior"]]
                parameter                prior
    0     beta[Intercept]  Normal(-2.011, 2.5)
    1  sd_herd[Intercept]   HalfStudentT(4, 1)
    """
    if data is not None or isinstance(spec, Design):
        return _realised(as_design(spec, data, latent=True, missing=missing, na=na, **options))
    spec = as_spec(spec, **options)
    rules = list_rules(spec)
    return PriorTable(_model(spec), rules, pd.DataFrame(), pd.DataFrame(), explain_rules(rules))


def _realised(design: Design) -> PriorTable:
    draws = draw_priors(drawn_rows(design), DRAWS)
    heading = f"{_model(design.spec)}; {design.row_text}"
    return PriorTable(
        heading, _parameters(design), list_coefficients(draws), list_implications(draws), list_oddities(draws)
    )


def _model(spec: ModelSpec) -> str:
    lines = str(spec).splitlines()[bool(spec.title) :]
    return ", ".join(lines[: 1 + len(spec.predictors)])


def _parameters(design: Design) -> pd.DataFrame:
    rows = []
    for joint in design.joint_priors.values():
        low, high = (np.nan, np.nan) if joint.stated is None else joint.stated.frozen().ppf([0.025, 0.975])
        spec = joint.to_spec()
        if spec is None:
            continue
        rows.append((spec.KEY, str(spec), "user", spec.MEANING, "", float(low), float(high)))
    for key, (entry, count) in design.priors_by_term().items():
        first = key if key in design.priors else f"{key[:-1]} #1]"
        lower, upper = prior_quantile(design, first, np.array([0.025, 0.975]))
        meaning = entry.about.replace(f" {AT_CENTRE}", "") + (f"; each of {count}" if count > 1 else "")
        stated = _coordinate(design, key)
        rows.append((key, str(entry.prior), _SOURCES[entry.source], meaning, stated, float(lower), float(upper)))
    return pd.DataFrame(rows, columns=["parameter", "prior", "source", "meaning", "stated", "lower", "upper"])


def _coordinate(design: Design, key: str) -> str:
    """Return in which coordinate a prior is stated, or "" for what has none."""
    curves = [name for p in design.predictors.values() for curve in p.curves for name in p.sd_keys(curve)]
    if key in curves or design.scalar_of(key) is not None or structure_range(design, key) is not None:
        return ""
    centred: list[str] = [key for p in design.predictors.values() for key in p.keys if not _as_written(p, key)]
    centred += [CUTS] if np.any(design.mu.centre) else []
    for predictor, group in design.group_blocks():
        if group.centred:
            # In units of the default priors: columns may be of any size.
            written = group.transform * group.coordinates.units / group.coordinates.units[:, None]
            moved = np.any(~np.isclose(written, np.eye(group.width)), axis=1)
            keys = zip(predictor.sd_keys(group), group.coordinates.labels, group.labels, moved, strict=True)
            centred += [own for own, label, written, other in keys if other or label != written]
            centred.append(predictor.corr(group))
    return AT_CENTRE if key in centred or f"{key[:-1]} #1]" in centred else AS_WRITTEN


def _as_written(predictor: Predictor, key: str) -> bool:
    """Return whether a coordinate of a population part is a coefficient as written."""
    return ParameterKey.read(key).label in predictor.population.labels


def _sections(table: PriorTable) -> list[Section]:
    parameters = table.parameters
    shown = parameters[["parameter", "prior", "source"]].copy()
    realised = "lower" in parameters
    if realised:
        shown["95 % range"] = [_range(a, b) for a, b in zip(parameters["lower"], parameters["upper"], strict=True)]
    pairs = zip(parameters["meaning"], parameters["stated"], strict=True)
    shown["meaning"] = [", ".join(part for part in pair if part) for pair in pairs]
    sections = [Section(before=(table.heading,)), Section(title="Priors", table=shown)]
    if len(table.coefficients):
        title = "What the priors imply for coefficients as written"
        sections.append(Section(title=title, table=_shown_coefficients(table.coefficients)))
    if len(table.implications):
        sections.append(Section(title="What the priors imply, before any data", table=_shown(table.implications)))
    notes = tuple(f"- {note}" for note in table.notes)
    if notes:
        sections.append(Section(title="To think about" if realised else "Reading the rules", before=notes))
    return sections


def _shown_coefficients(coefficients: pd.DataFrame) -> pd.DataFrame:
    shown = coefficients[["coefficient"]].copy()
    shown["sd"] = [format_range((sd, sd), 3)[0] for sd in coefficients["sd"]]
    shown["95 % range"] = [_range(a, b) for a, b in zip(coefficients["lower"], coefficients["upper"], strict=True)]
    shown["meaning"] = coefficients["meaning"]
    return shown


def _shown(implications: pd.DataFrame) -> pd.DataFrame:
    columns = zip(*(implications[name] for name in ("lower", "median", "upper")), strict=True)
    texts = [format_range(row, 2) for row in columns]
    return pd.DataFrame(
        {
            "quantity": implications["quantity"],
            "median": [middle for _, middle, _ in texts],
            "range": [
                f"{low} to {high} ({100 * coverage:.0f} %)" if low != high else f"fixed ({100 * coverage:.0f} %)"
                for (low, _, high), coverage in zip(texts, implications["coverage"], strict=True)
            ],
            "unit": implications["unit"],
        }
    )


def _range(lower: float, upper: float, digits: int = 3) -> str:
    if np.isnan(lower):
        return ""
    return "fixed" if lower == upper else " to ".join(format_range((lower, upper), digits))
