"""Changes of a predictor's terms: add and remove terms, make a random factor fixed or a fixed one random."""

from collections.abc import Collection, Iterable

from bayesmixed.errors import SpecError, enumerate_words, shorten
from bayesmixed.formulas.expressions import Expression
from bayesmixed.formulas.label_shapes import lost_labels
from bayesmixed.formulas.notation import join_factors, safe_name, split_signed, tidy
from bayesmixed.formulas.written import piece_text, read_formula
from bayesmixed.joint_priors import VARIANCE
from bayesmixed.parameter_keys import ParameterKey, VariableNames
from bayesmixed.spec.parsing import parse_terms
from bayesmixed.tables.column_names import quote_name
from bayesmixed.terms import Fixed, Group, Term
from bayesmixed.terms.contract import CURVES, LEVELS, POPULATION, STEPS, population_formulas

_FIRST = VariableNames("")
"""The changes are those of the first parameter."""


def update_terms(terms: Iterable[Term], text: str) -> tuple[Term, ...]:
    """Return the terms of a right-hand side in which `.` stands for the present ones: ". - x + (1 | g)".

    Raises
    ------
    SpecError
        A group term that is to be removed does not exist, or nothing follows a sign.
    """
    present = [piece for term in terms for piece in _pieces(term)]
    result: list[tuple[str, str]] = []
    for sign, piece in split_signed(text):
        word = tidy(piece)
        if word == ".":
            result += present
        elif sign == "-" and word not in ("0", "1"):
            result = _without(result, word)
        elif word:
            result.append((sign or "+", word))
        elif sign:
            raise SpecError(f"Formula '{shorten(text.strip())}': nothing follows a '{sign}'.")
    return parse_terms(" ".join(f"{sign} {word}" for sign, word in result).removeprefix("+ "))


def fix_group(terms: Iterable[Term], name: str, *, constant: bool = False) -> tuple[Term, ...]:
    """Return the terms with a random factor made fixed: coefficients of its own for each level, no pooling.

    The intercept and the columns that varied between its levels are replaced by those of the levels; with `constant` the
    intercept stays, and levels differ from the first one.

    Raises
    ------
    SpecError
        The factor is not a grouping factor, or its effects are not those of the columns of a formula.
    """
    listed = list(terms)
    random = [term for term in listed if term.is_grouped_by(name)]
    if not random:
        known = [term.name for term in listed if term.factor_columns]
        raise SpecError(
            f"'{name}' is not a grouping factor. The model has {enumerate_words(known) or 'no group term'}."
        )
    for term in random:
        if term.unpooled:
            raise SpecError(f"'{term}' has no counterpart with fixed coefficients of a formula: {term.unpooled}")
    varying = [word for term in random for _, word in _written_out(split_signed(term.formulas[0]))]
    columns = [word for word in varying if word not in ("0", "1")]
    (population,) = population_formulas(listed)
    pieces = _summands(population)
    if any(column not in [word for _, word in pieces] for column in columns):
        pieces = _written_out(pieces)
    kept = [(sign, word) for sign, word in pieces if word not in ("0", "1", *columns)]
    intercept = any(word.strip() == "1" for word in varying)
    factor = ":".join(quote_name(part) for part in random[0].factor_columns)
    start = f"{1 if constant else 0} + {factor}" if intercept else split_signed(population)[0][1].strip()
    formula = start + "".join(f" + {factor}:{column}" for column in columns)
    formula += "".join(f" {sign} {word}" for sign, word in kept)
    others = [term for term in listed if term not in random and term.part != POPULATION]
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
    (population,) = population_formulas(listed)
    slopes, kept, found = [], [], False
    pieces = _summands(population)
    if any(name in piece for _, word in pieces for piece in term_pieces(word) if len(term_pieces(word)) > 1):
        pieces = _written_out(pieces)
    for sign, word in pieces:
        if word in ("0", "1"):
            continue
        products = _products(f"0 + {word}")
        written = products[0] if len(products) == 1 else ()
        parts = [piece_text(piece) for piece in written]
        if parts == [name]:
            found = True
        elif name in parts and sign == "+":
            found = True
            slopes.append(":".join(_piece_as_written(piece) for piece in written if piece_text(piece) != name))
        else:
            kept.append((sign, word))
    if not found:
        raise SpecError(f"'{name}' is not a term of the population part '{population}', so it cannot be made random.")
    shared = [slope for slope in slopes if slope not in [word for _, word in kept]]
    formula = "1" + "".join(f" + {slope}" for slope in shared) + "".join(f" {sign} {word}" for sign, word in kept)
    group = Group(by=join_factors([name]), formula="1" + "".join(f" + {slope}" for slope in slopes))
    return (Fixed(formula=formula), *(term for term in listed if term.part != POPULATION), group)


def term_pieces(formula: str) -> list[frozenset[str]]:
    """Return the terms of a population formula, products written out, each as the set of its pieces; {"1"}: intercept."""
    return [frozenset(piece_text(piece) for piece in term) or frozenset("1") for term in _products(formula)]


