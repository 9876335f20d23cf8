"""Replicates: responses that a model predicts for the rows of its fit."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from bayesmixed.design.design import Design
from bayesmixed.draws.kept import with_effects
from bayesmixed.draws.linear_predictors import covariances_at_centre, is_linear, thin
from bayesmixed.draws.pieces import refuse_large, split_draws
from bayesmixed.draws.residual_draws import draw_responses
from bayesmixed.draws.tree import label_responses
from bayesmixed.errors import SpecError, did_you_mean
from bayesmixed.families.links import Array
from bayesmixed.families.multinomial import as_responses
from bayesmixed.fits.fitting import Fit
from bayesmixed.gauss_hermite import ADAPTIVE_NODES
from bayesmixed.integration.averages import average_moments
from bayesmixed.prediction.predictions import MODES, predict_fit, predict_rows, seen_in_words
from bayesmixed.terms.weights import refuse_weights

ACCEPTED = ("existing", "new")
_LARGEST = 1e12
_UNKNOWN = np.array(np.nan)


@dataclass(frozen=True, slots=True)
class Replicates:
    """What some draws imply for the rows of a fit; arrays (chain, draw, row), or with a last axis of 1.

    Attributes
    ----------
    values : mapping
        Parameters of the family on their natural scale, new effects drawn.
    response : (chain, draw, row) array
        New observations.
    expected, variance : array
        Moments of the response, new effects integrated out; NaN if not asked for.
    """

    values: Mapping[str, Array]
    response: Array
    expected: Array
    variance: Array


@dataclass(frozen=True, slots=True)
class Together:
    """What replicates of one response have in common with those of others that were drawn with them.

    Attributes
    ----------
    effects : mapping
        New effects at the centre of all levels, (chain, draw, J, K), by parameter and factor.
    residuals : (chain, draw, row) array or None
        Of normal responses, in units of their SD.
    """

    effects: Mapping[tuple[str, str], Array]
    residuals: Array | None = None

    def some(self, draws: slice) -> "Together":
        """Return those of some draws."""
        effects = {key: values[:, draws] for key, values in self.effects.items()}
        return Together(effects, None if self.residuals is None else self.residuals[:, draws])


ALONE = Together({})


def replicate_fit(
    fit: Fit,
    *,
    groups: str | Mapping[str, str] = "existing",
    draws: int | None = None,
    seed: int | None = None,
    together: Together = ALONE,
) -> xr.Dataset:
    """Return replicates of one response, see `posterior_predictive` (SpecError)."""
    modes = choose_groups(fit.design, groups)
    posterior = replicated_draws(fit, modes, draws)
    each = len(fit.design.categories) if fit.design.family.counted else 1
    refuse_large(posterior, fit.design.rows * each, "Replicates")
    made, start = np.empty(0), 0
    for piece in replicate(fit, groups=groups, draws=draws, seed=seed, together=together):
        if not made.size:
            shape = (posterior.sizes["chain"], posterior.sizes["draw"], fit.design.rows)
            made = np.empty(shape, dtype=piece.response.dtype)
        stop = start + piece.response.shape[1]
        made[:, start:stop], start = piece.response, stop
    response = label_responses(fit.design, made, chain=posterior["chain"].values, draw=posterior["draw"].values)
    return xr.Dataset({fit.design.response_name: response}, attrs={"estimand": describe(fit.design, modes)})


def replicate(
    fit: Fit,
    *,
    groups: str | Mapping[str, str] = "existing",
    draws: int | None = None,
    seed: int | None = None,
    moments: bool = False,
    together: Together = ALONE,
) -> Iterator[Replicates]:
    """Yield the replicates of `posterior_predictive`, some draws at a time, with the parameters behind them; `together` has what
    was drawn with other responses.

    `moments` asks for means and variances too; see `knows_moments`.
    """
    modes = choose_groups(fit.design, groups)
    posterior = replicated_draws(fit, modes, draws)
    generator, start = np.random.default_rng(seed), 0
    for piece in split_draws(posterior, fit.design.rows, 4):
        own = together.some(slice(start, start + piece.sizes["draw"]))
        start += piece.sizes["draw"]
        some = replace(fit, draws=xr.DataTree.from_dict({"posterior": piece}))
        yield _replicate(some, modes, generator, moments, own)


def choose_groups(design: Design, groups: str | Mapping[str, str]) -> dict[str, str]:
    """Return for every grouping factor whether its effects are those of the fit or drawn anew.

    Raises
    ------
    SpecError
        No such factor or mode.
    """
    blocks = {group.name: group for _, group in design.group_blocks()}
    wish = {} if isinstance(groups, str) else dict(groups)
    for name, mode in [*wish.items(), *([("", groups)] if isinstance(groups, str) else [])]:
        if name and name not in blocks:
            raise SpecError(f"groups names '{name}', which is not a grouping factor. {did_you_mean(name, blocks)}")
        if mode not in ACCEPTED:
            raise SpecError(f"groups='{mode}' cannot make replicates. {did_you_mean(mode, ACCEPTED)}")
    default = groups if isinstance(groups, str) else "existing"
    return {name: wish.get(name, "new" if group.residual else default) for name, group in blocks.items()}


def strangers(design: Design, groups: str | Mapping[str, str]) -> tuple[str, ...]:
    """Return the grouping factors whose effects are drawn anew, those of single rows left out."""
    modes = choose_groups(design, groups)
    return tuple(g.name for _, g in design.group_blocks() if modes[g.name] == "new" and not g.residual)


def describe(design: Design, modes: Mapping[str, str]) -> str:
    """Return in words what is replicated: "replicates of y; herd: the groups of the fit"."""
    rows = {group.name for _, group in design.group_blocks() if group.residual}
    words = {name: "new effects" if mode == "new" and name in rows else MODES[mode] for name, mode in modes.items()}
    response = f"{design.spec.response}{seen_in_words(design.spec)}"
    response += "" if design.residual is None else f", residuals correlated within {design.residual.name}"
    return f"Replicates of {response}{''.join(f'; {name}: {word}' for name, word in words.items())}"


def knows_moments(design: Design, modes: Mapping[str, str]) -> bool:
    """Return whether the moments of replicates are known: new effects enter the first parameter only, and no limits of rows
    change them."""
    return not design.family.limited and all(
        predictor is design.mu or modes[group.name] == "existing" for predictor, group in design.group_blocks()
    )


def observed_replicates(fit: Fit, groups: str | Mapping[str, str], draws: int | None, seed: int | None) -> Array:
    """Return all replicates of the rows of a fit as they would have been observed, (S, n)."""
    pieces = [piece.response for piece in replicate(fit, groups=groups, draws=draws, seed=seed)]
    made = np.concatenate(pieces, axis=1)
    return as_observed(fit.design, made.reshape(-1, made.shape[-1]))


def as_observed(design: Design, response: Array) -> Array:
    """Return replicates (..., n) as they would have been observed: censored as the data are.

    Raises
    ------
    SpecError
        Rows are censored, and it is not known at which limit the others would have been.
    """
    if design.observed.limits is None:
        return response
    found = common_limits(design)
    if found is None:
        raise SpecError(
            f"Replicates cannot be censored as the data are ({design.observed.limits_text}): at which limit the other rows would "
            "have been censored is not known. bm.check_residuals(fit), bm.plot_residuals(fit) and "
            "bm.plot_posterior_checks(fit, kind='pit') judge the model without that."
        )
    return np.clip(response, *found)


def common_limits(design: Design) -> tuple[float, float] | None:
    """Return the limits at which all rows would have been censored, infinite where none are; None where rows differ in
    them."""
    if design.observed.limits is None:
        return -np.inf, np.inf
    y, sides = np.asarray(design.response, dtype=float), design.observed.censored_sides
    known = np.isnan(design.observed.limits[0])
    bottom, top = (*np.unique(y[sides["left"]]),) or (-np.inf,), (*np.unique(y[sides["right"]]),) or (np.inf,)
    one = len(top) == len(bottom) == 1 and not np.any(sides["interval"])
    seen = y[known]
    return (bottom[0], top[0]) if one and np.all(seen <= top[0]) and np.all(seen >= bottom[0]) else None


def replicated_draws(fit: Fit, modes: Mapping[str, str], draws: int | None) -> xr.Dataset:
    """Return the draws to replicate from: the thinned ones where effects are needed of which no others are kept."""
    needed = [predictor.b(group) for predictor, group in fit.design.group_blocks() if modes[group.name] == "existing"]
    return thin(with_effects(fit.draws, needed), draws)


def _replicate(
    fit: Fit, modes: Mapping[str, str], generator: np.random.Generator, moments: bool, together: Together
) -> Replicates:
    design, posterior = fit.design, fit.posterior
    refuse_weights(design.spec.weights, "A replicate of the data")
    seed = int(generator.integers(2**62))
    values: dict[str, Array] = {name: v.values[..., None] for name, v in design.scalar_draws(posterior).items()}
    with np.errstate(over="ignore"):
        for name in design.predictors:
            options: dict[str, Any] = {"groups": modes, "draws": None, "seed": seed, "drawn": together.effects}
            drawn = predict_rows(fit, None, kind=name, **options)[name].values
            values[name] = np.clip(drawn, *_reach(design, name))
        if together.residuals is None:
            shape = (posterior.sizes["chain"], posterior.sizes["draw"], design.rows)
            response = as_responses(draw_responses(design, posterior, values, shape, generator))
        else:
            response = values[design.family.first] + values[str(design.family.scale)] * together.residuals
        values = design.in_rows(values)
        expected, variance = _moments(fit, modes, values) if moments else (_UNKNOWN, _UNKNOWN)
    return Replicates(values, response, expected, variance)


def _reach(design: Design, name: str) -> tuple[float, float]:
    """Return the limits to which parameters are clipped before drawing, in units of the largest response where it has
    its unit.

    Wide priors on a log scale exceed what NumPy can draw counts from.
    """
    size = 1.0 if design.family.counted else float(np.max(np.abs(np.asarray(design.response, dtype=float)))) or 1.0
    largest = _LARGEST * size ** design.family.parameter(name).power
    return -largest, largest


def _moments(fit: Fit, modes: Mapping[str, str], values: Mapping[str, Array]) -> tuple[Array, Array]:
    """Return mean and variance of every row: E E(y|b) and E Var(y|b) + Var E(y|b) over the new effects b."""
    design, family = fit.design, fit.design.family
    fresh = [group for group in design.mu.groups if modes[group.name] == "new"]
    if not fresh:
        return family.mean(values, design.trials), family.variance(values, design.trials)
    settled = {name: "typical" if mode == "new" else mode for name, mode in modes.items()}
    eta = predict_fit(fit, groups=settled, kind="linear")["linear"].values
    linear = is_linear(design, design.mu)
    spread = sum(
        group.variance(covariances_at_centre(design.mu, group, fit.posterior, moments=linear)) for group in fresh
    )

    sd = np.sqrt(spread)

    def inside(scores: Array) -> dict[str, Array]:
        return {**values, design.mu.parameter: design.mu.link.inverse(eta + sd * scores[0])}

    mean, between, within = average_moments(family, inside, design.trials, 1, ADAPTIVE_NODES[1])
    return mean, between + within
