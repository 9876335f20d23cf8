"""Correlated residuals of nlme (gls, lme), mmrm and brms as those of this package."""

from collections.abc import Mapping
from types import MappingProxyType

from bayesmixed.errors import SpecError, warn
from bayesmixed.translation.r_formulas import split_formula, write
from bayesmixed.translation.r_text import Argument, Brackets, Call, Name, Node, Number, Operation

_MMRM = MappingProxyType(
    {
        "us": "us",
        "toep": "homtoep",
        "toeph": "toep",
        "ar1": "ar1",
        "ar1h": "hetar1",
        "cs": "homcs",
        "csh": "cs",
        "sp_exp": "ou",
    }
)
"""Covariances of mmrm, and their calls here."""
_NLME = MappingProxyType({"corCompSymm": "homcs", "corSymm": "us", "corAR1": "ar1", "corCAR1": "ou", "corExp": "ou"})
"""Correlations of nlme, and their calls here."""
_BY_VISIT = MappingProxyType({"homcs": "cs", "us": "us", "ar1": "hetar1"})
"""Calls with one SD, and with one of each visit."""
_BRMS = ("ar", "cosy", "unstr")
_SIGMA = "sigma"


def read_residuals(function: str, given: Mapping[str, Node]) -> tuple[dict[str, Node], dict[str, str]]:
    """Return the arguments of a call without what says how residuals are correlated, and the fields that say so here.

    Raises
    ------
    SpecError
        A correlation has no counterpart here; the message names it.
    """
    found = dict(given)
    if function in ("gls", "lme"):
        return _of_nlme(function, found)
    match found.get("formula"):
        case Call("bf" | "brmsformula" as name, (Argument("" | "formula", Operation() as inner), *others)) if (
            function == "brm"
        ):
            inside, residual = read_residuals(function, {"formula": inner})
            first = Argument("", inside["formula"])
            return {**found, "formula": Call(name, (first, *others))}, residual
        case Operation("~"):
            pass
        case _:
            return found, {}
    names = [*_MMRM, "ad", "adh", "sp_gau"] if function == "mmrm" else _BRMS if function == "brm" else ()
    left, right = split_formula(found["formula"])
    rest, calls = _take(right, names)
    if function == "mmrm" and not calls:
        raise SpecError("mmrm() has a covariance of visits in its formula, us(visit | subject).")
    if not calls or left is None:
        return found, {}
    if len(calls) > 1:
        raise SpecError(f"'{write(calls[1])}': residuals have one correlation here.")
    found["formula"] = Operation("~", (left, rest if rest is not None else Number("1")))
    return found, _of_mmrm(calls[0]) if function == "mmrm" else _of_brms(calls[0])


def _take(node: Node, names: object) -> tuple[Node | None, list[Call]]:
    """Return a sum without the calls of these names, None where nothing is left, and these calls."""
    match node:
        case Call(function) if function in names:  # type: ignore[operator]
            return None, [node]
        case Operation("+" | "-" as sign, (left, right)):
            first, one = _take(left, names)
            second, other = (right, []) if sign == "-" else _take(right, names)
            if first is None or second is None:
                return second if first is None else first, [*one, *other]
            return Operation(sign, (first, second)), [*one, *other]
    return node, []


def _of_mmrm(call: Call) -> dict[str, str]:
    bar = call.arguments[0].value if len(call.arguments) == 1 else None
    if call.function not in _MMRM or not isinstance(bar, Operation) or bar.sign != "|":
        raise SpecError(
            f"'{write(call)}' of mmrm() has no counterpart here. Those that have: {', '.join(_MMRM)}(visit | subject)."
        )
    place, group = bar.operands
    if isinstance(group, Operation):
        raise SpecError(
            f"'{write(call)}': covariances that differ between groups of subjects have no counterpart here. Write "
            "us(visit | subject), with SDs by group as a formula, sigma = ~ 0 + visit:arm."
        )
    if call.function == "sp_exp":
        return {"residual": f"ou({write(place)} | {write(group)})"}
    if not isinstance(place, Name):
        raise SpecError(f"'{write(call)}': visits are a column, {call.function}(visit | {write(group)}).")
    # In mmrm visits are a factor, also where they are numbers here.
    return {"residual": f"{_MMRM[call.function]}(factor({write(place)}) | {write(group)})", "factors": place.word}


