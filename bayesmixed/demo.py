"""The demonstration: the cattle-herd model on shipped data, step by step."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

import bayesmixed as bm
from bayesmixed.atomic_files import replace_picture
from bayesmixed.display.pages import align, wrap
from bayesmixed.display.tables import drop_empty, format_table, labelled
from bayesmixed.equations import write_equations
from bayesmixed.fits.fitting import Fit
from bayesmixed.report.result_files import save_or_rescue
from bayesmixed.report.result_folders import FIT, replaced_folder
from bayesmixed.summaries.overview import count_sentence

SEED = 15
PLOT = "shrinkage.png"
_NEXT = """bayesmixed specs                         the models that are shipped
bayesmixed check SPEC --data FILE        does my table suit a model?
bayesmixed fit SPEC --data FILE --out DIR"""


def run_demo(folder: str | Path) -> Fit:
    """Return the fit of the model of incidence in cattle herds, after printing what was done.

    Parameters
    ----------
    folder : str or Path
        Where the fit and the shrinkage plot go; made if it is not there.
    """
    folder = Path(folder)
    with replaced_folder(folder, overwrite=True) as beside:
        fit = _explain(beside)
    _print_part("Written", f"{folder / PLOT}   the last table as a picture\n{folder / FIT}   the fit, for bm.load_fit")
    _print_part("Next", _NEXT)
    return fit


def _explain(folder: Path) -> Fit:
    """Return the fit after printing each step; write it and the plot into a folder."""
    spec, data, source = bm.load_spec("herd"), bm.datasets.load("cbpp"), bm.datasets.DATASETS["cbpp"]
    _print_part("Question", spec.question)
    _print_part("Data", f"{source.title} ({len(data)} rows). Source: {source.source}.")
    design = bm.prepare(spec, data)
    _print_part(f"Model: {spec.formula}", write_equations(design))
    fit = bm.sample(design, seed=SEED)
    save_or_rescue(fit, folder / FIT)
    _print_part("Convergence", f"{bm.diagnose(fit)}\n{count_sentence(fit)}.")
    _print_estimates(fit)
    _print_probabilities(fit)
    _print_shrinkage(fit, data)
    replace_picture(folder / PLOT, bm.plot_shrinkage(fit))
    return fit


def _print_estimates(fit: Fit) -> None:
    effects, components = _shown(bm.population_effects(fit)), _shown(bm.variance_components(fit))
    _print_part("Estimated: population effect, on the logit scale, with 95 % interval", effects.drop(columns="term"))
    _print_part("Estimated: variation between herds, on the logit scale", components)
    _print_part(
        "Estimated: intraclass correlation, on the latent scale of the logit",
        _shown(bm.icc(fit, scale="latent")).drop(columns="scale"),
        "icc: correlation of two animals of one herd; share: part of the latent variance. The rest is binomial noise.",
    )


def _print_probabilities(fit: Fit) -> None:
    _print_part(
        "Estimated: probability of a new case per animal and period",
        _probabilities(fit, {"typical": "typical herd (b = 0)", "average": "mean over herds"}),
        "The mean over herds is larger because the logit curve is not straight: herds above the middle move further from it.",
    )
    _print_part(
        "Predicted: the same probability in one future herd",
        _probabilities(fit, {"new": "future herd"}),
        "A herd yet to be seen lies in this interval with probability 0.95: it spans the differences between herds "
        "and what is not known about the parameters.",
    )


def _probabilities(fit: Fit, wanted: Mapping[str, str]) -> pd.DataFrame:
    row = pd.DataFrame({"herd": ["future"], "size": [1]})
    draws = {
        words: bm.predict(fit, row, groups=groups, seed=SEED)["mean"].isel(row=0) for groups, words in wanted.items()
    }
    return _shown(pd.concat([labelled(values, words, [""], [""]) for words, values in draws.items()]))


def _print_shrinkage(fit: Fit, data: pd.DataFrame) -> None:
    table = bm.shrinkage(fit).rename(columns={"level": "herd", "mean": "partial_pooling"})
    counts = data.groupby("herd")[["incidence", "size"]].sum().rename(columns={"incidence": "cases", "size": "animals"})
    columns = ["herd", "cases", "animals", "no_pooling", "partial_pooling", "lower", "upper", "factor"]
    _print_part(
        "Predicted: log-odds of a new case in each herd, with 95 % interval",
        table.join(counts, on="herd")[columns].map(lambda value: f"{value:.2f}" if isinstance(value, float) else value),
        f"no_pooling: from the herd's own rows alone. Complete pooling gives every herd {table['complete_pooling'][0]:.2f}.",
        "factor: how much the herd's own rows count, from 0 (nothing, all shrinkage) to 1 (everything, no shrinkage).",
    )


def _shown(table: Any) -> pd.DataFrame:
    return drop_empty(format_table(table))


def _print_part(heading: str, content: object, *reading: str) -> None:
    if isinstance(content, pd.DataFrame):
        lines = align(content)
    else:
        lines = [part for line in str(content).splitlines() for part in wrap([line]) or [""]]
    print("\n".join(["", heading, "-" * len(heading), *lines, *wrap(reading)]), flush=True)
