"""Records of families: everything that the package knows about one distribution of the response."""

import re
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesmixed.errors import SpecError, did_you_mean
from bayesmixed.families.links import Array, Link, find_link, latent_link, positive_link
from bayesmixed.prior_distributions import Prior

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ResponseScale:
    """Location and unit of the response, to which default priors are tied.

    Attributes
    ----------
    mean : float
        Mean of the response, smoothed away from the boundary of its support.
    unit : float
        max(1.4826 MAD, sd / 2) of the response: never zero, robust against outliers.
    """

    mean: float
    unit: float


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a family.

    Attributes
    ----------
    name, meaning : str
        Name in specs and draws; what it is, for a reader of tables.
    link : str
        Default link of its predictor.
    links : tuple of str
        All links that it may have.
    lower, upper : float
        Open range of its values.
    prior : callable or None
        Where the parameter has no predictor: the key ("1/sqrt(theta)") and the default prior, for a `ResponseScale`.
    intercept : callable or None
        Location and scale of the default normal prior of the intercept of its predictor, on the scale of `link`;
        None for the first parameter, whose prior follows from the response.
    unit : float
        Unit s of its predictor where it has an `intercept`: slopes are Normal(0, 2.5 s / d), SDs of groups half-t with
        scale s, as for the first parameter. 0.5 for the logarithm of an SD, 1 for that of a variance or a precision.
    latent : bool
        It is the linear predictor itself: its link names the distribution function of a latent variable.
    power : float
        Power of the unit of the response in its unit: 1 for means and SDs, 0 if it has no unit.
    cut : bool
        It is a threshold, one number between each two neighbouring categories, and takes no predictor.
    category : int
        Of categories without order: the number of that whose log-odds against the first one it is; else 0.
    onset : bool
        All responses lie above it, so that the smallest one bounds it; it takes no predictor.
    relative : bool
        Its level is that of other parameters, so that only its differences between rows are known: its predictor has no
        intercept, and the mean 0 over the rows of the fit.
    of_cut : str
        Name of the threshold to which it is added, or "".
    edges : (str, str)
        What to use instead of this parameter at its lowest and its highest value; "" where there is no advice.
    """

    name: str
    meaning: str
    link: str
    links: tuple[str, ...]
    lower: float = -np.inf
    upper: float = np.inf
    prior: Callable[[ResponseScale], tuple[str, Prior]] | None = None
    intercept: Callable[[ResponseScale], tuple[float, float]] | None = None
    unit: float = 1.0
    latent: bool = False
    power: float = 0.0
    cut: bool = False
    category: int = 0
    onset: bool = False
    relative: bool = False
    of_cut: str = ""
    edges: tuple[str, str] = ("", "")

    def link_record(self, name: str = "") -> Link:
        """Return its link of that name, or its default link."""
        link = find_link(name or self.link)
        if self.latent:
            return latent_link(link)
        return positive_link(link) if (self.lower, self.upper) == (0.0, np.inf) else link


def label_names(labels: tuple[str, ...]) -> list[str]:
    """Return the labels of categories as names of parameters have them: letters, digits and underscores."""
    return [re.sub(r"\W", "_", label) for label in labels]


PLAIN, MORE_VARIATION, MORE_ZEROS, OTHER_SHAPE = "plain", "more variation", "more zeros", "another shape"
ANY_VARIATION = "more or less variation"
"""What a family offers to a model that does not reproduce its data."""


@dataclass(frozen=True, slots=True)
class Family:
    """Everything that the package knows about one distribution of the response.

    In all functions `y` and the values of the parameters broadcast against each other; `trials` is 1 where a
    family has none. `values` maps parameter names to arrays on the natural scale.

    Attributes
    ----------
    parameters : tuple of Parameter
        The mean-like parameter first.
    distribution, arguments : str, callable
        PyMC class, and its arguments for given (values, trials).
    pytensor_logp : callable or None
        Log-density (y, values, trials) on PyTensor variables, where PyMC has no such class (`distribution` is "").
    support, accepts : str, callable
        The support in words; for (y, trials) which responses lie in it.
    logp, cdf : callable
        Log-density and probability P(Y <= y) for (y, values, trials); the latter for any y, so that just below a value it
        is P(Y < y).
    log_tails : callable or None
        log P(Y <= y) and log P(Y > y), (2-tuple), for (functions, y, values, trials) at y inside the support, where the
        functions are those of NumPy or PyTensor (`tails.py`); None where the family has none, so that its responses cannot
        be censored or truncated.
    constant : callable
        The part of the log-density that depends on no parameter, for (y, trials); compiled rows leave it out.
    random, mean, variance : callable
        Draws (generator, values, trials, shape); moments (values, trials).
    score, information : callable
        First derivative of the log-density in the first parameter; its expected squared value.
    latent_variance : callable
        Residual variance on the link scale for (values, link, trials), `mu` being the marginal mean
        (Nakagawa, Johnson & Schielzeth 2017, J R Soc Interface 14:20170213); SpecError where there is no such scale.
    no_average : str
        A parameter on which normal effects leave the mean without an average: exp(sigma^2 / 2) of log-normal sigma.
    latent_mean : callable or None
        Where the latent scale is that of a function of the response whose mean is not linear in the predictor: its mean
        for (values), `latent_variance` then being its variance at any `mu`.
    latent_text : str
        That function, "logit({})".
    offers : str
        What it has that other families of the same responses lack: MORE_VARIATION, ANY_VARIATION (more or less),
        MORE_ZEROS or OTHER_SHAPE; PLAIN where the variance follows from the mean alone; "" if it is not to be suggested.
    summable : str
        How rows with the same predictors add up: "successes" (with their trials), "counts", or "" if they do not.
    discrete, has_trials : bool
        Counts or not; binomial-type or not.
    latent_uses_mean : bool
        `latent_variance` depends on the mean, so it differs between rows.
    additive : bool
        The response is its mean plus an error whose distribution does not depend on the mean.
    imputable : bool
        Missing values of a column with this distribution can be drawn with the parameters; of a discrete one, whose values are 0
        and 1, after these, which are sampled with the values summed out.
    known_errors : bool
        The scale of a row may be known: its standard error, as in meta-analyses.
    conjugate : bool
        Under the identity link group effects given all else are exactly normal.
    scale : str
        The parameter that is a residual scale in units of the working response, or "".
    observation_effect : str
        Why `obs()` is not identified, or "" where it is.
    smoothed_mean : callable
        Mean of (y, trials, exposure), kept off the boundary, at which default priors put the intercept.
    working : callable
        The response on the scale of the first parameter: the logarithm for a lognormal response.
    from_working : callable or None
        Its inverse, where the response is that of the first parameter plus `scale` times noise: residuals on that scale
        may be correlated within groups. None for other families, those derived from such a one included.
    title : str
        Name of the distribution in equations, where it is not that of the PyMC class.
    variance_text : str
        The variance in terms of the parameters, "{0} + {0}^2/{1}", where a dispersion has several customary meanings.
    unseen : callable
        Given the responses and the parameters with user priors: which values for which the family has a parameter
        do not occur, and what to do; "" where none are missing.
    concave_links : tuple of str
        Links of the first parameter under which the log-likelihood is concave in its predictor, wherever it is.
    at_risk : callable or None
        Of ordered categories that are compared step by step: for the numbers of the categories, and that of the category
        below a threshold, which responses the threshold concerns. None where a threshold concerns all, and lies above
        those of lower categories.
    passing : int
        Of ordered categories that are compared step by step and are an independent event at each threshold that was reached: 1
        where F(mu - threshold) is the probability that it is passed, -1 where F(threshold - mu) is that it is not; else 0.
    template : str
        Of categories without order: the parameter that stands for one of each category but the first, "mu" for "mu_b" and
        "mu_c"; else "".
    named : callable or None
        Of categories without order: the family for the names of its parameters, in the order of the categories.
    shares : callable or None
        Of categories without order: the probabilities of all, (K, ...), for (values).
    margin : callable or None
        Where the response is the numbers of all categories in a row, a record with a field for each
        (`multinomial.pack_counts`), whose total is the number of trials: for (family, number of a category) the family whose
        moments and distribution function are those of the count of this category.
    differentiable : bool
        The log-density bends in the first parameter; without, curvature says nothing about effects, and there is no
        maximum likelihood with them integrated out.
    limited : bool
        Its responses are censored or truncated, see `limits.py`.
    hint : str
        What to try when the response lies outside the support.
    under : callable or None
        The family under another link of its first parameter, where its functions depend on the link.
    optional : mapping
        By the name of a parameter that the family has only where a model has a formula of it: the family with this
        parameter, for the family.
    expanded : callable or None
        Where thresholds have a formula: the family with what is added to each, for the family of known categories.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> family = bm.FAMILIES["negbin"]
    >>> [(parameter.name, parameter.link) for parameter in family.parameters]
    [('mu', 'log'), ('theta', 'log')]
    """

    name: str
    parameters: tuple[Parameter, ...]
    distribution: str
    arguments: Callable[[Values, Any], dict[str, Any]]
    support: str
    accepts: Callable[[Array, Any], NDArray[np.bool_]]
    logp: Callable[[Any, Values, Any], Array]
    cdf: Callable[[Any, Values, Any], Array]
    random: Callable[[np.random.Generator, Values, Any, tuple[int, ...]], Array]
    mean: Callable[[Values, Any], Array]
    variance: Callable[[Values, Any], Array]
    score: Callable[[Any, Values, Any], Array]
    information: Callable[[Values, Any], Array]
    latent_variance: Callable[[Values, Link, Any], Array]
    smoothed_mean: Callable[[Array, Any, Any], float]
    latent_mean: Callable[[Values], Array] | None = None
    latent_text: str = ""
    no_average: str = ""
    constant: Callable[[Array, Any], Array] = lambda y, trials: np.zeros(len(y))
    working: Callable[[Array], Array] = np.asarray
    from_working: Callable[[Array], Array] | None = None
    pytensor_logp: Callable[[Any, Values, Any], Any] | None = None
    log_tails: Callable[[Any, Any, Values, Any], tuple[Any, Any]] | None = None
    offers: str = ""
    summable: str = ""
    discrete: bool = False
    has_trials: bool = False
    latent_uses_mean: bool = False
    additive: bool = False
    imputable: bool = False
    known_errors: bool = False
    conjugate: bool = False
    scale: str = ""
    observation_effect: str = ""
    title: str = ""
    variance_text: str = ""
    unseen: Callable[[Array, AbstractSet[str]], str] = lambda y, stated: ""
    concave_links: tuple[str, ...] = ()
    at_risk: Callable[[Array, int], NDArray[np.bool_]] | None = None
    passing: int = 0
    template: str = ""
    named: "Callable[[tuple[str, ...]], Family] | None" = None
    shares: Callable[[Values], Array] | None = None
    margin: "Callable[[Family, int], Family] | None" = None
    differentiable: bool = True
    limited: bool = False
    hint: str = ""
    under: "Callable[[str], Family] | None" = None
    optional: "Mapping[str, Callable[[Family], Family]]" = field(default_factory=dict, hash=False)
    expanded: "Callable[[Family], Family] | None" = None

    @property
    def is_normal(self) -> bool:
        """Whether the response itself is normal around its mean."""
        return self.additive and self.conjugate

    def is_normal_under(self, link: Link) -> bool:
        """Return whether under a link of the first parameter group effects given all else are exactly normal."""
        return self.conjugate and link.name == "identity"

    @property
    def cuts(self) -> tuple[str, ...]:
        """Names of its thresholds; none unless the response is an ordered category."""
        return tuple(parameter.name for parameter in self.parameters if parameter.cut)

    @property
    def onset(self) -> str:
        """Name of the parameter above which all responses lie, or ""."""
        return next((parameter.name for parameter in self.parameters if parameter.onset), "")

    @property
    def relative(self) -> tuple[str, ...]:
        """Names of the parameters of which only differences between rows are known."""
        return tuple(parameter.name for parameter in self.parameters if parameter.relative)

    @property
    def has_categories(self) -> bool:
        """Whether the response is a category, ordered or not, whose number is no quantity."""
        return bool(self.cuts or self.template)

    @property
    def counted(self) -> bool:
        """Whether the response is the numbers of all categories in a row."""
        return self.margin is not None

    @property
    def first(self) -> str:
        """Name of the parameter whose variables have names without an ending; of categories without order none has."""
        return self.template or self.parameters[0].name

    def takes_intercept(self, name: str) -> bool:
        """Return whether the predictor of a parameter has an intercept: thresholds take the place of that of the first one."""
        thresholds = bool(self.cuts) and (name == self.first or self.shared_name(name) == self.shared)
        return not (name in self.relative or thresholds)

    @property
    def shared(self) -> str:
        """Name of the parameter whose formula is that of one parameter for each category or threshold, or ""."""
        return self.template or next(
            (one.name.partition("[")[0] for one in self.parameters if one.cut and self.expanded), ""
        )

    def shared_name(self, name: str) -> str:
        """Return `shared` for the parameter of one category or threshold, "mu" for "mu_b", else the name."""
        return self.shared if self.shared and name.startswith(f"{self.shared}_") else name

    def having(self, names: Iterable[str]) -> "Family":
        """Return the family with those of its optional parameters that are among the names."""
        family = self
        for name in names:
            family = family.optional[name](family) if name in family.optional else family
        return family

    def for_categories(self, labels: tuple[str, ...]) -> "Family":
        """Return the family with one threshold between each two neighbouring categories, "threshold[low|mid]", or with one
        parameter for each category but the first, "mu_b"."""
        if self.named:
            family = self.named(tuple(f"{self.template}_{name}" for name in label_names(labels)[1:]))
            numbered = enumerate(zip(family.parameters, labels[1:], strict=True), 2)
            against = f"against {labels[0]}"
            named = (replace(p, category=k, meaning=f"log-odds of {label} {against}") for k, (p, label) in numbered)
            return replace(family, parameters=tuple(named))
        parameters: list[Parameter] = []
        for parameter in self.parameters:
            between = [f"{parameter.name}[{low}|{high}]" for low, high in pairwise(labels)] if parameter.cut else []
            parameters += [replace(parameter, name=name) for name in between] or [parameter]
        found = replace(self, parameters=tuple(parameters))
        return self.expanded(found) if self.expanded else found

    def on_latent_scale(self, link: Link) -> "Family":
        """Return the family whose mean and variance are those of the function of the response that `latent_text` names."""
        latent = self.latent_mean
        if latent is None:
            raise SpecError(f"Family '{self.name}' has no function of the response as its latent scale.")
        return replace(
            self,
            mean=lambda values, trials: latent(values),
            variance=lambda values, trials: self.latent_variance(values, link, trials),
        )

    def event(self, number: int) -> "Family":
        """Return the family whose mean and variance are those of the event that the response exceeds a category or, of
        categories without order, is that one; of counts of categories, that of the count of this one."""
        if self.margin:
            return self.margin(self, number)

        def mean(values: Values, trials: Any) -> Array:
            if self.shares:
                return self.shares(values)[number - 1]
            return np.asarray(1.0 - self.cdf(number, values, trials))

        return replace(
            self, mean=mean, variance=lambda values, trials: mean(values, trials) * (1.0 - mean(values, trials))
        )

    def parameter(self, name: str) -> Parameter:
        """Return the parameter of that name; SpecError if the family has none."""
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        if self.template and name.startswith(f"{self.template}_") and not self.parameters[0].category:
            return replace(self.parameters[0], name=name)
        known = [parameter for parameter in self.parameters if parameter.name == self.shared_name(name)]
        if known and known[0].cut:
            return replace(known[0], name=name, cut=False, of_cut=known[0].name)
        if name in self.optional:
            raise SpecError(f"Family '{self.name}' has '{name}' only where it has a formula: {name}=\"~ x\".")
        names = [*(parameter.name for parameter in self.parameters), *self.optional]
        raise SpecError(f"Family '{self.name}' has no parameter '{name}'. {did_you_mean(name, names)}")


def refuse_categories(family: Family, what: str) -> None:
    """Refuse what concerns one linear predictor where each category has one (SpecError)."""
    if family.template:
        raise SpecError(
            f"{what}: family '{family.name}' has a predictor for each category but the first, and this is about one. "
            'bm.variance_components has the SDs of each, bm.icc and kind="probability" of predictions are by category; a '
            "model of two categories is family 'bernoulli'."
        )


def refuse_counts(family: Family, what: str) -> None:
    """Refuse what is about one number in each row where the response is the counts of several categories (SpecError)."""
    if family.counted:
        raise SpecError(
            f"{what}: family '{family.name}' has several counts in each row, and this is about one number. "
            "bm.residuals, bm.check_residuals, bm.posterior_checks and bm.prior_predictive are by category."
        )
