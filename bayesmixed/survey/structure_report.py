"""StructureReport: how rows, groups and predictors of a table are related, on one page."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from bayesmixed.design.design import Design
from bayesmixed.display.pages import Page, Section
from bayesmixed.families.links import Array
from bayesmixed.prior_distributions import FEW_LEVELS
from bayesmixed.spec.model_spec import ModelSpec
from bayesmixed.survey.drawings import draw_tree
from bayesmixed.survey.missing_values import MissingValues
from bayesmixed.survey.sections import LabelUse, describe_range, label_section, relation_section, tree_section
from bayesmixed.terms.block_parts import RELATED
from bayesmixed.terms.relations import NESTED, SAME, Factor, Pair, Spread, expected_shrinkage, find_chains
from bayesmixed.terms.weights import ERROR

ICCS = (0.1, 0.3, 0.5, 0.9)
MOST_SIZES = 5
NOTABLE_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Role:
    """What a grouping factor does in one predictor.

    Attributes
    ----------
    parameter : str
        Parameter of the predictor.
    columns : tuple of str
        Columns whose effects vary between its groups.
    correlations : int
        Number of correlations between these effects that are estimated.
    """

    parameter: str
    columns: tuple[str, ...]
    correlations: int


@dataclass(frozen=True, slots=True, repr=False)
class StructureReport(Page):
    """How a table suits a spec; `str()` for terminals, HTML in notebooks.

    Attributes
    ----------
    spec : ModelSpec
        What the table was checked against.
    response : str
        The response and the family in words.
    rows, complete : int
        Rows of the table; those with no missing value, which everything below describes.
    absent : MissingValues or None
        What is missing: by column, in which columns together, in which groups; None where nothing is.
    factors : tuple of Factor
        Grouping factors, innermost first.
    levels : mapping of str to int
        Level of each factor: 0 are the observations, 1 the innermost groups.
    pairs : tuple of Pair
        How each pair of factors is related: nested, crossed, or partly crossed.
    labels : tuple of LabelUse
        Columns whose labels may be re-used.
    predictors : tuple of Spread
        Between what each predictor column varies.
    roles : mapping of str to tuple of Role
        What each factor does in the model.
    information : (n,) array
        How many units of the ICC each row counts for; 1 where rows are the units.
    unit : str
        What a unit of the ICC is, in words.
    notes : tuple of str
        What a statistician would point out.
    refusal : str
        Why the data are refused, or "".
    design : Design or None
        The prepared design, unless the data are refused.
    """

    spec: ModelSpec
    response: str
    rows: int
    complete: int
    absent: MissingValues | None
    factors: tuple[Factor, ...]
    levels: Mapping[str, int]
    pairs: tuple[Pair, ...]
    labels: tuple[LabelUse, ...]
    predictors: tuple[Spread, ...]
    roles: Mapping[str, tuple[Role, ...]]
    information: Array
    unit: str
    notes: tuple[str, ...]
    refusal: str
    design: Design | None

    @property
    def missing(self) -> Mapping[str, int]:
        """Missing values by column, where there are any."""
        return {} if self.absent is None else dict(self.absent.columns[["column", "missing"]].itertuples(index=False))

    def sections(self) -> list[Section]:
        """Return the sections of the page."""
        return _list_sections(self)


def _list_sections(report: StructureReport) -> list[Section]:
    """Return the sections of the page, what matters most first."""
    first = [report.spec.formula, report.response, *([] if report.missing else ["No value is missing."])]
    first += [] if report.refusal else ["The data suit the model."]
    sections = [Section("Structure of the data", tuple(first))]
    if report.refusal:
        sections.append(Section("Refused", (report.refusal,)))
    sections += _missing_sections(report)
    sections.append(_level_section(report))
    sections += _lone_tree(report)
    if report.factors:
        sections += _relation_sections(report)
    sections += [_predictor_section(report)] if report.predictors and report.factors else []
    grouped = [factor for factor in report.factors if report.levels[factor.name] > 0 and len(factor.labels) > 1]
    if grouped:
        sections += [_shrinkage_section(report, grouped), _choice_section(report, grouped)]
    if report.notes:
        sections.append(Section("Notes", tuple(f"- {note}" for note in report.notes)))
    return sections


def list_groups(report: StructureReport) -> pd.DataFrame:
    """Return the table of the levels: factor, number of groups, rows per group, balance."""
    rows = [(0, "rows (the observations)", f"{report.complete:,}", "", "", "", "", "")]
    for factor in report.factors:
        sizes = factor.sizes
        quantiles = (f"{sizes.min():,}", f"{float(np.median(sizes)):,g}", f"{sizes.max():,}")
        balanced = "yes" if factor.balanced else "no"
        name, groups = _name_with_words(factor), f"{len(factor.labels):,}"
        rows.append((report.levels[factor.name], name, groups, *quantiles, f"{factor.singletons:,}", balanced))
    columns = ["level", "factor", "groups", "fewest rows", "median", "most", "one row", "balanced"]
    return pd.DataFrame(rows, columns=columns)


def list_homes(report: StructureReport) -> pd.DataFrame:
    """Return the table of the predictors: what they hold, at which level they vary, between what."""
    rows = []
    for column in report.predictors:
        homes = find_homes(report, column)
        level = max((report.levels[name] for name in homes), default=0)
        kind = "numbers" if column.numeric else "labels"
        rows.append((column.name, f"{kind} ({column.distinct:,} different)", level, " and ".join(homes) or "rows"))
    return pd.DataFrame(rows, columns=["predictor", "holds", "level", "varies between"])


def find_homes(report: StructureReport, column: Spread) -> list[str]:
    """Return the outermost factors within whose groups a column is constant; none if it varies within all."""
    constant = [f.name for f in report.factors if column.varied[f.name] == 0 and report.levels[f.name] > 0]
    around = {(p.inner.name, p.outer.name) for p in report.pairs if p.kind == NESTED}
    return [name for name in constant if not any((name, outer) in around for outer in constant)]


def _missing_sections(report: StructureReport) -> list[Section]:
    text = (
        f"{report.complete:,} of {report.rows:,} rows are complete. "
        + ('missing="drop" leaves the others out. ' if report.design is None else "The others are left out. ")
        + "All that follows describes the complete rows. bm.plot_missing(report) draws what is missing."
    )
    drawn = [one.column for one in report.spec.inexact if one.error is None]
    text += (
        f" Rows without {', '.join(drawn)} stay in the fit: these values are drawn with the parameters."
        if drawn
        else ""
    )
    return [] if report.absent is None else report.absent.sections(text)


def _level_section(report: StructureReport) -> Section:
    terms = [term for predictor in report.spec.predictors.values() for term in predictor]
    observed = any(term.single for term in terms)
    several = [term.name for term in terms if term.label_columns and not term.factor_columns]
    texts = [f"Rows have several levels of {name} at once, which the table does not count." for name in several]
    if not report.factors and not several:
        residual = report.spec.correlated
        rows = (
            "all rows are taken to be independent"
            if residual is None
            else f"rows of different levels of {residual.name} are taken to be independent, residuals of one are correlated"
        )
        texts.append(f"The model has no grouping factor: {rows}.")
    elif report.factors:
        higher = "innermost groups of rows, level 2 groups of those" if max(report.levels.values()) > 1 else "groups"
        texts.append(f"Level 0 are the rows, level 1 the {higher}. Balanced: all groups have the same number of rows.")
    known = report.spec.weights is not None and report.spec.weights.kind == ERROR
    texts += ["obs() adds an effect of each row, at level 0."] if observed else []
    related = {term.name for term in terms if term.takes == RELATED}
    for factor in report.factors:
        if factor.singletons == len(factor.labels) and factor.name in related:
            texts.append(
                f"Every row is a {factor.name} of its own; only their known relation tells its effects from a residual."
            )
        elif factor.singletons == len(factor.labels):
            texts.append(
                f"Every row is a {factor.name} of its own, so its effects are effects of rows (level 0), as obs(); "
                + (
                    "their SD is what the known standard errors leave."
                    if known
                    else "they cannot be told from a residual."
                )
            )
        elif factor.singletons:
            texts.append(
                f"Groups of '{factor.name}' with a single row: {factor.singletons:,} of {len(factor.labels):,}. They say "
                f"nothing about the variation within {factor.name}."
            )
    return Section("Levels", table=list_groups(report), after=tuple(texts))


def _lone_tree(report: StructureReport) -> list[Section]:
    """Return the drawing of the groups of a factor that is the only one."""
    grouping = [factor for factor in report.factors if report.levels[factor.name] > 0]
    return [Section(picture=draw_tree(grouping))] if len(grouping) == 1 else []


def _relation_sections(report: StructureReport) -> Iterator[Section]:
    anew = {frozenset((use.column.name, use.outer.name)) for use in report.labels if use.ragged}
    pairs = [relation_section(p, frozenset((p.inner.name, p.outer.name)) not in anew) for p in report.pairs]
    labels = [label_section(use) for use in report.labels]
    trees = [tree_section(chain) for chain in find_chains(report.factors, report.pairs)]
    found = [*pairs, *labels, *trees]
    for i, section in enumerate(found):
        yield section if i else replace(section, title="Nested and crossed grouping factors")


def _predictor_section(report: StructureReport) -> Section:
    texts = []
    by_home: dict[tuple[str, ...], list[str]] = {}
    names_of_factors = {factor.name for factor in report.factors}
    for column in report.predictors:
        if column.name in names_of_factors:
            continue
        by_home.setdefault(tuple(find_homes(report, column)), []).append(column.name)
    sizes = {factor.name: len(factor.labels) for factor in report.factors}
    for homes, names in by_home.items():
        for home in homes:
            one = len(names) == 1
            texts.append(
                f"- {_join(names)} {'is a group-level predictor' if one else 'are group-level predictors'}: constant in "
                f"each {home}. {'It' if one else 'They'} can explain why groups of '{home}' differ from each other, and "
                f"these {sizes[home]:,} groups, not the {report.complete:,} rows, are the sample from which "
                f"{'its effect is' if one else 'their effects are'} learned."
            )
    for column in report.predictors:
        texts += _spread_texts(report, column)
    return Section("Predictors: at which level each one varies", table=list_homes(report), after=tuple(texts))


def _spread_texts(report: StructureReport, column: Spread) -> Iterator[str]:
    for factor in report.factors:
        groups, varied = len(factor.labels), column.varied[factor.name]
        usable = groups - factor.singletons
        if 0 < varied <= 0.1 * usable:
            yield (
                f"- {column.name} is constant within groups of '{factor.name}' but for {varied:,} of {groups:,}: "
                "a slip in the data, or a group-level predictor with exceptions?"
            )
        share = column.between.get(factor.name, 0.0)
        by_chance = (groups - 1) / max(report.complete - 1, 1)
        beyond = (share - by_chance) / max(1 - by_chance, 1e-9)
        if varied > 0.1 * usable and beyond > max(NOTABLE_SHARE, 2 / np.sqrt(groups)):
            yield (
                f"- {column.name} varies within groups of '{factor.name}' and between them ({100 * share:.0f} % of its "
                f"variance lies between): its effect within a {factor.name} may differ from that between them. The mean of "
                f"{column.name} in each {factor.name} as a further predictor tells the two apart."
            )


def _shrinkage_section(report: StructureReport, factors: list[Factor]) -> Section:
    text = (
        "The mean of a group is estimated as a compromise: weight λ on the group's own mean, 1 - λ on the mean "
        "of the population. With n rows in the group, and ICC ρ (the share of the variance that lies between groups), "
        "λ = n ρ / (1 + (n - 1) ρ). Near 1: the group speaks for itself. Near 0: strong shrinkage."
    )
    rows = []
    for factor in factors:
        totals = np.bincount(factor.index, weights=report.information, minlength=len(factor.labels))
        for which, number, total in _list_sizes(factor, np.round(totals, 9), bool(report.unit)):
            weights = [f"{value:.2f}" for value in expected_shrinkage(total, ICCS)]
            rows.append((factor.name, which, number, *([f"{total:.3g}"] if report.unit else []), *weights))
    columns = ["factor", "groups", "rows", *(["counts as"] if report.unit else [])]
    table = pd.DataFrame(rows, columns=[*columns, *(f"ICC {icc:g}" for icc in ICCS)])
    assumed = "Assumed: one factor at a time, no predictors" + ("." if report.unit else ", each row counts the same.")
    if any(set(role.columns) - {"Intercept"} for roles in report.roles.values() for role in roles):
        assumed += " These are the weights of group means; slopes have weights of their own."
    if any(pair.kind == NESTED for pair in report.pairs):
        assumed += " Differences between inner groups make the λ of an outer factor smaller than shown."
    return Section(
        "Expected shrinkage, from the sizes alone", (text,), table, (), (*filter(None, (report.unit,)), assumed)
    )


def _list_sizes(factor: Factor, totals: Array, weighted: bool) -> Iterator[tuple[str, str, float]]:
    """Yield (which groups, their rows, their units) for each size that occurs, or for the extremes and the middle."""
    sizes = factor.sizes
    distinct, counts = np.unique(totals, return_counts=True)
    if len(distinct) <= MOST_SIZES:
        for total, count in zip(distinct, counts, strict=True):
            which = f"all {count:,}" if len(distinct) == 1 else f"{count:,} of {len(totals):,}"
            yield which, f"{describe_range(sizes[totals == total])}", float(total)
        return
    order = np.argsort(totals, kind="stable")
    names = ("least known", "middle", "best known") if weighted else ("smallest", "middle", "largest")
    for which, position in zip(names, (0, len(order) // 2, len(order) - 1), strict=True):
        yield which, f"{sizes[order[position]]:,}", float(totals[order[position]])


def _choice_section(report: StructureReport, factors: list[Factor]) -> Section:
    text = (
        "Random: the groups are a sample of a population. The model learns how much they differ (an SD), groups with few "
        "rows borrow from the others, and a new group can be predicted. Fixed: only these groups matter, and the differences "
        "between them are the question. Each has its own coefficient, learned from its own rows alone; there is no "
        "population and no prediction for a new group."
    )
    rows = []
    for factor in factors:
        roles = report.roles.get(factor.name, ())
        columns = sum(len(role.columns) for role in roles)
        correlations = sum(role.correlations for role in roles)
        random = _count(columns, "SD") + (f", {_count(correlations, 'correlation')}" if correlations else "")
        fixed = _count(columns * (len(factor.labels) - 1), "coefficient")
        detail = f" ({columns} x {len(factor.labels) - 1:,})" if columns > 1 else ""
        rows.append((factor.name, random, fixed + detail, describe_range(factor.sizes)))
    table = pd.DataFrame(rows, columns=["factor", "random: to estimate", "fixed: to estimate", "from rows in each"])
    texts = [text for factor in factors for text in _choice_texts(report, factor)]
    return Section("Fixed or random?", (text,), table, (), tuple(texts))


def _choice_texts(report: StructureReport, factor: Factor) -> Iterator[str]:
    name, groups = factor.name, len(factor.labels)
    if groups < FEW_LEVELS:
        yield (
            f"- {name}: an SD learned from {groups} groups is mostly its prior. Fixed costs "
            f"{_count(groups - 1, 'coefficient')} and needs no such prior, but says nothing about any further {name}."
        )
    inside = [c for c in report.predictors if c.varied[name] == 0]
    if any(c.distinct == groups and not c.numeric for c in inside):
        yield f"- {name} is fixed and random at once: the fixed coefficients leave nothing for its SD. Keep one of them."
    elif inside:
        one = len(inside) == 1
        yield (
            f"- {name} cannot be fixed as long as {_join([c.name for c in inside])} {'is' if one else 'are'} in the model: "
            f"constant within each {name}, {'it is' if one else 'they are'} a combination of its coefficients (collinear)."
        )
    around = [p.outer.name for p in report.pairs if p.kind in (NESTED, SAME) and p.inner.name == name]
    if around:
        yield (
            f"- A fixed {name} would leave nothing for {_join(around)}: its coefficients already hold all differences "
            f"between groups of {_join(around)}."
        )


def _name_with_words(factor: Factor) -> str:
    pieces = factor.columns
    return factor.name if len(pieces) == 1 else f"{factor.name} ({' in '.join(reversed(pieces))})"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _join(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
