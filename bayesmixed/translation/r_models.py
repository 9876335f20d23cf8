"""Functions of R that fit models: their arguments in order, and what is done with each."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeGuard

from bayesmixed.errors import SpecError, did_you_mean, shorten
from bayesmixed.translation.r_formulas import is_formula, write
from bayesmixed.translation.r_text import Argument, Call, Name, Node, Operation


@dataclass(frozen=True, slots=True)
class RModel:
    """A function of R that fits models.

    Attributes
    ----------
    order : tuple of str
        Its first arguments, in order.
    weights : str
        What its weights mean here.
    bars : str
        What `||` does to factors: "together" where it leaves their columns correlated.
    """

    order: tuple[str, ...]
    weights: str = "precision"
    bars: str = ""


_LME = ("formula", "data", "family", "control", "start", "verbose", "nAGQ", "subset", "weights", "na.action", "offset")
_STAN = ("formula", "data", "family", "subset", "weights", "na.action", "offset", "contrasts")
_TMB = ("formula", "data", "family", "ziformula", "dispformula", "weights", "offset", "contrasts", "na.action")
_CLM = ("formula", "data", "weights", "start", "subset", "na.action", "contrasts")
R_MODELS: Mapping[str, RModel] = MappingProxyType(
    {
        "lm": RModel(("formula", "data", "subset", "weights", "na.action")),
        "glm": RModel(("formula", "family", "data", "weights", "subset", "na.action")),
        **dict.fromkeys(
            ("gam", "bam"), RModel(("formula", "family", "data", "weights", "subset", "na.action", "offset"))
        ),
        "glm.nb": RModel(("formula", "data", "weights", "subset", "na.action")),
        "lmer": RModel(
            ("formula", "data", "REML", "control", "start", "verbose", "subset", "weights"), bars="together"
        ),
        "glmer": RModel(_LME, bars="together"),
        "glmer.nb": RModel(("formula", "data"), bars="together"),
        "glmmTMB": RModel(_TMB, weights="likelihood"),
        "brm": RModel(("formula", "data", "family", "prior"), weights="likelihood"),
        **dict.fromkeys(("stan_lmer", "stan_glmer", "stan_glmer.nb"), RModel(_STAN, "likelihood", "together")),
        "stan_glm": RModel(("formula", "family", "data", "weights", "subset", "na.action", "offset"), "likelihood"),
        "gls": RModel(("model", "data", "correlation", "weights", "subset", "method", "na.action", "control")),
        "lme": RModel(
            ("fixed", "data", "random", "correlation", "weights", "subset", "method", "na.action", "control")
        ),
        "mmrm": RModel(("formula", "data", "weights", "covariance", "reml", "control")),
        "clm": RModel(("formula", "scale", "nominal", "data", "weights", "start", "subset"), weights="likelihood"),
        "multinom": RModel(("formula", "data", "weights", "subset", "na.action", "contrasts"), weights="frequency"),
        "clmm": RModel(_CLM, weights="likelihood", bars="together"),
    }
)
"""By name, of stats, MASS, mgcv, lme4, glmmTMB, brms, rstanarm, ordinal, nnet, nlme and mmrm."""

NOT_HERE: Mapping[str, str] = MappingProxyType(
    {
        "subset": "take the rows beforehand, data[data['chosen']]",
        "contrasts": "write the coding in the formula, C(f, contr.sum)",
        "map": "fix a parameter by a number as its prior, priors={'sigma': 1}",
        "priors": "state them by the names here, priors={'sd_g': 'HalfNormal(1)'}",
        "nominal": "thresholds of family 'cumulative' are the same for all rows; those of 'sratio' take threshold='~ x'",
        "cov_ranef": "write (1 | gr(g, cov = A)) in the formula",
        "autocor": "write ar(time = t, gr = g, cov = TRUE) in the formula",
        "covariance": "write it in the formula, us(visit | subject)",
        "stanvars": "code of Stan is not read",
        "knots": "give the knots in the formula, bs(x, knots=[1, 2])",
        "nl": "non-linear formulas are not supported",
    }
)
"""Arguments that say what the model is and have no counterpart here, and what to write instead."""

_OF_MODEL = (
    *("formula", "family", "weights", "offset", "ziformula", "dispformula", "prior", "link", "threshold"),
    "scale",
    *NOT_HERE,
)
"""Arguments that say what the model is."""
_SILENT = (
    "data",
    "data2",
    "file",
    "file_refit",
    "model",
    "x",
    "y",
    "refresh",
    "silent",
    "verbose",
    "Hess",
    "doFit",
    "se",
    "singular.ok",
)
_OF_SAMPLING = (
    *(
        "chains",
        "iter",
        "warmup",
        "thin",
        "cores",
        "seed",
        "init",
        "inits",
        "backend",
        "threads",
        "algorithm",
        "normalize",
    ),
    *("save_pars", "save_model", "adapt_delta", "sample_prior", "QR", "sparse", "empty", "rename", "future", "opencl"),
    *("output_samples", "open_progress", "stan_model_args", "drop_unused_levels", "prior_PD", "mean_PPD"),
)
_OF_ESTIMATION = (
    *(
        "REML",
        "control",
        "start",
        "nAGQ",
        "na.action",
        "devFunOnly",
        "mustart",
        "etastart",
        "method",
        "trace",
        "epsilon",
    ),
    *("profile", "reml", "sparseX", "initCtrl", "nAGQ0initStep", "init.theta", "doDetect", "qr", "grad.tol"),
)


def find_model(call: Call) -> RModel:
    """Return what is known of the function that is called (SpecError for another one)."""
    if call.function not in R_MODELS:
        raise SpecError(
            f"'{call.function}(...)' is not a function that is translated. {did_you_mean(call.function, R_MODELS)}"
        )
    return R_MODELS[call.function]


def only_call(node: Node) -> Call:
    """Return the call of an expression, also of one whose value is assigned, fit <- glmer(...) (SpecError if it is none)."""
    if isinstance(node, Operation) and node.sign == "<-":
        node = node.operands[1]
    if not isinstance(node, Call):
        raise SpecError("Give one call of R that fits a model, such as glmer(k ~ x + (1 | g), family = poisson).")
    return node


def arguments_of(call: Call, order: tuple[str, ...]) -> dict[str, Node]:
    """Return the arguments of a call by name, those without a name in their order; NULL counts as not given.

    As in R the beginning of a name is enough where no other one begins with it.

    Raises
    ------
    SpecError
        There are more than the function has in order, or one is given twice.
    """
    found: dict[str, Node] = {}
    names = [_whole_name(argument.name, order) for argument in call.arguments]
    left = iter([name for name in order if name not in names])
    for argument, given in zip(call.arguments, names, strict=True):
        name = given or next(left, "")
        if not name or name in found or argument.value is None:
            raise SpecError(f"'{_show(argument)}' in {call.function}(): give arguments by name, each once.")
        if argument.value != Name("NULL"):
            found[name] = argument.value
    return found


def _whole_name(begun: str, order: tuple[str, ...]) -> str:
    found = [name for name in order if begun and name.startswith(begun)]
    return found[0] if len(found) == 1 and begun not in (*_OF_MODEL, *_SILENT) else begun


def explain_ignored(function: str, given: Mapping[str, Node]) -> str:
    """Return what a reader should know of arguments that do not belong to the model, "" if there are none.

    Raises
    ------
    SpecError
        An argument is not known.
    """
    known = (*_OF_MODEL, *_SILENT, *_OF_ESTIMATION, *_OF_SAMPLING)
    unknown = [name for name in given if name not in known]
    if unknown:
        hint = did_you_mean(unknown[0], R_MODELS[function].order)
        raise SpecError(f"Argument '{unknown[0]}' of {function}() is not translated. {hint}")
    own = ", ".join(f"{name} = {shorten(write(given[name]))}" for name in given if name in _OF_ESTIMATION)
    settings = ", ".join(f"{name} = {shorten(write(given[name]))}" for name in given if name in _OF_SAMPLING)
    parts = [f"{own} belongs to {function}(), not to the model"] if own else []
    parts += [f"{settings} belongs to sampling, bm.fit(spec, data, chains=4, draws=1000)"] if settings else []
    return f"Left out: {'; '.join(parts)}." if parts else ""


def split_bf(node: Node) -> tuple[Node, dict[str, Node], dict[str, Node]]:
    """Return the formula of the response, those of other parameters by name, and the options of brms's bf(...)."""
    added: list[Argument] = []
    while isinstance(node, Operation) and node.sign == "+" and _is_call(node.operands[-1], ("lf",)):
        added = [*node.operands[-1].arguments, *added]
        node = node.operands[0] if len(node.operands) == 2 else Operation("+", node.operands[:-1])
    if not _is_call(node, ("bf", "brmsformula")) or not node.arguments:
        return node, {}, {}
    first, *rest = (*node.arguments, *added)
    formulas: dict[str, Node] = {}
    options: dict[str, Node] = {}
    for argument in rest:
        value = argument.value
        if argument.name and value is not None and not is_formula(value):
            options[argument.name] = value
        elif isinstance(value, Operation) and is_formula(value):
            sides = value.operands
            name = argument.name or (write(sides[0]) if len(sides) == 2 else "")
            if not name or name in formulas:
                raise SpecError(f"'{write(value)}' in bf() names no parameter of its own.")
            formulas[name] = Operation("~", (sides[-1],))
        else:
            raise SpecError(f"'{_show(argument)}' in bf() is not a formula.")
    if first.value is None:
        raise SpecError("bf() has no formula.")
    return first.value, formulas, options


def _is_call(node: Node, names: tuple[str, ...]) -> TypeGuard[Call]:
    return isinstance(node, Call) and node.function in names


def _show(argument: Argument) -> str:
    return f"{argument.name}={write(argument.value)}" if argument.name else write(argument.value)
