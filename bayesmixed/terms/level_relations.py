"""Covariances between levels that are known up to a variance, from a covariance, a precision or a graph of neighbours."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bayesmixed.errors import DataError, enumerate_words
from bayesmixed.families.links import Array
from bayesmixed.tables.known_relations import KnownRelation

COVARIANCE, PRECISION, GRAPH = "cov", "prec", "graph"
FORMS = (COVARIANCE, PRECISION, GRAPH)
"""What a relation can be, as formulas call it."""
_SINGULAR = 1e-9
"""Smallest eigenvalue of a matrix whose diagonal is one, as a share of the largest, that counts as more than rounding."""


@dataclass(frozen=True, slots=True)
class LevelRelation:
    """Covariances of the effects of levels whose SD is 1.

    Attributes
    ----------
    name, form : str
        What the user calls it, and one of the three above.
    labels : tuple of str
        The L labels that it knows.
    matrix : (L, L) array
        Their covariances.
    parts : (L,) integer array
        The connected part of a graph that each is in, zeros for other forms.
    typical : float
        Mean variance of the levels of the data, 1 for a graph: that of levels about which nothing is known.
    """

    name: str
    form: str
    labels: tuple[str, ...]
    matrix: Array
    parts: NDArray[np.intp]
    typical: float = 1.0

    def places(self, levels: Sequence[str]) -> NDArray[np.intp]:
        """Return the place of each level among the labels, -1 for levels that it does not know."""
        known = {label: place for place, label in enumerate(self.labels)}
        return np.array([known.get(level, -1) for level in levels], dtype=np.intp)

    def covariances(self, levels: Sequence[str]) -> Array:
        """Return the covariances of levels, (J, J); those that it does not know are unrelated, with a typical variance."""
        places = self.places(levels)
        unknown = (places[:, None] < 0) | (places < 0)
        found = np.where(unknown, self.typical * np.eye(len(places)), self.matrix[np.ix_(places, places)])
        return np.asarray(found)

    def root(self, levels: Sequence[str]) -> Array:
        """Return a matrix of full column rank whose product with its transpose are the covariances of levels, (J, R)."""
        covariance = self.covariances(levels)
        if self.form != GRAPH:
            return np.asarray(np.linalg.cholesky(covariance))
        values, vectors = np.linalg.eigh(covariance)
        kept = values > _SINGULAR * values.max()
        return np.asarray(vectors[:, kept] * np.sqrt(values[kept]))

    @property
    def islands(self) -> tuple[str, ...]:
        """Labels of a graph without neighbours."""
        sizes = np.bincount(self.parts)
        return tuple(self.labels[k] for k in np.flatnonzero(sizes[self.parts] == 1)) if self.form == GRAPH else ()


def relate_levels(relation: KnownRelation, name: str, form: str, levels: Sequence[str], factor: str) -> LevelRelation:
    """Return the covariances that a relation states, which must know the levels of the data.

    Those of a graph are the generalised inverse of its Laplacian (an intrinsic autoregression, whose effects add up to zero in
    each connected part), divided in each part by the geometric mean of its diagonal (Sørbye & Rue 2014, Spat Stat 8:39);
    levels without neighbours have variance 1 (Freni-Sterrantino, Ventrucci & Rue 2018, Spat Spatio-temporal Epidemiol 26:25).

    Raises
    ------
    DataError
        Levels are missing; a covariance or precision is not positive definite; a graph has other entries than 0 and 1.
    """
    absent = [level for level in levels if level not in set(relation.labels)]
    if absent:
        hint = (
            "a level without neighbours is stated as such, {label: []}"
            if form == GRAPH
            else "labels are compared as text"
        )
        raise DataError(
            f"{form}={name}: the relation has no label for {enumerate_words(absent)} of '{factor}' "
            f"({len(absent)} of {len(levels)} levels). It has labels such as {enumerate_words(relation.labels[:3])}. Add those "
            f"that are missing; {hint}."
        )
    parts = np.zeros(len(relation.labels), dtype=np.intp)
    if form == GRAPH:
        matrix, parts = _of_graph(relation, name)
    elif form == PRECISION:
        _refuse_indefinite(relation.matrix, relation.labels, f"{form}={name}")
        matrix = np.linalg.inv(relation.matrix)
        matrix = (matrix + matrix.T) / 2.0
    else:
        _refuse_indefinite(relation.matrix, relation.labels, f"{form}={name}")
        matrix = relation.matrix
    found = LevelRelation(name, form, relation.labels, matrix, parts)
    return found if form == GRAPH else replace(found, typical=float(np.diagonal(matrix)[found.places(levels)].mean()))


def _of_graph(relation: KnownRelation, name: str) -> tuple[Array, NDArray[np.intp]]:
    from scipy.sparse import csgraph

    matrix, labels = relation.matrix, relation.labels
    if np.any(np.diagonal(matrix) != 0.0):
        own = labels[int(np.flatnonzero(np.diagonal(matrix))[0])]
        raise DataError(f"graph={name}: '{own}' is its own neighbour. The diagonal of a table of neighbours is 0.")
    if not np.all((matrix == 0.0) | (matrix == 1.0)):
        row, column = np.argwhere((matrix != 0.0) & (matrix != 1.0))[0]
        raise DataError(
            f"graph={name}: the entry of '{labels[row]}' and '{labels[column]}' is {matrix[row, column]:g}; a table of "
            "neighbours has 1 for neighbours and 0 for others. A covariance matrix is cov=, a precision matrix prec=."
        )
    if not np.any(matrix):
        raise DataError(f"graph={name} has no neighbours at all. Effects of unrelated levels are (1 | g).")
    _, parts = csgraph.connected_components(matrix, directed=False)
    found = np.eye(len(labels))
    for part in np.unique(parts):
        inside = np.flatnonzero(parts == part)
        if len(inside) > 1:
            links = matrix[np.ix_(inside, inside)]
            inverse = np.linalg.pinv(np.diag(links.sum(axis=0)) - links, hermitian=True)
            found[np.ix_(inside, inside)] = inverse / np.exp(np.mean(np.log(np.diagonal(inverse))))
    return found, np.asarray(parts, dtype=np.intp)


def _refuse_indefinite(matrix: Array, labels: Sequence[str], what: str) -> None:
    """Refuse a matrix that is not positive definite, or is so only by rounding (DataError)."""
    diagonal = np.diagonal(matrix)
    if np.any(diagonal <= 0.0):
        place = int(np.argmin(diagonal))
        raise DataError(
            f"{what} is not positive definite: the diagonal entry of '{labels[place]}' is {diagonal[place]:g}."
        )
    scale = np.sqrt(diagonal)
    scaled = matrix / scale[:, None] / scale
    values, vectors = np.linalg.eigh(scaled)
    if values[0] > _SINGULAR * values[-1]:
        return
    involved = np.argsort(-np.abs(vectors[:, 0]), kind="stable")[:3]
    named = enumerate_words([labels[k] for k in involved])
    if values[0] < -_SINGULAR * values[-1]:
        kind = f"is not positive definite: with its diagonal scaled to 1, its smallest eigenvalue is {values[0]:.3g}"
        hint = "No effects can vary together like this: look for errors there, or take the nearest positive definite matrix"
    else:
        kind = f"is nearly singular: with its diagonal scaled to 1, its eigenvalues are from {values[0]:.2g} to {values[-1]:.3g}"
        hint = "Levels that are the same by it, such as clones, share one label"
        hint += "; neighbours of areas, whose precision is singular, are graph=W" if what.startswith(PRECISION) else ""
    raise DataError(f"{what} {kind}, in a direction of which {named} are most. {hint}.")
