"""from_r: a call of lme4, glmmTMB, brms or their like as a spec."""

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bayesmixed.errors import SpecError, StatisticsWarning, enumerate_words, shorten, warn
from bayesmixed.families import DEFAULT_FAMILY, FAMILIES, find_family
from bayesmixed.families.discrimination import DISC
from bayesmixed.families.r_families import (
    COUNTS,
    DISPERSIONS,
    EVENTS,
    INFLATED,
    LINKS_THERE,
    MULTIPLYING,
    NAMES_THERE,
    NEED_ZEROS,
    NO_COUNTERPART,
    NOMINAL,
    ORDERED,
    OTHERWISE_THERE,
    R_FAMILIES,
    SEVERAL_COUNTS,
    TRIALS,
)
from bayesmixed.families.specific_thresholds import THRESHOLD
from bayesmixed.spec.joint_specs import JointSpec
from bayesmixed.spec.model_spec import ModelSpec, from_formula
from bayesmixed.spec.parsing import COUNTED, parse_terms
from bayesmixed.translation.r_columns import split_columns
from bayesmixed.translation.r_formulas import split_formula, write
from bayesmixed.translation.r_models import (
    NOT_HERE,
    RModel,
    arguments_of,
    explain_ignored,
    find_model,
    only_call,
    split_bf,
)
from bayesmixed.translation.r_priors import read_priors, share_priors
from bayesmixed.translation.r_residuals import read_residuals
from bayesmixed.translation.r_responses import families_of, is_of_column, split_responses
from bayesmixed.translation.r_text import Brackets, Call, Name, Node, Number, Operation, Text, parse_r

_RELATIVE = "{0} is 1 on average over the rows here, where its columns are 0 in {1}(): thresholds and effects differ by a factor."
_INVERSE = " The scale of the latent variable is 1 / {0}, so that coefficients have the other sign."


def from_r(call: str) -> ModelSpec | JointSpec:
    """Return the spec of a model that is written as a call of R; of several responses of brms a `JointSpec`.

    Parameters
    ----------
    call : str
        One call of lm, glm, glm.nb (stats, MASS), lmer, glmer, glmer.nb (lme4), glmmTMB, brm, brm_multiple (brms), stan_lmer,
        stan_glmer, stan_glm (rstanarm), clm, clmm (ordinal), multinom (nnet), gls, lme (nlme), mmrm (mmrm), as it stands in a
        script. It is read, never run; `data` is given to `fit`.
        Priors of brms are translated where they are the same distribution of the same parameter; those of packages that
        estimate are the default ones here.

    Raises
    ------
    SpecError
        The text is no such call, or a part of it has no counterpart; the message names it, and what to write instead.

    Warns
    -----
    StatisticsWarning
        For arguments that do not belong to the model, such as REML and control, and are left out.

    Examples
    --------
    >>> import bayesmixed as bm
    >>> spec = bm.from_r("glmer(cbind(k, n - k) ~ x + (1 | g), data = d, family = binomial)")
    >>> print(spec)
    k | trials(n) ~ 1 + x + (1 | g)
    family binomial (link: mu logit)
    >>> bm.from_r("glmmTMB(y ~ x, ziformula = ~ z, family = nbinom2)").predictors["zi"]
    (Fixed(kind='fixed', formula='1 + z'),)
    """
    tree = only_call(parse_r(call))
    if tree.function == "brm_multiple":
        warn("Give all imputed tables: bm.fit(spec, [table1, table2, ...]) fits each, and pools the draws.")
        tree = replace(tree, function="brm")
    model = find_model(tree)
    arguments = arguments_of(tree, model.order)
    if tree.function == "brm" and "formula" in arguments:
        formulas, rescor = split_responses(_formula_of(arguments["formula"]))
        if len(formulas) > 1 and not any(map(is_of_column, formulas)):
            return _several(tree, model, arguments, formulas, rescor)
    return _translate(tree, model, arguments)


