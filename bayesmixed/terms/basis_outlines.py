"""The terms of the basis of a formula, before there are data: what default priors will be stated on."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from bayesmixed.terms.basis import BasisTerm, join_terms
from bayesmixed.terms.piece_bases import PieceBasis, factor_basis, number_basis
from bayesmixed.terms.pieces import Piece, read_power
from bayesmixed.terms.written import piece_text, read_formula


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
        A known factor is in it: its coefficients are contrasts with the sum zero.
    number : bool
        Something else is in it.
    moved : bool
        It is not stated as written: contrasts, and effects at the means of other terms that it is in.
    """

    label: str
    key: str
    factor: bool
    number: bool
    moved: bool


def outline_basis(formula: str, factors: Collection[str]) -> list[TermOutline]:
    """Return the terms on which default priors are stated, the constant first; columns not known as factors are numbers.

    Raises
    ------
    SpecError
        The formula cannot be read.
    """
    written = read_formula(formula)
    texts = {alias: piece_text(piece) for alias, piece in written.pieces.items()}
    pieces: dict[str, PieceBasis] = {}
    for alias, expression in written.pieces.items():
        text, factor = texts[alias], bool(expression.factors) or texts[alias].strip("`") in factors
        piece = Piece(text, ("a", "b") if factor else None, None if factor else read_power(expression))
        pieces[text] = factor_basis(piece) if factor else number_basis(piece, 0.0, 1.0, 1.0, (-1.0, 1.0))
    basis = join_terms([tuple(texts[alias] for alias in term) for term in written.products()], pieces)
    found = [TermOutline("Intercept", "Intercept", False, False, bool(basis.terms))] if basis.constant else []
    for term in basis.terms:
        kinds = [pieces[text].levels for text in term.pieces]
        moved = any(_contains(other, term, pieces) for other in basis.terms)
        other = moved and not any(kinds) and term.text in written.terms()
        found.append(
            TermOutline(
                term.text,
                f"{term.text}_centred" if other else term.text,
                any(kinds),
                not all(kinds),
                moved or any(kinds),
            )
        )
    return found


def outline_population(formula: str, factors: Collection[str], beta: str, priors: Collection[str]) -> list[TermOutline]:
    """Return the terms on which priors of population coefficients are stated: as written those that the user states.

    Parameters
    ----------
    beta : str
        Name of the coefficients.
    priors : collection of str
        Keys of the user's priors.
    """
    own, labels = outline_basis(formula, factors), read_formula(formula).terms()
    if beta not in priors:
        return [replace(one, key=one.label) if f"{beta}[{one.label}]" in priors else one for one in own]
    written = [TermOutline(label, label, False, True, False) for label in labels if label != "Intercept"]
    return [*(one for one in own if one.label == "Intercept" and one.label in labels), *written]


def _contains(other: BasisTerm, term: BasisTerm, pieces: dict[str, PieceBasis]) -> bool:
    """Return whether what another term stands for as written changes what a coefficient of this one means."""
    more, own = _degrees(other, pieces), _degrees(term, pieces)
    if more == own or any(more.get(base, 0) < degree for base, degree in own.items()):
        return False
    return other.centred or any(pieces[text].levels for text in other.pieces if text not in term.pieces)


def _degrees(term: BasisTerm, pieces: dict[str, PieceBasis]) -> dict[str, int]:
    """Return the exponents of the pieces of a term, for powers of their base."""
    return dict(pieces[text].power or (text, 1) for text in term.pieces)
