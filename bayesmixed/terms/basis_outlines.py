"""The terms of the basis of a formula, before there are data: what default priors will be stated on."""

import itertools
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from bayesmixed.formulas.pieces import Piece, read_power
from bayesmixed.formulas.written import piece_text, read_formula
from bayesmixed.parameter_keys import ParameterKey
from bayesmixed.terms.basis import Basis, BasisTerm, join_terms
from bayesmixed.terms.level_means import CENTRED
from bayesmixed.terms.piece_bases import PieceBasis, factor_basis, number_basis

_CODED = re.compile(r"\[\w?\.")
"""Prefixes of the marks of contrasts of levels: [T.b], [S.b], [.L]."""


@dataclass(frozen=True, slots=True)
class TermOutline:
    """A term of the basis of a formula.

    Attributes
    ----------
    label : str
        "Intercept", "x", "f:x".
    key : str
        The same in the keys of priors of coefficients: "x_centred" where a coefficient x as written is another.
    factor : bool
        It contains a known factor: its coefficients are contrasts that sum to zero.
    number : bool
        It contains a single number, which has a step.
    moved : bool
        It is not stated as written: contrasts, and effects at the means of other variables in the same terms.
    several : bool
        It has several columns, whose number depends on data.
    given : tuple of str
        Keys of the user's priors of coefficients as written that depend on it: its prior is the default given these.
    """

    label: str
    key: str
    factor: bool = False
    number: bool = False
    moved: bool = False
    several: bool = False
    given: tuple[str, ...] = ()

    @property
    def meaning(self) -> str:
        """What its coefficients are, in words."""
        if self.factor:
            return "contrasts of levels, sum zero"
        return "orthogonal directions of its columns" if self.several and self.moved else "slope or difference"

    @property
    def condition(self) -> str:
        """What its prior is conditional on, to be added to what it means."""
        shown = [*self.given[:2], "other stated ones"] if len(self.given) > 3 else self.given
        return f", given {', '.join(shown)}" if shown else ""

    def names_columns(self, variable: str, keys: Collection[str]) -> bool:
        """Return whether a key states a prior of one of its columns, as sd_g[f[T.b]] of f."""
        return any(key.startswith(f"{variable}[{self.label}[") for key in keys)


def outline_basis(formula: str, factors: Collection[str]) -> list[TermOutline]:
    """Return the terms on which default priors are stated, the constant first; columns not known as factors are numbers.

    Raises
    ------
    SpecError
        The formula cannot be read.
    """
    basis, several = _read_basis(formula, factors)
    written, pieces = read_formula(formula).terms(), basis.pieces
    found = [TermOutline("Intercept", "Intercept", moved=bool(basis.terms))] if basis.constant else []
    for term in basis.terms:
        factor = any(pieces[text].levels for text in term.pieces)
        many = factor or any(text in several for text in term.pieces)
        inside = any(_contains(other, term, pieces) for other in basis.terms)
        number = any(not pieces[text].levels and text not in several for text in term.pieces)
        key = f"{term.text}_centred" if inside and not many and term.text in written else term.text
        found.append(TermOutline(term.text, key, factor, number, inside or many, many))
    return found


def outline_as_written(formula: str, factors: Collection[str]) -> list[TermOutline]:
    """Return the terms of a formula as written, the intercept first."""
    basis, several = _read_basis(formula, factors)
    many = {text for text, piece in basis.pieces.items() if piece.levels or text in several}
    found = [
        TermOutline(":".join(texts), ":".join(texts), number=True, several=not many.isdisjoint(texts))
        for texts in _products(formula)
        if texts
    ]
    return [*([TermOutline("Intercept", "Intercept")] if () in _products(formula) else []), *found]


def outline_population(formula: str, factors: Collection[str], beta: str, priors: Collection[str]) -> list[TermOutline]:
    """Return the terms on which priors of population coefficients are stated: as written if the user states all.

    Parameters
    ----------
    beta : str
        Name of the coefficients.
    priors : collection of str
        Keys of the user's priors.
    """
    own = outline_basis(formula, factors)
    if beta in priors:
        written = outline_as_written(formula, factors)
        return [own[0] if one.label == "Intercept" else one for one in written]
    basis, _ = _read_basis(formula, factors)
    products = _products(formula)
    labels = {key: key.label for key in map(ParameterKey.read, priors) if key.variable == beta}
    touched = {
        key: _touched(basis, label, products)
        for key, label in labels.items()
        if label and label not in {"Intercept", *(one.key for one in own if not one.several)}
    }
    return [replace(one, given=tuple(key for key, terms in touched.items() if one.label in terms)) for one in own]


def outline_group(
    formula: str,
    factors: Collection[str],
    correlated: Callable[[int], bool],
    variables: Collection[str],
    priors: Collection[str],
) -> list[TermOutline]:
    """Return the terms on which priors of SDs of a group term are stated: as written if independent or if a user does.

    Parameters
    ----------
    correlated : callable
        Takes the number of columns, returns whether correlations are estimated.
    variables : collection of str
        Its standard deviations and correlations, as keys of priors name them.
    """
    independent = not is_correlated(formula, factors, correlated)
    as_written = independent or any(ParameterKey.read(key).variable in variables for key in priors)
    return outline_as_written(formula, factors) if as_written else outline_basis(formula, factors)


