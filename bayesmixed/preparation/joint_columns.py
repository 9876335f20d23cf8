"""Columns of models of several responses: a dot is no response, and no response depends on itself by way of others."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesmixed.design.design import Design
from bayesmixed.design.joint_designs import dependencies_of
from bayesmixed.errors import SpecError, enumerate_words
from bayesmixed.formulas.names import expression_columns
from bayesmixed.preparation.data_files import columns_of_table
from bayesmixed.spec.all_columns import has_dots, write_out_dots
from bayesmixed.spec.joint_specs import RESCOR, JointSpec
from bayesmixed.terms.directions import spans


def without_dots(joint: JointSpec, data: Any, na: Any) -> JointSpec:
    """Return the models in which a dot is all columns of the data that are no response of any of them."""
    if not any(map(has_dots, joint.models)):
        return joint
    names = columns_of_table(joint.models[0], data, na)
    own = [expression_columns(model.response, names) for model in joint.models]
    models = [
        write_out_dots(model, [name for name in names if name in mine or not any(name in one for one in own)])
        for model, mine in zip(joint.models, own, strict=True)
    ]
    return JointSpec(**{name: getattr(joint, name) for name in JointSpec.model_fields} | {"models": models})


def check_order(joint: JointSpec, parts: Mapping[str, Design]) -> None:
    """Refuse responses that depend on each other in a circle: the product of their densities is then no density of all of them;
    and correlated residuals of a response and one that depends on it, where the data cannot tell the two apart (SpecError)."""
    before = dependencies_of(parts)
    left = list(parts)
    while free := [n for n in left if not {*before[n]} & {*left} or not any(n in before[one] for one in left)]:
        left = [name for name in left if name not in free]
    if left:
        raise SpecError(
            f"{enumerate_words(left)} depend on each other in a circle: each stands in the formula of another, so that the "
            "formulas together are no model. Leave one out of a formula; rescor=True and letters tie responses without a "
            "direction."
        )
    stated = RESCOR in joint.priors and joint.priors[RESCOR].name == "Fixed"
    for name, earlier in before.items() if joint.rescor and not stated else ():
        part = parts[name]
        for one in earlier:
            other = parts[one]
            if len(other.predictors) == 1 and not other.mu.groups and _knows(part, other):
                raise SpecError(
                    f"'{one}' stands in the formula of '{name}', and rescor=True correlates their residuals: the data cannot "
                    f"tell the two apart, unless the formula of '{one}' has a column that is not in that of '{name}' (an "
                    "instrument). Leave one of the two out."
                )


def _knows(part: Design, other: Design) -> bool:
    """Return whether the columns of one response are combinations of those of another."""
    matrix = np.asarray(other.mu.population.matrix)
    return matrix.shape[1] == 0 or spans(np.asarray(part.mu.population.matrix), matrix)
