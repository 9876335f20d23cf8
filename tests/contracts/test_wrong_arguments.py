"""Public functions given something of another kind, or impossible values: one error of ours, or an answer."""

import inspect
import random
from functools import cache
from types import FunctionType

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.errors import BayesMixedError

FORMULA = "y ~ f + x + between(x, g) + s(z, k=4) + (1 + x | g)"
SIMPLE = "y ~ x + (1 | g)"
BOTH = ["y ~ x + (1 |p| g)", "z ~ x + (1 |p| g)"]
QUICK = {"chains": 1, "draws": 3, "tune": 3, "progress": False, "seed": 1}
TRUTH = {"beta[Intercept]": 0, "beta[x]": 1, "sd_g[Intercept]": 1, "sigma": 1}
OPTIONS = {"family": "gaussian", "priors": {}, "link": "identity", "links": {}, "factors": (), "crossed": ()}
OPTIONS |= {"empty_cells": "error", "functions": {}}
# Arguments beside those that have a default, and values with which one is read or a run is short.
GIVEN = {
    "from_formula": {"formula": SIMPLE},
    "from_r": {"call": "lmer(y ~ x + (1 | g), data = d)"},
    "load_spec": {"source": "herd"},
    "read_table": {"path": "table.csv"},
    "prepare": OPTIONS,
    "prepare_joint": {"models": BOTH},
    "check_data": OPTIONS,
    "prior_table": OPTIONS,
    "fit": QUICK,
    "fit_many": {**QUICK, "by": "f", "processes": 1},
    "sample": QUICK,
    "extend": {"draws": 3, "progress": False},
    "refit": {
        **QUICK,
        "engine": "collapsed",
        "parameterisation": "auto",
        "store": "auto",
        "missing": "error",
        "cores": 1,
    },
    "load_fit": {"path": "fit.nc"},
    "predict": {"draws": 5},
    "simulate": {"truth": TRUTH, "family": "gaussian"},
    "compare_pooling": QUICK,
    "loo": {"unit": "observation"},
    "kfold": {"by": "g", "k": 2},
    "compare_models": {"unit": "observation"},
    "influence": {"group": "g"},
    "calibrate": {**QUICK, "n": 1},
    "verify": {"refits": 0, "progress": False},
    "screen": {"specs": [SIMPLE], "draws": 60, "progress": False},
    "contextual_effect": {"column": "x", "group": "g"},
    "marginal_means": {"effect": "f", "at": {"x": 0}},
    "conditional_effects": {"effect": "x", "at": {"f": "a"}},
    "plot_conditional_effects": {"effect": "x"},
    "plot_surface": {"effect": "x:z"},
    "plot_pairs": {"parameters": "sd_g"},
    "contrasts": {"effect": "f", "rope": (-1, 1)},
    "hypothesis": {"statements": "beta[x] > 0"},
    "compare_priors": {**QUICK, "sets": {"a": {}, "b": "wide"}, "quantities": {"s": "sigma"}},
    "sweep_priors": {**QUICK, "key": "sigma", "priors": ["HalfNormal(1)", "HalfNormal(2)"]},
    "prior_predictive": {"draws": 5},
    "elicit": {"icc": (0.1, 0.6)},
    "approximate": {"method": "joint"},
    "ladder": {"posterior": False, "draws": 3, "progress": False},
    "restricted_mean": {"until": 2.0},
    "posterior_checks": {"draws": 5},
    "plot_posterior_checks": {"draws": 5},
    "group_ranks": {"effect": "Intercept"},
    "datasets.load": {"name": "cbpp"},
    "Fit.to_latex": {},
    "Fit.to_datatree": {},
    "Design.to_latex": {},
    "ModelSpec.to_latex": {},
    "ModelSpec.update": {"text": "~ . - x"},
    "ModelSpec.as_fixed": {"name": "g"},
    "ModelSpec.as_random": {"name": "f"},
    "ModelSpec.link": {"parameter": "mu"},
    "ModelSpec.replace": dict.fromkeys(bm.ModelSpec.model_fields),
    "Fixed": {"formula": "1 + x"},
    "Group": {"by": "g", "formula": "1", "covariance": "unstructured"},
    "Monotonic": {"x": "x", "shares": (1.0,), "levels": ()},
    "MultiMembership": {"by": ("a", "b"), "weights": (), "scale": True},
    "StudentGroup": {"by": "g"},
    "TypedGroup": {"by": "g", "types": "f"},
    "Related": {"by": "g", "relation": "A", "form": "cov"},
    "Offset": {"expression": "x"},
    "Smooth": {"x": "x", "k": 5, "by": "", "bs": "tp"},
    "GaussianProcess": {"x": "x", "z": "z", "k": (5, 5), "c": 1.5, "cov": "exp_quad", "period": 0.0},
    "TensorSmooth": {"x": "x", "z": "z", "k": (5, 5), "bs": ("cr", "cr"), "interaction": False},
    "FactorSmooth": {"x": "x", "by": "g", "k": 5},
    "Censoring": {"column": "s", "upper": "u"},
    "Truncation": {"lower": 0.0, "upper": 9.0},
    "Residual": {"covariance": "ar1", "place": "t", "by": "g", "as_levels": False},
    "Weights": {"column": "w", "kind": "precision"},
    "Prior": {"name": "Normal", "arguments": (0, 1)},
    "Imputation": {"formula": "~ x", "family": "gaussian"},
}
MADE = {
    **dict.fromkeys(
        ("survival", "plot_survival", "restricted_mean"),
        lambda rows, short: {
            "fit": bm.fit("t ~ x", rows.assign(t=1.0 + rows["x"] ** 2), family="exponential", **short)
        },
    ),
    "build_joint": lambda rows, _: {"design": bm.prepare_joint(BOTH, rows)},
    "missing_information": lambda rows, short: {"fit": bm.fit(SIMPLE, [rows, rows], **short)},
    **dict.fromkeys(("imputations", "imputation_models"), lambda rows, _: {"fit": _with_missing_values(rows)}),
    "monotonic_effects": lambda rows, _: {
        "fit": fit_at(bm.prepare("y ~ mo(n)", rows.assign(n=rows.index % 3)), {"sigma": 1.0})
    },
    "heterogeneity": lambda rows, short: {"fit": bm.fit("y | se(s) ~ 1 + (1 | g)", rows.assign(s=1.0), **short)},
    "evidence": lambda rows, short: {"fits": bm.fit(SIMPLE, rows, engine="marginal", **short)},
    "plot_prior_comparison": lambda rows, short: {
        "comparison": bm.compare_priors(SIMPLE, rows, {"a": {}, "b": "wide"}, **short)
    },
    "plot_multiverse": lambda rows, short: {
        "multiverse": bm.compare_priors(SIMPLE, rows, {"a": {}}, structures={"b": "y ~ x"}, **short | {"draws": 25})
    },
    "plot_poolings": lambda rows, short: {"comparison": bm.compare_pooling(SIMPLE, rows, **short)},
    "plot_calibration": lambda rows, short: {"calibration": bm.calibrate(SIMPLE, data=rows, n=1, **short)},
    "plot_ladder": lambda rows, _: {"ladder": bm.ladder(SIMPLE, rows, draws=3, posterior=False)},
    "plot_missing": lambda rows, _: {"report": bm.check_data(SIMPLE, rows.assign(x=rows["x"].where(rows["x"] < 1.0)))},
    "plot_elicited": lambda rows, _: {"elicited": bm.elicit(SIMPLE, rows, icc=(0.1, 0.6))},
    "plot_prior_predictive": lambda rows, _: {"prior": bm.prior_predictive(FORMULA, rows, draws=20)},
}


