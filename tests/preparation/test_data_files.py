"""Data files are read as a spec needs them."""

import warnings

import numpy as np
import pandas as pd
import pytest
from conftest import classic

import bayesmixed as bm
from bayesmixed.errors import DataError, SpecError
from bayesmixed.kernels.collapsed import cross_products
from bayesmixed.kernels.collapsed import layouts as collapsed_layout
from bayesmixed.preparation.data_files import label_columns, read_data
from bayesmixed.tables.factors import encode

SPEC = bm.from_formula("rt ~ x + f + (1 | word) + (1 | person)")


@pytest.fixture
def data():
    """Return crossed rows with text labels that sort otherwise than they count."""
    i = np.arange(240)
    return pd.DataFrame(
        {
            "rt": 500.0 + (i * 37) % 101,
            "x": np.sin(i),
            "f": np.array(["low", "high"])[i % 2],
            "word": [f"w{k}" for k in i % 12],
            "person": [f"p{k}" for k in (i * 7) % 11],
            "unused": "a long text",
        },
        index=i + 1000,
    )


def prepared(source):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        return bm.prepare(SPEC, source)


def write(data, path):
    data.to_parquet(path) if path.suffix == ".parquet" else data.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("name", ["trials.csv", "trials.parquet"])
def test_a_path_gives_the_design_of_its_table(data, tmp_path, name):
    one, other = prepared(data), prepared(str(write(data, tmp_path / name)))
    assert one.priors == other.priors
    assert one.mu.population.labels == other.mu.population.labels
    assert one.mu.population.matrix == pytest.approx(other.mu.population.matrix)
    for left, right in zip(one.mu.groups, other.mu.groups, strict=True):
        assert left.levels == right.levels
        assert left.index.tolist() == right.index.tolist()


def test_of_a_parquet_file_only_the_columns_of_the_spec_are_read_and_row_labels_kept(data, tmp_path):
    found = read_data(SPEC, write(data, tmp_path / "trials.parquet"))
    assert list(found.columns) == ["rt", "x", "f", "word", "person"]
    assert found.index.tolist() == data.index.tolist()
    assert list(found["word"].cat.categories) == [f"w{k}" for k in range(12)]


def test_a_categorical_column_of_a_parquet_file_keeps_its_order(data, tmp_path):
    data["f"] = pd.Categorical(data["f"], categories=["low", "high"])
    assert "f[T.high]" in prepared(write(data, tmp_path / "trials.parquet")).mu.population.labels


def test_ids_in_a_csv_file_stay_what_they_are(data, tmp_path):
    data["person"] = [f"{k % 11:03d}" for k in range(240)]
    design = prepared(write(data, tmp_path / "trials.csv"))
    assert next(g for g in design.mu.groups if g.name == "person").levels[7] == "007"


def test_numbers_that_are_read_otherwise_are_no_labels():
    spec = bm.from_formula("y | trials(n) ~ g + (1 | g) + (1 | h) + (1 | n)", family="binomial", factors=["k"])
    assert label_columns(spec) == ["h", "k"]


def test_fits_and_checks_take_a_path(data, tmp_path):
    path = write(data, tmp_path / "trials.parquet")
    assert "240" in str(bm.check_data(SPEC, path))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        fit = bm.fit(SPEC, path, seed=1, chains=1, draws=20, tune=50, progress=False)
    assert fit.design.rows == 240


def test_a_column_that_is_not_in_the_file_is_refused_as_ever(data, tmp_path):
    path = write(data, tmp_path / "trials.parquet")
    with pytest.raises(SpecError, match=r"'wrd' is not in the data\. Did you mean 'word'"):
        bm.prepare("rt ~ x + (1 | wrd)", path)


def test_a_file_that_is_no_parquet_is_refused(tmp_path):
    (tmp_path / "trials.parquet").write_text("no")
    with pytest.raises(DataError, match="cannot be read"):
        bm.prepare(SPEC, tmp_path / "trials.parquet")


@pytest.mark.parametrize(
    ("values", "codes", "labels"),
    [
        ([10, 9, 10, 1], [2, 1, 2, 0], ("1", "9", "10")),
        (pd.Series([1, 1.0, "1", "b2", "b10"], dtype=object), [0, 0, 0, 1, 2], ("1", "b2", "b10")),
        ([True, False], [1, 0], ("False", "True")),
    ],
)
def test_values_with_one_label_are_one_level_in_natural_order(values, codes, labels):
    found = encode(pd.Series(values))
    assert found[0].tolist() == codes
    assert found[1] == labels


@pytest.mark.parametrize(
    "formula", ["Reaction ~ Days + (Days | Subject)", "Reaction ~ Days + (1 | Subject) + (1 | week)"]
)
def test_cross_products_do_not_depend_on_how_many_rows_are_taken_at_once(monkeypatch, formula):
    table = classic("lme4", "sleepstudy")
    table["week"] = table["Days"] // 3
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        design = bm.prepare(bm.from_formula(formula), table)
    whole = collapsed_layout.lay_out_collapsed(design).packed.data
    monkeypatch.setattr(cross_products, "ROWS_AT_ONCE", 7)
    monkeypatch.setattr(collapsed_layout, "ROWS_AT_ONCE", 7)
    pieces = collapsed_layout.lay_out_collapsed(design).packed.data
    assert pieces.integers.tolist() == whole.integers.tolist()
    assert pieces.model["squares"] == pytest.approx(whole.model["squares"], rel=1e-10)
    # Sums that cancel keep the rounding of what cancels.
    assert pieces.numbers == pytest.approx(whole.numbers, rel=1e-10, abs=1e-13 * np.max(np.abs(whole.numbers)))
