"""Rows that are streamed from a file give the design, the density and the draws of rows in memory."""

import warnings
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.engines import collapsed
from bayesmixed.errors import DataError, SpecError
from bayesmixed.preparation import counted_rows, first_reading, streaming
from bayesmixed.tables import row_sources

FIRST = "rt ~ x + f + (1 | word) + (x | person)"
SPECS = [
    "rt ~ x + f + (1 | word) + (1 | person)",
    "log(rt) ~ x * f + I(x^2) + (x | person) + (1 | word)",
    "rt ~ 0 + f + x:z + (1 + x | person) + (0 + z || person)",
    "rt ~ x + C(block) + (f | word) + (1 | person/block)",
]


def trials():
    """Return crossed rows of which some words and one level of f occur in late rows only."""
    generator = np.random.default_rng(3)
    i = np.arange(600)
    word = generator.integers(0, 10, 600) + 10 * (i > 500)
    person = generator.integers(1, 9, 600)
    x = generator.normal(2.0, 1.5, 600)
    return pd.DataFrame(
        {
            "rt": np.exp(6 + 0.1 * x + generator.normal(0, 0.1, 20)[word] + generator.normal(0, 0.3, 600)),
            "x": x,
            "z": generator.normal(-1, 1, 600),
            "f": np.where(i > 450, "late", np.array(["low", "high"])[i % 2]),
            "block": generator.integers(1, 4, 600),
            "word": [f"w{k}" for k in word],
            "person": person,
            "unused": "a long text",
        }
    )


@pytest.fixture
def table():
    return trials()


@pytest.fixture(autouse=True, scope="module")
def small_batches():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_sources, "BATCH", 37)
        patch.setattr(first_reading, "DRAWN", 20)
        yield


def write(table, folder, **options):
    path = folder / "trials.parquet"
    table.to_parquet(path, index=False, row_group_size=101, **options)
    return path


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write(trials(), tmp_path_factory.mktemp("streamed"))


@pytest.fixture(scope="module")
def designs(path, small_batches):
    """Return a function from a formula to its design in memory and its streamed one."""
    return cache(lambda formula: both(formula, path))


