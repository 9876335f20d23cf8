import ast
import copy
import pickle
from pathlib import Path

import pytest

import bayesmixed as bm
from bayesmixed.parameter_keys import ParameterKey, VariableNames, names_of

ROOT = Path(bm.__file__).parent


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("sigma", ("sigma", None)),
        ("beta[Days]", ("beta", "Days")),
        ("beta[period[T.2]]", ("beta", "period[T.2]")),
        ("sd_block:plot[Intercept]", ("sd_block:plot", "Intercept")),
        ("beta[poly(x, 2)[1]]", ("beta", "poly(x, 2)[1]")),
        ("beta[f[T.a\nb]]", ("beta", "f[T.a\nb]")),
        ("beta[]", ("beta", "")),
    ],
)
def test_a_key_is_its_text_and_knows_its_variable_and_label(text, parts):
    key = ParameterKey.read(text)
    assert key == ParameterKey(*parts) == text
    assert {text: 1}[key] == 1
    for other in (key, copy.deepcopy(key), pickle.loads(pickle.dumps(key))):
        assert (other.variable, other.label) == parts


@pytest.mark.parametrize(
    ("key", "given", "found"),
    [
        ("sd_g[x]", {"sd_g", "sd_g[x]"}, "sd_g[x]"),
        ("sd_g[x]", {"sd_g", "sd_h[x]"}, "sd_g"),
        ("beta[x]", {"beta"}, "beta"),
        ("beta[Intercept]", {"beta"}, None),
        ("beta_sigma[Intercept_centred]", {"beta_sigma"}, None),
        ("beta[Intercept]", {"beta", "beta[Intercept_centred]"}, "beta[Intercept_centred]"),
        ("sigma", {"beta"}, None),
    ],
)
def test_the_most_specific_key_of_the_user_counts(key, given, found):
    assert ParameterKey.read(key).match(given) == found


def test_the_first_parameter_has_names_without_an_ending():
    assert names_of("mu", "mu") == VariableNames("")
    names = names_of("sigma", "mu")
    assert names.population(["x"]) == ("beta_sigma[x]",)
    assert names.sds("herd", ["Intercept", "x"]) == ("sd_herd_sigma[Intercept]", "sd_herd_sigma[x]")
    assert names.sds("s(x)", []) == ("sd_s(x)_sigma",)
    assert names.scales_of("herd") == ("sd_herd_sigma", "corr_herd_sigma")


def composed(path):
    """Yield where a file makes a name of a variable by itself."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        first = node.values[0] if isinstance(node, ast.JoinedStr) else None
        if isinstance(first, ast.Constant) and first.value in ("beta", "beta_", "beta[", "sd_", "b_", "corr_"):
            yield f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(node)}"


def test_names_of_variables_are_made_in_one_place():
    files = [path for path in ROOT.rglob("*.py") if path.name != "parameter_keys.py"]
    assert [one for path in files for one in composed(path)] == []
