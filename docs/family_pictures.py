"""Pictures of families: what each parameter does, as histograms of draws at three of its values."""

from pathlib import Path

import numpy as np

import bayesmixed as bm
from bayesmixed.display.palette import SERIES
from bayesmixed.families.records import Family, Parameter

DRAWS = 20_000
TRIALS = 10


def values_of(parameter: Parameter, first: bool) -> tuple[float, float, float]:
    """Return three values of a parameter, the middle one to be held while others change."""
    bounded = np.isfinite(parameter.lower), np.isfinite(parameter.upper)
    if bounded == (True, True):
        low, middle, high = (0.2, 0.4, 0.7) if first else (0.1, 0.2, 0.5)
        width = parameter.upper - parameter.lower
        return parameter.lower + low * width, parameter.lower + middle * width, parameter.lower + high * width
    if bounded == (True, False):
        size = 3.0 if first else 5.0 if parameter.meaning == "precision" else 1.0
        return parameter.lower + size / 2, parameter.lower + size, parameter.lower + 2 * size
    return (-1.0, 0.0, 1.0) if first else (-3.0, 0.0, 3.0)


def drawn_families() -> list[Family]:
    """Return the families that have a picture: those whose parameters are numbers, none of them between categories."""
    return [family for family in bm.FAMILIES.values() if not family.cuts and "categor" not in family.support]


def draw_family(family: Family, path: Path) -> None:
    """Write the picture of a family: a panel for each parameter."""
    from matplotlib.figure import Figure

    trials = TRIALS if family.has_trials else 1
    held = {one.name: np.array(values_of(one, one is family.parameters[0])[1]) for one in family.parameters}
    figure = Figure(figsize=(2.6 * max(2, len(held)), 2.2), layout="constrained")
    panels = figure.subplots(1, len(held), squeeze=False)[0]
    for axes, parameter in zip(panels, family.parameters, strict=True):
        values = values_of(parameter, parameter is family.parameters[0])
        samples = [
            family.random(np.random.default_rng(1), held | {parameter.name: np.array(value)}, trials, (DRAWS,))
            for value in values
        ]
        lowest, highest = np.median([np.quantile(sample, [0.005, 0.985]) for sample in samples], axis=0)
        bins = np.arange(lowest - 0.5, highest + 1.5) if family.discrete else np.linspace(lowest, highest, 25)
        for value, sample, colour in zip(values, samples, SERIES, strict=False):
            axes.hist(sample, bins, histtype="step", density=True, color=colour, label=f"{value:g}")
        axes.legend(title=parameter.name, frameon=False, fontsize=8)
        axes.set_yticks([])
        axes.spines[["left", "right", "top"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
