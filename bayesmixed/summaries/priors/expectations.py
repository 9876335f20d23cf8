"""prior_predictive: data that the priors of one response or several expect, beside the observed data."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, overload

from bayesmixed.design.design import Design
from bayesmixed.design.joint_designs import JointDesign
from bayesmixed.preparation.joint_preparing import as_joint_design
from bayesmixed.preparation.preparing import as_design
from bayesmixed.spec.files import names_several
from bayesmixed.spec.joint_specs import JointSpec
from bayesmixed.spec.model_spec import ModelSpec
from bayesmixed.summaries.priors.joint_predictions import JointPriorPredictive, expect_together
from bayesmixed.summaries.priors.predictions import DRAWS, PriorPredictive, expect


@overload
def prior_predictive(
    spec: JointSpec | JointDesign | list[str | ModelSpec] | list[str],
    data: Any = ...,
    *,
    priors: Mapping[str, Any] | None = ...,
    draws: int = ...,
    seed: int = ...,
    missing: str = ...,
    na: str | float | Iterable[str | float] = ...,
    **options: Any,
) -> JointPriorPredictive: ...
@overload
def prior_predictive(
    spec: str | Path | ModelSpec | Design,
    data: Any = ...,
    *,
    priors: Mapping[str, Any] | None = ...,
    draws: int = ...,
    seed: int = ...,
    missing: str = ...,
    na: str | float | Iterable[str | float] = ...,
    **options: Any,
) -> PriorPredictive: ...
def prior_predictive(
    spec: str | Path | ModelSpec | Design | JointSpec | JointDesign | Sequence[str | ModelSpec],
    data: Any = None,
    *,
    priors: Mapping[str, Any] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
    missing: str = "error",
    na: str | float | Iterable[str | float] = (),
    **options: Any,
) -> PriorPredictive | JointPriorPredictive:
    """Return what the priors expect of data with these covariates and groups, beside the data.

    Parameters
    ----------
    spec : str, Path, ModelSpec, Design, JointSpec, JointDesign or list of formulas and specs
        A design has its data and priors already; a list has a model for each response.
    data : data frame, mapping of columns, or path, optional
        With the response, from which default priors take their scale.
    priors : mapping, optional
        Added to those of the spec.
    draws : int
        Number of data sets.
    seed : int
        For everything random.
    missing : {"error", "drop"}
        As in `prepare`.
    na : str, number or list of these
        Codes that mean a missing value in `data`.
    **options
        What else belongs to the model, as for `fit`: family, link, factors, functions, formulas of further parameters, ...

    Returns
    -------
    PriorPredictive or JointPriorPredictive
        A quantity whose range is much wider than anything that can happen asks for a tighter prior; one whose range
        does not hold the value of the data contradicts them; of right priors 7 % of quantities do so by chance.
        Parameters beyond 1e12, where they have the unit of the response 1e12 times its largest value, are clipped
        there. Of several responses each has its own, `expected["y1"]`, of data sets that were drawn together.

    Raises
    ------
    SpecError, DataError
        As `prepare`.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("cbpp")
    >>> expected = bm.prior_predictive("herd", data, draws=100, seed=1)
    >>> expected.table["quantity"].tolist()[:3]
    ['mean', 'share of zeros', 'share of rows with all successes']
    """
    model: dict[str, Any] = {"missing": missing, "na": na, "priors": priors, **options}
    given: Any = spec
    if isinstance(given, JointDesign) or names_several(given):
        return expect_together(as_joint_design(given, data, **model), draws=draws, seed=seed)
    model |= {} if isinstance(given, Design) else {"stream": False}
    return expect(as_design(given, data, **model), draws=draws, seed=seed)
