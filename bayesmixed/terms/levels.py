"""What kinds of terms with effects of levels have in common: rules of default priors, and what equations need to know."""

from collections.abc import Collection, Iterator
from typing import Annotated

from pydantic import AfterValidator, field_validator

from bayesmixed.formulas.names import factors_in
from bayesmixed.formulas.notation import normalise, safe_name
from bayesmixed.formulas.written import read_formula
from bayesmixed.parameter_keys import ParameterKey
from bayesmixed.terms.basis_outlines import TermOutline, is_correlated, outline_group
from bayesmixed.terms.block_parts import ONE, SEVERAL, Part
from bayesmixed.terms.contract import LEVELS, TermContract
from bayesmixed.terms.covariances import find_covariance
from bayesmixed.terms.outlines import Column, GroupOutline, Indices
from bayesmixed.terms.prior_rules import AS_WRITTEN, AT_CENTRE, CORRELATIONS, SPREAD, Known, PriorRule


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
            parts=(Part(tuple(range(len(labels))), is_correlated(formula, factors, self.correlated)),),
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
        Key of `COVARIANCES`: "unstructured" for `|`, "independent" for `||`.
    """

    formula: Annotated[str, AfterValidator(normalise)] = "1"
    covariance: str = "unstructured"

    @field_validator("covariance")
    @classmethod
    def _known_covariance(cls, covariance: str) -> str:
        return find_covariance(covariance).name

    @property
    def bars(self) -> str:
        """The bars between its columns and its levels."""
        return find_covariance(self.covariance).bars

    @property
    def formulas(self) -> tuple[str, ...]:
        """The formula of the columns whose coefficients vary."""
        return (self.formula,)

    def correlated(self, width: int) -> bool:
        """Return whether the effects of that many columns have correlations that are estimated."""
        return find_covariance(self.covariance).correlated(width)

    def factors(self) -> tuple[str, ...]:
        """Return the columns that the term's formula declares to be factors."""
        return factors_in(self.formula)
