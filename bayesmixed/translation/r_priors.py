"""Priors of brms as those of this package, where they are the same distribution of the same parameter."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from bayesmixed.errors import SpecError
from bayesmixed.families import Family, Parameter
from bayesmixed.parameter_keys import CENTRED_INTERCEPT, ParameterKey, VariableNames
from bayesmixed.spec.formula_changes import term_pieces
from bayesmixed.terms import Term
from bayesmixed.terms.contract import STEPS, population_formulas
from bayesmixed.translation.r_formulas import write
from bayesmixed.translation.r_text import Argument, Call, Name, Node, Number, Operation, Text, parse_r

_HOW = 'State it by the name of the parameter here: bm.from_r(call).replace(priors={"beta[x]": "Normal(0, 1)"}).'
_ORDER = ("prior", "class", "coef", "group", "resp", "dpar", "nlpar", "lb", "ub", "check")
_MAKERS = ("prior", "set_prior", "prior_string", "prior_")
_PLAIN: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        "normal": (2, "Normal({0}, {1})"),
        "student_t": (3, "StudentT({0}, {1}, {2})"),
        "cauchy": (2, "Cauchy({0}, {1})"),
        "exponential": (1, "Exponential({0})"),
        "gamma": (2, "Gamma({0}, {1})"),
        "inv_gamma": (2, "InverseGamma({0}, {1})"),
        "lognormal": (2, "LogNormal({0}, {1})"),
        "beta": (2, "Beta({0}, {1})"),
        "uniform": (2, "Uniform({0}, {1})"),
        "lkj": (1, "LKJ({0})"),
    }
)
"""By the name in Stan: the number of arguments, and the distribution here."""
_HALVES: Mapping[str, tuple[int, int, str]] = MappingProxyType(
    {
        "normal": (2, 0, "HalfNormal({1})"),
        "student_t": (3, 1, "HalfStudentT({0}, {2})"),
        "cauchy": (2, 0, "HalfCauchy({1})"),
    }
)
"""The same for scales, which brms cuts at 0; the second number is the place of the location, which must be 0."""


def read_priors(node: Node, names: Mapping[str, str], terms: Sequence[Term], family: Family) -> dict[str, str]:
    """Return the priors of brms's argument `prior` by the names here.

    Parameters
    ----------
    node : Node
        prior(...), set_prior(...), or several of them in c(...) or joined by +.
    names : mapping
        What parameters of brms's families are called here.
    terms : sequence of Term
        Those of the formula of the response: a prior without a group is one for each of them.
    family : Family
        That of the response here.

    Raises
    ------
    SpecError
        A prior is not exactly one of those here.
    """
    return {key: prior for call in _calls(node) for key, prior in _read(call, names, terms, family)}


def share_priors(
    node: Node, responses: Sequence[str], tied: Mapping[str, str], factors: Collection[str]
) -> tuple[dict[str, str], dict[str, Node | None]]:
    """Return the priors of correlations between responses by the names here, and brms's argument `prior` of each response.

    Parameters
    ----------
    responses : sequence of str
        brms knows them by their letters and digits.
    tied : mapping
        By grouping factor, the name here of the correlations of its effects in several responses.
    factors : collection of str
        All grouping factors.

    Raises
    ------
    SpecError
        A prior does not say of which response it is, or of one that there is not.
    """
    common: dict[str, str] = {}
    own: dict[str, list[Argument]] = {name: [] for name in responses}
    known = {re.sub(r"[^A-Za-z0-9]", "", name): name for name in responses}
    for call in _calls(node):
        shown = write(call)
        fields = _fields(call, shown)
        kind, response, group = (_word(fields.pop(name, None)) for name in ("class", "resp", "group"))
        kind = kind or "b"
        if kind == "rescor":
            common["rescor"] = _density(fields["prior"], shown)
            continue
        if kind == "cor" and not group and tied and len(factors) > len(tied):
            raise SpecError(f"Prior '{shown}' does not say of which group it is: add group = '{next(iter(tied))}'.")
        if kind == "cor" and (group in tied or (tied and not group)):
            common |= {tied[name]: _density(fields["prior"], shown) for name in ([group] if group else tied)}
            continue
        if response and response not in known:
            raise SpecError(f"Prior '{shown}': there is no response '{response}'; there are {', '.join(known)}.")
        if not response and (kind not in ("b", "Intercept", "cor") or _word(fields.get("coef"))):
            raise SpecError(f"Prior '{shown}' does not say of which response it is: add resp = '{next(iter(known))}'.")
        plain = Call(call.function, tuple(_without_response(call)))
        for name in [known[response]] if response else responses:
            own[name].append(Argument("", plain))
    return common, {name: Call("c", tuple(calls)) if calls else None for name, calls in own.items()}


def _without_response(call: Call) -> Iterator[Argument]:
    """Yield the arguments of a prior, each with its name, without that of the response."""
    positions = iter(_ORDER)
    for argument in call.arguments:
        name = argument.name or next(positions)
        if name != "resp":
            yield Argument(name, argument.value)


def _calls(node: Node) -> Iterator[Call]:
    match node:
        case Call("c", arguments):
            for argument in arguments:
                if argument.value is not None:
                    yield from _calls(argument.value)
        case Operation("+", operands):
            for operand in operands:
                yield from _calls(operand)
        case Call(function) if function in _MAKERS:
            yield node
        case _:
            raise SpecError(f"Prior '{write(node)}' is not written as prior(...) or set_prior(...). {_HOW}")


def _read(call: Call, names: Mapping[str, str], terms: Sequence[Term], family: Family) -> Iterator[tuple[str, str]]:
    shown = write(call)
    fields = _fields(call, shown)
    density, kind = fields.pop("prior"), _word(fields.pop("class", None)) or "b"
    coef, group, part = (_word(fields.pop(name, None)) for name in ("coef", "group", "dpar"))
    wrong = [name for name, value in fields.items() if _word(value)]
    if wrong:
        raise SpecError(f"Prior '{shown}': '{wrong[0]}' has no counterpart here. {_HOW}")
    variables = VariableNames(f"_{names.get(part, part)}" if part else "")
    keys: list[str] = []
    ordered = {f"mo{re.sub(r'[^A-Za-z0-9]', '', one.name[3:-1])}": one.name for one in terms if one.part == STEPS}
    if kind == "simo" and coef.removesuffix("1") in ordered:
        name = ordered[coef.removesuffix("1")]
        raise SpecError(
            f"Prior '{shown}': write the shares of the steps in the formula, {name[:-1]}, shares=[2, 1, 1])."
        )
    if kind == "b" and not group and coef in ordered:
        keys = [ParameterKey(variables.beta, ordered[coef])]
    elif kind == "b" and not group and (not coef or coef in _columns(terms)):
        keys = [ParameterKey(variables.beta, coef or None)]
    elif kind == "Intercept" and not coef and not group:
        keys = [ParameterKey(variables.beta, CENTRED_INTERCEPT)]
    elif kind in ("sd", "cor") and (group or not (coef or part)) and not (coef and kind == "cor"):
        grouped = [term for term in terms if term.factor_columns and (kind == "sd" or _is_correlated(term))]
        kept = [group] if group else list(dict.fromkeys(term.name for term in grouped))
        variable = variables.sd if kind == "sd" else variables.correlations
        keys = [ParameterKey(variable(name), coef or None) for name in kept]
    elif kind in names and not (coef or group or part):
        keys = [names[kind]]
    if not keys:
        raise SpecError(f"Prior '{shown}' names no parameter here before there are data. {_HOW}")
    prior = _density(
        density, shown, scale=kind == "sd" or (kind in names and _is_positive(family.parameter(names[kind])))
    )
    yield from ((key, prior) for key in keys)


def _is_positive(parameter: Parameter) -> bool:
    return (parameter.lower, parameter.upper) == (0.0, np.inf)


def _columns(terms: Sequence[Term]) -> set[str]:
    """Return the terms of the population formula whose coefficients have the same name in brms, if they are numbers."""
    formulas = population_formulas(terms)
    return {name for formula in formulas for term in term_pieces(formula) if len(term) == 1 for name in term} - {"1"}


def _is_correlated(term: Term) -> bool:
    several = any(len(term_pieces(formula)) > 1 for formula in term.formulas)
    return term.correlated(2) and (several or bool(term.tied_by))


def _fields(call: Call, shown: str) -> dict[str, Any]:
    positions = iter(_ORDER)
    found = {argument.name or next(positions, "?"): argument.value for argument in call.arguments}
    if found.get("prior") is None or not set(found) <= set(_ORDER):
        raise SpecError(f"Prior '{shown}' cannot be read. {_HOW}")
    return found


def _word(node: Node | None) -> str:
    match node:
        case Name("NA" | "NULL"):
            return ""
        case Name(word):
            return word
        case Text(value):
            return value
    return "" if node is None else write(node)


def _density(node: Node, shown: str, *, scale: bool = False) -> str:
    tree = parse_r(node.value) if isinstance(node, Text) and node.value.strip() else node
    if not isinstance(tree, Call):
        raise SpecError(f"Prior '{shown}' is not a distribution. {_HOW}")
    numbers = [_number(argument, shown) for argument in tree.arguments]
    count, place, form = _HALVES.get(tree.function, (0, 0, "")) if scale else (0, 0, "")
    if not form:
        count, form = _PLAIN.get(tree.function, (0, ""))
    elif count == len(numbers) and float(numbers[place]) != 0:
        raise SpecError(f"Prior '{shown}' is cut at 0 with its location elsewhere, which has no counterpart. {_HOW}")
    if not form or len(numbers) != count:
        raise SpecError(f"Prior '{shown}' has no counterpart here. {_HOW}")
    return form.format(*numbers)


def _number(argument: Argument, shown: str) -> str:
    match argument.value:
        case Number(text) if not argument.name:
            return text
        case Operation("-", (Number(text),)) if not argument.name:
            return f"-{text}"
    raise SpecError(f"Prior '{shown}': write its numbers out, in their order. {_HOW}")
