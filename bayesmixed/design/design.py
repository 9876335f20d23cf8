"""Design: a spec on data, the arrays, labels and learned state from which models are built."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesmixed.design.latent_columns import ImputedTables, LatentColumn
from bayesmixed.design.responses import Response
from bayesmixed.design.variance_splits import JointOnData, PartPrior, SplitOnData
from bayesmixed.display.columns_of_text import fill_lines
from bayesmixed.equations import Displayed, Outline, outline_blocks, state_prior
from bayesmixed.errors import DataError, SpecError, enumerate_words
from bayesmixed.families import Family
from bayesmixed.families.limits import within_limits
from bayesmixed.families.links import Array
from bayesmixed.families.multinomial import as_responses
from bayesmixed.families.parameter_functions import PriorFunction, function_of
from bayesmixed.prior_distributions import Prior
from bayesmixed.spec.model_spec import ModelSpec
from bayesmixed.tables.factors import Table
from bayesmixed.tables.row_sources import RowSource
from bayesmixed.tables.row_statistics import RowStatistics
from bayesmixed.terms.blocks import GroupBlock
from bayesmixed.terms.contract import ADDITION
from bayesmixed.terms.correlation_matrices import CorrelationMatrix
from bayesmixed.terms.normal_block import NormalBlock
from bayesmixed.terms.predictors import Predictor
from bayesmixed.terms.residual_blocks import CORRELATIONS, ResidualBlock
from bayesmixed.terms.weights import ERROR, FREQUENCY

CUTS = "threshold"
"""Name of the vector of thresholds, with the dim `cut`, and of its prior."""
CATEGORY = "category"
"""Dimension of the categories of probabilities and counts."""


@dataclass(frozen=True, slots=True)
class RealisedPrior:
    """The prior of one number, or of one correlation matrix, with its origin.

    Attributes
    ----------
    prior : Prior
        With realised numbers.
    source : str
        "default" or "user".
    about : str
        What the parameter is, in words, with the coordinate in which the prior is stated.
    """

    prior: Prior
    source: str
    about: str


@dataclass(frozen=True, slots=True)
class Streamed:
    """What a design stores about rows that stay where they are.

    Attributes
    ----------
    source : RowSource
        Where they are.
    stamp : tuple of int
        Sizes and times of change of its files when they were read; () where nothing is known.
    missing : str
        How incomplete rows are treated.
    statistics : RowStatistics
        Over all rows, of "population", "b_g" of every group term g, and "response".
    examples : Design
        Rows in memory that show all levels, their combinations, and where columns vary within levels; the first
        `drawn` of them are a random sample of all rows.
    drawn : int
        Number of rows of the random sample.
    na : tuple of str
        Codes of missing values.
    """

    source: RowSource
    stamp: tuple[int, ...]
    missing: str
    statistics: RowStatistics
    examples: "Design"
    drawn: int
    na: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Design(Displayed):
    """A spec prepared on data; all later steps read it and none changes it.

    Attributes
    ----------
    spec : ModelSpec
        What was asked for.
    family : Family
        Resolved from the spec.
    table : Table
        The columns that the spec uses, in the rows that are used; its index labels the rows.
    observed : Response
        What was observed in the rows, and the weight of each.
    predictors : mapping
        By parameter, the first parameter first.
    priors : mapping
        Realised once, on the data of the fit, by name: "beta[Days]", "sd_herd[Intercept]", "corr_g", "sigma".
    notes : tuple of str
        What a statistician would point out.
    dropped : int
        Number of rows left out because of missing values.
    streamed : Streamed or None
        Where the rows are read from a file whenever they are needed; their table, columns and indices are then
        `Absent`, and only the response is here.
    source : str
        The file that the rows were read from, as it was named; "" where they were given.
    latent : tuple of LatentColumn
        Columns in mi() and me(), of which values are drawn with the parameters.
    imputed : ImputedTables or None
        The tables of a fit to several, of which these rows are the first.
    withheld : pandas.DataFrame or None
        Rows without a response, to be predicted.
    residual : ResidualBlock or None
        Groups within which residuals are correlated.
    unplaced : str
        Why rows to predict have no place in such groups.
    ending : str
        Of the names of all variables, "_y1", in a model of several responses; "" otherwise.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("cbpp")
    >>> design = bm.prepare("herd_period", data)
    >>> design.rows, design.mu.population.labels
    (56, ('Intercept', 'period[T.2]', 'period[T.3]', 'period[T.4]'))
    """

    spec: ModelSpec
    family: Family
    table: Table
    observed: Response
    predictors: Mapping[str, Predictor]
    priors: Mapping[str, RealisedPrior]
    notes: tuple[str, ...]
    dropped: int
    streamed: Streamed | None = None
    source: str = ""
    latent: tuple[LatentColumn, ...] = ()
    imputed: ImputedTables | None = None
    withheld: pd.DataFrame | None = None
    residual: ResidualBlock | None = None
    unplaced: str = ""
    ending: str = ""

    def __reduce__(self) -> Any:
        """Pickle and copy without the family, which follows from the spec and the categories."""
        kept = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "family"}
        return _restore, (kept,)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.observed.rows

    @property
    def response(self) -> Array | None:
        """(n,) response; None where rows to predict have none."""
        return self.observed.values

    @property
    def trials(self) -> Any:
        """(n,) numbers of trials; 1.0 for families without; None where rows to predict have none."""
        return self.observed.trials

    @property
    def weights(self) -> Array | None:
        """(n,) weights; None without, and where rows to predict have none."""
        return self.observed.weights

    @property
    def categories(self) -> tuple[str, ...]:
        """Labels of a response of categories, the lowest or the reference first; the response holds their numbers from 1."""
        return self.observed.categories

    def with_response(self, values: Array) -> "Design":
        """Return the design of the same rows with another response.

        Raises
        ------
        SpecError
            Rows are censored: what would be known of another response is not.
        """
        if self.observed.limits is not None:
            raise SpecError(
                "This needs other responses of the same rows, and it is not known which of them would be censored "
                f"({self.observed.limits_text}). bm.residuals, bm.check_residuals and bm.loo judge models of censored responses."
            )
        return replace(self, observed=replace(self.observed, values=as_responses(values)))

    def needs_bounds(self, what: str) -> None:
        """Refuse rows without the columns of the bounds between which their responses are drawn (DataError)."""
        truncation = self.spec.truncation
        if truncation is not None and self.observed.bounds is None:
            raise DataError(
                f"{what} needs the columns of {truncation} in the data: {enumerate_words(truncation.columns)}."
            )

    def needs_independence(self, what: str) -> None:
        """Refuse designs whose rows are not independent given effects and parameters (SpecError)."""
        if self.residual is not None:
            raise SpecError(
                f"{what} takes rows as independent given the effects of groups, and residuals are correlated here "
                f"({self.residual.residual})."
            )

    def needs_groups(self, what: str) -> None:
        """Refuse rows without the columns within which their residuals are correlated (DataError)."""
        residual = self.spec.correlated
        if residual is not None and self.residual is None:
            if self.unplaced:
                raise DataError(self.unplaced)
            raise DataError(
                f"{what} needs the columns of residual {residual} in the data: {enumerate_words(residual.columns)}."
            )

    def without_empty_levels(self) -> "Design":
        """Return the design of the same rows whose grouping factors have the levels of these rows alone."""
        predictors = {
            name: replace(p, groups=tuple(group.without_empty_levels() for group in p.groups))
            for name, p in self.predictors.items()
        }
        return replace(self, predictors=predictors)

    @property
    def row_text(self) -> str:
        """How many rows there are, in words, with how many are censored, where responses are truncated, and with frequency
        weights the number of lines of data."""
        total = round(float(np.sum(self.observed.row_counts)))
        rows = f"{total:,} row{'s' if total != 1 else ''}"
        truncation = self.spec.truncation
        said = [
            self.observed.limits_text,
            "" if truncation is None else f"seen if {self.spec.response} is {truncation.words}",
        ]
        rows += f" ({'; '.join(text for text in said if text)})" if any(said) else ""
        if self.spec.weights is None or self.observed.weighting != FREQUENCY or self.weights is None:
            return rows
        return f"{rows} in {self.rows:,} lines with frequencies '{self.spec.weights.column}'"

    @property
    def examples(self) -> "Design":
        """A design in memory whose rows have the structure of all: levels, nesting and crossing."""
        return self if self.streamed is None else self.streamed.examples

    def mean_products(self, block: NormalBlock) -> Array:
        """Return the mean over rows of zz', (K, K), for the columns of a term of the first parameter at the centre."""
        if self.streamed is not None:
            group = next(group for group in self.mu.groups if group is block)
            products, mixing = self.streamed.statistics.products(self.mu.b(group)), group.coordinates.mixing
            return np.asarray(mixing.T @ products @ mixing)
        return block.mean_products(self.observed.row_shares)

    @property
    def response_name(self) -> str:
        """Name of the response in models and draws."""
        return self.spec.response_name

    @property
    def mu(self) -> Predictor:
        """The predictor of the first parameter."""
        return self.predictors[self.family.parameters[0].name]

    @property
    def ratio(self) -> str:
        """What exp() of a difference in the predictor of the first parameter is, "" where it has no meaning."""
        where = " and ".join(f"{name} is 1" for name in self.family.relative)
        return f"{self.mu.link.ratio} where {where}" if where and self.mu.link.ratio else self.mu.link.ratio

    @property
    def scalars(self) -> tuple[str, ...]:
        """Parameters without a predictor: numbers with a prior; a vector of thresholds one by one."""
        return tuple(p.name for p in self.family.parameters if p.name not in self.predictors)

    @property
    def numbers(self) -> tuple[str, ...]:
        """The scalars with their own prior: all but thresholds."""
        return tuple(name for name in self.scalars if name not in self.family.cuts)

    @property
    def cut_labels(self) -> list[str]:
        """Labels of the thresholds, "low|mid"."""
        return [f"{low}|{high}" for low, high in pairwise(self.categories)]

    def scalar_draws(self, posterior: xr.Dataset) -> dict[str, xr.DataArray]:
        """Return the draws of every parameter without a predictor, each with the dims chain and draw alone."""
        found = {name: posterior[name] for name in self.numbers}
        cuts = enumerate(self.family.cuts)
        return found | {name: posterior[CUTS].isel(cut=k, drop=True) for k, name in cuts}

    def in_rows(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return parameters (last axis: rows) with the residual scale of each row, which weights and known errors change, and
        with what is known of the limits of rows."""
        own, scale, known = self.observed.row_scale, self.family.scale, self.observed.known_limits
        return {**values, **known, **({} if own is None else {scale: own.of(values[scale])})}

    @property
    def known_errors(self) -> bool:
        """Whether the residual SD of each row is known; the scale is then 1, as what multiplies it."""
        return self.spec.weights is not None and self.spec.weights.kind == ERROR

    def coefficient_priors(self, predictor: Predictor) -> list[Prior]:
        """Return the priors of the q coordinates of the population part."""
        return [self.priors[key].prior for key in predictor.keys]

    @property
    def joint_priors(self) -> dict[str, JointOnData]:
        """Joint priors of several numbers, by their names."""
        joints = (e.prior.joint for e in self.priors.values() if isinstance(e.prior, PartPrior))
        return {joint.KIND: joint for joint in joints}

    @property
    def hidden_joint_priors(self) -> list[str]:
        """Names of the joint priors with scales and shares of their own, over which the density of the parameters is an
        integral."""
        return [name for name in self.joint_priors if name != SplitOnData.KIND]

    @property
    def split(self) -> SplitOnData | None:
        """The joint prior of SDs, if there is one."""
        found = self.joint_priors.get(SplitOnData.KIND)
        return found if isinstance(found, SplitOnData) else None

    def priors_by_term(self) -> dict[str, tuple[RealisedPrior, int]]:
        """Return the priors by key, those of several coordinates of a term as one, each with their number."""
        found: dict[str, tuple[RealisedPrior, int]] = {}
        for key, entry in self.priors.items():
            term = re.sub(r" #\d+(?=\]$)", "", key)
            before = found.get(term, (entry, 0))[0]
            alike = before == entry or (isinstance(entry.prior, PartPrior) and str(before.prior) == str(entry.prior))
            name = term if alike else key
            found[name] = entry, found.get(name, (entry, 0))[1] + 1
        return found

    def scalar_prior(self, name: str) -> tuple[PriorFunction, Prior]:
        """Return the prior of a parameter without predictor, and the function of the parameter that has it."""
        return next(
            (function, entry.prior) for key, entry in self.priors.items() if (function := function_of(key, name))
        )

    def scalar_of(self, key: str) -> str | None:
        """Return the parameter without predictor whose prior key this is, or None."""
        return next((name for name in self.numbers if function_of(key, name)), None)

    def group_blocks(self) -> Iterator[tuple[Predictor, GroupBlock]]:
        """Yield every group block with its predictor."""
        for predictor in self.predictors.values():
            for group in predictor.groups:
                yield predictor, group

    def correlations(self) -> Iterator[tuple[CorrelationMatrix, tuple[tuple[Predictor, GroupBlock], ...]]]:
        """Yield every matrix of correlations of effects, with the terms whose effects have them."""
        found: dict[str, CorrelationMatrix] = {}
        members: dict[str, list[tuple[Predictor, GroupBlock]]] = {}
        for predictor, group in self.group_blocks():
            if group.correlated:
                matrix = predictor.correlations(group)
                found[matrix.name] = matrix
                members.setdefault(matrix.name, []).append((predictor, group))
        for name, matrix in found.items():
            yield matrix, tuple(members[name])

    @property
    def matrices(self) -> dict[str, CorrelationMatrix]:
        """Every matrix of correlations, of effects and of residuals, by its name in the draws."""
        found = {matrix.name: matrix for matrix, _ in self.correlations()}
        return (
            found if self.residual is None or not self.residual.dense else {**found, CORRELATIONS: self.residual.matrix}
        )

    def normal_blocks(self) -> Iterator[tuple[Predictor, NormalBlock]]:
        """Yield every curve and group block with its predictor."""
        for predictor in self.predictors.values():
            for block in predictor.normal_blocks:
                yield predictor, block

    @property
    def factors(self) -> tuple[str, ...]:
        """Names of the grouping factors whose levels can be compared."""
        return tuple(dict.fromkeys(group.name for _, group in self.group_blocks() if group.compared))

    def outline(self) -> Outline:
        """Return what the equations need to know: priors have their realised numbers."""
        offsets = {
            name: [
                text for term in self.spec.terms_of(name) or () if term.part == ADDITION for text in term.expressions
            ]
            for name in self.predictors
        }
        shown = [replace(p, centre=self.predictors[name].centre) for name, p in self.examples.predictors.items()]
        predictors, row, counted = outline_blocks(shown, offsets, self.rows, self.row_text)
        priors = {
            key: state_prior(entry.prior, f"each of {count}: {entry.about}" if count > 1 else entry.about, entry.source)
            for key, (entry, count) in self.priors_by_term().items()
        }
        joint = (one.to_spec() for one in self.joint_priors.values())
        priors |= {one.KEY: state_prior(one, one.MEANING, "user") for one in joint if one is not None}
        return Outline(
            self.spec.response,
            self.spec.trials,
            self.family if self.family.template else self.spec.family_record,
            predictors,
            priors,
            (),
            row,
            counted,
            self.spec.weights,
            self.spec.limits,
            self.spec.correlated,
        )

    def captions(self) -> Mapping[str, str]:
        """Return what is shown around the equations in notebooks."""
        return {"title": self.spec.title}

    def __str__(self) -> str:
        groups = ", ".join(f"{len(group.levels)} {group.counted}" for group in self.mu.groups)
        lines = [str(self.spec), self.row_text + (f", {groups}" if groups else "")]
        if self.dropped:
            lines.append(f"{self.dropped} rows left out because of missing values")
        lines += [
            f"prior {key} ~ {entry.prior}   ({entry.source}; {entry.about})" for key, entry in self.priors.items()
        ]
        return fill_lines([*lines, *(f"note: {note}" for note in self.notes)])


def _restore(fields: dict[str, Any]) -> Design:
    return Design(family=resolve_family(fields["spec"], fields["observed"].categories), **fields)


def resolve_family(spec: ModelSpec, categories: tuple[str, ...] = ()) -> Family:
    """Return the family of a spec: for the categories of its response, censored or truncated."""
    family = spec.family_record
    if categories:
        return family.for_categories(categories)
    if spec.censoring is None and spec.truncation is None:
        return family
    return within_limits(family, censored=spec.censoring is not None, truncated=spec.truncation is not None)


def group_covariance(transform: Array, sd: Array, corr: Array) -> Array:
    """Return T D R D T' for stacked (..., K) SDs and (..., K, K) correlations at the centre."""
    scaled = transform @ (sd[..., :, None] * corr * sd[..., None, :]) @ transform.T
    return np.asarray(scaled)
