"""The contract of a kind of term: what every term provides."""

from abc import abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from bayesmixed.errors import enumerate_words
from bayesmixed.formulas.notation import join_factors, safe_name
from bayesmixed.parameter_keys import ParameterKey
from bayesmixed.prior_distributions import Prior
from bayesmixed.tables.factors import Table
from bayesmixed.terms.basis_outlines import TermOutline, stated_factors
from bayesmixed.terms.block_parts import ALL
from bayesmixed.terms.correlation_matrices import tied_sets
from bayesmixed.terms.covariances import lkj_concentration
from bayesmixed.terms.outlines import Indices
from bayesmixed.terms.population_block import PopulationBlock
from bayesmixed.terms.prior_rules import AS_WRITTEN, CORRELATIONS, SPREAD, Known, PriorRule
from bayesmixed.values import Value

POPULATION, LEVELS, CURVES, STEPS, ADDITION = "population", "levels", "curves", "steps", "addition"
"""Parts of a predictor: coefficients of all rows; effects of levels, which are drawn for new levels; curves, whose
normal coefficients are the same for all rows; steps of ordered predictors, coefficients of all rows with a joint prior;
what is added as it is."""


class TermContract(Value):
    """One term of a predictor, as a value; a kind of term is a subclass in its own file and a line in `TERMS`.

    The defaults are: no name, no columns of its own, nothing to read.

    Attributes
    ----------
    part : str
        The part of the predictor that its block belongs to: one of the five above.
    takes : str
        The levels whose coefficients a row takes: one, several with shares, or all.
    single : bool
        Each row has an effect of its own, by construction.
    """

    part: ClassVar[str]
    takes: ClassVar[str] = ALL
    single: ClassVar[bool] = False
    kind: str

    @abstractmethod
    def __str__(self) -> str: ...

    @property
    def name(self) -> str:
        """Its name in results, "herd", "s(x)"; "" where it has no variables of its own."""
        return ""

    @property
    def tied_by(self) -> str:
        """Letter that ties its effects to those of the same levels in other predictors, "" without."""
        return ""

    @property
    def structured(self) -> bool:
        """Whether the covariance of its effects has parameters of its own, and not one correlation for each two columns."""
        return False

    @property
    def streams(self) -> bool:
        """Whether its columns follow from each row alone, given its formula: rows can be read some at a time."""
        return False

    @property
    def between(self) -> str:
        """What its SD lies between, in words."""
        return self.name

    @property
    def formulas(self) -> tuple[str, ...]:
        """Formulas whose columns it evaluates; those of a term with levels vary between these."""
        return ()

    @property
    def expressions(self) -> tuple[str, ...]:
        """Expressions that it evaluates to one number for each row."""
        return ()

    @property
    def factor_columns(self) -> tuple[str, ...]:
        """The columns whose combinations are its levels."""
        return ()

    def is_grouped_by(self, name: str) -> bool:
        """Return whether a factor, as results or as formulas name it, has its levels."""
        return bool(self.factor_columns) and name in (self.name, join_factors(self.factor_columns))

    @property
    def unpooled(self) -> str:
        """What to write for coefficients of each level without pooling, "" where these are of the columns of its formula."""
        return ""

    @property
    def label_columns(self) -> tuple[str, ...]:
        """All columns that hold labels of its levels."""
        return self.factor_columns

    @property
    def split_columns(self) -> tuple[str, ...]:
        """Columns that may be factors and split it."""
        return ()

    @property
    def lines(self) -> tuple[str, ...]:
        """Labels of the population columns that it adds, as far as they are known without data."""
        return ()

    def owns(self, label: str) -> bool:
        """Return whether it adds the population column of that label."""
        return False

    @property
    def around(self) -> str:
        """What a curve varies around, in words."""
        return ""

    @abstractmethod
    def columns(self, available: Iterable[str]) -> set[str]:
        """Return the data columns that the term reads (SpecError if one is missing)."""

    def factors(self) -> tuple[str, ...]:
        """Return the columns that the term declares to be factors."""
        return ()

    def correlated(self, width: int) -> bool:
        """Return whether the effects of that many columns have correlations that are estimated."""
        return False

    def prior_rules(self, known: Known) -> Iterator[PriorRule]:
        """Yield the rule of the default prior of each of its parameters."""
        yield from ()

    def outline(self, indices: Indices, factors: Collection[str]) -> Any:
        """Return what equations need to know of effects of levels or of a curve without data, None for other parts."""
        return None

    @abstractmethod
    def build(self, table: Table, like: Any = None, *, part: int = 0, constant: bool = True, drop: bool = False) -> Any:
        """Return the term on a table; with `like`, its block on the rows of a fit, what that learned is replayed.

        Parameters
        ----------
        part : int
            How many earlier terms `like` joined with this one in one block.
        constant : bool
            Without it thresholds take the place of the intercept.
        drop : bool
            Leave out population columns that the rows do not determine because combinations of levels are empty.

        Raises
        ------
        DataError
            The rows do not allow the term.
        """

    def advise(self, block: Any, population: PopulationBlock) -> Iterator[str]:
        """Yield what a statistician would point out about its block, given the population part."""
        yield from ()

    @classmethod
    def read(cls, piece: str) -> Sequence["TermContract"]:
        """Return the terms of this kind that a summand of a formula stands for, none if it is of another kind (SpecError)."""
        return ()

    @classmethod
    def expand(cls, fields: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """Return the tables of fields to which one table in a file expands."""
        return (fields,)


def known_factors(terms: Iterable[TermContract], factors: Iterable[str], priors: Collection[str]) -> set[str]:
    """Return the columns that are known to be factors before there are data: declared, or shown by keys of priors."""
    terms = tuple(terms)
    stated = {name for term in terms for formula in term.formulas for name in stated_factors(formula, priors)}
    return {*factors, *(name for term in terms for name in term.factors()), *stated}


def rules_of(terms: Iterable[TermContract], known: Known) -> list[PriorRule]:
    """Return the rules of the default priors of a predictor, in the order in which data would realise them."""
    order = (POPULATION, CURVES, STEPS, LEVELS, ADDITION)
    return [rule for term in sorted(terms, key=lambda term: order.index(term.part)) for rule in term.prior_rules(known)]


def rules_by_parameter(
    predictors: Mapping[str, Iterable[TermContract]], known: Mapping[str, Known]
) -> dict[str, list[PriorRule]]:
    """Return the rules of the default priors of all predictors; correlations of terms that a letter ties have one rule, of
    the last of them."""
    every = {name: tuple(terms) for name, terms in predictors.items()}
    found = {name: rules_of(terms, known[name]) for name, terms in every.items()}
    for factor in dict.fromkeys(term.name for terms in every.values() for term in terms if term.tied_by):
        own = {name: [term for term in terms if term.name == factor] for name, terms in every.items()}
        for members in tied_sets({name: [term.tied_by for term in terms] for name, terms in own.items()}):
            rules = [rule for name in members for term in own[name] for rule in term.prior_rules(known[name])]
            rule = _joint_rule(known[members[0]], factor, members, rules)
            for name in members:
                found[name] = [one for one in found[name] if (one.role, one.term) != (CORRELATIONS, rule.term)]
            found[members[-1]].append(rule)
    return found


def _joint_rule(known: Known, factor: str, members: Collection[str], rules: Collection[PriorRule]) -> PriorRule:
    """Return the rule of the correlations between the effects of a factor in several predictors, given those of the terms."""
    spreads, name = [rule for rule in rules if rule.role == SPREAD], safe_name(factor)
    several = any(rule.of.several for rule in spreads)
    stated = next((rule.stated for rule in rules if rule.role == CORRELATIONS), AS_WRITTEN)
    meaning = f"correlations between {factor}, in {enumerate_words(members)} together"
    prior = None if several else Prior(name="LKJ", arguments=(lkj_concentration(len(spreads)),))
    key = ParameterKey(known.names.correlations(name))
    return PriorRule(key, CORRELATIONS, TermOutline("", "", several=several), meaning, stated, name, prior)


def population_formulas(terms: Iterable[TermContract]) -> tuple[str, ...]:
    """Return the formula of the population part of a predictor, alone."""
    return tuple(formula for term in terms if term.part == POPULATION for formula in term.formulas)
