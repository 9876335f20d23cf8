"""What commands have in common: options of specs, tables and fits."""

from inspect import signature

import pandas as pd
import pytest
from cli_runs import run

import bayesmixed as bm
from bayesmixed.cli.fits import compare_priors, fit
from bayesmixed.cli.models import check, show, simulate
from bayesmixed.cli.options import complete_spec
from bayesmixed.spec.files import spec_from_toml


def test_show_applies_options_to_a_formula():
    result = run(
        *("show", "y | trials(n) ~ period + (1 | farm) + (1 | vet)", "--family", "binomial", "--link", "probit"),
        *("--prior", "sd_farm=HalfNormal(0.5)", "--prior", "beta[x == 1]=Normal(mu=0, sigma=2)"),
        *("--factor", "period", "--crossed", "vet"),
    )
    spec = spec_from_toml(result.output.split("As a file:")[1])
    assert spec.link("mu").name == "probit"
    assert {key: str(prior) for key, prior in spec.priors.items()} == {
        "sd_farm": "HalfNormal(0.5)",
        "beta[x == 1]": "Normal(0, 2)",
    }
    assert (spec.factors, spec.crossed) == (("period",), ("vet",))
    assert "is assumed" not in result.output


def test_the_names_of_shipped_specs_are_completed():
    assert complete_spec("herd_") == [name for name in bm.list_specs() if name.startswith("herd_")]
    assert len(complete_spec("herd_")) >= 1


def test_commands_that_take_a_spec_take_the_same_arguments_for_it():
    taken = [set(signature(command).parameters) for command in (show, check, fit, compare_priors, simulate)]
    assert set.intersection(*taken) >= {"spec", "family", "prior", "link", "factor", "crossed"}


def test_a_relation_is_read_from_a_file(tmp_path):
    pd.DataFrame({"a": ["001", "1"], "b": ["1", "2"]}).to_csv(tmp_path / "W.csv", index=False)
    pd.DataFrame({"id": ["001", "1", "2"] * 4, "y": [1.0, 2, 4, 3, 5, 7, 6, 9, 8, 2, 1, 4]}).to_csv(
        tmp_path / "d.csv", index=False
    )
    given = ("check", "y ~ (1 | gr(id, graph=W))", "--data", tmp_path / "d.csv", "--family", "gaussian")
    assert "needs the relation 'W'" in run(*given).output
    result = run(*given, "--known", f"W={tmp_path / 'W.csv'}")
    assert result.exit_code == 0, result.output
    assert "b ~ N(0, σ²_id·W)" in result.output


def test_a_formula_without_family_is_gaussian_and_says_so():
    assert "note: no --family given: family gaussian is assumed" in run("show", "y ~ x").output


@pytest.mark.parametrize(
    ("formula", "levels"),
    [
        ("y ~ x + (1 | id)", "i for 4 levels of id"),
        ("y ~ x + (1 | id) + (1 | x)", "j for 3 levels of x"),
        ("y ~ factor(id)", "β3·id[T.010]_i"),
    ],
)
def test_ids_of_groups_are_read_as_text_and_numbers_as_numbers(tmp_path, formula, levels):
    ids = ["001", "1", "1.10", "010"] * 3
    table = pd.DataFrame({"id": ids, "x": [1, 2, 3] * 4, "y": [1.0, 2, 4, 3, 5, 7, 6, 9, 8, 2, 1, 4]})
    table.to_csv(tmp_path / "data.csv", index=False)
    result = run("check", formula, "--data", tmp_path / "data.csv", "--family", "gaussian")
    assert result.exit_code == 0, result.output
    assert levels in result.output


def test_correlated_residuals_are_an_option():
    result = run("show", "y ~ x", "--family", "gaussian", "--residual", "us(visit | subject)")
    spec = spec_from_toml(result.output.split("As a file:")[1])
    assert str(spec.residual) == "us(visit | subject)"
    assert list(spec.predictors) == ["mu", "sigma"]


def test_models_of_columns_with_missing_values_are_options():
    result = run(
        "show", "y ~ mi(x) + mi(e)", "--family", "gaussian", "--impute", "x=~ z", "--impute", "e=bernoulli ~ z + w"
    )
    spec = spec_from_toml(result.output.split("As a file:")[1])
    assert {name: (one.formula, one.family) for name, one in spec.impute.items()} == {
        "x": ("~ z", "gaussian"),
        "e": ("~ z + w", "bernoulli"),
    }
    refused = run("show", "y ~ mi(x)", "--impute", "x=z")
    assert (refused.exit_code, "'x=z' is not of the form" in refused.output) == (2, True)
