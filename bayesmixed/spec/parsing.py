"""Formulas in the notation of lme4 and brms: text to terms, terms to text."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bayesmixed.errors import SpecError, shorten
from bayesmixed.formulas.notation import call_arguments, is_balanced, split_top, summands
from bayesmixed.spec.peer_words import refuse_peer_words
from bayesmixed.terms import TERMS, Fixed, Term
from bayesmixed.terms.contract import POPULATION
from bayesmixed.terms.limits import Censoring, Truncation
from bayesmixed.terms.weights import ADDED_ERROR, ERROR, KINDS, Weights


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula taken apart.

    Attributes
    ----------
    response : str
        Left-hand side, a column or an expression; "" for a one-sided formula.
    terms : tuple of Term
        Population term first.
    trials : str or int or None
        Column (or number) of trials.
    weights : Weights or None
        Column of weights and what they mean.
    censoring : Censoring or None
        Column of statuses, and of upper ends of intervals.
    truncation : Truncation or None
        Bounds of the responses that are seen.
    """

    response: str
    terms: tuple[Term, ...]
    trials: str | int | None = None
    weights: Weights | None = None
    censoring: Censoring | None = None
    truncation: Truncation | None = None

    @property
    def left_side(self) -> dict[str, Any]:
        """What the left side states, by the fields of a spec."""
        return {"response": self.response, **{name: getattr(self, name) for name in ADDED}}


def parse_formula(text: str) -> Formula:
    """Return the parts of a formula such as "y | trials(n) ~ x + (x | g)" or "~ x".

    Raises
    ------
    SpecError
        The text is not a valid formula; the message says what to write instead.
    """
    sides = split_top(text, "~")
    if len(sides) != 2:
        of_r = len(sides) == 1 and re.match(r"\s*[\w.]+\s*(<-|::|\()", text) and "~" in text
        hint = " A call of R is translated by bm.from_r(call)." if of_r else ""
        raise SpecError(f"Formula '{text.strip()}' needs one tilde: response ~ terms.{hint}")
    response, additions = _parse_response(sides[0].strip(), text)
    return Formula(response, parse_terms(sides[1]), **additions)


def parse_terms(text: str) -> tuple[Term, ...]:
    """Return the terms of a right-hand side; the population term comes first and is always there."""
    population = ""
    terms: list[Term] = []
    for sign, piece in summands(text):
        piece = piece.strip()
        if not piece and sign == "-":
            raise SpecError(f"Formula '{shorten(text)}': there is no term next to a '-'.")
        refuse_peer_words(piece)
        special = _special_terms(piece)
        if not special:
            population += f" {sign} {piece}"
        elif sign == "-":
            raise SpecError(f"Formula '{text.strip()}': '{piece}' cannot be subtracted; leave it out.")
        else:
            terms += special
            population += " " if sign != "" or not piece else ""
    return (Fixed(formula=population or "1"), *terms)


def read_further(predictors: Mapping[str, object]) -> dict[str, str]:
    """Return the formulas of further parameters, checked to be text with one tilde (SpecError)."""
    return {name: f"~ {read_right_side(name, text)}" for name, text in predictors.items()}


def read_right_side(name: str, text: object) -> str:
    """Return the right-hand side of the formula of a further parameter: "~ x", or "sigma ~ x" (SpecError)."""
    if not isinstance(text, str):
        raise SpecError(
            f"{name}={shorten(repr(text))} is not an option here; the formula of a further parameter is text, such as "
            'sigma="~ treatment".'
        )
    sides = split_top(text, "~")
    if len(sides) != 2 or sides[0].strip() not in ("", name):
        raise SpecError(
            f'{name}="{shorten(text)}" is not a one-sided formula, such as {name}="~ x"; a prior or a number for it goes in '
            f'priors={{"{name}": ...}}.'
        )
    return sides[1]