def both(formula, path, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        spec = bm.from_formula(formula, **options)
        return bm.prepare(spec, path, stream=False), bm.prepare(spec, path, stream=True)


@pytest.mark.parametrize("formula", SPECS)
def test_streamed_rows_have_the_priors_notes_and_labels_of_rows_in_memory(designs, formula):
    whole, streamed = designs(formula)
    assert streamed.rows == whole.rows == 600
    assert streamed.notes == whole.notes
    assert list(streamed.priors) == list(whole.priors)
    for key, entry in whole.priors.items():
        assert streamed.priors[key].prior.name == entry.prior.name
        assert streamed.priors[key].prior.arguments == pytest.approx(entry.prior.arguments, rel=1e-12, abs=1e-12)
    assert streamed.mu.coords() == whole.mu.coords()
    assert streamed.mu.centre == pytest.approx(whole.mu.centre, rel=1e-12, abs=1e-12)
    assert streamed.to_latex() == whole.to_latex()


@pytest.mark.parametrize("formula", SPECS)
def test_streamed_rows_have_the_density_of_rows_in_memory(designs, formula):
    from bayesmixed.kernels.collapsed.compiled import evaluate

    whole, streamed = (collapsed.lay_out_collapsed(design) for design in designs(formula))
    for seed in range(3):
        x = 0.3 * np.random.default_rng(seed).standard_normal(len(whole.kept))
        value, gradient = evaluate(whole.packed, x)
        again, slope = evaluate(streamed.packed, x)
        assert again == pytest.approx(value, rel=1e-10, abs=1e-8)
        assert slope == pytest.approx(gradient, rel=1e-7, abs=1e-7)


@pytest.fixture(scope="module")
def fits(designs):
    options = {"seed": 4, "chains": 2, "draws": 40, "tune": 60, "progress": False}
    return [bm.sample(design, **options) for design in designs(FIRST)]


@pytest.mark.parametrize("formula", SPECS)
def test_streamed_rows_give_the_effects_of_rows_in_memory(designs, formula):
    whole, streamed = (collapsed.lay_out_collapsed(design) for design in designs(formula))
    points = 0.3 * np.random.default_rng(2).standard_normal((2, 5, len(whole.kept)))
    ours, theirs = (collapsed.draw_rest(layout, points, seed=1, cores=1) for layout in (streamed, whole))
    assert ours == pytest.approx(theirs, rel=1e-6, abs=1e-6)


def test_streamed_rows_give_the_summaries_and_predictions_of_rows_in_memory(fits, table):
    whole = fits[0]
    # The same draws: those of two runs go apart after some steps, as rounding does.
    streamed = replace(fits[1], draws=whole.draws)
    for function in (bm.population_effects, bm.group_effects, bm.variance_components, bm.icc):
        one, other = function(whole), function(streamed)
        assert one.columns.tolist() == other.columns.tolist()
        assert other["mean"].to_numpy() == pytest.approx(one["mean"].to_numpy(), rel=1e-9, abs=1e-9)
    assert bm.predict(streamed, table[-5:])["mean"].values == pytest.approx(
        bm.predict(whole, table[-5:])["mean"].values, rel=1e-9
    )
    assert str(bm.summary(streamed)) == str(bm.summary(whole))
    assert str(bm.prior_table(streamed.design)).splitlines()[0] == str(bm.prior_table(whole.design)).splitlines()[0]


def test_a_streamed_fit_is_the_same_after_it_was_saved_without_its_rows(fits, table, tmp_path):
    streamed = fits[1]
    loaded = bm.load_fit(bm.save_fit(streamed, tmp_path / "fit.nc"))
    assert loaded.design.priors == streamed.design.priors
    assert loaded.design.notes == streamed.design.notes
    assert str(bm.summary(loaded)) == str(bm.summary(streamed))
    assert bm.predict(loaded, table[:3]).equals(bm.predict(streamed, table[:3]))
    assert len(loaded.draws["constant_data"]["row"]) < loaded.design.rows


@pytest.mark.parametrize("change", [lambda path: path.unlink(), lambda path: write(trials()[:500], path.parent)])
def test_rows_are_not_taken_from_a_file_that_is_no_longer_what_it_was(table, tmp_path, change):
    path = write(table, tmp_path)
    design = both(FIRST, path)[1]
    change(path)
    with pytest.raises(DataError, match="no longer exists or was changed"):
        bm.sample(design, progress=False)


def test_streamed_rows_are_fitted_anew_with_another_prior(fits):
    again = bm.refit(fits[1], priors={"sd_word": "HalfNormal(9)"}, draws=5, tune=5, progress=False)
    assert str(again.design.priors["sd_word[Intercept]"].prior) == "HalfNormal(9)"
    assert again.design.priors["sigma"] == fits[1].design.priors["sigma"]


@pytest.mark.parametrize(
    "ask",
    [
        bm.predict,
        bm.residuals,
        bm.log_likelihood,
        bm.posterior_predictive,
        bm.posterior_checks,
        bm.r2,
        bm.shrinkage,
        lambda fit: bm.loo(fit, unit="observation"),
        lambda fit: bm.build(fit.design),
    ],
)
def test_what_needs_the_rows_says_what_to_do_without_them(fits, ask):
    with pytest.raises(DataError, match=r"rows of '.*trials\.parquet', which were streamed.*Fit a sample"):
        ask(fits[1])


def test_missing_values_are_counted_over_all_batches(table, tmp_path):
    table.loc[[150, 400], "x"] = np.nan
    table.loc[400, "word"] = None
    path = write(table, tmp_path)
    with pytest.raises(
        DataError, match=r"2 of 600 rows have missing values \(first: row 150\), .*'x' \(2\), 'word' \(1\)"
    ):
        bm.prepare(FIRST, path, stream=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        whole, streamed = (bm.prepare(FIRST, path, missing="drop", stream=way) for way in (False, True))
    assert (streamed.rows, streamed.dropped) == (whole.rows, whole.dropped) == (598, 2)
    assert streamed.priors["sigma"] == whole.priors["sigma"]


@pytest.mark.parametrize(
    ("change", "formula", "error", "message"),
    [
        ({"x": np.inf}, "rt ~ x + (1 | word)", DataError, r"'x' is infinite in 3 of 600 rows \(first: row 100\)"),
        ({"rt": -1.0}, "log(rt) ~ x + (1 | word)", DataError, r"not finite in 3 of 600 rows \(first: row 100\)"),
        ({}, "rt ~ x + (1 | wrd)", SpecError, "Did you mean 'word'"),
        ({}, "f ~ x + (1 | word)", DataError, "holds text"),
        ({}, "rt ~ scale(x) + (1 | word)", SpecError, r"'scale\(\)' in .* may need all rows at once"),
        ({}, "rt ~ C(f, contr.sum) + (1 | word)", SpecError, r"'C\(\)' in .* may need all rows"),
        ({}, "rt ~ s(x) + (1 | word)", SpecError, r"'s\(x\)' needs all rows at once"),
        ({}, 'rt | weights(z, "precision") ~ x + (1 | word)', SpecError, "rows have weights"),
        ({}, "rt ~ x + I(2*x) + (1 | word)", DataError, "collinear"),
    ],
)
def test_what_cannot_be_streamed_is_refused(table, tmp_path, monkeypatch, change, formula, error, message):
    monkeypatch.setattr(counted_rows, "MOST_DIFFERENT", 500)
    for name, value in change.items():
        table.loc[[100, 300, 500], name] = value
    with pytest.raises(error, match=message):
        bm.prepare(bm.from_formula(formula), write(table, tmp_path), stream=True)


def test_large_files_are_streamed_unless_the_model_needs_all_rows(table, tmp_path, monkeypatch, capsys):
    path = write(table, tmp_path)
    monkeypatch.setattr(streaming, "LARGE", 600)
    monkeypatch.setattr(counted_rows, "MOST_DIFFERENT", 500)
    found = [bm.prepare(bm.from_formula(formula), path) for formula in (FIRST, "rt ~ s(x) + (1 | word)")]
    assert [design.streamed is None for design in found] == [False, True]
    assert bm.prepare(FIRST, path, stream=False).streamed is None
    said = capsys.readouterr().err
    assert (
        "is read whole, not in pieces: 's(x)' needs all rows at once, and equal rows cannot be counted: more than 500"
        in said
    )


def test_categories_of_a_file_keep_their_order_and_numbers_name_levels(table, tmp_path):
    table["f"] = pd.Categorical(table["f"], categories=["low", "late", "high"])
    whole, streamed = both("rt ~ f + (1 | person)", write(table, tmp_path))
    assert streamed.mu.population.labels == ("Intercept", "f[T.late]", "f[T.high]") == whole.mu.population.labels
    assert streamed.mu.groups[0].levels == tuple("12345678")


def test_a_model_that_cross_products_do_not_suffice_for_finds_no_engine(table, tmp_path):
    design = both(FIRST, write(table, tmp_path), priors={"beta[x]": "StudentT(3, 0, 1)"})[1]
    with pytest.raises(SpecError, match=r"is not normal.*rows are streamed from a file; .*stream=False"):
        bm.sample(design)


@pytest.mark.parametrize("stream", [True, False])
def test_text_is_numbers_in_all_batches_once_its_codes_are_away(tmp_path, monkeypatch, stream):
    monkeypatch.setattr(row_sources, "BATCH", 50)
    draw = np.random.default_rng(5)
    x = draw.normal(size=200).round(4)
    data = pd.DataFrame(
        {"y": draw.normal(size=200), "x": [str(float(v)) for v in x], "f": ["b"] * 100 + ["n.d.", "1"] * 50}
    )
    data.loc[120, "x"] = "n.d."
    path = tmp_path / "a.parquet"
    data.to_parquet(path)
    design = bm.prepare(bm.from_formula("y ~ x"), path, stream=stream, na="n.d.", missing="drop")
    assert design.mu.population.labels == ("Intercept", "x")
    assert len(design.response) == 199
    design = bm.prepare(bm.from_formula("y ~ f"), path, stream=stream, na="n.d.", missing="drop")
    assert design.mu.population.labels == ("Intercept", "f[T.b]")
    assert len(design.response) == 150


def test_a_note_on_a_column_far_from_0_has_the_mean_and_sd_of_all_rows(table, tmp_path):
    draw = np.random.default_rng(2)
    table["x"] = np.where(np.arange(600) < 590, 100.0 + draw.normal(size=600), 130.0)
    whole, streamed = both("rt ~ x + (x | person)", write(table, tmp_path))
    assert any("lies far from 0" in note for note in whole.notes)
    assert streamed.notes == whole.notes
