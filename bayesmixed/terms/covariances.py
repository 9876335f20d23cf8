"""Covariance structures of the columns of one group term."""

from collections.abc import Callable
from dataclasses import dataclass

from bayesmixed.errors import check_choice


@dataclass(frozen=True, slots=True)
class Covariance:
    """How the effects of one group on several columns vary together.

    Attributes
    ----------
    name : str
        Name in specs.
    bars : str
        The bars that denote it in a formula.
    correlated : callable
        Takes the number of columns, returns whether correlations are estimated.
    text : str
        In words, for tables and equations.
    """

    name: str
    bars: str
    correlated: Callable[[int], bool]
    text: str


def find_covariance(name: str) -> Covariance:
    """Return the covariance structure of that name.

    Raises
    ------
    SpecError
        No structure has that name.
    """
    check_choice("Covariance {}", name, COVARIANCES)
    return COVARIANCES[name]


def lkj_concentration(columns: int) -> float:
    """Return the default LKJ concentration, max(1, 3 - K/2).

    For K = 2, 3, 4 every single correlation then has the same marginal distribution, Beta(2, 2) on (-1, 1).
    """
    return max(1.0, 3.0 - columns / 2.0)


COVARIANCES: dict[str, Covariance] = {
    "unstructured": Covariance("unstructured", "|", lambda columns: columns > 1, "correlated"),
    "independent": Covariance("independent", "||", lambda columns: False, "independent"),
}
