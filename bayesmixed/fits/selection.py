"""What a user names of a fit: a grouping factor, and some of its draws."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from bayesmixed.design.design import Design
from bayesmixed.draws.kept import with_effects
from bayesmixed.draws.linear_predictors import thin
from bayesmixed.errors import SpecError, did_you_mean, enumerate_words
from bayesmixed.families.links import Array
from bayesmixed.families.records import refuse_categories
from bayesmixed.fits.fitting import Fit
from bayesmixed.preparation.latent_values import shifted
from bayesmixed.terms.blocks import GroupBlock
from bayesmixed.terms.predictors import Predictor


def draws_for(fit: Fit, modes: Mapping[str, str], draws: int | None) -> xr.Dataset:
    """Return the draws to predict from: the thinned ones where effects are needed of which no others are kept."""
    needed = [p.b(group) for p, group in fit.design.group_blocks() if modes[group.name] in ("existing", "any")]
    posterior = with_effects(fit.draws, needed)
    available = posterior.sizes["chain"] * posterior.sizes["draw"]
    if draws is not None and draws > available and posterior.sizes["draw"] < fit.posterior.sizes["draw"]:
        raise SpecError(
            f"draws={draws}, but of {enumerate_words(n for n in needed if n not in fit.posterior)} only {available} draws "
            'are kept. Ask for fewer, or fit again with bm.refit(fit, store="all").'
        )
    return thin(posterior, draws)


def refuse_tables(fit: Fit, what: str, instead: str, *, tables: str = "") -> None:
    """Refuse a fit without a single set of rows, where one is needed (SpecError); `tables` as in `takes_drawn_values`."""
    why = fit.why_refused(tables)
    if why:
        raise SpecError(f"{what} needs one set of rows, and {why}. {instead}")


def at_posterior_means(fit: Fit) -> Design:
    """Return the design with the posterior means of values that are drawn in its columns, or the means over imputed tables."""
    design, steps = fit.design, dict[str, Array]()
    if design.imputed is not None:
        tables, first = design.imputed.tables, design.table.data
        numbers = [str(name) for name in first if all(pd.api.types.is_float_dtype(table[name]) for table in tables)]
        steps = {name: np.mean([table[name] for table in tables], axis=0) - first[name] for name in numbers}
    steps |= {one.column: np.zeros(design.rows) for one in design.latent}
    for one in design.latent:
        mean = fit.posterior[one.imputed].mean(("chain", "draw")).values
        steps[one.column][one.missing] = mean - one.guess[one.missing]
    moved = shifted(design, steps) if steps else design
    return replace(design, table=moved.table, predictors=moved.predictors, latent=(), imputed=None)


def find_group(fit: Fit, name: str | None) -> tuple[Predictor, GroupBlock]:
    """Return the group term of the first parameter with that name, the first one for None; SpecError if absent."""
    refuse_categories(fit.design.family, "A term of one predictor")
    groups = {group.name: group for group in fit.design.mu.groups}
    return fit.design.mu, groups[choose_name(list(groups), name)]


def find_slope(fit: Fit, name: str, effect: str) -> tuple[Predictor, GroupBlock, int]:
    """Return the first term of a grouping factor, and which of its effects has that name; SpecError if none has."""
    predictor, block = next((p, group) for p, group in fit.design.group_blocks() if group.name == name)
    if effect not in block.labels:
        raise SpecError(f"'{effect}' does not vary between levels of '{name}'. {did_you_mean(effect, block.labels)}")
    return predictor, block, block.labels.index(effect)


def some_draws(fit: Fit, draws: int | None) -> xr.Dataset:
    """Return about `draws` posterior draws of all variables, effects of groups included; all if None."""
    return thin(with_effects(fit.draws, [p.b(block) for p, block in fit.design.group_blocks()]), draws)


def with_common_draws(fits: Mapping[str, Fit], chosen: Mapping[str, xr.Dataset]) -> dict[str, Fit]:
    """Return fits of the same chains that hold the same draws, given those to be used of each: of large effects not all are
    kept."""
    fewest = min(chosen.values(), key=lambda one: one.sizes["draw"])["draw"]
    found = dict(fits)
    for name, own in chosen.items():
        if any(one.sizes["draw"] > len(fewest) for one in chosen.values()):
            groups = {key: child.to_dataset() for key, child in fits[name].draws.children.items()}
            groups["posterior"] = own.sel(draw=fewest)
            found[name] = replace(fits[name], draws=xr.DataTree.from_dict(groups))
    return found


def find_factor(fit: Fit, name: str | None) -> str:
    """Return the named grouping factor, the first one for None; SpecError if the model has none."""
    return choose_name(fit.design.factors, name)


def choose_name(names: Sequence[str], name: str | None) -> str:
    """Return the grouping factor of a name, as results or as formulas write it; the first one for None (SpecError)."""
    if not names:
        raise SpecError("This needs a grouping factor: add a term such as (1 | group).")
    if name is None:
        return names[0]
    plain = name if name in names else name.replace("`", "")
    if plain not in names:
        raise SpecError(f"'{name}' is not a grouping factor. {did_you_mean(name, names)}")
    return plain
