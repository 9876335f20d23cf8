"""Fit: a design with draws from its posterior, and the two functions that make one."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from bayesmixed.arguments import checked, pools
from bayesmixed.design.design import Design
from bayesmixed.design.independent_levels import with_independent_levels, with_related_draws
from bayesmixed.design.response_units import in_own_unit, in_working_unit
from bayesmixed.draws.free_draws import with_free_variables
from bayesmixed.draws.kept import check_store, keep_draws
from bayesmixed.draws.pooled import pool_draws
from bayesmixed.draws.tree import PROPOSALS
from bayesmixed.engines import ENGINES, choose, marginal
from bayesmixed.engines.runs import Run
from bayesmixed.engines.settings import EngineRecord, Settings, check_share
from bayesmixed.equations import Displayed, Outline
from bayesmixed.errors import SamplingError, SpecError, enumerate_words
from bayesmixed.families import Family
from bayesmixed.preparation.imputed_tables import are_tables, prepare_tables, with_tables
from bayesmixed.preparation.preparing import prepare
from bayesmixed.progress import ProgressLine
from bayesmixed.spec.files import as_spec
from bayesmixed.spec.model_spec import ModelSpec


@dataclass(frozen=True, slots=True)
class Fit(Displayed):
    """A fitted model; every summary, prediction and plot starts here.

    Attributes
    ----------
    design : Design
        The spec on its data.
    draws : xarray.DataTree
        ArviZ groups `posterior`, `sample_stats`, `observed_data`, `constant_data`; of engine "marginal" also `proposals`, with
        which `extend` goes on.
    engine : EngineRecord
        Which engine sampled, why, and what it decided.
    settings : Settings
        Chains, draws, seed; `complete` is False after an interruption.
    timing : mapping
        Seconds by stage.
    versions : mapping
        Versions of the packages that took part.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> fit.posterior["b_herd"].dims
    ('chain', 'draw', 'herd', 'herd_effect')
    >>> fit.engine.name, fit.settings.seed
    ('kernel', 2)
    """

    design: Design
    draws: xr.DataTree
    engine: EngineRecord
    settings: Settings
    timing: Mapping[str, float]
    versions: Mapping[str, str]

    @property
    def posterior(self) -> xr.Dataset:
        """The posterior draws, dims chain and draw first."""
        return self.draws["posterior"].to_dataset()

    @property
    def unsettled(self) -> str:
        """Why the fit has no single set of rows, "" where it has."""
        if self.settings.tables > 1:
            return f"this fit pools draws of {self.settings.tables} imputed tables"
        names = ", ".join(f"'{one.column}'" for one in self.design.latent)
        return f"values of {names} are drawn with the parameters" if names else ""

    def why_refused(self, tables: str) -> str:
        """Return why a function cannot take the fit, "" where it can: one that takes none whose rows have other values in each
        draw (""), of imputed tables none ("no"), those that differ in columns alone ("rows"), or also in the response
        ("columns")."""
        if not self.unsettled or not tables:
            return self.unsettled
        imputed = self.design.imputed
        if self.settings.tables == 1:
            return ""
        if tables == "no":
            return (
                f"{self.unsettled}, whose values were drawn given the responses: predictions of a row know it through them; "
                "missing values can be drawn with the parameters instead, mi(x)"
            )
        if imputed is None:
            return f"{self.unsettled}, of which its file holds the first only"
        differing = imputed.differing(response=tables == "rows")
        return f"{self.unsettled}, which differ in {differing}" if differing else ""

    @checked
    @pools
    def to_datatree(
        self,
        *,
        pymc: bool = False,
        log_likelihood: bool = False,
        posterior_predictive: bool = False,
        prior: bool = False,
        seed: int | None = None,
    ) -> xr.DataTree:
        """Return the draws with the groups that ArviZ's own functions need, or with those that PyMC's need.

        Parameters
        ----------
        pymc : bool
            The posterior then also holds every free variable of `bm.build(fit.design)`, so that
            `pm.sample_posterior_predictive` and `pm.compute_log_likelihood` work on it. Of the draws as they are, without
            these, PyMC would take what is missing from the prior. Frequency and likelihood weights enter the density that
            is sampled only: both functions take each row once, as the attribute `pymc` of the posterior then says.
        log_likelihood : bool
            Add the group `log_likelihood` of the rows, for `az.loo` and `az.compare`; see `bm.log_likelihood`.
        posterior_predictive : bool
            Add the group `posterior_predictive`, for `az.plot_ppc_dist`; see `bm.posterior_predictive`.
        prior : bool
            Add the groups `prior` and `prior_predictive`, with as many draws as a chain of the posterior; see
            `bm.prior_predictive`.
        seed : int, optional
            For the draws of the predictive groups and of the prior.

        Raises
        ------
        SpecError
            There is no single set of rows (imputed tables; for `pymc` and `prior` also mi, me); the rows were streamed, so that
            they have no PyMC model; or they have weights, and no log-likelihood or no replicates of their own.

        Examples
        --------
        >>> import bayesmixed as bm
        >>> fit = bm.load_fit("herd_period")
        >>> "centred_beta" in fit.to_datatree(pymc=True)["posterior"]
        True
        >>> import arviz_stats
        >>> arviz_stats.loo_pit(fit.to_datatree(log_likelihood=True, posterior_predictive=True, seed=1))["incidence"].sizes
        Frozen({'row': 56})
        """
        import bayesmixed as bm

        if self.unsettled and (pymc or prior):
            raise SpecError(
                f"Groups of PyMC and of the prior need one set of rows, and {self.unsettled}. Leave them out."
            )
        tree = with_free_variables(self.design, self.draws) if pymc else self.draws.copy()
        if log_likelihood:
            tree["log_likelihood"] = xr.DataTree(xr.Dataset({self.design.response_name: bm.log_likelihood(self)}))
        if posterior_predictive:
            tree["posterior_predictive"] = xr.DataTree(bm.posterior_predictive(self, seed=seed))
        if prior:
            expected = bm.prior_predictive(self.design, draws=self.settings.draws, seed=seed or 0).draws
            tree = tree.assign({name: expected[name].copy() for name in ("prior", "prior_predictive")})
        return tree

    def outline(self) -> Outline:
        """Return what the equations need to know: those of the design."""
        return self.design.outline()

    def captions(self) -> Mapping[str, str]:
        """Return the text around the equations in notebooks."""
        return {"title": self.design.spec.title, "hint": f"{self!r} Its estimates: bm.summary(fit)."}

    def __repr__(self) -> str:
        s = self.settings
        state = "" if s.complete else ", interrupted"
        state += f", {s.tables} imputed tables" if s.tables > 1 else ""
        return f"<Fit: {self.design.spec.formula}; {s.chains} chains x {s.draws} draws by {self.engine.name}{state}>"


def fit(
    spec: str | Path | ModelSpec,
    data: Any,
    *,
    family: str | Family | None = None,
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
    store: str = "auto",
    progress: bool = True,
    **predictors: str,
) -> Fit:
    """Return the fit of a spec to data: `prepare`, then `sample`.

    Parameters
    ----------
    spec : str, Path or ModelSpec
        Formula, shipped name, TOML path or spec.
    data : data frame, mapping of columns, or path, or a list of these
        One row per observation; the path of a CSV or Parquet file, of which only the columns of the spec are loaded,
        and of large Parquet files only some rows at a time (see `stream` of `prepare`). A list holds imputed tables, the same
        rows with other values where some were missing: each is sampled by itself under the priors of the first one, and
        draws are pooled. `diagnose` then looks at each table, and `missing_information` says what is lost.
    family : str or Family, optional
        With a formula; "gaussian" if not given.
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
    spec = as_spec(
        spec,
        family=family,
        priors=priors,
        link=link,
        links=links,
        factors=factors,
        crossed=crossed,
        empty_cells=empty_cells,
        reference=reference,
        functions=functions,
        known=known,
        impute=impute,
        residual=residual,
        **predictors,
    )
    settings: dict[str, Any] = {
        **{"engine": engine, "chains": chains, "draws": draws, "tune": tune, "target_accept": target_accept},
        **{"parameterisation": parameterisation, "cores": cores, "store": store, "progress": progress},
    }
    if are_tables(data):
        return sample_tables(prepare_tables(spec, data, missing=missing, na=na), seed, settings)
    return sample(prepare(spec, data, missing=missing, na=na), seed=seed, **settings)