def _several(
    tree: Call, model: RModel, arguments: Mapping[str, Node], formulas: Sequence[Node], rescor: bool | None
) -> JointSpec:
    """Return the spec of several responses."""
    stated = arguments.get("prior")
    plain = {name: value for name, value in arguments.items() if name != "prior"}
    models: list[ModelSpec] = []
    each = [
        {**own, "formula": formula} for formula, own in zip(formulas, families_of(plain, len(formulas)), strict=True)
    ]
    for own in each:
        with warnings.catch_warnings():  # what does not belong to the model is said once
            if models:
                warnings.simplefilter("ignore", StatisticsWarning)
            models.append(_translate(tree, model, own))
    priors: dict[str, str] = {}
    if stated is not None:
        given: dict[str, Any] = {"models": models}
        joint = JointSpec(**given)
        factors = {term.name for terms in joint.predictors.values() for term in terms if term.factor_columns}
        priors, shared = share_priors(stated, joint.responses, joint.tied, factors)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", StatisticsWarning)
            models = [
                one if (prior := shared[name]) is None else _translate(tree, model, {**own, "prior": prior})
                for name, one, own in zip(joint.responses, models, each, strict=True)
            ]
    if rescor is None:
        rescor = all(find_family(one.family).is_normal for one in models)
        if rescor:
            warn(
                "brms takes residuals of Gaussian responses as correlated unless set_rescor(FALSE) is added: rescor=True."
            )
    fields: dict[str, Any] = {"models": models, "rescor": rescor, "priors": priors}
    return JointSpec(**fields)


def _translate(tree: Call, model: RModel, arguments: Mapping[str, Node]) -> ModelSpec:
    """Return the spec of one response from the arguments of a call."""
    given, residual = read_residuals(tree.function, arguments)
    if "formula" not in given:
        raise SpecError(f"{tree.function}() has no formula.")
    note = explain_ignored(tree.function, given)
    fields = _Translation(tree.function, model, given).fields()
    _refuse_sigma(tree.function, residual, fields)
    spec = from_formula(**{**residual, **fields})
    lettered = next((term for term in spec.terms if term.tied_by), None)
    if lettered is not None and tree.function != "brm":
        raise SpecError(
            f"'{lettered}': {tree.function}() has one bar between columns and group; |{lettered.tied_by}| is of brms."
        )
    if note:
        warn(note)
    if model.bars and any(" || " in str(term) and not str(term).startswith("(1 ||") for term in spec.terms):
        warn("In lme4 (f || g) leaves the columns of a factor f correlated; here, as in brms, all are independent.")
    return spec


def _refuse_sigma(function: str, residual: Mapping[str, str], fields: Mapping[str, Any]) -> None:
    """Refuse a prior of brms on the residual SD given the row before, which is another one here (SpecError)."""
    if function == "brm" and residual.get("residual", "").startswith("ar1") and "sigma" in fields["priors"]:
        raise SpecError(
            "A prior of sigma beside ar() has no counterpart here: in brms sigma is the SD of a row given the one before. State "
            'one of the SD of a row: priors={"sigma": ...}.'
        )


def _of_category(family: str, key: str) -> str:
    """Return a key in which the parameter of a category, "mub" of brms, has its name here, "mu_b"."""
    template = find_family(family).template
    return re.sub(rf"_{template}([^_\[\]]+)(?=\[|$)", rf"_{template}_\1", key) if template else key


