"""Rules of default priors as values, without data: what text and equations say about the parameters of a term."""

from collections.abc import Collection
from dataclasses import dataclass

from bayesmixed.parameter_keys import ParameterKey, VariableNames
from bayesmixed.prior_distributions import Prior
from bayesmixed.terms.basis_outlines import TermOutline

AT_CENTRE, AS_WRITTEN = "at the covariate means", "as written"
LOCATION, SLOPE, SPREAD, CORRELATIONS, DISTANCES = "location", "slope", "spread", "correlations", "distances"
"""What a parameter is: the intercept, a slope or difference, an SD of effects, their correlations, or how these depend on
distances."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the rules of a term depend on besides the term.

    Attributes
    ----------
    names : VariableNames
        What the variables of its predictor are called.
    factors : collection of str
        Columns that are known to be factors.
    priors : collection of str
        Keys of the user's priors.
    cut : bool
        Thresholds replace the intercept.
    """

    names: VariableNames
    factors: Collection[str]
    priors: Collection[str]
    cut: bool


@dataclass(frozen=True, slots=True)
class PriorRule:
    """The default prior of one parameter, or of several alike.

    Attributes
    ----------
    key : ParameterKey
        Its name with data, without the number of one of several.
    role : str
        One of the five above, which determines the distribution.
    of : TermOutline
        What the parameter belongs to: whether it has a step, is a factor, or has several columns.
    meaning : str
        In words.
    stated : str
        The coordinate in which it is stated.
    term : str
        Name of the term in draws, "" for the population part.
    prior : Prior or None
        The prior, where it does not depend on data; None: the rule of its role.
    """

    key: ParameterKey
    role: str
    of: TermOutline
    meaning: str
    stated: str
    term: str = ""
    prior: Prior | None = None

    @property
    def numbered_key(self) -> ParameterKey:
        """Its key, with a number k where it is one of several that are known only with data."""
        several = self.of.several and self.of.moved
        return ParameterKey(self.key.variable, f"{self.key.label} #k") if several else self.key
