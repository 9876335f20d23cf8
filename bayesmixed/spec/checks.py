"""Choices of a spec that do not go together, found without data."""

from collections.abc import Collection, Iterable, Mapping

from bayesmixed.errors import SpecError, did_you_mean, enumerate_words
from bayesmixed.families import FAMILIES, Family
from bayesmixed.formulas.names import refuse_stateful
from bayesmixed.spec.parsing import counted_columns
from bayesmixed.terms import Term
from bayesmixed.terms.limits import Censoring, Truncation
from bayesmixed.terms.residual_correlations import Residual
from bayesmixed.terms.residual_rows import TAILS
from bayesmixed.terms.weights import ERROR, FREQUENCY, PRECISION, Weights


def check_choices(
    family: Family,
    *,
    response: str,
    trials: str | int | None,
    weights: Weights | None,
    limits: Iterable[Censoring | Truncation],
    predictors: Mapping[str, Iterable[Term]],
    links: Mapping[str, str],
    reference: str = "",
    residual: Residual | None = None,
) -> None:
    """Refuse fields of a spec, named as those of `ModelSpec`, that contradict the family or each other (SpecError)."""
    if not response.strip():
        raise SpecError("The model has no response; write it left of the tilde.")
    refuse_stateful(response, f"Response '{response}'")
    _check_counts(family, response, reference)
    _check_predictors(family, predictors)
    _check_links(family, links)
    _check_trials(family, response, trials)
    if reference and not family.template:
        raise SpecError(
            f"reference='{reference}' is the category that others are compared with under family 'categorical'; family "
            f"'{family.name}' has none."
        )
    check_letters(predictors)
    observed = any(term.single for terms in predictors.values() for term in terms)
    if weights is not None:
        _check_weights(family, weights, observed)
        if weights.are_errors and family.scale in predictors:
            raise SpecError(
                f"A formula of '{family.scale}' is not possible with known standard errors: se() gives the residual SD of each "
                "row. Leave one of the two out."
            )
    if residual is not None:
        _check_residual(family, residual, weights, limits)
        if residual.correlated and TAILS in predictors:
            raise SpecError(
                f"residual '{residual}' of family '{family.name}' is a multivariate t, whose rows share degrees of freedom: "
                f"leave the formula of '{TAILS}' out."
            )
    for limit in limits:
        _check_limits(family, limit)
    known = weights is not None and weights.kind == ERROR
    if family.observation_effect and observed and not known:
        raise SpecError(
            f"obs() is not identified under family '{family.name}': {family.observation_effect}. Leave it out."
        )


def check_letters(predictors: Mapping[str, Iterable[Term]]) -> None:
    """Refuse letters, (x |p| g), that do not say which effects have one covariance (SpecError)."""
    predictors = {name: tuple(own) for name, own in predictors.items()}
    terms = [(name, term) for name, own in predictors.items() for term in own if term.factor_columns]
    lettered = [(name, term) for name, term in terms if term.tied_by]
    factors: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    for name, term in lettered:
        known = factors.setdefault(term.tied_by, term.name)
        if known != term.name:
            raise SpecError(
                f"Letter '{term.tied_by}' stands with '{known}' and with '{term.name}': it ties effects of the same levels. Take "
                "another letter for each factor."
            )
        if (name, term.tied_by) in seen:
            raise SpecError(
                f"Letter '{term.tied_by}' stands twice in the formula of '{name}'. Write its columns in one term, (1 + x "
                f"|{term.tied_by}| {term.name})."
            )
        seen.add((name, term.tied_by))
    for name, term in terms:
        beside = [one for where, one in lettered if where == name and one.name == term.name]
        if beside and not term.tied_by and term.structured:
            raise SpecError(
                f"'{term}' has a covariance with parameters of its own, and '{beside[0]}' of the same factor a letter: together "
                "they are not possible. Leave the letter out."
            )


