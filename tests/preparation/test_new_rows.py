"""Rows to predict need neither a response nor labels of groups whose effects do not enter."""

import warnings

import numpy as np
import pandas as pd
import pytest
from fixed_draws import fit_at

import bayesmixed as bm

N = 48
GENERATOR = np.random.default_rng(5)
TABLE = pd.DataFrame(
    {
        "k": GENERATOR.poisson(3, N),
        "x": GENERATOR.normal(size=N),
        "base": GENERATOR.uniform(1, 2, N),
        "a": np.repeat(list("uvwxyz"), 8),
        "b": np.tile(np.repeat(["1", "2", "3", "4"], 2), 6),
        "m1": np.resize(list("pqrst"), N),
        "m2": np.resize(list("rstpq"), N),
        "size": 20,
    }
)
pytestmark = pytest.mark.filterwarnings("ignore::bayesmixed.errors.StatisticsWarning")


def fitted(formula, family, **values):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bm.StatisticsWarning)
        design = bm.prepare(formula, TABLE, family=family)
    at = {"beta": 0.3, **values}
    at |= {name: 0.7 for _, block in design.group_blocks() for name in [f"sd_{block.name}"]}
    return fit_at(design, at)


NESTED = fitted("k ~ x + (1 + x | a/b)", "poisson", **{"corr_a": 0.2, "corr_a:b": 0.1})
MEMBERS = fitted("k ~ x + (1 | mm(m1, m2))", "poisson")
MEANS = fitted("k ~ within(x, a) + between(x, a) + (1 | a) + (1 | b)", "poisson")
SHARES = fitted("k | trials(size) ~ x + (1 | a)", "binomial")
GROUPING = {"a": ["a", "b"], "m": ["m1", "m2"], "b": ["b"], "s": ["a"]}
FITS = {"a": NESTED, "m": MEMBERS, "b": MEANS, "s": SHARES}


@pytest.mark.parametrize("mode", ["typical", "average"])
@pytest.mark.parametrize("kind", ["mean", "linear"])
@pytest.mark.parametrize("fit", FITS)
def test_columns_of_groups_that_do_not_enter_may_be_absent_or_hold_anything(fit, kind, mode):
    groups = {"a": "existing", "b": mode} if fit == "b" else mode
    names, rows = GROUPING[fit], TABLE.head(9)
    whole = bm.predict(FITS[fit], rows, groups=groups, kind=kind)[kind].values
    variants = {
        "absent": rows.drop(columns=names),
        "missing": rows.assign(**dict.fromkeys(names, np.nan)),
        "some missing": rows.assign(**{name: rows[name].where(rows["x"] > 0) for name in names}),
        "unseen": rows.assign(**{name: [f"{name}{k}" for k in range(9)] for name in names}),
        "coded": rows.assign(**{name: rows[name].where(rows["x"] > 0, "n.d.") for name in names}),
    }
    for how, changed in variants.items():
        na = ["n.d."] if how == "coded" else ()
        found = bm.predict(FITS[fit], changed, groups=groups, kind=kind, na=na)[kind].values
        np.testing.assert_allclose(found, whole, rtol=1e-12, err_msg=how)


@pytest.mark.parametrize("mode", ["existing", "new", "any"])
def test_columns_of_groups_that_enter_must_be_there(mode):
    for rows in (TABLE.drop(columns="a"), TABLE.assign(a=np.nan)):
        with pytest.raises((bm.SpecError, bm.DataError), match="'a'"):
            bm.predict(SHARES, rows.head(3), groups=mode)
    with pytest.raises((bm.SpecError, bm.DataError), match="'a'"):
        bm.predict(MEANS, TABLE.drop(columns="a").head(3), groups="typical")


@pytest.mark.parametrize("value", [-7, np.nan, np.inf, "to come", 1.5, None], ids=str)
def test_a_placeholder_response_is_ignored(value):
    rows = TABLE.head(5)
    for fit, groups in ((SHARES, "existing"), (SHARES, "average"), (NESTED, "existing")):
        whole = bm.predict(fit, rows, groups=groups)["mean"].values
        found = bm.predict(fit, rows.assign(k=pd.Series([value] * 5, dtype=object)), groups=groups)["mean"].values
        np.testing.assert_array_equal(found, whole)


def test_a_column_that_the_response_and_a_term_read_is_needed():
    fit = fit_at(bm.prepare("base - x ~ base", TABLE), {"beta": 1.0, "sigma": 1.0})
    rows = TABLE[["base"]].head(4)
    assert bm.predict(fit, rows)["mean"].sizes["row"] == 4
    with pytest.raises(bm.SpecError, match="'base'"):
        bm.predict(fit, TABLE[["x"]].head(4))


def test_a_misspelt_way_to_predict_is_said_before_columns_are():
    with pytest.raises(bm.SpecError, match="Did you mean 'typical'"):
        bm.predict(SHARES, TABLE[["x", "size"]].head(3), groups="typicl")
    with pytest.raises(bm.SpecError, match="not a grouping factor"):
        bm.predict(SHARES, TABLE[["x", "size"]].head(3), groups={"b": "typical"})


def test_what_is_built_on_predictions_needs_no_grouping_column_either():
    plain = TABLE.drop(columns=["a", "b", "k"]).head(6)
    gaussian = fit_at(
        bm.prepare("x ~ base + (base | a)", TABLE), {"beta": 0.3, "sd_a": 0.7, "corr_a": 0.1, "sigma": 1.0}
    )
    full = TABLE.head(6)
    pd.testing.assert_frame_equal(bm.implied_covariance(gaussian, plain), bm.implied_covariance(gaussian, full))
    pd.testing.assert_frame_equal(bm.vpc_curve(gaussian, "base", data=plain), bm.vpc_curve(gaussian, "base", data=full))
    for groups in ("typical", "average"):
        found, meant = (bm.slopes(SHARES, "x", data=rows, groups=groups).table for rows in (plain, full))
        pd.testing.assert_frame_equal(found, meant)
