"""Elicitation: priors whose intraclass correlation, ratio between groups or R2 has an interval that a user states."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from bayesmixed.design.coefficient_priors import ExplainedOnData, of_coefficients
from bayesmixed.design.design import Design
from bayesmixed.design.prior_draws import PriorDraws, draw_priors
from bayesmixed.display.pages import Page, Section
from bayesmixed.display.tables import format_range
from bayesmixed.errors import SpecError, did_you_mean, enumerate_words
from bayesmixed.families.links import Array
from bayesmixed.families.records import refuse_categories
from bayesmixed.joint_priors import R2D2M2, VARIANCE
from bayesmixed.preparation.preparing import as_design
from bayesmixed.spec.files import as_spec
from bayesmixed.spec.model_spec import ModelSpec
from bayesmixed.summaries.priors.elicited_priors import Interval, draw_iccs, icc_priors, r2_prior, ratio_priors

_DRAWS = 4000
_CLOSE = 0.02
_MOVES = 12


@dataclass(frozen=True, slots=True, repr=False)
class Elicited(Page):
    """Priors that follow from stated intervals; `str()` for terminals, HTML in notebooks.

    Attributes
    ----------
    priors : mapping of str to str
        For `priors=` of `fit`.
    table : pandas.DataFrame
        Columns quantity, asked_lower, asked_upper (NaN where nothing was asked), lower, median, upper: what the priors
        imply, from 4000 draws of them.
    coverage : float
        Of the intervals.
    draws : mapping of str to array
        The draws of each quantity, (4000,).
    notes : tuple of str
        Which intervals could not be met together.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("sleepstudy")
    >>> found = bm.elicit("Reaction ~ Days + (1 | Subject)", data, icc=(0.1, 0.6))
    >>> list(found.priors)
    ['variance']
    """

    priors: Mapping[str, str]
    table: pd.DataFrame
    coverage: float
    draws: Mapping[str, Array]
    notes: tuple[str, ...]

    @property
    def text(self) -> str:
        """The priors as Python, to paste."""
        pairs = (f"{key!r}: {prior!r}" for key, prior in self.priors.items())
        return f"priors={{{', '.join(pairs)}}}"

    def sections(self) -> list[Section]:
        """Return the sections of the page."""
        rows = []
        for row in self.table.to_dict("records"):
            asked = "" if np.isnan(row["asked_lower"]) else f"{row['asked_lower']:g} to {row['asked_upper']:g}"
            lower, median, upper = format_range((row["lower"], row["median"], row["upper"]), 2)
            rows.append((row["quantity"], asked, median, f"{lower} to {upper}"))
        share = f"{100 * self.coverage:g} %"
        shown = pd.DataFrame(rows, columns=["quantity", f"asked, {share}", "median", f"implied, {share}"])
        notes = tuple(f"- {note}" for note in self.notes)
        toml = tuple(f"{key} = '{prior}'" for key, prior in self.priors.items())
        return [
            Section("In Python", drawing=(self.text,), code=True),
            Section("In a spec file", drawing=("[priors]", *toml), code=True),
            Section("What they imply, before any data", table=shown, after=notes),
        ]


def elicit(
    spec: str | Path | ModelSpec,
    data: Any,
    *,
    icc: Any = None,
    ratio: Any = None,
    r2: Any = None,
    coverage: float = 0.95,
    total: Any = None,
    missing: str = "error",
    na: Any = (),
    **options: Any,
) -> Elicited:
    """Return priors whose implied quantity has the interval that you expect before seeing the response.

    Parameters
    ----------
    spec, data, missing, na, **options
        As for `fit`; priors of the spec stay, and what is to be found has none.
    icc : (float, float), or mapping of str to pairs
        Interval of the intraclass correlation: the share of a factor in the variance of effects and residuals, on the
        latent scale of families without a residual SD. By the name of the factor where there are several:
        `{"school": (0.05, 0.2), "class": (0.02, 0.1)}`.
    ratio : (float, float), or mapping of str to pairs
        Interval of the typical ratio between two groups, that of means, odds or rates, whichever the link has.
    r2 : (float, float)
        Interval of the share of the variance that all terms explain; Gaussian models.
    coverage : float
        Probability of the interval; each tail has half of the rest.
    total : str, optional
        With `icc` of a model with a residual SD: prior of the SD of all effects and residuals together. A half-t with 4 degrees
        of freedom and the unit of the response if not given.

    Returns
    -------
    Elicited
        A `VarianceSplit` for `icc` where there is a residual SD, else Gamma distributions of SDs; these for `ratio`;
        an `R2D2M2` for `r2`. Numbers are rounded to four digits. Intervals of `r2` and `ratio` are met up to that; of
        several `icc` no prior of the form may have all, nor a narrow one where the prior of another number is wide, such as
        `nu` of student responses: a note says so, and the table shows what is implied.

    Raises
    ------
    SpecError
        Not one of `icc`, `ratio` and `r2` is given, an interval is none or too narrow, or the model has no such quantity.
    DataError
        As `prepare`.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> found = bm.elicit("herd", bm.datasets.load("cbpp"), ratio=(1.2, 4))
    >>> found.text
    "priors={'sd_herd': 'Gamma(4.2, 6.239)'}"
    """
    spec, reading = as_spec(spec, **options), {"missing": missing, "na": na}
    given = {"icc": icc, "ratio": ratio, "r2": r2}
    chosen = [name for name, value in given.items() if value is not None]
    if len(chosen) != 1:
        raise SpecError("elicit takes one of icc, ratio and r2, such as icc=(0.1, 0.6).")
    if not 0.0 < coverage < 1.0:
        raise SpecError(f"coverage is {coverage:g}; it is a probability between 0 and 1.")
    refuse_categories(spec.family_record, "Priors from intervals")
    design = as_design(spec, data, **reading)
    tails = (0.5 - 0.5 * coverage, 0.5 + 0.5 * coverage)
    if r2 is not None:
        asked = {"R2": _interval("r2", r2, 0.0, 1.0)}
        priors = r2_prior(asked["R2"], tails)
    elif ratio is not None:
        asked = _by_factor(design, "ratio", ratio, 1.0, np.inf)
        priors = ratio_priors(design, asked, tails)
    else:
        asked = _by_factor(design, "icc", icc, 0.0, 1.0)
        priors = icc_priors(design, asked, tails, total)
    if total is not None and (icc is None or VARIANCE not in priors):
        raise SpecError(
            "total is the prior of the total SD of a VarianceSplit, which this does not give: leave it out."
        )

    def imply(stated: dict[str, str]) -> dict[str, Array]:
        draws = draw_priors(as_design(as_spec(spec, priors=stated), data, **reading), _DRAWS)
        return _quantities(draws, chosen[0], list(asked))

    values = imply(priors)
    why = "given all other priors, none of this form has the interval; this is the nearest"
    if icc is not None and VARIANCE in priors and not design.family.is_normal_under(design.mu.link):
        why = "given all other priors, none of this form that has the interval was found; this is near to it"
        priors, values = _move_shares(
            priors, values, asked, tails, lambda wish: icc_priors(design, wish, tails, total), imply
        )
    rows, notes = [], []
    for name, draws in values.items():
        lower, median, upper = (float(value) for value in np.quantile(draws, [tails[0], 0.5, tails[1]]))
        wanted = asked.get(name, (np.nan, np.nan))
        label = _label(design, chosen[0], name)
        rows.append((label, *wanted, lower, median, upper))
        if chosen[0] == "icc" and (abs(lower - wanted[0]) > _CLOSE or abs(upper - wanted[1]) > _CLOSE):
            notes.append(f"{label}: {why}.")
    columns = ["quantity", "asked_lower", "asked_upper", "lower", "median", "upper"]
    labelled = {_label(design, chosen[0], name): draws for name, draws in values.items()}
    return Elicited(priors, pd.DataFrame(rows, columns=columns), coverage, labelled, tuple(notes))


def _move_shares(
    priors: dict[str, str],
    values: dict[str, Array],
    asked: Mapping[str, Interval],
    tails: Interval,
    find: Callable[[Mapping[str, Interval]], dict[str, str]],
    imply: Callable[[dict[str, str]], dict[str, Array]],
) -> tuple[dict[str, str], dict[str, Array]]:
    """Return the split, and what it implies, whose shares are moved until intraclass correlations have their intervals where
    the residual variance is not that of its scale: on the logit scale, as far as the quantiles are off."""

    def apart(found: Mapping[str, Array]) -> dict[str, Array]:
        with np.errstate(divide="ignore"):
            return {n: special.logit(asked[n]) - special.logit(np.quantile(found[n], tails)) for n in asked}

    best, wish = (priors, values), {name: np.array(interval) for name, interval in asked.items()}
    for _ in range(_MOVES):
        off = apart(best[1])
        if max(np.max(np.abs(one)) for one in off.values()) < 0.01:
            break
        wish = {name: special.expit(special.logit(wish[name]) + np.clip(one, -2.0, 2.0)) for name, one in off.items()}
        moved = find({name: (float(low), float(high)) for name, (low, high) in wish.items()})
        found = imply(moved)
        if _size(apart(found)) >= _size(off):
            break
        best = moved, found
    return best


def _size(off: Mapping[str, Array]) -> float:
    return float(sum(np.sum(np.minimum(np.abs(one), 100.0)) for one in off.values()))


def _label(design: Design, quantity: str, name: str) -> str:
    if quantity == "icc":
        return f"intraclass correlation, same {name}"
    return f"typical {design.mu.link.ratio} between two levels of {name}" if quantity == "ratio" else name


def _interval(what: str, value: Any, low: float, high: float) -> Interval:
    """Return a checked interval."""
    try:
        first, last = (float(end) for end in value)
    except (TypeError, ValueError) as error:
        example = "(1.2, 4)" if low == 1.0 else "(0.1, 0.6)"
        raise SpecError(f"{what}={value!r} is not an interval; give two numbers, such as {example}.") from error
    if not low < first < last < high:
        raise SpecError(f"{what}=({first:g}, {last:g}): the ends must be in order and inside of ({low:g}, {high:g}).")
    return first, last


def _by_factor(design: Design, what: str, value: Any, low: float, high: float) -> dict[str, Interval]:
    names = [group.name for group in design.mu.groups if not group.residual]
    if not names:
        raise SpecError(f"{what}: the model has no grouping factor.")
    if not isinstance(value, Mapping):
        if len(names) > 1:
            example = f'{{"{names[0]}": (0.1, 0.6)}}'
            raise SpecError(
                f"{what}: the model has {len(names)} factors, {enumerate_words(names)}: write {what}={example}."
            )
        value = {names[0]: value}
    for name in value:
        if name not in names:
            raise SpecError(f"{what}: '{name}' is not a grouping factor. {did_you_mean(str(name), names)}")
    if not value:
        raise SpecError(f"{what} names no factor.")
    return {str(name): _interval(what, one, low, high) for name, one in value.items()}


def _quantities(draws: PriorDraws, quantity: str, names: list[str]) -> dict[str, Array]:
    design = draws.design
    if quantity == "icc":
        return draw_iccs(draws, names)
    if quantity == "ratio":
        groups = {group.name: group for group in design.mu.groups}
        sds = {name: draws.values[design.mu.sd_keys(groups[name])[0]] for name in names}
        return {name: np.exp(groups[name].typical_difference * sd) for name, sd in sds.items()}
    explained = design.joint_priors[R2D2M2.__name__]
    assert isinstance(explained, ExplainedOnData)
    coefficients = draws.coefficients(design.mu)
    columns, shares = design.mu.centred_matrix, design.observed.row_shares
    deviations = columns - shares @ columns
    realised = np.einsum("sk,kl,sl->s", coefficients, (shares[:, None] * deviations).T @ deviations, coefficients)
    for part in explained.parts:
        block = None if of_coefficients(part) else design.mu.block(part.name)
        if block is not None:
            realised = realised + part.variance(draws.covariance(design.mu, block))
    sigma = draws.values[str(design.family.scale)]
    levels = (np.arange(draws.count) + 0.5) / draws.count
    return {
        "R2": np.asarray(explained.r2.frozen().ppf(levels)),
        "share of the variance that terms explain in these rows": realised / (realised + sigma**2),
    }
