"""Specs, designs and fits travel between processes and are copied."""

import copy
import pickle
import subprocess
import sys

import pytest
import xarray as xr
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.families import FAMILIES
from bayesmixed.families.links import LINKS, latent_link

DATA = {
    "y": [1, 2, 3, 2, 1, 3, 2, 2, 1, 3, 2, 1],
    "z": [0.5, 1.5, 2.0, 4.0, 1.0, 2.5, 3.5, 0.7, 1.2, 2.2, 0.9, 1.1],
    "x": [0.1, 0.4, 0.2, 0.9, 0.3, 0.8, 0.7, 0.6, 0.5, 0.35, 0.45, 0.75],
    "g": list("aabbccddeeff"),
}
MODELS = [
    ("z ~ poly(x, 2) + (1 + x | g)", {}),
    ("z ~ s(x) + (1 | g)", {"family": "gamma"}),
    ("y ~ x + (1 | g)", {"family": "negbin", "link": "sqrt"}),
    ("y ~ x + (1 | g)", {"family": "cumulative", "link": "probit"}),
]


def _fit(formula, options):
    return fit_at(bm.prepare(bm.from_formula(formula, **options), DATA), {"sigma": 1.0}, jitter=0.01)


@pytest.mark.parametrize("twice", [lambda value: pickle.loads(pickle.dumps(value)), copy.deepcopy, copy.copy])
@pytest.mark.parametrize(("formula", "options"), MODELS)
def test_a_fit_that_was_pickled_or_copied_predicts_the_same(formula, options, twice):
    fit = _fit(formula, options)
    again = twice(fit)
    assert again.design.spec == fit.design.spec == twice(fit.design.spec)
    assert again.design.family.name == fit.design.family.name
    assert [p.link for p in again.design.predictors.values()] == [p.link for p in fit.design.predictors.values()]
    assert again.design.priors == fit.design.priors == twice(fit.design).priors
    new = {"x": [0.2, 0.9], "g": ["a", "b"]}
    xr.testing.assert_equal(bm.predict(again, new), bm.predict(fit, new))


@pytest.mark.parametrize("family", FAMILIES.values(), ids=list(FAMILIES))
def test_families_are_pickled_by_name(family):
    assert pickle.loads(pickle.dumps(family)) is family
    assert copy.deepcopy(family) is family


@pytest.mark.parametrize("link", LINKS.values(), ids=list(LINKS))
def test_links_are_pickled_by_name(link):
    assert pickle.loads(pickle.dumps(link)) is link
    assert copy.deepcopy(latent_link(link)) == latent_link(link)


def test_fits_designs_specs_and_functions_go_to_another_process_and_come_back(tmp_path):
    fit = _fit(*MODELS[3])
    (tmp_path / "there").write_bytes(pickle.dumps((fit, fit.design, fit.design.spec, bm.predict, bm.sample)))
    code = "import pickle, sys; open(sys.argv[2], 'wb').write(pickle.dumps(pickle.load(open(sys.argv[1], 'rb'))))"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "there"), str(tmp_path / "back")], check=True)
    again, design, spec, *functions = pickle.loads((tmp_path / "back").read_bytes())
    assert functions == [bm.predict, bm.sample]
    assert (str(again), spec, design.categories) == (str(fit), fit.design.spec, fit.design.categories)
    assert design.family.cuts == fit.design.family.cuts
    xr.testing.assert_equal(again.posterior, fit.posterior)
    xr.testing.assert_equal(bm.predict(again, {"x": [0.2], "g": ["a"]}), bm.predict(fit, {"x": [0.2], "g": ["a"]}))
