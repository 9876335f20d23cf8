"""What belongs to a model is said in one place: every entry point takes all of it, and so do files and commands."""

from inspect import isfunction, signature

import pandas as pd
import pytest
from cli_runs import run

import bayesmixed as bm
from bayesmixed.spec.files import as_spec, spec_from_toml

TABLE = pd.DataFrame({"y": [1.0, 0, 3, 2, 5, 1], "x": [0.1, 0.4, 0.2, 0.9, 0.5, 0.3], "g": list("aabbcc")})
REQUIRED = {
    "compare_priors": {"sets": {"a": {}, "b": "wide"}},
    "sweep_priors": {"key": "sigma", "priors": ["HalfNormal(1)", "HalfNormal(2)"]},
}
TAKING = [
    name
    for name in bm.__all__
    if isfunction(getattr(bm, name))
    and name != "save_spec"
    and [*signature(getattr(bm, name)).parameters][:1] == ["spec"]
]
WRONG = {
    "nonsense": ("~ x", "no parameter 'nonsense'"),
    "sigma": ("~ a ~ b", "not a one-sided formula"),
    "family": ("posson", "Did you mean 'poisson'"),
    "link": ("probitt", "Link 'probitt'"),
    "links": ({"mu": "logg"}, "Link 'logg'"),
    "functions": ({"log": abs}, "'log' is a name of the formula language"),
    "empty_cells": ("some", "'some' is not known"),
    "factors": (3, "factors must be"),
    "crossed": (3, "crossed must be"),
    "reference": ("b", "family 'gaussian' has none"),
    "impute": ({"q": "~ x"}, "impute names 'q'"),
    "known": (3, "known must be"),
    "residual": ("ar2(x | g)", "residual"),
}


def test_the_entry_points_are_found():
    known = {"fit", "prepare", "check_data", "prior_table", "prior_predictive", "simulate", "approximate", "ladder"}
    assert {*known, "compare_priors", "sweep_priors", "compare_pooling", "calibrate"} <= set(TAKING)
    assert set(WRONG) >= set(signature(as_spec).parameters) - {"spec", "priors", "predictors"}


@pytest.mark.parametrize("keyword", WRONG)
@pytest.mark.parametrize("name", TAKING)
def test_every_entry_point_knows_every_keyword_of_a_model(name, keyword):
    value, message = WRONG[keyword]
    for spec in ("y ~ x + (1 | g)", bm.from_formula("y ~ x + (1 | g)")):
        if keyword == "family" and not isinstance(spec, str):
            continue
        with pytest.raises(bm.SpecError, match=message):
            getattr(bm, name)(spec, data=TABLE, **REQUIRED.get(name, {}), **{keyword: value})


MODELS = [
    ("k ~ x + (1 | g)", {"family": "zero_inflated_negbin", "zi": "~ z + (1 | g)", "theta": "~ x", "link": "sqrt"}),
    ("k | trials(n) ~ period*x", {"family": "beta_binomial", "factors": ["period"], "links": {"mu": "cloglog"}}),
    ("y ~ s(x) + (x || a/b)", {"sigma": "~ s(z, k=5) + offset(log(w))", "crossed": ["b"], "priors": {"sd_a": "PC"}}),
    ("y ~ f*h + (1 | mm(a, b))", {"family": "student", "empty_cells": "drop", "priors": {"nu": "Gamma(2, 0.1)"}}),
]


@pytest.mark.parametrize(("formula", "options"), MODELS, ids=[model[0] for model in MODELS])
def test_keywords_a_spec_a_file_and_a_command_say_the_same_model(formula, options, tmp_path):
    options = {
        **options,
        "priors": {k: "HalfNormal(2)" if p == "PC" else p for k, p in options.get("priors", {}).items()},
    }
    spec = bm.from_formula(formula, **options)
    words = ("family", "link", "links", "factors", "crossed", "empty_cells", "priors")
    further = {name: value for name, value in options.items() if name not in words}
    plain = bm.from_formula(formula, family=options.get("family", "gaussian"))
    assert as_spec(plain, **{**options, "family": None}) == spec
    fields = {name: value for name, value in options.items() if name in words}
    assert bm.ModelSpec(formula=formula, predictors=further, **fields) == spec
    bm.save_spec(spec, tmp_path / "m.toml")
    assert bm.load_spec(tmp_path / "m.toml") == spec
    arguments = [formula, "--family", options.get("family", "gaussian")]
    arguments += [word for name, text in further.items() for word in ("--parameter", f"{name} {text}")]
    arguments += ["--link", options["link"]] if "link" in options else []
    arguments += [word for name, link in options.get("links", {}).items() for word in ("--link", f"{name}={link}")]
    arguments += [word for name, prior in options["priors"].items() for word in ("--prior", f"{name}={prior}")]
    arguments += [word for name in options.get("factors", ()) for word in ("--factor", name)]
    arguments += [word for name in options.get("crossed", ()) for word in ("--crossed", name)]
    arguments += ["--empty-cells", options["empty_cells"]] if "empty_cells" in options else []
    result = run("show", *arguments)
    assert result.exit_code == 0, result.output
    assert spec_from_toml(result.output.split("As a file:")[1]) == spec


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--parameter", "zi"), "is not of the form PARAMETER ~ FORMULA"),
        (("--parameter", "links ~ x"), "is not of the form PARAMETER ~ FORMULA"),
        (("--parameter", "sigma ~ x", "--parameter", "sigma ~ z"), "two formulas"),
        (("--link", "log", "--link", "probit"), "name its parameter"),
    ],
)
def test_wrong_formulas_of_parameters_are_wrong_usage(arguments, message):
    result = run("show", "y ~ x", *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.output.replace("│", " ").split())
