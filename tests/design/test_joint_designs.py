"""Names of variables of several responses, and which columns of a common matrix are whose."""

import numpy as np
import pytest
from joint_models import prepared, table

import bayesmixed as bm
from bayesmixed.design.joint_designs import own_places
from bayesmixed.draws.tree import draw_names


def test_variables_end_in_their_response_and_common_correlations_do_not():
    design = prepared(rescor=True)
    assert {name: draw_names(one) for name, one in design.named.items()} == {
        "y1": ("beta_y1", "sd_g_y1", "corr_g", "b_g_y1", "sigma_y1"),
        "y2": ("beta_y2", "sd_g_y2", "corr_g", "b_g_y2", "sigma_y2"),
    }
    assert design.matrices["corr_g"].labels == ("y1[Intercept]", "y1[x]", "y2[Intercept]")
    assert design.matrices["rescor"].labels == ("y1", "y2")
    assert [len(design), list(design), design["y1"].rows] == [2, ["y1", "y2"], 40]
    with pytest.raises(bm.SpecError, match="no response 'y3'"):
        design["y3"]


@pytest.mark.filterwarnings("ignore::bayesmixed.StatisticsWarning")
def test_responses_are_found_as_they_are_written():
    data = table().assign(u=1, v=2, w=np.arange(40) % 4)
    design = prepared(data, ("y1 ~ x", "cbind(u, v, w) ~ z"), family=["gaussian", "multinomial"])
    assert design["cbind(u, v, w)"] is design["cbind(u,v,w)"] is design[list(design)[1]]


def test_blocks_of_a_response_are_its_columns_of_the_matrix():
    models = [bm.from_formula("y1 ~ x + (1 |p| g)", sigma="~ (1 |p| g)"), "y2 ~ z + (1 + z |p| g)"]
    design = bm.prepare_joint(models, table())
    matrix, members = design.matrices["corr_g"], design.members()["corr_g"]
    assert matrix.labels == ("y1[Intercept]", "y1.sigma[Intercept]", "y2[Intercept]", "y2[z]")
    assert [own_places(matrix, members, name) for name in design] == [[0, 1], [2, 3]]
    assert [design.blocks(name) for name in design] == [{"corr_g"}, {"corr_g"}]
    # Each block of 2 of 4 columns under LKJ(eta): eta + 1.
    eta = design.priors["corr_g"].prior.arguments[0]
    assert all(part.priors["corr_g"].prior.arguments == (eta + 1.0,) for part in design.parts.values())


def test_the_prior_of_a_block_is_that_of_the_block_of_random_matrices():
    generator, eta, count = np.random.default_rng(2), 1.5, 40_000
    # Matrices of three columns from their partial correlations, as in Lewandowski, Kurowicka & Joe (2009).
    first, second = (2.0 * generator.beta(eta + 0.5, eta + 0.5, (2, count))) - 1.0
    rest = 2.0 * generator.beta(eta, eta, count) - 1.0
    last = first * second + rest * np.sqrt((1.0 - first**2) * (1.0 - second**2))
    own = 2.0 * generator.beta(eta + 0.5, eta + 0.5, count) - 1.0  # a block of two of three: eta + 1/2
    levels = [0.05, 0.25, 0.5, 0.75, 0.95]
    np.testing.assert_allclose(np.quantile(last, levels), np.quantile(own, levels), atol=0.02)


def test_matrices_of_one_response_keep_their_name():
    models = ["y1 ~ x + (1 + x | g)", "y2 ~ z + (1 | g)"]
    with pytest.warns(bm.StatisticsWarning, match="Nothing ties 'y1', 'y2'"):
        design = bm.prepare_joint(models, table())
    assert "corr_g_y1" in draw_names(design.named["y1"])
    assert design.matrices == {}