class _Translation:
    """The fields of a spec from the arguments of a call."""

    def __init__(self, function: str, model: RModel, given: Mapping[str, Node]) -> None:
        self.function, self.model, self.given = function, model, given
        whole, self.impute = split_columns(_formula_of(given["formula"]))
        formula, self.formulas, self.options = split_bf(whole)
        if "family" in self.options:
            self.given = {**given, "family": self.options.pop("family")}
        left, self.right = split_formula(formula)
        if left is None:
            raise SpecError(f"'{write(formula)}' has no response.")
        self.left: Node = left
        self.priors: dict[str, Any] = {}
        self.reference = ""
        self.moved: list[str] = []

    def fields(self) -> dict[str, Any]:
        """Return the arguments of `from_formula` (SpecError)."""
        for name, why in NOT_HERE.items():
            if name in self.given or (name in self.options and not _is_false(self.options[name])):
                raise SpecError(f"Argument '{name}' of {self.function}() has no counterpart here: {why}.")
        if "scale" in self.given and self.function != "clm":
            raise SpecError(f"Argument 'scale' of {self.function}() has no counterpart here.")
        if _word(self.given.get("threshold", Name("flexible"))) != "flexible":
            raise SpecError("threshold has no counterpart here unless it is flexible.")
        name, link = self._family()
        name, further = self._further(name)
        left = self._left(name)
        name = EVENTS if name == TRIALS and "trials(" not in left else name
        right = write(self.right)
        if self.function == "brm" and re.search(r"(?<![\w.])cs\(", right):
            _check_thresholds(name)
            right = self._specific()
        if self.moved:
            _check_thresholds(name)
            further[THRESHOLD] = f"~ {' + '.join(self.moved)}"
        if "offset" in self.given:
            right += f" + offset({write(self.given['offset'])})"
        own, accepted = find_family(name).parameters[0].link, find_family(name).parameters[0].links
        if link not in accepted:
            raise SpecError(
                f"Link '{link}' of {write(self.given.get('family'))} in {self.function}() has no counterpart here. State "
                f'another one, such as family = ...(link = "{own}"); here are {", ".join(accepted)}.'
            )
        if "prior" in self.given:
            priors = read_priors(self.given["prior"], self._names(name), parse_terms(right), find_family(name))
            self.priors |= {_of_category(name, key): prior for key, prior in priors.items()}
        return {
            **{"formula": f"{left} ~ {right}", "family": name, "priors": self.priors},
            **({} if link == own else {"link": link}),
            **({"reference": self.reference} if self.reference else {}),
            **({"impute": self.impute} if self.impute else {}),
            **further,
        }

    def _family(self) -> tuple[str, str]:
        """Return the family here, and the link that is given or the default there."""
        given = self.given.get("family", Name(DEFAULT_FAMILY))
        if self.function in ("glm.nb", "glmer.nb", "stan_glmer.nb"):
            return COUNTS, "log"
        if self.function in ("clm", "clmm"):
            return ORDERED, _word(self.given["link"]) if "link" in self.given else "logit"
        if self.function == "multinom":
            counted = isinstance(self.left, Call) and self.left.function == COUNTED
            return (SEVERAL_COUNTS if counted else NOMINAL), "logit"
        name, link = _word(given), ""
        if isinstance(given, Call):
            arguments = list(given.arguments)
            if given.function in ("brmsfamily", "family"):
                name, arguments = _word(arguments[0].value), arguments[1:]
                given = Text(name)
            else:
                name = given.function
            for place, argument in enumerate(arguments):
                link = self._family_argument(name, place, argument.name, argument.value) or link
        if isinstance(given, Text) and self.function == "brm":
            name = name.lower()
        advice = OTHERWISE_THERE.get((self.function, name)) or NO_COUNTERPART.get(name)
        if advice or name not in R_FAMILIES:
            raise SpecError(
                f"Family '{shorten(name)}' of {self.function}() has no counterpart here. "
                f"{advice or 'The families here: bm.FAMILIES.'}"
            )
        if name in NEED_ZEROS and "ziformula" not in self.given:
            raise SpecError(f"Family '{name}' without ziformula has no zeros: write family = Gamma(...).")
        found, usual = R_FAMILIES[name]
        return found, LINKS_THERE.get(link, link) or usual

    def _family_argument(self, name: str, place: int, key: str, value: Node | None) -> str:
        """Return the link that an argument of a family states; a number in negative.binomial(2) fixes its parameter."""
        if isinstance(value, Number) and name == "negative.binomial" and key in ("", "theta"):
            self.priors["theta"] = float(value.text)
            return ""
        if key == "link" or (not key and place == 0):
            return _word(value)
        if key == "threshold" and _word(value) == "flexible":
            return ""
        if key == "refcat" and isinstance(value, Text | Number) and find_family(R_FAMILIES[name][0]).template:
            self.reference = _word(value) if isinstance(value, Text) else value.text
            return ""
        raise SpecError(f"'{key} = {write(value)}' of family '{name}' has no counterpart here.")

    def _further(self, name: str) -> tuple[str, dict[str, str]]:
        """Return the family with zeros of their own if it has any, and the formulas of further parameters."""
        found: dict[str, str] = {}
        zeros = self.given.get("ziformula")
        if zeros is not None and not _constant(zeros, "0"):
            if name not in INFLATED:
                raise SpecError(f"ziformula with family '{name}' has no counterpart here.")
            name, parameter = INFLATED[name]
            if not _constant(zeros, "1"):
                found[parameter] = f"~ {write(_with_dot(split_formula(zeros)[1], self.right))}"
        spread = self.given.get("dispformula")
        if spread is not None and not _constant(spread, "1"):
            if name not in DISPERSIONS or _constant(spread, "0"):
                raise SpecError(f"dispformula = {write(spread)} with family '{name}' has no counterpart here.")
            found[DISPERSIONS[name]] = f"~ {write(split_formula(spread)[1])}"
        names = self._names(name)
        scale = self.given.get("scale", Operation("~", (Number("1"),)))
        for key, formula in {**self.formulas, **({} if _constant(scale, "1") else {DISC: scale})}.items():
            own, right = names.get(key, _of_category(name, f"_{key}")[1:]), write(split_formula(formula)[1])
            if find_family(name).having([own]).parameter(own).relative:
                right = right.removeprefix("0 + ")
                warn(_RELATIVE.format(own, self.function) + (_INVERSE.format(own) if "scale" in self.given else ""))
            found[own] = f"~ {right}"
        for key, value in self.options.items():
            if key in find_family(name).optional and value == Number("1"):
                continue
            if key in names and key not in find_family(name).optional and isinstance(value, Number):
                self.priors[names[key]] = float(value.text)
            elif not (key in ("nl", "cmc", "loop") or (key == "center" and not _is_false(value))):
                raise SpecError(f"'{key} = {write(value)}' in bf() has no counterpart here.")
        return name, found

    def _specific(self) -> str:
        """Return the right side without cs(...) of brms, whose terms are those of thresholds (SpecError)."""
        kept: list[str] = []
        for term in _summands(self.right):
            if isinstance(term, Call) and term.function == "cs" and len(term.arguments) == 1:
                self.moved += [write(argument.value) for argument in term.arguments if argument.value is not None]
            elif re.search(r"(?<![\w.])cs\(", write(term)):
                raise SpecError(f"'{write(term)}': cs(...) has a counterpart here only as a term of its own, + cs(x).")
            else:
                kept.append(write(term))
        warn(
            f"Effects in cs(...) of brms are added to mu, those in the formula of '{THRESHOLD}' here to thresholds: coefficients "
            "have the other sign."
        )
        return " + ".join(kept) or "1"

    def _names(self, name: str) -> dict[str, str]:
        """Return what parameters of brms's family are called here."""
        family = find_family(name)
        own = [*(parameter.name for parameter in family.parameters[1:]), *family.optional]
        return {NAMES_THERE.get(one, one): one for one in own}

    def _left(self, name: str) -> str:
        """Return the left side of the formula here, with trials and weights."""
        left, weights = self.left, self.given.get("weights")
        additions: list[str] = []
        if isinstance(left, Operation) and left.sign == "|":
            left, added = left.operands
            for one in _summands(added):
                if isinstance(one, Call) and one.function == "thres":
                    self.moved.append(_group_of_thresholds(one))
                else:
                    additions.append(_weighted(write(one), self.model.weights))
        response = write(left)
        if isinstance(left, Call) and left.function == COUNTED and not find_family(name).counted:
            response, trials = _counts(left)
            additions.append(f"trials({trials})")
        elif weights is not None and find_family(name).has_trials:
            column, weights = write(weights), None
            share = isinstance(left, Operation) and left.sign == "/" and write(left.operands[1]) == column
            response = (
                write(left.operands[0]) if share and isinstance(left, Operation) else f"round({response} * {column})"
            )
            additions.append(f"trials({column})")
        if weights is not None:
            kind = "likelihood" if name in MULTIPLYING else self.model.weights
            if not isinstance(weights, Name):
                raise SpecError(f"weights = {write(weights)}: compute the column beforehand, and give its name.")
            additions.append(f'weights({write(weights)}, "{kind}")')
        return f"{response} | {' + '.join(additions)}" if additions else response