def _products(formula: str) -> list[tuple[Expression, ...]]:
    """Return the terms of a formula as the pieces that they multiply."""
    try:
        written = read_formula(formula)
        return [tuple(written.pieces[alias] for alias in term) for term in written.products()]
    except SpecError:  # what cannot be read is refused with the data
        return []


def left_over(
    priors: Collection[str], before: Iterable[Term], after: Iterable[Term], factors: Collection[str] = ()
) -> list[str]:
    """Return the prior keys of the first parameter that may no longer name a coefficient, SD or correlation after a change of
    its terms: these were removed, or may be coded differently. A joint prior of variances goes with any of its parts.
    `factors` are the columns declared as factors."""
    there, here = list(before), list(after)
    variables = {_FIRST.beta: [list(population_formulas(terms)) for terms in (there, here)]}
    correlations = {}
    for name in {safe_name(term.name) for term in here if term.part == LEVELS}:
        correlations[_FIRST.correlations(name)] = name
        variables[_FIRST.sd(name)] = [_formulas_of(terms, name) for terms in (there, here)]
    names = [{safe_name(term.name) for term in terms if term.name} for terms in (there, here)]
    gone = {_FIRST.sd(name) for name in names[0] - names[1]}
    curves = [term for term in there if term.part in (CURVES, STEPS) and safe_name(term.name) not in names[1]]
    keys = [ParameterKey.read(text) for text in priors]
    lost: dict[str, set[str]] = {}
    for variable, formulas in variables.items():
        labels = {key.label for key in keys if key.variable == variable and key.label is not None}
        lost[variable] = lost_labels(labels, formulas[0], formulas[1], factors) if labels else set()
    found: list[str] = []
    parts = [list(dict.fromkeys(t.name for t in terms if t.part in (LEVELS, CURVES))) for terms in (there, here)]
    for key in keys:
        if key == VARIANCE and parts[0] != parts[1]:
            found.append(key)
        whole = key.label is None and key.variable == _FIRST.beta
        if (
            key.variable in gone
            or (key.of_correlations and _lost_correlation(correlations.get(key.variable, ""), there, here))
            or (whole and not _products_of(variables[_FIRST.beta][1]) - {frozenset("1")})
            or key.label in lost.get(key.variable, ())
            or (key.variable == _FIRST.beta and any(term.owns(key.label or "") for term in curves))
        ):
            found.append(key)
    return found


def _lost_correlation(name: str, there: list[Term], here: list[Term]) -> bool:
    """Return whether a changed group has no term left that can have several correlated columns."""
    own = [term for term in here if term.part == LEVELS and safe_name(term.name) == name]
    correlated = [term for term in own if term.correlated(2)]
    if not correlated:
        return True
    changed = _products_of(_formulas_of(there, name)) != _products_of(_formulas_of(here, name))
    return changed and all(len(term_pieces(term.formulas[0])) < 2 and not term.tied_by for term in correlated)


def _formulas_of(terms: list[Term], name: str) -> list[str]:
    return [formula for term in terms if safe_name(term.name) == name for formula in term.formulas]


def _products_of(formulas: list[str]) -> set[frozenset[str]]:
    return {piece for formula in formulas for piece in term_pieces(formula)}


def _written_out(pieces: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return pieces of a formula with products as sums: a*b as a + b + a:b, what is subtracted left out."""
    found: list[tuple[str, str]] = []
    for sign, piece in pieces:
        word = piece.strip()
        terms = _products(f"0 + {word}") if word not in ("0", "1") else []
        single = len(terms) < 2
        words = [word] if single else [":".join(map(_piece_as_written, term)) for term in terms]
        for one in words:
            same = [entry for entry in found if term_pieces(f"0 + {entry[1]}") == term_pieces(f"0 + {one}")]
            if sign == "-" and same:
                found = [entry for entry in found if entry not in same]
            elif not same:
                found.append((sign or "+", one))
    return found


def _piece_as_written(piece: Expression) -> str:
    return piece.text if piece.only_column is None else quote_name(piece.only_column)


def _pieces(term: Term) -> list[tuple[str, str]]:
    return _summands(str(term)) if term.part == POPULATION else [("+", str(term))]


def _summands(formula: str) -> list[tuple[str, str]]:
    return [(sign or "+", tidy(word)) for sign, word in split_signed(formula)]


def _without(pieces: list[tuple[str, str]], word: str) -> list[tuple[str, str]]:
    """Return the pieces without a term; a population term that is part of a longer one is subtracted."""
    special = [str(term) for term in parse_terms(word)[1:]]
    targets = special or [word]
    left = list(pieces)
    for target in targets:
        if ("+", target) in left:
            left.remove(("+", target))
        elif special:
            raise SpecError(f"'{target}' cannot be removed: the model has no such term.")
        else:
            left.append(("-", target))
    return left
