"""JointSpec: models of several responses whose group effects, or residuals, are correlated with each other."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import Field, field_validator, model_validator

from bayesmixed.display.columns_of_text import fill_lines
from bayesmixed.errors import SpecError, enumerate_words, shorten
from bayesmixed.families import DEFAULT_FAMILY, Family, find_family
from bayesmixed.formulas.names import expression_columns
from bayesmixed.formulas.notation import safe_name
from bayesmixed.formulas.tokens import tokenise
from bayesmixed.parameter_keys import VariableNames
from bayesmixed.prior_distributions import Prior
from bayesmixed.prior_texts import as_prior
from bayesmixed.spec.all_columns import has_dots
from bayesmixed.spec.checks import check_letters
from bayesmixed.spec.model_spec import ModelSpec, from_formula
from bayesmixed.spec.simulation_plan import SimulationPlan
from bayesmixed.terms import Term
from bayesmixed.terms.correlation_matrices import tied_sets
from bayesmixed.values import Value

RESCOR = "rescor"
"""Name of the correlations of residuals of several responses, and of their prior."""
_ONE_BY_ONE = (
    "With several formulas it belongs to one of them: write that model as a spec of its own, "
    'bm.fit([bm.from_formula("y1 ~ ...", {}=...), "y2 ~ ..."], data).'
)


class JointSpec(Value):
    """Models of several responses as one value: a letter in their formulas, `(1 |p| g)`, ties the effects of a factor.

    Attributes
    ----------
    title, question : str
        For human readers.
    models : tuple of ModelSpec
        One for each response, with its own family and priors; a formula stands for a Gaussian one.
    rescor : bool
        Residuals of the same row are correlated; all responses are then Gaussian.
    priors : dict
        Of the correlations: "corr_g", which belongs to several responses, and "rescor".
    simulation : SimulationPlan or None
        How to make data, with true values by the names of the draws: "beta_y1[x]", "corr_g".

    Raises
    ------
    SpecError
        A field is unknown or wrong; there is one response only, or one twice.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> spec = bm.JointSpec(models=["y1 ~ x + (1 |p| g)", bm.from_formula("y2 ~ (1 |p| g)", family="poisson")])
    >>> spec.responses
    ('y1', 'y2')
    """

    title: str = ""
    question: str = ""
    models: tuple[ModelSpec, ...]
    rescor: bool = False
    priors: dict[str, Prior] = Field({})
    simulation: SimulationPlan | None = None

    @field_validator("models", mode="before")
    @classmethod
    def _read_models(cls, given: Any) -> Any:
        if not isinstance(given, list | tuple):
            raise SpecError("models: give a list, one model for each response.")
        return tuple(from_formula(one) if isinstance(one, str) else one for one in given)

    @field_validator("priors", mode="before")
    @classmethod
    def _read_priors(cls, priors: Any) -> Any:
        if not isinstance(priors, Mapping):
            raise SpecError("'priors' is a table of names with priors.")
        return {str(key): as_prior(value, str(key)) for key, value in priors.items()}

    @model_validator(mode="after")
    def _check(self) -> "JointSpec":
        if len(self.models) < 2:
            raise SpecError("A model of several responses needs two formulas or more; give a single one by itself.")
        twice = [name for name in self.responses if self.responses.count(name) > 1]
        if twice:
            raise SpecError(f"Response '{twice[0]}' has two formulas. Leave one out.")
        check_letters(self.predictors)
        if self.rescor:
            self._check_residuals()
        return self

    def _check_residuals(self) -> None:
        for model in self.models:
            family = find_family(model.family)
            if not family.is_normal:
                raise SpecError(
                    f"rescor: residuals of different responses can be correlated where all are gaussian, and "
                    f"'{model.response}' is {family.name}. Leave rescor out; an effect of each row that a letter ties, "
                    "(1 |p| row) of a column that numbers the rows, correlates rows on the scale of the links."
                )
            beside = next((one for one in (model.weights, *model.limits, model.residual) if one is not None), None)
            if beside is not None:
                raise SpecError(
                    f"rescor is not possible with '{beside}' of '{model.response}'. Leave one of the two out."
                )

    @property
    def responses(self) -> tuple[str, ...]:
        """The responses as results name them; all variables of the draws end in one of these."""
        return tuple(model.response_name for model in self.models)

    @property
    def predictors(self) -> dict[str, tuple[Term, ...]]:
        """The terms of all formulas, by response and parameter, "y1" and "y1.sigma"."""
        return {
            name_predictor(name, parameter, find_family(model.family).first): terms
            for name, model in zip(self.responses, self.models, strict=True)
            for parameter, terms in model.predictors.items()
        }

    @property
    def tied(self) -> dict[str, str]:
        """The names in the draws of the correlations between responses, by grouping factor."""
        letters: dict[str, dict[str, list[str]]] = {}
        for predictor, terms in self.predictors.items():
            for term in terms:
                if term.tied_by:
                    letters.setdefault(term.name, {}).setdefault(predictor, []).append(term.tied_by)
        first = {name: name for name in self.responses}
        for name, model in zip(self.responses, self.models, strict=True):
            own = find_family(model.family).first
            first |= {name_predictor(name, parameter, own): name for parameter in model.predictors}
        return {
            factor: VariableNames("").correlations(safe_name(factor))
            for factor, own in letters.items()
            if any(len({first[one] for one in members}) > 1 for members in tied_sets(own))
        }

    def __str__(self) -> str:
        parts = [*([self.title] if self.title else []), *(str(model) for model in self.models)]
        parts += ["residuals of the same row are correlated"] if self.rescor else []
        return fill_lines(["\n\n".join([*parts, *(f"prior {key} ~ {prior}" for key, prior in self.priors.items())])])


def name_predictor(response: str, parameter: str, first: str) -> str:
    """Return what the predictor of a parameter is called among several responses: "y1", "y1.sigma"."""
    return response if parameter == first else f"{response}.{parameter}"


def dependencies(models: Mapping[str, ModelSpec], columns: Iterable[str]) -> dict[str, list[str]]:
    """Return the other responses that stand in the formulas of each one, by the names of columns."""
    names = list(dict.fromkeys(columns))
    own = {name: expression_columns(model.response, names) for name, model in models.items()}
    reads = {name: {column for term in model.terms for column in term.columns(names)} for name, model in models.items()}
    return {name: [one for one in models if one != name and own[one] & reads[name]] for name in models}


def split_key(key: str, responses: Sequence[str]) -> tuple[str, str]:
    """Return the response in whose name that of a variable ends, "sd_g_y1[x]", and what the variable is called in a fit of this
    response; "" where it ends in none."""
    variable, bracket, rest = key.partition("[")
    ends = [name for name in responses if re.search(rf"_{re.escape(name)}(?!\w)", variable)]
    if not ends:
        return "", key
    name = max(ends, key=len)
    return name, re.sub(rf"_{re.escape(name)}(?!\w)", "", variable, count=1) + bracket + rest


def is_joint(spec: Any) -> bool:
    """Return whether several responses were given: a JointSpec, or a list of formulas or specs."""
    return isinstance(spec, JointSpec | list | tuple)


def as_joint_spec(
    spec: JointSpec | Sequence[str | ModelSpec],
    *,
    family: str | Family | Sequence[str | Family] | None = None,
    rescor: bool | None = None,
    priors: Mapping[str, Any] | None = None,
    **options: Any,
) -> JointSpec:
    """Return a spec of several responses from formulas or specs, with families and priors applied.

    Parameters
    ----------
    family : str, Family or list of these
        Of all formulas, or of each.
    priors : mapping
        By the names in the draws: "corr_g", "rescor", "sd_g_y1[x]".
    **options
        Those of `from_formula` that describe columns (factors, crossed, functions, known) are for all formulas.

    Raises
    ------
    SpecError
        An option belongs to one model, or there are not as many families as formulas.
    """
    unsaid: tuple[Any, ...] = (None, "", (), [], {})
    said = {name: value for name, value in options.items() if not any(value is one or value == one for one in unsaid)}
    common: dict[str, Any] = {
        name: said.pop(name) for name in ("factors", "crossed", "functions", "known") if name in said
    }
    if said:
        name = next(iter(said))
        raise SpecError(f"{name}=... {_ONE_BY_ONE.format(name)}")
    if isinstance(spec, JointSpec):
        models: list[Any] = list(spec.models)
        if family is not None:
            raise SpecError("Give a family only with formulas: each model of the spec has its own.")
    else:
        models = [*spec]
    models = _with_families(models, family, common)
    fields: dict[str, Any] = (
        {} if not isinstance(spec, JointSpec) else {n: getattr(spec, n) for n in JointSpec.model_fields}
    )
    joint = JointSpec(**fields | {"models": models} | ({} if rescor is None else {"rescor": rescor}))
    return _with_priors(joint, priors) if priors else joint


def _with_families(models: Sequence[Any], family: Any, common: Mapping[str, Any]) -> list[ModelSpec]:
    listed = list(family) if isinstance(family, list | tuple) else [family] * len(models)
    if len(listed) != len(models):
        raise SpecError(f"{len(listed)} families for {len(models)} formulas: give one for each, or one for all.")
    shared = {option: _shared_out(option, given, models) for option, given in common.items()}
    found = []
    for place, (model, own) in enumerate(zip(models, listed, strict=True)):
        named = {option: given[place] for option, given in shared.items()}
        if isinstance(model, ModelSpec):
            if own is not None and find_family(own).name != find_family(model.family).name:
                raise SpecError(
                    f"The spec of '{model.response}' has family '{find_family(model.family).name}', but family "
                    f"'{find_family(own).name}' was given. Give a family only with a formula."
                )
            found.append(_with_options(model, named))
        elif isinstance(model, str) and "~" in model:
            found.append(from_formula(model, family=DEFAULT_FAMILY if own is None else own, **named))
        else:
            raise SpecError(
                f"{shorten(repr(model))} is not a formula, nor a ModelSpec (of bm.from_formula or bm.load_spec)."
            )
    return found


def _shared_out(option: str, given: Any, models: Sequence[Any]) -> list[Any]:
    """Return the names, or what a mapping holds under names, for each formula: those that it mentions, a dot all factors; names
    that none mentions go to all, as if each were alone."""
    names = [given] if isinstance(given, str) else [*given]
    places = {
        name: {
            place
            for place, model in enumerate(models)
            if re.search(rf"(?<!\w){re.escape(str(name))}(?!\w)", str(model))
            or (option == "factors" and _has_dot(model))
        }
        for name in names
    }
    every = range(len(models))
    kept = [[name for name in names if place in (places[name] or every)] for place in every]
    return [{name: given[name] for name in own} if isinstance(given, Mapping) else own for own in kept]


def _has_dot(model: Any) -> bool:
    return has_dots(model) if isinstance(model, ModelSpec) else any(one.is_sign(".") for one in tokenise(str(model)))


def _with_options(model: ModelSpec, named: Mapping[str, Any]) -> ModelSpec:
    """Return a spec with options beside its own."""
    changed: dict[str, Any] = {}
    for option, given in named.items():
        own = getattr(model, option)
        if given:
            changed[option] = {**own, **given} if isinstance(given, Mapping) else tuple(dict.fromkeys([*own, *given]))
    return model.replace(**changed) if changed else model


def _with_priors(joint: JointSpec, priors: Mapping[str, Any]) -> JointSpec:
    """Return the spec with priors by their names in the draws: those of one response end in its name."""
    common, own = dict(joint.priors), {name: dict[str, Any]() for name in joint.responses}
    for key, prior in priors.items():
        name, alone = split_key(str(key), joint.responses)
        if name:
            own[name][alone] = prior
        elif str(key) == RESCOR or str(key).startswith("corr_"):
            common[str(key)] = as_prior(prior, str(key))
        else:
            variable, bracket, rest = str(key).partition("[")
            named = enumerate_words(f"{variable}_{name}{bracket}{rest}" for name in joint.responses)
            raise SpecError(f"Prior for '{key}': several responses have it. Name that of one: {named}.")
    models = [
        model.replace(priors={**model.priors, **own[name]})
        for name, model in zip(joint.responses, joint.models, strict=True)
    ]
    fields = {name: getattr(joint, name) for name in JointSpec.model_fields}
    return JointSpec(**fields | {"models": models, "priors": common})
