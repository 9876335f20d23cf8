"""Models of columns with missing values in brms, bf(y ~ mi(x)) + bf(x | mi() ~ z), as `impute`."""

from bayesmixed.errors import SpecError
from bayesmixed.families import find_family
from bayesmixed.families.r_families import R_FAMILIES
from bayesmixed.translation.r_formulas import split_formula, write
from bayesmixed.translation.r_text import Call, Name, Node, Operation, Text

_FORMULAS = ("bf", "brmsformula")


def split_columns(node: Node) -> tuple[Node, dict[str, dict[str, str]]]:
    """Return a sum of formulas without those of columns, x | mi() ~ z, and these as `impute` (SpecError)."""
    impute: dict[str, dict[str, str]] = {}
    while isinstance(node, Operation) and node.sign == "+":
        *before, last = node.operands
        if isinstance(last, Call) and last.function == "set_rescor":
            if [write(argument.value) for argument in last.arguments] not in (["FALSE"], ["F"]):
                raise SpecError("set_rescor(TRUE) has no counterpart here: residuals of columns are independent.")
        elif isinstance(last, Call) and last.function in _FORMULAS:
            name, model = _column_of(last)
            impute[name] = model
        else:
            break
        node = before[0] if len(before) == 1 else Operation("+", tuple(before))
    return node, impute


def _column_of(call: Call) -> tuple[str, dict[str, str]]:
    """Return the column and the model of bf(x | mi() ~ z, family = bernoulli())."""
    first, *options = call.arguments
    left, right = split_formula(first.value) if isinstance(first.value, Operation) else (None, first.value)
    match left:
        case Operation("|", (Name() as column, Call("mi", ()))):
            name = write(column)
        case _:
            raise SpecError(
                f"'{write(call)}' is not the model of a column, bf(x | mi() ~ z), and beside such models there is one response."
            )
    found = {"formula": f"~ {write(right)}"}
    for option in options:
        given = option.value
        family = given.value if isinstance(given, Text) else given.function if isinstance(given, Call) else write(given)
        if option.name != "family" or family not in R_FAMILIES or (isinstance(given, Call) and given.arguments):
            raise SpecError(f"'{option.name} = {write(given)}' of the column '{name}' has no counterpart here.")
        own, usual = R_FAMILIES[family]
        if usual != find_family(own).parameters[0].link:
            raise SpecError(f"Family '{family}' of the column '{name}' has no counterpart here.")
        found["family"] = own
    return name, found
