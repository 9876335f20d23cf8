"""Right models of every family in nine structures: data simulated from the model itself, at moderate parameters."""

from typing import Any

import numpy as np
import pandas as pd

import bayesmixed as bm
from bayesmixed.families import FAMILIES
from bayesmixed.families.links import LINKS

STRUCTURES = {
    "one factor": "x + (1 | g)",
    "small groups": "x + (1 | h)",
    "slopes": "x + (x | g)",
    "crossed": "x + (1 | a) + (1 | b)",
    "nested": "f + x + (1 | s/c)",
    "smooth": "s(x) + (1 | g)",
    "offset": "x + offset(e) + (1 | g)",
    "two predictors": "x + (1 | g)",
    "factorial": "f*k + (1 | g)",
}
"""Formulas of the first parameter; of "two predictors" the second one has `~ x`, without a second one there is `obs()`."""


RANGES = {
    "sigma": (0.5, 1.2),
    "nu": (4.0, 12.0),
    "shape": (2.0, 6.0),
    "theta": (1.5, 6.0),
    "lam": (0.1, 0.4),
    "zi": (0.1, 0.3),
    "hu": (0.1, 0.3),
    "zoi": (0.1, 0.25),
    "coi": (0.3, 0.6),
    "tau": (0.5, 1.5),
    "alpha": (-3.0, 3.0),
    "quantile": (0.5, 0.5),
    "cutzero": (-2.0, -1.0),
    "gap": (2.0, 4.0),
    "power": (1.3, 1.7),
    "ndt": (0.1, 0.4),
}
_PRECISIONS, _DISPERSIONS = (3.0, 15.0), (0.4, 1.5)


def right_model(number: int) -> tuple[bm.ModelSpec, pd.DataFrame]:
    """Return a model and data drawn from it; 9 numbers for each family give every combination with the nine structures."""
    families = [family for family in FAMILIES.values() if not family.template]
    family = families[number % len(families)]
    structure = list(STRUCTURES)[number % len(STRUCTURES)]
    further = [p for p in family.parameters[1:] if not (p.cut or p.onset)]
    formula, options = STRUCTURES[structure], dict[str, Any]()
    if structure == "two predictors" and further:
        options[further[0].name] = "~ x"
    elif structure == "two predictors" and family.name in ("poisson", "binomial"):
        formula += " + obs()"
    trials = " | trials(n)" if family.has_trials else ""
    spec = bm.from_formula(f"y{trials} ~ {formula}", family=family.name, crossed=["b"] * ("| b)" in formula), **options)
    generator = np.random.default_rng([number, 17])
    values, rows = _truth(family, options, generator), _rows(structure, generator)
    while True:
        try:
            return spec, bm.simulate(spec, data=rows, truth=values, seed=number).data
        except bm.SpecError as error:
            _, found, rest = str(error).partition("The model has no parameter '")
            if not found:
                raise
            values.pop(rest.partition("'")[0])


def _rows(structure: str, generator: np.random.Generator) -> pd.DataFrame:
    rows = np.arange(146 if structure == "crossed" else 135 if structure == "small groups" else 140)
    labels = {"g": rows // 10, "h": rows // 3, "s": rows // 12, "c": rows // 4, "a": rows % 96 // 12, "b": rows % 12}
    table = pd.DataFrame({name: [f"{name}{i:02}" for i in index] for name, index in labels.items()})
    return table.assign(
        x=generator.normal(size=len(rows)).round(3),
        e=generator.normal(0.0, 0.4, len(rows)).round(3),
        f=generator.choice(list("pqr"), len(rows)),
        k=generator.choice(list("uv"), len(rows)),
        n=generator.integers(4, 15, len(rows)),
    )


def _truth(family: Any, options: dict[str, Any], generator: np.random.Generator) -> dict[str, float]:
    """Return values of all parameters that one of the structures has."""
    positive = family.parameters[0].link == "log" or family.no_average == "sigma"
    values = {
        "beta[Intercept]": generator.normal(0.9 if positive else 0.0, 0.5),
        "corr_g": generator.uniform(-0.5, 0.5),
    }
    slopes = ("x", "s(x)[linear]", "f[T.q]", "f[T.r]", "k[T.v]", "f[T.q]:k[T.v]", "f[T.r]:k[T.v]")
    values |= {f"beta[{label}]": generator.normal(0.0, 0.4) for label in slopes}
    values |= {f"sd_{name}": generator.uniform(0.2, 0.8) for name in ("g", "h", "a", "b", "s", "s:c", "obs", "s(x)")}
    values |= {"threshold[l|m]": -1.0, "threshold[m|h]": 0.3, "threshold[h|t]": 1.4} if family.cuts else {}
    for parameter in (p for p in family.parameters[1:] if not p.cut):
        precise = "beta" in family.name
        value = generator.uniform(*RANGES.get(parameter.name, _PRECISIONS if precise else _DISPERSIONS))
        if parameter.name in options:
            values[f"beta_{parameter.name}[Intercept]"] = float(LINKS[parameter.link].forward(value))
            values[f"beta_{parameter.name}[x]"] = generator.normal(0.0, 0.25)
        else:
            values[parameter.name] = value
    return {name: float(value) for name, value in values.items()}
