"""Packed designs: their priors have SciPy's densities, and what is not compiled is refused in words."""

import numpy as np
import pytest
from coordinate_models import MODELS, each_model, laid_out
from scipy import special
from uncompiled import as_records, uncompiled

from bayesmixed.kernels.joint.packed_designs import on_link_scale, pack, pack_priors, unsupported
from bayesmixed.kernels.packing import Block
from bayesmixed.kernels.rows import priors
from bayesmixed.kernels.slots import LOG, Allocation

prior_row, below = uncompiled(priors.prior_row), uncompiled(priors.below)


@each_model
def test_the_priors_of_scalars_sum_to_scipys_densities_with_their_jacobians(formula, family, further):
    layout = laid_out(formula, family, further)
    x = np.random.default_rng(1).normal(0, 0.5, layout.dimension)
    found = 0.0
    for one in pack_priors(layout, Block(), {}):
        number, _, log_rise, _ = below(one["highest"], x[one["slot"]])
        value, _ = prior_row(one["transform"], one["code"], one["a"], one["b"], one["c"], one["factor"] * number)
        found += value + one["constant"] + log_rise
    expected, design = 0.0, layout.design
    for predictor in layout.predictors.values():
        for slot, prior in zip(predictor.beta.places, design.coefficient_priors(predictor.predictor), strict=True):
            expected += prior.frozen().logpdf(x[slot]) if slot >= 0 else 0.0
        for term in predictor.terms:
            for slot, key in zip(term.sd.places, term.sd.names, strict=True):
                expected += design.priors[key].prior.frozen().logpdf(np.exp(x[slot])) + x[slot] if slot >= 0 else 0.0
            for slots in term.partials:
                eta = design.priors[predictor.predictor.corr(term.placement.group)].prior.arguments[0]
                width = len(term.sd)
                depths = [j for i in range(1, width) for j in range(i)]
                for slot, depth in zip(slots.places, depths, strict=True):
                    shape = eta + (width - 2 - depth) / 2
                    expected -= special.betaln(shape, shape) + shape * (
                        np.logaddexp(0, x[slot]) + np.logaddexp(0, -x[slot])
                    )
    for name, scalar in layout.scalars.items():
        if not scalar.free[0]:
            continue
        function, prior = design.scalar_prior(name)
        lower, place = design.family.parameter(name).lower, scalar.places[0]

        def free(at, function=function, scalar=scalar, place=place):
            moved = x.copy()
            moved[place] = at
            return float(function.forward(scalar.read(moved)[0]))

        slope = abs(free(x[place] + 1e-6) - free(x[place] - 1e-6)) / 2e-6
        cut = np.log(prior.frozen().sf(lower)) if function.text == "{}" and lower > prior.support[0] else 0.0
        expected += prior.frozen().logpdf(free(x[place])) + np.log(slope) - cut
    assert found == pytest.approx(expected, rel=1e-7)


def test_a_design_is_packed_with_its_rows_and_terms():
    layout = laid_out(*MODELS[0])
    data = as_records(pack(layout).data)
    model = data.model[0]
    rows = model.rows
    assert [(term.levels, term.columns) for term in data.terms] == [
        (len(t.placement.group.levels), t.placement.group.width) for t in layout.predictors["mu"].terms
    ]
    np.testing.assert_array_equal(
        np.sort(data.numbers[model.response : model.response + rows]), np.sort(layout.design.response)
    )


@pytest.mark.parametrize(
    ("formula", "priors", "words"),
    [
        ("y ~ x + (1 | g)", {"sd_g": "Uniform(0, 5)"}, "is not compiled"),
        ("y ~ x + (1 | g)", {}, None),
        ("y ~ x + (1 | g)", {"sd_g": "PC(U=1, alpha=0.1)", "sigma": "PC(2, 0.05)"}, None),
        ("y ~ x + (1 | g)", {"beta[x]": "HalfNormal(1)"}, "of 'beta[x]' is bounded"),
        ("y ~ x + (1 | g)", {"sd_g": "Beta(2, 2)"}, "of 'sd_g[Intercept]' is bounded"),
        ("y ~ x + (1 | g)", {"sigma": "Beta(2, 2)"}, "of 'sigma' is bounded"),
        ("y ~ x + (x | g)", {"corr_g": 0.3}, "the correlation of 'g' is fixed by a number"),
    ],
)
def test_what_the_compiled_density_cannot_express_is_said_in_words(formula, priors, words):
    found = unsupported(laid_out(formula, "gaussian", {"priors": priors}).design)
    assert found is None if words is None else words in found


def test_a_fixed_number_is_packed_on_its_link_and_a_free_one_as_zero():
    room = Allocation()
    assert on_link_scale(room.place(("sigma",), [2.5], LOG)) == pytest.approx(np.log(2.5))
    assert on_link_scale(room.place(("sigma",), [None], LOG)) == 0.0
