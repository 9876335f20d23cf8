"""Half-normal scores with simulated envelopes, of rows and of the effects of groups."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import special

from bayesmixed.arguments import takes_drawn_values
from bayesmixed.cross_validation.left_out_units import LeftOutUnits, condition, situate
from bayesmixed.cross_validation.row_densities import distribution_at, row_logs, row_values
from bayesmixed.cross_validation.units import find_units
from bayesmixed.design.design import Design
from bayesmixed.design.independent_levels import with_independent_levels
from bayesmixed.display.pages import Page, Section
from bayesmixed.draws.kept import posterior_means
from bayesmixed.draws.linear_predictors import effect_root
from bayesmixed.errors import SpecError, check_choice, did_you_mean
from bayesmixed.estimation.quasi_likelihood import quasi_likelihood_mode
from bayesmixed.families.links import Array
from bayesmixed.families.records import refuse_categories, refuse_counts
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.selection import find_group, some_draws
from bayesmixed.integration.layers import Layer, Source
from bayesmixed.integration.nested_quadrature import average, check_layers, moments
from bayesmixed.prediction.replicates import replicate_fit
from bayesmixed.summaries.checks.bands import simulated_band, uniform_band
from bayesmixed.summaries.checks.left_out import below
from bayesmixed.summaries.checks.quantile_residuals import SEED, quantile_of, residuals

ROW = "row"
REPLICATES = 99
_LEAST_SHARE = 0.01
ENVELOPES = {
    "exact": "leave-one-out residuals; band of half-normal order statistics",
    "refit": "plug-in residuals; each replicate is refitted quickly, as the data are",
    "simulated": "predicted effects; effects and responses are simulated at draws of the parameters",
}


@dataclass(frozen=True, slots=True, repr=False)
class HalfNormal(Page):
    """Ordered absolute residuals beside what the model expects.

    Attributes
    ----------
    level : str
        "row" or the grouping factor.
    envelope : str
        How the band was made, in words.
    table : pandas.DataFrame
        One row per residual, smallest first: label, score, value (absolute residual), lower, upper (95 % pointwise),
        lower_all, upper_all (95 % for all at once).
    """

    level: str
    envelope: str
    table: pd.DataFrame

    @property
    def outside(self) -> float:
        """Share of the residuals outside the pointwise band; about 0.05 if the model is right."""
        return _share_outside(self.table, "lower", "upper")

    @property
    def adequate(self) -> bool:
        """Whether all residuals lie inside the simultaneous band; False for at most 5 % of right models."""
        return _share_outside(self.table, "lower_all", "upper_all") == 0.0

    def sections(self) -> list[Section]:
        """Return the sections of the page."""
        verdict = "all inside" if self.adequate else "some outside"
        share = f"{100 * self.outside:.0f} % outside the pointwise band (about 5 % expected)"
        said = f"Half-normal plot, level {self.level}: {verdict} the simultaneous band; {share}."
        return [Section(before=(f"{said} Scores: {self.envelope}.",))]


@takes_drawn_values(tables="no")
def half_normal(
    fit: Fit,
    *,
    level: str = ROW,
    envelope: str = "exact",
    effect: str | None = None,
    groups: str = "new",
    seed: int = SEED,
) -> HalfNormal:
    """Return half-normal scores with an envelope, of any family.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    level : str
        "row", or a grouping factor: its predicted effects, each divided by the sd that it has if the model is right.
    envelope : {"exact", "refit"}
        For rows. "exact": residuals on leave-one-out predictions are standard normal under the model, up to dependence.
        "refit": parameters are drawn from the posterior, responses from the model, each is refitted quickly, and
        residuals of data and replicates are computed in the same way (as in Moral, Hinde & Demetrio 2017, J Stat Softw
        81(10)).
    effect : str, optional
        Column of the group term; the first one if not given.
    groups : {"new", "existing"}
        Whether replicates for "refit" have new group effects.
    seed : int
        For everything random.

    Raises
    ------
    SpecError
        No such level, envelope or effect; a model too large to be refitted quickly.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> scores = bm.half_normal(fit, level="herd")
    >>> len(scores.table), scores.adequate
    (15, True)
    """
    if level != ROW:
        fit.design.needs_independence("A half-normal plot of effects")
        return _of_group(fit, level, effect, seed)
    check_choice("envelope={}", envelope, ("exact", "refit"))
    if envelope == "refit":
        fit.design.needs_independence("An envelope of refits")
    labels = fit.design.table.data.index
    refuse_counts(fit.design.family, "A half-normal plot of rows")
    if envelope == "exact":
        found = np.abs(residuals(fit, seed=seed)["residual"].to_numpy())
        bands = [_half(bound) for both in (False, True) for bound in uniform_band(len(found), simultaneous=both)]
        return HalfNormal(ROW, ENVELOPES["exact"], _table(found, labels, bands))
    refuse_categories(fit.design.family, "An envelope of refits")
    replicates = replicate_fit(fit, groups=groups, draws=REPLICATES, seed=seed)[fit.design.response_name]
    responses = replicates.values.reshape(-1, fit.design.rows)
    generator = np.random.default_rng(seed)
    found, *simulated = (
        np.abs(_plug_in_residuals(fit, y, generator)) for y in (np.asarray(fit.design.response), *responses)
    )
    bands = _simulated_bands(found, np.asarray(simulated))
    text = f"{ENVELOPES['refit']}; {len(simulated)} replicates, {groups} group effects"
    return HalfNormal(ROW, text, _table(found, labels, bands))


def half_normal_scores(n: int) -> Array:
    """Return Phi^-1((i + n - 1/8) / (2n + 1/2)), the expected half-normal order statistics, (n,)."""
    return np.asarray(special.ndtri((np.arange(1, n + 1) + n - 0.125) / (2.0 * n + 0.5)))


def _plug_in_residuals(fit: Fit, y: Array, generator: np.random.Generator) -> Array:
    """Return quantile residuals of a response at the quick mode of its own refit; row effects are integrated out."""
    design = with_independent_levels(fit.design.with_response(y))
    mode = quasi_likelihood_mode(design)
    if mode is None:
        raise SpecError("This model is too large to be refitted quickly; use envelope='exact'.")
    mu = design.mu
    known = condition(fit.design.with_response(y), posterior_means(fit.draws).expand_dims(("chain", "draw")))
    eta = mu.offset + mu.centred_matrix @ mode.beta
    own, names = np.zeros(len(y)), tuple[str, ...]()
    for block in mu.normal_blocks:
        if block.single:
            own, names = np.full(len(y), float(mode.sds[block.name][0])), (block.name,)
        else:
            eta = eta + block.contribution(mode.effects[block.name])
    scalars = {name: np.reshape(mode.values[name], (1, 1)) for name in design.scalars}
    rows = np.arange(len(y))
    layers = (Layer(rows, (Source(mu.parameter, own[None, :, None]),), names),) if names else ()
    plugged = LeftOutUnits(design, rows, rows, known.etas | {mu.parameter: eta[None]}, scalars, layers)
    what = distribution_at(plugged, np.stack([y, below(y)]), rows)
    upper, lower = average(row_logs(plugged, 0.0), plugged.etas, layers, what)[:, 0]
    return quantile_of(lower + generator.uniform(size=len(y)) * (upper - lower))


def _of_group(fit: Fit, level: str, effect: str | None, seed: int) -> HalfNormal:
    predictor, group = find_group(fit, level)
    if effect is not None and effect not in group.labels:
        raise SpecError(
            f"effect='{effect}' does not vary between levels of '{level}'. {did_you_mean(effect, group.labels)}"
        )
    if len(group.levels) == fit.design.rows:
        raise SpecError(f"'{level}' has one row per level: its effects are residuals. Use level='row'.")
    column = 0 if effect is None else group.labels.index(effect)
    posterior = some_draws(fit, REPLICATES)
    units_out = situate(fit.design, posterior, find_units(fit.design, level))
    check_layers(units_out.layers)
    root = group.transform @ effect_root(fit.design, predictor, group, posterior)
    direction = root.reshape(-1, *root.shape[2:])[:, column]
    found = np.abs(_standardised(units_out, direction, group.name).mean(axis=0))
    repeated = replace(units_out, design=_simulate(units_out, np.random.default_rng(seed)))
    simulated = np.abs(_standardised(repeated, direction, group.name))
    bands = _simulated_bands(found, simulated)
    text = f"{ENVELOPES['simulated']}; {len(simulated)} replicates, {group.labels[column]} of {level}"
    return HalfNormal(level, text, _table(found, pd.Index(group.levels), bands))


def _standardised(units_out: LeftOutUnits, direction: Array, name: str) -> Array:
    """Return E(b | y, theta) / sqrt(tau^2 - Var(b | y, theta)) of every level, (S, J); standard normal in normal models.

    Where the likelihood is not log-concave, some data make the variance larger than tau^2; in data and replicates alike
    the difference is therefore taken to be at least tau^2 / 100.
    """
    outer = units_out.layers[0]
    place = outer.names.index(name)
    start = sum(source.width for source in outer.sources[:place])
    own = slice(start, start + direction.shape[-1])
    mean, covariance = moments(row_logs(units_out), units_out.etas, units_out.layers)
    predicted = np.einsum("sk,sjk->sj", direction, mean[..., own])
    variance = np.einsum("sk,sjkl,sl->sj", direction, covariance[..., own, own], direction)
    whole = np.sum(direction**2, axis=-1)[:, None]
    return np.asarray(predicted / np.sqrt(np.maximum(whole - variance, _LEAST_SHARE * whole)))


def _simulate(units_out: LeftOutUnits, generator: np.random.Generator) -> Design:
    """Return the design with a response for each draw, (S, n): all effects of the units new, all others kept."""
    etas = dict(units_out.etas)
    for layer in units_out.layers:
        for source in layer.sources:
            shape = (len(source.loadings), int(layer.index.max()) + 1, source.width)
            source.move(etas, generator.standard_normal(shape), layer.index)
    design = units_out.design
    shape = next(iter(etas.values())).shape
    response = design.family.random(generator, row_values(units_out, etas), design.trials, shape)
    return design.with_response(response)


def _table(values: Array, labels: pd.Index, bands: list[Array]) -> pd.DataFrame:
    order = np.argsort(values)
    names = ("lower", "upper", "lower_all", "upper_all")
    columns = {"label": labels[order], "score": half_normal_scores(len(values)), "value": values[order]}
    return pd.DataFrame(columns | dict(zip(names, bands, strict=True)))


def _simulated_bands(found: Array, simulated: Array) -> list[Array]:
    """Return the pointwise and the simultaneous band of data, (n,), and replicates, (R, n)."""
    ordered = np.sort(np.vstack([found, simulated]), axis=1)
    bounds = [bound for both in (False, True) for bound in simulated_band(ordered, simultaneous=both)]
    return [np.maximum(bound, 0.0) for bound in bounds]


def _half(probability: Array) -> Array:
    """Return quantiles of the absolute value of a standard normal."""
    return np.asarray(special.ndtri(0.5 + 0.5 * probability))


def _share_outside(table: pd.DataFrame, lower: str, upper: str) -> float:
    return float(np.mean((table["value"] < table[lower]) | (table["value"] > table[upper])))
