"""The picture of the share of the variance between groups."""

import numpy as np
from crossed_fits import crossed_fit

import bayesmixed as bm


def test_the_picture_has_a_curve_for_each_factor():
    fit = crossed_fit("gaussian", formula="~ x + (x | g) + (1 | h)", values={"beta": 0.2, "corr_g": np.eye(2)})
    axes = bm.plot_vpc_curve(fit).axes[0]
    assert [line.get_label() for line in axes.lines] == ["g, 95 %", "h, 95 %"]
    assert axes.get_xlabel() == "x"
