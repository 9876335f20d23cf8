"""Pictures of the draws by arviz-plots: traces, ranks and pairs of the parameters."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from bayesmixed.arguments import pools
from bayesmixed.errors import SpecError, did_you_mean
from bayesmixed.fits.fitting import Fit
from bayesmixed.plots.figures import as_written
from bayesmixed.terms.drawn_values import TABLE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST, _MOST_PAIRS = 40, 10


@pools
def plot_trace(fit: Fit, parameters: str | Sequence[str] | None = None) -> "Figure":
    """Return the draws of each chain one after the other, as a figure of arviz-plots' `plot_trace`.

    Chains that mix look alike and like noise; with few effective draws they wander.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    parameters : str or list, optional
        Variables of the draws, such as "beta" or "sd_herd"; if not given, all but effects of groups.

    Raises
    ------
    SpecError
        No such variable, or so many numbers that no figure can show them.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> len(bm.plot_trace(fit, "beta").axes)
    4
    """
    return _drawn("plot_trace", fit, parameters, _MOST)


@pools
def plot_rank(fit: Fit, parameters: str | Sequence[str] | None = None) -> "Figure":
    """Return the ranks of the draws of each chain among all, as a figure of arviz-plots' `plot_rank`.

    They are uniform, and lines stay near 0, where all chains are samples of the same distribution; the p of a test of
    that is above each panel, and ranks that speak against it are marked.

    Parameters
    ----------
    fit, parameters
        As in `plot_trace`.

    Raises
    ------
    SpecError
        As `plot_trace`.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> len(bm.plot_rank(fit, "sd_herd").axes)
    1
    """
    return _drawn("plot_rank", fit, parameters, _MOST)


@pools
def plot_pairs(fit: Fit, parameters: str | Sequence[str] | None = None) -> "Figure":
    """Return the draws of parameters two by two, with divergent ones marked, as a figure of arviz-plots' `plot_pair`.

    Parameters
    ----------
    fit, parameters
        As in `plot_trace`; at most ten numbers.

    Raises
    ------
    SpecError
        As `plot_trace`.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> len(bm.plot_pairs(fit, "beta").axes) > 4
    True
    """
    return _drawn("plot_pair", fit, parameters, _MOST_PAIRS, visuals={"divergence": True})


def _drawn(function: str, fit: Fit, parameters: str | Sequence[str] | None, most: int, **options: Any) -> "Figure":
    import arviz_plots
    from arviz_base import rc_context
    from matplotlib import pyplot

    names = _names(fit, parameters, most)
    draw: Callable[..., Any] = getattr(arviz_plots, function)
    with rc_context({"plot.max_subplots": _MOST_PAIRS**2}):
        figure: Figure = draw(fit.draws, var_names=names, backend="matplotlib", **options).viz["figure"].item()
    pyplot.close(figure)  # it would be shown twice in notebooks
    figure.set_layout_engine("constrained")
    return as_written(figure)


def _names(fit: Fit, parameters: str | Sequence[str] | None, most: int) -> list[str]:
    posterior = fit.posterior
    effects = {TABLE, *(predictor.b(block) for predictor, block in fit.design.normal_blocks())}
    if parameters is None:
        names = [str(name) for name in posterior.data_vars if name not in effects and not str(name).startswith("corr_")]
    else:
        names = [parameters] if isinstance(parameters, str) else list(parameters)
    for name in names:
        if name not in posterior.data_vars:
            raise SpecError(
                f"'{name}' is not a variable of the draws. {did_you_mean(name, map(str, posterior.data_vars))}"
            )
    count = sum(posterior[name].isel(chain=0, draw=0).size for name in names)
    if count > most:
        raise SpecError(
            f"{count} numbers are too many for one figure (at most {most}); name some of: {', '.join(names)}."
        )
    return names
