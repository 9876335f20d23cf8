"""Changes of a predictor's terms: add and take away, make a random factor fixed or a fixed one random."""

import re
from collections.abc import Iterable

from bayesmixed.errors import SpecError, enumerate_words
from bayesmixed.formulas import parse_terms
from bayesmixed.terms import Fixed, Group, Term
from bayesmixed.terms.names import strip_factor_calls
from bayesmixed.terms.notation import split_signed, split_top


def update_terms(terms: Iterable[Term], text: str) -> tuple[Term, ...]:
    """Return the terms of a right-hand side in which `.` stands for the present ones: ". - x + (1 | g)".

    Raises
    ------
    SpecError
        A group term that is to be taken away is not there.
    """
    present = [piece for term in terms for piece in _pieces(term)]
    result: list[tuple[str, str]] = []
    for sign, piece in split_signed(text):
        word = re.sub(r"\s+", " ", piece).strip()
        if word == ".":
            result += present
        elif sign == "-" and word not in ("0", "1"):
            result = _without(result, word)
        elif word:
            result.append((sign or "+", word))
    return parse_terms(" ".join(f"{sign} {word}" for sign, word in result).removeprefix("+ "))


def fix_group(terms: Iterable[Term], name: str, *, constant: bool = False) -> tuple[Term, ...]:
    """Return the terms with a random factor made fixed: coefficients of its own for each level, no pooling.

    The intercept and the columns that varied between its levels give way to those of the levels; with `constant` the
    intercept stays, and levels differ from the first one.

    Raises
    ------
    SpecError
        The factor groups no term.
    """
    listed = list(terms)
    random = [term for term in listed if term.kind == "group" and term.by == name]
    if not random:
        known = [term.by for term in listed if term.kind == "group"]
        raise SpecError(f"'{name}' groups no term. The model has {enumerate_words(known) or 'no group term'}.")
    varying = [word for term in random for _, word in split_signed(term.formula)]
    columns = [word.strip() for word in varying if word.strip() not in ("0", "1")]
    fixed = next(term for term in listed if term.kind == "fixed")
    kept = [(sign, word) for sign, word in _pieces(fixed) if word not in ("0", "1", *columns)]
    intercept = any(word.strip() == "1" for word in varying)
    factor = ":".join(_quoted(part) for part in name.split(":"))
    start = f"{1 if constant else 0} + {factor}" if intercept else split_signed(fixed.formula)[0][1].strip()
    formula = start + "".join(f" + {factor}:{column}" for column in columns)
    formula += "".join(f" {sign} {word}" for sign, word in kept)
    others = [term for term in listed if term not in random and term.kind != "fixed"]
    return (Fixed(formula=formula), *others)


def free_group(terms: Iterable[Term], name: str) -> tuple[Term, ...]:
    """Return the terms with a fixed factor made random: its levels get a common normal distribution, partial pooling.

    Interactions of the factor with a column become slopes that vary between its levels, around a common slope.

    Raises
    ------
    SpecError
        The factor is not in the population part.
    """
    listed = list(terms)
    fixed = next(term for term in listed if term.kind == "fixed")
    slopes, kept, found = [], [], False
    for sign, word in _pieces(fixed):
        parts = [strip_factor_calls(part)[0].strip().strip("`") for part in split_top(word, ":")]
        if word in ("0", "1"):
            continue
        if parts == [name]:
            found = True
        elif name in parts and len(parts) == 2 and sign == "+":
            found = True
            slopes.append(next(part for part in parts if part != name))
        else:
            kept.append((sign, word))
    if not found:
        raise SpecError(
            f"'{name}' is not a term of the population part '{fixed.formula}', so it cannot be made random."
        )
    shared = [slope for slope in slopes if slope not in [word for _, word in kept]]
    formula = "1" + "".join(f" + {slope}" for slope in shared) + "".join(f" {sign} {word}" for sign, word in kept)
    group = Group(by=name, formula="1" + "".join(f" + {slope}" for slope in slopes))
    return (Fixed(formula=formula), *(term for term in listed if term.kind != "fixed"), group)


def _pieces(term: Term) -> list[tuple[str, str]]:
    if term.kind != "fixed":
        return [("+", str(term))]
    return [(sign or "+", re.sub(r"\s+", " ", word).strip()) for sign, word in split_signed(term.formula)]


def _without(pieces: list[tuple[str, str]], word: str) -> list[tuple[str, str]]:
    """Return the pieces without a term; a population term that stands inside a longer one is subtracted."""
    special = [str(term) for term in parse_terms(word)[1:]]
    targets = special or [word]
    left = list(pieces)
    for target in targets:
        if ("+", target) in left:
            left.remove(("+", target))
        elif special:
            raise SpecError(f"'{target}' cannot be taken away: the model has no such term.")
        else:
            left.append(("-", target))
    return left


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[^\W\d][\w.]*", name) else f"`{name}`"
