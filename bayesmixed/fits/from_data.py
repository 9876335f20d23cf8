"""fit: from a spec and data to draws from the posterior, of one response or several."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, overload

from bayesmixed.design.design import Design
from bayesmixed.draws.pooled import pool_draws
from bayesmixed.errors import SamplingError, SpecError, enumerate_words
from bayesmixed.families import Family
from bayesmixed.fits.fitting import Fit, sample
from bayesmixed.fits.joint_fits import JointFit, sample_joint
from bayesmixed.preparation.imputed_tables import are_tables, prepare_tables, with_tables
from bayesmixed.preparation.joint_preparing import prepare_joint
from bayesmixed.preparation.preparing import prepare
from bayesmixed.progress import ProgressLine
from bayesmixed.spec.files import as_spec, names_several
from bayesmixed.spec.joint_specs import JointSpec
from bayesmixed.spec.model_spec import ModelSpec


@overload
def fit(
    spec: JointSpec | list[str | ModelSpec] | list[str],
    data: Any,
    *,
    family: str | Family | Sequence[str | Family] | None = ...,
    priors: Mapping[str, Any] | None = ...,
    link: str | None = ...,
    links: Mapping[str, str] | None = ...,
    factors: str | Sequence[str] = ...,
    engine: str = ...,
    chains: int = ...,
    draws: int = ...,
    tune: int | None = ...,
    target_accept: float | None = ...,
    parameterisation: str | Mapping[str, str] = ...,
    seed: int | None = ...,
    cores: int | None = ...,
    missing: str = ...,
    na: str | float | Iterable[str | float] = ...,
    crossed: str | Sequence[str] = ...,
    empty_cells: str | None = ...,
    reference: str | None = ...,
    functions: Mapping[str, Callable[..., Any]] | None = ...,
    known: Mapping[str, Any] | None = ...,
    impute: Mapping[str, Any] | None = ...,
    residual: str | None = ...,
    rescor: bool | None = ...,
    store: str = ...,
    progress: bool = ...,
    **predictors: str,
) -> JointFit: ...
@overload
def fit(
    spec: str | Path | ModelSpec,
    data: Any,
    *,
    family: str | Family | None = ...,
    priors: Mapping[str, Any] | None = ...,
    link: str | None = ...,
    links: Mapping[str, str] | None = ...,
    factors: str | Sequence[str] = ...,
    engine: str = ...,
    chains: int = ...,
    draws: int = ...,
    tune: int | None = ...,
    target_accept: float | None = ...,
    parameterisation: str | Mapping[str, str] = ...,
    seed: int | None = ...,
    cores: int | None = ...,
    missing: str = ...,
    na: str | float | Iterable[str | float] = ...,
    crossed: str | Sequence[str] = ...,
    empty_cells: str | None = ...,
    reference: str | None = ...,
    functions: Mapping[str, Callable[..., Any]] | None = ...,
    known: Mapping[str, Any] | None = ...,
    impute: Mapping[str, Any] | None = ...,
    residual: str | None = ...,
    rescor: None = ...,
    store: str = ...,
    progress: bool = ...,
    **predictors: str,
) -> Fit: ...
def fit(
    spec: str | Path | ModelSpec | JointSpec | Sequence[str | ModelSpec],
    data: Any,
    *,
    family: str | Family | Sequence[str | Family] | None = None,
    priors: Mapping[str, Any] | None = None,
    link: str | None = None,
    links: Mapping[str, str] | None = None,
    factors: str | Sequence[str] = (),
    engine: str = "auto",
    chains: int = 4,
    draws: int = 1000,
    tune: int | None = None,
    target_accept: float | None = None,
    parameterisation: str | Mapping[str, str] = "auto",
    seed: int | None = None,
    cores: int | None = None,
    missing: str = "error",
    na: str | float | Iterable[str | float] = (),
    crossed: str | Sequence[str] = (),
    empty_cells: str | None = None,
    reference: str | None = None,
    functions: Mapping[str, Callable[..., Any]] | None = None,
    known: Mapping[str, Any] | None = None,
    impute: Mapping[str, Any] | None = None,
    residual: str | None = None,
    rescor: bool | None = None,
    store: str = "auto",
    progress: bool = True,
    **predictors: str,
) -> Fit | JointFit:
    """Return the fit of a spec to data: `prepare`, then `sample`; of a list of specs that of several responses.

    Parameters
    ----------
    spec : str, Path, ModelSpec, JointSpec or list of formulas and specs
        Formula, shipped name, TOML path or spec. A list has a model for each response; a letter in their formulas,
        `y1 ~ x + (1 |p| g)`, ties the effects of groups, and `rescor=True` the residuals of rows.
    data : data frame, mapping of columns, path or source, or a list of these
        One row per observation; the path of a CSV or Parquet file, of which only the columns of the spec are loaded, a
        folder of Parquet files, or another source of `prepare`; of large ones only some rows at a time (see `stream`
        there). A list holds imputed tables, the same rows with other values where some were missing: each is sampled by
        itself under the priors of the first one, and draws are pooled. `diagnose` then looks at each table, and
        `missing_information` says what is lost.
    family : str or Family, optional
        With a formula; "gaussian" if not given. With several formulas one for all, or a list.
    priors, link, links, factors, crossed, functions
        Added to those of the spec; `link` is that of the first parameter, `factors` are columns of numbers that name
        levels, and functions are the user's own that a formula calls: `functions={"dose": f}`.
    known : mapping, optional
        Tables of known relations between levels by the names that terms give them, (1 | gr(species, cov=A)): known={"A": table},
        see `ModelSpec`.
    empty_cells : {"error", "drop"}, optional
        That of the spec if not given: what to do with combinations of levels that no row has, see `ModelSpec`.
    reference : str, optional
        Of a categorical response: the category with which the others are compared, the first one if not given.
    engine, chains, draws, tune, target_accept, parameterisation, seed, cores, store, progress
        See `sample`.
    impute : mapping of str to str, optional
        The model of each column in mi(x) (with missing values) and me(x, sd) (measured with error), "~ 1" if not given:
        impute={"x": "~ z + (1 | g)"}, or {"x": {"formula": "~ z", "family": "lognormal"}}. True values are drawn with the
        parameters, by the engine "pymc"; `imputations` shows them.
    residual : str, optional
        How residuals are correlated within groups: "ar1(time | subject)", "us(visit | subject)"; that of the spec if not
        given. See `Residual`.
    rescor : bool, optional
        With several Gaussian responses: whether residuals of the same row are correlated; that of the spec if not given.
    missing : {"error", "drop", "impute"}
        What to do with rows in which a used column is missing; with "impute" those without a response are left out of the
        likelihood and predicted (`imputations`).
    na : str, number or list of these
        Codes that mean a missing value, such as na=["n.d.", -999].
    **predictors : str
        With a formula, those of further parameters: `sigma="~ treatment"`.

    Raises
    ------
    SpecError, DataError
        Before any sampling.
    SamplingError
        The sampler could not start, or was interrupted too early.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("sleepstudy")
    >>> fit = bm.fit("Reaction ~ Days + (Days | Subject)", data, draws=100, seed=1, progress=False)
    >>> list(fit.posterior.data_vars)
    ['beta', 'sd_Subject', 'corr_Subject', 'b_Subject', 'sigma']
    """
    settings: dict[str, Any] = {
        **{"engine": engine, "chains": chains, "draws": draws, "tune": tune, "target_accept": target_accept},
        **{"parameterisation": parameterisation, "cores": cores, "store": store, "progress": progress},
    }
    options: dict[str, Any] = {
        **{"family": family, "priors": priors, "link": link, "links": links, "factors": factors, "crossed": crossed},
        **{"empty_cells": empty_cells, "reference": reference, "functions": functions, "known": known},
        **{"impute": impute, "residual": residual},
        **predictors,
    }
    given: Any = spec
    if names_several(given):
        given = list(given) if isinstance(given, tuple) else given
        design = prepare_joint(given, data, missing=missing, na=na, rescor=rescor, **options)
        return sample_joint(design, seed=seed, **settings)
    if rescor is not None:
        raise SpecError("rescor is for several responses: give a list of formulas.")
    one = as_spec(given, **options)
    if are_tables(data):
        return sample_tables(prepare_tables(one, data, missing=missing, na=na), seed, settings)
    return sample(prepare(one, data, missing=missing, na=na), seed=seed, **settings)


def sample_tables(designs: Sequence[Design], seed: int | None, settings: Mapping[str, Any]) -> Fit:
    """Return the fit of several imputed tables, each sampled by itself, their draws pooled."""
    fits: list[Fit] = []
    with ProgressLine("imputed tables", settings["progress"] is True) as line:
        for number, design in enumerate(designs):
            line.show(number / len(designs), f"{number} of {len(designs)}")
            own = fits[0].settings.seed + number if fits else seed
            fits.append(sample(design, seed=own, **{**settings, "store": "all"}))
    first = fits[0]
    design = with_tables([one.design for one in fits])
    if not all(one.settings.complete for one in fits):
        raise SamplingError("A table was interrupted, so draws of the tables cannot be pooled. Sample them again.")
    engines = enumerate_words(list(dict.fromkeys(one.engine.name for one in fits)))
    said = f"draws of {len(fits)} imputed tables pooled, each sampled by itself (engine {engines})"
    return Fit(
        design,
        pool_draws([one.draws for one in fits]),
        replace(first.engine, decisions=(*first.engine.decisions, said)),
        replace(first.settings, chains=sum(one.settings.chains for one in fits), tables=len(fits)),
        {stage: sum(one.timing.get(stage, 0.0) for one in fits) for stage in first.timing},
        first.versions,
    )
