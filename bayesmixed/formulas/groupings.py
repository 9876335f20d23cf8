"""Grouping factors as formulas write them, a/b, a + b, a*b, factor(a): the factors that they expand to."""

from collections.abc import Iterator

from bayesmixed.errors import SpecError, shorten
from bayesmixed.formulas.functions import FACTOR_CALLS
from bayesmixed.formulas.notation import (
    call_arguments,
    inside_brackets,
    join_factors,
    split_factors,
    split_signed,
    split_top,
)

MOST_FACTORS = 100
"""Most grouping factors that one bar may expand to."""
Joined = tuple[str, ...]


def read_groupings(by: str) -> list[str]:
    """Return the grouping factors of the right side of a bar, columns joined by colons: "a/b" gives "a" and "a:b".

    The signs are those of R: a + b are two factors, a*b is a + b + a:b, a/b is a + a:b; factor(a) is a, whose values are
    labels anyway.

    Raises
    ------
    SpecError
        It is not made of columns.
    """
    return [join_factors(names) for names in _sum(by, by)]


def _sum(text: str, whole: str) -> list[Joined]:
    """Return the factors of a sum."""
    found = [names for piece in split_top(text, ("+",)) for names in _product(piece, whole)]
    if len(found) > MOST_FACTORS:
        raise SpecError(f"Grouping factor '{shorten(whole)}' expands to more than {MOST_FACTORS} factors.")
    return list(dict.fromkeys(found))


def _product(text: str, whole: str) -> list[Joined]:
    """Return the factors of what `*` and `/` join, from left to right."""
    found: list[Joined] = []
    for sign, piece in split_signed(text, ("*", "/")):
        right = _interaction(piece, whole)
        if sign == "/":
            every = tuple(dict.fromkeys(name for names in found for name in names))
            found += [_join(every, names) for names in right]
        elif sign == "*":
            found += [*right, *(_join(left, names) for left in found for names in right)]
        else:
            found = right
    return found


def _interaction(text: str, whole: str) -> list[Joined]:
    """Return the factors of what colons join."""
    found: list[Joined] = [()]
    for piece in split_top(text, (":",)):
        found = [_join(left, right) for left in found for right in _atom(piece.strip(), whole)]
    return found


def _atom(piece: str, whole: str) -> list[Joined]:
    """Return a column, what a call of factor() or interaction() names, or the factors of a sum in brackets."""
    inside = inside_brackets(piece)
    if inside:
        return _sum(inside, whole)
    for name in (*FACTOR_CALLS, "interaction"):
        arguments = call_arguments(piece, name)
        if arguments and (name == "interaction" or len(arguments) == 1):
            return [tuple(_columns(arguments, whole))]
    return [tuple(_columns([piece], whole))]


def _columns(pieces: list[str], whole: str) -> Iterator[str]:
    for piece in pieces:
        (name,) = split_factors(piece) if piece else split_factors(whole)[:1]
        yield name


def _join(left: Joined, right: Joined) -> Joined:
    return tuple(dict.fromkeys((*left, *right)))
