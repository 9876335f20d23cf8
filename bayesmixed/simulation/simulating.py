"""simulate: data from the spec of one response or several, with the truth that made them."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bayesmixed.simulation.joint_data import simulate_responses
from bayesmixed.simulation.simulated_data import Simulated, simulate_response
from bayesmixed.spec.files import as_spec, names_several, read_joint_spec
from bayesmixed.spec.joint_specs import JointSpec, as_joint_spec
from bayesmixed.spec.model_spec import ModelSpec


def simulate(
    spec: str | Path | ModelSpec | JointSpec | Sequence[str | ModelSpec],
    *,
    truth: Mapping[str, float] | None = None,
    data: Any = None,
    na: str | float | Iterable[str | float] = (),
    seed: int | None = None,
    **options: Any,
) -> Simulated:
    """Return data drawn from a model at known parameters.

    Parameters
    ----------
    spec : str, Path, ModelSpec, JointSpec or list of formulas and specs
        With a [simulation] section, unless `truth` and `data` are given. A list has a model for each response: effects that a
        letter ties, and correlated residuals, are drawn together.
    truth : mapping of str to float, optional
        True values by the names of the posterior ("beta[x]", "sd_g[Intercept]", "corr_g", "sigma"; of several responses
        "beta_y1[x]", "rescor"); they replace those of the section. `sd_g` and `corr_g` stand for all columns of a term.
    data : data frame, mapping of columns, or path, optional
        Rows whose covariates and groups are kept; a response in them is replaced. By default rows are laid out
        as the section says. No row is censored: a column of statuses is "none".
    na : str, number or list of these
        Codes that mean a missing value in `data`.
    seed : int, optional
        For layout, effects and responses.
    **options
        With a formula: `family`, `priors`, `link`, `links`, `factors`, `crossed`, `empty_cells`, `functions` and formulas of
        further parameters, as for `fit`; with several also `rescor`.

    Raises
    ------
    SpecError
        Nothing says how to lay out the rows, or a parameter has no true value; the message names it.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> simulated = bm.simulate("herd", truth={"sd_herd[Intercept]": 0.5}, seed=1)
    >>> list(simulated.data.columns), len(simulated.data)
    (['herd', 'size', 'incidence'], 56)
    >>> float(simulated.truth["sd_herd"].item())
    0.5
    """
    generator, given, values = np.random.default_rng(seed), spec, dict(truth or {})
    if names_several(given):
        several: Any = read_joint_spec(given) if isinstance(given, str | Path) else given
        return simulate_responses(as_joint_spec(several, **options), values, data, na, generator)
    one: Any = given
    return simulate_response(as_spec(one, **options), values, data, na, generator)
