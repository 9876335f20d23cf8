"""Models side by side: how well each predicts what was left out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from bayesmixed.arguments import alone, takes_drawn_values
from bayesmixed.cross_validation.common_responses import check_same_response, check_same_rows, note_bounds
from bayesmixed.cross_validation.joint_units import find_joint_units
from bayesmixed.cross_validation.leaving_out import MOST_ERROR, leave_several_out, leave_units_out
from bayesmixed.cross_validation.units import OBSERVATION, describe_unit, find_units, is_observation, own_coefficients
from bayesmixed.design.design import Design
from bayesmixed.display.pages import Page, Section
from bayesmixed.display.tables import to_text
from bayesmixed.errors import SpecError, did_you_mean, enumerate_words
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.joint_fits import JointFit
from bayesmixed.terms.relations import Factor

GROUP = "group"


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


@alone("bm.compare_models({name: joint, ...}) compares models of all responses together.")
@takes_drawn_values(tables="no")
def compare_models(
    fits: Mapping[str, Fit | JointFit],
    *,
    unit: str,
    by: str | None = None,
    refits: bool = False,
    draws: int | None = None,
) -> ModelComparison:
    """Return how well models predict a new observation, or a new group: the two questions have different answers.

    Parameters
    ----------
    fits : mapping of str to Fit or JointFit
        At least two models of the same rows and the same response; one may be of a function of it (sqrt, log, log1p,
        logit), whose density is then taken back to the response. All may be of the same several responses.
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
    alone = {name: fit for name, fit in fits.items() if isinstance(fit, Fit)}
    several = {name: fit for name, fit in fits.items() if isinstance(fit, JointFit)}
    return (
        compare_one(alone, unit, by, refits, draws) if not several else compare_several(fits, unit, by, refits, draws)
    )


def compare_one(fits: Mapping[str, Fit], unit: str, by: str | None, refits: bool, draws: int | None) -> ModelComparison:
    """Return the comparison of models of one response, see `compare_models` (SpecError, DataError)."""
    designs = {name: fit.design for name, fit in fits.items()}
    units = find_common_units(designs, unit, by)
    slopes = check_same_response(designs)
    found = {}
    for name, fit in fits.items():
        one = leave_units_out(fit, units, refits=refits, draws=draws)
        found[name] = shift(one, np.bincount(units.index, weights=slopes[name], minlength=len(units.labels)))
    own = [] if is_observation(units) else [*_note_own(designs, units)]
    notes = (*own, *_notes(found, len(units.labels), refits), *note_bounds(designs))
    return ModelComparison(describe_unit(units), rank(found), found, notes)


def compare_several(
    fits: Mapping[str, Fit | JointFit], unit: str, by: str | None, refits: bool, draws: int | None
) -> ModelComparison:
    """Return the comparison of models of the same several responses, see `compare_models` (SpecError, DataError)."""
    joint = {name: fit for name, fit in fits.items() if isinstance(fit, JointFit)}
    single = [name for name in fits if name not in joint]
    if single:
        raise SpecError(
            f"'{single[0]}' is of one response, and '{next(iter(joint))}' of several: they do not predict the same. Fit the "
            "responses of both together."
        )
    check_unit(unit, by)
    (first, one), *others = joint.items()
    for name, other in others:
        if {*other.responses} != {*one.responses}:
            raise SpecError(
                f"'{first}' is of {enumerate_words(one.responses)}, and '{name}' of {enumerate_words(other.responses)}: they "
                "do not predict the same. Fit both to the same responses."
            )
    slopes: dict[str, dict[str, Array]] = {name: {} for name in joint}
    notes: tuple[str, ...] = ()
    for response in one.responses:
        designs = {name: fit.design[response] for name, fit in joint.items()}
        check_same_rows(designs)
        for name, own in check_same_response(designs).items():
            slopes[name][response] = own
        notes += note_bounds(designs)
    units, problem = None, None
    for fit in joint.values():
        try:
            units = units or find_joint_units(fit.design, by or OBSERVATION)
        except SpecError as error:
            problem = error
    if units is None:
        raise SpecError(f"No model has by='{by}'. {problem}")
    found = {}
    for name, fit in joint.items():
        left = leave_several_out(fit, units, refits=refits, draws=draws)
        moved = np.zeros(len(units.labels))
        for response, slope in slopes[name].items():
            moved += np.bincount(units.index[response], weights=slope, minlength=len(moved))
        found[name] = shift(left, moved)
    return ModelComparison(units.said, rank(found), found, (*_notes(found, len(units.labels), refits), *notes))


def find_common_units(designs: Mapping[str, Design], unit: str, by: str | None) -> Factor:
    """Return the partition of the rows, which all models must share."""
    check_unit(unit, by)
    check_same_rows(designs)
    problem = None
    for design in designs.values():
        try:
            return find_units(design, by or OBSERVATION, whole=True)
        except SpecError as error:
            problem = error
    raise SpecError(f"No model has by='{by}'. {problem}")


def check_unit(unit: str, by: str | None) -> None:
    """Refuse a question that is not one of the two (SpecError)."""
    if unit not in (OBSERVATION, GROUP):
        raise SpecError(
            f"unit='{unit}' is not known. {did_you_mean(unit, [OBSERVATION, GROUP])} To leave out whole groups of a factor "
            f"or column, say unit='group', by='{unit}'."
        )
    if (unit == GROUP) != (by is not None):
        raise SpecError("Say unit='observation', or unit='group' with by='<factor>'.")


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


def _note_own(designs: Mapping[str, Design], units: Factor) -> Iterator[str]:
    for name, design in designs.items():
        own = own_coefficients(design, units)
        if own:
            yield f"'{name}' knows nothing about a new {units.name}: the prior of its coefficients ({own[0]}, ...) predicts it"


def _notes(found: Mapping[str, Any], count: int, refits: bool) -> list[str]:
    notes = []
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
    if count < 100:
        notes.append(f"{count} units: standard errors of differences are rough below about 100")
    return notes