@checked
def sample(
    design: Design,
    *,
    engine: str = "auto",
    chains: int = 4,
    draws: int = 1000,
    tune: int | None = None,
    target_accept: float | None = None,
    parameterisation: str | Mapping[str, str] = "auto",
    seed: int | None = None,
    cores: int | None = None,
    store: str = "auto",
    progress: bool = True,
) -> Fit:
    """Return the fit of a design.

    Parameters
    ----------
    design : Design
        From `prepare`.
    engine : str
        "auto" or a key of `ENGINES`.
    chains, draws, tune : int
        Chains, kept draws and tuning draws of each chain; tuning by default as long as the engine needs: 300 draws of
        "collapsed" and "marginal", 500 of "kernel", 1000 of "pymc".
    target_accept : float, optional
        Between 0 and 1; by default 0.9 (0.8 of "collapsed" and in joint coordinates, see `fit.engine`), 0.99 after
        divergences.
    parameterisation : str or mapping
        "auto", "centred", "noncentred", or one of these by grouping factor.
    seed : int, optional
        The same seed gives the same draws on the same machine; by default a new one, which the Fit holds.
    cores : int, optional
        Chains that run at once; by default as many as the machine has.
    store : {"auto", "all"}
        "auto" keeps, of a factor with more than 5,000 effects whose draws take more than 400 MB, the mean, sd and
        quantiles (`group_effects` of the draws) and some hundred draws (`posterior_thinned`); "all" keeps everything.
    progress : bool
        Show progress.

    Raises
    ------
    SpecError
        A setting is impossible.
    SamplingError
        The sampler could not start, or was interrupted too early.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("sleepstudy")
    >>> design = bm.prepare("sleepstudy", data)
    >>> fit = bm.sample(design, draws=100, seed=1, progress=False)
    >>> fit.posterior["b_Subject"].shape
    (4, 100, 18, 2)
    """
    if target_accept is not None:
        check_share("target_accept", target_accept)
    if design.response is None:
        raise SpecError("This design has no response (it was prepared for prediction), so there is nothing to fit.")
    check_store(store)
    _refuse_constants(design)
    name, why = choose(design, engine)
    settings = Settings(
        chains=chains,
        draws=draws,
        tune=ENGINES[name].TUNE if tune is None else tune,
        cores=min(chains, cores or os.cpu_count() or 1),
        target_accept=target_accept or 0.9,
        seed=int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else int(seed),
        parameterisation=parameterisation if isinstance(parameterisation, str) else dict(parameterisation),
        store=store,
    )
    working, unit = in_working_unit(with_independent_levels(design))
    run = ENGINES[name].sample(
        working,
        settings,
        parameterisation=parameterisation,
        target_accept=target_accept,
        why=why,
        progress=progress,
    )
    return _as_fit(design, run, unit)


