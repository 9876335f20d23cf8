"""Words of other packages' formulas that are not part of this formula language, each with what to write instead."""

from itertools import pairwise

from bayesmixed.errors import SpecError, enumerate_words, shorten
from bayesmixed.formulas.functions import NUMBERED
from bayesmixed.formulas.notation import call_arguments, split_signed
from bayesmixed.formulas.tokens import NAME, tokenise
from bayesmixed.terms.covariances import CALLS

_TREND = "a smooth, s(t), follows a trend, and (t | g) a line for every group."
_AUTOREGRESSIVE = 'Autoregressive errors are an option beside the formula, residual="ar1(time | g)", those of order 1.'
_CORRELATED = (
    'Correlated errors are an option beside the formula, residual="us(visit | g)", or "homcs(1 | g)" for cosy.'
)
_SPATIAL = (
    "(1 | gr(region, graph=W)) has effects that resemble those of neighbours, bym2(region, W) own effects besides, "
    "exp(0 + x + y | g) effects of places that are correlated by their distance."
)
_TENSOR = "Write te(x, z): the same surfaces, with other penalties."
_PROPORTION = "Write successes | trials(n) ~ ... ."
_GROUP = "Write (1 | g)."
_CENSORED = "Write y | cens(status) ~ ..., where status is none, right, left or interval."
_TRUNCATED = "Write y | trunc(lower, upper) ~ ... ."
REFUSED = {
    "cbind": "Write successes | trials(n) ~ ..., n being successes plus failures. Counts of several categories stand alone left "
    "of the tilde, cbind(a, b, c) ~ x, family multinomial. For two responses give two formulas in a list. A "
    "list of columns is [a, b], as in mm(g1, g2, weights=[w1, w2]).",
    **dict.fromkeys(("p", "prop", "proportion"), _PROPORTION),
    "weighted": 'Write y | weights(w, "precision") ~ ..., or another meaning of weights.',
    **dict.fromkeys(("re", "random", "Error", "frailty", "cluster", "strata"), _GROUP),
    "propto": 'Write (1 | gr(g, cov=A)), and hand over known={"A": table}.',
    "fcor": "Known covariances of rows are not supported.",
    **dict.fromkeys(("ar", "arma"), _AUTOREGRESSIVE),
    "ma": f"Moving-average terms are not supported; {_TREND}",
    **dict.fromkeys(("cosy", "unstr"), _CORRELATED),
    **dict.fromkeys(("car", "sar", "spde"), _SPATIAL),
    "hsgp": "Write gp(x).",
    "t2": _TENSOR,
    **dict.fromkeys(("cens", "censored", "Surv"), _CENSORED),
    **dict.fromkeys(("truncated", "constrained"), _TRUNCATED),
    "trunc": f"{_TRUNCATED} Numbers without their decimals are {NUMBERED['trunc']}.",
    "se": "Known standard errors stand left of the tilde: y | se(s) ~ ... .",
    "subset": "Take the rows beforehand: data[data['chosen']].",
    "rate": "Write counts ~ ... + offset(log(exposure)).",
    "mvbind": "Write a formula for each response, in a list: bm.fit(['a ~ x + (1 |p| g)', 'b ~ x + (1 |p| g)'], data).",
    "dummy": "Write (0 + x | g) with a column x of zeros and ones.",
    "rcs": "Write ns(x, df=3) or s(x).",
}
STRUCTURES = ("rr", "equalto")
"""Covariance structures around a bar that have no counterpart here."""
_BARRED = {*CALLS} - {"cs", "exp"}
"""Names of covariances that are not functions of columns too."""


def refuse_peer_words(piece: str) -> None:
    """Refuse a summand that calls what other packages have and this formula language has not (SpecError)."""
    for name in (*STRUCTURES, *CALLS):
        (inside, *_) = call_arguments(piece, name) or ("",)
        bars = split_signed(inside, ("|", "||"))
        if name in CALLS and len(bars) == 3:
            raise SpecError(
                f"'{shorten(piece)}': letters tie effects by free correlations, (x |p| g), not by a covariance '{name}'. Leave "
                "the letter or the covariance out."
            )
        if len(bars) != 2:
            continue
        if name in CALLS:
            piece = inside
            break
        columns, group = (text.strip() for _, text in bars)
        raise SpecError(
            f"'{name}(...)' in '{shorten(piece)}' is not part of the formula language. This structure of covariances is not "
            f"supported: write ({columns} | {group}) for any covariances, ({columns} || {group}) for none, or one of "
            f"{enumerate_words([f'{call}(... | {group})' for call in CALLS])}."
        )
    for token, after in pairwise(tokenise(piece)):
        if token.kind == NAME and token.word in _BARRED and after.is_sign("("):
            raise SpecError(
                f"'{token.word}(...)' in '{shorten(piece)}' is a covariance, which stands around a bar, {token.word}(0 + x | g)."
            )
        if token.kind == NAME and token.word in REFUSED and after.is_sign("("):
            raise SpecError(
                f"'{token.word}(...)' in '{shorten(piece)}' is not part of the formula language. {REFUSED[token.word]}"
            )
