import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fixed_draws import fit_at
from matplotlib.figure import Figure

import bayesmixed as bm
from bayesmixed.plots import figures
from bayesmixed.plots.figures import as_written, new_figure
from bayesmixed.report.pictures import embed

PLOTS = Path(bm.__file__).parent / "plots"
FORMATS = """
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.pylabtools import select_figure_formats
shell = InteractiveShell.instance()
shell.display_formatter.active_types = shell.display_formatter.format_types  # as a notebook does
{before}
from bayesmixed.plots import figures
from bayesmixed.plots.figures import new_figure
figure = new_figure(2, 1)
figure.add_subplot()
formats, _ = shell.display_formatter.format(figure)
print(*sorted(formats))
"""


@pytest.mark.parametrize(
    ("before", "formats"),
    [("", ["image/png", "text/plain"]), ("select_figure_formats(shell, {'svg'})", ["image/svg+xml", "text/plain"])],
    ids=["not told how", "told how"],
)
def test_a_notebook_shows_a_figure_as_it_was_told_or_else_as_a_png(before, formats):
    code = FORMATS.format(before=before)
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert output.stdout.split() == formats


def test_figures_are_shown_by_pyplot_where_it_opens_windows(monkeypatch):
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    new_figure(2, 1)
    assert pyplot.get_fignums() == before, "here it writes files only"
    monkeypatch.setattr(pyplot, "get_backend", lambda: "QtAgg")
    figure = bm.plot_forest(bm.load_fit("herd_period"))
    assert pyplot.get_fignums() == [*before, figure.number]
    assert "<img" in embed(figure, "a forest")
    assert pyplot.get_fignums() == before
    monkeypatch.setattr(pyplot, "get_backend", lambda: "module://matplotlib_inline.backend_inline")
    new_figure(2, 1)
    assert pyplot.get_fignums() == before, "a notebook shows the value of a cell"


@pytest.mark.parametrize("path", sorted(PLOTS.glob("*.py")), ids=lambda path: path.stem)
def test_only_one_file_makes_figures(path):
    assert path.name == "figures.py" or " Figure(" not in path.read_text(encoding="utf-8")


def test_dollars_in_names_and_levels_are_no_mathematics(tmp_path):
    x, g = "$\\x", "$0$ to $\\y$"
    generator = np.random.default_rng(1)
    rows = {x: generator.normal(size=48), "f": np.tile(["$10$ $\\z$", "$20$", "$30"], 16)}
    rows |= {g: np.repeat([f"${i} $\\w{i}$" for i in range(8)], 6), "y": generator.normal(size=48)}
    design = bm.prepare(f"y ~ `{x}`*f + (`{x}` | `{g}`)", rows)
    fit = fit_at(design, {f"sd_{g}": 1.0, f"corr_{g}": np.eye(2), "sigma": 1.0}, jitter=0.1)
    plots = [
        name
        for name in bm.__all__
        if name.startswith("plot_") and "fit" in inspect.signature(getattr(bm, name)).parameters
    ]
    assert len(plots) > 10
    for name in plots:
        if name not in ("plot_smooth", "plot_surface", "plot_survival"):
            figure = getattr(bm, name)(fit, **({"effect": x} if name == "plot_conditional_effects" else {}))
            figure.draw_without_rendering()
    bm.plot_conditional_effects(fit, "f").savefig(tmp_path / "f.svg")
    axes = new_figure(2, 1).add_subplot()
    axes.set_xscale("log")
    powers = as_written(axes.figure).axes[0].get_xticklabels()
    assert all(label.get_parse_math() and "$" in label.get_text() for label in powers)


def every_plot():
    return [getattr(bm, name) for name in bm.__all__ if name.startswith("plot_")]


def test_every_plot_of_ours_takes_a_place_and_a_size():
    without = {
        name.__name__ for name in every_plot() if not {"ax", "figsize"} <= set(inspect.signature(name).parameters)
    }
    assert without == {"plot_trace", "plot_rank", "plot_pairs"}, "those of arviz-plots lay out their own figures"


@pytest.mark.parametrize(
    "name", ["plot_forest", "plot_shrinkage", "plot_residuals", "plot_loo_pit", "plot_pooling_curve"]
)
def test_a_picture_of_one_panel_is_drawn_into_axes_of_the_user(name):
    fit = bm.load_fit("herd_period")
    alone = getattr(bm, name)(fit, figsize=(5.0, 3.0))
    assert list(alone.get_size_inches()) == [5.0, 3.0]
    mine = Figure(figsize=(9.0, 4.0), layout="constrained")
    left, right = mine.subplots(1, 2)
    assert getattr(bm, name)(fit, ax=right) is mine
    assert not left.has_data()
    assert right.get_xlabel() == alone.axes[0].get_xlabel()
    assert len(right.lines) == len(alone.axes[0].lines)
    assert len(right.collections) == len(alone.axes[0].collections)
    assert list(mine.get_size_inches()) == [9.0, 4.0]
    mine.draw_without_rendering()


