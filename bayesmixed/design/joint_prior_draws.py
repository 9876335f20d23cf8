"""Draws from the priors of several responses, in the coordinates in which the priors are stated."""

from dataclasses import replace

import numpy as np

from bayesmixed.design.joint_designs import JointDesign, own_places
from bayesmixed.design.prior_draws import PriorDraws, draw_matrix, draw_priors
from bayesmixed.families.links import Array


def draw_joint_priors(design: JointDesign, count: int, seed: int = 0) -> tuple[dict[str, PriorDraws], dict[str, Array]]:
    """Return draws of all parameters by response, and of the matrices of several responses, (S, W, W), by name: each response
    has its block of these."""
    seeds = [int(one) for one in np.random.SeedSequence(seed).generate_state(len(design) + 1)]
    generator = np.random.default_rng(seeds[-1])
    whole = {
        name: draw_matrix(matrix, design.priors[name].prior, count, generator)
        for name, matrix in design.matrices.items()
    }
    found = {
        name: draw_priors(part, count, own) for (name, part), own in zip(design.parts.items(), seeds, strict=False)
    }
    for name, members in design.members().items():
        matrix = design.matrices[name]
        for response in dict.fromkeys(one.response for one in members):
            places, draws = own_places(matrix, members, response), found[response]
            blocks = {
                own.name: whole[name][:, places][:, :, places]
                for own, _ in design.parts[response].correlations()
                if own.term == matrix.term and own.name in draws.correlations
            }
            found[response] = replace(draws, correlations={**draws.correlations, **blocks})
    return found, whole