def complete_terms(terms: Any) -> tuple[Any, ...]:
    """Expand a/b in tables of TOML, and put the population term first (SpecError)."""
    if not isinstance(terms, Iterable) or isinstance(terms, str):
        raise SpecError(f"A predictor is a list of terms, not {shorten(repr(terms))}.")
    complete: list[Any] = []
    for term in terms:
        kind = TERMS.get(term.get("kind", "")) if isinstance(term, Mapping) else None
        complete += [term] if kind is None else kind.expand(term)
    population = [term for term in complete if _is_population(term)]
    if len(population) > 1:
        raise SpecError("A predictor has one population term (kind 'fixed'); join their formulas.")
    return (*(population or [Fixed()]), *(term for term in complete if not _is_population(term)))


def _is_population(term: Any) -> bool:
    kind = term.get("kind", "") if isinstance(term, Mapping) else getattr(term, "kind", "")
    return kind in TERMS and TERMS[kind].part == POPULATION


def format_formula(response: str, terms: Iterable[Term], trials: str | int | None = None, *others: Any) -> str:
    """Return terms as a formula; `parse_formula` reads it back to the same terms.

    `others` are further additions to the response, weights, censoring and truncation, None where there is none.
    """
    additions = [] if trials is None else [f"trials({trials})"]
    additions += [str(one) for one in others if one is not None]
    response = response if len(split_top(response, "|")) == 1 else f"({response})"
    left = f"{response} | {' + '.join(additions)}" if additions else response
    return f"{left} ~ {' + '.join(str(term) for term in terms)}".strip()


def _parse_response(left: str, text: str) -> tuple[str, dict[str, Any]]:
    """Return the response, and what is added to it after the bar by the fields of a spec."""
    pieces = split_top(left, "|")
    if len(call_arguments(pieces[0].strip(), COUNTED) or ()) < 2:
        refuse_peer_words(pieces[0])
    for addition in split_top(pieces[1], "+") if len(pieces) > 1 else []:
        if not any(call_arguments(addition, word) is not None for word in ADDITIONS):
            refuse_peer_words(addition)
    response = _strip_brackets(pieces[0].strip())
    found: dict[str, Any] = {}
    if len(pieces) > 2:
        raise SpecError(f"Formula '{text.strip()}': join additions on the left side by '+', not by a second '|'.")
    if len(pieces) == 2 and not response:
        raise SpecError(f"Formula '{text.strip()}' has no response.")
    for addition in split_top(pieces[1], "+") if len(pieces) == 2 else []:
        read = {word: call_arguments(addition, word) for word in ADDITIONS}
        word = next((word for word, arguments in read.items() if arguments is not None), None)
        if word is not None and ADDITIONS[word][0] in found and word in ("weights", "se"):
            raise SpecError(f"Formula '{text.strip()}': a model has one of weights(...) and se(...), once.")
        if word is None or ADDITIONS[word][0] in found:
            raise SpecError(
                f"'{addition.strip()}' on the left side is not known, or is given twice. Accepted: trials(n), "
                "weights(w, \"frequency\"), se(s), cens(status), cens(status, upper), trunc(lower, upper), joined by '+'."
            )
        field, parse = ADDITIONS[word]
        found[field] = parse(read[word] or [])
    return response, found


def _parse_trials(arguments: list[str]) -> str | int:
    if len(arguments) != 1:
        raise SpecError(
            f"trials({', '.join(arguments)}) on the left side is not known. Accepted: trials(n), a column or a number."
        )
    return int(arguments[0]) if arguments[0].isdigit() else arguments[0].strip("`")


def _parse_censoring(arguments: list[str]) -> Censoring:
    plain = [name for name in arguments if _COLUMN.fullmatch(name)]
    if len(plain) != len(arguments) or len(plain) not in (1, 2):
        raise SpecError(
            f"cens({', '.join(arguments)}): write cens(status), or cens(status, upper) with intervals, each a column. What "
            "statuses mean: none, right, left, interval, or 0, 1, -1, 2."
        )
    return Censoring(**dict(zip(("column", "upper"), (name.strip("`") for name in plain), strict=False)))


