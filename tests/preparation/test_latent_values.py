"""Tables with values that are not known exactly become designs whose columns change linearly with them."""

import numpy as np
import pandas as pd
import pytest
from incomplete import incomplete_table, quietly

import bayesmixed as bm
from bayesmixed.errors import DataError, SpecError


@pytest.mark.parametrize(
    "formula", ["y ~ mi(x)", "y ~ center(mi(x)) * z + (z | g)", "y ~ mi(x):C(g) + z", "y ~ 0 + mi(x)"]
)
def test_columns_at_other_values_follow_from_the_slopes(formula):
    data = incomplete_table()
    design = quietly(formula, data)
    (latent,) = design.latent
    assert latent.missing.tolist() == data["x"].isna().tolist()
    assert latent.rows == [1, 5, 9]
    values = latent.guess + np.where(latent.missing, np.linspace(-1, 2, 24), 0.0)
    there = bm.prepare(design.spec, data.assign(x=values), like=design)
    step = latent.slopes["mu"] * (values - latent.guess)[:, None]
    np.testing.assert_allclose(there.mu.centred_matrix, design.mu.centred_matrix + step, atol=1e-9)


def test_guesses_keep_the_spread_of_a_column_and_known_values_stay():
    data = incomplete_table(200)
    data.loc[np.arange(200) % 2 == 0, "x"] = np.nan
    design = quietly("y ~ mi(x)", data)
    guess = design.latent[0].guess
    known = data["x"].notna().to_numpy()
    np.testing.assert_array_equal(guess[known], data["x"][known])
    assert guess.std() == pytest.approx(data["x"].std(), rel=0.1)


def test_rows_without_a_response_are_withheld():
    data = incomplete_table()
    data.loc[[2, 3], "y"] = np.nan
    data.loc[3, "z"] = np.nan
    design = quietly("y ~ z + mi(x)", data, missing="impute")
    assert (design.rows, list(design.withheld.index)) == (22, [2])
    assert any("neither used nor predicted: 1." in note for note in design.notes)
    alone = quietly("y ~ z + (1 | g)", data.drop(columns="x").drop(index=3), missing="impute")
    assert (alone.rows, alone.latent, list(alone.withheld.index)) == (22, (), [2])
    assert quietly("y ~ mi(x)", incomplete_table(), missing="impute").withheld is None
    with pytest.raises(DataError, match="Every response 'y' is missing"):
        quietly("y ~ z", data.assign(y=np.nan), missing="impute")


