"""The scales of the parameters that stay when effects are integrated out: SDs, correlations, dispersions."""

from typing import Any

import numpy as np

from bayesmixed.engines.proposals import Scales
from bayesmixed.kernels.joint.layouts import Layout
from bayesmixed.prior_distributions import POSITIVE, Prior


def find_scales(layout: Layout, places: Any) -> Scales:
    """Return the scales of some coordinates of a layout: SDs, and functions of parameters that have a positive prior."""
    powers, typical = np.zeros(layout.dimension), np.ones(layout.dimension)
    design = layout.design

    def place(slot: int, power: float, prior: Prior) -> None:
        if slot >= 0:
            powers[slot], typical[slot] = power, float(prior.frozen().ppf(0.5))

    for one in layout.predictors.values():
        for term in one.terms:
            for slot, key in zip(term.sd.places, term.sd.names, strict=True):
                place(int(slot), 1.0, design.priors[key].prior)
    for name, scalar in layout.scalars.items():
        function, prior = design.scalar_prior(name)
        link = design.family.parameter(name).link
        if function.text == "{}" and link == "log":
            place(int(scalar.places[0]), 1.0, prior)
        elif function.text != "{}" and function.support == POSITIVE:
            place(int(scalar.places[0]), function.factors[link], prior)
    return Scales(powers[places], typical[places])
