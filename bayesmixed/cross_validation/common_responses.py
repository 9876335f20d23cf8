"""Whether models are of the same rows and the same response, and what takes their densities to one scale."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
from scipy import special

from bayesmixed.cross_validation.units import OBSERVATION
from bayesmixed.design.design import Design
from bayesmixed.draws.tree import row_labels
from bayesmixed.errors import DataError, SpecError, enumerate_words
from bayesmixed.families.limits import support_of
from bayesmixed.families.links import Array
from bayesmixed.families.multinomial import as_numbers
from bayesmixed.terms.weights import FREQUENCY, LIKELIHOOD

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
    if len({tuple(sorted(design.spec.counted)) for design in designs.values()}) > 1:
        raise SpecError(
            "Some models are of counts of several categories, others of another response or other categories: they do not have "
            "the same response, so they cannot be compared."
        )
    same = len({design.spec.counted or design.spec.response for design in designs.values()}) == 1
    read = {
        name: (_in_order(design), np.zeros(design.rows))
        if same or design.spec.counted
        else _on_original_scale(name, design)
        for name, design in designs.items()
    }
    (first, (reference, _)), *others = read.items()
    trials = np.broadcast_to(np.asarray(designs[first].trials, dtype=float), len(reference))
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


def _in_order(design: Design) -> Array:
    """Return the response, of counts of several categories (n, K) in the order of their names."""
    response = as_numbers(design.response)
    return response[..., np.argsort(design.categories)] if design.family.counted else response


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
