"""Priors with two stated quantiles: of a share, of an SD, and of what these imply in a model."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import optimize, special

from bayesmixed.design.default_priors import group_unit
from bayesmixed.design.design import Design
from bayesmixed.design.prior_draws import PriorDraws, draw_priors
from bayesmixed.design.realised_splits import effect_parts, has_residual
from bayesmixed.errors import SpecError
from bayesmixed.families.links import Array
from bayesmixed.joint_priors import VARIANCE, VarianceSplit
from bayesmixed.parameter_keys import ParameterKey
from bayesmixed.prior_distributions import Prior
from bayesmixed.prior_texts import as_prior
from bayesmixed.summaries.priors.implications import latent_variances

Interval = tuple[float, float]
_FEW_DRAWS, _DIGITS = 1000, 4


def fit_beta(low: float, high: float, tails: Interval) -> tuple[float, float]:
    """Return the Beta distribution with two quantiles."""

    def miss(logs: Array) -> Array:
        return special.logit(special.betainc(*np.exp(logs), [low, high])) - special.logit(tails)

    centre, spread = np.mean(special.logit([low, high])), np.diff(special.logit([low, high]))[0]
    size = (2.0 * special.ndtri(tails[1]) / spread) ** 2 / (special.expit(centre) * special.expit(-centre))
    start = np.log(np.maximum(size * np.array([special.expit(centre), special.expit(-centre)]), 0.1))
    a, b = np.exp(optimize.least_squares(miss, start, xtol=1e-12, ftol=1e-12).x)
    return float(a), float(b)


def fit_gamma(low: float, high: float, tails: Interval) -> tuple[float, float]:
    """Return the Gamma distribution, shape and rate, with two quantiles."""

    def miss(log_shape: float) -> float:
        quantiles = special.gammaincinv(np.exp(log_shape), tails)
        return float(np.log(quantiles[1]) - np.log(np.maximum(quantiles[0], 1e-300)) - np.log(high / low))

    widest, narrowest = np.log(1e-2), np.log(1e6)
    if miss(narrowest) > 0.0:
        raise SpecError(
            "The interval is too narrow for a Gamma distribution of the SD. Give a wider one, or fix the SD by a number."
        )
    shape = float(np.exp(optimize.brentq(miss, widest, narrowest)))
    return shape, float(special.gammaincinv(shape, tails[1]) / high)


def _gamma_text(shape: float, rate: float) -> str:
    return f"Gamma({shape:.{_DIGITS}g}, {rate:.{_DIGITS}g})"


def _key_of(design: Design, name: str) -> str:
    """Return the key of the SD of a factor with one column."""
    group = next(group for group in design.mu.groups if group.name == name)
    if group.heavy:
        raise SpecError(f"The effects of '{name}' have a t distribution, and elicit finds the SD of normal ones.")
    if group.width > 1:
        raise SpecError(
            f"'{name}' has {group.width} effects for each level, and elicit finds the prior of one SD. State theirs by hand; "
            "bm.prior_table shows what they imply."
        )
    stated = ParameterKey.read(design.mu.sd_keys(group)[0]).match(design.spec.priors)
    if stated is not None:
        raise SpecError(f"Prior for '{stated}' is stated already, and elicit finds it: leave it out.")
    return design.mu.sd(group)


def r2_prior(asked: Interval, tails: Interval) -> dict[str, str]:
    """Return the joint prior of coefficients whose R2 has an interval."""
    a, b = fit_beta(*asked, tails)
    return {VARIANCE: f"R2D2M2(R2=Beta({a:.{_DIGITS}g}, {b:.{_DIGITS}g}))"}


def ratio_priors(design: Design, asked: Mapping[str, Interval], tails: Interval) -> dict[str, str]:
    """Return Gamma distributions of SDs under which the typical ratios between two levels have intervals."""
    if not design.mu.link.ratio:
        raise SpecError(
            f"ratio: groups differ by an amount under link '{design.mu.link.name}', not by a ratio; state icc=(0.1, 0.6)."
        )
    found = {}
    for name, interval in asked.items():
        group = next(group for group in design.mu.groups if group.name == name)
        low, high = np.log(interval) / group.typical_difference
        found[_key_of(design, name)] = _gamma_text(*fit_gamma(low, high, tails))
    return found


def icc_priors(design: Design, asked: Mapping[str, Interval], tails: Interval, total: Any) -> dict[str, str]:
    """Return the prior under which intraclass correlations have intervals: a split of the variance where there is one
    residual SD, else Gamma distributions of SDs given all other priors."""
    if has_residual(design):
        return _shares(design, asked, tails, total)
    keys = {name: _key_of(design, name) for name in asked}
    draws = draw_priors(design, _FEW_DRAWS)
    generator = np.random.default_rng(1)
    levels = {name: (generator.permutation(_FEW_DRAWS) + 0.5) / _FEW_DRAWS for name in asked}
    groups = {group.name: group for group in design.mu.groups}
    column = {name: design.mu.sd_keys(groups[name])[0] for name in asked}
    _, residual = latent_variances(draws)
    middle = float(np.median(residual))

    def miss(logs: Array) -> Array:
        for name, (shape, rate) in zip(asked, np.exp(logs).reshape(-1, 2), strict=True):
            draws.values[column[name]] = np.maximum(special.gammaincinv(shape, levels[name]) / rate, 1e-12)
        found = draw_iccs(draws, list(asked))
        ends = [special.logit(np.quantile(found[name], tails)) - special.logit(asked[name]) for name in asked]
        return np.concatenate(ends)

    ends = np.array(list(asked.values()))
    lows, highs = np.sqrt(middle * ends / (1.0 - ends)).T
    starts = [fit_gamma(float(low), float(high), tails) for low, high in zip(lows, highs, strict=True)]
    found = np.exp(optimize.least_squares(miss, np.log(starts).ravel(), diff_step=1e-3, xtol=1e-5, max_nfev=30).x)
    return {keys[name]: _gamma_text(*pair) for name, pair in zip(asked, found.reshape(-1, 2), strict=True)}


def _shares(design: Design, asked: Mapping[str, Interval], tails: Interval, total: Any) -> dict[str, str]:
    """Return the split of the variance whose shares have the intervals; parts without one have equal numbers."""
    names = [*(part.name for part in effect_parts(design, design.priors)), str(design.family.scale)]
    if design.mu.curves:
        raise SpecError("icc: smooths would have a share of the variance too; state the VarianceSplit by hand.")
    others = [name for name in names if name not in asked]

    def numbers(logs: Array) -> dict[str, float]:
        values = np.exp(logs)
        return dict(zip(asked, values[:-1], strict=True)) | dict.fromkeys(others, values[-1])

    def miss(logs: Array) -> Array:
        shares = numbers(logs)
        whole = sum(shares.values())
        own = [special.betainc(shares[name], whole - shares[name], asked[name]) for name in asked]
        return np.concatenate([special.logit(np.clip(one, 1e-12, 1 - 1e-12)) - special.logit(tails) for one in own])

    fits = [fit_beta(*pair, tails) for pair in asked.values()]
    rest = np.mean([b for _, b in fits]) / len(others)
    start = np.log([*(a for a, _ in fits), rest])
    shares = numbers(optimize.least_squares(miss, start, xtol=1e-12, ftol=1e-12).x)
    rounded = tuple(float(f"{shares[name]:.{_DIGITS}g}") for name in names)
    unit = float(f"{group_unit(design, design.mu):.{_DIGITS}g}")
    whole = Prior(name="HalfStudentT", arguments=(4.0, unit)) if total is None else as_prior(total, "total")
    split = VarianceSplit(total=whole, shares=rounded, names=tuple(names))
    return {VARIANCE: split.to_text()}


def draw_iccs(draws: PriorDraws, names: list[str]) -> dict[str, Array]:
    """Return prior draws of the intraclass correlation of each factor, (S,)."""
    variances, residual = latent_variances(draws)
    whole = residual + sum(variances.values())
    return {name: np.asarray(variances[name] / whole) for name in names}
