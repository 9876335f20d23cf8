"""The variables of joint priors of coefficients in a PyMC model: R2D2M2 and the horseshoe."""

from typing import Any, cast

import numpy as np

from bayesmixed.design.coefficient_priors import ExplainedOnData, HorseshoeOnData, of_coefficients
from bayesmixed.design.monotonic_priors import MonotonicOnData
from bayesmixed.design.variance_splits import JointOnData, PartPrior
from bayesmixed.model.prior_variables import declare_vector
from bayesmixed.model.split_variables import PART, SHARES, TOTAL
from bayesmixed.prior_distributions import Prior

R2, LOCAL, GLOBAL = "variance_r2", "horseshoe_local", "horseshoe_global"
SLAB, TAU = "horseshoe_slab", "horseshoe_tau"


def declare_scales(joint: JointOnData, sigma: Any) -> None:
    """Register what a joint prior of coefficients has besides them: R2 and shares, or the scales of the horseshoe."""
    import pymc as pm
    import pytensor.tensor as pt

    if isinstance(joint, ExplainedOnData):
        r2 = declare_vector(R2, [joint.r2])
        pm.Dirichlet(SHARES, np.array(joint.shares), dims=PART)
        pm.Deterministic(TOTAL, sigma * pt.sqrt(r2 / (1.0 - r2)))
    elif isinstance(joint, HorseshoeOnData):
        one = joint.numbers
        count = sum(len(part.keys) for part in joint.parts)
        pm.HalfStudentT(LOCAL, np.array(one.df), np.array(1.0), shape=count)
        pm.HalfCauchy(GLOBAL, np.array(1.0))
        pm.InverseGamma(SLAB, np.array(0.5 * one.slab_df), np.array(0.5 * one.slab_df))
        scale = joint.scale if joint.sigma is None else joint.scale * sigma
        pm.Deterministic(TAU, scale * pm.modelcontext(None)[GLOBAL])


def declare_shrunken(name: str, priors: list[Prior], dim: str) -> Any:
    """Return and register coefficients that have joint priors: standard normal numbers times a scale, or steps of one sign."""
    import pymc as pm
    import pytensor.tensor as pt

    steps = {
        (prior.joint, prior.joint.place(prior.key)[0]): place
        for place, prior in reversed(list(enumerate(priors)))
        if isinstance(prior, PartPrior) and isinstance(prior.joint, MonotonicOnData)
    }
    own = [p for p, prior in enumerate(priors) if isinstance(prior, PartPrior) and prior.name != MonotonicOnData.KIND]
    vector = pt.zeros(len(priors))
    if own:
        z = pm.Normal(f"z_{name}", 0.0, 1.0, shape=len(own))
        vector = pt.set_subtensor(vector[own], z * pt.stack([_scale(cast(PartPrior, priors[p])) for p in own]))
    for (joint, place), first in steps.items():
        values = _declare_steps(name, joint, place)
        vector = pt.set_subtensor(vector[first : first + len(joint.shares[place])], values)
    others = [place for place, prior in enumerate(priors) if not isinstance(prior, PartPrior)]
    for place in others:
        vector = pt.set_subtensor(vector[place], declare_vector(f"{name}_{place}", [priors[place]]))
    return pm.Deterministic(name, vector, dims=dim)


def _declare_steps(name: str, joint: MonotonicOnData, place: int) -> Any:
    """Return the steps of one ordered predictor, (D,), and register their average and their shares."""
    import pymc as pm

    term, shares = joint.parts[place].name, np.array(joint.shares[place])
    average = declare_vector(f"{name}_average_{term}", [joint.averages[place]])
    if len(shares) == 1:
        return average
    return average * len(shares) * pm.Dirichlet(f"{name}_shares_{term}", shares)


def _scale(prior: PartPrior) -> Any:
    import pymc as pm
    import pytensor.tensor as pt

    model, joint, key = pm.modelcontext(None), prior.joint, prior.key
    place, _ = joint.place(key)
    if isinstance(joint, ExplainedOnData):
        assert of_coefficients(joint.parts[place])
        return model[TOTAL] * pt.sqrt(model[SHARES][place] / joint.parts[place].moments[0][0])
    assert isinstance(joint, HorseshoeOnData)
    column = [one for part in joint.parts for one in part.keys].index(key)
    plain, slab = model[TAU] * model[LOCAL][column], joint.slab * pt.sqrt(model[SLAB])
    return plain * slab / pt.sqrt(slab**2 + plain**2) / joint.unit(key)
