"""Formulas split into pieces, which have plain names in what formulaic, which knows the algebra of terms, reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import comb
from typing import Any

from bayesmixed.errors import SpecError, shorten
from bayesmixed.formulas.expressions import Expression, parse_expression
from bayesmixed.formulas.tokens import NAME, NUMBER, QUOTED, SIGN, TEXT, Token, check_nesting, tokenise
from bayesmixed.tables.column_names import quote_name

MOST_TERMS = 5_000
"""Most terms that a formula may expand to."""

_SIGNS = ("+", "-", "*", "/", ":", "**", "^", "(", ")")
_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=", "&", "|", "&&", "||", "!")


@dataclass(frozen=True, slots=True)
class WrittenFormula:
    """A population or group formula.

    Attributes
    ----------
    text : str
        As it was written.
    algebra : str
        The formula with an alias for each piece.
    pieces : mapping of str to Expression
        What the aliases stand for: columns and calls.
    """

    text: str
    algebra: str
    pieces: Mapping[str, Expression]

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that the formula reads."""
        return tuple(dict.fromkeys(name for piece in self.pieces.values() for name in piece.columns))

    @property
    def grouping(self) -> tuple[str, ...]:
        """Columns that only name groups, in within(x, g), between(x, g) and level(x, g)."""
        named = dict.fromkeys(name for piece in self.pieces.values() for name in piece.grouping)
        others = {n for piece in self.pieces.values() for n in piece.columns if n not in piece.grouping}
        return tuple(name for name in named if name not in others)

    @property
    def factors(self) -> tuple[str, ...]:
        """Columns that it declares to be factors: C(x), factor(x)."""
        return tuple(dict.fromkeys(name for piece in self.pieces.values() for name in piece.factors))

    def terms(self) -> list[str]:
        """Return the terms as labels write them, "Intercept" for the constant.

        Raises
        ------
        SpecError
            The formula cannot be read.
        """
        return [":".join(piece_text(self.pieces[alias]) for alias in term) or "Intercept" for term in self.products()]

    def products(self) -> list[tuple[str, ...]]:
        """Return the terms as the aliases that they multiply, none for the intercept (SpecError)."""
        from formulaic import Formula
        from formulaic.parser.types.factor import Factor

        self.check_size()
        try:
            found = Formula(self.algebra)
            return [tuple(f.expr for f in term.factors if f.eval_method != Factor.EvalMethod.LITERAL) for term in found]
        except Exception as error:  # formulaic raises many kinds; all mean the same to the user
            raise self.unreadable() from error

    def check_size(self) -> None:
        """Refuse a formula that expands to more terms than any table has columns (SpecError)."""
        from formulaic.parser import DefaultFormulaParser

        try:
            count = _count_terms(DefaultFormulaParser().get_ast(self.algebra))
        except SpecError:
            raise
        except Exception as error:  # as above
            raise self.unreadable() from error
        if count > MOST_TERMS:
            raise SpecError(f"Formula '{shorten(self.text)}' expands to more than {MOST_TERMS:,} terms.")

    def unreadable(self) -> SpecError:
        """Return our error where formulaic has one."""
        return SpecError(
            f"Formula '{shorten(self.text)}' cannot be read. Join columns, calls and brackets by + - * / : ^, one between two."
        )


def piece_text(piece: Expression) -> str:
    """Return a piece as labels show it: columns without backticks, but for one called Intercept."""
    name = piece.only_column or piece.plain_factor
    if name is None:
        return piece.text
    return "`Intercept`" if name == "Intercept" else name


@lru_cache(maxsize=1024)
def read_formula(text: str) -> WrittenFormula:
    """Return a formula split into pieces.

    Raises
    ------
    SpecError
        It holds what is neither a column, a call, nor a sign of the algebra of terms.
    """
    tokens = tokenise(text)
    check_nesting(tokens, text)
    aliases: dict[tuple[bool, str], str] = {}
    pieces: dict[str, Expression] = {}
    parts: list[str] = []
    place = 0
    while place < len(tokens):
        token = tokens[place]
        if token.kind == SIGN:
            if token.is_sign("(") and parts[-1:] == ["**"]:
                raise _no_power(token.word, text)
            parts.append(_sign(token, text))
            place += 1
        elif token.kind == NUMBER:
            after = tokens[place + 1] if place + 1 < len(tokens) else None
            parts.append(_number(token, after, parts, text))
            place += 1
        elif token.kind == TEXT:
            raise SpecError(
                f"'{shorten(token.word)}' in '{shorten(text)}': text in quotes is not a term; write columns."
            )
        else:
            if place and tokens[place - 1].kind in (NAME, QUOTED, NUMBER):
                raise _side_by_side(tokens[place - 1], token, text)
            if parts[-1:] == ["**"]:
                raise _no_power(token.word, text)
            end = _end_of_piece(tokens, place, text)
            piece = parse_expression(text[token.start : tokens[end - 1].end])
            key = (piece.only_column is None and piece.plain_factor is None, piece_text(piece))
            if key not in aliases:
                aliases[key] = f"_c{len(aliases)}"
                pieces[aliases[key]] = piece
            parts.append(aliases[key])
            place = end
    return WrittenFormula(text, " ".join(parts), pieces)


