"""The dot of a formula: all other columns of the data."""

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.errors import SpecError
from bayesmixed.spec.all_columns import has_dots, write_out_dots
from bayesmixed.spec.files import spec_from_toml, spec_to_toml
from bayesmixed.spec.formula_changes import term_pieces

N = 40
GENERATOR = np.random.default_rng(1)
TABLE = pd.DataFrame(
    {
        "k": GENERATOR.poisson(3, N),
        "n": 20,
        "w": 1 + np.arange(N) % 3,
        "e": GENERATOR.uniform(1, 2, N),
        "g": np.resize(list("abcde"), N),
        "h": np.resize(list("pqr"), N),
        "t": GENERATOR.normal(size=N),
        "x": GENERATOR.normal(size=N),
        "a b": GENERATOR.normal(size=N),
        "f": np.resize(list("uuvv"), N),
    }
)
EVERY = "n + w + e + g + h + t + x + `a b` + f"
CASES = [
    ("k ~ .", f"k ~ {EVERY}"),
    ("k ~ . - n - w", f"k ~ {EVERY} - n - w"),
    ("log(k + e) ~ 0 + .", "log(k + e) ~ 0 + n + w + g + h + t + x + `a b` + f"),
    ("k ~ . + offset(log(e)) + (x | g/h)", "k ~ n + w + t + x + `a b` + f + offset(log(e)) + (x | g/h)"),
    ("k ~ s(t) + x:(.) + (1 | mm(g, h))", "k ~ s(t) + x:(n + w + e + x + `a b` + f) + (1 | mm(g, h))"),
    ("k ~ (.)^2 - w + (1 | g)", "k ~ (n + w + e + h + t + x + `a b` + f)^2 - w + (1 | g)"),
    ('k | weights(w, "frequency") ~ x + .', 'k | weights(w, "frequency") ~ x + n + e + g + h + t + x + `a b` + f'),
]


@pytest.mark.parametrize(("formula", "meant"), CASES, ids=[case[0] for case in CASES])
def test_a_dot_is_the_sum_of_the_columns_that_have_no_other_part(formula, meant):
    found = write_out_dots(bm.from_formula(formula), TABLE.columns)
    assert not has_dots(found)
    (one, *own), (other, *their) = found.predictors["mu"], bm.from_formula(meant).predictors["mu"]
    assert own == their
    assert term_pieces(one.formula) == term_pieces(other.formula)
    assert one == other or "(" in formula


@pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
def test_trials_are_no_other_column_and_the_design_keeps_the_columns_written_out():
    rows = TABLE.drop(columns=["w", "g"])
    design = bm.prepare("k | trials(n) ~ . + (1 | h)", rows, family="beta_binomial", phi="~ .")
    assert design.spec.formula == "k | trials(n) ~ 1 + e + t + x + `a b` + f + (1 | h)"
    assert str(design.spec.predictors["phi"][0]) == "1 + e + t + x + `a b` + f"
    fit = fit_at(design, {"beta": 0.1, "beta_phi": 0.1, "sd_h": 1.0})
    assert bm.predict(fit, rows.head(3).assign(new=1.0))["mean"].sizes["row"] == 3


@pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
def test_every_way_to_give_data_and_every_entry_point_knows_the_columns(tmp_path):
    rows = TABLE[["k", "x", "f", "g"]]
    rows.to_csv(tmp_path / "rows.csv", index=False)
    rows.to_parquet(tmp_path / "rows.parquet")
    formula, meant = "k ~ . + (1 | g)", "k ~ 1 + x + f + (1 | g)"
    for data in (rows, dict(rows), tmp_path / "rows.csv", str(tmp_path / "rows.parquet")):
        assert bm.prepare(formula, data).spec.formula == meant
    assert bm.check_data(formula, rows).design.spec.formula == meant
    assert meant in str(bm.prior_table(formula, tmp_path / "rows.csv"))
    truth = {"beta": 0.0, "sd_g": 1.0, "sigma": 1.0}
    assert len(bm.simulate(formula, data=tmp_path / "rows.csv", truth=truth, seed=1).data) == N
    like = bm.prepare(meant, rows)
    assert bm.prepare(formula, rows.assign(other=1), like=like).spec.formula == meant


def test_a_spec_with_a_dot_is_a_value_like_others():
    spec = bm.from_formula("y ~ . - x + (1 | g)", sigma="~ .")
    assert spec_from_toml(spec_to_toml(spec)) == spec == bm.from_formula(**spec.as_formula())
    assert spec.formula == "y ~ 1 + . - x + (1 | g)"
    assert spec.update("~ . + (1 | h)").formula == "y ~ 1 + . - x + (1 | g) + (1 | h)"


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("k ~ x + (. | g)", r"'\.' is not read here"),
        ("k ~ log(.)", r"'\.' is not read here"),
        ("k ~ . .", "'1 \\+ . .' is all other columns of the data: join it"),
        ("k ~ stats.f(x).y", "join it with other terms"),
        ("k ~ . + (1 | x)", "no other columns"),
    ],
)
def test_dots_elsewhere_are_refused(formula, message):
    with pytest.raises(SpecError, match=message):
        bm.prepare(formula, TABLE[["k", "x"]])


def test_without_data_a_dot_asks_for_them():
    with pytest.raises(SpecError, match="give the data as well"):
        bm.prior_table("y ~ .")
    spec = bm.from_formula("y ~ .")
    assert (spec._repr_html_(), spec._repr_latex_()) == (None, None)
    assert bm.from_formula("y ~ x")._repr_html_() is not None
