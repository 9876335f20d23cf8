"""Designs of tables that are read in pieces."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial, reduce
from typing import Any

import numpy as np
import pandas as pd

from bayesmixed.design.default_priors import realise_priors
from bayesmixed.design.design import Design, Streamed
from bayesmixed.design.stated_coordinates import place_terms, with_bases
from bayesmixed.errors import DataError
from bayesmixed.families import find_family
from bayesmixed.families.links import Array
from bayesmixed.formulas.functions import row_by_row
from bayesmixed.formulas.names import calls_in
from bayesmixed.formulas.pieces import EvaluatedFormula
from bayesmixed.preparation.advice import advise
from bayesmixed.preparation.assembly import assemble, check_values
from bayesmixed.preparation.checks import check_design, check_variation
from bayesmixed.preparation.first_reading import survey
from bayesmixed.preparation.used_columns import read_rows, used_columns
from bayesmixed.spec.model_spec import ModelSpec
from bayesmixed.tables.absent import Absent
from bayesmixed.tables.columns import read_codes
from bayesmixed.tables.found_sources import find_again
from bayesmixed.tables.row_sources import RowSource
from bayesmixed.tables.row_statistics import RowStatistics, join_statistics, sum_rows
from bayesmixed.terms.basis import Basis, join_terms
from bayesmixed.terms.blocks import GroupBlock
from bayesmixed.terms.piece_bases import PieceBasis, number_basis
from bayesmixed.terms.predictors import Predictor
from bayesmixed.terms.scaled_matrices import scaled_inverse

LARGE = 5_000_000
"""Number of rows from which a table is read in pieces by default."""


def is_streamed(spec: ModelSpec, source: RowSource, wish: bool | None) -> bool:
    """Return whether the rows of a source are to be read in pieces: as wished, or (None) those of large ones."""
    return wish is not False and (wish is True or source.count() >= LARGE)


def refusal(spec: ModelSpec) -> str | None:
    """Return why the rows of a model cannot be streamed, or None: its sufficient statistics are cross-products."""
    if not (isinstance(spec.family, str) and spec.family_record.conjugate):
        return f"family '{spec.family_record.name}' is neither Gaussian nor lognormal"
    if len(spec.predictors) > 1 or spec.link("mu").name != "identity":
        return "cross-products are sufficient only for one predictor with link identity"
    if spec.weights is not None:
        return "rows have weights"
    if spec.correlated:
        return "residuals are correlated within groups"
    if spec.limits:
        return "rows are censored or truncated"
    other = [term for term in spec.terms if not term.streams]
    if other:
        return f"'{other[0]}' needs all rows at once"
    formulas = [formula for term in spec.terms for formula in term.formulas]
    for text in (spec.response, *formulas):
        called = [name for name in calls_in(text, formula=text is not spec.response) if not row_by_row(name)]
        if called:
            return f"'{called[0]}()' in '{text}' may need all rows at once; compute the column beforehand"
    return None


def read_streamed(spec: ModelSpec, source: RowSource, missing: str, na: Any = ()) -> Design:
    """Return the Design of the rows of a source, which is read twice; see `Design.streamed`.

    Raises
    ------
    SpecError, DataError
        As `prepare`; or there are too many combinations of levels to hold in memory.
    """
    columns = used_columns(spec, pd.DataFrame(columns=list(source.columns)))
    stamp = source.stamp()
    codes = tuple(sorted(read_codes(na)))
    found = survey(spec, source, columns, missing, codes)
    family = find_family(spec.family)
    check_values(spec, family, found.response, 1.0, found.rows)
    check_variation(family, spec.response, found.response, 1.0)
    examples = assemble(spec, found.examples, "error", None, optional=False)
    rows = _Rows(spec, source, columns, missing, codes, examples)
    examples = _with_learned_bases(examples, rows)
    statistics = replace(rows, like=examples).add(_columns_of)
    if statistics is None or statistics.count != len(found.response) or stamp != source.stamp():
        raise DataError(f"{source.name} was changed while it was read. Prepare the design again.")
    return _learn(
        Streamed(source, stamp, missing, statistics, examples, found.drawn, codes),
        found.response,
        found.dropped,
    )


@dataclass(frozen=True)
class _Rows:
    """The complete rows of a source, in the coding of a design that has all levels."""

    spec: ModelSpec
    source: RowSource
    columns: list[str]
    missing: str
    na: tuple[str, ...]
    like: Design

    def parts(self) -> Iterator[Design]:
        """Yield the rows in pieces."""
        for number, frame in enumerate(self.source.frames(self.columns)):
            part = self.part(frame, number)
            if part is not None:
                yield part

    def part(self, frame: pd.DataFrame, number: int) -> Design | None:
        """Return the design of some rows as they were read; None where none is complete."""
        numbers = [name for name in self.columns if name not in self.like.table.levels]
        read = read_rows(self.spec, frame, self.like.table, na=self.na, texts_of_numbers=numbers)
        complete = read.dropna() if self.missing == "drop" else read
        return assemble(self.spec, complete, "error", self.like, optional=False) if len(complete) else None

    def add(self, columns: Callable[[Design], Mapping[str, Array]]) -> RowStatistics | None:
        """Return the statistics over all rows of columns of a design."""
        found = self.source.map(partial(self._sum, columns), self.columns)
        return reduce(join_statistics, (one for one in found if one is not None), None)

    def _sum(
        self, columns: Callable[[Design], Mapping[str, Array]], frame: pd.DataFrame, number: int
    ) -> RowStatistics | None:
        part = self.part(frame, number)
        return None if part is None else sum_rows(columns(part))


def rebuild(design: Design, streamed: Streamed, spec: ModelSpec) -> Design:
    """Return the design of the same streamed rows for a spec with other priors."""
    examples = assemble(spec, streamed.examples.table.data, "error", None, optional=False)
    examples = _with_bases(examples, _bases_of(streamed.examples.mu))
    return _learn(replace(streamed, examples=examples), np.asarray(design.response), design.dropped)


def streamed_to_text(streamed: Streamed) -> str:
    """Return as JSON what `streamed_from_text` needs besides the examples and the response."""
    kept: dict[str, Any] = {"source": streamed.source.name, "address": streamed.source.address, "stamp": streamed.stamp}
    kept |= {"missing": streamed.missing, "drawn": streamed.drawn}
    bases = {
        name: [basis and basis.to_lists() for basis in own] for name, own in _bases_of(streamed.examples.mu).items()
    }
    kept |= {"na": streamed.na}
    return json.dumps({**kept, "statistics": streamed.statistics.to_lists(), "bases": bases})


def streamed_from_text(text: str, spec: ModelSpec, examples: pd.DataFrame, response: Array) -> Design:
    """Return the design that `streamed_to_text` has written, no row left out."""
    kept = json.loads(text)
    bases = {name: tuple(one and Basis.from_lists(one) for one in own) for name, own in kept["bases"].items()}
    streamed = Streamed(
        source=find_again(kept.get("source", f"'{kept.get('path')}'"), kept.get("address", kept.get("path", ""))),
        stamp=tuple(kept["stamp"]),
        missing=kept["missing"],
        statistics=RowStatistics.from_lists(kept["statistics"]),
        examples=_with_bases(assemble(spec, examples, "error", None, optional=False), bases),
        drawn=kept["drawn"],
        na=tuple(kept.get("na", ())),
    )
    return _learn(streamed, response, 0)


def _learn(streamed: Streamed, response: Array, dropped: int) -> Design:
    """Return the design of streamed rows, with the coordinates and priors that follow from their statistics."""
    first = streamed.examples
    suspicious = check_design(first, streamed.statistics.count)
    predictor = _learn_predictor(first, streamed.statistics)
    examples = replace(first, predictors={predictor.parameter: predictor})
    # Absent rows refuse every use as an array.
    absent: Any = Absent(f"the rows of {streamed.source.name}")
    without_rows = replace(
        predictor,
        population=replace(predictor.population, matrix=absent, columns=absent),
        groups=tuple(replace(group, matrix=absent, columns=absent, index=absent) for group in predictor.groups),
        offset=np.broadcast_to(0.0, len(response)),
    )
    design = replace(
        examples,
        table=replace(first.table, data=absent),
        observed=replace(first.observed, rows=len(response), values=response),
        predictors={predictor.parameter: without_rows},
        dropped=dropped,
        streamed=replace(streamed, examples=examples),
    )
    priors = realise_priors(design)
    examples = replace(examples, priors=priors)
    moments = {group.name: _moments(group, predictor.b(group), streamed.statistics) for group in first.mu.groups}
    notes = (*advise(examples, len(response), moments), *suspicious)
    return replace(design, priors=priors, notes=notes, streamed=replace(streamed, examples=examples))


def read_parts(design: Design) -> Iterator[Design]:
    """Yield a design in memory, or its rows in batches as designs.

    Raises
    ------
    DataError
        The file no longer exists, or was changed.
    """
    streamed = design.streamed
    if streamed is None:
        yield design
        return
    if streamed.source.stamp() != streamed.stamp:
        raise DataError(f"{streamed.source.name} no longer exists or was changed. Prepare the design again.")
    columns = [str(name) for name in streamed.examples.table.data.columns]
    yield from _Rows(design.spec, streamed.source, columns, streamed.missing, streamed.na, design).parts()


def drawn_rows(design: Design) -> Design:
    """Return a design in memory: a random sample of the rows of a streamed one."""
    if design.streamed is None:
        return design
    rows = design.streamed.examples.table.data.iloc[: design.streamed.drawn]
    return replace(assemble(design.spec, rows, "error", design, optional=False), priors=design.priors)


def _columns_of(part: Design) -> Mapping[str, Array]:
    """Return the columns of some rows whose statistics are wanted: those of bases, and the response."""
    predictor = part.mu
    columns = {"population": predictor.population.columns}
    columns |= {predictor.b(group): group.columns for group in predictor.groups}
    return {**columns, "response": part.family.working(np.asarray(part.response))[:, None]}


def _moments(group: GroupBlock, name: str, statistics: RowStatistics) -> tuple[Array, Array]:
    """Return means and SDs of the columns of a group term as written, over all rows."""
    factor = statistics.triangle[:, 1:][:, statistics.place(name)] @ np.linalg.lstsq(group.columns, group.matrix)[0]
    # The first row of the factor holds the means, the others the deviations from them.
    return factor[0] / statistics.triangle[0, 0], np.linalg.norm(factor[1:], axis=0) / statistics.count**0.5


def _bases_of(predictor: Predictor) -> dict[str, tuple[Basis | None, ...]]:
    return {predictor.beta: (predictor.population.basis,)} | {predictor.b(g): g.bases for g in predictor.groups}


def _states_of(predictor: Predictor) -> list[EvaluatedFormula]:
    return [predictor.population.state, *(state for group in predictor.groups for state in group.states)]


def _with_bases(examples: Design, bases: Mapping[str, tuple[Basis | None, ...]]) -> Design:
    predictor = with_bases(examples.mu, examples.table, bases)
    return replace(examples, predictors={predictor.parameter: predictor})


def _with_learned_bases(examples: Design, rows: _Rows) -> Design:
    """Return the examples with bases learned from all rows; those of powers need the mean, and so a second reading."""
    numbers = rows.add(_numbers) if _numbers(examples) else None
    if numbers is None:
        return examples
    powers = rows.add(partial(_powers, numbers)) if _powers(numbers, examples) else None
    learned = _learn_pieces(examples, numbers, powers)
    bases = {}
    for name, old in _bases_of(examples.mu).items():
        group = next((g for g in examples.mu.groups if examples.mu.b(g) == name), None)
        states = (examples.mu.population.state,) if group is None else group.states
        bases[name] = tuple(
            basis
            and join_terms([t.pieces for t in state.terms], {k: learned.get(k, p) for k, p in basis.pieces.items()})
            for state, basis in zip(states, old, strict=True)
        )
    return _with_bases(examples, bases)


def _learn_pieces(examples: Design, numbers: RowStatistics, powers: RowStatistics | None) -> dict[str, PieceBasis]:
    """Return what numbers add to bases, given the statistics of their values and of powers from the mean."""
    learned = {}
    for own in _bases_of(examples.mu).values():
        for basis in own:
            for text, piece in basis.pieces.items() if basis else ():
                if not piece.levels:
                    step, mean = float(numbers.steps(text)[0]), float(numbers.means(text)[0])
                    if powers is not None and text in powers.widths and piece.power:
                        mean = float(numbers.means(piece.power[0])[0])
                        learned[text] = number_basis(piece, mean, float(powers.steps(text)[0]), step, piece.span)
                        continue
                    two = (
                        not numbers.many[numbers.place(text)][0]
                        and not np.isnan(numbers.values[1, numbers.place(text)])[0]
                    )
                    centre = float(numbers.values[:, numbers.place(text)].mean()) if two else mean
                    learned[text] = number_basis(piece, centre, step, step, piece.span, two=two)
    return learned


def _numbers(part: Design) -> dict[str, Array]:
    """Return the values of all pieces of formulas that are numbers."""
    found: dict[str, Array] = {}
    for state in _states_of(part.mu):
        values = state.piece_values(part.table)
        found |= {text: values[text] for text, piece in state.pieces.items() if piece.levels is None}
    return found


def _powers(numbers: RowStatistics, part: Design) -> dict[str, Array]:
    """Return the powers among them from the mean of their base, where the base is a piece, too."""
    values, found = _numbers(part), {}
    for state in _states_of(part.mu):
        for text, piece in state.pieces.items():
            if piece.power is not None and piece.power[0] in state.pieces:
                found[text] = (values[piece.power[0]] - numbers.means(piece.power[0])) ** piece.power[1]
    return found


def _learn_predictor(design: Design, statistics: RowStatistics) -> Predictor:
    """Return the predictor in the coordinates that follow from means over all rows."""
    predictor = design.mu
    means = statistics.means("population")
    population = predictor.population
    population = replace(population, means=means, written_means=means @ scaled_inverse(population.written))
    groups = tuple(replace(group, means=statistics.means(predictor.b(group))) for group in predictor.groups)
    return place_terms(design.spec, design.family, replace(predictor, population=population, groups=groups))