def test_a_picture_of_several_panels_is_drawn_into_a_part_of_a_figure():
    fit = bm.load_fit("herd_period")
    mine = Figure(figsize=(14.0, 5.0), layout="constrained")
    left, right = mine.subfigures(1, 2)
    for plot in (bm.plot_future_group, bm.plot_posterior_checks, bm.plot_effects, bm.plot_variance_shares):
        right.clear()
        assert plot(fit, ax=right) is mine
        assert len(right.axes) == len(plot(fit).axes)
        assert not left.axes
        mine.draw_without_rendering()
    with pytest.raises(bm.SpecError, match=r"several panels.*subfigures"):
        bm.plot_future_group(fit, ax=Figure().add_subplot())


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({"ax": "left"}, "ax must be matplotlib axes or a SubFigure, not a str"),
        ({"ax": [1]}, "not a list"),
        ({"figsize": (0, 3)}, "two positive numbers of inches"),
        ({"figsize": (3.0, float("nan"))}, "two positive numbers"),
        ({"figsize": 3}, "figsize must be 2 items"),
        ({"figsize": (3, 3), "ax": Figure()}, "the size is that of your own figure"),
    ],
)
def test_a_place_that_is_none_is_refused(where, said):
    with pytest.raises(bm.SpecError, match=said):
        bm.plot_forest(bm.load_fit("herd_period"), **where)


@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_bands_are_told_from_light_and_from_dark_paper(style):
    from matplotlib import collections, colors, patches, pyplot

    fit = bm.load_fit("herd_period")
    with pyplot.style.context(style):
        figures = [plot(fit) for plot in (bm.plot_forest, bm.plot_pooling_curve, bm.plot_half_normal, bm.plot_loo_pit)]
        figures += [bm.plot_posterior_checks(fit, kind) for kind in ("pit", "mean_variance", "ecdf")]
        page, ink = (np.mean(colors.to_rgb(pyplot.rcParams[name])) for name in ("axes.facecolor", "text.color"))
    for figure in figures:
        bands = [one.get_facecolor()[0] for one in figure.findobj(collections.PolyCollection)]
        bands += [
            one.get_facecolor()
            for axes in figure.axes
            for one in axes.findobj(patches.Rectangle)
            if one.get_label() == "population, 95 %"
        ]
        assert bands
        for *color, opacity in bands:
            shown = opacity * np.mean(color) + (1.0 - opacity) * page
            assert abs(shown - page) > 0.085
            assert abs(shown - ink) > 0.4


@pytest.mark.parametrize(("style", "text"), [("default", "black"), ("dark_background", "white")])
def test_the_data_have_the_colour_of_text_on_light_and_on_dark_paper(style, text):
    from matplotlib import colors, pyplot

    fit = bm.load_fit("herd_period")
    with pyplot.style.context(style):
        figure = bm.plot_posterior_checks(fit, "ecdf")
        drawn = {colors.to_hex(line.get_color()) for axes in figure.axes for line in axes.lines}
        assert colors.to_hex(text) in drawn
        page = colors.to_rgb(figure.get_facecolor())
    for plot in (bm.plot_variance_shares, bm.plot_future_group, bm.plot_effects, bm.plot_forest, bm.plot_residuals):
        with pyplot.style.context(style):
            lines = [line for axes in plot(fit).axes for line in (*axes.lines, *axes.get_xgridlines())]
        far = [np.ptp([np.mean(colors.to_rgb(line.get_color())), np.mean(page)]) for line in lines]
        assert min(far) > 0.25


def test_long_labels_are_shortened_in_the_middle():
    figure = new_figure(4, 3)
    axes = figure.add_subplot()
    axes.set_yticks([0, 1], ["x" * 80 + " (n=3)", "$short$"])
    as_written(figure)
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["x" * 18 + " ... " + "x" * 3 + " (n=3)", "$short$"]


def test_east_asian_labels_take_a_font_that_has_them(monkeypatch):
    monkeypatch.setattr(figures, "_eastern_fonts", lambda: ["Some CJK Font"])
    figure = new_figure(4, 3)
    axes = figure.add_subplot()
    axes.set_title("plain")
    axes.set_xlabel("日本語")
    as_written(figure)
    assert axes.xaxis.label.get_fontfamily()[-1] == "Some CJK Font"
    assert "Some CJK Font" not in axes.title.get_fontfamily()


def test_long_labels_are_shortened_so_far_as_they_stay_different():
    labels = [f"ICC, the same field, {middle}, on the scale of the response" for middle in ("other core", "same core")]
    shown = figures._shorten(labels)
    assert len({*shown}) == 2
    assert figures._shorten(["x" * 90, "short"])[1] == "short"
    assert max(map(len, figures._shorten(["x" * 90, "short"]))) <= figures._LONGEST
