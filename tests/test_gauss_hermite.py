"""Rules for normal numbers give the moments of these, and their coarser rules those of lower degree."""

import numpy as np
import pytest

from bayesmixed.gauss_hermite import check_ratios, expect, hermite_rule, product_rule


def test_expectations_are_moments_of_independent_normal_numbers():
    assert float(expect(lambda z: z[0] ** 4 * z[1] ** 2, 2, 7)) == pytest.approx(3.0)
    assert float(expect(lambda z: np.exp(z[0]), 1, 21)) == pytest.approx(np.exp(0.5))
    assert float(expect(lambda z: 7.0 + len(z), 0, 5)) == 7.0
    assert sum(weight for _, weight in product_rule(5, 3)) == pytest.approx(1.0)


@pytest.mark.parametrize("nodes", [7, 15])
def test_coarser_rules_are_exact_for_polynomials_of_lower_degree(nodes):
    points, weights = hermite_rule(nodes)
    ratios = check_ratios(nodes, 1)
    assert ratios.shape == (2, nodes)
    inner = nodes - 2 * max(1, nodes // 4) - 2
    for ratio in ratios:
        for degree, moment in ((0, 1.0), (1, 0.0), (2, 1.0), (inner - 1, None)):
            exact = float(weights @ points**degree) if moment is None else moment
            assert float((weights * ratio) @ points**degree) == pytest.approx(exact, abs=1e-8 * max(1.0, abs(exact)))