def _check_residual(
    family: Family, residual: Residual, weights: Weights | None, limits: Iterable[Censoring | Truncation]
) -> None:
    if family.from_working is None:
        able = [name for name, other in FAMILIES.items() if other.from_working is not None]
        raise SpecError(
            f"residual '{residual}': residuals are those of families {enumerate_words(able)}; '{family.name}' has none. "
            f"Correlated effects on the scale of the link are a term, {residual.record.call}(0 + {residual.place} | "
            f"{residual.by})."
        )
    if weights is not None and weights.kind != PRECISION:
        raise SpecError(
            f"residual '{residual}' is not possible with {weights}: only precision weights change the residual SD of single "
            "rows. Leave one of the two out."
        )
    for limit in limits:
        raise SpecError(
            f"residual '{residual}' is not possible with {limit}: the density of a group is then an integral over its rows. "
            "Leave one of the two out."
        )


def _check_predictors(family: Family, names: Collection[str]) -> None:
    for name in names:
        if family.parameter(name).onset:
            raise SpecError(
                f"'{name}' of family '{family.name}' takes no predictor: the shift is the same for all rows. Where it is known "
                "to differ, take it off the response: (y - shift) ~ ..., family lognormal."
            )
        if family.parameter(name).cut and name != family.shared:
            able = [other for other, one in FAMILIES.items() if name in one.optional]
            raise SpecError(
                f"'{name}' of family '{family.name}' takes no formula: thresholds with own effects could cross. Families "
                f"{enumerate_words(able)}, each of whose thresholds is an event, take one; effects on the whole latent variable "
                "go in the formula of the response, and differences of its scale in that of 'disc'."
            )
    first = family.parameters[0].name
    if first not in names:
        raise SpecError(f"The model has no predictor for '{first}'.")


def _check_links(family: Family, links: Mapping[str, str]) -> None:
    for name, link in links.items():
        accepted = family.parameter(name).links
        if link not in accepted:
            raise SpecError(
                f"Link '{link}' is not possible for '{name}' of family '{family.name}'. {did_you_mean(link, accepted)}"
            )


def _check_counts(family: Family, response: str, reference: str) -> None:
    columns = counted_columns(response)
    if columns and family.counted and reference and reference not in columns:
        raise SpecError(f"reference='{reference}' is no column of '{response}'. {did_you_mean(reference, columns)}")
    if family.counted and not columns:
        raise SpecError(
            f"Family '{family.name}' needs the counts of all categories, a column for each: cbind(a, b, c) ~ ... . For one "
            "category in each row take family 'categorical'."
        )
    if columns and not family.counted:
        able = [name for name, other in FAMILIES.items() if other.counted]
        raise SpecError(
            f"'{response}' is a response of family {enumerate_words(able)}, not of '{family.name}': counts of several "
            "categories, a column for each. Of two write successes | trials(n) ~ ..., n being successes plus failures; for "
            "several responses give several formulas in a list."
        )


def _check_trials(family: Family, response: str, trials: str | int | None) -> None:
    if family.has_trials and trials is None:
        raise SpecError(f"Family '{family.name}' needs the number of trials: {response} | trials(n) ~ ...")
    if trials is not None and not (family.has_trials or family.counted):
        raise SpecError(f"Family '{family.name}' has no trials. Did you mean family 'binomial'?")


def _check_limits(family: Family, limit: Censoring | Truncation) -> None:
    if family.log_tails is None:
        raise SpecError(
            f"{limit}: family '{family.name}' has no distribution function whose tails are known in log space, so that its "
            "responses cannot be censored or truncated. Take another family, or leave it out."
        )


def _check_weights(family: Family, weights: Weights, observed: bool) -> None:
    if weights.are_errors and not family.known_errors:
        able = [name for name, other in FAMILIES.items() if other.known_errors]
        raise SpecError(
            f"Known standard errors are those of families {' and '.join(able)}, not of '{family.name}'. For estimates "
            "of ratios, take their logarithms and the standard errors of these."
        )
    if weights.kind == PRECISION and not family.scale:
        raise SpecError(
            f"Precision weights divide a residual variance, which family '{family.name}' does not have. "
            'Write weights(w, "likelihood"), or "frequency" where a row represents several; trials(n) for proportions.'
        )
    if weights.kind == FREQUENCY and observed:
        raise SpecError(
            "obs() has an effect for each row, and frequency weights mean that a row represents several. "
            "Expand the rows, or leave obs() out."
        )
