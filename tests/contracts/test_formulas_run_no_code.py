"""Formulas are data: whatever they hold, they run no code, write no file and end in one of our errors."""

import json
import time

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at

import bayesmixed as bm
from bayesmixed.errors import BayesMixedError
from bayesmixed.fits.checksums import checksums
from bayesmixed.spec.files import spec_from_toml

ROWS = pd.DataFrame(
    {
        "y": np.arange(12.0) % 5 + 0.1,
        "x": np.arange(12.0) ** 1.5,
        "k": np.arange(12) % 4,
        "g": list("abcabcabcabc"),
    }
)

# CANARY stands for the path of a file that no attempt may make.
ATTEMPTS = [
    "I(x + np.__builtins__['__import__']('os').system('touch CANARY'))",
    "np.__builtins__['__import__']('os').system('touch CANARY')",
    "I(x + __import__('os').system('touch CANARY'))",
    "__import__('os').system('touch CANARY')",
    'I(eval(\'open("CANARY", "w")\'))',
    'I(exec(\'open("CANARY", "w")\'))',
    'eval(\'open("CANARY", "w")\')',
    "I(open('CANARY', 'w'))",
    "open('CANARY', 'w')",
    "I(compile('open(\"CANARY\",\"w\")', 'a', 'exec'))",
    "(x).to_csv('CANARY')",
    "I((x).to_csv('CANARY'))",
    "I(x.to_csv('CANARY'))",
    "x.to_csv('CANARY')",
    "I(x).to_csv('CANARY')",
    "log(x).tofile('CANARY')",
    "I((x + 1).to_pickle('CANARY'))",
    "np.savetxt('CANARY', x)",
    "I(np.savetxt('CANARY', x))",
    "np.save('CANARY', x)",
    "np.load('CANARY', allow_pickle=True)",
    "I(np.load('CANARY', allow_pickle=True))",
    "np.fromfile('CANARY')",
    "np.memmap('CANARY', mode='w+', shape=(3,))",
    "np.lib.format.open_memmap('CANARY', mode='w+', shape=(3,))",
    "np.genfromtxt('CANARY')",
    "np.os.system('touch CANARY')",
    "I(np.os.system('touch CANARY'))",
    'np.testing.measure(\'open("CANARY", "w")\')',
    "np.vectorize(open)('CANARY', 'w')",
    "np.frompyfunc(open, 2, 1)('CANARY', 'w')",
    "I(np.array([1]).tofile('CANARY'))",
    "I(x.__class__)",
    "I(x.__array__.__globals__)",
    "I(().__class__.__bases__[0].__subclasses__())",
    "I([].__class__)",
    "I({}.__class__)",
    "I(x[0])",
    "x[0]",
    "I(x[[open('CANARY', 'w')]])",
    "I([open('CANARY', 'w') for i in x])",
    "I((lambda: open('CANARY', 'w'))())",
    "I((v := open('CANARY', 'w')))",
    "I(open('CANARY', 'w') if x else 1)",
    'I(f\'{open("CANARY", "w")}\')',
    "I(x, *[open('CANARY', 'w')])",
    "I(x, **{'a': open('CANARY', 'w')})",
    "poly(x, degree=open('CANARY', 'w'))",
    "bs(x, knots=[open('CANARY', 'w')])",
    "C(g, contr.custom(open('CANARY', 'w')))",
    "C(g, open('CANARY', 'w'))",
    "C(g, Treatment(open('CANARY', 'w')))",
    "C(g, np.os.system('touch CANARY'))",
    "C(g, levels=open('CANARY', 'w'))",
    "C(g, contr.__dict__)",
    "C(open('CANARY', 'w'))",
    "Q(\"x'); open('CANARY', 'w'); ('\")",
    "{open('CANARY', 'w')}",
    "{x.to_csv('CANARY')}",
    "`x`.to_csv('CANARY')",
    "I(`x`.to_csv('CANARY'))",
    "hashed(x, hash_func=open('CANARY', 'w'))",
    "within(x, open('CANARY', 'w'))",
    "scale(x).to_csv('CANARY')",
    "I(x); open('CANARY', 'w')",
    "I(x)\nopen('CANARY', 'w')",
    "I(x) #\nopen('CANARY', 'w')",
    "I(getattr(x, 'to_csv')('CANARY'))",
    "I(globals())",
    "I(breakpoint())",
]
PLACES = {
    "a population term": "y ~ k + {}",
    "an interaction": "y ~ k:{}",
    "a group term": "y ~ k + (0 + {} | g)",
    "an offset": "y ~ k + offset({})",
    "the response": "{} ~ k",
    "a smooth": "y ~ k + s({}, k=4)",
    "a factor of a smooth": "y ~ s(x, k=4, by={})",
    "trials": "y | trials({}) ~ k",
    "weights": 'y | weights({}, "precision") ~ k',
    "a group": "y ~ k + (1 | {})",
}


