"""The [simulation] section of a spec: how to lay out data of the model's shape, and true values."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bayesmixed.errors import SpecError

Count = Annotated[int, Field(ge=1)]
Range = tuple[Count, Count]


class GroupPlan(BaseModel):
    """The levels of one grouping factor.

    Attributes
    ----------
    count : int or (int, int)
        Number of levels; with `within` in each outer level; a pair is a range to draw from.
    levels : tuple of str
        Labels, instead of a count.
    within : str
        Outer factor.
    rows : int, (int, int), or dict
        Rows of each level of the innermost factor: a number, a range, or a table size -> number of levels.
    labels : {"unique", "reused"}
        Whether labels continue over the outer levels or start again in each.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    count: Count | Range | None = None
    levels: tuple[str, ...] = ()
    within: str = ""
    rows: Count | Range | dict[str, Count] = 1
    labels: Literal["unique", "reused"] = "unique"

    @model_validator(mode="after")
    def _check(self) -> "GroupPlan":
        if (self.count is None) == (not self.levels):
            raise SpecError("A simulated group needs either 'count' or 'levels'.")
        return self


class ColumnPlan(BaseModel):
    """The values of one column.

    Attributes
    ----------
    levels, normal, uniform, integers, sequence : exactly one
        Labels; (mean, sd); (lowest, highest); (lowest, highest) whole numbers; (start, step).
    per : str
        "row": values independent between rows (levels balanced, in random order); a factor: laid out again in each of its
        levels, row after row (levels in their order, sequence from its start).
    of : str
        A factor whose levels have one value each; instead of `per`.
    each : int
        Number of successive rows with the same level or step.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    levels: tuple[str, ...] = ()
    normal: tuple[float, float] | None = None
    uniform: tuple[float, float] | None = None
    integers: tuple[int, int] | None = None
    sequence: tuple[float, float] | None = None
    per: str = "row"
    of: str = ""
    each: Count = 1

    @model_validator(mode="after")
    def _check(self) -> "ColumnPlan":
        given = [name for name in ("levels", "normal", "uniform", "integers", "sequence") if getattr(self, name)]
        if len(given) != 1:
            raise SpecError("A simulated column needs exactly one of levels, normal, uniform, integers, sequence.")
        return self


class SimulationPlan(BaseModel):
    """How to make data of a model's shape.

    Attributes
    ----------
    rows : int
        Number of rows where there are neither groups nor a crossing.
    groups : dict of GroupPlan
        Nested factors, outermost first.
    crossing : dict
        Crossed factors: a number of levels or their labels; `keep` is the share of cells that are observed, `rows`
        the number of rows of a cell.
    columns : dict of ColumnPlan
        Covariates, trials, exposures.
    missing : dict
        Column -> number of values that are missing.
    truth : dict
        True values by the names of the posterior: "beta[Intercept]", "sd_herd[Intercept]", "corr_Subject", "sigma".
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    rows: Count | None = None
    groups: dict[str, GroupPlan] = {}
    crossing: dict[str, Count | float | tuple[str, ...]] = {}
    columns: dict[str, ColumnPlan] = {}
    missing: dict[str, Count] = {}
    truth: dict[str, float] = {}

    @model_validator(mode="after")
    def _check(self) -> "SimulationPlan":
        if sum((self.rows is not None, bool(self.groups), bool(self.crossing))) != 1:
            raise SpecError("A simulation needs exactly one of rows, groups, crossing.")
        seen: set[str] = set()
        for name, plan in self.groups.items():
            if plan.within and plan.within not in seen:
                raise SpecError(f"Simulated group '{name}' is within '{plan.within}', which must be listed before it.")
            if not plan.within and seen:
                raise SpecError(
                    f"Simulated group '{name}' is not within another one; crossed factors go into 'crossing'."
                )
            seen.add(name)
        return self
