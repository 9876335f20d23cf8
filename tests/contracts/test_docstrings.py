"""Every public name has an example in its docstring, which runs and shows what it says."""

import doctest

import pytest

import bayesmixed as bm

PUBLIC = {name: getattr(bm, name) for name in bm._PUBLIC}
PUBLIC |= {f"datasets.{name}": getattr(bm.datasets, name) for name in ("list", "load")}
EXPLAINED = {name: thing for name, thing in PUBLIC.items() if callable(thing)}


def read_examples(name):
    finder = doctest.DocTestFinder(recurse=False)
    return [test for test in finder.find(EXPLAINED[name], name, globs={}) if test.examples]


def samples(name):
    return any("progress=False" in example.source for test in read_examples(name) for example in test.examples)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if samples(name) else ()) for name in sorted(EXPLAINED)]
)
def test_a_public_name_has_an_example_that_shows_what_it_says(name):
    tests = read_examples(name)
    assert tests, f"bm.{name} has no example"
    for test in tests:
        said: list[str] = []
        assert doctest.DocTestRunner().run(test, out=said.append).failed == 0, "".join(said)


@pytest.mark.slow
def test_the_shipped_fit_is_the_one_that_its_command_makes():
    shipped = bm.load_fit("herd_period")
    again = bm.fit("herd_period", bm.datasets.load("cbpp"), draws=400, seed=3, progress=False)
    first, second = (bm.tidy(fit).set_index("term") for fit in (shipped, again))
    error = (first["std.error"] ** 2 / first["ess"] + second["std.error"] ** 2 / second["ess"]) ** 0.5
    assert ((first["estimate"] - second["estimate"]).abs() < 4 * error).all()
    assert shipped.design.spec == again.design.spec
    assert bm.diagnose(shipped).ok
