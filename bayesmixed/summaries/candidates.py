"""Candidate models of the same data: their names, their designs, and the rows that all of them have."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bayesmixed.design.design import Design
from bayesmixed.draws.tree import row_labels
from bayesmixed.errors import BayesMixedError, SpecError
from bayesmixed.preparation.data_files import take_table
from bayesmixed.preparation.preparing import as_design
from bayesmixed.spec.files import take_model
from bayesmixed.spec.model_spec import ModelSpec

Spec = str | Path | ModelSpec


def name_candidates(specs: Mapping[str, Spec] | Sequence[Spec]) -> dict[str, Spec]:
    """Return the candidates by name; those of a list by their formulas, numbered where these are the same."""
    if not specs:
        raise SpecError("There is no model to screen: specs is empty.")
    if isinstance(specs, Mapping):
        return {str(name): spec for name, spec in specs.items()}
    named: dict[str, Spec] = {}
    for spec in specs:
        text = (
            f"{spec.formula}, {spec.family_record.name}" if isinstance(spec, ModelSpec) else " ".join(str(spec).split())
        )
        count = sum(name == text or name.startswith(f"{text} (") for name in named)
        named[f"{text} ({count + 1})" if text in named else text] = spec
    return named


def prepare_candidates(
    named: Mapping[str, Spec], data: Any, options: dict[str, Any], missing: str, na: Any
) -> tuple[dict[str, ModelSpec], dict[str, Design], dict[str, str]]:
    """Return the specs, the designs, and why there are none, by name."""
    models, designs, problems = dict[str, ModelSpec](), dict[str, Design](), dict[str, str]()
    for name, spec in named.items():
        try:
            models[name], _ = take_model(spec, options, ())
            designs[name] = as_design(models[name], data, missing=missing, na=na)
        except BayesMixedError as error:
            problems[name] = str(error)
    return models, designs, problems


def keep_common_rows(
    models: Mapping[str, ModelSpec], designs: dict[str, Design], problems: dict[str, str], data: Any, na: Any
) -> int:
    """Give all designs the rows that all of them have, and return how many rows others lose."""
    kept = {name: pd.Index(row_labels(design)) for name, design in designs.items()}
    every = next(iter(kept.values()))
    for labels in kept.values():
        every = every[every.isin(labels)]
    lost = max(map(len, kept.values())) - len(every)
    if not lost:
        return 0
    for name in list(designs):
        rows = take_table(models[name], data, na)
        try:
            if not rows.index.is_unique:
                raise SpecError(
                    "labels of rows occur twice, so rows without missing values cannot be found in all models"
                )
            designs[name] = as_design(models[name], rows.loc[every], missing="drop", na=na)
        except BayesMixedError as error:
            problems[name] = str(error)
            del designs[name]
    return lost
