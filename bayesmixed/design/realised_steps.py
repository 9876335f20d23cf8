"""The joint priors of steps of ordered predictors, realised on a design."""

from collections.abc import Mapping

from bayesmixed.design.design import Design, RealisedPrior
from bayesmixed.design.monotonic_priors import MonotonicOnData
from bayesmixed.design.variance_parts import Part
from bayesmixed.design.variance_splits import PartPrior, part_prior
from bayesmixed.errors import SpecError
from bayesmixed.parameter_keys import ParameterKey


def step_priors(design: Design, priors: Mapping[str, RealisedPrior]) -> dict[str, RealisedPrior]:
    """Return the priors of a design with the joint one of the steps of each term mo(x), given that of its average step.

    Raises
    ------
    SpecError
        A single step has a prior of its own, or that of the average step is no distribution, or is shared with others.
    """
    found, parts, averages, shares = dict(priors), [], [], []
    for predictor in design.predictors.values():
        for one in predictor.steps:
            keys = predictor.names.population(one.line_labels)
            average = ParameterKey(predictor.beta, one.name)
            stated = [key for key in keys if key in design.spec.priors]
            if stated:
                raise SpecError(
                    f"Prior for '{stated[0]}': the steps of {one.name} have one sign and a joint prior. State that of the "
                    f"average step, '{average}', and the shares of the steps in the formula, {one.name[:-1]}, shares=[...])."
                )
            prior = priors[keys[0]].prior
            if isinstance(prior, PartPrior):
                raise SpecError(
                    f"{prior.name} is a joint prior of all coefficients, and the steps of {one.name} have one of their own. Take "
                    f"{one.column} as a number or a factor, or leave {prior.name} out."
                )
            if prior.name == "Fixed":
                raise SpecError(f"Prior for '{average}': an average step is estimated, and cannot be fixed at {prior}.")
            moments = tuple(tuple(float(row == column) for column in range(len(keys))) for row in range(len(keys)))
            parts.append(Part(one.name, tuple(map(str, keys)), moments))
            averages.append(prior)
            shares.append(one.shares)
    if parts:
        joint = MonotonicOnData(tuple(parts), tuple(averages), tuple(shares))
        for part in parts:
            for key in part.keys:
                about = f"step of {part.name} to the next level"
                found[key] = RealisedPrior(part_prior(joint, key), priors[key].source, about)
    return found
