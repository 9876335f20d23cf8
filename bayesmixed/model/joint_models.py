"""build_joint: the PyMC model of several responses."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bayesmixed.design.design import Design, RealisedPrior
from bayesmixed.design.joint_designs import JointDesign, members_of
from bayesmixed.interruptions import import_whole
from bayesmixed.model.correlation_variables import declare_correlations
from bayesmixed.model.pymc_models import check_parameterisation, coords_of, declare_parameters, observe
from bayesmixed.model.tied_effects import tie
from bayesmixed.spec.joint_specs import RESCOR
from bayesmixed.terms.correlation_matrices import CorrelationMatrix

if TYPE_CHECKING:
    import pymc as pm


def build_joint(design: JointDesign, *, parameterisation: Mapping[str, str] | None = None) -> "pm.Model":
    """Return the plain PyMC model of several responses, with named dims and coords.

    Variables have the names of `build`, and end in their response: "beta_y1", "sd_g_y2"; those of correlations between
    responses do not, "corr_g", "rescor". Dimensions of rows and levels end in the response too, because responses may be
    observed in different rows.

    Parameters
    ----------
    design : JointDesign
        From `prepare_joint`.
    parameterisation : mapping of str to {"centred", "noncentred", "hierarchical"}, optional
        By the name of the effects, "b_g_y1"; see `build`.

    Raises
    ------
    SpecError
        A parameterisation is given for unknown effects.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("sleepstudy").assign(speed=lambda one: 1000 / one["Reaction"])
    >>> formulas = ["Reaction ~ 1 + (1 |p| Subject)", "speed ~ 1 + (1 |p| Subject)"]
    >>> model = bm.build_joint(bm.prepare_joint(formulas, data))
    >>> [variable.name for variable in model.free_RVs][:4]
    ['partial_corr_Subject', 'beta_Reaction', 'sd_Subject_Reaction', 'b_Subject_Reaction']
    """
    return build_named(design.named, design.priors, design.residual_matrix, parameterisation)


def build_named(
    named: Mapping[str, Design],
    priors: Mapping[str, RealisedPrior],
    residuals: CorrelationMatrix,
    parameterisation: Mapping[str, str] | None,
) -> "pm.Model":
    """Return the PyMC model of designs whose variables end in their response, with priors of their common correlations."""
    import_whole("pymc")
    import pymc as pm

    choice = dict(parameterisation or {})
    check_parameterisation(choice, named.values())
    coords: dict[str, Any] = {}
    for design in named.values():
        coords |= coords_of(design)
    coords |= {key: list(residuals.labels) for key in residuals.dims} if RESCOR in priors else {}
    with pm.Model(coords=coords, model=None) as model:
        several = members_of(named)
        ties = {}
        for name, members in several.items():
            matrix = members[0].predictor.correlations(members[0].group)
            ties[name] = tie(matrix, priors[name].prior, [(one.predictor, one.group) for one in members])
        rows = {}
        for response, design in named.items():
            own = {
                matrix.name: tie(matrix, design.priors[matrix.name].prior, members)
                for matrix, members in design.correlations()
                if matrix.tied and matrix.name not in several
            }
            _, rows[response] = declare_parameters(design, choice, ties | own)
        if RESCOR in priors:
            _observe_together(named, rows, residuals, priors[RESCOR])
        else:
            for response, design in named.items():
                observe(design, rows[response])
    return model


def _observe_together(
    named: Mapping[str, Design], rows: Mapping[str, dict[str, Any]], residuals: CorrelationMatrix, prior: RealisedPrior
) -> None:
    """Observe normal responses whose residuals are correlated: each given those before.

    With L the Cholesky factor of the correlations, residual k in units of its SD is the sum of L_kj e_j for independent
    standard normal e_j; so given the responses before, response k is normal with SD sigma_k L_kk.
    """
    import pymc as pm

    root = declare_correlations(residuals, prior.prior)
    pm.Deterministic(RESCOR, root @ root.T, dims=residuals.dims)
    scores: list[Any] = []
    for k, (response, design) in enumerate(named.items()):
        first, scale = design.family.first, str(design.family.scale)
        mean, sd = rows[response][first], rows[response][scale]
        known = sum(root[k, j] * z for j, z in enumerate(scores))
        variable = observe(design, {**rows[response], first: mean + sd * known, scale: sd * root[k, k]})
        scores.append(((variable - mean) / sd - known) / root[k, k])
