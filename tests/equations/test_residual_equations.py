"""Equations of correlated residuals, with and without data."""

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.equations import write_equations


@pytest.mark.parametrize(
    ("residual", "said"),
    [
        ("ar1(t | s)", ["Cor(ε_k, ε_l) = ρ_residual^|k-l|", "ρ_residual", "k, l in"]),
        ("ou(t | s)", ["exp(-d_kl/range_residual)", "range_residual"]),
        ("us(t | s)", ["Cor(ε_k, ε_l) = R_residual,kl", "LKJ", "rows k, l of one s"]),
        ("homcs(1 | s)", ["Cor(ε_k, ε_l) = ρ_residual"]),
        ("homtoep(t | s)", ["r_residual,|k-l|", "priors are of partial correlations", "ρ1_residual"]),
    ],
)
def test_correlations_and_their_priors_are_shown(residual: str, said: list[str]) -> None:
    data = pd.DataFrame({"s": np.repeat(list("abcde"), 4), "t": np.tile(np.arange(4), 5)})
    data["y"] = np.random.default_rng(1).normal(size=20)
    spec = bm.from_formula("y ~ 1", residual=residual)
    for text in (write_equations(spec), write_equations(bm.prepare(spec, data))):
        assert all(words in " ".join(text.split()) for words in said), text
    assert "residual" in spec._repr_html_()


def test_a_multivariate_t_and_a_given_prior_are_told() -> None:
    spec = bm.from_formula("y ~ 1", residual="ar1(t | s)", family="student", priors={"ar1_residual": "Uniform(0, 1)"})
    text = write_equations(spec)
    assert "together multivariate t" in text
    assert "Uniform(0, 1)" in text
    assert "given by the user" in text
