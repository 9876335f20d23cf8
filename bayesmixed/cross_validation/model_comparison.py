"""Models side by side: how well each predicts what was left out."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from bayesmixed.arguments import alone, takes_drawn_values
from bayesmixed.cross_validation.leaving_out import MOST_ERROR, leave_units_out
from bayesmixed.cross_validation.units import OBSERVATION, describe_unit, find_units, is_observation, own_coefficients
from bayesmixed.design.design import Design
from bayesmixed.display.pages import Page, Section
from bayesmixed.display.tables import to_text
from bayesmixed.draws.tree import row_labels
from bayesmixed.errors import DataError, SpecError, did_you_mean, enumerate_words
from bayesmixed.families.limits import support_of
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.terms.relations import Factor
from bayesmixed.terms.weights import FREQUENCY, LIKELIHOOD

GROUP = "group"
LOG_SLOPES: dict[str, Callable[[Array], Array]] = {
    "sqrt": lambda y: -np.log(2.0) - 0.5 * np.log(y),
    "log": lambda y: -np.log(y),
    "log1p": lambda y: -np.log1p(y),
    "logit": lambda y: -np.log(y) - np.log1p(-y),
}
"""log |f'(y)| of functions of a response: what takes a log-density of f(y) to one of y."""
_INVERSES: dict[str, Callable[[Array], Array]] = {
    "sqrt": lambda v: np.square(np.maximum(v, 0.0)),
    "log": np.exp,
    "log1p": np.expm1,
    "logit": special.expit,
}


@dataclass(frozen=True, slots=True, repr=False)
class ModelComparison(Page):
    """How well models predict what was left out.

    Attributes
    ----------
    estimand : str
        What each model had to predict.
    table : pandas.DataFrame
        One row per model, best first: elpd (expected log predictive density, higher is better), se, elpd_diff to the
        best, dse (standard error of the difference), weight (stacking), bad_k (units whose number cannot be trusted),
        mcse (Monte Carlo error of elpd).
    elpd : mapping
        ArviZ's ELPD object of each model, on the scale of the response that all share.
    notes : tuple of str
        What a reader should know.
    """

    estimand: str
    table: pd.DataFrame
    elpd: Mapping[str, Any]
    notes: tuple[str, ...]

    def sections(self) -> list[Section]:
        """Return the sections of the page."""
        table = self.shown().rename_axis("model").reset_index()
        notes = tuple(f"- {note}" for note in self.notes)
        return [Section(before=(f"Which model predicts better: {self.estimand}?",), table=table, after=notes)]

    def shown(self) -> pd.DataFrame:
        """Return the table as text, with the digits that the Monte Carlo errors support."""
        table = self.table
        both = np.hypot(table["mcse"], table["mcse"].iloc[0])
        errors = {"elpd": table["mcse"], "se": table["mcse"], "elpd_diff": both, "dse": both}
        shown = {
            name: [to_text(v, max(e, 0.01)) for v, e in zip(table[name], error, strict=True)]
            for name, error in errors.items()
        }
        shown["mcse"] = [f"{error:.2f}" for error in table["mcse"]]
        shown["weight"] = [f"{weight:.2f}" for weight in table["weight"]]
        shown["bad_k"] = [str(count) for count in table["bad_k"]]
        return pd.DataFrame(shown, index=table.index)


@alone("Fit it by itself for that.")
@takes_drawn_values(tables="no")
def compare_models(
    fits: Mapping[str, Fit], *, unit: str, by: str | None = None, refits: bool = False, draws: int | None = None
) -> ModelComparison:
    """Return how well models predict a new observation, or a new group: the two questions have different answers.

    Parameters
    ----------
    fits : mapping of str to Fit
        At least two models of the same rows and the same response; one may be of a function of it (sqrt, log, log1p,
        logit), whose density is then taken back to the response.
    unit : {"observation", "group"}
        What is left out, for all models alike.
    by : str, optional
        With "group": the grouping factor or column; a model without effects of it is asked the same question.
    refits, draws
        As in `loo`.

    Returns
    -------
    ModelComparison
        A difference is clear where it is several times its standard error `dse`, and at least about 4.

    Raises
    ------
    SpecError, DataError
        The models do not answer the same question about the same rows.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("sleepstudy")
    >>> names = ("sleepstudy", "sleepstudy_intercept")
    >>> fits = {name: bm.fit(name, data, draws=250, seed=1, progress=False) for name in names}
    >>> list(bm.compare_models(fits, unit="observation").table.index)
    ['sleepstudy', 'sleepstudy_intercept']
    """
    if len(fits) < 2:
        raise SpecError(
            "compare_models needs at least two fits: compare_models({'name': fit, 'other': fit}, unit=...)."
        )
    designs = {name: fit.design for name, fit in fits.items()}
    units = find_common_units(designs, unit, by)
    slopes = check_same_response(designs)
    found = {}
    for name, fit in fits.items():
        one = leave_units_out(fit, units, refits=refits, draws=draws)
        found[name] = shift(one, np.bincount(units.index, weights=slopes[name], minlength=len(units.labels)))
    notes = (*_notes(fits, found, units, refits), *note_bounds(designs))
    return ModelComparison(describe_unit(units), rank(found), found, notes)


