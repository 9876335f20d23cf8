"""ModelSpec: what the model is, without data."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from pydantic import Field, InstanceOf, ValidationInfo, field_validator, model_validator

from bayesmixed.arguments import checked
from bayesmixed.display.columns_of_text import fill_lines
from bayesmixed.equations import Displayed, Outline, outline_terms
from bayesmixed.errors import SpecError, enumerate_words, shorten, warn
from bayesmixed.families import DEFAULT_FAMILY, FAMILIES, Family, find_family
from bayesmixed.families.links import Link
from bayesmixed.formulas.functions import is_free_name
from bayesmixed.formulas.notation import as_in_draws, safe_name, split_top
from bayesmixed.prior_distributions import Prior
from bayesmixed.prior_texts import as_prior
from bayesmixed.spec.checks import check_choices
from bayesmixed.spec.column_models import (
    Imputation,
    InexactColumn,
    check_imputations,
    inexact_columns,
    read_imputations,
)
from bayesmixed.spec.formula_changes import fix_group, free_group, left_over, update_terms
from bayesmixed.spec.parsing import ADDED, counted_columns, format_formula, parse_formula, read_further
from bayesmixed.spec.simulation_plan import SimulationPlan
from bayesmixed.spec.written_fields import read_predictors, read_written
from bayesmixed.tables.column_names import quote_name
from bayesmixed.tables.known_relations import read_relation
from bayesmixed.terms import Term
from bayesmixed.terms.empty_cells import DROP
from bayesmixed.terms.limits import Censoring, Truncation
from bayesmixed.terms.residual_correlations import Residual
from bayesmixed.terms.weights import Weights
from bayesmixed.values import Value


class ModelSpec(Displayed, Value):
    """A hierarchical model as a value: frozen, comparable, written to TOML and read back.

    Attributes
    ----------
    title, question : str
        For human readers.
    response : str
        Column, or an expression of columns.
    trials : str, int or None
        Column or number of trials (binomial families).
    weights : Weights or None
        Column of weights and what they mean.
    censoring : Censoring or None
        Column that says which rows are censored, and that of the upper ends of intervals.
    truncation : Truncation or None
        Bounds outside of which no response is seen.
    family : str or Family
        Conditional distribution of the response.
    links : dict
        Links that differ from the family's default, by parameter.
    predictors : dict
        Terms by parameter, or a formula, "~ x"; `mu` is always there. A parameter without predictor is a number with a
        prior.
    priors : dict
        Priors that replace a default, by the names of the posterior: "beta[x]", "sd_herd", "sigma".
    factors : tuple of str
        Number columns that are factors in population formulas.
    empty_cells : {"error", "drop"}
        What to do about combinations of levels without rows in products of factors: "drop" fits the model without the
        coefficients that the data then do not determine, as R's `lm` and lme4 do.
    reference : str
        Of categories without order: the one against which the others are compared; the first one of the data if not given.
    functions : dict
        User-defined functions that formulas call, by name; None where only the name is known, as after reading
        a file. Each takes arrays and returns one number for each row, which follows from that row alone.
    known : dict
        Known relations between levels that terms name, gr(g, cov=A): a data frame with labels as index and columns, a pair
        (matrix, labels), pairs of neighbours, or the path of a table; each a `KnownRelation` once read; files do not store them.
    impute : dict
        How the values of columns in mi(x) and me(x, sd) are distributed: a formula, "~ z + (1 | g)", or an `Imputation`;
        "~ 1" if not given.
    residual : Residual or None
        How residuals are correlated within groups, "ar1(time | subject)"; where each visit has its own SD, `sigma` gets a
        formula if it has none.
    simulation : SimulationPlan or None
        How `simulate` makes data of this shape.
    crossed : tuple of str
        Grouping factors whose labels mean the same level everywhere, although they look reused.

    Raises
    ------
    SpecError
        A field is unknown or wrong.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> spec = bm.load_spec("herd")
    >>> spec.formula
    'incidence | trials(size) ~ 1 + (1 | herd)'
    >>> spec.update("~ . + period").formula
    'incidence | trials(size) ~ 1 + period + (1 | herd)'
    """

    title: str = ""
    question: str = ""
    response: str
    trials: str | int | None = None
    weights: Weights | None = None
    censoring: Censoring | None = None
    truncation: Truncation | None = None
    family: str | InstanceOf[Family] = DEFAULT_FAMILY
    links: dict[str, str] = Field({})
    predictors: dict[str, tuple[Term, ...]]
    priors: dict[str, Prior] = Field({})
    factors: tuple[str, ...] = ()
    crossed: tuple[str, ...] = ()
    empty_cells: Literal["error", "drop"] = "error"
    reference: str = ""
    functions: dict[str, Any] = Field({})
    known: dict[str, Any] = Field({})
    impute: dict[str, Imputation] = Field({})
    residual: Residual | None = None
    simulation: SimulationPlan | None = None

    @model_validator(mode="before")
    @classmethod
    def _read_formula(cls, fields: Any) -> Any:
        return read_written(fields) if isinstance(fields, Mapping) else fields

    @field_validator("predictors", mode="before")
    @classmethod
    def _complete_predictors(cls, predictors: Any) -> Any:
        return read_predictors(predictors)

    @field_validator("family", mode="before")
    @classmethod
    def _name_family(cls, family: Any) -> Any:
        """Return the name of a family of the catalogue: a record of it means the same."""
        return family.name if isinstance(family, Family) and FAMILIES.get(family.name) is family else family

    @field_validator("factors", "crossed", mode="before")
    @classmethod
    def _one_name(cls, names: Any) -> Any:
        return (names,) if isinstance(names, str) else names

    @field_validator("functions", mode="before")
    @classmethod
    def _read_functions(cls, given: Any) -> Any:
        named = isinstance(given, list | tuple) and all(isinstance(name, str) for name in given)
        functions = dict.fromkeys(given) if named else given
        if not isinstance(functions, Mapping) or not all(f is None or callable(f) for f in functions.values()):
            raise SpecError('functions: give a function for each name, functions={"dose": dose}; in a file the names.')
        wrong = [name for name in functions if not isinstance(name, str) or not is_free_name(name)]
        if wrong:
            raise SpecError(
                f"functions: '{shorten(str(wrong[0]))}' is a name of the formula language or of Python, or not a plain name. "
                "Choose another."
            )
        return dict(functions)

    @field_validator("known", mode="before")
    @classmethod
    def _read_relations(cls, given: Any) -> Any:
        if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
            raise SpecError('known: give each relation by its name, known={"A": table}.')
        return {name: read_relation(name, one) for name, one in given.items()}

    @field_validator("impute", mode="before")
    @classmethod
    def _read_imputations(cls, given: Any) -> Any:
        return read_imputations(given)

    @field_validator("priors", mode="before")
    @classmethod
    def _read_priors(cls, priors: Any, info: ValidationInfo) -> Any:
        if not isinstance(priors, Mapping):
            raise SpecError("'priors' is a table of names with priors.")
        terms = [term for terms in info.data.get("predictors", {}).values() for term in terms]
        names = [term.name for term in terms if term.name]
        return {as_in_draws(str(key), names): as_prior(value, str(key)) for key, value in priors.items()}

    @model_validator(mode="after")
    def _check(self) -> "ModelSpec":
        check_choices(
            find_family(self.family).having(self.predictors),
            response=self.response,
            trials=self.trials,
            weights=self.weights,
            limits=self.limits,
            predictors=self.predictors,
            links=self.links,
            reference=self.reference,
            residual=self.residual,
        )
        check_imputations(self.terms, self.impute, self.response)
        for name, one in self.impute.items():
            if one.formula.count("|") > 1 and any(term.tied_by for term in self.model_of(name).terms):
                raise SpecError(
                    f"The formula of '{name}' in impute has a letter between bars: its effects are independent of those of "
                    "the response. Write (columns | group)."
                )
        return self

    @property
    def inexact(self) -> tuple[InexactColumn, ...]:
        """The columns with missing values, mi(x), or errors, me(x, sd)."""
        return inexact_columns(self.terms)

    def model_of(self, column: str) -> "ModelSpec":
        """Return the spec of the model of a column in mi(x) or me(x, sd)."""
        one = self.impute.get(column, Imputation())
        others: dict[str, Any] = {parameter.name: "~ 1" for parameter in find_family(one.family).parameters[1:]}
        return from_formula(
            f"{quote_name(column)} {one.formula}",
            family=one.family,
            factors=self._factors_of(one),
            known=self.known,
            **others,
        )

    def _factors_of(self, one: Imputation) -> tuple[str, ...]:
        return tuple(name for name in self.factors if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", one.formula))

    @property
    def formula(self) -> str:
        """The predictor of the first parameter in the notation of lme4."""
        first = find_family(self.family).parameters[0].name
        return format_formula(self.response, self.predictors[first], *self.additions)

    @property
    def response_name(self) -> str:
        """Name of the response in models and draws."""
        name = self.response
        quoted = name.startswith("`") and name.endswith("`") and name.count("`") == 2
        return safe_name(name.strip("`") if quoted else name)

    @property
    def counted(self) -> tuple[str, ...]:
        """The columns of a response of counts of several categories, cbind(a, b, c), the reference first; of others none."""
        return tuple(sorted(counted_columns(self.response), key=lambda name: name != self.reference))

    @property
    def additions(self) -> tuple[Any, ...]:
        """What the left side of the formula adds to the response: trials, weights, censoring, truncation, or None."""
        return tuple(getattr(self, name) for name in ADDED)

    @property
    def limits(self) -> tuple[Censoring | Truncation, ...]:
        """Its censoring and its truncation, where it has them."""
        return tuple(limit for limit in (self.censoring, self.truncation) if limit is not None)

    @property
    def addition_columns(self) -> list[str]:
        """The columns that these read."""
        trials = [self.trials] if isinstance(self.trials, str) else []
        weights = [] if self.weights is None else [self.weights.column]
        return [*trials, *weights, *(name for limit in self.limits for name in limit.columns)]

    @property
    def needed_trials(self) -> str:
        """What a new response needs of the data, in words, where numbers of trials are not known."""
        if self.trials is None and self.counted:
            return f"the total of each row, and the model does not say which column holds it: {self.response} | trials(n) ~ ..."
        return f"the trials column '{self.trials}' in the data"

    @property
    def correlated(self) -> Residual | None:
        """How residuals are correlated within groups, None where they are independent."""
        return self.residual if self.residual is not None and self.residual.correlated else None

    @property
    def terms(self) -> tuple[Term, ...]:
        """The terms of all predictors."""
        return tuple(term for terms in self.predictors.values() for term in terms)

    def terms_of(self, parameter: str) -> tuple[Term, ...] | None:
        """Return the terms of a parameter, of a category without a formula of its own those of all; None without a
        predictor."""
        shared = find_family(self.family).having(self.predictors).shared_name(parameter)
        return self.predictors.get(parameter, self.predictors.get(shared))

    def predictors_of(self, family: Family) -> dict[str, tuple[Term, ...]]:
        """Return the terms by parameter of its family, whose categories may be known."""
        named = [parameter.name for parameter in family.parameters]
        known = family.shared and family.shared not in named
        names = dict.fromkeys([*named, *(() if known else self.predictors)])
        return {name: terms for name in names if (terms := self.terms_of(name)) is not None}

    @checked
    def link(self, parameter: str) -> Link:
        """Return the link of a parameter's predictor."""
        return (
            find_family(self.family)
            .having(self.predictors)
            .parameter(parameter)
            .link_record(self.links.get(parameter, ""))
        )

    @checked
    def update(self, text: str) -> "ModelSpec":
        """Return the spec with a changed formula; `.` stands for the present terms: "~ . - x + (1 | g)".

        A prior is kept where it names a coefficient for any kind of columns; those of terms that were removed, or may be
        coded differently (after "~ . - 1" the first factor has a coefficient for each level), are dropped with a warning.

        Raises
        ------
        SpecError
            The text is not a formula, or removes a term that does not exist.
        """
        sides = split_top(text, "~")
        if len(sides) != 2:
            raise SpecError(f"'{text}' needs one tilde, as in '~ . + x'.")
        left = sides[0].strip()
        changed = self._with_terms(update_terms(self.predictors[self._first], sides[1]))
        if left in ("", "."):
            return changed
        formula = parse_formula(f"{left} ~ 1")
        return changed.replace(**formula.left_side)

    @checked
    def as_fixed(self, name: str) -> "ModelSpec":
        """Return the spec in which a grouping factor has fixed coefficients for each level: no pooling.

        Of a nested factor, "a:b", only combinations that occur have levels: `empty_cells` is then "drop".
        """
        grouping = [t.factor_columns for t in self.predictors[self._first] if t.is_grouped_by(name)]
        factors = tuple(dict.fromkeys((*self.factors, *(column for columns in grouping for column in columns))))
        terms = fix_group(self.predictors[self._first], name, constant=bool(self.family_record.cuts))
        nested = {"empty_cells": DROP} if any(len(columns) > 1 for columns in grouping) else {}
        return self._with_terms(terms, factors=factors, **nested)

    @checked
    def as_random(self, name: str) -> "ModelSpec":
        """Return the spec in which a factor of the population part is a grouping factor: partial pooling."""
        factors = tuple(other for other in self.factors if other != name)
        return self._with_terms(free_group(self.predictors[self._first], name), factors=factors)

    def replace(self, **fields: Any) -> "ModelSpec":
        """Return the spec with other values of some fields."""
        return ModelSpec(**{name: getattr(self, name) for name in ModelSpec.model_fields} | fields)

    @property
    def family_record(self) -> Family:
        """The family, looked up if it is given by name, under the link of its first parameter, with the parameters that have
        a formula."""
        return self.plain_family.having(self.predictors)

    @property
    def plain_family(self) -> Family:
        """The family without parameters that it has only where they have a formula."""
        family = find_family(self.family)
        return family.under(self.link(family.parameters[0].name).name) if family.under else family

    @property
    def _first(self) -> str:
        return self.family_record.parameters[0].name

    def _with_terms(self, terms: tuple[Term, ...], **fields: Any) -> "ModelSpec":
        """Return the spec with other terms of the first parameter, without priors and options of removed terms."""
        predictors = {**self.predictors, self._first: terms}
        declared = {
            *self.factors,
            *fields.get("factors", ()),
            *(name for one in (*self.predictors[self._first], *terms) for name in one.factors()),
        }
        gone = left_over(self.priors, self.predictors[self._first], terms, declared)
        if gone:
            warn(
                f"The priors of {enumerate_words(gone)} were dropped: their terms were removed or may be coded differently."
            )
        kept = {key: prior for key, prior in self.priors.items() if key not in gone}
        groups = {
            name for one in predictors.values() for t in one if t.factor_columns for name in (t.name, *t.factor_columns)
        }
        crossed = tuple(name for name in self.crossed if name in groups)
        inexact = {one.column for one in inexact_columns(term for own in predictors.values() for term in own)}
        impute = {name: one for name, one in self.impute.items() if name in inexact}
        return self.replace(predictors=predictors, priors=kept, crossed=crossed, impute=impute, **fields)

    def outline(self) -> Outline:
        """Return what the equations need to know: default priors are rules, since there are no data."""
        return outline_terms(
            self.predictors,
            response=self.response,
            trials=self.trials,
            weights=self.weights,
            limits=self.limits,
            family=self.family_record,
            links={name: self.link(name) for name in self.predictors},
            factors=self.factors,
            priors=self.priors,
            residual=self.correlated,
        )

    def captions(self) -> Mapping[str, str]:
        """Return what is shown around the equations in notebooks."""
        return {"title": self.title, "text": self.question}

    def as_formula(self) -> dict[str, Any]:
        """Return the arguments with which `from_formula` makes this spec again."""
        first = find_family(self.family).parameters[0].name
        others = {name: format_formula("", terms) for name, terms in self.predictors.items() if name != first}
        apart = {"response", *ADDED, "predictors", "family", "priors", "known", "residual"}
        fields = self.model_dump(exclude=apart, exclude_defaults=True)
        fields |= {"formula": self.formula, "family": self.family} | ({"known": dict(self.known)} if self.known else {})
        fields |= {} if self.residual is None else {"residual": str(self.residual)}
        return fields | ({"priors": dict(self.priors)} if self.priors else {}) | others

    def __str__(self) -> str:
        family = find_family(self.family)
        lines = [self.title] if self.title else []
        lines.append(f"{self.formula}")
        others = [name for name in self.predictors if name != family.parameters[0].name]
        lines += [f"{name} {format_formula('', self.predictors[name])}" for name in others]
        lines += [] if self.residual is None else [f"residual {self.residual}"]
        links = ", ".join(f"{name} {self.link(name).name}" for name in self.predictors)
        lines.append(f"family {family.name} (link: {links})")
        return fill_lines([*lines, *(f"prior {key} ~ {prior}" for key, prior in self.priors.items())])


