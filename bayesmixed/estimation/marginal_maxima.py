"""Maximum likelihood, the effects integrated out in one of several ways."""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bayesmixed.design.design import Design
from bayesmixed.design.independent_levels import with_independent_levels
from bayesmixed.design.uncompiled import why_uncompiled
from bayesmixed.errors import SpecError, check_choice
from bayesmixed.estimation.approximations import METHODS, Approximation
from bayesmixed.estimation.climbs import Climb
from bayesmixed.preparation.preparing import as_design
from bayesmixed.spec.model_spec import ModelSpec

_MOST_POINTS = 100


def approximate(
    spec: str | Path | ModelSpec | Design,
    data: Any = None,
    *,
    method: str = "laplace",
    points: int | None = None,
    draws: int = 1000,
    adaptive: bool = True,
    restricted: bool = False,
    priors: bool | Mapping[str, Any] | None = False,
    seed: int = 0,
    **options: Any,
) -> Approximation:
    """Return a model at the maximum of its marginal likelihood, the effects integrated out; with priors, at its mode.

    Parameters
    ----------
    spec : str, Path, ModelSpec or Design
        Formula, shipped name, TOML path or spec, with data; or what `prepare` returned.
    data : data frame, mapping of columns, or path, optional
        One row per observation.
    method : {"joint", "pql", "laplace", "agq", "mc"}
        How effects are integrated out, from the fastest to the most precise: see `METHODS`.
    points : int, optional
        Nodes of "agq" in each direction: by default 15 for one effect of a level, 9 for two, 7 for three; of nested factors
        11 for the inner ones.
    draws : int
        Draws of the effects of each level for "mc".
    adaptive : bool
        "agq": nodes around the mode of each level, not around 0. "mc": draws from a t around the mode, not from the
        normal distribution of the effects.
    restricted : bool
        Restricted maximum likelihood (REML) of a Gaussian model: coefficients are integrated out as well, under a flat
        density.
    priors : bool or mapping
        True: the mode of the marginal posterior, of likelihood times priors, in place of the maximum likelihood, where
        priors do not enter. Each prior counts with its density on the scale on which it is stated, that of an SD with the
        density at the SD, without a Jacobian: not the mode of log SDs. A mapping states priors of a formula, as for `fit`;
        of these only numbers, which fix a parameter, enter the maximum likelihood. For the mode under priors of your own:
        `approximate(prepare(formula, data, priors={...}), priors=True)`.
    seed : int
        Of the draws.
    **options
        With a formula: `family`, `link` and so on, as for `fit`.

    Raises
    ------
    SpecError
        The method does not apply to the model: the message names one that does.
    DataError
        As for `prepare`.

    Notes
    -----
    "joint" and "laplace" are the two stages of Bates et al. (2015, J Stat Softw 67:1), the latter with the observed
    Hessian; "pql" follows Breslow & Clayton (1993, JASA 88:9), "agq" Pinheiro & Bates (1995, J Comput Graph Stat 4:12).
    Standard errors come from the curvature of the likelihood at its maximum, those of SDs and correlations by the delta
    method.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("cbpp")
    >>> found = bm.approximate("herd", data, method="agq")
    >>> round(found.log_likelihood, 3), round(found.estimates["sd_herd[Intercept]"], 3)
    (-104.759, 0.818)
    """
    check_choice("method={}", method, METHODS)
    mode, stated = (
        (bool(priors), dict[str, Any]()) if priors is None or isinstance(priors, bool) else (False, {"priors": priors})
    )
    design = as_design(spec, data, **stated, **options)
    _refuse(design, method, restricted=restricted, mode=mode)
    if points is not None and points > _MOST_POINTS:
        raise SpecError(f"points={points} is more than {_MOST_POINTS}; more than 30 seldom change anything.")
    if method == "mc" and draws < 2:
        raise SpecError("method='mc' needs at least two draws, to estimate its Monte Carlo error.")
    started = time.perf_counter()
    asked = {"points": points, "draws": draws, "adaptive": adaptive, "restricted": restricted, "seed": seed}
    found = Climb(with_independent_levels(design), method, **asked, priors=mode).climb(started)
    return replace(found, design=design)


def _refuse(design: Design, method: str, *, restricted: bool, mode: bool) -> None:
    """Refuse designs and methods that do not go together (SpecError)."""
    family = design.family
    if design.streamed:
        raise SpecError("Maximum likelihood needs the rows in memory: bm.prepare(spec, path, stream=False).")
    if design.response is None:
        raise SpecError("This design has no response (it was prepared for prediction), so there is nothing to fit.")
    if why_uncompiled(design):
        raise SpecError(
            f"bm.approximate has no maximum likelihood where {why_uncompiled(design)}. Sample the model: bm.fit(...)."
        )
    if not family.differentiable:
        raise SpecError(
            f"The log-likelihood of family '{family.name}' is made of straight lines, from whose curvature effects cannot be "
            "integrated out. Sample the model: bm.fit(...)."
        )
    if family.onset:
        raise SpecError(
            f"The likelihood of family '{family.name}' has no maximum: it is infinite where '{family.onset}' comes to the "
            "smallest response. Sample the model: bm.fit(...)."
        )
    other = [p.parameter for p in design.predictors.values() if p is not design.mu and p.normal_blocks]
    if other:
        raise SpecError(
            f"Effects on '{other[0]}' are not integrated out by bm.approximate. Sample the model: bm.fit(...)."
        )
    for block in design.mu.normal_blocks:
        if block.widest and design.priors[design.mu.corr(block)].prior.name == "Fixed":
            raise SpecError(
                f"The correlation of '{block.name}' is fixed by a number, and bm.approximate estimates it. Sample the model: "
                "bm.fit(...)."
            )
    normal = family.is_normal_under(design.mu.link)
    if mode and restricted:
        raise SpecError("restricted=True has a flat density of coefficients, no priors. Leave one of the two out.")
    if mode and method in ("joint", "pql"):
        raise SpecError(f"method='{method}' maximises a likelihood, not one times priors. Take method='laplace'.")
    if restricted and not (
        normal and list(design.predictors) == [design.mu.parameter] and method in ("joint", "laplace")
    ):
        raise SpecError(
            "restricted=True is for Gaussian models with identity link and one sigma, by method='laplace', which is exact "
            "there. Leave it out."
        )
    if method == "pql" and not normal and (design.numbers or family.cuts or len(design.predictors) > 1):
        raise SpecError(
            f"method='pql' has no likelihood from which to estimate the further parameters of family '{family.name}'. "
            "Take method='laplace'."
        )
