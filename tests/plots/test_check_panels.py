"""Panels that show a response beside its replicates: what is drawn, against counts and quantiles by hand."""

import numpy as np
import pytest

from bayesmixed.plots.check_panels import Panel, draw_density, draw_ecdf, draw_pit, draw_pit_in_sample, draw_rootogram
from bayesmixed.plots.figures import new_figure

COUNTS = np.array([0, 0, 1, 3, 3, 3, 5])
MADE = np.random.default_rng(1).poisson(2.0, (200, 7))


def drawn(draw, observed, replicated=MADE):
    axes = new_figure(4, 3).add_subplot()
    draw(axes, Panel("", np.asarray(observed, dtype=float), np.asarray(replicated, dtype=float)), "y")
    return axes


def test_bars_of_a_rootogram_are_roots_of_frequencies_and_its_points_medians_of_the_replicates():
    axes = drawn(draw_rootogram, COUNTS)
    heights = [bar.get_height() ** 2 for bar in axes.patches]
    assert heights[:6] == pytest.approx(np.bincount(COUNTS))
    at, height = axes.lines[0].get_data()
    medians = [np.median(np.sum(value == MADE, axis=1)) for value in at]
    np.testing.assert_allclose(np.square(height), medians, atol=1e-12)


def test_many_values_are_counted_in_bins_that_miss_none():
    axes = drawn(draw_rootogram, np.arange(0, 500, 7), np.tile(np.arange(0, 500, 7), (3, 1)))
    assert sum(bar.get_height() ** 2 for bar in axes.patches) == pytest.approx(72)
    assert axes.get_xlabel() == f"y (bins of {round(axes.patches[0].get_width() / 0.85)})"
    assert len(axes.patches) <= 41


def test_the_ecdf_steps_at_the_data_within_the_quantiles_of_the_replicates():
    axes = drawn(draw_ecdf, COUNTS)
    at, height = axes.lines[0].get_data()
    np.testing.assert_allclose(height, [np.mean(value >= COUNTS) for value in at])
    shares = np.mean(MADE[:, :, None] <= at, axis=1)
    band = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert band.max() == pytest.approx(np.quantile(shares, 0.975, axis=0).max())
    assert band.min() == pytest.approx(np.quantile(shares, 0.025, axis=0).min())


def test_the_density_of_normal_data_is_the_normal_density():
    generator = np.random.default_rng(2)
    axes = drawn(draw_density, generator.standard_normal(4000), generator.standard_normal((80, 200)))
    assert len(axes.lines) == 51
    at, height = axes.lines[-1].get_data()
    np.testing.assert_allclose(height, np.exp(-(at**2) / 2) / np.sqrt(2 * np.pi), atol=0.04)


@pytest.mark.parametrize(
    ("values", "verdict"),
    [((np.arange(100) + 0.5) / 100, "inside the band"), (np.linspace(0.4, 0.6, 100), "% of the curve outside")],
)
def test_pit_values_are_judged_by_a_band_only_where_rows_are_predicted_from_the_others(values, verdict):
    judged, shown = drawn(draw_pit, values), drawn(draw_pit_in_sample, values)
    assert verdict in judged.texts[0].get_text()
    assert "no verdict" in shown.texts[0].get_text()
    assert (len(judged.collections), len(shown.collections)) == (1, 0)
    at, height = shown.lines[1].get_data()
    np.testing.assert_allclose(height, np.mean(values[:, None] <= at, axis=0) - at, atol=1e-12)
