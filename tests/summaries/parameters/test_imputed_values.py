"""The table of values that were not in the data, and of the models behind them."""

import numpy as np
import pytest
from fixed_draws import fit_at
from incomplete import incomplete_table, quietly

import bayesmixed as bm
from bayesmixed.errors import SpecError
from bayesmixed.fits.refitting import change_design


def test_missing_responses_alone_leave_all_else_as_it_was():
    data = incomplete_table()
    data.loc[[2, 3], "y"] = np.nan
    design = quietly("y ~ z + (1 | g)", data, missing="impute")
    fit = fit_at(design, {"beta": [1.0, 2.0], "sigma": 0.1, "sd_g": 1.0})
    assert fit.unsettled == ""
    found = bm.imputations(fit).table
    assert found["row"].tolist() == [2, 3]
    assert found["mean"].to_numpy() == pytest.approx(1.0 + 2.0 * data["z"][[2, 3]].to_numpy(), abs=0.1)
    bm.icc(fit)
    again, _ = change_design(design, {"sigma": "HalfNormal(1)"})
    assert list(again.withheld.index) == [2, 3]
    with pytest.raises(SpecError, match="No value was drawn"):
        bm.imputations(bm.load_fit("herd_period"))
    with pytest.raises(SpecError, match="No column has a model of its own"):
        bm.imputation_models(fit)


def test_values_and_models_of_columns_are_those_of_the_draws():
    design = quietly(
        "y ~ mi(x) + me(w, sd)", incomplete_table().assign(w=1.0 + np.arange(24.0)), impute={"x": "~ z + (1 | g)"}
    )
    values = {
        "imputed_x": [1.0, 2.0, 3.0],
        "imputed_w": np.arange(24.0),
        "beta_of_x": [4.0, 5.0],
        "sd_g_of_x": 6.0,
        "sigma": 1.0,
    }
    fit = fit_at(design, values)
    found = bm.imputations(fit).table
    assert found["mean"].tolist() == [1.0, 2.0, 3.0, *np.arange(24.0)]
    assert found["column"].tolist() == ["x"] * 3 + ["w"] * 24
    table = bm.imputation_models(fit)
    assert table["column"].tolist() == ["x"] * 4 + ["w"] * 2
    assert table["parameter"].tolist()[:3] == ["beta_of_x[Intercept]", "beta_of_x[z]", "sd_g_of_x[Intercept]"]
    assert table["mean"].tolist()[:3] == [4.0, 5.0, 6.0]