def _with_missing_values(rows):
    """Return a fit whose column x has missing values."""
    design = bm.prepare("y ~ mi(x)", rows.assign(x=rows["x"].where(rows["x"] < 1.0)))
    return fit_at(design, {"sigma": 1.0}, jitter=0.1)


SAMPLED = 2
"""Values tried for each argument; with 0 all of them are, which takes some minutes."""
FUNCTIONS = [name for name in bm.__all__ if isinstance(getattr(bm, name), FunctionType)]
NAMES = sorted({*GIVEN, *FUNCTIONS})


@cache
def things():
    """Return what functions take, by the names of their arguments."""
    generator = np.random.default_rng(1)
    rows = pd.DataFrame({"x": generator.normal(size=48), "z": generator.uniform(size=48)})
    rows = rows.assign(f=np.tile(list("abc"), 16), g=np.repeat(list("ABCDEFGH"), 6), y=generator.normal(size=48))
    design = bm.prepare(FORMULA, rows)
    fit = fit_at(design, {"sd_g": [1.0, 0.5], "sigma": 1.0, "sd_s(z)": 1.0, "corr_g": np.eye(2)}, jitter=0.1)
    return {"spec": SIMPLE, "data": rows, "design": design, "fit": fit, "fits": {"a": fit, "b": fit}, "path": "written"}


