"""Names of variables and keys of priors as values: "beta_sigma[x]", "sd_herd[Intercept]", "corr_herd"."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

INTERCEPT, CENTRED_INTERCEPT = "Intercept", "Intercept_centred"
"""Labels of the intercept as written, and of the mean of a predictor over the rows."""
_BETA, _SD, _EFFECTS, _CORRELATIONS = "beta", "sd_", "b_", "corr_"
_STEP = re.compile(r"(mo\([^\[\]]*\))\[.*\]", flags=re.DOTALL)
"""A step of an ordered predictor, "mo(x)[b]"."""
_OF_LEVEL = re.compile(r"^(balance|range)\d+(_)")
"""A parameter of the curve of one level of a factor, by its number."""


class ParameterKey(str):
    """The key of a prior, or the name of one number of the posterior: a variable and, in brackets, a label.

    It equals its text, so it can be looked up among keys that users write.

    Attributes
    ----------
    variable : str
        "beta", "sd_herd", "corr_herd", "sigma".
    label : str or None
        Of one number of the variable: "x", "f[T.b]"; None for all of it.

    Examples
    --------
    >>> key = ParameterKey.read("beta[f[T.b]]")
    >>> key.variable, key.label
    ('beta', 'f[T.b]')
    """

    variable: str
    label: str | None

    def __new__(cls, variable: str, label: str | None = None) -> "ParameterKey":
        key = super().__new__(cls, variable if label is None else f"{variable}[{label}]")
        key.variable, key.label = variable, label
        return key

    def __getnewargs__(self) -> tuple[str, str | None]:  # type: ignore[override]
        return self.variable, self.label

    @classmethod
    def read(cls, text: str) -> "ParameterKey":
        """Return the key that a text is."""
        match = re.fullmatch(r"([^\[]+)\[(.*)\]", text, flags=re.DOTALL)
        return cls(match[1], match[2]) if match else cls(text)

    @property
    def of_population(self) -> bool:
        """Whether it names population coefficients."""
        return self.variable.startswith(_BETA)

    @property
    def of_sd(self) -> bool:
        """Whether it names standard deviations of effects."""
        return self.variable.startswith(_SD)

    @property
    def of_effects(self) -> bool:
        """Whether it names effects of levels, or coefficients of curves."""
        return self.variable.startswith(_EFFECTS)

    @property
    def of_correlations(self) -> bool:
        """Whether it names correlations of effects."""
        return self.variable.startswith(_CORRELATIONS)

    @property
    def of_intercept(self) -> bool:
        """Whether it names an intercept of the population part, as written or centred."""
        return self.of_population and self.label in (INTERCEPT, CENTRED_INTERCEPT)

    def match(self, given: Iterable[str]) -> "ParameterKey | None":
        """Return the most specific of the user's keys that applies to it: "sd_g[x]" before "sd_g"; None if there is none.

        A prior on all of "beta" does not apply to the intercept.
        """
        keys = set(given)
        whole = ParameterKey(self.variable, CENTRED_INTERCEPT if self.of_intercept else None)
        return next((key for key in (self, self.average, self.of_all_levels, whole) if key in keys), None)

    @property
    def of_all_levels(self) -> "ParameterKey":
        """Key of a parameter of the curves of all levels of a factor: "range_gp(x):f" of "range2_gp(x):f"; of others itself."""
        return ParameterKey(_OF_LEVEL.sub(r"\1\2", self.variable), self.label)

    @property
    def average(self) -> "ParameterKey":
        """Key of the average step that has the prior of a step: "beta[mo(x)]" of "beta[mo(x)[b]]"; of others itself."""
        found = _STEP.fullmatch(self.label or "")
        return self if found is None else ParameterKey(self.variable, found[1])


@dataclass(frozen=True, slots=True)
class VariableNames:
    """What the variables of one predictor are called in draws and in keys of priors.

    Attributes
    ----------
    suffix : str
        Ending of all names: "" for the first parameter of the family, "_sigma" for sigma.
    """

    suffix: str

    @property
    def beta(self) -> str:
        """Population coefficients."""
        return f"{_BETA}{self.suffix}"

    def sd(self, term: str) -> str:
        """Standard deviations of a term, given its name in draws (see `safe_name`)."""
        return f"{_SD}{term}{self.suffix}"

    def effects(self, term: str) -> str:
        """Effects of a term."""
        return f"{_EFFECTS}{term}{self.suffix}"

    def correlations(self, term: str) -> str:
        """Correlations of the effects of a term."""
        return f"{_CORRELATIONS}{term}{self.suffix}"

    def structure(self, parameter: str, term: str) -> ParameterKey:
        """A parameter of the covariance structure of a term: "ar1_subject"."""
        return ParameterKey(f"{parameter}_{term}{self.suffix}")

    def population(self, labels: Iterable[str]) -> tuple[ParameterKey, ...]:
        """Population coefficients one by one."""
        return tuple(ParameterKey(self.beta, label) for label in labels)

    def sds(self, term: str, labels: Iterable[str]) -> tuple[ParameterKey, ...]:
        """Standard deviations of a term one by one; one without a label where the term has no columns to distinguish."""
        return tuple(ParameterKey(self.sd(term), label) for label in labels) or (ParameterKey(self.sd(term)),)

    def scales_of(self, term: str) -> tuple[str, str]:
        """Standard deviations and correlations of a term: the variables with the priors of its covariance."""
        return self.sd(term), self.correlations(term)


def names_of(parameter: str, first: str) -> VariableNames:
    """Return the names of the variables of a parameter's predictor, given the first parameter of the family."""
    return VariableNames("" if parameter == first else f"_{parameter}")
