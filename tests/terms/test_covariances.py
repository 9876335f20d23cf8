"""Every covariance structure has a root and correlations that agree, in NumPy and in PyTensor."""

import numpy as np
import pytest

import bayesmixed as bm
from bayesmixed.errors import SpecError
from bayesmixed.spec.parsing import parse_terms
from bayesmixed.terms.covariances import ANY, CALLS, COVARIANCES, VARIANTS, Structure, find_covariance

STRUCTURED = [name for name, one in COVARIANCES.items() if one.structured]
PLACES = ((0.0,), (1.0,), (2.0,), (4.0,))
each = pytest.mark.parametrize("name", STRUCTURED)


def structure(name):
    return Structure(name, "t", PLACES, ("0", "1", "2", "4"), 1.0)


def inside(name):
    """Values near both ends of the range of each parameter, and in the middle, where roots of powers may have no slope."""
    found = {}
    for one in structure(name).parameters:
        low, high = one.support(len(PLACES))
        low, high = max(low, -20.0), min(high, 20.0)
        found[one.name] = low + (high - low) * np.array([0.02, 0.3, 0.5, 0.9, 0.98])
        if low < 0.0:
            found[one.name][2] = 0.0
    return found


@each
def test_the_root_times_its_transpose_are_the_correlations(name):
    values = inside(name)
    one = structure(name)
    root = one.root({key: v[:, None, None] for key, v in values.items()}, np)
    correlations = one.correlations(values)
    np.testing.assert_allclose(root @ np.swapaxes(root, -1, -2), correlations, atol=1e-12)
    np.testing.assert_allclose(np.diagonal(correlations, axis1=-2, axis2=-1), 1.0)
    np.testing.assert_allclose(np.triu(root, 1), 0.0)


@each
def test_the_symbolic_root_has_the_values_and_slopes_of_the_other(name):
    import pytensor
    import pytensor.tensor as pt

    one, values = structure(name), inside(name)
    if not values:
        return
    symbols = {key: pt.scalar(key) for key in values}
    root = one.root({key: symbol.dimshuffle("x", "x") for key, symbol in symbols.items()}, pt)
    weights = np.arange(16.0).reshape(4, 4)
    slopes = [pytensor.grad((root @ root.T * weights).sum(), symbol) for symbol in symbols.values()]
    compute = pytensor.function(list(symbols.values()), [root, *slopes], mode="FAST_COMPILE")
    for k in range(5):
        at = {key: v[k] for key, v in values.items()}
        found, *grad = compute(*at.values())
        np.testing.assert_allclose(found @ found.T, one.correlations(at), atol=1e-12)
        for key, slope in zip(at, grad, strict=True):
            step = 1e-6
            up, down = (one.correlations({**at, key: at[key] + sign * step}) for sign in (1, -1))
            np.testing.assert_allclose(slope, np.sum((up - down) * weights) / (2 * step), rtol=1e-5, atol=1e-5)


@each
def test_a_structured_term_is_read_back_from_what_it_prints(name):
    call = COVARIANCES[name].call
    (_, term) = parse_terms(f"{call}(f + 0 | g)")
    assert term == bm.Group(by="g", formula="0 + f", covariance=name)
    assert parse_terms(str(term))[1] == term
    assert str(term) == f"{call}(0 + f | g)"


def test_calls_of_plain_bars_are_written_as_bars():
    assert [str(parse_terms(text)[1]) for text in ("us(x | g)", "diag(x | g)")] == ["(1 + x | g)", "(1 + x || g)"]


def test_hom_asks_for_one_sd_or_for_one_of_each_column_as_in_lme4():
    assert find_covariance("ar1").call == "ar1"
    assert CALLS["cs"] == "heterogeneous_exchangeable"
    for equal, own in VARIANTS.items():
        call = COVARIANCES[own].call
        assert parse_terms(f"{call}(0 + f | g, hom=TRUE)")[1].covariance == equal
        assert parse_terms(f"{COVARIANCES[equal].call}(0 + f | g, hom=FALSE)")[1].covariance == own


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("us(0 + f | g, hom=TRUE)", "no variant"),
        ("ar1(0 + f | g, 2)", "is not known here"),
        ("cs(0 + f || g)", "one bar"),
        ("ar1(1 + t | g)", "ar1(0 + time | group)"),
        ("ar1(0 + a:b | g)", "one column"),
        ("rr(0 + f | g, d=2)", "not part of the formula language"),
        ("cs(0 + f | mm(g, h))", "mm"),
    ],
)
def test_what_a_structure_cannot_be_is_refused_before_there_are_data(text, words):
    with pytest.raises(SpecError) as error:
        parse_terms(text)
    assert words in str(error.value)


def test_members_of_rows_have_no_structure():
    with pytest.raises(SpecError, match="not for members"):
        bm.MultiMembership(by=("g", "h"), formula="0 + f", covariance="exchangeable")


def test_an_autoregression_between_its_steps_decays_with_the_time_and_is_unrelated_where_it_alternates():
    one = Structure("ar1", "t", ((0.0,), (1.0,), (1.5,)), ("0", "1", "1.5"), 1.0)
    np.testing.assert_allclose(one.correlations({"ar1": np.array(0.6)})[2], [0.6**1.5, 0.6**0.5, 1.0])
    np.testing.assert_allclose(one.correlations({"ar1": np.array(-0.6)})[2], [0.0, 0.0, 1.0])


def test_every_covariance_has_a_call_of_its_own():
    assert len(CALLS) == len(COVARIANCES)
    assert all(one.columns == ANY or one.structured for one in COVARIANCES.values())


def test_toeplitz_correlations_are_positive_definite_and_equal_at_equal_lags_with_gaps():
    one, values = structure("toeplitz"), inside("toeplitz")
    assert [p.name for p in one.parameters] == ["pacf1", "pacf2", "pacf3", "pacf4"]
    found = one.correlations(values)
    np.testing.assert_allclose(found[:, 0, 1], values["pacf1"])
    np.testing.assert_allclose(found[:, 0, 1], found[:, 1, 2])
    np.testing.assert_allclose(found[:, 0, 2], found[:, 2, 3])
    assert np.all(np.linalg.eigvalsh(found) > 0.0)
    for k in range(1, 4):
        whole = Structure("toeplitz", "t", tuple((float(j),) for j in range(k + 1)), tuple("0123"[: k + 1]), 1.0)
        inverse = np.linalg.inv(whole.correlations({f"pacf{lag}": values[f"pacf{lag}"] for lag in range(1, k + 1)}))
        partial = -inverse[:, 0, k] / np.sqrt(inverse[:, 0, 0] * inverse[:, k, k])
        np.testing.assert_allclose(partial, values[f"pacf{k}"], atol=1e-9)
    # An autoregression of order 1 has one partial autocorrelation.
    ar1 = one.correlations({"pacf1": np.array(0.6), **{f"pacf{k}": np.array(0.0) for k in (2, 3, 4)}})
    np.testing.assert_allclose(ar1, structure("ar1").correlations({"ar1": np.array(0.6)}))


def test_the_default_prior_of_a_range_lies_between_the_distances():
    (one,) = structure("ou").parameters
    law = one.prior(np.array([[0.0], [1.0], [100.0]])).frozen()
    np.testing.assert_allclose(law.ppf([0.0228, 0.9772]), [1.0, 100.0], rtol=0.02)