def find_common_units(designs: Mapping[str, Design], unit: str, by: str | None) -> Factor:
    """Return the partition of the rows, which all models must share."""
    if unit not in (OBSERVATION, GROUP):
        raise SpecError(
            f"unit='{unit}' is not known. {did_you_mean(unit, [OBSERVATION, GROUP])} To leave out whole groups of a factor "
            f"or column, say unit='group', by='{unit}'."
        )
    if (unit == GROUP) != (by is not None):
        raise SpecError("Say unit='observation', or unit='group' with by='<factor>'.")
    check_same_rows(designs)
    problem = None
    for design in designs.values():
        try:
            return find_units(design, by or OBSERVATION, whole=True)
        except SpecError as error:
            problem = error
    raise SpecError(f"No model has by='{by}'. {problem}")


def can_be_left_out(designs: Iterable[Design], unit: str) -> bool:
    """Return whether the weights of rows let units be left out: likelihood weights do not, frequencies no single row."""
    kinds = {design.observed.weighting for design in designs}
    return not (LIKELIHOOD in kinds or (FREQUENCY in kinds and unit == OBSERVATION))


def check_same_rows(designs: Mapping[str, Design]) -> None:
    """Refuse models of different rows (DataError)."""
    (first, reference), *others = designs.items()
    for name, design in others:
        if not np.array_equal(row_labels(reference), row_labels(design)):
            counts = f"{reference.rows} and {design.rows}"
            raise DataError(
                f"Models '{first}' and '{name}' were not fitted to the same rows ({counts}). Give both the same data; "
                "rows with missing values in any column must be dropped first."
            )


def check_same_response(designs: Mapping[str, Design]) -> dict[str, Array]:
    """Return log |f'(y)| of the rows by model, as often as each row counts; zero where all model the same expression of the
    response."""
    if len({design.family.discrete for design in designs.values()}) > 1:
        counts = enumerate_words(name for name, design in designs.items() if design.family.discrete)
        raise SpecError(
            f"{counts} give probabilities of counts, the other models densities: they cannot be compared. Compare "
            "models of the counts with each other."
        )
    same = len({design.spec.response for design in designs.values()}) == 1
    read = {
        name: (np.asarray(design.response), np.zeros(design.rows)) if same else _on_original_scale(name, design)
        for name, design in designs.items()
    }
    (first, (reference, _)), *others = read.items()
    trials = np.broadcast_to(np.asarray(designs[first].trials, dtype=float), reference.shape)
    for name, (response, _) in others:
        rounding = 1e-10 * float(np.max(np.abs(reference)))
        if not np.allclose(response, reference, rtol=1e-10, atol=rounding) or not np.all(
            trials == designs[name].trials
        ):
            raise DataError(f"Models '{first}' and '{name}' do not have the same response, so they cannot be compared.")
    censored = {name: design.observed.censored for name, design in designs.items()}
    known = {name: _known_of_censored(design, with_limits=same) for name, design in designs.items()}
    for name in designs:
        if not np.array_equal(known[name], known[first]):
            raise SpecError(
                f"Models '{first}' and '{name}' do not have the same censored rows, or not the same limits in them: a censored "
                "row has a probability, another a density, and they cannot be compared. Give both the same cens(...)."
            )
    return {
        name: np.where(censored[name], 0.0, slope) * designs[name].observed.row_counts
        for name, (_, slope) in read.items()
    }


def note_bounds(designs: Mapping[str, Design]) -> tuple[str, ...]:
    """Return a note where some models are of responses that are seen within bounds only, and others are not."""
    if all(design.spec.truncation is None for design in designs.values()):
        return ()
    bounds = {name: _seen_within(design) for name, design in designs.items()}
    (first, reference), *others = bounds.items()
    differing = [name for name, one in others if not np.allclose(one, reference, rtol=1e-10, atol=1e-12)]
    if not differing:
        return ()
    spaces = ", ".join(
        f"'{name}': {'untruncated' if (cut := designs[name].spec.truncation) is None else cut}"
        for name in (first, *differing)
    )
    return (
        f"not all models have the same truncation ({spaces}): within bounds a density is that of responses which are seen, "
        "without them it also counts on responses which nobody would have seen, and loses by that; which of the two holds "
        "is known from how the rows were collected",
    )


