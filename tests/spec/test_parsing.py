"""The formula language: text to terms, terms to text, and what it refuses."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayesmixed.errors import SpecError
from bayesmixed.formulas.written import read_formula
from bayesmixed.prior_texts import as_prior
from bayesmixed.spec.files import spec_from_toml, spec_to_toml
from bayesmixed.spec.model_spec import from_formula
from bayesmixed.spec.parsing import format_formula, parse_formula
from bayesmixed.terms import Fixed, Group, Observation, Offset

ONE = Fixed(formula="1")
X = Fixed(formula="1 + x")


def group(by, formula="1", covariance="unstructured"):
    return Group(by=by, formula=formula, covariance=covariance)


READ = [
    ("y ~ 1", "y", None, [ONE]),
    ("y ~ x", "y", None, [X]),
    ("y~x", "y", None, [X]),
    ("  y  ~\n  x ", "y", None, [X]),
    ("y ~ 1 + x", "y", None, [X]),
    ("y ~ x + 1", "y", None, [X]),
    ("y ~ 0 + x", "y", None, [Fixed(formula="0 + x")]),
    ("y ~ x - 1", "y", None, [Fixed(formula="0 + x")]),
    ("y ~ -1 + x", "y", None, [Fixed(formula="0 + x")]),
    ("y ~ x + 0", "y", None, [Fixed(formula="0 + x")]),
    ("y ~ 0", "y", None, [Fixed(formula="0")]),
    ("y ~ x * z - x:z", "y", None, [Fixed(formula="1 + x * z - x:z")]),
    ("y ~ (x + z)^2", "y", None, [Fixed(formula="1 + (x + z)^2")]),
    ("y ~ poly(x, 2) + bs(z, df=4)", "y", None, [Fixed(formula="1 + poly(x, 2) + bs(z, df=4)")]),
    ("y ~ log(x + 1) + I(x^2)", "y", None, [Fixed(formula="1 + log(x + 1) + I(x^2)")]),
    ("y ~ `odd + name`", "y", None, [Fixed(formula="1 + `odd + name`")]),
    ("y ~ (1 | g)", "y", None, [ONE, group("g")]),
    ("y ~ x + (1|g)", "y", None, [X, group("g")]),
    ("y ~ (1 | g) + x", "y", None, [X, group("g")]),
    ("y ~ x + (x | g)", "y", None, [X, group("g", "1 + x")]),
    ("y ~ x + (1 + x | g)", "y", None, [X, group("g", "1 + x")]),
    ("y ~ x + (0 + x | g)", "y", None, [X, group("g", "0 + x")]),
    ("y ~ x + (x - 1 | g)", "y", None, [X, group("g", "0 + x")]),
    ("y ~ x + (x || g)", "y", None, [X, group("g", "1 + x", "independent")]),
    ("y ~ x + (x * z | g)", "y", None, [X, group("g", "1 + x * z")]),
    ("y ~ x + (1 | g) + (0 + x | g)", "y", None, [X, group("g"), group("g", "0 + x")]),
    ("y ~ (1 | a) + (1 | b)", "y", None, [ONE, group("a"), group("b")]),
    ("y ~ (1 | a:b)", "y", None, [ONE, group("a:b")]),
    ("y ~ (1 | a : b)", "y", None, [ONE, group("a:b")]),
    ("y ~ (1 | a/b)", "y", None, [ONE, group("a"), group("a:b")]),
    ("y ~ (1 | a / b / c)", "y", None, [ONE, group("a"), group("a:b"), group("a:b:c")]),
    ("y ~ (x || a/b)", "y", None, [ONE, group("a", "1 + x", "independent"), group("a:b", "1 + x", "independent")]),
    ("y ~ (1 | total.fruits)", "y", None, [ONE, group("total.fruits")]),
    ("y ~ (1 | `odd name`)", "y", None, [ONE, group("odd name")]),
    ("y ~ x + obs()", "y", None, [X, Observation()]),
    ("y ~ x + offset(log(e))", "y", None, [X, Offset(expression="log(e)")]),
    ("y ~ offset(e) + x", "y", None, [X, Offset(expression="e")]),
    ("y ~ offset(2 * e + 1)", "y", None, [ONE, Offset(expression="2 * e + 1")]),
    ("y | trials(n) ~ x", "y", "n", [X]),
    ("y|trials(n)~x", "y", "n", [X]),
    ("y | trials(10) ~ x", "y", 10, [X]),
    ("y | trials(`n tried`) ~ x", "y", "n tried", [X]),
    ("sqrt(y) ~ x", "sqrt(y)", None, [X]),
    ("log(y + 1) ~ x", "log(y + 1)", None, [X]),
    ('(r == "Y") ~ x', 'r == "Y"', None, [X]),
    ("(y - z) / w ~ x", "(y - z) / w", None, [X]),
    ("(y) ~ x", "y", None, [X]),
    ("total.fruits ~ x", "total.fruits", None, [X]),
    ("~ x", "", None, [X]),
]


@pytest.mark.parametrize(("text", "response", "trials", "terms"), READ, ids=[row[0] for row in READ])
def test_a_formula_becomes_its_terms(text, response, trials, terms):
    formula = parse_formula(text)
    assert formula.response == response
    assert formula.trials == trials
    assert list(formula.terms) == terms


@pytest.mark.parametrize("text", [row[0] for row in READ])
def test_a_printed_formula_is_read_back_to_the_same_terms(text):
    formula = parse_formula(text)
    assert parse_formula(format_formula(formula.response, formula.terms, formula.trials)) == formula


REFUSED = [
    ("y", "needs one tilde"),
    ("y ~ x ~ z", "needs one tilde"),
    ("p(y, n) ~ x", "Write successes | trials(n)"),
    ("y | weights(w) ~ x", "weights() needs a column and what its numbers mean"),
    ("cens(y) ~ x", "Write y | cens(status) ~"),
    ("y | trials(n) | weights(w, 'frequency') ~ x", "join additions on the left side by '+'"),
    ("y | weights(w, 'sampling') ~ x", "Weights of kind 'sampling' are not known"),
    ("y | trials(n) + trials(m) ~ x", "is given twice"),
    ("y | trials(n) | trials(m) ~ x", "join additions on the left side by '+'"),
    ("y | tirals(n) ~ x", "Accepted: trials(n)"),
    ("y | trials(n, m) ~ x", "Accepted: trials(n)"),
    ("y | trials() ~ x", "Accepted: trials(n)"),
    (" | trials(n) ~ x", "has no response"),
    ("y ~ x + t2(x, z)", "Write te(x, z)"),
    ("y ~ s(x, z, w)", "a smooth has one covariate or two"),
    ("y ~ s()", "needs a covariate"),
    ("y ~ s(x, bs='ad')", "Accepted: tp, cr, ps, cc"),
    ("y ~ s(x, m=2)", "option 'm' is not known"),
    ("y ~ s(x, k=2)", "needs at least k=3"),
    ("y ~ s(x, k=big)", "k is a whole number"),
    ("y ~ s(x, by=f:g)", "give one column"),
    ("y ~ s(scale(x))", "scale() learns from the data"),
    ("y ~ s(x / 2)", "Compute it as a column first"),
    ("y ~ z:s(x)", "a smooth is a term of its own"),
    ("y ~ ar(t)", "Autoregressive"),
    (
        "y ~ x + ar(time=t, gr=g)",
        "Autoregressive errors are an option beside the formula",
    ),
    ("y ~ x + ar1(t | g)", "is of one column, whose values are times or levels in order: ar1(0 + time | group)"),
    ("y ~ x + propto(0 + s | g, A)", "Write (1 | gr(g, cov=A))"),
    ("y ~ x + fcor(V)", "Known covariances of rows are not supported"),
    ("y ~ x + car(W, gr=g)", "bym2(region, W)"),
    ("y ~ x + cosy(t)", "Correlated errors are an option beside the formula"),
    ("y ~ hsgp(x, m=10)", "Write gp(x)"),
    ("y ~ trunc(x)", "Write y | trunc(lower, upper) ~"),
    ("Surv(time, event) ~ x", "Write y | cens(status) ~"),
    ("mvbind(a, b) ~ x", "a formula for each response"),
    ("y | mi() ~ x", "'mi()' on the left side is not known"),
    ("y ~ x | g", "stands alone in brackets"),
    ("y ~ x + 1 | g", "stands alone in brackets"),
    ("y ~ x * (1 | g)", "stands alone in brackets"),
    ("y ~ (1 | g) * x", "stands alone in brackets"),
    ("y ~ x + (1 | g):z", "stands alone in brackets"),
    ("y ~ (1 | a | b | c)", "one '|' or '||'"),
    ("y ~ (1 || a | b)", "or a letter between two"),
    ("y ~ (x + z)^-1", "nothing follows the '^'"),
    ("y ~ offset()", "an offset has one expression"),
    ("y ~ x + *z", "nothing precedes the '*'"),
    ("y ~ " + 70 * "(" + "x" + 70 * ")", "nested more than 60 deep"),
    ("y ~ ( | g)", "needs columns and a group"),
    ("y ~ (1 | )", "needs columns and a group"),
    ("y ~ (1 | log(g))", "an expression must be computed as a column first"),
    ("y ~ (1 | a - (b))", "an expression must be computed as a column first"),
    ("y ~ (1 | a:)", "is not a column name"),
    ("y ~ x - (1 | g)", "cannot be subtracted"),
    ("y ~ x - offset(z)", "cannot be subtracted"),
    ("y ~ x + obs(g)", "obs() takes no argument"),
    ("y ~ x + + z", "there is no term next to a '+'"),
    ("y ~ x +", "nothing follows the '+'"),
    ("y ~ - x", "the first term cannot be subtracted"),
    ("y ~ x + (1 | g", "is not closed"),
    ("y ~ x + 1 | g)", "closed twice"),
    ("y ~ log(x", "is not closed"),
    ("y ~ `x", "is not closed"),
    ("y ~ x + (. | g)", "write the columns out"),
    ("y ~ log(.)", "write the columns out"),
    ("y ~ x + (. | g)", "write the columns out"),
]


@pytest.mark.parametrize(("text", "fragment"), REFUSED, ids=[row[0] for row in REFUSED])
def test_a_formula_outside_the_grammar_is_refused_with_what_to_write_instead(text, fragment):
    with pytest.raises(SpecError) as error:
        parse_formula(text)
    assert fragment in str(error.value)


SAME = [
    ("y ~ (0 + x)", "y ~ 0 + x"),
    ("y ~ (x - 1)", "y ~ 0 + x"),
    ("y ~ x + (z - 1)", "y ~ 0 + x + z"),
    ("y ~ x + (-1)", "y ~ 0 + x"),
    ("y ~ (0)", "y ~ 0"),
    ("y ~ (((1 + x)))", "y ~ 1 + x"),
    ("y ~ x + (z + (x | g))", "y ~ x + z + (x | g)"),
    ("y ~ ((0 + x) | g)", "y ~ (0 + x | g)"),
]


@pytest.mark.parametrize(("bracketed", "open_"), SAME, ids=[row[0] for row in SAME])
def test_brackets_around_summands_change_nothing_as_in_r(bracketed, open_):
    assert parse_formula(bracketed) == parse_formula(open_)


PRODUCTS = ["0:x", "x:1", "x * 1", "a / (1 + x)", "(x + 0) * a", "(1 + x + a)^2", "x - (a - 1)"]


@pytest.mark.parametrize("terms", PRODUCTS)
def test_a_constant_in_a_product_is_refused_rather_than_read_in_one_of_two_ways(terms):
    with pytest.raises(SpecError, match="is allowed only as a summand"):
        read_formula(Fixed(formula=terms).formula)


@pytest.mark.parametrize("terms", ["(x + z)^k", "(x + z)^(2)", "(x + z)^1.5", "(x + z)^`2`"])
def test_a_power_of_terms_is_a_whole_number_that_is_written_out(terms):
    with pytest.raises(SpecError, match="the power of terms is a whole number"):
        read_formula(terms)


@pytest.mark.parametrize("call", ["I(x > 0 | z < 1)", "ifelse(x > 0 || z < 1, x, z)", "log(x):I(x > (z | x > 1))"])
def test_a_bar_inside_of_a_call_says_or_and_makes_no_group_term(call):
    assert parse_formula(f"y ~ {call} + (1 | g)").terms == (Fixed(formula=f"1 + {call}"), group("g"))
    assert parse_formula(f"y ~ ({call} | g)").terms == (ONE, group("g", call))


def test_a_response_that_says_or_keeps_its_brackets_in_text_and_files():
    spec = from_formula("(x > 0 | z < 1) ~ w", family="bernoulli")
    assert from_formula(spec.formula, family="bernoulli") == spec
    assert spec_from_toml(spec_to_toml(spec)) == spec


NAMES = st.sampled_from(["x", "z", "Days", "total.fruits", "`odd name`", "größe"])
CALLS = st.sampled_from(
    ["log(x)", "poly(x, 2)", "bs(z, df=4)", "I(x^2)", "C(period)", "x:z", "x * z", "scale(x)", "np.sqrt(z + 1)"]
)
COLUMNS = st.lists(NAMES | CALLS, min_size=0, max_size=3, unique=True)
LABELS = st.sampled_from(["g", "herd", "block", "total.fruits", "odd name", "a-b"])


@st.composite
def formulas(draw, least=0):
    columns = draw(COLUMNS)
    if len(columns) < least:
        columns = ["x"]
    return " + ".join([draw(st.sampled_from(["0", "1"])), *columns])


@st.composite
def predictors(draw, observation):
    by = st.lists(LABELS, min_size=1, max_size=3, unique=True).map(":".join)
    covariance = st.sampled_from(["unstructured", "independent"])
    groups = st.builds(Group, by=by, formula=formulas(least=1), covariance=covariance)
    offsets = st.builds(Offset, expression=st.sampled_from(["e", "log(e)", "2 * e - 1", "`odd name`"]))
    further = groups | offsets | st.builds(Observation) if observation else groups | offsets
    return (Fixed(formula=draw(formulas())), *draw(st.lists(further, max_size=3)))


PRIORS = st.dictionaries(
    st.sampled_from(["beta", "beta[Days]", "beta[period[T.2]]", "sd_herd", "corr_g", "sigma"]),
    st.builds(
        lambda name, number: as_prior(number) if name == "Fixed" else as_prior(f"{name}({number})"),
        st.sampled_from(["HalfNormal", "Exponential", "LKJ", "Fixed"]),
        st.floats(min_value=1e-6, max_value=1e6),
    ),
    max_size=3,
)
RESPONSES = st.sampled_from(["y", "log(y)", "total.fruits", "`odd name`", 'r == "Y"', "(y - z) / w"])


@st.composite
def specs(draw):
    family = draw(st.sampled_from(["gaussian", "student", "binomial", "poisson"]))
    arguments = {"family": family, "priors": draw(PRIORS), "title": draw(st.text(max_size=10))}
    arguments["factors"] = draw(st.lists(st.sampled_from(["period", "odd name"]), unique=True))
    arguments["crossed"] = draw(st.lists(st.sampled_from(["g", "herd"]), unique=True))
    terms = draw(predictors(observation=family in ("binomial", "poisson")))
    trials = draw(st.sampled_from(["n", 7])) if family == "binomial" else None
    if family == "binomial":
        arguments["link"] = draw(st.sampled_from([None, "logit", "probit", "cloglog"]))
    if family == "student":
        for name in draw(st.lists(st.sampled_from(["sigma", "nu"]), unique=True)):
            arguments[name] = format_formula("", draw(predictors(observation=False)))
    return from_formula(format_formula(draw(RESPONSES), terms, trials), **arguments), terms


@settings(max_examples=150, deadline=None)
@given(specs())
def test_a_spec_survives_the_way_through_its_formula(pair):
    spec, terms = pair
    assert spec.predictors["mu"] == terms
    assert from_formula(**spec.as_formula()) == spec


@settings(max_examples=150, deadline=None)
@given(specs())
def test_a_spec_survives_the_way_through_toml(pair):
    spec, _ = pair
    assert spec_from_toml(spec_to_toml(spec)) == spec


def test_a_group_formula_reads_the_same_with_and_without_its_one():
    assert parse_formula("y ~ (x | g)") == parse_formula("y ~ 1 + (1 + x | g)")
