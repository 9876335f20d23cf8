"""What other packages write and this formula language does not know comes with what to write instead."""

import pytest

import bayesmixed as bm
from bayesmixed.errors import SpecError
from bayesmixed.spec.peer_words import REFUSED, STRUCTURES

WRITTEN = {
    "y ~ rr(x | g)": r"write \(x \| g\) for any covariances, \(x \|\| g\) for none",
    "y ~ equalto(t + 0 | g, V)": r"\(t \+ 0 \| g\)",
    "y ~ ar1(x)": r"around a bar, ar1\(0 \+ x \| g\)",
    "y ~ x + us(x)": r"around a bar, us\(0 \+ x \| g\)",
    "weighted(y, w) ~ x": r'y \| weights\(w, "precision"\)',
    "y ~ poly(x1, x2, degree=2)": r"poly\(x1, 2\) \+ poly\(x2, 2\) \+ x1:x2",
    "y ~ poly(x1, x2)": r"poly\(x1, 2\) \+ poly\(x2, 2\) \+ x1:x2",
    "y ~ log(x, 2)": r"log2\(x\)",
    "y ~ scale(x)[, 1]": "leave the index out",
    "y ~ x + random(~ 1 | g)": r"Write \(1 \| g\)",
    "y ~ x + Error(g)": r"Write \(1 \| g\)",
    "y ~ interaction(f, g)": "is written a:b",
}


@pytest.mark.parametrize("formula", WRITTEN)
def test_the_message_says_what_to_write(formula):
    columns = ("y", "x", "g", "h", "f", "w", "t", "x1", "x2")
    with pytest.raises(SpecError, match=WRITTEN[formula]):
        bm.prepare(formula, {name: [1.0, 2.0, 3.0, 4.0] for name in columns})


@pytest.mark.parametrize("name", [*REFUSED, *STRUCTURES])
def test_no_such_word_is_taken_for_a_function_of_the_user(name):
    with pytest.raises(SpecError, match="not part of the formula language"):
        bm.from_formula(f"y ~ x + {name}(x | g)")


def test_what_is_advised_can_be_written():
    assert bm.from_formula("y ~ x + ((((1 | g))))") == bm.from_formula("y ~ x + (1 | g)")
    assert bm.from_formula("y ~ scale(x, center=FALSE)").formula == "y ~ 1 + scale(x, center=FALSE)"
    bm.from_formula("y ~ poly(x1, 2) + poly(x2, 2) + x1:x2 + exp(x)")
