"""Log prior densities at coordinates: sums of SciPy's densities on the scales on which priors are stated."""

import numpy as np
import pytest

import bayesmixed as bm
from bayesmixed.errors import SpecError
from bayesmixed.estimation.log_priors import LogPrior
from bayesmixed.kernels.joint.layouts import lay_out_coordinates

PLACES = np.arange(24)
ROWS = {"y": PLACES % 7 + 0.5, "x": np.cos(PLACES.astype(float)), "g": np.array(list("abcdef"))[PLACES % 6]}
SPLIT = {"variance": "VarianceSplit(total=HalfNormal(2), shares=Dirichlet(1, 2))"}


@pytest.mark.parametrize("priors", [{}, {"sd_g": 0.5, "sigma": "PC(2, 0.1)"}, SPLIT], ids=["default", "fixed", "split"])
def test_the_density_is_the_sum_over_parameters(priors):
    design = bm.prepare("y ~ x + (1 | g)", ROWS, priors=priors)
    layout = lay_out_coordinates(design, {})
    points = np.random.default_rng(1).normal(0.0, 0.5, (3, layout.dimension))
    predictor = layout.predictors["mu"]
    values = dict(zip(design.mu.keys, predictor.beta.read(points).T, strict=True))
    values |= {
        "sd_g[Intercept]": predictor.terms[0].sd.read(points)[:, 0],
        "sigma": layout.scalars["sigma"].read(points)[:, 0],
    }
    alone = {key: value for key, value in values.items() if design.split is None or not design.split.holds(key)}
    known = {key: design.priors[key].prior for key in alone if design.priors[key].prior.name != "Fixed"}
    expected = sum(prior.frozen().logpdf(values[key]) for key, prior in known.items())
    if design.split is not None:
        pair = [values[key][:, None, None] ** 2 for key in ("sd_g[Intercept]", "sigma")]
        expected = expected + design.split.log_density(pair)
    assert LogPrior(layout)(points) == pytest.approx(expected)


def test_a_prior_with_scales_of_its_own_has_no_density_of_the_parameters():
    design = bm.prepare("y ~ x + (1 | g)", ROWS, priors={"variance": "R2D2M2()"})
    with pytest.raises(SpecError, match="there is no mode under it"):
        LogPrior(lay_out_coordinates(design, {}))
