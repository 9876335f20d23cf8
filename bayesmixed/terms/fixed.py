"""The population term: columns whose coefficients are the same for all rows."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator

from bayesmixed.errors import SpecError
from bayesmixed.formulas.evaluation import evaluate
from bayesmixed.formulas.names import factors_in, formula_columns
from bayesmixed.formulas.notation import normalise
from bayesmixed.formulas.written import read_formula
from bayesmixed.parameter_keys import CENTRED_INTERCEPT, INTERCEPT, ParameterKey
from bayesmixed.tables.factors import Table
from bayesmixed.terms.basis import learn_basis, map_to_written
from bayesmixed.terms.basis_outlines import outline_population
from bayesmixed.terms.block_parts import basis_coordinates
from bayesmixed.terms.contract import POPULATION, TermContract
from bayesmixed.terms.empty_cells import all_columns, reduce_columns
from bayesmixed.terms.population_block import PopulationBlock
from bayesmixed.terms.prior_rules import AS_WRITTEN, AT_CENTRE, LOCATION, SLOPE, Known, PriorRule


class Fixed(TermContract):
    """Population effects, written as a formula without a left-hand side: "1 + period", "0 + herd".

    Examples
    --------
    >>> import bayesmixed as bm
    >>> bm.ModelSpec(response="y", predictors={"mu": [bm.Fixed(formula="1 + x")]}).formula
    'y ~ 1 + x'
    """

    part: ClassVar[str] = POPULATION
    kind: Literal["fixed"] = "fixed"
    formula: Annotated[str, AfterValidator(partial(normalise, dots=True))] = "1"

    def __str__(self) -> str:
        return self.formula

    @property
    def streams(self) -> bool:
        """Whether rows can be read some at a time."""
        return True

    @property
    def formulas(self) -> tuple[str, ...]:
        """The formula."""
        return (self.formula,)

    def columns(self, available: Iterable[str]) -> set[str]:
        """Return the data columns that the term reads."""
        return formula_columns(self.formula, available)

    def factors(self) -> tuple[str, ...]:
        """Return the columns that the term declares to be factors."""
        return factors_in(self.formula)

    def prior_rules(self, known: Known) -> Iterator[PriorRule]:
        """Yield the rules of its coefficients; with nothing else the intercept is the mean over rows."""
        names = known.names
        written = INTERCEPT in read_formula(self.formula).terms()
        stated = ParameterKey(names.beta, INTERCEPT) in known.priors
        for one in outline_population(self.formula, known.factors, names.beta, known.priors):
            if one.label != INTERCEPT:
                where = AT_CENTRE if one.moved else AS_WRITTEN
                yield PriorRule(ParameterKey(names.beta, one.key), SLOPE, one, one.meaning, where)
            elif not known.cut:
                centred = (one.moved and not stated) or not written
                key = ParameterKey(names.beta, CENTRED_INTERCEPT if centred else INTERCEPT)
                meaning = "intercept" if written else "mean over the rows"
                yield PriorRule(key, LOCATION, one, meaning, AT_CENTRE if centred else AS_WRITTEN)

    def build(
        self, table: Table, like: PopulationBlock | None = None, *, constant: bool = True, drop: bool = False, **_: Any
    ) -> PopulationBlock:
        """Return the term's columns on a table, coded as in `like` if that is given.

        Parameters
        ----------
        constant : bool
            Without it the intercept is left out after coding: thresholds take its place.
        drop : bool
            Leave out columns that the rows do not determine because combinations of levels are empty.
        """
        columns = evaluate(self.formula, table, None if like is None else like.state)
        if not constant and "Intercept" not in columns.labels:
            raise SpecError(
                f"'{self.formula}' removes the intercept, which is not there: thresholds take its place. Write it without the 0."
            )
        state, rows = columns.state, table.rows
        values = state.piece_values(table)
        if like is None:
            width = len(columns.labels)
            reduction = reduce_columns(state, columns.matrix, values) if drop else all_columns(width)
            basis = learn_basis(state, values)
            written = (reduction.map @ map_to_written(state, basis, table))[reduction.chosen(state.labels, constant)]
        else:
            basis, written, reduction = like.basis, like.written, like.reduction
        own = basis.columns(values, rows)
        places = [reduction.kept[k] for k in reduction.chosen(state.labels, constant)]
        matrix = columns.matrix[:, places]
        return PopulationBlock(
            labels=tuple(columns.labels[k] for k in places),
            matrix=matrix,
            state=state,
            basis=basis,
            columns=own,
            written=written,
            units=basis.units,
            means=own.mean(axis=0) if like is None else like.means,
            written_means=matrix.mean(axis=0) if like is None else like.written_means,
            coordinates=basis_coordinates(basis.labels, basis.units),
            reduction=reduction,
            open_part=reduction.open_part(columns.matrix),
        )