def _check_thresholds(name: str) -> None:
    """Refuse families whose thresholds are the same for all rows (SpecError)."""
    if THRESHOLD not in find_family(name).optional:
        able = enumerate_words([other for other, one in FAMILIES.items() if THRESHOLD in one.optional])
        raise SpecError(
            f"Effects that differ between thresholds, cs(...) and thres(gr = ) of brms, have a counterpart here in families "
            f"{able}, not in '{name}'."
        )


def _group_of_thresholds(call: Call) -> str:
    """Return the factor each of whose levels has its own thresholds, thres(gr = g) of brms (SpecError)."""
    groups = [write(one.value) for one in call.arguments if one.name == "gr" and one.value is not None]
    if not groups or len(call.arguments) > 1:
        raise SpecError(
            f"'{write(call)}': the number of categories is that of the response here. Make it an ordered Categorical of all, and "
            "leave thres() out, or write thres(gr = g) for thresholds of the levels of g."
        )
    return groups[0]


def _summands(node: Node) -> list[Node]:
    if isinstance(node, Operation) and node.sign == "+" and len(node.operands) > 1:
        return [term for one in node.operands for term in _summands(one)]
    return [node]


def _formula_of(node: Node) -> Node:
    """Return the formula that an argument is, also as text or in as.formula("...")."""
    if isinstance(node, Call) and node.function in ("as.formula", "formula") and node.arguments:
        node = node.arguments[0].value or node
    return parse_r(node.value) if isinstance(node, Text) and node.value.strip() else node


