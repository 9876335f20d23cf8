"""The term of related levels: effects whose covariances between levels are known up to a variance."""

import re
from collections.abc import Collection, Iterable
from dataclasses import fields, replace
from typing import Any, ClassVar, Literal

from pydantic import field_validator, model_validator

from bayesmixed.errors import DataError, SpecError
from bayesmixed.formulas.notation import has_bar, join_factors, read_call, split_factors
from bayesmixed.tables.column_names import quote_name
from bayesmixed.tables.factors import Table
from bayesmixed.terms.block_parts import RELATED
from bayesmixed.terms.blocks import GroupBlock
from bayesmixed.terms.covariances import find_covariance
from bayesmixed.terms.group import Group, split_bars, take_letter
from bayesmixed.terms.level_relations import FORMS, GRAPH, LevelRelation, relate_levels
from bayesmixed.terms.levels import VaryingTerm
from bayesmixed.terms.outlines import GroupOutline, Indices
from bayesmixed.terms.population_block import PopulationBlock
from bayesmixed.terms.related_block import RelatedBlock

_FAR = 2.0
"""Factor by which variances of levels at an SD of 1 may differ from 1 without a note."""


class Related(VaryingTerm):
    """Normal effects of levels with a known relation, `(1 | gr(species, cov=A))`: a phylogeny, a pedigree, a map.

    The covariances of the effects are the squared SD times A (`cov`), the inverse of a precision matrix (`prec`), or those of
    an intrinsic autoregression of neighbours (`graph`), whose SD is that of a typical level. The table is handed over by its
    name, `known={"A": table}`. Of several columns the covariance is the Kronecker product of A and that of the columns.

    Attributes
    ----------
    by : str
        A column, or several joined by colons.
    relation : str
        Name of the relation.
    form : {"cov", "prec", "graph"}
        What it is.
    label : str
        What it is called in results, "" for the name of the factor. With a name of its own it can stand beside other effects
        of the same levels: `(1 | area) + (1 | gr(area, graph=W, name=area_spatial))`, for which `bym2(area, W)` is short.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> terms = [bm.Fixed(formula="1"), bm.Related(by="species", relation="A")]
    >>> bm.ModelSpec(response="y", predictors={"mu": terms}).formula
    'y ~ 1 + (1 | gr(species, cov=A))'
    """

    takes: ClassVar[str] = RELATED
    kind: Literal["related"] = "related"
    by: str
    relation: str
    form: Literal["cov", "prec", "graph"] = "cov"
    label: str = ""

    @field_validator("by")
    @classmethod
    def _plain_names(cls, by: str) -> str:
        return join_factors(split_factors(by))

    @model_validator(mode="after")
    def _known_to_work(self) -> "Related":
        if not self.relation.isidentifier():
            raise SpecError(
                f"'{self.relation}' is not a name for a relation: give a plain one, gr(g, cov=A), known={{'A': table}}."
            )
        if self.label and not self.label.isidentifier():
            raise SpecError(f"'{self.label}' is not a name for results: give a plain one, gr(g, cov=A, name=related).")
        if find_covariance(self.covariance).structured:
            raise SpecError(
                f"Covariance '{self.covariance}' is not for related levels, gr(...). Write '|' for correlated columns, '||' for "
                "independent ones."
            )
        return self

    def __str__(self) -> str:
        own = f", name={self.label}" if self.label else ""
        return self.write(f"gr({':'.join(map(quote_name, self.factor_columns))}, {self.form}={self.relation}{own})")

    @property
    def _plain(self) -> Group:
        """The term of the same columns and levels without a relation."""
        return Group(by=self.by, formula=self.formula, covariance=self.covariance)

    @property
    def name(self) -> str:
        """Its name in results: its own, or that of the factor."""
        return self.label or self._plain.name

    def is_grouped_by(self, name: str) -> bool:
        """Return whether a factor, as results or as formulas name it, has its levels; a name of its own is the only one."""
        return name == self.label if self.label else super().is_grouped_by(name)

    @property
    def factor_columns(self) -> tuple[str, ...]:
        """The columns whose combinations are the levels."""
        return split_factors(self.by)

    def columns(self, available: Iterable[str]) -> set[str]:
        """Return the data columns that the term reads (SpecError if one is missing, or has the name that it has in results)."""
        names = [str(name) for name in available]
        if self.label in names:
            raise SpecError(
                f"'{self}': '{self.label}' is a column of the data. Take another name for the results of this term."
            )
        return self._plain.columns(names)

    @classmethod
    def read(cls, piece: str) -> tuple[VaryingTerm, ...]:
        """Return the term that a summand of a formula is, (x | gr(g, cov=A)), or the two of bym2(area, W) (SpecError)."""
        both = read_call(piece, piece, "bym2", (), "bym2(area, W) is a term of its own, joined to others by '+'.")
        if both is not None:
            if len(both[0]) != 2:
                raise SpecError(f"'{piece}': bym2() takes a factor and a graph of its levels, bym2(area, W).")
            by, graph = both[0]
            name = re.sub(r"\W+", "_", "_".join(split_factors(by)))
            return Group(by=by), cls(by=by, relation=graph, form="graph", label=f"{name}_spatial")
        if not re.search(r"(?<![\w.`])gr\s*\(", piece):
            return ()
        if take_letter(piece)[1]:
            raise SpecError(
                f"'{piece}': letters tie terms of independent levels, (x |p| g), not of gr(). Leave it out."
            )
        formula, call, covariance = split_bars(piece) if has_bar(piece) else ("", "", "")
        alone = "gr() is the group of a bar, (x | gr(g, cov=A))."
        found = read_call(piece, call, "gr", (*FORMS, "name"), alone)
        if found is None:
            raise SpecError(f"'{piece}': {alone}")
        columns, options = found
        label = options.pop("name", "").strip("'\"")
        if len(columns) != 1 or len(options) != 1:
            raise SpecError(
                f"'{piece}': gr() takes a factor and one relation: gr(g, cov=A), gr(g, prec=Q) or gr(g, graph=W)."
            )
        ((form, relation),) = options.items()
        read: dict[str, Any] = {"by": columns[0], "formula": formula, "covariance": covariance, "form": form}
        return (cls(**read, relation=relation, label=label),)

    def build(self, table: Table, like: GroupBlock | None = None, *, part: int = 0, **_: bool) -> GroupBlock:
        """Return the term's columns, levels and index, with the covariances of levels.

        Raises
        ------
        DataError
            The relation was not given, or does not suit the levels.
        """
        block = self._plain.build(table, like, part=part)
        relation = like.relation if isinstance(like, RelatedBlock) else self._find(table, block)
        own = {field.name: getattr(block, field.name) for field in fields(GroupBlock)} | {"name": self.name}
        root = like.root if isinstance(like, RelatedBlock) else relation.root(block.levels)
        return RelatedBlock(**own, relation=relation, root=root)

    def _find(self, table: Table, block: GroupBlock) -> LevelRelation:
        given = table.known.get(self.relation)
        if given is None:
            others = f" (given: {', '.join(table.known)})" if table.known else ""
            raise DataError(
                f"'{self}' needs the relation '{self.relation}'{others}. Hand it over by its name: "
                f'known={{"{self.relation}": table}}; in a shell --known {self.relation}=FILE.'
            )
        return relate_levels(given, self.relation, self.form, block.levels, self.name)

    def advise(self, block: RelatedBlock, population: PopulationBlock) -> Iterable[str]:  # type: ignore[override]
        """Yield what the scale of the relation means, and which parts of a graph have effects of their own."""
        spreads, relation = block.spreads**2, block.relation
        low, high = float(spreads.min()), float(spreads.max())
        if self.form != GRAPH and (high > _FAR or low < 1.0 / _FAR):
            said = f"{low:.3g}" if f"{low:.3g}" == f"{high:.3g}" else f"from {low:.3g} to {high:.3g}"
            yield (
                f"Variances in {self.form}={self.relation} are {said}: the SD of '{self.name}' is that of "
                f"a level whose variance there is 1, and the SD of a typical level is {spreads.mean() ** 0.5:.3g} times it."
            )
        sizes = [int((relation.parts == part).sum()) for part in set(relation.parts.tolist())]
        several = sorted((size for size in sizes if size > 1), reverse=True)
        if len(several) > 1:
            yield (
                f"graph={self.relation} has {len(several)} connected parts ({', '.join(map(str, several))} levels). Effects add "
                "up to zero in each, so that the parts share one mean: where it may differ, add a factor of the part."
            )
        if relation.islands:
            islands = list(relation.islands)
            yield (
                f"graph={self.relation}: {', '.join(islands[:5])}{' and more' if len(islands) > 5 else ''} "
                f"{'have' if len(islands) > 1 else 'has'} no neighbours; such effects are independent, with the SD of the term."
            )

    def outline(self, indices: Indices, factors: Collection[str]) -> GroupOutline:
        """Return what equations need to know of it without data."""
        return replace(super().outline(indices, factors), relation=self.relation)
