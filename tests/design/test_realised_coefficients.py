"""Joint priors of coefficients on data: terms and the variance of their columns, and what is refused."""

import numpy as np
import pytest

import bayesmixed as bm
from bayesmixed.errors import SpecError

PLACES = np.arange(48)
ROWS = {
    "y": PLACES % 7 + 0.5,
    "count": PLACES % 5,
    "x": np.sin(PLACES.astype(float)),
    "z": np.cos(2.0 * PLACES) * 3.0,
    "w": 1.0 + PLACES % 3,
    "f": np.array(list("pqr"))[PLACES % 7 % 3],
    "g": np.array(list("abcdef"))[PLACES % 6],
}
R2 = {"variance": "R2D2M2()"}
SHRUNKEN = {"coefficients": "Horseshoe(relevant=2)"}


def test_every_term_has_one_share_with_the_variance_of_its_columns():
    design = bm.prepare("y ~ f * x + z + (x | g)", ROWS, priors=R2)
    joint = design.joint_priors["R2D2M2"]
    assert [part.name for part in joint.parts] == ["f", "x", "z", "f:x", "g"]
    assert joint.shares == (0.5,) * 5
    assert joint.parts[2].moments[0][0] == pytest.approx(np.var(ROWS["z"]))
    columns = design.mu.centred_matrix
    own = [k for k, key in enumerate(design.mu.keys) if key.startswith("beta[f:x")]
    assert joint.parts[3].moments[0][0] == pytest.approx(columns[:, own].var(axis=0).sum())
    # The same after another coding and unit of the columns.
    other = bm.prepare("y ~ C(f, Treatment('q')) * x + z + (x | g)", {**ROWS, "z": ROWS["z"] * 1000}, priors=R2)
    found = [prior.frozen().ppf(0.9) for prior in other.coefficient_priors(other.mu)]
    expected = [prior.frozen().ppf(0.9) for prior in design.coefficient_priors(design.mu)]
    ratios = np.array(found) / expected
    assert sorted(np.round(ratios, 6)) == pytest.approx(sorted([1.0] * (len(found) - 1) + [0.001]))


@pytest.mark.parametrize(
    ("formula", "priors", "options", "fragment"),
    [
        ("count ~ x + (1 | g)", R2, {"family": "poisson"}, "R2D2M2 is for Gaussian models"),
        ("y ~ x", R2, {"family": "student"}, "R2D2M2 is for Gaussian models"),
        ("y ~ x", R2, {"family": "lognormal"}, "R2D2M2 is for Gaussian models"),
        ("y ~ x", R2, {"link": "log"}, "R2D2M2 is for Gaussian models"),
        ("y ~ x", R2, {"sigma": "~ x"}, "'sigma' has a predictor"),
        ("y ~ x", {**R2, "sigma": 2}, {}, "'sigma' is fixed by a number"),
        ('y | weights(w, "precision") ~ x', R2, {}, "differs between rows of different weights"),
        ("y ~ 1", R2, {}, "the model has no term"),
        ("y ~ 0 + x", R2, {}, "leaves the intercept out, and this formula has none"),
        ("y ~ x + z", {**R2, "beta[z]": "Normal(0, 1)"}, {}, "Prior for 'beta[z]': the joint prior 'variance'"),
        ("y ~ x + z", {**R2, "beta": "Normal(0, 1)"}, {}, "Prior for 'beta': the joint prior 'variance'"),
        ("y ~ x + (1 | g)", {**R2, "sd_g": "HalfNormal(1)"}, {}, "Prior for 'sd_g': the joint prior 'variance'"),
        ("y ~ x + z", {**R2, **SHRUNKEN}, {}, "leave 'coefficients' out"),
        ("y ~ x + z", {"variance": "R2D2M2(shares=Dirichlet(1, 2, 3))"}, {}, "3 shares, and the model 2 parts: 'x', 'z'"),
        ("y ~ x + z", SHRUNKEN, {}, "below the number of all of them, 2"),
        ("y ~ x + z + f", {**SHRUNKEN, "beta[x]": "Normal(0, 1)"}, {}, "Prior for 'beta[x]': the joint prior 'coefficients'"),
    ],
)  # fmt: skip
def test_what_a_joint_prior_is_not_for_is_refused_with_the_reason(formula, priors, options, fragment):
    with pytest.raises(SpecError) as error:
        bm.prepare(formula, ROWS, priors=priors, **options)
    assert fragment in str(error.value)


def test_the_scale_of_the_horseshoe_follows_from_the_number_of_large_coefficients():
    design = bm.prepare(
        "y ~ x + z + f + (1 | g)",
        ROWS,
        priors={"coefficients": "Horseshoe(relevant=1)", "beta[Intercept]": "Normal(0, 5)"},
    )
    joint = design.joint_priors["Horseshoe"]
    assert joint.scale == pytest.approx(1 / 3 / np.sqrt(48))
    assert joint.sigma == design.priors["sigma"].prior
    assert joint.unit("beta[z]") == pytest.approx(np.std(ROWS["z"]))
    counted = bm.prepare("count ~ x + z + f", ROWS, family="poisson", priors=SHRUNKEN).joint_priors["Horseshoe"]
    assert (counted.sigma, counted.slab, counted.scale) == (None, 1.0, pytest.approx(1 / np.sqrt(48)))
    known = bm.prepare("y ~ x + z + f", ROWS, priors={**SHRUNKEN, "sigma": 2}).joint_priors["Horseshoe"]
    assert known.scale == pytest.approx(2 / np.sqrt(48))


def test_other_engines_say_that_these_priors_are_not_compiled():
    for priors in (R2, SHRUNKEN):
        design = bm.prepare("y ~ x + z + f + (1 | g)", ROWS, priors=priors)
        (name,) = design.joint_priors
        for engine in ("collapsed", "marginal", "kernel"):
            assert name in bm.ENGINES[engine].supports(design)
        assert bm.ENGINES["pymc"].supports(design) is None
