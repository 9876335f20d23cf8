"""Pictures of draws by arviz-plots: which parameters they show."""

import pytest

import bayesmixed as bm


@pytest.fixture(scope="module")
def fit():
    return bm.load_fit("herd_period")


@pytest.mark.parametrize(("plot", "panels"), [(bm.plot_trace, 5), (bm.plot_rank, 5)])
def test_all_parameters_but_effects_of_groups_have_a_panel(fit, plot, panels):
    from matplotlib import pyplot

    open_before = pyplot.get_fignums()
    for figure in (plot(fit), plot(fit, ["beta", "sd_herd"])):
        assert sum(bool(axes.get_title()) for axes in figure.axes) == panels
    assert pyplot.get_fignums() == open_before


def test_what_no_figure_can_show_is_refused(fit):
    with pytest.raises(bm.SpecError, match="Did you mean 'beta'"):
        bm.plot_trace(fit, "bta")
    with pytest.raises(bm.SpecError, match="15 numbers are too many for one figure \\(at most 10\\)"):
        bm.plot_pairs(fit, "b_herd")
