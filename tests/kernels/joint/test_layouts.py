"""Every number that is sampled has one coordinate, wherever the layout places it."""

import numpy as np
from coordinate_models import each_model, laid_out


@each_model
def test_a_layout_places_every_coordinate_once_and_knows_its_maps(formula, family, further):
    layout = laid_out(formula, family, further)
    effects = [np.arange(layout.dimension)[t.effects] for p in layout.predictors.values() for t in p.terms]
    places = np.concatenate([*(slots.own for slots in layout.slots), *effects])
    assert sorted(places) == list(range(layout.dimension))
    point = np.random.default_rng(1).normal(0, 0.5, layout.dimension)
    for slots in layout.slots:
        values = slots.read(point)
        again = np.zeros(layout.dimension)
        slots.write(again, values)
        np.testing.assert_allclose(again[slots.own], point[slots.own], atol=1e-12)
        np.testing.assert_array_equal(values[~slots.free], slots.fixed[~slots.free])


@each_model
def test_a_layout_of_some_coordinates_reads_the_same_numbers(formula, family, further):
    layout = laid_out(formula, family, further)
    kept = layout.outer[::-1].copy()
    point = np.random.default_rng(2).normal(0, 0.5, layout.dimension)
    reduced = layout.among(kept)
    assert reduced.dimension == len(kept)
    pairs = zip(reduced.covariances, layout.covariances, strict=True)
    for found, expected in [*pairs, *((reduced.scalars[name], layout.scalars[name]) for name in layout.scalars)]:
        np.testing.assert_array_equal(found.read(point[kept]), expected.read(point))


def test_effects_whose_levels_rows_take_one_come_first_then_the_larger_ones():
    from bayesmixed.kernels.joint.layouts import order_groups

    design = laid_out("y ~ s(z, k=5) + (1 | g) + (1 | h)", "gaussian", {}).design
    assert [block.name for block in order_groups(design)] == ["h", "g", "s(z)"]
