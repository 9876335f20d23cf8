"""What is lost with missing values, by Rubin's rules."""

from dataclasses import replace

import numpy as np
import pytest
from fixed_draws import fit_at
from imputed import imputed_tables
from scipy import stats
from weighted_rows import prepared

import bayesmixed as bm
from bayesmixed.draws.pooled import pool_draws


def test_intervals_are_those_of_rubins_rules():
    tables = imputed_tables(3, rows=40)
    fits = [
        fit_at(prepared("y ~ x", one), {"beta": k, "sigma": 1.0}, jitter=0.5)
        for k, one in zip((0, 1, 2), tables, strict=True)
    ]
    settings = replace(fits[0].settings, chains=6, tables=3)
    table = bm.missing_information(
        replace(fits[0], draws=pool_draws([one.draws for one in fits]), settings=settings)
    ).set_index("parameter")
    slopes = np.stack([one.posterior["beta"].values[..., 1].ravel() for one in fits])
    within, between = slopes.var(axis=1, ddof=1).mean(), slopes.mean(axis=1).var(ddof=1)
    total = within + 4 / 3 * between
    degrees = 2 * (total / (total - within)) ** 2
    step = stats.t(degrees).ppf(0.975) * np.sqrt(total)
    found = table.loc["beta[x]", ["mean", "within", "between", "df", "lower", "upper"]].to_numpy(dtype=float)
    mean = slopes.mean()
    assert found == pytest.approx([mean, within**0.5, between**0.5, degrees, mean - step, mean + step])
    assert 0.8 < table.loc["beta[x]", "lost"] < 1.0
    assert table.loc["sigma", "lost"] < 0.2