def _parse_truncation(arguments: list[str]) -> Truncation:
    bounds: dict[str, str] = {}
    for place, argument in enumerate(arguments):
        named = re.fullmatch(r"(lower|upper|lb|ub)\s*=\s*(.+)", argument, flags=re.DOTALL)
        name = {"l": "lower", "u": "upper"}[named[1][0]] if named else ("lower", "upper", "")[min(place, 2)]
        bound = named[2].strip() if named else argument
        if not name or name in bounds or not (_COLUMN.fullmatch(bound) or _NUMBER.fullmatch(bound)):
            raise SpecError(
                f"trunc({', '.join(arguments)}): write trunc(lower, upper), trunc(lower=0) or trunc(upper=10); a bound is a "
                "number or a column."
            )
        bounds[name] = bound
    return Truncation(**bounds)


def _parse_weights(arguments: list[str]) -> Weights:
    if len(arguments) != 2:
        meanings = "; ".join(f'weights(w, "{kind}"): {meaning}' for kind, meaning in KINDS.items())
        raise SpecError(f"weights() needs a column and what its numbers mean. {meanings}.")
    column, kind = arguments
    return Weights(column=column.strip("`"), kind=kind.strip("\"'"))


def _parse_errors(arguments: list[str]) -> Weights:
    column, *options = arguments or [""]
    words = [option.replace(" ", "") for option in options]
    free = {"sigma=True": True, "sigma=TRUE": True, "sigma=False": False, "sigma=FALSE": False}
    if not column or len(words) > 1 or any(word not in free for word in words):
        raise SpecError(
            "se() needs a column of standard errors: se(s), or se(s, sigma=True) to estimate sigma beside them."
        )
    return Weights(column=column.strip("`"), kind=ADDED_ERROR if any(free[word] for word in words) else ERROR)


COUNTED = "cbind"
"""The call that puts counts of several categories together, left of the tilde."""


def counted_columns(response: str) -> tuple[str, ...]:
    """Return the columns of a response cbind(a, b, c), the counts of several categories; of other responses none (SpecError)."""
    arguments = call_arguments(response.strip(), COUNTED) or []
    wrong = [text for text in arguments if not _COLUMN.fullmatch(text)]
    if wrong:
        raise SpecError(
            f"'{wrong[0]}' in '{response}' is not a column. Compute it beforehand; each category is named after its column."
        )
    names = tuple(text.strip("`") for text in arguments)
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise SpecError(f"Column '{twice[0]}' stands twice in '{response}'.")
    return names


_COLUMN = re.compile(r"[^\W\d]\w*(\.\w+)*|`[^`]+`")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
ADDITIONS: dict[str, tuple[str, Callable[[list[str]], Any]]] = {
    "trials": ("trials", _parse_trials),
    "weights": ("weights", _parse_weights),
    "se": ("weights", _parse_errors),
    "cens": ("censoring", _parse_censoring),
    "trunc": ("truncation", _parse_truncation),
}
"""Words that add to a response left of the tilde: the field of a spec that they state, and how their arguments are read."""
ADDED = tuple(dict.fromkeys(field for field, _ in ADDITIONS.values()))
"""The fields that they state."""


def _strip_brackets(response: str) -> str:
    """Remove brackets or backticks around the whole response, as in (r2 == "Y") ~ ... ."""
    if re.fullmatch(r"`[^`]+`", response):
        name = response.strip("`")
        return name if re.fullmatch(r"[^\W\d]\w*", name) else response
    inside = call_arguments(f"x{response}", "x") if response.startswith("(") else None
    return inside[0] if inside is not None and len(inside) == 1 and is_balanced(inside[0]) else response


def _special_terms(piece: str) -> list[Term]:
    """Return the terms that are not formulaic's."""
    return list(next((found for kind in TERMS.values() if (found := kind.read(piece))), ()))