def _end_of_piece(tokens: tuple[Token, ...], place: int, text: str) -> int:
    """Return the position after a column or call that begins at a position."""
    if place + 1 == len(tokens) or not tokens[place + 1].is_sign("("):
        return place + 1
    depth = 0
    for end in range(place + 1, len(tokens)):
        depth += tokens[end].is_sign("([{") - tokens[end].is_sign(")]}")
        if depth == 0:
            return end + 1
    raise SpecError(f"Formula '{shorten(text)}': a bracket is not closed, or is closed twice.")


def _sign(token: Token, text: str) -> str:
    if token.word in _SIGNS:
        return "**" if token.word == "^" else token.word
    if token.word == "%in%":
        raise SpecError(f"'%in%' in '{shorten(text)}' is not supported: write the interaction x:z.")
    if token.word in _COMPARISONS:
        raise SpecError(f"'{token.word}' in '{shorten(text)}': a condition goes inside I(), as in I(x > 0).")
    if token.word in "'\"`":
        raise SpecError(f"Formula '{shorten(text)}': a quote {token.word} is not closed.")
    if token.word == ".":
        raise SpecError(f"'.' in '{shorten(text)}' is all other columns of the data: give the data as well.")
    if token.word == "[":
        raise SpecError(
            f"'[' in '{shorten(text)}': leave the index out; each call gives one column or those of one basis."
        )
    raise SpecError(
        f"'{token.word}' in '{shorten(text)}' is not part of the formula language. Put columns with unusual names in "
        "backticks, `a b`; arithmetic goes inside I()."
    )


def _no_power(word: str, text: str) -> SpecError:
    return SpecError(f"'^{word}' in '{shorten(text)}': the power of terms is a whole number from 1 to 20.")


def _number(token: Token, after: Token | None, parts: list[str], text: str) -> str:
    if parts[-1:] == ["**"]:
        if parts[-2:-1] != [")"]:
            raise SpecError(
                f"'^{token.word}' in '{shorten(text)}': outside calls a power multiplies terms with each other, as in "
                f"(x + z)^2. The power of a number is I(x^{token.word})."
            )
        if not token.word.isdigit() or not 1 <= float(token.word) <= 20:
            raise _no_power(token.word, text)
        return str(int(token.word))
    if token.word not in ("0", "1"):
        raise SpecError(
            f"'{token.word}' in '{shorten(text)}' is not a term: only 0 and 1 are. Arithmetic goes inside I()."
        )
    alone = parts.count("(") == parts.count(")") and parts[-1:] in ([], ["+"], ["-"])
    if not alone or (after is not None and not after.is_sign("+-")):
        raise SpecError(
            f"'{token.word}' in '{shorten(text)}' is allowed only as a summand, where it keeps or removes the "
            "intercept. Write it outside brackets and products: 1 + (x + z)^2, 0 + x*z."
        )
    return token.word


def _side_by_side(first: Token, second: Token, text: str) -> SpecError:
    joined = quote_name(text[first.start : second.end].replace("`", ""))
    return SpecError(
        f"'{shorten(first.word)}' and '{shorten(second.word)}' in '{shorten(text)}' are next to each other. If they are one "
        f"column, write it in backticks: {shorten(joined)}."
    )


def _count_terms(tree: Any) -> float:
    """Return at least the number of terms that formulaic would make from its syntax tree."""
    from formulaic.parser.types import ASTNode

    order, stack = [], [tree]
    while stack:
        node = stack.pop()
        order.append(node)
        stack += list(node.args) if isinstance(node, ASTNode) else []
    counts: dict[int, float] = {}
    for node in reversed(order):
        if not isinstance(node, ASTNode):
            counts[id(node)] = 1.0
            continue
        given = [counts[id(argument)] for argument in node.args]
        sign = node.operator.symbol
        if sign in ("**", "^"):
            power = int(str(node.args[1].token))
            # Formulaic multiplies out all products before it drops those that are alike.
            counts[id(node)] = max(
                given[0] ** power, sum(comb(int(min(given[0], 1e6)), k) for k in range(1, power + 1))
            )
        elif sign in ("*", ":", "/", "in") and len(given) == 2:
            counts[id(node)] = given[0] * given[1] + (sum(given) if sign == "*" else given[0] if sign == "/" else 0)
        else:
            counts[id(node)] = sum(given)
        if counts[id(node)] > 1e6:
            return counts[id(node)]
    return counts[id(tree)]
