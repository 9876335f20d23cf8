"""A design laid out for the marginal density: rows with frequencies are rows written out."""

from dataclasses import replace

import numpy as np
import pytest
from marginal_designs import one_way, prepared, with_nodes

from bayesmixed.engines.marginal_estimates import find_estimates
from bayesmixed.engines.marginal_layout import lay_out_marginal


def test_frequency_weights_count_rows():
    data = one_way("poisson")
    twice = {name: np.repeat(np.asarray(v), 2) if np.ndim(v) else v for name, v in data.items()}
    weighted = prepared("y | weights(k, 'frequency') ~ 1 + (1 | g)", data | {"k": np.full(20, 2)}, "poisson")
    plain = prepared("y ~ 1 + (1 | g)", twice, "poisson", {k: v.prior for k, v in weighted.priors.items()})
    points, still = np.array([[-1.0], [0.5]]), (np.zeros((2, 1)), np.zeros(2))
    one, other = (with_nodes(find_estimates(lay_out_marginal(design)), 15) for design in (weighted, plain))
    centre = np.repeat(one.centre, len(other.centre) // len(one.centre))
    other = replace(other, mode=one.mode, centre=centre, frozen=one.frozen)
    assert one.estimate(points, *still)[0] == pytest.approx(other.estimate(points, *still)[0], abs=1e-6)