def _of_brms(call: Call) -> dict[str, str]:
    order = {"ar": ("time", "gr", "p", "cov"), "cosy": ("time", "gr"), "unstr": ("time", "gr")}[call.function]
    given = _named(call, order)
    group = write(given["gr"]) if "gr" in given and given["gr"] != Name("NA") else ""
    place = write(given["time"]) if "time" in given and given["time"] != Name("NA") else "1"
    if not group:
        raise SpecError(f"'{write(call)}': state the group, gr = subject.")
    if call.function == "unstr":
        return {"residual": f"us({place} | {group})", _SIGMA: "~ 1"}
    if call.function == "cosy":
        return {"residual": f"homcs(1 | {group})"}
    if given.get("p", Number("1")) not in (Number("1"), Number("1L")):
        raise SpecError(f"'{write(call)}': autoregression of an order above 1 has no counterpart here.")
    if given.get("cov") not in (Name("TRUE"), Name("T")):
        warn(f"{write(call)}: here the first row of a group has the SD of all rows, as with cov = TRUE in brms.")
    warn("In brms sigma of ar() is the SD of a row given the one before; here it is the SD of a row, which is larger.")
    return {"residual": f"ar1({place} | {group})"}


def _of_nlme(function: str, given: dict[str, Node]) -> tuple[dict[str, Node], dict[str, str]]:
    formula = given.pop("model" if function == "gls" else "fixed", None)
    if formula is None:
        raise SpecError(f"{function}() has no formula.")
    if function == "lme":
        formula = _with_random(formula, given.pop("random", None))
    given["formula"] = formula
    sds, spread = _sds(given.pop("weights", None))
    correlation = given.pop("correlation", None)
    if correlation is None:
        return given, spread
    call, place, group = _correlation(correlation)
    if sds and call in _BY_VISIT and place in ("1", sds):
        return given, {"residual": f"{_BY_VISIT[call]}({sds} | {group})"}
    if place == "1" and call == "us":
        raise SpecError(f"'{write(correlation)}': state the visits, corSymm(form = ~ visit | {group}).")
    found = {"residual": f"{call}({place} | {group})", **spread}
    return given, {_SIGMA: "~ 1", **found} if call == "us" else found


def _with_random(formula: Node, random: Node | None) -> Node:
    """Return a formula of lme with its random effects, ~ x | g."""
    match random:
        case None:
            raise SpecError("lme() without random = ~ 1 | g: write it out.")
        case Operation("~", (Operation("|") as bar,)):
            left, right = split_formula(formula)
            return Operation("~", (left, Operation("+", (right, Brackets(bar))))) if left is not None else formula
    raise SpecError(
        f"random = {write(random)} has no counterpart here. Write random = ~ x | g, or terms (x || g) for pdDiag."
    )


def _sds(weights: Node | None) -> tuple[str, dict[str, str]]:
    """Return the column of varIdent(form = ~ 1 | visit), "" for others, and the formula of sigma."""
    if weights is None:
        return "", {}
    form = _named(weights, ("value", "form")).get("form") if isinstance(weights, Call) else None
    match weights, form:
        case Call("varIdent"), Operation("~", (Operation("|", (Number("1"), Name() as visit)),)):
            return write(visit), {_SIGMA: f"~ 0 + labels({write(visit)})"}
        case Call("varExp"), Operation("~", (Name() as column,)):
            return "", {_SIGMA: f"~ {write(column)}"}
    raise SpecError(
        f"weights = {write(weights)} has no counterpart here. Those that have: varIdent(form = ~ 1 | visit), varExp(form = ~ x); "
        "others are a formula of the residual SD, sigma = ~ log(x)."
    )


def _correlation(node: Node) -> tuple[str, str, str]:
    """Return the call here, the place and the group of a correlation of nlme."""
    if not isinstance(node, Call) or node.function not in _NLME:
        raise SpecError(
            f"correlation = {write(node)} has no counterpart here. Those that have: {', '.join(_NLME)}, with "
            "form = ~ time | group."
        )
    named = _named(node, ("value", "form"))
    form, further = named.get("form"), [name for name in named if name not in ("value", "form")]
    if further:
        raise SpecError(f"'{further[0]}' in {write(node)} has no counterpart here.")
    match form:
        case Operation("~", (Operation("|", (place, group)),)):
            return _NLME[node.function], write(place), write(group)
    raise SpecError(f"'{write(node)}': state the group within which rows are correlated, form = ~ time | group.")


def _named(call: Call, order: tuple[str, ...]) -> dict[str, Node]:
    """Return the arguments of a call by name, those without a name in their order."""
    left = iter([name for name in order if name not in [one.name for one in call.arguments]])
    named: list[tuple[str, Argument]] = [(one.name or next(left, ""), one) for one in call.arguments]
    return {name: one.value for name, one in named if one.value is not None}