def valid_call(name):
    """Return a function with arguments that it takes."""
    found, shared = bm, dict(things())
    rows, short = shared["data"], QUICK | {"draws": 20}
    if name in ("fit", "sample", "refit", "extend", "kfold", "verify"):
        shared["design"] = bm.prepare(SIMPLE, rows)
        shared["fit"] = fit_at(shared["design"], {"sd_g": 1.0, "sigma": 1.0}, jitter=0.1)
    if name == "save_spec":
        shared["spec"] = bm.from_formula(FORMULA)
    if name in MADE:
        shared |= MADE[name](rows, short)
    objects = {"Fit": shared["fit"], "Design": shared["design"], "ModelSpec": bm.from_formula(FORMULA)}
    for part in name.split("."):
        found = objects.get(part) or getattr(found, part)
    if isinstance(found, type) or name == "ModelSpec.replace":
        spec = objects["ModelSpec"]
        return found, {key: getattr(spec, key) for key in GIVEN[name]} if "replace" in name else GIVEN[name]
    arguments = dict(GIVEN.get(name, {}))
    for parameter in inspect.signature(found).parameters.values():
        if parameter.kind is not parameter.VAR_KEYWORD and parameter.name not in arguments:
            default = parameter.default
            asked = default is parameter.empty or (parameter.name == "data" and "spec" in arguments)
            arguments[parameter.name] = shared[parameter.name] if asked else default
    return found, arguments


def hostile():
    """Return values that are hardly ever right, by text."""
    fit = things()["fit"]
    values = [None, 5, -1, 0, 2.5, float("nan"), float("inf"), -(10**30), 10**30, "", "x", "no such", "a\0b", "é`\"'"]
    values += ["x" * 5000, b"x", True, [], [1, None], ["x", ["y"]], {}, {"x": None}, {1: 2}, {"x": "no"}, {"x": []}]
    values += [{"x": float("nan")}, {"f": ["a", "zz"]}, {"g": "new"}, {"a"}, ("a", "b", "c"), range(3), iter("ab")]
    values += [object(), lambda *_, **__: None, int, 1j, np.array([1.0, 2.0]), np.array("x"), np.int8(1), pd.NA]
    return [*values, pd.Series([1, 2]), pd.DataFrame({"x": [1.0]}), pd.DataFrame(), fit, fit.design, fit.design.spec]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES)
def test_whatever_a_public_function_is_given_it_answers_or_raises_our_error(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if name == "load_fit":
        bm.save_fit(things()["fit"], "fit.nc")
    things()["data"].to_csv("table.csv", index=False)
    call, arguments = valid_call(name)
    call(**arguments)
    draw = random.Random(name)
    for argument in sorted(arguments.keys() - {"client"}):  # dask's, which takes seconds to start
        for value in draw.sample(hostile(), SAMPLED or len(hostile())):
            try:
                call(**{**arguments, argument: value})
            except BayesMixedError as error:
                said = str(error)
                assert len(said) < 1000
            except BaseException as error:
                error.add_note(f"bm.{name}({argument}={value!r})")
                raise
    plt.close("all")


@pytest.mark.parametrize("given", [None, -1.5, "x", [1, 2], {"a": 1}, pd.DataFrame(), SIMPLE], ids=str)
def test_what_is_no_fit_no_design_and_no_comparison_is_refused_in_one_sentence(given):
    for function in (getattr(bm, name) for name in FUNCTIONS):
        parameters = inspect.signature(function).parameters.values()
        first = next((one.name for one in parameters), None)
        if first not in ("fit", "fits", "design", "comparison", "calibration", "prior"):
            continue
        if "pooling_curve" in function.__name__ and isinstance(given, float):
            continue
        needed = [one.name for one in parameters if one.default is one.empty]
        with pytest.raises(bm.SpecError, match=rf"^{first} must be a .*, not .*\.$"):
            function(given, **{other: "x" for other in needed if other not in (first, "settings")})