def _seen_within(design: Design) -> Array:
    """Return between which numbers the response behind an expression is seen in each row, (2, n): within support and bounds."""
    low, high = (np.broadcast_to(end, design.rows) for end in support_of(design.family, design.trials))
    if design.observed.bounds is not None:
        low, high = np.maximum(low, design.observed.bounds[0]), np.minimum(high, design.observed.bounds[1])
    if design.family.discrete:
        low = np.floor(low)
    function = design.spec.response.strip().partition("(")[0]
    with np.errstate(over="ignore"):
        return np.asarray(_INVERSES.get(function, np.asarray)(np.stack([low, high])))


def _known_of_censored(design: Design, *, with_limits: bool) -> Array:
    """Return what is known of each row, (3, n): whether it is censored, whether on the right, and else its upper limit.

    Lower limits differ between families that begin at different numbers.
    """
    observed = design.observed
    right = observed.censored_sides.get("right", observed.censored)
    ends = observed.censored & ~right & with_limits
    limits = np.zeros(design.rows) if observed.limits is None else observed.limits[1]
    return np.stack([observed.censored, right, np.where(ends, limits, 0.0)])


def _on_original_scale(name: str, design: Design) -> tuple[Array, Array]:
    """Return the response behind an expression, and log |f'(y)|."""
    text = design.spec.response.strip().replace("`", "")
    function, _, column = text.rstrip(")").partition("(")
    if text in design.table.data:
        return np.asarray(design.response), np.zeros(design.rows)
    if function not in LOG_SLOPES or column.strip() not in design.table.data:
        raise SpecError(
            f"Model '{name}' is of '{text}', the others are on another scale. Densities can be taken back from "
            f"{', '.join(LOG_SLOPES)} of a column only; fit all models to the same response."
        )
    values = design.table.data[column.strip()].to_numpy(dtype=float)
    with np.errstate(divide="ignore"):
        slope = LOG_SLOPES[function](values)
    if not np.all(np.isfinite(slope)):
        raise DataError(
            f"Model '{name}' is of '{text}', whose slope is infinite where '{column.strip()}' is on the border of its "
            "range, so its density cannot be compared with that of a model of the column itself."
        )
    return values, slope


def shift(found: Any, slope: Array) -> Any:
    """Return an ELPD object with something added to every unit."""
    elpd = found.elpd_i.values + slope
    se = float(np.sqrt(len(elpd) * np.var(elpd)))
    return replace(found, elpd=float(elpd.sum()), se=se, elpd_i=found.elpd_i.copy(data=elpd))


def rank(found: Mapping[str, Any]) -> pd.DataFrame:
    """Return the table by ArviZ's `compare`; the best density of each unit is subtracted first, against underflow."""
    import warnings

    import arviz_stats

    best = np.max([one.elpd_i.values for one in found.values()], axis=0)
    if len(found) > 1:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            ranks = arviz_stats.compare(
                {name: shift(one, -best) for name, one in found.items()}, method="stacking", round_to="none"
            )
    else:  # which it refuses
        ranks = pd.DataFrame({"elpd_diff": 0.0, "dse": 0.0, "weight": 1.0}, index=list(found))
    order = list(ranks.index)
    table = pd.DataFrame(index=pd.Index(order, name="model"))
    table["elpd"] = [found[name].elpd for name in order]
    table["se"] = [found[name].se for name in order]
    table["elpd_diff"] = ranks["elpd_diff"].to_numpy(dtype=float)
    table["dse"] = ranks["dse"].to_numpy(dtype=float)
    table["weight"] = ranks["weight"].to_numpy(dtype=float)
    table["bad_k"] = [int(np.sum(found[name].pareto_k.values > found[name].good_k)) for name in order]
    table["mcse"] = [found[name].elpd_i.attrs["mcse"] for name in order]
    return table


def _notes(fits: Mapping[str, Fit], found: Mapping[str, Any], units: Factor, refits: bool) -> list[str]:
    notes = []
    for name, fit in fits.items():
        own = own_coefficients(fit.design, units)
        if own and not is_observation(units):
            notes.append(
                f"'{name}' knows nothing about a new {units.name}: the prior of its coefficients ({own[0]}, ...) predicts it"
            )
    bad = {name: int(np.sum(one.pareto_k.values > one.good_k)) for name, one in found.items()}
    if any(bad.values()):
        which = ", ".join(f"'{name}' {count}" for name, count in bad.items() if count)
        notes.append(
            f"units whose density is rough even when sampled without them: {which}"
            if refits
            else f"units too influential to be left out by weights: {which}; refits=True samples without them"
        )
    rough = [name for name, one in found.items() if one.elpd_i.attrs["mcse"] > MOST_ERROR]
    if rough:
        notes.append(
            f"Monte Carlo error of elpd above {MOST_ERROR}: {', '.join(rough)}; take more draws"
            + ("" if refits else ", or refits=True")
        )
    if len(units.labels) < 100:
        notes.append(f"{len(units.labels)} units: standard errors of differences are rough below about 100")
    return notes