def test_labels_of_rows_that_occur_twice_are_no_names_of_rows():
    data = incomplete_table()
    data.loc[2, "y"] = np.nan
    design = quietly("y ~ z + mi(x)", data.set_axis(np.arange(24) // 2), missing="impute")
    assert (design.rows, len(design.withheld), int(design.latent[0].missing.sum())) == (23, 1, 3)
    assert design.withheld["z"].tolist() == [data["z"][2]]
    alone = quietly("y ~ z", data.drop(columns="x").set_axis(np.arange(24) // 2), missing="impute")
    assert (alone.rows, alone.withheld["z"].tolist()) == (23, [data["z"][2]])


@pytest.mark.parametrize("formula", ["y ~ mi(x) + mi(w)", "y ~ mi(x) * z"])
def test_columns_far_from_zero_are_linear_too(formula):
    near = incomplete_table()
    near["x"], near["w"] = near["x"] / 1.3, near["z"].where(np.arange(24) != 6)
    far = near.assign(x=near["x"] + 1.7e9)
    slopes = [quietly(formula, data).latent[0].slopes["mu"] for data in (near, far)]
    np.testing.assert_allclose(slopes[1], slopes[0], atol=1e-4)
    with pytest.raises(SpecError, match="not linear in 'x'"):
        quietly("y ~ exp(mi(x) - 1.7e9)", far)


def test_other_missing_values_are_as_ever():
    data = incomplete_table()
    data.loc[7, "z"] = np.nan
    with pytest.raises(DataError, match=r"1 of 24 rows has missing values .*'z'"):
        quietly("y ~ mi(x) + z", data)
    dropped = quietly("y ~ mi(x) + z", data, missing="drop")
    assert (dropped.rows, dropped.dropped, dropped.latent[0].rows) == (23, 1, [1, 5, 9])
    with pytest.raises(DataError, match="missing='omit' is not known"):
        quietly("y ~ mi(x)", data, missing="omit")
    with pytest.raises(DataError, match=r"'z' .1.\. Fill"):
        quietly("y ~ mi(x)", data, impute={"x": "~ z"})


def test_a_complete_column_needs_no_drawing():
    design = quietly("y ~ mi(z)", incomplete_table())
    assert design.latent == ()
    assert "No value of 'z' is missing" in design.notes[-1]


@pytest.mark.parametrize(
    ("formula", "options", "words"),
    [
        ("y ~ poly(mi(x), 2)", {}, "not linear in 'x'"),
        ("y ~ log(mi(x))", {}, "not linear in 'x'|logarithm|not finite"),
        ("y ~ mi(x) * mi(w)", {}, "has a product of 'x' and 'w'"),
        ("y ~ mi(x) + x", {}, "written as mi.x. and by itself"),
        ("y ~ mi(x) + me(x, sd)", {}, "in two ways"),
        ("y ~ (mi(x) | g)", {}, "in the population part only"),
        ("y ~ s(mi(x))", {}, "mi|column"),
        ("y ~ mi(x + z)", {}, r"the form is mi\(x\)"),
        ("y ~ me(x)", {}, "me"),
        ("y ~ mi(x)", {"impute": {"z": "~ x"}}, "impute names 'z'"),
        ("y ~ mi(x)", {"impute": {"x": "~ mi(w)"}}, "takes? complete columns"),
        ("y ~ mi(x)", {"impute": {"x": "~ y"}}, "has the response 'y'"),
        ("y ~ mi(x)", {"impute": {"x": "z"}}, "one-sided"),
        ("y ~ mi(x)", {"impute": {"x": {"formula": "~ 1", "family": "poisson"}}}, "fit the list of tables"),
        ("y ~ mi(y)", {}, "is the response"),
        ("y ~ mi(absent)", {}, "'absent' is not in the data"),
        ("y | weights(n, 'frequency') ~ mi(x)", {}, "write rows out"),
        ("y | cens(c) ~ mi(x)", {}, "Censored and truncated responses are not possible"),
    ],
)
def test_what_cannot_be_drawn_is_refused(formula, options, words):
    data = incomplete_table().assign(n=2, c="none")
    data["x"] = data["x"].abs() + 0.1
    with pytest.raises((SpecError, DataError), match=words):
        quietly(formula, data, **options)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.assign(x=np.where(d["x"].isna(), None, "high")), "does not hold numbers|text"),
        (lambda d: d.assign(x=np.where(d["x"].isna(), np.nan, np.arange(24) % 2)), "two different values"),
        (lambda d: d.assign(x=np.where(np.arange(24) > 0, np.nan, 1.0)), "1 different known values"),
        (lambda d: d.assign(x=np.nan), "0 different known values"),
    ],
)
def test_columns_that_cannot_be_learned_are_refused(change, words):
    with pytest.raises(DataError, match=words):
        quietly("y ~ mi(x)", change(incomplete_table()))


EVENT = {"formula": "~ z", "family": "bernoulli"}


@pytest.mark.parametrize("kind", [float, object])
def test_events_are_guessed_as_events(kind):
    events = np.arange(24) % 3 == 0
    column = pd.Series(events.astype(kind if kind is float else bool), dtype=kind)
    column[[1, 5, 6]] = np.nan
    (latent,) = quietly("y ~ mi(x)", incomplete_table().assign(x=column), impute={"x": EVENT}).latent
    assert latent.summed
    assert latent.rows == [1, 5, 6]
    assert set(latent.guess) == {0.0, 1.0}
    np.testing.assert_array_equal(latent.guess[~latent.missing], events[~latent.missing])


def test_columns_that_are_no_events_or_too_many_are_refused():
    data = incomplete_table().assign(x=lambda d: np.where(d["x"].isna(), np.nan, np.arange(24) % 3))
    with pytest.raises(DataError, match="other than 0 and 1"):
        quietly("y ~ mi(x)", data, impute={"x": EVENT})
    with pytest.raises(DataError, match='"family": "bernoulli"'):
        quietly("y ~ mi(x)", data.assign(x=data["x"].map({0: True, 1: False, 2: True})))
    with pytest.raises(SpecError, match="which events do not have"):
        quietly("y ~ me(x, sd)", data, impute={"x": EVENT})
    names = [f"e{number}" for number in range(7)]
    many = data.assign(
        **{name: np.where(np.arange(24) == 4, np.nan, np.roll(np.arange(24) % 2, k)) for k, name in enumerate(names)}
    )
    many[names[-1]] = np.where(np.arange(24) == 4, np.nan, np.arange(24) % 5 == 0)
    with pytest.raises(DataError, match="1 rows miss more than 6 events"):
        quietly("y ~ " + " + ".join(f"mi({name})" for name in names), many, impute=dict.fromkeys(names, EVENT))


def test_errors_of_measurement_are_positive_numbers():
    data = incomplete_table().assign(sd=0.0)
    with pytest.raises(DataError, match="must hold SDs above zero"):
        quietly("y ~ me(z, sd)", data)


@pytest.mark.filterwarnings("ignore::bayesmixed.StatisticsWarning")
def test_functions_that_need_exact_columns_refuse_them():
    data = incomplete_table()
    design = quietly("y ~ mi(x) + (1 | g)", data)
    spec = design.spec
    for call in (
        lambda: bm.approximate(design),
        lambda: bm.prior_predictive(spec, data),
        lambda: bm.compare_priors(spec, data, {"a": {}, "b": "wide"}),
        lambda: bm.elicit(spec, data, icc=(0.1, 0.5)),
    ):
        with pytest.raises(SpecError, match="needs all values of the columns"):
            call()
    with pytest.raises(SpecError, match="values of 'x' are drawn with the parameters"):
        bm.sample(design, engine="kernel")
    assert isinstance(bm.prior_table(design).parameters, pd.DataFrame)
