"""The blocks of levels whose covariances are known up to a variance: as users see it, and on independent levels."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import special
from scipy.optimize import brentq

from bayesmixed.families.links import Array
from bayesmixed.prior_distributions import Prior
from bayesmixed.terms.block_parts import RELATED, SEVERAL
from bayesmixed.terms.blocks import GroupBlock
from bayesmixed.terms.level_relations import GRAPH, LevelRelation
from bayesmixed.terms.outlines import GroupOutline, Indices
from bayesmixed.terms.scaled_matrices import draw_normal, matrix_root


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedBlock(GroupBlock):
    """The effects U, (J, K), of levels with covariances A: rows of A^-1/2 U are independent, each with the covariance of columns.

    Attributes
    ----------
    relation : LevelRelation
        A, of all labels that it knows.
    root : (J, R) array
        The effects are this matrix times those of R independent levels.
    """

    takes: ClassVar[str] = RELATED
    relation: LevelRelation
    root: Array

    @property
    def level_covariances(self) -> Array:
        """Covariances of the effects of levels where the SD of the term is 1, (J, J)."""
        return self.relation.covariances(self.levels)

    @property
    def spreads(self) -> Array:
        """SD of the effects of each level where that of the term is 1, (J,)."""
        return np.sqrt(np.diagonal(self.level_covariances))

    @property
    def spread_matrix(self) -> Array:
        """(n, K) columns at the centre times the SD of the effects of the level of each row."""
        return self.centred_matrix * self.spreads[self.index][:, None]

    @property
    def typical_spread(self) -> float:  # type: ignore[override]
        """SD of the effects of a level about which nothing is known, where that of the term is 1."""
        return float(self.relation.typical**0.5)

    @property
    def typical_difference(self) -> float:  # type: ignore[override]
        """Median size of the difference between the effects of two levels, where the SD of the term is 1."""
        if len(self.levels) < 2:
            return GroupBlock.typical_difference * self.typical_spread
        joint = self.level_covariances
        own, (rows, columns) = np.diagonal(joint), np.triu_indices(len(joint), 1)
        sds = np.sqrt(np.maximum(own[rows] + own[columns] - 2.0 * joint[rows, columns], 0.0))
        if len(sds) > _PAIRS:
            sds = np.quantile(sds, (np.arange(_PAIRS) + 0.5) / _PAIRS)
        sds = sds[sds > 1e-9 * sds.max(initial=0.0)]
        return float(
            brentq(lambda size: np.mean(special.ndtr(size / sds)) - 0.75, 0.0, 2.0 * sds.max(), xtol=1e-10 * sds.max())
        )

    def mean_level_variance(self, shares: Array) -> float:
        """Return the mean variance of the effects of levels over rows, each with its share, where the SD of the term is 1."""
        return float(shares @ self.spreads[self.index] ** 2)

    def sd_priors(self, unit: float) -> Iterator[tuple[Prior, str]]:
        """Yield the default priors of the SDs: what they say of a typical level does not depend on the unit of the relation."""
        yield from GroupBlock.sd_priors(self, unit / self.typical_spread)

    def independent_sums(self, values: Array) -> Array:
        """Return what multiplies the effects of independent levels, (R,), in the sum of values, (n,), times effects of rows."""
        return np.asarray(self.root.T @ self.sums(values))

    @property
    def unrelated(self) -> bool:
        """Whether the relation says that levels are independent, with one variance."""
        covariance = self.level_covariances
        return bool(np.allclose(covariance, covariance[0, 0] * np.eye(len(self.levels)), rtol=0.0, atol=1e-12))

    @property
    def residual(self) -> bool:
        """Whether the effects are those of single rows that nothing ties to others."""
        return self.unrelated and bool(np.all(self.sizes <= 1))

    def draw_new(self, covariance: Array, generator: np.random.Generator) -> Array:
        """Return one draw of the effects of every level at the centre, (..., J, K), zeros for levels without rows."""
        present = np.flatnonzero(self.occurs)
        root = matrix_root(self.relation.covariances([self.levels[k] for k in present]))
        effects = np.zeros((*covariance.shape[:-2], len(self.levels), self.width))
        effects[..., present, :] = root @ draw_normal(covariance, len(present), generator)
        return effects

    def extend(
        self, known: Array, given: NDArray[np.bool_], covariance: Array, generator: np.random.Generator
    ) -> Array:
        """Return effects as written, (..., J, K), those of other levels with rows drawn given those that are known."""
        others = np.flatnonzero(self.occurs & ~given)
        effects = np.zeros((*known.shape[:-2], len(self.levels), self.width))
        effects[..., given, :] = known
        if len(others):
            joint = self.level_covariances
            inner, cross = joint[np.ix_(given, given)], joint[np.ix_(others, given)]
            weights = cross @ np.linalg.pinv(inner, rcond=1e-12, hermitian=True)
            left = joint[np.ix_(others, others)] - weights @ cross.T
            fresh = matrix_root(left) @ (draw_normal(covariance, len(others), generator) @ self.transform.T)
            effects[..., others, :] = weights @ known + fresh
        return effects

    def given_others(self, effects: Array, units: NDArray[np.intp]) -> tuple[Array, Array]:
        """Return effects, (..., J, K), in which those of each unit are replaced by their means given those of all other levels,
        and a root of their covariances at an SD of 1, rows by level, (J, W).

        Parameters
        ----------
        units : (J,) integer array
            The unit with which each level leaves, -1 for those that stay.
        """
        joint = self.level_covariances
        if self.relation.form == GRAPH:  # effects add up to zero, so that the covariances are singular
            joint = joint + _JITTER * np.eye(len(joint))
        precision = np.linalg.inv(joint)
        pulls, found = precision @ effects, effects.copy()
        sets = [np.flatnonzero(units == unit) for unit in np.unique(units[units >= 0])]
        roots = np.zeros((len(self.levels), max((len(own) for own in sets), default=0)))
        for own in sets:
            left = np.linalg.inv(precision[np.ix_(own, own)])
            found[..., own, :] = effects[..., own, :] - left @ pulls[..., own, :]
            roots[own, : len(own)] = matrix_root(left)
        return found, roots

    @property
    def strangers(self) -> tuple[str, ...]:
        """Labels of new levels that the relation does not know."""
        return tuple(level for level in self.unseen if level not in set(self.relation.labels))

    def without_empty_levels(self) -> "RelatedBlock":
        """Return the block with the levels that have rows."""
        kept = GroupBlock.without_empty_levels(self)
        assert isinstance(kept, RelatedBlock)
        return replace(kept, root=self.relation.root(kept.levels))

    def on_root(self) -> "RootBlock":
        """Return the same term as effects of independent levels, of which each row takes several."""
        own = {field.name: getattr(self, field.name) for field in fields(GroupBlock)}
        rank = self.root.shape[1]
        own |= {"levels": tuple(str(number + 1) for number in range(rank)), "known": rank, "factors": ()}
        return RootBlock(**own, root=self.root, of_levels=self.levels)

    def from_independent(self, effects: Any) -> Any:
        """Return effects, (..., J, K), from those of independent levels, (..., R, K)."""
        return self.root @ effects

    def to_independent(self, effects: Array) -> Array:
        """Return the effects of independent levels, (..., R, K), of which effects, (..., J, K), are made."""
        return np.asarray(np.linalg.pinv(self.root) @ effects)

    def outline(self, indices: Indices, index_of: Callable[[Array], str]) -> GroupOutline:
        """Return what equations need to know of it."""
        return replace(GroupBlock.outline(self, indices, index_of), relation=self.relation.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class RootBlock(GroupBlock):
    """The effects of R independent levels, of which a row takes those in the row of a matrix for its own level.

    Attributes
    ----------
    root : (J, R) array
        Rows by the `index` of the block, columns by its levels.
    of_levels : tuple of str
        Labels of the levels that it combines them to, (J,).
    """

    takes: ClassVar[str] = SEVERAL
    shared: ClassVar[bool] = False
    compared: ClassVar[bool] = False
    root: Array
    of_levels: tuple[str, ...]

    @property
    def combined(self) -> tuple[tuple[str, ...], Array]:
        """Labels of the related levels, and the matrix that makes their effects of those here."""
        return self.of_levels, self.root

    @property
    def level_dim(self) -> str:
        """Name of the dimension of its levels."""
        return f"{self.dim}_root"

    def pick(self, values: Any) -> Any:
        """Return the values, (..., R), in the combination that each row takes, (..., n)."""
        return (values @ self.root.T)[..., self.index]

    def expression(self, coefficients: Any) -> Any:
        """Return z'b of each row as symbols, for coefficients at the centre, (R, K)."""
        import pytensor.tensor as pt

        eta: Any = 0.0
        for column, z in enumerate(self.centred_matrix.T):
            eta = eta + z * pt.dot(self.root, coefficients[:, column])[self.index]
        return eta

    def sums(self, values: Array, rows: Any = slice(None)) -> Array:
        """Return sums over some rows of values, (m,), times what these take of each level, (R,)."""
        return np.asarray(np.bincount(self.index[rows], values, minlength=len(self.root)) @ self.root)

    def loadings(self, rows: Any = slice(None)) -> tuple[NDArray[np.intp], Array]:
        """Return which of the R K effects some rows take, (m, E), and what multiplies each, at the centre."""
        members, shares = self._packed()
        members, shares = members[self.index[rows]], shares[self.index[rows]]
        places = members[:, :, None] * self.width + np.arange(self.width)
        values = shares[:, :, None] * self.centred_rows(rows)[:, None, :]
        return places.reshape(len(members), -1), values.reshape(len(members), -1)

    def read_rows(self, rows: Any = slice(None)) -> tuple[NDArray[np.intp], Array]:
        """Return which effects some rows take, and what multiplies them."""
        return self.loadings(rows)

    def _packed(self) -> tuple[NDArray[np.intp], Array]:
        """Return the columns of each row of the root that are not 0, and their values, filled up by zeros."""
        most = int(np.count_nonzero(self.root, axis=1).max())
        order = np.argsort(self.root == 0.0, axis=1, kind="stable")[:, :most]
        return order, np.take_along_axis(self.root, order, axis=1)

    def pairs(self) -> tuple[NDArray[np.intp], NDArray[np.intp], Array]:
        """Return every row with every level that it takes: rows, levels and what multiplies them, (P,) each."""
        members, shares = self._packed()
        rows = np.repeat(np.arange(len(self.index)), members.shape[1])
        return rows, members[self.index].ravel(), shares[self.index].ravel()

    @property
    def spread_matrix(self) -> Array:
        """(n, K) columns at the centre times the SD of what multiplies the effects of each row."""
        return self.centred_matrix * np.linalg.norm(self.root, axis=1)[self.index][:, None]

    def parents(self, outer: Any) -> None:
        """Return None: rows do not determine an outer factor of its levels."""
        return None


_JITTER, _PAIRS = 1e-10, 2000