def is_correlated(formula: str, factors: Collection[str], correlated: Callable[[int], bool]) -> bool:
    """Return whether a group term has correlations; a piece with several columns counts as two."""
    return correlated(sum(1 + one.several for one in outline_as_written(formula, factors)))


def stated_factors(formula: str, priors: Collection[str]) -> Iterator[str]:
    """Yield columns of a formula that keys of priors show to be factors: herd of beta[herd[a]]."""
    for piece in read_formula(formula).pieces.values():
        name = piece.only_column
        if name and any(re.search(rf"[\[:]{re.escape(piece_text(piece))}\[", key) for key in priors):
            yield name


def _read_basis(formula: str, factors: Collection[str]) -> tuple[Basis, set[str]]:
    """Return the basis as far as it is known, and the pieces that are several numbers."""
    written = read_formula(formula)
    texts = {alias: piece_text(piece) for alias, piece in written.pieces.items()}
    pieces: dict[str, PieceBasis] = {}
    several = set()
    for alias, expression in written.pieces.items():
        text = texts[alias]
        factor = expression.gives == "factor" or text.strip("`") in factors
        piece = Piece(text, ("a", "b") if factor else None, None if factor else read_power(expression))
        pieces[text] = factor_basis(piece) if factor else number_basis(piece, 0.0, 1.0, 1.0, (-1.0, 1.0))
        several |= {text} if expression.gives == "numbers" else set()
    return join_terms(_products(formula), pieces), several


def _products(formula: str) -> list[tuple[str, ...]]:
    """Return the written terms as their pieces."""
    written = read_formula(formula)
    return [tuple(piece_text(written.pieces[alias]) for alias in term) for term in written.products()]


def _touched(basis: Basis, label: str, products: Collection[tuple[str, ...]]) -> set[str]:
    """Return the labels of the terms on which a coefficient as written, or the mean of a level, depends.

    As written it is a value, a difference of levels or a slope of the predictor where all else is 0 or at its reference
    level, so a centred term contributes to it wherever its numbers have at least the same powers.
    """
    numbered = re.fullmatch(r"(.*) #\d+", label, flags=re.DOTALL)
    if numbered is not None:
        return {numbered[1]}
    mean = label.endswith(f"]{CENTRED}")
    marks = _match(basis, label.removesuffix(CENTRED) if mean else label)
    if marks is None:
        return set()
    factors = {text for text in marks if basis.pieces[text].levels}
    contrasts = {text for text in factors if _is_contrast(text, marks, basis, products)}
    own = _powers(marks, basis.pieces)
    found = set()
    for term in (*([BasisTerm((), True)] if basis.constant else []), *basis.terms):
        powers = _powers(term.pieces, basis.pieces)
        within = all(powers.get(base, 0) >= power for base, power in own.items()) if term.centred else powers == own
        if set(term.pieces) <= set(marks) if mean else within and contrasts <= set(term.pieces):
            found.add(term.text or "Intercept")
    return found


def _match(basis: Basis, label: str) -> dict[str, str] | None:
    """Return the pieces of a coefficient with the marks of their columns: {"f": "[T.b]", "x": ""} of f[T.b]:x."""
    for term in sorted(basis.terms, key=lambda term: -len(term.pieces)):
        for order in itertools.permutations(term.pieces):
            patterns = [
                re.escape(text) + (r"(\[.*\])" if basis.pieces[text].levels else r"(\[.*\])?") for text in order
            ]
            match = re.fullmatch(":".join(patterns), label, flags=re.DOTALL)
            if match is not None:
                return dict(zip(order, (mark or "" for mark in match.groups()), strict=True))
    return None


def _is_contrast(text: str, marks: Mapping[str, str], basis: Basis, products: Collection[tuple[str, ...]]) -> bool:
    """Return whether a factor of a coefficient is in contrasts of levels: without it the term is there, too."""
    if not _CODED.match(marks[text]):
        return False
    rest = {*marks} - {text}
    numbers = {other for other in rest if not basis.pieces[other].levels}
    return any(
        text not in product and rest <= {*product} and numbers == {p for p in product if not basis.pieces[p].levels}
        for product in products
    )


def _powers(texts: Iterable[str], pieces: Mapping[str, PieceBasis]) -> dict[str, int]:
    """Return the exponents of the numbers among pieces."""
    return dict(pieces[text].power or (text, 1) for text in texts if not pieces[text].levels)


def _contains(other: BasisTerm, term: BasisTerm, pieces: Mapping[str, PieceBasis]) -> bool:
    """Return whether another term as written changes the meaning of a coefficient of this one."""
    more, own = _degrees(other, pieces), _degrees(term, pieces)
    if more == own or any(more.get(base, 0) < degree for base, degree in own.items()):
        return False
    return other.centred or any(pieces[text].levels for text in other.pieces if text not in term.pieces)


def _degrees(term: BasisTerm, pieces: Mapping[str, PieceBasis]) -> dict[str, int]:
    """Return the exponents of the pieces of a term, for powers of their base."""
    return dict(pieces[text].power or (text, 1) for text in term.pieces)
