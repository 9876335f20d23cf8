"""refit and extend: a fit of one response or several with other priors, data or seed, or with more draws."""

from collections.abc import Iterable, Mapping
from typing import Any, overload

from bayesmixed.arguments import alone, takes_drawn_values
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.joint_fits import JointFit
from bayesmixed.fits.joint_refitting import extend_responses, refit_responses
from bayesmixed.fits.refitting import extend_one, refit_one


@overload
def refit(
    fit: JointFit,
    *,
    priors: Mapping[str, Any] | None = ...,
    data: Any = ...,
    seed: int | None = ...,
    na: str | float | Iterable[str | float] = ...,
    **settings: Any,
) -> JointFit: ...
@overload
def refit(
    fit: Fit,
    *,
    priors: Mapping[str, Any] | None = ...,
    data: Any = ...,
    seed: int | None = ...,
    na: str | float | Iterable[str | float] = ...,
    **settings: Any,
) -> Fit: ...
@alone("bm.refit(joint, ...) fits all of them anew.")
@takes_drawn_values(tables="one")
def refit(
    fit: Fit | JointFit,
    *,
    priors: Mapping[str, Any] | None = None,
    data: Any = None,
    seed: int | None = None,
    na: str | float | Iterable[str | float] = (),
    **settings: Any,
) -> Fit | JointFit:
    """Return a new fit of the same model.

    Priors are frozen: those that are not named keep the numbers of `fit.design.priors`, and the column means at which
    they are stated, also under new data. New decisions are in `fit.engine.decisions`.

    Parameters
    ----------
    fit : Fit or JointFit
        The fitted model.
    priors : mapping, optional
        Priors that change, by the names of the posterior; those of several responses end in it, "sd_g_y1", but for "corr_g" and
        "rescor". One on `beta[Intercept]`, or on an SD or correlation of a term with correlated slopes, moves the coordinate in
        which the others of that term are stated: from the covariate means to zero.
    data : data frame, mapping of columns, or path, optional
        New rows, with a response; all checks of `prepare` are made. Not of models with mi() and me(), whose columns have priors
        that follow their data.
    seed : int, optional
        That of the fit if not given.
    na : str, number or list of these
        Codes that mean a missing value in `data`.
    **settings
        Of `sample`, and `missing` of `fit`; those of the fit if not given.

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
    >>> fit = bm.fit("sleepstudy", data, draws=100, seed=1, progress=False)
    >>> tighter = bm.refit(fit, priors={"sigma": "HalfNormal(10)"}, progress=False)
    >>> tighter.design.spec.priors
    {'sigma': Prior(name='HalfNormal', arguments=(10.0,))}
    """
    if isinstance(fit, JointFit):
        return refit_responses(fit, priors or {}, data, seed, na, settings)
    return refit_one(fit, priors, data, seed, na, settings)


@overload
def extend(fit: JointFit, draws: int, *, cores: int | None = ..., progress: bool = ...) -> JointFit: ...
@overload
def extend(fit: Fit, draws: int, *, cores: int | None = ..., progress: bool = ...) -> Fit: ...
@alone("bm.extend(joint, draws) adds draws of all of them.")
@takes_drawn_values(tables="one")
def extend(fit: Fit | JointFit, draws: int, *, cores: int | None = None, progress: bool = True) -> Fit | JointFit:
    """Return the fit with more draws in each chain: the model is sampled again with a seed that follows from the fit's.

    The sampler is tuned anew, so that many draws at once cost less than the same number in several calls; the chains of
    engine "marginal" go on with the proposals that they had.

    Parameters
    ----------
    fit : Fit or JointFit
        The fitted model.
    draws : int
        How many draws each chain gets in addition.
    cores, progress
        As in `sample`.

    Raises
    ------
    SpecError
        The fit does not hold all draws of its group effects.
    SamplingError
        The fit, or the further run, was interrupted: its chains do not have the same number of draws.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("sleepstudy")
    >>> fit = bm.fit("sleepstudy", data, draws=100, seed=1, progress=False)
    >>> bm.extend(fit, 50, progress=False).posterior.sizes["draw"]
    150
    """
    if isinstance(fit, JointFit):
        return extend_responses(fit, draws, cores, progress)
    return extend_one(fit, draws, cores, progress)
