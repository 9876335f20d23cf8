"""All engines that can sample a model agree within Monte Carlo error, on real data; by hand, because PyTensor compiles."""

import warnings

import numpy as np
import pytest
from conftest import classic

import bayesmixed as bm

pytestmark = pytest.mark.calibration

SIGMAS = 5.0

SPLIT = {"variance": "VarianceSplit(total=HalfStudentT(4, 0, 50), shares=Dirichlet(1, 1))"}
MODELS = [
    ("lme4", "sleepstudy", "Reaction ~ Days + (Days | Subject)", "gaussian", {}),
    ("lme4", "sleepstudy", "Reaction ~ Days + (Days | Subject)", "gaussian", {"priors": SPLIT}),
    ("lme4", "Pastes", "strength ~ 1 + (1 | batch/cask)", "gaussian", {}),
    ("lme4", "Penicillin", "diameter ~ 1 + (1 | plate) + (1 | drug)", "gaussian", {}),
    ("lme4", "Dyestuff", "Yield ~ 1 + (1 | Batch)", "gaussian", {}),
    ("nlme", "Machines", "score ~ Machine + (1 | Worker/Machine)", "gaussian", {}),
    ("datasets", "ChickWeight", "weight ~ Time + (Time | Chick)", "lognormal", {}),
    ("lme4", "cbpp", "incidence | trials(size) ~ factor(period) + (1 | herd)", "binomial", {}),
    ("MASS", "epil", "y ~ lbase + trt + (1 | subject)", "negbin", {}),
    ("betareg", "GasolineYield", "yield ~ temp + (1 | batch)", "beta", {}),
    ("MASS", "bacteria", "(y == 'y') ~ trt + week + (1 | ID)", "bernoulli", {}),
    ("nlme", "RatPupWeight", "weight ~ sex + (1 | Litter)", "gaussian", {"sigma": "~ Treatment"}),
]


def statistics(fit):
    """Return mean, sd and the 5 % and 95 % quantiles of every number, with their Monte Carlo errors."""
    import arviz as az

    posterior = fit.posterior
    found = {}
    for kind, argument in (("mean", {}), ("sd", {}), ("quantile", {"prob": 0.05}), ("quantile", {"prob": 0.95})):
        error = az.mcse(posterior, method=kind, **argument)
        for name, values in posterior.items():
            if kind == "quantile":
                value = values.quantile(argument["prob"], ("chain", "draw"))
            else:
                value = getattr(values, "mean" if kind == "mean" else "std")(("chain", "draw"))
            found[name, kind, *argument.values()] = np.ravel(value), np.ravel(error[name])
    return found


NAMES = [" ".join([name, *further.get("priors", ())]) for _, name, _, _, further in MODELS]


@pytest.mark.parametrize(("package", "name", "formula", "family", "further"), MODELS, ids=NAMES)
def test_engines_agree(package, name, formula, family, further):
    # "sample" is a name that results use themselves.
    data = classic(package, name).rename(columns={"sample": "drug"})
    fits = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        design = bm.prepare(bm.from_formula(formula, family=family, **further), data)
        for engine in bm.ENGINES:
            if bm.ENGINES[engine].supports(design) is None:
                fits[engine] = statistics(bm.sample(design, engine=engine, draws=2000, seed=1, progress=False))
    assert {"kernel", "pymc"} <= set(fits)
    for engine, found in fits.items():
        for key, (value, error) in found.items():
            other, other_error = fits["pymc"][key]
            far = np.abs(value - other) / np.maximum(np.hypot(error, other_error), 1e-12)
            assert np.nanmax(far) < SIGMAS, (engine, key, float(np.nanmax(far)))
