"""Splitting and normalising formula text outside brackets, quotes and backticks."""

import re
from collections.abc import Collection, Iterable

from bayesmixed.errors import SpecError, did_you_mean, shorten
from bayesmixed.families import parameter_names
from bayesmixed.formulas.tokens import NAME, QUOTED, SIGN, check_nesting, check_places, outside_calls, tokenise


def split_top(text: str, separators: Collection[str]) -> list[str]:
    """Split text at top-level separators."""
    return [piece for _, piece in split_signed(text, separators)]


def split_signed(text: str, separators: Collection[str] = ("+", "-")) -> list[tuple[str, str]]:
    """Split text at top-level separators; each piece comes with the separator before it ("" for the first).

    Raises
    ------
    SpecError
        A bracket, quote or backtick is not closed.
    """
    pieces: list[tuple[str, str]] = []
    depth, start, before = 0, 0, ""
    for token in tokenise(text):
        if token.is_sign("([{"):
            depth += 1
        elif token.is_sign(")]}"):
            depth -= 1
            if depth < 0:
                break
        elif token.is_sign("`'\""):
            raise SpecError(f"Formula '{shorten(text)}': a quote {token.word} is not closed, or is closed twice.")
        elif depth == 0 and token.kind == SIGN and token.word in tuple(separators):
            pieces.append((before, text[start : token.start]))
            start, before = token.end, token.word
    if depth:
        raise SpecError(f"Formula '{shorten(text)}': a bracket is not closed, or is closed twice.")
    return [*pieces, (before, text[start:])]


def summands(text: str) -> list[tuple[str, str]]:
    """Return the pieces of a sum with their signs; brackets that only add, as in x + (0 + z), are opened.

    Raises
    ------
    SpecError
        A bracket, quote or backtick is not closed, or brackets are nested too deep.
    """
    check_nesting(tokenise(text), text)
    pieces: list[tuple[str, str]] = []
    for sign, piece in split_signed(text):
        inside = inside_brackets(piece)
        if sign == "-" or not inside or len(split_top(inside, ("|", "||"))) > 1:
            pieces.append((sign, piece))
            continue
        first, *others = summands(inside)
        pieces += [*([(sign, first[1])] if first[1].strip() or not others else []), *others]
    return pieces


def inside_brackets(piece: str) -> str:
    """Return the content of brackets around a whole piece, "" if there are none."""
    tokens, depth = tokenise(piece), 0
    for token in tokens if tokens and tokens[0].is_sign("(") else ():
        depth += token.is_sign("([{") - token.is_sign(")]}")
        if depth == 0:
            return piece[tokens[0].end : token.start].strip() if token is tokens[-1] else ""
    return ""


def is_balanced(text: str) -> bool:
    """Return whether every bracket, quote and backtick of a text is closed."""
    try:
        split_signed(text)
    except SpecError:
        return False
    return True


def has_bar(piece: str) -> bool:
    """Return whether a piece contains the bar of a group term: one outside calls, where a bar means "or"."""
    tokens = tokenise(piece)
    calls: list[bool] = []
    for before, token in zip((None, *tokens), tokens, strict=False):
        if token.is_sign("([{"):
            calls.append(before is not None and before.kind == NAME and token.word == "(")
        elif token.is_sign(")]}"):
            calls = calls[:-1]
        elif token.kind == SIGN and token.word in ("|", "||") and not any(calls):
            return True
    return False


def split_factors(by: str) -> tuple[str, ...]:
    """Return the columns that a grouping factor joins by colons: "a:`b:c`" gives ("a", "b:c").

    Raises
    ------
    SpecError
        A piece is not a column name.
    """
    return tuple(_factor_name(piece.strip(), by) for piece in split_top(by, (":",)))


def join_factors(names: Iterable[str]) -> str:
    """Return columns as the grouping factor that they make together; names with special characters go in backticks."""
    return ":".join(f"`{name}`" if _SIGNS_OF_FACTORS.search(name) or name != name.strip() else name for name in names)


_SIGNS_OF_FACTORS = re.compile(r"""[():/|+*~,\[\]{}'"]|\s\s|[^\S ]""")


def _factor_name(piece: str, by: str) -> str:
    tokens = tokenise(piece)
    if len(tokens) == 1 and tokens[0].kind == QUOTED:
        piece = tokens[0].word
    elif not piece or "`" in piece or _SIGNS_OF_FACTORS.search(piece):
        raise SpecError(
            f"Grouping factor '{shorten(by)}' is not a column name. Use a column, or columns joined by ':'; an expression must "
            "be computed as a column first. A name with special characters goes in backticks, (1 | `a/b`)."
        )
    return piece


def safe_name(name: str) -> str:
    """Return a name as draws and prior keys hold it: slashes separate the groups of a DataTree, commas the dimensions of
    a sampler, and brackets the label in a key, so similar characters replace them; names that parameters and dimensions
    of draws have, such as "sigma" and "row", end in "_"."""
    return f"{name}_" if _TAKEN.fullmatch(name) else name.translate(_LOOK_ALIKES)


def as_in_draws(text: str, names: Iterable[str], *, anywhere: bool = False) -> str:
    """Return a key, or with `anywhere` a statement, in which the variables of terms have the names of the draws: "sd_a/b"
    without its slash, `a/b` without backticks."""
    text = _QUOTED_GROUP.sub(lambda found: found[0].replace("`", ""), text)
    text = _QUOTED_COLUMN.sub(lambda found: found[0] if found[2] == "Intercept" else found[1] + found[2], text)
    place = r"(?<!\w)" if anywhere else r"\A"
    for name in sorted({name for name in names if safe_name(name) != name}, key=len, reverse=True):
        text = re.sub(
            rf"{place}((?:sd|corr|b|{_OF_STRUCTURES})_){re.escape(name)}(?!_(?![a-z0-9]))",
            rf"\g<1>{safe_name(name)}",
            text,
        )
    return text


