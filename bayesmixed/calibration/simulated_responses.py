"""Responses simulated from the priors of a design, or from draws of its posterior, with what they were made from."""

import warnings
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import xarray as xr

from bayesmixed.cross_validation.log_densities import total_log_likelihood
from bayesmixed.design.design import Design
from bayesmixed.draws.kept import with_effects
from bayesmixed.draws.residual_draws import residual_parameters
from bayesmixed.errors import SpecError, StatisticsWarning
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.prediction.prior_samples import sample_prior
from bayesmixed.prediction.replicates import replicate
from bayesmixed.preparation.preparing import prepare
from bayesmixed.terms.limits import refuse_censoring
from bayesmixed.terms.residual_rows import given_earlier
from bayesmixed.terms.weights import refuse_weights


@dataclass(frozen=True, slots=True)
class SimulatedResponse:
    """The response of a design, all of it or its last rows simulated.

    Attributes
    ----------
    truth : xarray.Dataset
        The parameters that made it.
    response : (n,) array
        In the rows of the design.
    log_likelihood : float
        Of the whole response, given the parameters and effects that made it.
    """

    truth: xr.Dataset
    response: Array
    log_likelihood: float


def draw_from_priors(design: Design, seed: int) -> SimulatedResponse:
    """Return a response drawn from the priors of a design."""
    prior = sample_prior(design, draws=1, seed=seed)
    response, density = _replicate_once(prior, "new", seed + 1)
    return SimulatedResponse(prior.posterior.isel(chain=0, draw=0), response, density)


def draw_from_posterior(fit: Fit, seed: int) -> SimulatedResponse:
    """Return the response of a fit, and below it another one of the same rows and groups, drawn from the posterior.

    Effects of single rows, as of `obs()`, are new ones in the new rows.
    """
    blocks = [(predictor, group) for predictor, group in fit.design.group_blocks()]
    posterior = with_effects(fit.draws, [predictor.b(group) for predictor, group in blocks])
    generator = np.random.default_rng(seed)
    place = {dim: [int(generator.integers(posterior.sizes[dim]))] for dim in ("chain", "draw")}
    one = replace(fit, draws=xr.DataTree.from_dict({"posterior": posterior.isel(place)}))
    modes = {group.name: "new" if group.single else "existing" for _, group in blocks}
    response, density = _replicate_once(one, modes, seed + 1)
    known = total_log_likelihood(one).values.item()
    both = np.concatenate([np.asarray(fit.design.response), response])
    return SimulatedResponse(one.posterior.isel(chain=0, draw=0), both, known + density)


def repeat_rows(design: Design) -> Design:
    """Return the design whose rows are those of a design twice, with its coding, priors and groups.

    Raises
    ------
    SpecError
        No response can be simulated: frequency or likelihood weights, streamed rows.
    """
    refuse_weights(design.spec.weights, "Simulation from the posterior")
    refuse_censoring(design.spec.censoring, "Simulation from the posterior")
    design.needs_independence("Simulation from the posterior (refits of bm.verify, bm.calibrate(fit))")
    if design.streamed is not None:
        raise SpecError("Rows that are streamed from a file cannot be fitted together with simulated ones.")
    rows = pd.concat([design.table.data, design.table.data], ignore_index=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatisticsWarning)
        return prepare(design.spec, rows, like=design).without_empty_levels()


def _replicate_once(fit: Fit, groups: str | dict[str, str], seed: int) -> tuple[Array, float]:
    """Return a response of the rows of a fit with one draw, and its log-density."""
    design = fit.design
    (drawn,) = replicate(fit, groups=groups, seed=seed)
    response, values = drawn.response[0, 0], {n: v[0, 0] if np.ndim(v) > 1 else v for n, v in drawn.values.items()}
    with np.errstate(all="ignore"):  # what cannot be fitted is drawn anew
        if design.residual is not None:
            own = residual_parameters(design.residual, fit.posterior.isel(chain=0, draw=0))
            values = given_earlier(design.residual, own, design.family, values, response)
        density = design.observed.weigh(design.family.logp(response, values, design.trials))
    return response, float(np.sum(density))
