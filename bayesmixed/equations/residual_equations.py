"""Correlated residuals in equations: the correlation of two rows of a group, and the default priors of its parameters."""

from collections.abc import Iterator, Mapping

import numpy as np

from bayesmixed.equations.outline import Outline, StatedPrior, state_prior
from bayesmixed.equations.symbols import Equation, Expression, Symbol
from bayesmixed.parameter_keys import ParameterKey, VariableNames
from bayesmixed.prior_distributions import Prior
from bayesmixed.terms.covariances import COVARIANCES
from bayesmixed.terms.residual_blocks import CORRELATIONS
from bayesmixed.terms.residual_correlations import RESIDUAL, Residual
from bayesmixed.terms.residual_rows import TAILS

_WIDTH = 3
"""Number of columns at which priors are looked at that do not depend on it."""
_SYMBOLS = {one.name: one.symbol for record in COVARIANCES.values() for one in record.parameters}


def list_residual(outline: Outline) -> Iterator[Equation]:
    """Yield the correlation of two rows of a group, and what it means."""
    residual = outline.residual
    if residual is None:
        return
    record = residual.record
    between = f"rows k, l of one {residual.name}; those of others are independent"
    left = Expression("call", (Symbol("epsilon", index="k"), Symbol("epsilon", index="l")), "Cor")
    tails = "; together multivariate t" if TAILS in [one.name for one in outline.family.parameters] else ""
    at = "" if residual.place == "1" else f" of {residual.place}"
    if not record.parameters:
        symbol = Symbol("r", label=RESIDUAL, index="|k-l|") if record.lags else Symbol("R", label=RESIDUAL, index="kl")
        partial = "; priors are of partial correlations" if record.lags else ""
        places = f"steps{at}" if record.lags else f"values{at}"
        yield Equation(left, "=", symbol, f"{between}; k, l are {places}{partial}{tails}")
        return
    symbols = tuple(Symbol(one.symbol, label=RESIDUAL) for one in record.parameters)
    note = record.note.replace("k, l in steps", f"k, l in steps{at}").replace("distances of times", f"distances{at}")
    yield Equation(left, "=", Expression("link", symbols, record.formula), f"{between}; {note}{tails}")


def residual_symbol(key: str) -> Symbol | None:
    """Return the symbol of a parameter of correlated residuals by the key of its prior, None for any other key."""
    if key == CORRELATIONS:
        return Symbol("R", label=RESIDUAL)
    name, _, rest = key.rpartition("_")
    lag = name.removeprefix("pacf")
    if rest == RESIDUAL and lag != name:
        return Symbol("rho", number=lag, label=RESIDUAL)
    return Symbol(_SYMBOLS[name], label=RESIDUAL) if rest == RESIDUAL and name in _SYMBOLS else None


def state_residual(residual: Residual | None, priors: Mapping[str, Prior]) -> dict[str, StatedPrior]:
    """Return the priors of correlated residuals by the names of the draws: the user's, else the rule of the default."""
    if residual is None:
        return {}
    record, names = residual.record, VariableNames("")
    found: dict[str, StatedPrior] = {}
    for one in record.parameters:
        key = names.structure(one.name, RESIDUAL)
        if one.prior_text:
            words = (Symbol(one.prior_text, word=True),)
            found[key] = StatedPrior("LogNormal", words, one.meaning)
        else:
            prior = one.prior(np.arange(float(_WIDTH))[:, None])
            found[key] = state_prior(prior, one.meaning.replace("columns", "rows"), "default")
    if record.lags:
        key = ParameterKey(f"pacf1_{RESIDUAL}")
        found[key] = StatedPrior("Normal", (Symbol("0"), Symbol("0.5")), "each partial correlation, of all lags")
    if record.correlated(_WIDTH):
        found[CORRELATIONS] = StatedPrior("LKJ", (Symbol("max(1, 3 - K/2)", word=True),), "correlations of K visits")
    stated = {key: state_prior(priors[key], "", "user") for key in found if key in priors}
    return found | stated
