"""Effects of single rows integrated out, beside sums over grids."""

import numpy as np
import pytest
from marginal_designs import FURTHER, one_way, prepared
from scipy import special, stats
from uncompiled import uncompiled

from bayesmixed.engines.marginal_estimates import line_rule
from bayesmixed.engines.marginal_layout import lay_out_marginal
from bayesmixed.kernels.marginal import row_effects
from bayesmixed.kernels.marginal.rows import row_slopes

FAMILIES = ["poisson", "binomial", "negbin", "gamma", "gaussian"]
Z = np.linspace(-16.0, 9.0, 1501)


def layered(family, link=None):
    trials = " | trials(n)" if family == "binomial" else ""
    data = one_way(family) | {"each": np.arange(20).astype(str)}
    known = {"sigma": 2.0} if family == "gaussian" else {}
    layout = lay_out_marginal(prepared(f"y{trials} ~ 1 + (1 | g) + (1 | each)", data, family, known, link))
    assert layout.layer.name == "each"
    assert [group.name for group in layout.groups] == ["g"]
    heavy = np.arange(20) == 3
    return layout.rows._replace(weights=np.where(heavy, 2.5, 1.0), kinds=np.where(heavy, -1, layout.rows.kinds))


def exact(rows, i, further, predictor, sd):
    """Return the log-likelihood of a row with its effect integrated out, and its slope."""
    value = uncompiled(row_slopes)
    with np.errstate(all="ignore"):
        found = [
            value(rows.family, rows.link, rows.response[i], rows.trials[i], further, predictor + sd * z)[:2] for z in Z
        ]
    logs, slopes = rows.weights[i] * np.nan_to_num(np.array(found).T, nan=-1e300, neginf=-1e300, posinf=1e300)
    logs = logs + stats.norm.logpdf(Z) + np.log(Z[1] - Z[0])
    total = special.logsumexp(logs)
    return total, np.sum(np.exp(logs - total) * slopes)


@pytest.mark.parametrize(("family", "link"), [(family, None) for family in FAMILIES] + [("binomial", "cloglog")])
def test_rows_with_their_effect_integrated_out_are_sums_over_a_grid(family, link):
    rows, further = layered(family, link), FURTHER.get(family, {"": 1.0})
    further = next(iter(further.values()))
    space = uncompiled(row_effects.row_space)(rows, line_rule(41))
    for sd in (1e-8, 0.3, 1.0, 2.5):
        uncompiled(row_effects.set_rows)(rows, np.full(20, further), sd, space)
        for i in (0, 3):
            for predictor in (-3.0, 0.1, 1.4, 12.0) if family == "poisson" else (-2.0, 0.3, 1.7):
                value, slope, _, _ = read(rows, i, further, predictor, space)
                if predictor == 12.0 and sd < 1.0:
                    continue
                true, steep = exact(rows, i, further, predictor, sd)
                assert value == pytest.approx(true, abs=2e-4)
                assert slope == pytest.approx(steep, abs=1e-3, rel=1e-3)


def read(rows, i, further, predictor, space):
    found, own = np.empty((4, 1)), np.full(len(rows.response), further)
    uncompiled(row_effects.read_rows)(rows, np.array([i]), np.array([predictor]), own, space, *found)
    return found[:, 0]


def one_by_one(rows, i, predictor, space):
    given = rows.family, rows.link, rows.response[i], rows.trials[i], rows.weights[i], 2.0, predictor, space[0][0]
    return uncompiled(row_effects.integrate_row)(*given, space[1], space[3])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("sd", [1e-8, 0.05, 0.7, 3.0])
def test_derivatives_are_those_of_the_values(family, sd):
    rows, step = layered(family), 1e-3
    space = uncompiled(row_effects.row_space)(rows, line_rule(41))
    uncompiled(row_effects.set_rows)(rows, np.full(20, 2.0), sd, space)
    for i in (0, 3, 11):
        for predictor in (-1.0, 0.4, 1.5):
            here, up, down = (one_by_one(rows, i, predictor + side * step, space) for side in (0.0, 1.0, -1.0))
            for k in range(3):
                assert here[k + 1] == pytest.approx((up[k] - down[k]) / (2.0 * step), rel=1e-3, abs=2e-4)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("sd", [1e-8, 0.2, 1.0, 4.0])
def test_lattices_give_what_rows_give_one_by_one(family, sd):
    rows = layered(family)
    space = uncompiled(row_effects.row_space)(rows, line_rule(27))
    uncompiled(row_effects.set_rows)(rows, np.full(20, 2.0), sd, space)
    assert family == "gaussian" or np.any(rows.kinds >= 0)
    for i in np.flatnonzero(rows.kinds >= 0)[:3]:
        peak = rows.response[i] if family == "gamma" else np.log(rows.response[i] + 0.5)
        for predictor in (peak - 4.1, peak + 0.23, peak + 1.9, peak + 70.0):
            found = read(rows, i, 2.0, predictor, space)
            one = one_by_one(rows, i, predictor, space)
            # At an SD of 4 this many nodes are off by 3e-4 themselves, and the two place them apart.
            assert found[0] == pytest.approx(one[0], abs=2e-5 if sd < 4.0 else 2e-4)
            assert found[1] == pytest.approx(one[1], rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("sd", [0.01, 0.6, 1.5, 3.0])
def test_poisson_rows_with_any_response_share_a_lattice_that_reaches_far(sd):
    rows = layered("poisson")
    rows = rows._replace(response=np.r_[np.zeros(17), 4.0, 60.0, 200.0], kinds=np.zeros(20, dtype=np.int64))
    rows = rows._replace(examples=np.array([19]), weights=np.ones(20))
    space = uncompiled(row_effects.row_space)(rows, line_rule(41))
    uncompiled(row_effects.set_rows)(rows, np.ones(20), sd, space)
    for i in (0, 17, 18, 19):
        for predictor in np.log(rows.response[i] + 0.5) + np.array([-2.3, 0.4, 1.7]):
            found, one = read(rows, i, 1.0, predictor, space), one_by_one(rows, i, predictor, space)
            assert found[0] == pytest.approx(one[0], abs=3e-5)
            assert found[1] == pytest.approx(one[1], rel=1e-3, abs=1e-3)
            assert found[2] == pytest.approx(one[2], rel=1e-2, abs=1e-3)
    # None was integrated by itself.
    assert np.sum(space[2][2]) >= 8


@pytest.mark.parametrize("sd", [1.0, 8.0])
def test_third_derivatives_are_never_larger_than_second_ones(sd):
    """That of the mean of a Poisson row is as large; lattices of wide effects gave far larger ones."""
    rows = layered("poisson")
    space = uncompiled(row_effects.row_space)(rows, line_rule(9))
    uncompiled(row_effects.set_rows)(rows, np.ones(20), sd, space)
    for predictor in np.linspace(-12.0, 6.0, 61):
        _, _, bend, third = read(rows, 0, 1.0, predictor, space)
        assert abs(third) <= -bend
