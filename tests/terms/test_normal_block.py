"""What all blocks of normal effects have in common: shapes, scales and columns at the centre."""

import numpy as np
import pytest
from designs import design_of, small

from bayesmixed.terms.block_parts import ALL

DATA = small(h=list("pqpqpq"), n=[1.0, 2.0, 1.5, 4.0, 3.0, 2.5])


@pytest.fixture(params=["(x | g)", "(1 | h)", "(x || h)", "s(n, k=4)", "obs()"])
def block(request):
    family = "poisson" if request.param == "obs()" else "gaussian"
    (found,) = design_of(f"y ~ x + {request.param}", DATA, family=family).mu.normal_blocks
    return found


def test_columns_at_the_centre_times_effects_are_columns_as_written_times_effects_as_written(block):
    if block.takes != ALL:
        np.testing.assert_allclose(block.matrix @ block.transform, block.centred_matrix, atol=1e-10)
    effects = np.random.default_rng(1).normal(size=(len(block.levels), block.width))
    written = effects @ block.transform.T
    np.testing.assert_allclose(block.contribution(written, written=True), block.contribution(effects), atol=1e-10)


def test_the_size_is_the_number_of_effects(block):
    assert block.size == len(block.levels) * block.width
    assert int(np.prod(block.shape)) == block.size
    assert block.sparse_columns().shape == (6, block.size)
    np.testing.assert_array_equal(block.sparse_columns(slice(1, 3)).toarray(), block.sparse_columns().toarray()[1:3])


def test_the_widest_part_is_that_of_most_correlated_columns(block):
    correlated = [len(part.columns) for part in block.parts if part.correlated]
    assert block.correlated == bool(correlated)
    assert block.widest == max(correlated, default=0)
