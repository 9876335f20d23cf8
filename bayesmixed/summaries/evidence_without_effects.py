"""The marginal likelihood of a model without effects: importance sampling from a t fitted to the draws of its posterior."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from scipy import special

from bayesmixed.cross_validation.log_densities import total_log_likelihood
from bayesmixed.design.design import CUTS, Design
from bayesmixed.draws.kept import values_of
from bayesmixed.draws.prior_densities import log_prior_density
from bayesmixed.families.links import Array, find_link
from bayesmixed.fits.fitting import Fit

_POINTS, _FREEDOM = 2000, 5.0


@dataclass(frozen=True, slots=True)
class _Coordinates:
    """Free coordinates of a model without effects: coefficients where their priors are stated, others on their links."""

    fit: Fit

    def read(self) -> Array:
        """Return them for all draws, (S, d)."""
        design, posterior = self.fit.design, self.fit.posterior
        parts = [self._stated(name)[..., free] for name, free in self._coefficients()]
        parts += [find_link(link).forward(values_of(posterior, name))[..., None] for name, link in self._numbers()]
        parts += [values_of(posterior, CUTS)] if design.family.cuts else []
        return np.concatenate([part.reshape(-1, part.shape[-1]) for part in parts], axis=1)

    def posterior(self, points: Array) -> xr.Dataset:
        """Return points (S, d) as if they were the draws of one chain."""
        repeated = self.fit.posterior.isel(chain=[0], draw=np.zeros(len(points), dtype=int))
        made = repeated.assign_coords(draw=np.arange(len(points)))
        start = 0
        for name, free in self._coefficients():
            predictor = self.fit.design.predictors[name]
            stated = np.tile(self._stated(name)[0, 0], (len(points), 1))
            stop = start + int(free.sum())
            stated[:, free], start = points[:, start:stop], stop
            made[predictor.beta] = made[predictor.beta].copy(data=(stated @ predictor.transform.T)[None])
        for name, link in self._numbers():
            made[name] = made[name].copy(data=find_link(link).inverse(points[:, start])[None])
            start += 1
        return made.assign({CUTS: made[CUTS].copy(data=points[None, :, start:])}) if CUTS in made else made

    def _stated(self, name: str) -> Array:
        predictor = self.fit.design.predictors[name]
        return np.asarray(values_of(self.fit.posterior, predictor.beta) @ predictor.inverse_transform.T)

    def _coefficients(self) -> Iterator[tuple[str, Array]]:
        design = self.fit.design
        for name, predictor in design.predictors.items():
            if predictor.population.labels:
                yield name, np.array([prior.name != "Fixed" for prior in design.coefficient_priors(predictor)])

    def _numbers(self) -> Iterator[tuple[str, str]]:
        design = self.fit.design
        for name in design.numbers:
            if design.scalar_prior(name)[1].name != "Fixed":
                yield name, design.family.parameter(name).link


def has_no_effects(design: Design) -> bool:
    """Return whether a model has neither effects of groups nor smooths."""
    return not any(True for _ in design.normal_blocks())


def can_be_integrated(design: Design) -> bool:
    """Return whether the marginal likelihood of a model follows from draws near its mode, by `integrate_parameters`."""
    return has_no_effects(design) and design.streamed is None and not design.hidden_joint_priors


def integrate_parameters(fit: Fit) -> tuple[float, float]:
    """Return the log marginal likelihood of a model without effects, and its Monte Carlo error.

    The mean of the weights of draws from a t is unbiased (Geweke 1989, Econometrica 57:1317); its heavy tails bound them.
    """
    design, coordinates = fit.design, _Coordinates(fit)
    draws = coordinates.read()
    size = draws.shape[1]
    root = np.linalg.cholesky(np.cov(draws, rowvar=False).reshape(size, size))
    generator = np.random.default_rng([fit.settings.seed, 5])
    scores = generator.standard_normal((_POINTS, size)) / np.sqrt(
        generator.chisquare(_FREEDOM, _POINTS)[:, None] / _FREEDOM
    )
    half = 0.5 * (_FREEDOM + size)
    proposal = special.gammaln(half) - special.gammaln(0.5 * _FREEDOM) - 0.5 * size * np.log(_FREEDOM * np.pi)
    proposal = proposal - np.sum(np.log(np.diagonal(root))) - half * np.log1p(np.sum(scores**2, axis=1) / _FREEDOM)
    posterior = coordinates.posterior(draws.mean(axis=0) + scores @ root.T)
    with np.errstate(all="ignore"):
        one = replace(fit, draws=xr.DataTree.from_dict({"posterior": posterior}))
        density = (total_log_likelihood(one).values + log_prior_density(design, posterior))[0]
    for predictor in design.predictors.values():  # the prior is one of coefficients as written
        density -= np.linalg.slogdet(predictor.inverse_transform)[1] if predictor.population.labels else 0.0
    logs = np.nan_to_num(density - proposal, nan=-np.inf)
    total = special.logsumexp(logs)
    weights = np.exp(logs - total) * len(logs)
    return float(total - np.log(len(logs))), float(np.std(weights, ddof=1) / np.sqrt(len(logs)))
