"""Functions of the formula language are NumPy's, found by name and by nothing else."""

import numpy as np
import pytest
from scipy import special

import bayesmixed as bm
from bayesmixed.formulas.functions import (
    ALL_ROWS,
    LEARNED,
    NUMBERED,
    ROW_BY_ROW,
    find_function,
    is_free_name,
    refuse_all_rows,
    row_by_row,
    unknown_function,
)

X = np.array([0.1, 0.25, 0.5, 0.9])


@pytest.mark.parametrize(
    ("name", "arguments", "options", "expected"),
    [
        ("log", (X,), {}, np.log(X)),
        ("log10", (X,), {}, np.log(X) / np.log(10.0)),
        ("np.sqrt", (X,), {}, X**0.5),
        ("expm1", (X,), {}, np.exp(X) - 1.0),
        ("logit", (X,), {}, special.logit(X)),
        ("where", (X > 0.3, X, -X), {}, [-0.1, -0.25, 0.5, 0.9]),
        ("clip", (X,), {"lower": 0.2, "upper": 0.6}, [0.2, 0.25, 0.5, 0.6]),
        ("round", (X,), {"digits": 1}, [0.1, 0.2, 0.5, 0.9]),
    ],
)
def test_a_function_of_a_row_has_the_value_of_its_name(name, arguments, options, expected):
    assert row_by_row(name)
    np.testing.assert_allclose(find_function(name).apply(*arguments, **options), expected, rtol=1e-12)


def test_functions_of_one_row_do_not_depend_on_the_other_rows():
    for name, function in ROW_BY_ROW.items():
        arguments = [X + 0.01 * k for k in range(function.least)]
        whole = np.asarray(function.apply(*arguments), dtype=float)
        alone = [np.asarray(function.apply(*(a[i : i + 1] for a in arguments)), dtype=float)[0] for i in range(len(X))]
        np.testing.assert_array_equal(whole, alone, err_msg=name)


def test_functions_that_learn_have_no_prefix_and_those_of_the_user_come_first():
    assert find_function("center").learns
    assert find_function("np.center") is None
    assert find_function("half", {"half": lambda x: x / 2}).apply(4.0) == 2.0
    assert find_function("log", {"log": abs}).apply is abs


@pytest.mark.parametrize("name", ["log", "poly", "C", "mean", "pmin", "print", "_hidden", "offset", "a.b"])
def test_names_that_mean_something_already_are_not_free(name):
    assert not is_free_name(name)


def test_a_name_that_means_nothing_is_free():
    assert is_free_name("half")


def test_the_names_of_functions_do_not_overlap():
    known = [*ROW_BY_ROW, *LEARNED, *ALL_ROWS, *NUMBERED]
    assert len(known) == len(set(known))


@pytest.mark.parametrize(
    ("name", "words"),
    [("mean", r"write center\(x\)"), ("np.std", r"write scale\(x\)"), ("pmin", r"minimum\(x, z\)"), ("Q", "backticks")],
)
def test_what_other_languages_write_is_refused_with_what_to_write_here(name, words):
    with pytest.raises(bm.SpecError, match=words):
        refuse_all_rows(name, "x")


def test_an_unknown_function_is_told_its_neighbour():
    assert "Did you mean 'sqrt'" in str(unknown_function("sqr", "sqr(x)"))
    assert "Did you mean 'halve'" in str(unknown_function("halv", "halv(x)", {"halve": abs}))


@pytest.mark.parametrize(
    ("names", "coding"),
    [
        (("Sum", "sum", "'sum'", '"contr.sum"', "contr.Sum", "'Sum'"), [[1, 0], [0, 1], [-1, -1]]),
        (("Helmert", "'helmert'", "contr.helmert", '"contr.helmert"'), [[-1, -1], [1, -1], [0, 2]]),
        (("'treatment'", "Treatment", "contr.treatment", "treatment('a')"), [[0, 0], [1, 0], [0, 1]]),
        (("'SAS'", "contr.sas", '"contr.SAS"'), [[1, 0], [0, 1], [0, 0]]),
    ],
)
def test_codings_have_the_names_of_r_patsy_and_text(names, coding):
    table = {"f": list("abcabc"), "y": [1.0, 2, 4, 3, 5, 7]}
    for name in names:
        design = bm.prepare(f"y ~ C(f, {name})", table)
        np.testing.assert_allclose(design.mu.population.matrix[:3, 1:], coding, atol=1e-12)
        assert design.mu.population.labels[1].startswith("C(f, ")


@pytest.mark.parametrize("name", ["'sums'", "''", "'contr.'", "x", "3", "sums('a')"])
def test_another_coding_is_refused(name):
    with pytest.raises(bm.SpecError, match=r"not a coding of a factor|not an option"):
        bm.prepare(f"y ~ C(f, {name})", {"f": list("abcabc"), "y": [1.0, 2, 4, 3, 5, 7], "x": [1.0] * 6})


@pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
def test_as_factor_is_factor():
    table = {
        "k": [1, 2, 9] * 8,
        "x": np.linspace(0, 1, 24) ** 2,
        "y": np.sin(np.arange(24.0)),
        "g": list("aaaaaabbbbbbccccccdddddd"),
    }
    one, other = (bm.prepare(f"y ~ {call}(k)*x + (0 + {call}(k) | g)", table) for call in ("as.factor", "C"))
    assert one.mu.population.labels == other.mu.population.labels
    assert "k[T.2]" in one.mu.population.labels
    assert one.mu.groups[0].labels == other.mu.groups[0].labels
