"""Joint priors of variances, realised on a design: which parts have a share, and what is refused."""

from collections.abc import Iterable, Mapping

import numpy as np

from bayesmixed.design.design import Design, RealisedPrior
from bayesmixed.design.variance_parts import Part
from bayesmixed.design.variance_splits import SplitOnData, part_prior
from bayesmixed.errors import SpecError, did_you_mean, enumerate_words
from bayesmixed.joint_priors import KEYS, VARIANCE, SharedVariance, VarianceSplit
from bayesmixed.parameter_keys import ParameterKey


def split_priors(design: Design, priors: Mapping[str, RealisedPrior]) -> dict[str, RealisedPrior]:
    """Return the priors of a design with those of SDs that have shares in a variance in place of their own.

    Parameters
    ----------
    priors : mapping
        All others, realised.

    Raises
    ------
    SpecError
        The shares are not those of the parts of the model, there is one part only, or an SD has a prior of its own as well.
    """
    stated = design.spec.priors.get(VARIANCE)
    if not isinstance(stated, VarianceSplit):
        return dict(priors)
    parts = [*effect_parts(design, priors), *_residual(design)]
    _check(design, stated, parts)
    split = SplitOnData(stated.total, match_shares(stated, [part.name for part in parts]), tuple(parts))
    found = dict(priors)
    for part in parts:
        for key in part.keys:
            found[key] = RealisedPrior(part_prior(split, key), "user", priors[key].about)
    return found


def match_shares(stated: SharedVariance, names: list[str]) -> tuple[float, ...]:
    """Return the numbers of the shares in the order of the parts, given their names.

    Raises
    ------
    SpecError
        They are not as many, or have other names.
    """
    if stated.names:
        unknown = [name for name in stated.names if name not in names]
        if unknown:
            raise SpecError(f"Prior for '{VARIANCE}': no part '{unknown[0]}'. {did_you_mean(unknown[0], names)}")
        absent = [name for name in names if name not in stated.names]
        if absent:
            raise SpecError(f"Prior for '{VARIANCE}' names no share of {enumerate_words(absent)}.")
        return tuple(stated.shares[stated.names.index(name)] for name in names)
    if len(stated.shares) != len(names):
        raise SpecError(
            f"Prior for '{VARIANCE}' has {len(stated.shares)} shares, and the model {len(names)} parts: "
            f"{enumerate_words(names, most=20)}."
        )
    return stated.shares


def effect_parts(design: Design, priors: Mapping[str, RealisedPrior]) -> list[Part]:
    """Return the terms of effects of the first parameter in the order in which they stand."""
    predictor = design.mu
    names = dict.fromkeys(term.name for term in (design.spec.terms_of(predictor.parameter) or ()))
    blocks = [block for block in map(predictor.block, names) if block is not None]
    found = []
    for block in blocks:
        if block.tied:
            raise SpecError(
                f"The effects of '{block.name}' are correlated with those on other parameters, which the joint prior "
                f"'{VARIANCE}' does not allow. Leave the letter between the bars out, or give the SDs priors of their own."
            )
        for part in block.structured:
            if part.structure is not None:
                raise SpecError(
                    f"The effects of '{block.name}' are {part.structure.covariance.text}, which the joint prior "
                    f"'{VARIANCE}' does not allow. Give the SDs priors of their own."
                )
        correlation = predictor.corr(block) if block.correlated else ""
        if correlation and priors[correlation].prior.name == "Fixed":
            raise SpecError(f"'{correlation}' is fixed by a number, which the joint prior '{VARIANCE}' does not allow.")
        concentration = priors[correlation].prior.arguments[0] if correlation else 0.0
        correlated = tuple((tuple(p.columns), concentration) for p in block.parts if p.correlated)
        moments = tuple(tuple(map(float, row)) for row in design.mean_products(block))
        found.append(Part(block.name, tuple(predictor.sd_keys(block)), moments, correlated, str(correlation)))
    return found


def _residual(design: Design) -> list[Part]:
    """Return the residual as a part, nothing where it has no share."""
    if has_residual(design):
        own = design.observed.scale_factor
        squared = 1.0 if own is None else float(np.sum(design.observed.row_shares * own**2))
        return [Part(str(design.family.scale), (str(design.family.scale),), ((squared,),))]
    return []


def has_residual(design: Design) -> bool:
    """Return whether there is one residual SD, in the unit of the effects."""
    return design.family.scale in design.numbers and design.mu.link.name == "identity" and not design.known_errors


def refuse_stated(design: Design, parts: Iterable[Part], joint: str) -> None:
    """Refuse priors that the user states of numbers which have the joint prior of a key (SpecError)."""
    others = [key for key in design.spec.priors if key not in KEYS]
    for key in (key for part in parts for key in part.keys):
        stated = ParameterKey.read(key)
        chosen = stated.match(others) or next(
            (
                other
                for other in others
                if stated.of_population
                and not ParameterKey.read(other).of_intercept
                and ParameterKey.read(other).variable == stated.variable
            ),
            None,
        )
        if chosen is not None:
            raise SpecError(
                f"Prior for '{chosen}': the joint prior '{joint}' is that of '{key}' already. Leave one of the two out."
            )


def _check(design: Design, stated: VarianceSplit, parts: list[Part]) -> None:
    refuse_stated(design, parts, VARIANCE)
    scale, residual = design.family.scale, has_residual(design)
    why = f"family '{design.family.name}' has no residual SD"
    if scale:
        why = f"'{scale}' {'has a predictor' if scale in design.predictors else 'is not on the scale of the link'}"
        why = "the standard errors of rows are known" if design.known_errors else why
    if len(parts) < 2:
        only = f"'{parts[0].name}' alone has a share" if parts else "no term has one"
        instead = f" Give a prior for '{parts[0].keys[0]}'." if parts else ""
        reason = "" if residual else f": {why}"
        raise SpecError(f"Prior for '{VARIANCE}' splits a variance into parts, and here {only}{reason}.{instead}")
    if not stated.names and len(stated.shares) == len(parts) + 1 and not residual:
        names = enumerate_words([part.name for part in parts], most=20)
        raise SpecError(
            f"Prior for '{VARIANCE}' has {len(stated.shares)} shares, and the model {len(parts)} parts, {names}: {why}."
        )
