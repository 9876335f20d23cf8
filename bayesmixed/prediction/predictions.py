"""Prediction for known groups, new groups, the typical group and the average over groups."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np
import xarray as xr

from bayesmixed.design.design import CATEGORY, Design
from bayesmixed.draws.linear_predictors import draw_tied, linear_prediction, thin, tied_covariances
from bayesmixed.draws.pieces import chain_pieces, refuse_large
from bayesmixed.draws.residual_draws import draw_responses
from bayesmixed.draws.tree import row_labels
from bayesmixed.errors import DataError, SpecError, check_choice, did_you_mean, enumerate_words, warn
from bayesmixed.families.links import Array
from bayesmixed.families.multinomial import as_numbers
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.selection import draws_for, refuse_tables
from bayesmixed.integration.averages import (
    Spread,
    average_mean,
    average_of,
    average_shares,
    parameters_of,
    parameters_of_mean,
)
from bayesmixed.integration.posterior_means import (
    average_has_mean,
    inverse_has_mean,
    parameter_has_mean,
    response_has_mean,
)
from bayesmixed.prediction.known_residuals import KnownResiduals, known_residuals
from bayesmixed.preparation.new_rows import replay_rows
from bayesmixed.preparation.open_rows import refuse_open_rows
from bayesmixed.spec.model_spec import ModelSpec
from bayesmixed.terms.residual_rows import KnownRows

_FEW, _NUMBERS = 200, 4_000_000
NOT_AVERAGED = "kind='response' is an observation in some group: use groups='new' or 'existing', not 'average'."
MODES = {
    "existing": "the groups of the fit",
    "new": "new groups",
    "any": "the groups of the fit where a label is known, new groups where it is not",
    "average": "the average over all groups",
    "typical": "a typical group (effects 0)",
}


def predict_fit(
    fit: Fit,
    data: Any = None,
    *,
    groups: str | Mapping[str, str] = "existing",
    kind: str = "mean",
    draws: int | None = None,
    seed: int | None = None,
    na: str | float | Iterable[str | float] = (),
) -> xr.Dataset:
    """Return predictions of one response, see `predict` (SpecError, DataError)."""
    rows = None
    if data is None:
        refuse_tables(fit, "A prediction of the rows of the fit", "Give data=, the rows to predict.", tables="columns")
    else:
        rows = replay_rows(fit.design, data, read_modes(fit.design, groups, kind, known_rows=True), na=na)
        refuse_open_rows(rows, needed_predictors(rows, kind))
    return predict_rows(fit, rows, groups=groups, kind=kind, draws=draws, seed=seed)


def needed_predictors(design: Design, kind: str) -> list[str]:
    """Return the parameters with a predictor on which predictions of a kind depend."""
    return [name for name in design.predictors if name in parameters_of(design.family, kind)]


def predict_rows(
    fit: Fit,
    rows: Design | None,
    *,
    groups: str | Mapping[str, str],
    kind: str,
    draws: int | None,
    seed: int | None,
    drawn: Mapping[tuple[str, str], Array] = MappingProxyType({}),
) -> xr.Dataset:
    """Return predictions as `predict` does, of rows that are laid out already, those of the fit if None; `drawn` are effects of
    new levels that are tied to those of other responses (`draw_tied`)."""
    family, design = fit.design.family, fit.design if rows is None else rows
    accepted = ["mean", "response", "linear", *(p.name for p in family.parameters)]
    accepted += ["probability"] if family.has_categories else []
    if kind in ("mean", "linear") and family.template:
        own = ", ".join(f'"{parameter.name}"' for parameter in family.parameters)
        raise SpecError(
            f"The categories of '{design.spec.response}' have no order, so no {kind if kind == 'mean' else 'single predictor'}: "
            f'take kind="probability", that of each category, or the log-odds against {design.categories[0]}, {own}.'
        )
    check_choice("kind={}", kind, accepted)
    modes = read_modes(design, groups, kind, known_rows=rows is None)
    posterior = draws_for(fit, modes, draws)
    if kind in design.numbers:
        return _dataset(fit, design, posterior, kind, posterior[kind].values[..., None], modes)
    each = len(design.categories) if kind == "probability" or (kind == "response" and family.counted) else 1
    refuse_large(posterior, design.rows * each, "Predictions")
    known = None
    if kind == "response" and rows is not None:
        known = known_residuals(fit, design, {**modes, "": groups if isinstance(groups, str) else "existing"})
    generator = np.random.default_rng(seed)
    result: Array | None = None
    for chain, draw in chain_pieces(posterior, design.rows if known is None else max(design.rows, len(known.rows))):
        together = {key: effects[chain, draw] for key, effects in drawn.items()}
        piece = _predict_piece(design, posterior.isel(chain=chain, draw=draw), kind, modes, generator, known, together)
        if result is None:
            result = np.empty((posterior.sizes["chain"], posterior.sizes["draw"], *piece.shape[2:]), dtype=piece.dtype)
        result[chain, draw] = piece
    return _dataset(fit, design, posterior, kind, as_numbers(result), modes, known is not None)


def _predict_piece(
    design: Design,
    posterior: xr.Dataset,
    kind: str,
    modes: Mapping[str, str],
    generator: np.random.Generator,
    known: KnownResiduals | None,
    drawn: Mapping[tuple[str, str], Array],
) -> Array:
    """Return predictions of some draws, (chain, draw, row), of probabilities (chain, draw, row, category)."""
    family = design.family
    scalars, predictors = _parameters(design, posterior, modes, generator, drawn)
    shape = (posterior.sizes["chain"], posterior.sizes["draw"], design.rows)
    if kind == "linear":
        result = predictors[family.parameters[0].name].mean
    elif kind == "probability":
        return np.stack([np.broadcast_to(one, shape) for one in _probabilities(design, scalars, predictors)], axis=-1)
    elif kind == "mean":
        if family.scale in parameters_of_mean(family):
            needs_weights(design, kind)
        result = average_mean(family, *weigh_scale(family.scale, design.observed.scale_factor, scalars, predictors))
    elif kind == "response":
        values = scalars | {name: predictor.average for name, predictor in predictors.items()}
        given = () if known is None else known.at(posterior)
        result = _responses(design, posterior, values, modes, generator, given)
    else:
        result = scalars[kind] if kind in scalars else predictors[kind].average
    return np.broadcast_to(result, shape)


def _parameters(
    design: Design,
    posterior: xr.Dataset,
    modes: Mapping[str, str],
    generator: np.random.Generator,
    known: Mapping[tuple[str, str], Array] = MappingProxyType({}),
) -> tuple[dict[str, Array], dict[str, Spread]]:
    """Return the draws of the parameters without predictor, and the predictors of the rows."""
    fresh = [name for name, mode in modes.items() if mode in ("new", "any")]
    drawn = {**draw_tied(design, posterior, generator, fresh), **known}
    predictors = {
        name: linear_prediction(design, p, posterior, modes, generator, drawn) for name, p in design.predictors.items()
    }
    for (first, second), terms in tied_covariances(design, posterior).items():
        averaged = [covariance for name, covariance in terms.items() if modes[name] == "average"]
        if averaged:
            one = predictors[second]
            predictors[second] = replace(one, covariances={**one.covariances, first: np.sum(averaged, axis=0)})
    return {name: v.values[..., None] for name, v in design.scalar_draws(posterior).items()}, predictors


def predict_function(
    fit: Fit,
    rows: Design,
    function: Callable[[dict[str, Array]], Array],
    what: str,
    *,
    groups: str | Mapping[str, str],
    draws: int | None,
    seed: int | None,
) -> xr.DataArray:
    """Return draws, dims chain, draw, point, row, of a bounded function of the parameters, averaged over groups as means are.

    The function returns arrays (point, chain, draw, row); attribute `estimand` says `what` it is, and of which groups.
    """
    modes = read_modes(rows, groups, "mean", known_rows=False)
    posterior = draws_for(fit, modes, draws)
    scalars, predictors = _parameters(rows, posterior, modes, np.random.default_rng(seed))
    scaled = weigh_scale(rows.family.scale, rows.observed.scale_factor, scalars, predictors)
    values = np.moveaxis(average_of(function, *scaled), 0, 2)
    coords = {name: posterior[name].values for name in ("chain", "draw")}
    said = f"{what}{_say_groups(modes)}"
    return xr.DataArray(values, dims=("chain", "draw", "point", "row"), coords=coords, attrs={"estimand": said})


def _probabilities(design: Design, scalars: Mapping[str, Array], predictors: Mapping[str, Spread]) -> Sequence[Array]:
    """Return the probability of each category of an ordered response, averaged over the groups as a mean is."""
    family = design.family
    if family.shares:
        return [*average_shares(family.shares, scalars, predictors)]
    events = [family.event(number) for number in range(1, len(design.categories))]

    def beyond(values: Mapping[str, Array]) -> Array:
        return np.stack(np.broadcast_arrays(*(event.mean(values, 1.0) for event in events)))

    above = [*average_of(beyond, scalars, predictors)]
    ends = [np.ones_like(above[0]), *above, np.zeros_like(above[0])]
    return [more - less for more, less in pairwise(ends)]


def _responses(
    design: Design,
    posterior: xr.Dataset,
    values: Mapping[str, Array],
    modes: Mapping[str, str],
    generator: Any,
    known: Iterable[KnownRows],
) -> Array:
    if "average" in modes.values():
        raise SpecError(NOT_AVERAGED)
    if design.trials is None:
        raise DataError(f"kind='response' needs {design.spec.needed_trials}.")
    needs_weights(design, "response")
    design.needs_groups("kind='response'")
    design.needs_bounds("kind='response'")
    shape = (posterior.sizes["chain"], posterior.sizes["draw"], design.rows)
    return draw_responses(design, posterior, values, shape, generator, known)


def needs_weights(design: Design, kind: str) -> None:
    """Refuse rows without the weights or errors that their residual variance depends on (DataError)."""
    weights = design.spec.weights
    if weights is not None and weights.of_scale and design.weights is None:
        raise DataError(f"kind='{kind}' needs the {weights.meaning} '{weights.column}' in the data.")


def weigh_scale(
    scale: str, factor: Array | float | None, scalars: Mapping[str, Array], predictors: Mapping[str, Spread]
) -> tuple[dict[str, Array], dict[str, Spread]]:
    """Return parameters, the residual scale (which has a log link) multiplied by the factor from precision weights."""
    if factor is None:
        return dict(scalars), dict(predictors)
    if scale in scalars:
        return {**scalars, scale: scalars[scale] * factor}, dict(predictors)
    return dict(scalars), {
        **predictors,
        scale: replace(predictors[scale], mean=predictors[scale].mean + np.log(factor)),
    }


def read_modes(design: Design, groups: str | Mapping[str, str], kind: str, known_rows: bool) -> dict[str, str]:
    """Return what becomes of the effects of each factor in rows, by its name (SpecError, DataError)."""
    blocks = {group.name: group for _, group in design.group_blocks()}
    wish = dict.fromkeys(blocks, groups) if isinstance(groups, str) else dict(groups)
    for name, mode in wish.items():
        if name not in blocks:
            raise SpecError(f"groups names '{name}', which is not a grouping factor. {did_you_mean(name, blocks)}")
        check_choice("groups={}", mode, MODES)
    modes = {name: wish.get(name, "existing") for name in blocks}
    for name, group in blocks.items():
        if modes[name] not in ("existing", "any"):
            continue
        if group.single and not known_rows:
            modes[name] = "new" if kind == "response" else "typical" if kind == "linear" else "average"
            continue
        if modes[name] == "any" and group.strangers:
            warn(
                f"Nothing is known of how {enumerate_words(group.strangers)} of '{name}' relate to the levels of the fit: their "
                "effects are taken as unrelated to all others, with the mean variance of those in the fit."
            )
        unseen = sorted(group.unseen)
        if unseen and modes[name] == "existing":
            raise DataError(
                f"'{name}' holds {enumerate_words(unseen)}, which the model was not fitted to. "
                'Predict for them with groups="new" (fresh groups), "any" (known groups keep their effects) or "average" '
                "(in a shell: --groups new)."
            )
    return modes


def _dataset(
    fit: Fit,
    design: Design,
    posterior: xr.Dataset,
    kind: str,
    values: Array,
    modes: Mapping[str, str],
    given: bool = False,
) -> xr.Dataset:
    shape = (posterior.sizes["chain"], posterior.sizes["draw"], design.rows, *values.shape[3:])
    coords = {"chain": posterior["chain"], "draw": posterior["draw"], "row": row_labels(design)}
    if len(shape) > len(coords):
        coords[CATEGORY] = list(fit.design.categories)
    data = xr.DataArray(np.broadcast_to(values, shape), dims=tuple(coords), coords=coords)
    attributes = {"estimand": _estimand(fit, kind, modes, given), "has_mean": int(_has_mean(fit, design, kind, modes))}
    return xr.Dataset({kind: data}, attrs=attributes)


def ratio_has_mean(fit: Fit, rows: Design, groups: str | Mapping[str, str], *, of_link: bool) -> bool:
    """Return whether ratios of predictions of rows have a mean over the posterior where these have one: of exp(difference)
    on the scale of the link, or of means of the response."""
    modes = read_modes(rows, groups, "linear" if of_link else "mean", known_rows=False)
    unseen = {group.name for _, group in rows.group_blocks() if group.unseen}
    fresh = {name for name, mode in modes.items() if mode == "new" or (mode == "any" and name in unseen)}
    own = {name for name, mode in modes.items() if mode in ("existing", "any")}
    return inverse_has_mean(fit.design, fresh, own, _extremes(fit) if own else (), of_link=of_link)


def _extremes(fit: Fit) -> list[dict[str, Array]]:
    """Return the smallest and the largest draw of the parameters besides the first one, in the rows of the fit."""
    design = fit.design
    ends: list[dict[str, Array]] = [{}, {}]
    for name, draws in design.scalar_draws(fit.posterior).items():
        ends[0][name], ends[1][name] = draws.min().values, draws.max().values
    further = [(name, predictor) for name, predictor in design.predictors.items() if predictor is not design.mu]
    if further and design.response is not None:
        modes = dict.fromkeys((group.name for _, group in design.group_blocks()), "existing")
        posterior = thin(draws_for(fit, modes, None), min(_FEW, max(_FEW // 10, _NUMBERS // design.rows)))
        for name, predictor in further:
            eta = linear_prediction(design, predictor, posterior, modes, np.random.default_rng(0)).mean
            ends[0][name], ends[1][name] = (predictor.link.inverse(one) for one in (eta.min((0, 1)), eta.max((0, 1))))
    return ends


def _has_mean(fit: Fit, design: Design, kind: str, modes: Mapping[str, str]) -> bool:
    """Return whether what is predicted has a mean over the posterior."""
    fitted = fit.design
    unseen = {group.name for _, group in design.group_blocks() if group.unseen}
    fresh = {name for name, mode in modes.items() if mode in ("new", "average") or (mode == "any" and name in unseen)}
    if kind in ("linear", "probability") or (kind == "response" and fitted.family.counted):
        return True
    if kind in ("mean", "response"):
        own = {name for name, mode in modes.items() if mode in ("existing", "any")}
        unbounded = own and design.mu.link.ratio == "ratio of means"
        return response_has_mean(fitted, fresh, own, _extremes(fit) if unbounded else ())
    return average_has_mean(fitted, kind, fresh) if kind in design.predictors else parameter_has_mean(fitted, kind)


def response_in_words(spec: ModelSpec) -> str:
    """Return what has an expected value: a proportion of trials; a response before it is censored or truncated."""
    response = f"{spec.response} / {spec.trials}" if spec.family_record.has_trials else spec.response
    before = " or ".join(["censored"] * (spec.censoring is not None) + ["truncated"] * (spec.truncation is not None))
    return f"{response} before it is {before}" if before else response


def seen_in_words(spec: ModelSpec) -> str:
    """Return what is said of a new response where rows are censored or truncated."""
    before = " before it is censored" if spec.censoring is not None else ""
    return before + (f", given that it is {spec.truncation.words}" if spec.truncation is not None else "")


def _estimand(fit: Fit, kind: str, modes: Mapping[str, str], given: bool = False) -> str:
    spec = fit.design.spec
    response = response_in_words(spec)
    if fit.design.categories and not fit.design.family.counted:
        first, *_, last = fit.design.categories
        response = f"number of the category of {spec.response} (1: {first}, {len(fit.design.categories)}: {last})"
    what = {
        "mean": f"expected {response}",
        "response": f"a new observation of {response if fit.design.categories else spec.response}{seen_in_words(spec)}",
        "probability": f"probability of each category of {spec.response}",
        "linear": f"linear predictor of {spec.response} (scale: {fit.design.mu.link.name})",
    }.get(kind, f"parameter {kind}")
    block = fit.design.residual
    new = f" with a new residual, correlated within {block.name}" if kind == "response" and block is not None else ""
    new += " and given those of the fit" * given
    return f"{what}{new}{_say_groups(modes)}"


def _say_groups(modes: Mapping[str, str]) -> str:
    where = [
        f"{', '.join(n for n, m in modes.items() if m == mode)}: {MODES[mode]}"
        for mode in dict.fromkeys(modes.values())
    ]
    return f"; {', '.join(where)}" if where else ""