def _counts(call: Call) -> tuple[str, str]:
    """Return successes and trials of cbind(k, n - k)."""
    values = [argument.value for argument in call.arguments]
    rest = values[1].inside if len(values) == 2 and isinstance(values[1], Brackets) else values[-1]
    match rest:
        case Operation("-", (Name() | Number() as trials, subtracted)) if write(subtracted) == write(values[0]):
            return write(values[0]), write(trials)
    raise SpecError(
        f"'{write(call)}': the number of trials must be a column. Compute it, n = successes + failures, and write "
        "successes | trials(n) ~ ..., or cbind(successes, n - successes)."
    )


def _weighted(text: str, kind: str) -> str:
    """Return additions of brms in which weights(w) have their meaning."""
    head, found, rest = text.partition("weights(")
    inside, closing, after = rest.partition(")")
    return f'{head}weights({inside}, "{kind}"){after}' if found and closing and "," not in inside else text


def _constant(node: Node, number: str) -> bool:
    """Return whether a formula is ~ 0 or ~ 1."""
    return isinstance(node, Operation) and node.sign == "~" and node.operands == (Number(number),)


def _with_dot(node: Node, main: Node) -> Node:
    """Return a formula in which a dot is the right side of the main formula."""
    if node == Name("."):
        return Brackets(main)
    if isinstance(node, Operation):
        return Operation(node.sign, tuple(_with_dot(one, main) for one in node.operands))
    return Brackets(_with_dot(node.inside, main)) if isinstance(node, Brackets) else node


def _is_false(node: Node) -> bool:
    return node in (Name("FALSE"), Name("F"))


def _word(node: Node | None) -> str:
    match node:
        case Name(word):
            return word
        case Text(value):
            return value
        case Call(function, ()):
            return function
    return write(node)