def from_formula(
    formula: str,
    *,
    family: str | Family = DEFAULT_FAMILY,
    link: str | None = None,
    links: Mapping[str, str] | None = None,
    priors: Mapping[str, Any] | None = None,
    factors: str | Sequence[str] = (),
    crossed: str | Sequence[str] = (),
    empty_cells: str = "error",
    reference: str = "",
    title: str = "",
    question: str = "",
    functions: Mapping[str, Callable[..., Any]] | None = None,
    known: Mapping[str, Any] | None = None,
    impute: Mapping[str, Any] | None = None,
    residual: str | Residual | None = None,
    simulation: SimulationPlan | Mapping[str, Any] | None = None,
    **predictors: str,
) -> ModelSpec:
    """Return the spec of a formula in the notation of lme4 and brms.

    Parameters
    ----------
    formula : str
        "y ~ x + (x | g)", "y | trials(n) ~ 1 + (1 | g)".
    family, link, links, priors, factors, crossed, empty_cells, reference, title, question, functions, known, impute, \
    residual, simulation
        As the fields of `ModelSpec`; `link` is that of the first parameter.
    **predictors : str
        One-sided formulas of further parameters: `sigma="~ treatment"`.

    Raises
    ------
    SpecError
        The formula cannot be read, or a name is unknown.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> print(bm.from_formula("y ~ x + (1 | herd)", priors={"sd_herd": "HalfNormal(1)"}))
    y ~ 1 + x + (1 | herd)
    family gaussian (link: mu identity)
    prior sd_herd ~ HalfNormal(1)
    """
    fields: dict[str, Any] = {
        **{"formula": formula, "family": family, "link": link, "links": links or {}, "priors": priors or {}},
        **{"factors": factors, "crossed": crossed, "empty_cells": empty_cells, "title": title, "question": question},
        **{"reference": reference, "functions": functions or {}, "impute": impute or {}, "simulation": simulation},
        "known": known or {},
        "residual": residual,
        "predictors": read_further(predictors),
    }
    spec = ModelSpec(**fields)
    written = [*(str(term) for terms in spec.predictors.values() for term in terms), str(spec.impute)]
    if known and not any("gr(" in text for text in written):
        warn(f"known= holds {enumerate_words(list(known))}, and no term names a relation: write (1 | gr(g, cov=A)).")
    return spec
