"""JointFit: draws of several responses at once, of which each is an ordinary fit."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import xarray as xr

from bayesmixed.arguments import checked
from bayesmixed.design.joint_designs import JointDesign
from bayesmixed.display.columns_of_text import fill_lines
from bayesmixed.draws.kept import check_store
from bayesmixed.engines import pymc
from bayesmixed.engines.joint_sampling import sample_together
from bayesmixed.engines.settings import EngineRecord, Settings, check_share, complete_settings
from bayesmixed.equations import DisplayedTogether, JointOutline
from bayesmixed.errors import check_choice
from bayesmixed.fits.fitting import Fit, as_fit


@dataclass(frozen=True, slots=True)
class JointFit(DisplayedTogether):
    """A fitted model of several responses; `joint["y1"]` is the fit of one of them, for all summaries.

    Attributes
    ----------
    design : JointDesign
        The spec on its data.
    fits : mapping of str to Fit
        By response. Variables have the names of a fit of one response; the draws are those given all responses.
    shared : xarray.Dataset
        Draws of the correlations between responses: "corr_g", "rescor".

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("sleepstudy").assign(speed=lambda one: 1000 / one["Reaction"])
    >>> joint = bm.fit(["Reaction ~ Days", "speed ~ Days"], data, rescor=True, seed=1)  # doctest: +SKIP
    >>> bm.marginal_means(joint["speed"], "Days")  # doctest: +SKIP
    >>> sorted(joint.posterior.data_vars)  # doctest: +SKIP
    ['beta_Reaction', 'beta_speed', 'rescor', 'sigma_Reaction', 'sigma_speed']
    """

    design: JointDesign
    fits: Mapping[str, Fit]
    shared: xr.Dataset

    @property
    def responses(self) -> tuple[str, ...]:
        """Names of the responses."""
        return tuple(self.fits)

    @property
    def settings(self) -> Settings:
        """Chains, draws, seed."""
        return self._first.settings

    @property
    def engine(self) -> EngineRecord:
        """Which engine sampled, and what it decided."""
        return self._first.engine

    @property
    def timing(self) -> Mapping[str, float]:
        """Seconds by stage."""
        return self._first.timing

    @property
    def _first(self) -> Fit:
        return next(iter(self.fits.values()))

    @property
    def posterior(self) -> xr.Dataset:
        """All draws: variables of a response end in its name, "sd_g_y1", correlations between responses do not."""
        return named_draws({name: fit.posterior for name, fit in self.fits.items()}, self.design, self.shared)

    def joint_outline(self) -> JointOutline:
        """Return what the equations need to know: those of the design."""
        return self.design.joint_outline()

    def __getitem__(self, response: str) -> Fit:
        return self.fits[self.design.find_response(response)]

    def __iter__(self) -> Iterator[str]:
        return iter(self.fits)

    def __len__(self) -> int:
        return len(self.fits)

    def __repr__(self) -> str:
        s = self.settings
        formulas = "; ".join(fit.design.spec.formula for fit in self.fits.values())
        state = "" if s.complete else ", interrupted"
        return fill_lines([f"<JointFit: {formulas}; {s.chains} chains x {s.draws} draws by {self.engine.name}{state}>"])


def named_draws(posteriors: Mapping[str, xr.Dataset], design: JointDesign, shared: xr.Dataset) -> xr.Dataset:
    """Return the draws of all responses under names that end in these; blocks of correlations of several responses are in the
    matrices of all."""
    levels: dict[str, list[tuple[str, ...]]] = {}
    for _, group in (pair for part in design.parts.values() for pair in part.group_blocks()):
        levels.setdefault(group.level_dim, []).append(group.levels)
    common = {"chain", "draw", *(dim for dim, found in levels.items() if all(one == found[0] for one in found))}
    variables: dict[str, xr.DataArray] = {}
    for name, posterior in posteriors.items():
        blocks = design.blocks(name)
        for own, values in posterior.data_vars.items():
            if own not in blocks:
                dims = {dim: f"{dim}_{name}" for dim in values.dims if dim not in common}
                variables[f"{own}_{name}"] = values.rename(dims)
    attrs = next(iter(posteriors.values())).attrs
    return xr.Dataset({**variables, **shared.data_vars}, attrs=attrs)


@checked
def sample_joint(
    design: JointDesign,
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
) -> JointFit:
    """Return the fit of several responses.

    Parameters
    ----------
    design : JointDesign
        From `prepare_joint`.
    engine : {"auto", "pymc"}
        Compiled engines sample one response.
    chains, draws, tune, target_accept, parameterisation, seed, cores, store, progress
        See `sample`.

    Raises
    ------
    SpecError
        A setting is impossible.
    SamplingError
        The sampler could not start, or was interrupted too early.
    """
    check_choice("Engine {} of several responses", engine, ["auto", "pymc"])
    if target_accept is not None:
        check_share("target_accept", target_accept)
    check_store(store)
    settings = complete_settings(
        chains=chains,
        draws=draws,
        tune=pymc.TUNE if tune is None else tune,
        cores=cores,
        target_accept=target_accept,
        seed=seed,
        parameterisation=parameterisation,
        store=store,
    )
    runs, shared = sample_together(
        design, settings, parameterisation=parameterisation, target_accept=target_accept, progress=progress
    )
    return joint_fit(
        design, {name: as_fit(design.parts[name], run, unit) for name, (run, unit) in runs.items()}, shared
    )


def with_cores(fit: Fit | JointFit, cores: int) -> Fit | JointFit:
    """Return a fit whose repetitions run so many chains at once."""
    if isinstance(fit, JointFit):
        fits = {name: replace(own, settings=replace(own.settings, cores=cores)) for name, own in fit.fits.items()}
        return replace(fit, fits=fits)
    return replace(fit, settings=replace(fit.settings, cores=cores))


def joint_fit(design: JointDesign, fits: Mapping[str, Fit], shared: xr.Dataset) -> JointFit:
    """Return the fit of several responses from those of each, which know of each other."""
    whole = {name: replace(fit, beside=tuple(one for one in fits if one != name)) for name, fit in fits.items()}
    return JointFit(design, whole, shared)
