"""Grouping factors whose names hold the signs of the formula language."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.formulas.notation import safe_name
from bayesmixed.spec.files import load_spec, save_spec

NAMES = [
    "a/b",
    "a:b",
    "1",
    "Intercept",
    'a"b',
    "x~y",
    "my  herd",
    "a|b",
    "[z",
    "k]",
    "a[b]",
    "s(q)",
    "o'n",
    "sample",
    "draw",
    "chain",
    "a, b",
    "sigma",
    "mu",
    "beta",
    "row",
    "obs",
    "sd_c",
    "c_effect",
    "centred_b_c",
    "observation",
    "category",
    "level",
    "größe m²",
]


def rows(name: str) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    n = 90
    return pd.DataFrame(
        {
            name: generator.integers(0, 8, n).astype(str),
            "c": generator.choice(list("abcdefg"), n),
            "x": generator.normal(size=n),
            "y": generator.normal(size=n),
        }
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_grouping_factor_in_backticks_is_the_column_of_that_name(name: str) -> None:
    design = bm.prepare(f"y ~ x + (x | `{name}`)", rows(name))
    plain = bm.prepare("y ~ x + (x | g)", rows(name).rename(columns={name: "g"}))
    assert [group.name for group in design.mu.groups] == [name]
    assert design.mu.groups[0].levels == plain.mu.groups[0].levels
    assert np.array_equal(design.mu.groups[0].index, plain.mu.groups[0].index)
    assert np.array_equal(design.mu.groups[0].matrix, plain.mu.groups[0].matrix)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("term", ["(1 | `{}`/c)", "(1 | c/`{}`)", "(x || c:`{}`) + (1 | `{}`)"])
def test_nesting_and_joins_with_such_a_factor_give_the_groups_of_a_plain_name(name: str, term: str) -> None:
    design = bm.prepare("y ~ x + " + term.format(name, name), rows(name))
    plain = bm.prepare("y ~ x + " + term.format("g", "g"), rows(name).rename(columns={name: "g"}))
    assert [group.levels for group in design.mu.groups] == [group.levels for group in plain.mu.groups]
    assert [group.factors for group in design.mu.groups] == [
        tuple(name if column == "g" else column for column in group.factors) for group in plain.mu.groups
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_spec_with_such_a_factor_and_its_prior_comes_back_from_its_formula_and_its_file(name: str, tmp_path) -> None:
    spec = bm.from_formula(f"y ~ x + (1 | `{name}`/c)", priors={f"sd_{name}": "HalfNormal(3)"})
    assert bm.from_formula(**spec.as_formula()) == spec
    save_spec(spec, tmp_path / "spec.toml")
    assert load_spec(tmp_path / "spec.toml") == spec
    design = bm.prepare(spec, rows(name))
    assert "HalfNormal(3)" in {str(entry.prior) for entry in design.priors.values()}


def test_a_column_and_a_combination_with_one_name_are_refused_together() -> None:
    data = rows("a:b").assign(a="1", b="2")
    with pytest.raises(bm.errors.SpecError, match="would both have the name"):
        bm.prepare("y ~ x + (1 | `a:b`) + (1 | a:b)", data)


def test_a_joined_name_that_is_one_column_asks_for_backticks() -> None:
    with pytest.raises(bm.errors.SpecError, match=r"\(1 \| `a:b`\)"):
        bm.prepare("y ~ x + (1 | a:b)", rows("a:b"))


JOINT = "VarianceSplit(total=HalfStudentT(4, 0, 1), shares=Dirichlet(1, 1))"
MODELS = {
    "correlated": ("y ~ x + (x | GROUP)", {}),
    "two predictors": ("y ~ x + (x || GROUP) + (1 | OTHER)", {"sigma": "~ x"}),
    "split": ("y ~ x + (x | GROUP)", {"priors": {"variance": JOINT}}),
    "explained": ("y ~ x + (1 | GROUP)", {"priors": {"variance": "R2D2M2(R2=Beta(1, 1), shares=Dirichlet(0.5))"}}),
    "horseshoe": ("y ~ x + (1 | GROUP)", {"priors": {"coefficients": "Horseshoe(relevant=0.5)"}}),
}


@pytest.mark.parametrize("model", MODELS)
def test_no_factor_takes_the_name_of_a_variable_or_dimension_of_a_model(model: str) -> None:
    formula, options = MODELS[model]
    data = rows("GROUP").rename(columns={"c": "OTHER"})
    built = bm.build(bm.prepare(formula, data, **options))
    used = {*built.named_vars, *built.coords, *(dim for dims in built.named_vars_to_dims.values() for dim in dims)}
    own = {name for name in used if "GROUP" not in name and "OTHER" not in name} - {"y"}
    assert {"beta", "sigma"} & own
    assert [name for name in own if safe_name(name) == name and name != "beta_sigma"] == []


def test_names_of_parameters_and_dimensions_end_in_a_sign_and_others_stay() -> None:
    parameters = {parameter.name for family in bm.FAMILIES.values() for parameter in family.parameters}
    for name in (*parameters, "row", "cut", "chain", "draw", "sample", "beta"):
        assert safe_name(name) == f"{name}_"
    assert safe_name("sigmas") == "sigmas"


@pytest.mark.parametrize("name", ["variance_total", "beta_coordinate"])
def test_a_factor_or_response_with_the_name_of_a_variable_of_a_joint_prior_is_modelled(name: str) -> None:
    bm.build(bm.prepare(f"y ~ x + (x | {name})", rows(name), priors={"variance": JOINT}))
    bm.build(bm.prepare(f"{name} ~ x + (x | c)", rows("g").rename(columns={"y": name}), priors={"variance": JOINT}))


@pytest.mark.parametrize("name", ["a/b", "a:b", "x~y"])
def test_a_factor_of_any_name_is_made_fixed_and_random_again(name: str) -> None:
    spec = bm.from_formula(f"y ~ x + (1 + x | `{name}`)")
    fixed = spec.as_fixed(name)
    assert fixed.factors == (name,)
    assert [term.name for term in fixed.as_random(name).predictors["mu"][1:]] == [name]


@pytest.mark.parametrize("level", ["o'neil", "b]", "T.b", "(0, 9]", "a:b", "x, y", 'say "b"'])
def test_priors_of_a_level_with_signs_follow_the_terms_of_their_factor(level: str) -> None:
    key = f"beta[f[T.{level}]]"
    spec = bm.from_formula("y ~ x + f + x:f + (1 | g)", priors={key: "Normal(0, 3)"})
    assert key in spec.update("~ . - x:f").priors
    with pytest.warns(bm.errors.StatisticsWarning, match="were dropped: their terms were removed"):
        assert key not in spec.update("~ . - f - x:f").priors


@pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
@pytest.mark.parametrize(
    "name", ["a/b", "a, b", "[z", "Intercept", "sample", "draw", "sigma", "row", "obs", "beta", "sd_c", "c_effect"]
)
def test_a_fit_of_such_a_factor_is_saved_read_and_summarised(name: str, tmp_path) -> None:
    data = rows(name)
    design = bm.prepare(f"y ~ x + (1 | c) + (x | c:`{name}`)", data)
    blocks = design.mu.groups
    sds = {design.mu.sd(group): 0.5 for group in blocks} | {design.mu.corr(blocks[1]): np.eye(2)}
    fit = fit_at(design, {"sigma": 1.0, **sds}, jitter=0.05)
    bm.save_fit(fit, tmp_path / "fit.nc")
    again = bm.load_fit(tmp_path / "fit.nc")
    new = data.head(3).assign(**{name: ["new", "0", "newer"]})
    for one in (bm.predict(fit, new, groups="new", seed=1), bm.predict(again, new, groups="new", seed=1)):
        assert np.isfinite(one["mean"].values).all()
    assert np.array_equal(bm.predict(fit)["mean"].values, bm.predict(again)["mean"].values)
    factor = f"c:{name}"
    for table in (bm.shrinkage(fit, factor), bm.group_effects(fit)):
        assert factor in set(table["term"])
    assert factor in str(bm.icc(fit))
    assert bm.hypothesis(fit, f"sd_{factor}[x] > 0").table["probability"].item() == 1.0
    assert bm.loo(fit, unit=factor).elpd_i.sizes
    truth = {"beta": 0.0, f"sd_{factor}": 0.5, "sd_c": 1.0, f"corr_{factor}": 0.2, "sigma": 1.0}
    assert len(bm.simulate(design.spec, data=data, truth=truth, seed=1).data) == len(data)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "Intercept"])
def test_keys_of_priors_take_names_in_backticks_and_without(name: str) -> None:
    keys = [f"beta[`{name}`]", f"beta[x:`{name}`]", f"sd_g[`{name}`]"]
    given = bm.from_formula(f"y ~ x*`{name}` + (`{name}` | g)", priors=dict.fromkeys(keys, 1.5)).priors
    assert list(given) == [f"beta[{name}]", f"beta[x:{name}]", f"sd_g[{name}]"]
    groups = [bm.from_formula(f"y ~ (1 | `{name}`)", priors={f"sd_{n}": 2}).priors for n in (name, f"`{name}`")]
    assert groups[0] == groups[1]


@pytest.mark.parametrize("label", ["f[T.`b`]", "f[`b`]", "I(`a/b` ** 2)", "`Intercept`", "f[T.q:`b]"])
def test_backticks_that_belong_to_a_label_stay(label: str) -> None:
    assert list(bm.from_formula("y ~ 1", priors={f"beta[{label}]": 1.5}).priors) == [f"beta[{label}]"]


@cache
def told(name: str) -> dict[str, pd.DataFrame]:
    """Return tables of a fit with a grouping factor of a name."""
    data = rows(name).rename(columns={"y": "row" if name == "sigma" else "sigma"})
    response = "row" if name == "sigma" else "sigma"
    design = bm.prepare(f"{response} ~ x + (x | `{name}`) + (1 | c)", data)
    first, second = design.mu.groups
    values = {design.mu.sd(first): 0.5, design.mu.corr(first): np.eye(2), design.mu.sd(second): 0.3, "sigma": 1.0}
    fit = fit_at(design, values, jitter=0.05)
    assert {*bm.build(design).coords} >= {first.dim, second.dim}
    new = data.head(4).assign(**{name: list("pqrs")})
    predicted = bm.predict(fit, new, groups={name: "new", "c": "existing"}, seed=2)["mean"]
    return {
        "effects": bm.group_effects(fit),
        "shrinkage": bm.shrinkage(fit, name),
        "components": bm.variance_components(fit),
        "ranks": bm.group_ranks(fit, name).table,
        "left out": bm.loo(fit, unit=name).elpd_i.to_series().reset_index(drop=True).to_frame(),
        "rows left out": bm.loo(fit, unit="observation").elpd_i.to_series().reset_index(drop=True).to_frame(),
        "predicted": predicted.mean(("chain", "draw")).to_series().to_frame(),
        "shares": bm.icc(fit),
    }


@pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
@pytest.mark.parametrize("name", ["sigma", "row", "a, b"])
def test_results_do_not_depend_on_the_name_and_tables_keep_it(name: str) -> None:
    found, plain = told(name), told("herd")
    for what, table in found.items():
        pd.testing.assert_frame_equal(table, plain[what].replace("herd", name, regex=True), check_names=False, obj=what)
