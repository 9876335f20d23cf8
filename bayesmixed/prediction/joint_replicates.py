"""Replicates of several responses of the rows of a fit: effects of new groups, and residuals, are drawn together."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from bayesmixed.design.joint_designs import JointDesign
from bayesmixed.draws.joint_effects import draw_together
from bayesmixed.errors import SpecError, did_you_mean
from bayesmixed.fits.joint_fits import JointFit
from bayesmixed.fits.selection import with_common_draws
from bayesmixed.prediction.joint_predictions import draw_residuals, label_rows
from bayesmixed.prediction.replicates import Together, choose_groups, replicate_fit, replicated_draws


def replicate_responses(
    joint: JointFit, *, groups: str | Mapping[str, str], draws: int | None = None, seed: int | None = None
) -> xr.Dataset:
    """Return replicates of all responses, a variable for each, as `posterior_predictive` does.

    Raises
    ------
    SpecError
        As `posterior_predictive`.
    """
    modes = _choose(joint.design, groups)
    fits = with_common_draws(
        joint.fits, {name: replicated_draws(fit, modes[name], None) for name, fit in joint.fits.items()}
    )
    posteriors = {name: replicated_draws(fit, modes[name], draws) for name, fit in fits.items()}
    shared = joint.shared.sel(draw=next(iter(posteriors.values()))["draw"].values)
    seeds = [int(one) for one in np.random.SeedSequence(seed).generate_state(len(joint) + 2)]
    tied = [members[0] for members in joint.design.members().values()]
    every = {one.group.name: modes[one.response][one.group.name] for one in tied}
    effects = draw_together(
        joint.design, joint.design.parts, posteriors, shared, every, np.random.default_rng(seeds[-1])
    )
    residuals = None
    if joint.design.spec.rescor:
        residuals = draw_residuals(shared, next(iter(joint.design.parts.values())).rows, seeds[-2])
    variables, said, read = {}, [], joint.design.dependencies()
    for place, (name, fit) in enumerate(fits.items()):
        together = Together(effects[name], None if residuals is None else residuals[..., place])
        made = replicate_fit(fit, groups=modes[name], draws=draws, seed=seeds[place], together=together)
        variables[name], estimand = made[name], made.attrs["estimand"]
        said.append(f"{estimand}; given {' and '.join(read[name])} as observed" if read[name] else estimand)
    return xr.Dataset(label_rows(joint.design.parts, variables), attrs={"estimand": "; ".join(said)})


def _choose(design: JointDesign, groups: str | Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return for each response and factor whether its effects are those of the fit or drawn anew: those that are correlated
    with other responses are drawn anew in all of them, or in none (SpecError)."""
    factors = {name: {group.name for _, group in part.group_blocks()} for name, part in design.parts.items()}
    wish = {} if isinstance(groups, str) else dict(groups)
    for name in wish:
        if not any(name in own for own in factors.values()):
            every = [one for own in factors.values() for one in own]
            raise SpecError(f"groups names '{name}', which is not a grouping factor. {did_you_mean(name, every)}")
    modes = {}
    for name, part in design.parts.items():
        own = groups if isinstance(groups, str) else {one: mode for one, mode in wish.items() if one in factors[name]}
        modes[name] = choose_groups(part, own)
    for members in design.members().values():
        held = [modes[one.response] for one in members]
        factor = members[0].group.name
        if any(own[factor] == "existing" for own in held):
            for own in held:
                own[factor] = "existing"
    return modes
