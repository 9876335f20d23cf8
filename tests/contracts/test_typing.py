"""Type checkers see the signatures of all public names."""

import ast
from pathlib import Path

import pytest
from mypy import api

import bayesmixed as bm

RIGHT = """
import pandas as pd
import xarray as xr
import bayesmixed as bm

herds: pd.DataFrame = bm.datasets.load("cbpp")
spec: bm.ModelSpec = bm.from_formula("incidence | trials(size) ~ period + (1 | herd)", family="binomial")
print(bm.check_data(spec, herds), bm.prior_table(spec, herds), bm.__version__)
fit: bm.Fit = bm.fit(spec, herds, priors={"sd_herd": "HalfNormal(1)"}, draws=500, seed=1, progress=False)
means: pd.DataFrame = bm.marginal_means(fit, "period").table
estimates: pd.DataFrame = bm.tidy(fit)
tables: list[pd.DataFrame] = [bm.icc(fit), bm.group_effects(fit, "herd"), bm.population_effects(fit, draws=False)]
draws: xr.Dataset = bm.icc(fit, draws=True)
bm.plot_effects(fit).savefig("effects.png")
bm.save_fit(fit, "herds.nc")
again: bm.Fit = bm.load_fit("herds.nc", bm.Fit)
joint: bm.JointFit = bm.load_fit("both.nc", bm.JointFit)
whichever: bm.Fit | bm.JointFit = bm.load_fit("herds.nc")
"""
WRONG = {
    "bm.fitt": 'has no attribute "fitt"',
    'bm.fit("y ~ x", {}, chains="four")': 'No overload variant of "fit"',  # another one takes several responses
    'bm.fit("y ~ x", {}, chain=4)': 'No overload variant of "fit"',
    'bm.fit(["y ~ x", "z ~ x"], {}, chain=4)': 'No overload variant of "fit"',
    'bm.marginal_means("herd", "x")': 'Argument 1 to "marginal_means"',
    'bm.load_fit("herds.nc", bm.Fit).desing': 'has no attribute "desing"',
}


@pytest.mark.slow
def test_a_strict_type_checker_finds_what_is_wrong_in_a_script_and_nothing_else(tmp_path):
    file = tmp_path / "script.py"
    file.write_text(RIGHT + "\n".join(WRONG))
    found, problems, _ = api.run([str(file), "--strict", "--config-file=", f"--cache-dir={tmp_path / 'cache'}"])
    assert not problems
    errors = [line for line in found.splitlines() if ": error: " in line]
    assert len(errors) == len(WRONG), found
    for error, (line, said) in zip(errors, enumerate(WRONG.values(), RIGHT.count("\n") + 1), strict=True):
        assert f"script.py:{line}: error" in error
        assert said in error


def test_every_line_of_the_stub_names_a_public_thing():
    tree = ast.parse(Path(bm.__file__).with_suffix(".pyi").read_text())
    names = [alias.asname for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert sorted(names) == sorted(bm.__all__)
