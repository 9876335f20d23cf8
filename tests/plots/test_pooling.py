"""The shrinkage picture holds what the table holds."""

import numpy as np
import pytest
from conftest import classic
from fixed_draws import fit_at

import bayesmixed as bm


def test_one_column_shows_every_group_with_its_label():
    spec = bm.from_formula("incidence | trials(size) ~ 1 + (1 | herd)", family="binomial")
    fit = fit_at(bm.prepare(spec, classic("lme4", "cbpp")), {"beta": -2.0, "sd_herd": 0.8}, jitter=0.1)
    axes = bm.plot_shrinkage(fit).axes[0]
    labels = {text.get_text() for text in axes.get_yticklabels()}
    assert labels == {f"{row.level} (n={row.rows})" for row in bm.shrinkage(fit).itertuples()}
    table = bm.shrinkage(fit).sort_values("mean")
    drawn = [
        np.asarray(collection.get_offsets()) for collection in axes.collections if len(collection.get_offsets()) == 15
    ]
    assert any(np.allclose(points[:, 0], table["no_pooling"]) for points in drawn)
    assert any(np.allclose(points[:, 0], table["mean"]) for points in drawn)


def test_two_columns_show_an_arrow_for_each_group():
    design = bm.prepare("Reaction ~ Days + (Days | Subject)", classic("lme4", "sleepstudy"))
    values = {"beta": [251.4, 10.5], "sd_Subject": [25.0, 6.0], "corr_Subject": np.eye(2), "sigma": 25.6}
    axes = bm.plot_shrinkage(fit_at(design, values, jitter=0.1)).axes[0]
    arrows = [text for text in axes.texts if text.arrow_patch is not None]
    assert len(arrows) == 18


def test_many_groups_are_drawn_without_labels():
    data = {"y": np.random.default_rng(1).normal(size=400), "g": np.repeat(np.arange(200), 2)}
    fit = fit_at(bm.prepare("y ~ 1 + (1 | g)", data), {"sd_g": 0.5, "sigma": 1.0}, jitter=0.01)
    axes = bm.plot_shrinkage(fit).axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == []


def test_three_columns_are_refused():
    data = {
        "y": np.arange(60.0) % 7,
        "x": np.tile(np.arange(6.0), 10),
        "z": np.arange(60.0) % 5,
        "g": np.repeat(np.arange(10), 6),
    }
    fit = fit_at(bm.prepare("y ~ x + z + (x + z | g)", data), {"sd_g": 1.0, "sigma": 1.0, "corr_g": np.eye(3)})
    with pytest.raises(bm.SpecError, match="one or two columns"):
        bm.plot_shrinkage(fit)
