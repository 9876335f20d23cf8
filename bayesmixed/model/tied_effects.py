"""Effects in several predictors that have one covariance matrix, in a PyMC model."""

from collections.abc import Mapping, Sequence
from typing import Any

from bayesmixed.design.design import Design
from bayesmixed.model.correlation_variables import declare_correlations
from bayesmixed.prior_distributions import Prior
from bayesmixed.terms.correlation_matrices import CorrelationMatrix
from bayesmixed.terms.normal_block import NormalBlock
from bayesmixed.terms.predictors import Predictor


class TiedEffects:
    """The effects of the levels of one factor in several predictors, declared one predictor after the other.

    With L the Cholesky factor of the covariance of all effects of a level, those in predictor m are the sum of L_mk z_k over
    the predictors k up to m, for independent standard normal z_k. So given the effects in earlier predictors they are normal,
    with factor L_mm, and the product of these densities is that of all of them. Where a level has no effects in an earlier
    predictor, that of other rows, the z of these are free variables.
    """

    def __init__(self, matrix: CorrelationMatrix, root: Any, levels: Mapping[str, Sequence[str]]) -> None:
        """Take the matrix, the Cholesky factor of the correlations at the centre, (W, W), and the levels in each predictor."""
        self._matrix, self._root, self._levels = matrix, root, levels
        self._scores: list[tuple[list[str], list[Any]]] = []
        self._scaled: list[Any] = []

    def factor(self, parameter: str, sd: Any) -> Any:
        """Return L_mm, (K, K), given the SDs at the centre, (K,)."""
        place = self._matrix.place(parameter)
        return sd[:, None] * self._root[place, place]

    def given(self, parameter: str, sd: Any) -> Any:
        """Return the mean of the effects given those in earlier predictors, (J, K); 0 for the first one."""
        import pytensor.tensor as pt

        place, own = self._matrix.place(parameter), list(self._levels[parameter])
        scores = [
            z if levels == own else z[[levels.index(level) for level in own]]
            for levels, several in self._scores
            for z in several
        ]
        if not scores:
            return 0.0
        columns = [
            sd[k] * sum(self._root[row, other] * z for other, z in enumerate(scores))
            for k, row in enumerate(range(place.start, place.stop))
        ]
        return pt.stack(columns, axis=1)

    def keep(self, predictor: Predictor, group: NormalBlock, effects: Any, sd: Any) -> None:
        """Remember effects at the centre, (J, K), for later predictors; with the last ones register the correlations."""
        import pymc as pm
        import pytensor.tensor as pt

        parameter = predictor.parameter
        factor, rest = self.factor(parameter, sd), effects - self.given(parameter, sd)
        scores: list[Any] = []
        for k in range(group.width):
            left = rest[:, k] - sum(factor[k, j] * z for j, z in enumerate(scores))
            scores.append(left / factor[k, k])
        levels = list(self._levels[parameter])
        order = self._matrix.parameters
        later = [level for other in order[order.index(parameter) + 1 :] for level in self._levels[other]]
        absent = [level for level in dict.fromkeys(later) if level not in {*levels}]
        if absent:
            free = pm.Normal(f"z_absent_{group.dim}{predictor.suffix}", shape=(len(absent), group.width))
            scores = [pt.concatenate([z, free[:, k]]) for k, z in enumerate(scores)]
        self._scores.append(([*levels, *absent], scores))
        self._scaled.append(group.transform @ (sd[:, None] * self._root[self._matrix.place(parameter)]))
        if len(self._scores) == len(self._matrix.parameters):
            scaled = pt.concatenate(self._scaled, axis=0)
            covariance = scaled @ scaled.T
            written = pt.sqrt(pt.diag(covariance))
            corr = covariance / written[:, None] / written[None, :]
            pm.Deterministic(self._matrix.name, corr, dims=self._matrix.dims)


def declare_ties(design: Design) -> dict[str, TiedEffects]:
    """Return what ties effects of several predictors, by the name of their correlations, whose free variables are declared."""
    return {
        matrix.name: tie(matrix, design.priors[matrix.name].prior, members)
        for matrix, members in design.correlations()
        if matrix.tied
    }


def tie(matrix: CorrelationMatrix, prior: Prior, members: Sequence[tuple[Predictor, NormalBlock]]) -> TiedEffects:
    """Return what ties the effects of some predictors, whose correlations have a prior."""
    levels = {predictor.parameter: block.levels for predictor, block in members}
    return TiedEffects(matrix, declare_correlations(matrix, prior), levels)
