"""Hypotheses: the posterior probability of a statement about the parameters."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from bayesmixed.arguments import pools
from bayesmixed.display.estimates import Estimates, Range, as_estimates, with_directions
from bayesmixed.draws.kept import with_effects
from bayesmixed.fits.fitting import Fit
from bayesmixed.formulas.notation import as_in_draws
from bayesmixed.summaries.marginal.expression_tails import expression_has_mean
from bayesmixed.summaries.marginal.expressions import evaluate_draws


@pools
def hypothesis(fit: Fit, statements: str | Sequence[str], *, rope: Range | None = None) -> Estimates:
    """Return the posterior probability of one or several statements about the parameters.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    statements : str or sequence of str
        Comparisons, "beta[Days] > 0", "-1 < beta[Days] < 1", or expressions without one, "sd_herd / sigma". Names are
        those of the draws, with labels in brackets: beta[period[T.2]], b_Subject[308, Days],
        corr_Subject[Intercept, Days]; + - * / ** and exp, log, sqrt, abs, logit, expit can be used.
    rope : (float, float), optional
        Range that is practically zero; the probability that the expression lies in it is then shown.

    Returns
    -------
    Estimates
        mean, sd (median, where one of them has no mean), lower, upper of the expression (a comparison: left minus right,
        in a < x < b the middle);
        probability that the statement holds; pd, the probability of the side of 0 that the expression lies on.
        "probability 0.98": given the model, its priors and the data the statement is true with probability .98.

    Raises
    ------
    SpecError
        A name or label does not exist, or the statement cannot be read.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> bm.hypothesis(fit, "beta[period[T.4]] < 0").table[["statement", "probability"]].round(2)
                   statement  probability
    0  beta[period[T.4]] < 0          1.0
    """
    texts = [statements] if isinstance(statements, str) else list(statements)
    blocks = [(p, block) for p in fit.design.predictors.values() for block in p.normal_blocks]
    read = [as_in_draws(text, [block.name for _, block in blocks], anywhere=True) for text in texts]
    names = [predictor.b(group) for predictor, group in fit.design.group_blocks()]
    posterior = with_effects(fit.draws, [name for name in names if any(name in text for text in read)])
    found = [evaluate_draws(text, posterior) for text in read]
    coords = {name: posterior[name] for name in ("chain", "draw")}
    draws = xr.DataArray(np.stack([e.values for e in found], axis=-1), dims=("chain", "draw", "row"), coords=coords)
    notes = (
        "probability: that the statement holds, given the model, its priors and the data. Numbers: of left minus right.",
        *([f"in_rope: probability of {rope[0]:g} to {rope[1]:g}."] if rope else []),
    )
    labels = pd.DataFrame({"statement": texts})
    mean = all(expression_has_mean(text, fit.design, posterior) for text in read)
    estimates = as_estimates("Hypotheses", "statements about the parameters", notes, labels, draws, mean=mean)
    table = estimates.table.assign(probability=[np.nan if e.true is None else np.mean(e.true) for e in found])
    table = with_directions(draws.values, table, 0.0, rope)
    return Estimates(estimates.title, estimates.quantity, estimates.notes, estimates.labels, table, draws)
