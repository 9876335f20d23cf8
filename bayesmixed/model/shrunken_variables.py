"""The variables of joint priors of coefficients in a PyMC model: R2D2M2 and the horseshoe."""

from typing import Any

import numpy as np

from bayesmixed.design.coefficient_priors import ExplainedOnData, HorseshoeOnData, of_coefficients
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
    """Return and register coefficients, all but the intercept standard normal numbers times the scale of a joint prior."""
    import pymc as pm
    import pytensor.tensor as pt

    own = [place for place, prior in enumerate(priors) if isinstance(prior, PartPrior)]
    others = [place for place, prior in enumerate(priors) if place not in own]
    z = pm.Normal(f"z_{name}", 0.0, 1.0, shape=len(own))
    scales = pt.stack([_scale(prior) for prior in priors if isinstance(prior, PartPrior)])
    vector = pt.set_subtensor(pt.zeros(len(priors))[own], z * scales)
    for place in others:
        vector = pt.set_subtensor(vector[place], declare_vector(f"{name}_{place}", [priors[place]]))
    return pm.Deterministic(name, vector, dims=dim)


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
