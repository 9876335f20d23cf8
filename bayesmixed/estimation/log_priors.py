"""Log prior densities at coordinates, each on the scale on which the prior is stated."""

from collections.abc import Callable

import numpy as np

from bayesmixed.design.thresholds import threshold_log_density
from bayesmixed.design.variance_splits import PartPrior, SplitOnData
from bayesmixed.errors import SpecError
from bayesmixed.families.links import Array
from bayesmixed.kernels.joint.decoding import correlation_factor
from bayesmixed.kernels.joint.layouts import Layout, TermLayout
from bayesmixed.prior_distributions import Prior

_Term = Callable[[Array], Array]


class LogPrior:
    """The log prior density of a design as a function of its coordinates, up to a constant.

    Without the Jacobian of the coordinates: of an SD its density at the SD, of correlations that of their matrix.
    """

    def __init__(self, layout: Layout) -> None:
        design, terms = layout.design, list[_Term]()

        def add(prior: Prior, place: int, read: _Term, forward: _Term = np.asarray) -> None:
            if prior.name != "Fixed" and not isinstance(prior, PartPrior):
                distribution = prior.frozen()
                terms.append(lambda points: distribution.logpdf(forward(read(points)[..., place])))

        for one in layout.predictors.values():
            for place, key in enumerate(one.predictor.keys):
                add(design.priors[key].prior, place, one.beta.read)
            for term in one.terms:
                group = term.placement.group
                for place, key in enumerate(one.predictor.sd_keys(group)):
                    add(design.priors[key].prior, place, term.sd.read)
                if group.correlated:
                    concentration = design.priors[one.predictor.corr(group)].prior.arguments[0]
                    terms.append(_correlations(term, concentration))
        for name in design.numbers:
            function, prior = design.scalar_prior(name)
            add(prior, 0, layout.scalars[name].read, function.forward)
        hidden = design.hidden_joint_priors
        if hidden:
            raise SpecError(
                f"{hidden[0]} has scales and shares of its own besides the parameters: there is no mode under it."
            )
        if design.split is not None:
            terms.append(_split(layout, design.split))
        if design.family.cuts:
            terms.append(lambda points: threshold_log_density(design, layout.cuts.read(points)))
        self._terms = terms

    def __call__(self, points: Array) -> Array:
        """Return the density, (S,), at points (S, dimension)."""
        with np.errstate(all="ignore"):
            return np.asarray(sum((term(points) for term in self._terms), np.zeros(len(points))))


def _split(layout: Layout, split: SplitOnData) -> _Term:
    blocks = {term.placement.group.name: term for term in layout.predictors[layout.design.mu.parameter].terms}

    def density(points: Array) -> Array:
        covariances = []
        for part in split.parts:
            if part.residual:
                covariances.append(layout.scalars[part.name].read(points)[..., None] ** 2)
                continue
            term = blocks[part.name]
            root = term.sd.read(points)[..., None] * correlation_factor(points, term.placement.group, term.partials)
            covariances.append(root @ np.swapaxes(root, -1, -2))
        return split.log_density(covariances)

    return density


def _correlations(term: TermLayout, concentration: float) -> _Term:
    def density(points: Array) -> Array:
        root = correlation_factor(points, term.placement.group, term.partials)
        return np.asarray(2.0 * (concentration - 1.0) * np.log(np.diagonal(root, axis1=-2, axis2=-1)).sum(axis=-1))

    return density
