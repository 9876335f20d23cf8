"""The priors of several responses as if they were a posterior: a joint fit without data."""

import numpy as np
import xarray as xr

from bayesmixed.design.joint_designs import JointDesign
from bayesmixed.design.joint_prior_draws import draw_joint_priors
from bayesmixed.fits.joint_fits import JointFit, joint_fit
from bayesmixed.prediction.prior_samples import as_written, prior_fit


def sample_joint_prior(design: JointDesign, *, draws: int = 1000, seed: int = 0) -> JointFit:
    """Return a fit of one chain whose draws come from the priors of all responses, as `sample_prior` does for one."""
    priors, whole = draw_joint_priors(design, draws, seed)
    matrices, members = design.matrices, design.members()
    shared = xr.Dataset(coords={"chain": [0], "draw": np.arange(draws)})
    for name, corr in whole.items():
        values = corr
        if name in members:
            sds = []
            for one in members[name]:
                prior, own = priors[one.response], design.parts[one.response].predictors[one.parameter]
                sds += [prior.values[key] for key in own.sd_keys(one.group)]
            sd = np.stack(sds, axis=-1)
            values = as_written([one.group.transform for one in members[name]], sd[:, :, None] * corr * sd[:, None, :])
        coords = {dim: list(matrices[name].labels) for dim in matrices[name].dims}
        shared[name] = xr.DataArray(values[None], dims=("chain", "draw", *matrices[name].dims), coords=coords)
    return joint_fit(design, {name: prior_fit(prior, seed) for name, prior in priors.items()}, shared)
