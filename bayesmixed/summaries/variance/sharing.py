"""Sharing patterns: which grouping factors two observations can have in common."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from bayesmixed.design.design import Design
from bayesmixed.terms.blocks import GroupBlock
from bayesmixed.terms.residual_blocks import ResidualBlock

MOST_FACTORS = 5


@dataclass(frozen=True, slots=True)
class Pattern:
    """What two observations share.

    Attributes
    ----------
    shared : tuple of str
        All factors whose level is the same for both.
    label : str
        In words: "same school, other school:class".
    """

    shared: tuple[str, ...]
    label: str


def sharing_patterns(design: Design, everywhere: bool = False) -> list[Pattern]:
    """Return the possible patterns of a design, fewest shared factors first; factors with one row a level do not count.

    Of the grouping factors of the first parameter's predictor, or of all predictors (`everywhere`).

    A pattern is closed: the same class is in the same school, and two observations with the same a and the same b
    have the same a:b. Where residuals are correlated within groups, the correlation of two observations of one of these depends
    on more than what they share: the patterns are those of different ones.
    """
    design = design.examples
    blocks = [group for predictor, group in design.group_blocks() if everywhere or predictor is design.mu]
    groups = {g.name: g for g in blocks if not g.residual}
    names = list(groups)
    joined = {name: set(group.factors) for name, group in groups.items() if len(group.factors) > 1}
    nested = {
        (inner, outer)
        for inner in names
        for outer in names
        if inner != outer and groups[inner].parents(groups[outer]) is not None
    }
    block = design.residual
    within = {name: block is not None and _lies_in(group, block) for name, group in groups.items()}
    others = "" if block is None or block.name in names else f", other {block.name}"
    sizes = range(1, len(names) + 1) if len(names) <= MOST_FACTORS else (1, len(names))
    found = []
    for size in sizes:
        for chosen in combinations(names, size):
            shared = _closure(set(chosen), joined, nested)
            if len(shared) == size and not any(within[name] for name in shared):
                found.append(Pattern(tuple(n for n in names if n in shared), _label(shared, names, nested) + others))
    return found


def _lies_in(group: GroupBlock, block: ResidualBlock) -> bool:
    """Return whether rows of a level have correlated residuals."""
    rows, levels, _ = group.pairs()
    return len(np.unique(np.stack([levels, block.units[rows]]), axis=1).T) == len(np.unique(levels))


def _closure(chosen: set[str], joined: Mapping[str, set[str]], nested: set[tuple[str, str]]) -> set[str]:
    shared = set(chosen)
    shared |= {outer for inner, outer in nested if inner in chosen}
    return shared | {name for name, columns in joined.items() if columns <= shared}


def _label(shared: set[str], names: list[str], nested: set[tuple[str, str]]) -> str:
    """Name the innermost shared factors, and those not shared that could have been; of several with the same groups the first."""
    twins = {(m, n) for m, n in nested if (n, m) in nested}
    later = {n for m, n in twins if names.index(m) < names.index(n)}
    strict = nested - twins
    inner = [n for n in names if n in shared - later and not any((m, n) in strict for m in shared)]
    rest = [n for n in names if n not in shared | later]
    other = [n for n in rest if not any((n, m) in strict for m in rest)]
    return f"same {' and '.join(inner)}" + (f", other {' and '.join(other)}" if other else "")
