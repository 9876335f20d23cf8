"""Models of columns have variables of their own."""

import pytest
from incomplete import incomplete_table, quietly

import bayesmixed as bm
from bayesmixed.design.latent_columns import refuse_latent


def test_the_model_of_a_column_has_names_of_its_own():
    design = quietly("y ~ mi(x) + (1 | g)", incomplete_table(), impute={"x": "~ z + (1 | g)"})
    own = design.latent[0].design
    keys = "beta_of_x[Intercept_centred] beta_of_x[z] sd_g_of_x[Intercept] beta_of_x_sigma[Intercept]"
    assert " ".join(map(str, own.priors)) == keys
    assert own.mu.b(own.mu.groups[0]) == "b_g_of_x"
    assert "3 values of 'x' are drawn" in design.notes[-1]


def test_designs_without_such_columns_pass():
    refuse_latent((), "This")
    design = quietly("y ~ mi(x)", incomplete_table())
    with pytest.raises(
        bm.SpecError, match="A command needs all values of the columns, and true values of 'x' are drawn"
    ):
        refuse_latent(design.latent, "A command")
    assert (design.latent[0].imputed, design.latent[0].dim) == ("imputed_x", "imputed_x_row")
