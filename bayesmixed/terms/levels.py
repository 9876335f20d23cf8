"""What kinds of terms with effects of levels have in common: rules of default priors, and what equations need to know."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Self

import numpy as np
from pydantic import AfterValidator, field_validator, model_validator

from bayesmixed.formulas.names import factors_in
from bayesmixed.formulas.notation import normalise, safe_name
from bayesmixed.formulas.written import read_formula
from bayesmixed.parameter_keys import ParameterKey
from bayesmixed.tables.column_names import quote_name
from bayesmixed.terms.basis_outlines import TermOutline, is_correlated, outline_group
from bayesmixed.terms.block_parts import ONE, SEVERAL, Part
from bayesmixed.terms.contract import LEVELS, TermContract
from bayesmixed.terms.covariances import ANY, Covariance, find_covariance
from bayesmixed.terms.outlines import Column, GroupOutline, Indices
from bayesmixed.terms.places import read_places
from bayesmixed.terms.prior_rules import AS_WRITTEN, AT_CENTRE, CORRELATIONS, DISTANCES, SPREAD, Known, PriorRule
from bayesmixed.terms.structures import Structure


class LevelsTerm(TermContract):
    """A term whose coefficients of the columns of a formula vary between levels."""

    part = LEVELS
    takes = ONE

    def prior_rules(self, known: Known) -> Iterator[PriorRule]:
        """Yield the rules of the SDs and correlations of its effects."""
        name, (formula,) = safe_name(self.name), self.formulas
        sd, correlations = known.names.scales_of(name)
        own = outline_group(formula, known.factors, self.correlated, (sd, correlations), known.priors)
        for one in own:
            meaning = f"SD between {self.between}" + (f", {one.meaning}" if one.moved and one.several else "")
            if one.several and one.names_columns(sd, known.priors):
                meaning += ", of columns without a user prior"
            stated = AT_CENTRE if one.moved else AS_WRITTEN
            yield PriorRule(ParameterKey(sd, one.label), SPREAD, one, meaning, stated, name)
        if is_correlated(formula, known.factors, self.correlated):
            several = TermOutline("", "", several=any(one.several for one in own))
            stated = AT_CENTRE if any(one.moved for one in own) else AS_WRITTEN
            meaning = f"correlations between {self.name}"
            yield PriorRule(ParameterKey(correlations), CORRELATIONS, several, meaning, stated, name)

    def outline(self, indices: Indices, factors: Collection[str]) -> GroupOutline:
        """Return what equations need to know of it without data: one column for each term of its formula."""
        name, (formula,) = safe_name(self.name), self.formulas
        labels = read_formula(formula).terms()
        return GroupOutline(
            name=name,
            index=indices.row if self.single else indices.letters[name],
            columns=tuple(Column(label, indices.row) for label in labels),
            parts=(
                Part(tuple(range(len(labels))), is_correlated(formula, factors, self.correlated), letter=self.tied_by),
            ),
            single=self.single,
            inside=tuple(indices.inside.get(name, ())),
            levels=0,
            short=self.factor_columns[-1] if self.factor_columns else name,
            several=self.takes == SEVERAL,
        )


class VaryingTerm(LevelsTerm):
    """A term with effects of levels whose columns and covariance the user states.

    Attributes
    ----------
    formula : str
        The columns whose coefficients vary between levels, "1" for an intercept, "1 + x", "0 + x".
    covariance : str
        Key of `COVARIANCES`: "unstructured" for `|`, "independent" for `||`, "ar1" for `ar1(... | g)`.
    """

    formula: Annotated[str, AfterValidator(normalise)] = "1"
    covariance: str = "unstructured"

    @field_validator("covariance")
    @classmethod
    def _known_covariance(cls, covariance: str) -> str:
        return find_covariance(covariance).name

    @model_validator(mode="after")
    def _columns_of_structure(self) -> Self:
        if self._record.columns != ANY:
            read_places(self.formula, self.covariance)
        return self

    @property
    def _record(self) -> Covariance:
        return find_covariance(self.covariance)

    @property
    def structured(self) -> bool:
        """Whether the covariance of its effects has parameters of its own, and not one correlation for each two columns."""
        return self._record.structured

    def write(self, levels: str, letter: str = "") -> str:
        """Return the term as a summand of a formula, given its levels as one writes them, and its letter."""
        record = self._record
        bars = f"|{letter}|" if letter else record.bars
        option = f", {record.option}" * bool(record.option)
        return f"{record.call * record.structured}({self.formula} {bars} {levels}{option})"

    @property
    def formulas(self) -> tuple[str, ...]:
        """The formula of the columns whose coefficients vary."""
        return (self.formula,)

    @property
    def unpooled(self) -> str:
        """What to write for effects of times without pooling: their formula would have one column."""
        if self._record.columns == ANY:
            return ""
        levels = ":".join(map(quote_name, self.factor_columns))
        places = (f"factor({quote_name(name)})" for name in read_places(self.formula, self.covariance)[0])
        return f"write {':'.join((levels, *places))} in the population part."

    def correlated(self, width: int) -> bool:
        """Return whether the effects of that many columns have correlations that are estimated."""
        return self._record.correlated(width)

    def factors(self) -> tuple[str, ...]:
        """Return the columns that the term's formula declares to be factors: not times, which have columns of their own."""
        return factors_in(self.formula) if self._record.columns == ANY else ()

    def structure(self, width: int, names: Sequence[str] = ()) -> Structure | None:
        """Return the structure of the covariance of that many columns, None where it is diagonal or free."""
        record = self._record
        if not record.structured:
            return None
        inside = (
            self.formula.removeprefix("0 + ")
            if record.columns == ANY
            else " + ".join(read_places(self.formula, record.name)[0])
        )
        return Structure(record.name, inside, tuple((float(place),) for place in range(width)), tuple(names))

    def prior_rules(self, known: Known) -> Iterator[PriorRule]:
        """Yield the rules of the SDs and correlations of its effects, and of the parameters of their covariance."""
        structure, name = self.structure(2), safe_name(self.name)
        if structure is None:
            yield from super().prior_rules(known)
            return
        written = read_formula(self.formula).terms() if not structure.of_places else [structure.inside]
        for label in [structure.label] if structure.covariance.equal else written:
            key = ParameterKey(known.names.sd(name), label)
            yield PriorRule(key, SPREAD, TermOutline(label, label), f"SD between {self.between}", AS_WRITTEN, name)
        for one in structure.parameters:
            meaning = f"{one.meaning}, {structure.label} of {self.name}"
            prior = None if one.prior_text else one.prior(np.array(structure.places))
            meaning += f", {one.prior_text}" * bool(one.prior_text)
            key = known.names.structure(one.name, name)
            yield PriorRule(key, DISTANCES, TermOutline("", ""), meaning, AS_WRITTEN, name, prior)

    def outline(self, indices: Indices, factors: Collection[str]) -> GroupOutline:
        """Return what equations need to know of it without data; columns of times are one, whose coefficient has the time
        as its index."""
        found = super().outline(indices, factors)
        structure = self.structure(max(2, len(found.columns)))
        if structure is None:
            return found
        if structure.of_places:
            found = replace(found, columns=(Column(structure.inside, indices.row, place=True),))
        return replace(found, parts=(Part(tuple(range(len(found.columns))), False, structure),))
