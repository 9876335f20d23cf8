"""tidy: everything that a fit estimated, as one long table."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from bayesmixed.arguments import pools
from bayesmixed.design.design import Design
from bayesmixed.display.result_tables import as_result
from bayesmixed.display.tables import working_units
from bayesmixed.draws.kept import values_of, with_effects
from bayesmixed.draws.residual_draws import RESIDUALS, residual_numbers
from bayesmixed.errors import check_choice
from bayesmixed.families.links import Array
from bayesmixed.fits.fitting import Fit
from bayesmixed.fits.joint_fits import JointFit
from bayesmixed.integration.posterior_means import parameter_has_mean
from bayesmixed.spec.joint_specs import RESCOR

KINDS = ("fixed", "ran_pars", "family", "ran_vals")
COLUMNS = [
    "effect",
    "component",
    "group",
    "level",
    "term",
    "estimate",
    "std.error",
    "conf.low",
    "conf.high",
    "ess",
    "rhat",
]
Label = tuple[str, str, str, str, str]


@pools
def tidy(fit: Fit | JointFit, effects: str | Sequence[str] = ("fixed", "ran_pars", "family")) -> pd.DataFrame:
    """Return one row per number, in the layout of R's broom.mixed.

    Parameters
    ----------
    fit : Fit or JointFit
        The fitted model.
    effects : str or sequence of str
        Which: "fixed" (population coefficients), "ran_pars" (SDs and correlations of groups), "family" (parameters
        without a predictor), "ran_vals" (effects of every group).

    Returns
    -------
    pandas.DataFrame
        Columns effect, component (the parameter of the family), group, level, term, estimate (posterior mean; median where
        there is none, as for theta of a negative binomial), std.error (posterior sd; missing where there is no mean),
        conf.low, conf.high (95 %, equal tails), ess (bulk), rhat; the last two are missing for numbers that are fixed, and
        of imputed tables the sum of ess and the largest rhat in a table. Terms of "ran_pars" are sd__x and cor__x.z. Of
        several responses there is a column response before these, empty for correlations between responses.

    Raises
    ------
    SpecError
        An unknown kind of effect.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> fit = bm.load_fit("herd_period")
    >>> bm.tidy(fit)[["effect", "group", "term", "estimate"]].round(1)
         effect group           term  estimate
    0     fixed            Intercept      -1.4
    1     fixed          period[T.2]      -1.0
    2     fixed          period[T.3]      -1.1
    3     fixed          period[T.4]      -1.6
    4  ran_pars  herd  sd__Intercept       0.7
    """
    wanted = [effects] if isinstance(effects, str) else list(effects)
    for kind in wanted:
        check_choice("effects={}", kind, KINDS)
    if isinstance(fit, JointFit):
        return _tidy_responses(fit, wanted)
    names = [p.b(g) for p, g in fit.design.group_blocks()] if "ran_vals" in wanted else []
    posterior = with_effects(fit.draws, names)
    rows = [(label, values) for label, values in _numbers(fit.design, posterior) if label[0] in wanted]
    if not rows:
        return as_result(pd.DataFrame(columns=COLUMNS))
    table = pd.DataFrame([label for label, _ in rows], columns=COLUMNS[:5])
    numbers = np.stack([values for _, values in rows], axis=-1)
    found = pd.concat([table, _describe(numbers)], axis="columns")
    if fit.settings.tables > 1:
        each = [_describe(one) for one in np.split(numbers, fit.settings.tables)]
        found["ess"] = np.sum([one["ess"] for one in each], axis=0)
        found["rhat"] = np.max([one["rhat"] for one in each], axis=0)
    for place, (label, values) in enumerate(rows):
        if label[0] == "family" and not parameter_has_mean(fit.design, label[1]):
            found.loc[place, ["estimate", "std.error"]] = [float(np.median(values)), np.nan]
    return as_result(found)


def _tidy_responses(joint: JointFit, wanted: list[str]) -> pd.DataFrame:
    """Return the tables of all responses, and the correlations between them."""
    tables = [tidy(fit, wanted).assign(response=name) for name, fit in joint.fits.items()]
    blocks = {name: joint.design.blocks(name) for name in joint.fits}
    for name, table in zip(joint.fits, tables, strict=True):
        tied = {matrix.term for one, matrix in joint[name].design.matrices.items() if one in blocks[name]}
        within = table["group"].isin(tied) & table["term"].str.startswith("cor__")
        tables[list(joint.fits).index(name)] = table[~within]
    if "ran_pars" in wanted:
        tables.append(describe_correlations(joint).assign(response=""))
    return as_result(pd.concat(tables, ignore_index=True)[["response", *COLUMNS]])


def describe_correlations(joint: JointFit) -> pd.DataFrame:
    """Return the correlations of several responses, one a row, in the columns of `tidy`."""
    labels, draws = [], []
    for name, matrix in joint.design.matrices.items():
        values = joint.shared[name].transpose("chain", "draw", *matrix.dims).values
        group = RESIDUALS if name == RESCOR else matrix.term
        for i, j in matrix.pairs:
            labels.append(("ran_pars", "", group, "", f"cor__{matrix.labels[i]}.{matrix.labels[j]}"))
            draws.append(values[..., i, j])
    if not labels:
        return pd.DataFrame(columns=COLUMNS)
    return pd.concat([pd.DataFrame(labels, columns=COLUMNS[:5]), _describe(np.stack(draws, axis=-1))], axis="columns")


_BETWEEN = {"correlation": "cor", "covariance": "cov"}
"""What quantities of two columns are called, cor__x.z."""


def _numbers(design: Design, posterior: xr.Dataset) -> Iterator[tuple[Label, Array]]:
    """Yield the label and the draws, (chain, draw), of every number of a fit."""
    for predictor in design.predictors.values():
        part = predictor.parameter
        for column, term in enumerate(predictor.population.labels):
            yield ("fixed", part, "", "", term), values_of(posterior, predictor.beta)[..., column]
        for group in predictor.groups:
            for column, term in group.distinct_sds:
                yield (
                    ("ran_pars", part, group.name, "", f"sd__{term}"),
                    values_of(posterior, predictor.sd(group))[..., column],
                )
            matrix = predictor.correlations(group)
            for i, j in matrix.pairs if part == matrix.parameters[-1] else ():
                term = f"cor__{matrix.labels[i]}.{matrix.labels[j]}"
                label = ("ran_pars", "" if matrix.tied else part, group.name, "", term)
                yield label, values_of(posterior, matrix.name)[..., i, j]
            for key, structure, one in predictor.structure_parameters(group):
                yield ("ran_pars", part, group.name, "", f"{one.name}__{structure.label}"), values_of(posterior, key)
            if predictor.b(group) in posterior:
                effects = values_of(posterior, predictor.b(group))
                for row, column in np.argwhere(group.has):
                    label = ("ran_vals", part, group.name, group.levels[row], group.labels[column])
                    yield label, effects[..., row, column]
    for name, level, effect, values in residual_numbers(design, posterior):
        term = f"{_BETWEEN.get(name, name)}__{effect}{f'.{level}' if level else ''}"
        yield ("ran_pars", design.family.scale, RESIDUALS, "", term), values
    for name, draws in design.scalar_draws(posterior).items():
        if design.known_errors and name == design.family.scale:
            continue
        yield ("family", name, "", "", name), draws.transpose("chain", "draw").values


def _describe(values: Array) -> pd.DataFrame:
    import arviz_stats

    pooled = values.reshape(-1, values.shape[-1])
    lower, upper = np.quantile(pooled, [0.025, 0.975], axis=0)
    moving, units = np.ptp(pooled, axis=0) > 0, working_units(pooled)
    ess, rhat = np.full((2, values.shape[-1]), np.nan)
    if np.any(moving):
        dataset = xr.Dataset({"x": (("chain", "draw", "element"), (values / units)[..., moving])})
        ess[moving] = arviz_stats.ess(dataset, method="bulk")["x"].values
        rhat[moving] = arviz_stats.rhat(dataset)["x"].values
    return pd.DataFrame(
        {
            "estimate": pooled.mean(axis=0),
            "std.error": np.where(moving, (pooled / units).std(axis=0, ddof=1) * units, 0.0),
            "conf.low": lower,
            "conf.high": upper,
            "ess": ess,
            "rhat": rhat,
        }
    )
