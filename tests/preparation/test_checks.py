"""Bad inputs: each is refused before any sampling, with a message that says what is wrong and what to do."""

import warnings

import numpy as np
import pandas as pd
import pytest
from good_tables import BERNOULLI, BINOMIAL, CLASSROOM, POISSON, N, table, twice, with_name, with_value

from bayesmixed.errors import DataError, SpecError, StatisticsWarning
from bayesmixed.preparation.preparing import prepare
from bayesmixed.spec.model_spec import from_formula

MIXED_TEXT = table(y=["low"] * 12 + ["high"] * 12)


CELLS = {"p": np.array(list("abc"))[np.arange(N) % 3], "q": np.array(["none", "some"])[np.arange(N) // 3 % 2]}
EMPTY = {
    name: np.asarray(column)[(CELLS["p"] != "b") | (CELLS["q"] != "none")]
    for name, column in (dict(table()) | CELLS).items()
}


BAD = [
    # missing and infinite values
    (
        "y ~ x",
        with_value("x", 3, np.nan),
        {},
        DataError,
        "1 of 24 rows has missing values (first: row 3), by column: 'x' (1)",
    ),
    ("y ~ x", with_value("x", 3, np.nan), {}, DataError, 'leave the rows out with missing="drop"'),
    ("y ~ x + (1 | g)", with_value("g", 5, np.nan), {}, DataError, "by column: 'g' (1)"),
    ("y ~ x", with_value("y", 0, np.nan), {}, DataError, "by column: 'y' (1)"),
    ("y ~ f", table(f=[None, *["a"] * 11, *["b"] * 12]), {}, DataError, "by column: 'f' (1)"),
    ("y ~ x", with_value("x", 7, np.inf), {}, DataError, "Column 'x' is infinite in 1 of 24 rows (first: row 7)"),
    ("y ~ x", with_value("y", 7, -np.inf), {}, DataError, "Column 'y' is infinite"),
    (
        "y ~ log(x + 100)",
        with_value("x", 2, -100.0),
        {},
        DataError,
        "gives values that are not finite in 'log(x + 100)'",
    ),
    ("log(count) ~ x", with_value("count", 4, 0), {}, DataError, "Response 'log(count)' is not finite in"),
    ("count ~ offset(log(e))", with_value("e", 4, 0), POISSON, DataError, "An exposure must be above zero"),
    # names
    ("y ~ X", table(), {}, SpecError, "Column 'X' in '1 + X' is not in the data. Did you mean 'x'?"),
    ("y ~ yeer", table(), {}, SpecError, "Did you mean 'year'?"),
    ("Y ~ x", table(), {}, SpecError, "Column 'Y' in 'Y' is not in the data. Did you mean 'y'?"),
    ("y ~ x + (1 | gg)", table(), {}, SpecError, "Grouping factor 'gg' is not in the data"),
    ("y ~ x + (1 | g:betwen)", table(), {}, SpecError, "'betwen' is not in the data. Did you mean 'between'?"),
    (
        "count | trials(sise) ~ x",
        table(),
        BINOMIAL,
        SpecError,
        "Trials column 'sise' is not in the data. Did you mean 'size'?",
    ),
    ("y ~ x + offset(ee)", table(), {}, SpecError, "Column 'ee'"),
    ("y ~ x + (zz | g)", table(), {}, SpecError, "Column 'zz' in '1 + zz'"),
    ("y ~ x", table(), {"sigma": "~ zz"}, SpecError, "Column 'zz' in '1 + zz'"),
    ("y ~ x", table(), {"factors": ["yeer"]}, SpecError, "Factor 'yeer' is not in the data. Did you mean 'year'?"),
    ("y ~ x + (1 | g)", table(), {"crossed": ["f"]}, SpecError, "crossed names 'f', which is not a grouping factor"),
    (
        "y ~ dose",
        table().assign(**{"dose (mg)": 1.0}),
        {},
        SpecError,
        "If the column 'dose (mg)' is meant, write it in backticks: `dose (mg)`.",
    ),
    (
        "y ~ dose (mg)",
        table().assign(**{"dose (mg)": 1.0}),
        {},
        SpecError,
        "Function 'dose' in '1 + dose (mg)' is not known. If the column 'dose (mg)' is meant, write it in backticks",
    ),
    ("y ~ dose", table().assign(**{"dose.x": 1.0}), {}, SpecError, "Did you mean 'dose.x'?"),
    ("y ~ lgo(x)", table(), {}, SpecError, "Function 'lgo' in '1 + lgo(x)' is not known. Did you mean 'log'?"),
    ("y ~ x.mean()", table(), {}, SpecError, "Function 'x.mean'"),
    ("y ~ x", twice("x"), {}, DataError, "more than one column named 'x'"),
    ("y ~ x + (x | f) + (1 | b_f)", with_name("g", "b_f"), {}, SpecError, "'b_f' has a name that the results use"),
    ("count ~ x + (1 | obs) + obs()", with_name("g", "obs"), POISSON, SpecError, "both have the name 'obs'"),
    ("y ~ x + (1 | y)", table(), {}, SpecError, "Response 'y' is on the right side of its own formula"),
    ("y ~ x + (1 | g)", table(), {"sigma": "~ (1 | g)", "family": "student", "nu": "~ (1 | nu)"}, SpecError, "'nu'"),
    (
        "y ~ (1 | f_sigma)",
        with_name("g", "f_sigma"),
        {"sigma": "~ (1 | f)"},
        SpecError,
        "both have the name 'sd_f_sigma'",
    ),
    ("b_g ~ x + (1 | g)", with_name("y", "b_g"), {}, SpecError, "Response 'b_g' has a name"),
    (
        "y ~ x + (1 | the:herd)",
        with_name("g", "the: herd"),
        {},
        SpecError,
        "If the column 'the: herd' is meant, write it in backticks",
    ),
    # the response and the family
    (
        "y ~ x",
        MIXED_TEXT,
        {},
        DataError,
        "Response 'y' holds text (such as 'low'); family 'gaussian' needs finite numbers",
    ),
    ("yes ~ x", table(), BERNOULLI, DataError, '(yes == "yes") ~ ... with family "bernoulli"'),
    ("yes ~ x", table(), {}, DataError, '(yes == "yes") ~ ... with family "bernoulli"'),
    ("yes ~ x", table().iloc[::-1], BERNOULLI, DataError, '(yes == "yes") ~ ... with family "bernoulli"'),
    ("count ~ x", with_value("count", 9, -1), POISSON, DataError, "1 of 24 rows are not (first: row 9, value -1)"),
    (
        "count ~ x",
        with_value("count", 9, 2.5),
        POISSON,
        DataError,
        "needs whole numbers from 0 in 'count'; 1 of 24 rows",
    ),
    ("count ~ x", table(), BERNOULLI, DataError, "Family 'bernoulli' needs 0 or 1 in 'count'"),
    (
        "count | trials(size) ~ x",
        with_value("count", 6, 31),
        BINOMIAL,
        DataError,
        "(first: row 6, value 31 of 30 trials)",
    ),
    ("count | trials(3) ~ x", table(), BINOMIAL, DataError, "of 3 trials)"),
    (
        "count | trials(size) ~ x",
        with_value("size", 6, 0),
        BINOMIAL,
        DataError,
        "Trials 'size' must be whole numbers from 1",
    ),
    ("count | trials(size) ~ x", with_value("size", 6, 9.5), BINOMIAL, DataError, "(first: row 6, value 9.5)"),
    ("count | trials(f) ~ x", table(), BINOMIAL, DataError, "Trials 'f' hold text"),
    ("y ~ x", table(y=3.0), {}, DataError, "Response 'y' is 3 in all 24 rows; there is no variation to explain"),
    ("event ~ x", table(event=1), BERNOULLI, DataError, "Response 'event' is 1 in all 24 rows"),
    ("count ~ x", table(count=0), POISSON, DataError, "Response 'count' is 0 in all 24 rows"),
    ("y ~ y + x", table(), {}, DataError, "Response 'y' is on the right side of its own formula"),
    # obs() that is not identified
    ("y ~ obs()", table(), {}, SpecError, "obs() is not identified under family 'gaussian': it is the same thing as"),
    ("y ~ obs()", table(), {"family": "student"}, SpecError, "obs() is not identified under family 'student'"),
    ("event ~ obs()", table(), BERNOULLI, SpecError, "obs() is not identified under family 'bernoulli'"),
    ("event | trials(1) ~ obs()", table(), BINOMIAL, DataError, "obs() is not identified when every row has one trial"),
    ("y ~ x", table(), {"sigma": "~ obs()"}, SpecError, "obs() is not identified"),
    # combinations of factors without rows
    ("y ~ p * q", EMPTY, {}, DataError, "There are no rows with p = b and q = none, so the data do not determine"),
    ("y ~ 0 + p:q + x", EMPTY, {}, DataError, "There are no rows with p = b and q = none"),
    ("y ~ p * q * x", EMPTY, {}, DataError, "all effects of 'p:q'. Leave the interaction out"),
    # group effects of single rows
    ("y ~ x + (1 | unit)", table(unit=np.arange(N)), {}, DataError, "'unit' has one row in each level"),
    (
        "y ~ x + (1 | unit)",
        table(unit=np.arange(N)),
        {"family": "student"},
        DataError,
        "Leave the term out, or fix 'sigma'",
    ),
    ("y ~ x + (1 | g/unit)", table(unit=np.arange(N)), {}, DataError, "observation-level effects, as in obs()"),
    ("y ~ x + (1 | g/unit)", table(unit=np.arange(N)), {}, DataError, "Write (1 | g), or fix 'sigma' by a number"),
    ("exp(y) ~ (1 | unit)", table(unit=np.arange(N)), {"family": "lognormal"}, DataError, "the residual SD 'sigma'"),
    ("event ~ x + (1 | unit)", table(unit=np.arange(N)), BERNOULLI, DataError, "a single 0 or 1 says nothing"),
    ("event | trials(1) ~ (1 | unit)", table(unit=np.arange(N)), BINOMIAL, DataError, "every row has one trial"),
    (
        "k ~ (1 | unit)",
        table(k=np.arange(N) % 3 + 1, unit=np.arange(N)),
        {"family": "cumulative"},
        DataError,
        "single category",
    ),
    ("y | weights(w, 'precision') ~ (1 | unit)", table(w=2.0, unit=np.arange(N)), {}, DataError, "fix 'sigma'"),
    # factors and groups
    ("y ~ f", table(f="a"), {}, DataError, "Factor 'f' has one level ('a'); it explains nothing"),
    ("y ~ C(year)", table(year=2020), {}, DataError, "Factor 'year' has one level ('2020')"),
    ("y ~ C(0*x)", table(), {}, DataError, "Factor 'C(0 * x)' has one level"),
    ("y ~ x + x:C(0*x)", table(), {}, DataError, "Factor 'C(0 * x)' has one level"),
    ("y ~ x + (x + C(0*x) | g)", table(), {}, DataError, "Factor 'C(0 * x)' has one level"),
    ("y ~ x + (1 | g)", table(g=1), {}, DataError, "Grouping factor 'g' has one level ('1')"),
    ("y ~ x + (1 | g)", table(g=pd.Categorical([1] * N, categories=[1, 2])), {}, DataError, "'g' has one level ('1')"),
    ("y ~ between + (between | g)", table(), {}, DataError, "'between' is constant within every level of 'g'"),
    ("y ~ x + (between | g)", table(), {}, DataError, "Take it out of (Intercept+between | g)"),
    ("y ~ x + (1 | g) + (1 | g)", table(), {}, DataError, "Two group terms of 'g' have the column 'Intercept'"),
    ("y ~ x + (x | g) + (0 + x | g)", table(), {}, DataError, "Two group terms of 'g' have the column 'x'"),
    ("y ~ x + (x | g) + (z | g)", table(), {}, DataError, "Keep it in one of them, e.g. (1 | g) + (0 + x | g)"),
    ("y ~ x + (0 | g)", table(), {}, SpecError, "The group term of 'g' has no columns"),
    ("y ~ year + (year || g)", table(), {}, DataError, "0 lies outside its range (2019 to 2021). Write center(year)"),
    ("y ~ e + (1 | g) + (0 + e | g)", table(), {}, DataError, "Write center(e), or use '|'"),
    ("y ~ (1 | f:h)", table(f=["a:b", "a"] * 12, h=["c", "b:c"] * 12), {}, DataError, "give the label 'a:b:c'"),
    # re-used labels
    (
        "y ~ (1 | school) + (1 | room)",
        CLASSROOM,
        {},
        DataError,
        "The labels of 'room' start again in every level of",
    ),
    ("y ~ (1 | school) + (1 | room)", CLASSROOM, {}, DataError, "Write (1 | school/room) for nested factors"),
    ("y ~ (1 | school) + (1 | letter)", CLASSROOM, {}, DataError, 'crossed = ["letter"] in the spec'),
    ("y ~ (1 | school) + (1 | stem)", CLASSROOM, {}, DataError, "The labels of 'stem' start again"),
    # collinear columns
    (
        "y ~ x + I(2 * x)",
        table(),
        {},
        DataError,
        "Population columns are collinear: 'I(2 * x)' is a combination of 'x'",
    ),
    ("y ~ x + z + I(x + z)", table(), {}, DataError, "(4 columns, rank 3, 24 rows). Leave one of them out"),
    ("y ~ C(g) + between", table(), {}, DataError, "'g[T."),
    ("y ~ x + one", table(one=1.0), {}, DataError, "Population column 'one' is constant"),
    ("y ~ 0 + f + C(year) + one", table(one=1.0), {}, DataError, "collinear"),
    (
        "y ~ poly(x, 3)",
        table(x=np.tile([0.0, 1.0], N // 2)),
        {},
        DataError,
        "poly(x, 3) needs more than 3 different values; x has 2",
    ),
    ("y ~ x", table(), {"sigma": "~ z + I(3 * z)"}, DataError, "'I(3 * z)' is a combination of 'z'"),
    # tables
    ("y ~ x", table().iloc[:0], {}, DataError, "The data have no rows"),
    ("y ~ x", [1, 2, 3], {}, DataError, "The data are a list; give a data frame"),
    ("y ~ x", None, {}, DataError, "The data are a NoneType"),
    ("y ~ x", "cbpp.csv", {}, DataError, "Data file 'cbpp.csv' does not exist"),
    (
        "y ~ when",
        table(when=pd.date_range("2020-01-01", periods=N)),
        {},
        DataError,
        "Column 'when' holds dates or times",
    ),
    ("y ~ lag", table(lag=pd.to_timedelta(np.arange(N), "D")), {}, DataError, "Column 'lag' holds dates or times"),
    # formulas that read well and mean nothing
    ("y ~ 2 * x", table(), {}, SpecError, "'2' in '1 + 2 * x' is not a term"),
    ("y ~ x == z", table(), {}, SpecError, "a condition goes inside I()"),
    ("y ~ 'x'", table(), {}, SpecError, "text in quotes is not a term"),
    ("y ~ log(`class`)", with_name("x", "class"), {}, DataError, "not finite in 'log(class)'"),
    ("y ~ log(z.+1)", with_name("x", "z."), {}, SpecError, "'.' is not read here; write the columns out"),
]


@pytest.mark.parametrize(
    ("formula", "data", "arguments", "error", "fragment"), BAD, ids=[f"{r[0]}: {r[4]}" for r in BAD]
)
def test_a_bad_input_is_refused_with_its_message(formula, data, arguments, error, fragment):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(error) as caught:
            prepare(from_formula(formula, **arguments), data)
    assert fragment in str(caught.value)
    assert "\n" not in str(caught.value)


def test_nothing_is_wrong_with_the_good_table():
    formulas = {
        "y ~ x + C(year) + f + (x | g)": {"crossed": ["g"]},
        "count | trials(size) ~ x + (1 | g) + obs()": BINOMIAL,
        "count ~ x + offset(log(e)) + (1 | g)": POISSON,
        "event ~ x + (1 | g)": BERNOULLI,
        '(yes == "yes") ~ x + (1 | g)': BERNOULLI,
        "y ~ center(year) + (center(year) || g)": {},
        "y ~ between + x + (x | g)": {"sigma": "~ z"},
    }
    for formula, arguments in formulas.items():
        assert prepare(from_formula(formula, **arguments), table()).notes == ()


def test_dropping_every_row_is_an_error():
    data = table(x=np.nan)
    with pytest.raises(DataError, match=r"No row is complete: all 24 rows have a missing value"):
        prepare("y ~ x", data, missing="drop")


def test_an_unknown_way_with_missing_values_is_an_error():
    with pytest.raises(DataError, match=r"missing='omit' is not known. Accepted: 'error', 'drop'"):
        prepare("y ~ x", table(), missing="omit")


def test_missing_values_in_columns_that_the_spec_does_not_use_do_not_matter():
    assert prepare("y ~ x", with_value("z", 3, np.nan)).rows == N


KNOWN = [
    ("y ~ x + (1 | unit)", {"priors": {"sigma": 0.4}}),
    ("y | weights(w, 'precision') ~ x + (1 | unit)", {"priors": {"sigma": 1}}),
    ("y | weights(w, 'frequency') ~ x + (1 | unit)", {}),
    ("n ~ x + (1 | unit)", {"family": "poisson"}),
    ("n | trials(9) ~ x + (1 | unit)", {"family": "binomial"}),
    ("n ~ x + (1 | unit)", {"family": "zero_inflated_poisson"}),
    ("exp(y) ~ x + (1 | unit)", {"family": "gamma"}),
]


@pytest.mark.parametrize(("formula", "options"), KNOWN)
def test_effects_of_single_rows_are_taken_where_the_law_of_a_row_is_known_without_them(formula, options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatisticsWarning)
        prepare(from_formula(formula, **options), table(unit=np.arange(N), n=np.arange(N) % 7, w=2))
