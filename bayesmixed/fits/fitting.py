"""Fit: a design with draws from its posterior, and the function that draws them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version

import xarray as xr

from bayesmixed.arguments import checked, pools
from bayesmixed.design.design import Design
from bayesmixed.design.independent_levels import with_independent_levels, with_related_draws
from bayesmixed.design.response_units import in_own_unit, in_working_unit
from bayesmixed.display.columns_of_text import fill_lines
from bayesmixed.draws.free_draws import with_free_variables
from bayesmixed.draws.kept import check_store, keep_draws
from bayesmixed.draws.tree import PROPOSALS
from bayesmixed.engines import ENGINES, choose, marginal
from bayesmixed.engines.runs import Run
from bayesmixed.engines.settings import EngineRecord, Settings, check_share, complete_settings
from bayesmixed.equations import Displayed, Outline
from bayesmixed.errors import SpecError, enumerate_words


@dataclass(frozen=True, slots=True, weakref_slot=True)
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
    beside : tuple of str
        Other responses that were fitted together with this one, whose rows informed these draws too.

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
    beside: tuple[str, ...] = ()

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
        draw (""), of imputed tables none ("no", where the reason is that responses are predicted, or "one"), those that differ in
        columns alone ("rows"), or also in the response ("columns")."""
        if not self.unsettled or not tables:
            return self.unsettled
        imputed = self.design.imputed
        if self.settings.tables == 1:
            return ""
        if tables == "one":
            return self.unsettled
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
        drawn = f"{s.chains} chains x {s.draws} draws by {self.engine.name}{state}"
        return fill_lines([f"<Fit: {self.design.spec.formula}; {drawn}>"])


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
    settings = complete_settings(
        chains=chains,
        draws=draws,
        tune=ENGINES[name].TUNE if tune is None else tune,
        cores=cores,
        target_accept=target_accept,
        seed=seed,
        parameterisation=parameterisation,
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
    return as_fit(design, run, unit)


def resume(fit: Fit, settings: Settings, progress: bool) -> Fit:
    """Return further draws of a fit that holds the proposals of its chains."""
    working, unit = in_working_unit(with_independent_levels(fit.design))
    run = marginal.resume(working, settings, fit.draws[PROPOSALS].to_dataset(), progress)
    return as_fit(fit.design, run, unit)


def as_fit(design: Design, run: Run, unit: float) -> Fit:
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
