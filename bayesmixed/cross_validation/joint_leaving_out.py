"""Leaving out rows or groups of several responses, by weights of the draws."""

from typing import Any

import numpy as np
from scipy import special

from bayesmixed.cross_validation.importance_weights import WEIGHTS, monte_carlo_errors, smooth_weights
from bayesmixed.cross_validation.joint_densities import joint_unit_logs
from bayesmixed.cross_validation.joint_units import JointUnits
from bayesmixed.cross_validation.log_densities import log_mean, standard_error
from bayesmixed.errors import SpecError
from bayesmixed.families.links import Array
from bayesmixed.fits.joint_fits import JointFit


def leave_joint_units_out(joint: JointFit, units: JointUnits, draws: int | None = None) -> Any:
    """Return ArviZ's ELPD object for all responses of a partition of the rows; no warnings (SpecError)."""
    from arviz_stats.utils import ELPDDataLOO

    if len(units.labels) < 2:
        raise SpecError(f"'{units.name}' has one level: nothing remains when it is left out.")
    logs = joint_unit_logs(joint, units, draws)
    log_weights, pareto_k = smooth_weights(logs)
    values, errors = logs.values.reshape(-1, logs.shape[-1]), monte_carlo_errors(logs, log_weights)
    elpd = special.logsumexp(values + log_weights.values.reshape(values.shape), axis=0)
    good = float(min(1.0 - 1.0 / np.log10(len(values)), 0.7))
    return ELPDDataLOO(
        elpd=float(elpd.sum()),
        se=standard_error(elpd),
        p=float(np.sum(log_mean(logs.values) - elpd)),
        n_samples=len(values),
        n_data_points=len(elpd),
        scale="log",
        warning=bool(np.any(pareto_k.values > good)),
        good_k=good,
        elpd_i=units.label(elpd).assign_attrs(by_i=np.full(len(elpd), WEIGHTS, dtype=object), **_state_errors(errors)),
        pareto_k=pareto_k,
        log_weights=log_weights,
    )


def _state_errors(errors: Array) -> dict[str, Any]:
    return {"mcse": float(np.sqrt(np.sum(errors**2))), "mcse_i": errors}