@pytest.mark.parametrize("place", PLACES)
def test_no_attempt_to_run_code_from_a_formula_does_more_than_raise_our_error(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert len(ATTEMPTS) >= 60
    for attempt in ATTEMPTS:
        formula = PLACES[place].format(attempt.replace("CANARY", str(tmp_path / "canary")))
        with pytest.raises(BayesMixedError):
            bm.prepare(formula, ROWS)
        assert not list(tmp_path.iterdir()), formula


# Texts that are no formulas: Python, R and shells, templates, and signs that other languages read in another way.
TEXTS = [
    "__import__('os').system('touch CANARY')",
    "open('CANARY','w')",
    "(lambda: open('CANARY','w'))()",
    "{open('CANARY','w')}",
    "{{ open('CANARY','w') }}",
    "${open('CANARY','w')}",
    "x.pipe(open('CANARY','w'))",
    "x if open('CANARY','w') else x",
    "*[open('CANARY','w')]",
    "x\u2028open('CANARY','w')",
    "ｏｐｅｎ('CANARY','w')",
    "x |> open('CANARY','w')",
    "$(touch CANARY)",
    "`; touch CANARY`",
    "system('touch CANARY')",
    "log.__self__",
]
USES = {
    "key of a prior": lambda text, fit: bm.prepare("y ~ x", ROWS, priors={f"beta[{text}]": "Normal(0, 1)"}),
    "prior": lambda text, fit: bm.prepare("y ~ x", ROWS, priors={"sigma": text}),
    "argument of a prior": lambda text, fit: bm.prepare("y ~ x", ROWS, priors={"sigma": f"HalfNormal({text})"}),
    "predictor": lambda text, fit: bm.prepare("y ~ x", ROWS, sigma=f"~ {text}"),
    "statement": lambda text, fit: bm.hypothesis(fit, f"beta[x] > {text}"),
    "label in a statement": lambda text, fit: bm.hypothesis(fit, f"beta[{text}] > 0"),
    "quantity": lambda text, fit: bm.prior_sensitivity(fit, quantities={"a": text}),
    "effect": lambda text, fit: bm.contrasts(fit, text),
    "method": lambda text, fit: bm.contrasts(fit, "k", method=text),
    "reference": lambda text, fit: bm.contrasts(fit, "g", method="reference", reference=text),
    "held column": lambda text, fit: bm.conditional_effects(fit, "x", at={text: 1}),
    "held value": lambda text, fit: bm.marginal_means(fit, "x", at={"x": text}),
    "group": lambda text, fit: bm.shrinkage(fit, text),
    "update": lambda text, fit: bm.prepare(fit.design.spec.update(f"~ . + {text}"), ROWS),
    "function": lambda text, fit: bm.from_formula("y ~ x", functions={text: abs}),
    "true value": lambda text, fit: bm.simulate("y ~ x", data=ROWS, truth={text: 1.0}),
    "family": lambda text, fit: bm.from_formula("y ~ x", family=text),
    "link": lambda text, fit: bm.from_formula("y ~ x", link=text),
    "engine": lambda text, fit: bm.sample(fit.design, engine=text),
    "factor": lambda text, fit: bm.prepare("y ~ x", ROWS, factors=[text]),
    "data set": lambda text, fit: bm.datasets.load(text),
    "spec": lambda text, fit: bm.load_spec(text),
    "fit": lambda text, fit: bm.load_fit(text),
    "simulated column": lambda text, fit: simulated(f"columns.x = {{ normal = [{json.dumps(text)}, 1] }}"),
    "simulated group": lambda text, fit: simulated(f"groups.g = {{ count = {json.dumps(text)} }}"),
}


def simulated(plan):
    """Return what a spec file with a line under [simulation] makes."""
    return bm.simulate(spec_from_toml(f'formula = "y ~ x"\n[simulation]\n{plan}'), data=ROWS, seed=1)


@pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")
@pytest.mark.parametrize("use", USES)
def test_no_text_that_is_no_formula_does_more_than_raise_our_error(use, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fit = fit_at(bm.prepare("y ~ x + (1 | g)", ROWS), {"sigma": 1.0, "sd_g": 1.0}, jitter=0.1)
    for text in TEXTS:
        with pytest.raises(BayesMixedError):
            USES[use](text.replace("CANARY", str(tmp_path / "canary")), fit)
        assert not list(tmp_path.iterdir()), text


def test_spec_files_run_no_code(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for attempt in ATTEMPTS:
        term = attempt.replace("CANARY", "canary").replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        for text in (
            f'formula = "y ~ k + {term}"',
            f'response = "{term}"\n[[predictors.mu]]\nkind = "fixed"\nformula = "1"',
            f'response = "y"\n[[predictors.mu]]\nkind = "offset"\nexpression = "{term}"',
            f'response = "y"\n[[predictors.mu]]\nkind = "smooth"\nx = "{term}"',
            f'response = "y"\n[[predictors.mu]]\nkind = "group"\nby = "g"\nformula = "0 + {term}"',
        ):
            with pytest.raises(BayesMixedError):
                bm.prepare(spec_from_toml(text), ROWS)
            with pytest.raises(BayesMixedError):
                bm.simulate(spec_from_toml(text), data=ROWS, seed=1)
            assert not list(tmp_path.iterdir()), text


@pytest.mark.parametrize(
    "term",
    [
        "I(x**(9**9**9))",
        "I(x + 9**9**9)",
        "np.zeros((100000, 10000))",
        "I(1 << 10**10)",
        "I(" + "-" * 3000 + "x)",
        "-" * 3000 + "x",
        "I(" + "(" * 3000 + "x" + ")" * 3000 + ")",
        "(" * 3000 + "x" + ")" * 3000,
        "I(" + "!" * 3000 + "x)",
        "I(" + " + ".join(["x"] * 3000) + ")",
        "I(" + " ** ".join(["2"] * 300) + ")",
        "I(x * " + "9" * 5000 + ")",
        "I(" + "sqrt(" * 200 + "x" + ")" * 200 + ")",
        "(x + k + g)**9999999999",
        "((x + k + g)**19)**19",
        "(" + " + ".join(f"I(x*{i})" for i in range(60)) + ")**9",
        "*".join(f"I(x*{i})" for i in range(40)),
        "poly(x, 10**9)",
        "bs(x, df=1000000000)",
        "ns(x, df=1000000000)",
        "cut(x, 1000000000)",
        "I(round(x, 10000000000))",
        "I(x" + " " * 100_000 + ")",
        "`" + "a" * 100_000 + "`",
        "'" * 3001,
    ],
    ids=range(25),
)
def test_formulas_without_measure_are_refused_at_once(term):
    bm.prepare("y ~ k", ROWS)  # what is imported at the first call takes longer
    started = time.process_time()
    with pytest.raises(BayesMixedError) as refusal:
        bm.prepare(f"y ~ k + {term}", ROWS)
    assert time.process_time() - started < 5.0
    assert len(str(refusal.value)) < 1_000


@pytest.mark.parametrize("mended", [False, True], ids=["as edited", "with new checksums"])
@pytest.mark.parametrize(
    "attempt", [ATTEMPTS[0], "np.load('CANARY', allow_pickle=True)", "I((period).to_csv('CANARY'))"]
)
def test_an_edited_fit_file_runs_no_code(attempt, mended, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "files").mkdir()
    path = bm.save_fit(bm.load_fit("herd_period"), tmp_path / "files" / "fit.nc")
    edit_formula(path, attempt.replace("CANARY", str(tmp_path / "canary")), mended=mended)
    with pytest.raises(BayesMixedError, match=r"fit\.nc' cannot be loaded: "):
        bm.load_fit(path)
    with pytest.raises(BayesMixedError, match=r"fit\.nc' cannot be loaded: "):
        bm.load_fit(path, verify=False)
    assert [file.name for file in tmp_path.iterdir()] == ["files"]
    assert [file.name for file in (tmp_path / "files").iterdir()] == ["fit.nc"]


def edit_formula(path, term, *, mended):
    """Write a term into the formula of a fit file, and checksums that agree with it if asked for."""
    import h5py
    import xarray as xr

    with h5py.File(path, "r+") as file:
        text = str(file.attrs["spec"])
        escaped = term.replace("\\", "\\\\").replace('"', '\\"')
        changed = text.replace("1 + period", f"1 + period + {escaped}")
        assert changed != text
        file.attrs["spec"] = changed
    if mended:
        with xr.open_datatree(path, engine="h5netcdf") as opened:
            tree = opened.load()
        del tree.attrs["sha256"]
        with h5py.File(path, "r+") as file:
            file.attrs["sha256"] = json.dumps(checksums(tree))
