"""Log densities of the rows of several responses: all that was observed in a row, together."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy import special

from bayesmixed.cross_validation.importance_weights import WEIGHTS, monte_carlo_errors, smooth_weights
from bayesmixed.cross_validation.left_out_units import condition
from bayesmixed.cross_validation.log_densities import label_draws, log_mean, standard_error
from bayesmixed.cross_validation.marginal_densities import unit_logs
from bayesmixed.cross_validation.row_densities import row_values
from bayesmixed.cross_validation.units import OBSERVATION
from bayesmixed.draws.pieces import split_draws
from bayesmixed.errors import DataError, SpecError, warn
from bayesmixed.families.links import Array
from bayesmixed.fits.joint_fits import JointFit
from bayesmixed.fits.selection import some_draws, with_common_draws
from bayesmixed.spec.joint_specs import RESCOR


def joint_row_logs(joint: JointFit, draws: int | None = None) -> xr.DataArray:
    """Return the log density of what was observed in each row, given parameters and effects, (chain, draw, row): the sum over
    its responses, of correlated residuals that of all of them.

    Raises
    ------
    DataError
        Rows have the same label, so that it is not known which belong together.
    """
    indices = {name: part.table.data.index for name, part in joint.design.parts.items()}
    for name, index in indices.items():
        if not index.is_unique:
            raise DataError(
                f"Two rows of '{name}' have the label {index[index.duplicated()][0]}, so it is not known which rows of the "
                "responses belong together. Fit to data.reset_index(drop=True)."
            )
    first, *others = indices.values()
    labels = first.append([index.difference(first, sort=False) for index in others]).drop_duplicates()
    labels = labels.sort_values() if pd.api.types.is_numeric_dtype(labels) else labels
    fits = with_common_draws(joint.fits, {name: some_draws(fit, None) for name, fit in joint.fits.items()})
    posteriors = {name: some_draws(fit, draws) for name, fit in fits.items()}
    reference = next(iter(posteriors.values()))
    chains, count = reference.sizes["chain"], reference.sizes["draw"]
    total = np.zeros((chains, count, len(labels)))
    if joint.design.spec.rescor:
        total += _of_normal_rows(joint, posteriors)[..., first.get_indexer(labels)]
    else:
        for name, posterior in posteriors.items():
            part = joint.design[name]
            logs = [
                unit_logs(condition(part, some)).reshape(chains, -1, part.rows)
                for some in split_draws(posterior, part.rows)
            ]
            total[..., labels.get_indexer(indices[name])] += np.concatenate(logs, axis=1)
    found = label_draws(reference, total, "row").assign_coords(row=np.asarray(labels))
    return found.rename("log_likelihood")


def _of_normal_rows(joint: JointFit, posteriors: dict[str, xr.Dataset]) -> Array:
    """Return the log density of the normal vector of all responses of each row, (chain, draw, row)."""
    scores, logs = [], []
    for name, posterior in posteriors.items():
        part = joint.design[name]
        shape = (posterior.sizes["chain"], posterior.sizes["draw"], part.rows)
        values = row_values(condition(part, posterior), condition(part, posterior).etas)
        sd = np.broadcast_to(values[str(part.family.scale)], (shape[0] * shape[1], part.rows))
        scores.append(((np.asarray(part.response) - values[part.family.first]) / sd).reshape(shape))
        logs.append(np.log(sd).reshape(shape))
    kept = next(iter(posteriors.values()))["draw"].values
    root = np.linalg.cholesky(joint.shared[RESCOR].sel(draw=kept).transpose("chain", "draw", ...).values)
    z = np.linalg.solve(root, np.stack(scores, axis=-2))
    constant = 0.5 * len(scores) * np.log(2.0 * np.pi) + np.log(np.diagonal(root, axis1=-2, axis2=-1)).sum(-1)
    return np.asarray(-0.5 * np.sum(z**2, axis=-2) - np.sum(logs, axis=0) - constant[..., None])


def leave_joint_rows_out(joint: JointFit, unit: str, draws: int | None) -> Any:
    """Return ArviZ's ELPD object for all responses of a row at once (SpecError for other units)."""
    from arviz_stats.utils import ELPDDataLOO

    if unit != OBSERVATION:
        raise SpecError(
            f"unit='{unit}': of several responses whole rows can be left out, unit=\"{OBSERVATION}\"; effects of a group in all "
            "responses are not integrated out."
        )
    logs = joint_row_logs(joint, draws)
    log_weights, pareto_k = smooth_weights(logs)
    values, errors = logs.values.reshape(-1, logs.shape[-1]), monte_carlo_errors(logs, log_weights)
    elpd = special.logsumexp(values + log_weights.values.reshape(values.shape), axis=0)
    good = float(min(1.0 - 1.0 / np.log10(len(values)), 0.7))
    bad = pareto_k.values > good
    if bad.any():
        warn(
            f"Pareto k above {good:.2f} for {bad.sum()} of {len(bad)} rows, largest for row "
            f"'{logs['row'].values[int(np.argmax(pareto_k.values))]}': they are so influential that weighting the draws cannot "
            "leave them out, and of several responses there is nothing else."
        )
    said: dict[str, Any] = {"unit": OBSERVATION, "estimand": "all responses of a row in the known groups"}
    said |= {
        "by_i": np.full(len(elpd), WEIGHTS, dtype=object),
        "mcse": float(np.sqrt(np.sum(errors**2))),
        "mcse_i": errors,
    }
    return ELPDDataLOO(
        elpd=float(elpd.sum()),
        se=standard_error(elpd),
        p=float(np.sum(log_mean(logs.values) - elpd)),
        n_samples=len(values),
        n_data_points=len(elpd),
        scale="log",
        warning=bool(bad.any()),
        good_k=good,
        elpd_i=pareto_k.copy(data=elpd).assign_attrs(said),
        pareto_k=pareto_k,
        log_weights=log_weights,
    )