_OF_STRUCTURES = r"ar1|rho|range|pacf\d+|balance"
"""What variables of parameters of covariances and curves begin with."""
_QUOTED_GROUP = re.compile(rf"(?<!\w)(?:sd|corr|b|{_OF_STRUCTURES})_[^`\[\]\s]*(?:`[^`]+`[^`\[\]\s]*)+(?=\[|\Z|\s)")
_QUOTED_COLUMN = re.compile(r"((?<!\w)(?:beta|sd|corr|b)[^`\[\]]*\[|:)`([^`]+)`(?=[\[:\]])")
_TAKEN = re.compile(
    "|".join(map(re.escape, parameter_names())) + r"|chain|draw|sample|row|cut|beta|beta(?:_.*)?_coordinate"
    r"|variance_(?:total|shares|part|r2|within_.*)|horseshoe_(?:global|local|slab|tau)"
    r"|(?:centred|sd|corr|partial_corr|coefficient|z_centred)_.*|.*_effect(?:_2)?"
)
"""Names of parameters, variables and dimensions that draws may have."""
_LOOK_ALIKES = str.maketrans(
    {
        "/": "\N{DIVISION SLASH}",
        ",": "\N{FULLWIDTH COMMA}",
        "[": "\N{FULLWIDTH LEFT SQUARE BRACKET}",
        "]": "\N{FULLWIDTH RIGHT SQUARE BRACKET}",
    }
)


def tidy(text: str) -> str:
    """Return text with single blanks between tokens, with backticks and quotes unchanged."""
    parts: list[str] = []
    end = 0
    for token in tokenise(text):
        parts += [" "] if parts and token.start > end else []
        parts.append(text[token.start : token.end])
        end = token.end
    return "".join(parts)


def normalise(text: str, *, dots: bool = False) -> str:
    """Return a formula with its intercept written out first: "x" gives "1 + x", "x - 1" gives "0 + x".

    `0 + Intercept` is brms's way to write 1; with `dots` a dot may stand for all other columns.

    Raises
    ------
    SpecError
        There is nothing between two signs, or the text contains a tilde or a lone dot.
    """
    tokens = tokenise(text)
    check_places(tokens, text)
    signs = {token.word for token in tokens if token.kind == SIGN}
    if "~" in signs:
        raise SpecError(f"Formula '{shorten(text)}': a tilde is not allowed here; write the right-hand side only.")
    count = sum(token.is_sign(".") for token in tokens)
    if count and not (dots and count == sum(token.is_sign(".") for token in outside_calls(tokens))):
        raise SpecError(f"Formula '{shorten(text)}': '.' is not read here; write the columns out.")
    intercept, named, terms = True, False, ""
    for sign, piece in summands(text):
        term = tidy(piece)
        if not term:
            if sign or terms:
                raise SpecError(f"Formula '{shorten(text)}': there is no term next to a '{sign or '+'}'.")
            continue
        if term in ("0", "1"):
            intercept = (term == "1") != (sign == "-")
        elif term == "Intercept" and sign != "-" and _removes_constant(text):
            named = True
        else:
            terms += f" {sign or '+'} {term}"
    if terms.startswith(" -"):
        raise SpecError(f"Formula '{shorten(text)}': the first term cannot be subtracted.")
    return ("1" if intercept or named else "0") + terms


def _removes_constant(text: str) -> bool:
    """Return whether a formula has a summand 0 or - 1."""
    return any((sign == "-", piece.strip()) in ((False, "0"), (True, "1")) for sign, piece in summands(text))


def keyword_arguments(arguments: list[str]) -> tuple[list[str], dict[str, str]]:
    """Return the plain arguments of a call, and those given by keyword."""
    matches = [re.fullmatch(r"(\w+)\s*=(?!=)\s*(.*)", argument, flags=re.DOTALL) for argument in arguments]
    plain = [argument for argument, match in zip(arguments, matches, strict=True) if match is None]
    return plain, {match[1]: match[2] for match in matches if match is not None}


def read_call(
    piece: str, text: str, name: str, known: Collection[str], alone: str
) -> tuple[list[str], dict[str, str]] | None:
    """Return the plain arguments and the options of a term that is written as a call, None where it is another term.

    Parameters
    ----------
    piece, text : str
        The summand of a formula, and the part of it that may be the call.
    name, known
        The name of the function and its options.
    alone : str
        What to write where the call is part of another expression.

    Raises
    ------
    SpecError
        The call has other options, or is part of another expression.
    """
    arguments = call_arguments(text, name)
    if arguments is None:
        if re.search(rf"(?<![\w.]){name}\s*\(", re.sub(r"`[^`]*`", "", piece)):
            raise SpecError(f"'{piece}': {alone}")
        return None
    plain, options = keyword_arguments(arguments)
    for option in options:
        if option not in known:
            raise SpecError(f"'{piece}': option '{option}' is not known. {did_you_mean(option, known)}")
    return plain, options


def call_arguments(text: str, name: str) -> list[str] | None:
    """Return the arguments if `text` is exactly one call of `name`, else None."""
    match = re.fullmatch(rf"{name}\s*\((.*)\)", text.strip(), flags=re.DOTALL)
    if match is None:
        return None
    try:
        pieces = split_top(match[1], (",",))
    except SpecError:
        return None
    return [piece.strip() for piece in pieces] if match[1].strip() else []