def resume(fit: Fit, settings: Settings, progress: bool) -> Fit:
    """Return further draws of a fit that holds the proposals of its chains."""
    working, unit = in_working_unit(with_independent_levels(fit.design))
    run = marginal.resume(working, settings, fit.draws[PROPOSALS].to_dataset(), progress)
    return _as_fit(fit.design, run, unit)


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


def _as_fit(design: Design, run: Run, unit: float) -> Fit:
    """Return the fit of a design whose response was sampled in some unit."""
    own = run.draws if unit == 1.0 else in_own_unit(design, run.draws, unit)
    own = with_related_draws(design, own)
    kept, decisions = keep_draws(design, own, run.settings.store)
    record = replace(run.record, decisions=(*run.record.decisions, *decisions))
    return Fit(design, kept, record, run.settings, dict(run.timing), installed_versions())


@cache
def installed_versions() -> dict[str, str]:
    """Return the versions of this package and of those that shape a fit."""
    found = {}
    for package in ("bayesmixed", "pymc", "pytensor", "nutpie", "arviz", "numba", "numpy", "formulaic"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _refuse_constants(design: Design) -> None:
    """Refuse a model all of whose parameters are fixed by numbers (SpecError)."""
    fixed = all(entry.prior.name == "Fixed" for entry in design.priors.values())
    if fixed and not any(True for _ in design.normal_blocks()):
        raise SpecError(
            (
                f"All parameters of '{design.spec.formula}' are fixed by numbers ({enumerate_words(design.priors)}), so there is "
                "nothing to sample. Give one of them a distribution as its prior; bm.simulate draws responses of fixed values."
            )
            if design.priors
            else f"'{design.spec.formula}' has no parameters, so there is nothing to sample: add a term."
        )
