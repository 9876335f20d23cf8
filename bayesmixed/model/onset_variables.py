"""Coordinates for sampling responses above a shift: what the logarithms of the rest are like moves with the shift."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesmixed.design.design import Design
from bayesmixed.families.links import Array
from bayesmixed.model.prior_variables import declare_scalar
from bayesmixed.prior_distributions import DISTRIBUTIONS, Prior


@dataclass(frozen=True, slots=True)
class Rest:
    """Logarithms of what responses are above a shift, log(y - shift).

    Attributes
    ----------
    shift : variable
        The shift.
    mean, sd : variable
        Mean and SD over the rows, which move with it: an intercept is sampled as its distance to the mean, a residual SD as a
        multiple of the SD. Both are then hardly correlated with the shift.
    """

    shift: Any
    mean: Any
    sd: Any


def has_rest(design: Design) -> bool:
    """Return whether responses are above a shift that is estimated, and have coordinates that move with it."""
    name, y = design.family.onset, design.response
    return bool(name and y is not None and np.ptp(y) > 0.0) and not (
        design.joint_priors or design.scalar_prior(name)[1].name == "Fixed"
    )


def declare_rest(design: Design) -> Rest | None:
    """Return the rest of responses above a shift that is estimated, the shift being declared in the open model; None without."""
    import pytensor.tensor as pt

    if not has_rest(design):
        return None
    name, y = design.family.onset, np.asarray(design.response)
    shift = declare_scalar(design.family.parameter(name), *design.scalar_prior(name), highest=float(np.min(y)))
    rest = pt.log(y - shift)
    return Rest(shift, rest.mean(), rest.std())


def declare_multiple(design: Design, name: str, rest: Rest) -> Any:
    """Return a positive parameter whose free variable is a multiple of the SD of the rest; its prior is as it was."""
    import pymc as pm
    import pytensor.tensor as pt

    function, prior = design.scalar_prior(name)
    prior = prior.plain
    if function.text != "{}" or prior.name == "Fixed" or prior.support[0] < 0.0:
        return declare_scalar(design.family.parameter(name), function, prior)

    def law() -> Any:
        named = zip(DISTRIBUTIONS[prior.name].parameters, np.array(prior.arguments, dtype=float), strict=True)
        return getattr(pm, prior.name).dist(**dict(named))

    free = pm.CustomDist(
        f"multiple_{name}",
        rest.sd,
        logp=lambda value, sd: pm.logp(law(), value * sd) + pt.log(sd),
        random=lambda sd, rng, size: prior.frozen().rvs(size=size, random_state=rng) / sd,
        support_point=lambda variable, size, sd: pt.ones(()),
        transform=pm.distributions.transforms.log,
    )
    return pm.Deterministic(name, free * rest.sd)


def declare_distance(name: str, priors: Sequence[Prior], place: int, rest: Rest, dims: str) -> Any:
    """Return coefficients with normal priors, of which one, an intercept, is its distance to the mean of the rest; register them
    with the intercept itself."""
    import pymc as pm

    location, scale = np.array([prior.plain.arguments for prior in priors], dtype=float).T
    own = np.arange(len(priors)) == place

    def random(mean: Any, location: Array, scale: Array, rng: np.random.Generator, size: Any) -> Array:
        return np.asarray(rng.normal(location, scale, size) - own * mean)

    free = pm.CustomDist(
        f"distance_{name}",
        rest.mean,
        location,
        scale,
        logp=lambda value, mean, location, scale: pm.logp(pm.Normal.dist(location, scale), value + own * mean),
        random=random,
        dims=dims,
    )
    pm.Deterministic(name, free + own * rest.mean, dims=dims)
    return free
