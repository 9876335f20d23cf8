"""Effects of groups in equations: deviations b_i around zero, or coefficients β_0i around population means."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bayesmixed.equations.outline import PredictorOutline
from bayesmixed.equations.symbols import Equation, Expression, Node, Symbol
from bayesmixed.parameter_keys import ParameterKey
from bayesmixed.terms.correlation_matrices import tied_sets
from bayesmixed.terms.outlines import GroupOutline
from bayesmixed.terms.structures import Structure

ZERO = Symbol("0")
_SINGLE = "z"
"""Letter of effects of single rows."""


@dataclass(frozen=True, slots=True)
class GroupTerm:
    """How one group term is written.

    Attributes
    ----------
    group : GroupOutline
        The term.
    effects : tuple of Symbol
        Its effects, one per column: b0_i goes with β0, b1_i with β1.
    means : tuple of Symbol
        Around what they vary: zeros, population means, or the coefficients of an outer factor.
    shown : bool
        Whether the predictor contains them; those of an outer factor may enter through an inner one.
    takes : tuple of str
        Population columns whose coefficients they are.
    """

    group: GroupOutline
    effects: tuple[Symbol, ...]
    means: tuple[Symbol, ...]
    shown: bool = True
    takes: tuple[str, ...] = ()


def list_deviations(predictor: PredictorOutline) -> list[GroupTerm]:
    """Return the group terms of a predictor as deviations around zero."""
    return [GroupTerm(group, _deviations(predictor, group), (ZERO,) * len(group.columns)) for group in predictor.groups]


def list_coefficients(predictor: PredictorOutline) -> list[GroupTerm]:
    """Return the group terms of a predictor as group coefficients around population means.

    Chains of nested factors vary around each other, the outermost around the population means. Only one chain can
    take these: that with the fewest outermost levels, without data the first. Other terms stay deviations. This is
    the parameterisation that `build` calls "hierarchical".
    """
    parents = _find_parents(predictor)
    roots = [group for group in predictor.groups if group.name not in parents and _is_free(predictor, group)]
    if not roots:
        return list_deviations(predictor)
    root = min(roots, key=lambda group: group.levels)
    chain = _chain(root.name, parents)
    coefficients = {group.name: _coefficients(predictor, group) for group in predictor.groups}
    terms = []
    for term in list_deviations(predictor):
        name = term.group.name
        if name not in chain:
            terms.append(term)
            continue
        means = coefficients[parents[name]] if name in parents else population_means(predictor, root)
        takes = root.labels if name == chain[-1] else ()
        terms.append(GroupTerm(term.group, coefficients[name], means, name == chain[-1], takes))
    return terms


def population_means(predictor: PredictorOutline, group: GroupOutline) -> tuple[Symbol, ...]:
    """Return the means of group coefficients, b instead of β."""
    alone = group.labels == ("Intercept",)
    return tuple(
        Symbol("b", number="" if alone else number_of(predictor, label), parameter=predictor.ending)
        for label in group.labels
    )


def number_of(predictor: PredictorOutline, label: str, group: GroupOutline | None = None) -> str:
    """Return the number of a column: 0 for the intercept, those without a population effect last."""
    further = () if group is None else group.labels
    return str(list(dict.fromkeys(["Intercept", *predictor.labels, *further])).index(label))


def standard_deviation(predictor: PredictorOutline, group: GroupOutline, label: str, squared: bool = False) -> Symbol:
    """Return the symbol of a group's SD, or of its variance."""
    alone = group.labels == ("Intercept",)
    return Symbol(
        "sigma",
        number="" if alone else number_of(predictor, label, group),
        label=group.name,
        short_label=_SINGLE if group.single else "",
        column="" if alone else label,
        parameter=predictor.ending,
        squared=squared,
    )


def list_distributions(predictor: PredictorOutline, term: GroupTerm, tied: Collection[str] = ()) -> Iterator[Equation]:
    """Yield the distribution of a group's effects, but of those that letters tie to effects in other predictors."""
    group, numbers = term.group, _matrix_numbers(term.group)
    for number, part in enumerate(group.parts):
        if part.letter in tied:
            continue
        chosen = [term.effects[column] for column in part.columns]
        means = [term.means[column] for column in part.columns]
        labels = [group.labels[column] for column in part.columns]
        if part.structure is not None:
            yield from _structured(predictor, group, part.structure, tuple(chosen), labels, numbers[number])
            continue
        if not part.correlated:
            for effect, mean, label in zip(chosen, means, labels, strict=True):
                variance: Node = standard_deviation(predictor, group, label, squared=True)
                if group.relation:
                    effect = replace(effect, index="")
                    variance = Expression("product", (variance, Symbol(group.relation, word=True)))
                law = Expression("call", (mean, variance), "N")
                if group.heavy:
                    law = Expression("call", (_degrees(predictor, group), mean, variance), "t")
                yield Equation(effect, "~", law, "degrees of freedom, mean, variance" * group.heavy)
            continue
        deviations = [standard_deviation(predictor, group, label) for label in labels]
        note = f"between levels i and j: {group.relation}_ij times it" * bool(group.relation)
        yield from _unstructured(predictor, group, chosen, means, deviations, note, numbers[number])


def _matrix_numbers(group: GroupOutline) -> tuple[str, ...]:
    """Return by part what tells its matrices from those of the other parts of the factor, "" where no other has any."""
    own = [part.correlated if part.structure is None else part.structure.correlated for part in group.parts]
    several = sum(own) > 1
    return tuple(str(sum(own[: number + 1])) if several and one else "" for number, one in enumerate(own))


def correlation_symbols(predictor: PredictorOutline, group: GroupOutline) -> list[Symbol]:
    """Return the symbols of the matrices of unstructured correlations of a factor, one for each part that has one."""
    parts = zip(group.parts, _matrix_numbers(group), strict=True)
    numbers = [number for part, number in parts if part.structure is None and part.correlated] or [""]
    return [Symbol("R", number=number, label=group.name, parameter=predictor.ending) for number in numbers]


def _unstructured(
    predictor: PredictorOutline,
    group: GroupOutline,
    effects: Sequence[Symbol],
    means: Sequence[Symbol],
    deviations: Sequence[Symbol],
    note: str = "",
    number: str = "",
) -> Iterator[Equation]:
    """Yield the distribution of effects with one covariance, whose matrices have the names of a predictor and a group."""
    covariance, diagonal, correlation = (
        Symbol(letter, number=number, label=group.name, parameter=predictor.ending) for letter in ("Sigma", "D", "R")
    )
    centre = ZERO if all(mean == ZERO for mean in means) else Expression("tuple", tuple(means))
    yield Equation(Expression("tuple", tuple(effects)), "~", Expression("call", (centre, covariance), "N"), note)
    yield Equation(covariance, "=", Expression("product", (diagonal, correlation, diagonal)))
    yield Equation(diagonal, "=", Expression("call", tuple(deviations), "diag"))


def tied_letters(predictors: Sequence[PredictorOutline]) -> dict[str, list[list[PredictorOutline]]]:
    """Return, by factor, the sets of predictors whose effects letters tie."""
    found: dict[str, list[list[PredictorOutline]]] = {}
    for name in dict.fromkeys(group.name for predictor in predictors for group in predictor.groups):
        letters = {
            one.parameter: [part.letter for group in one.groups if group.name == name for part in group.parts]
            for one in predictors
        }
        sets = [[one for one in predictors if one.parameter in members] for members in tied_sets(letters)]
        if sets:
            found[name] = sets
    return found


def list_joint_distributions(
    members: Sequence[PredictorOutline], terms: Mapping[str, Sequence[GroupTerm]], name: str
) -> Iterator[Equation]:
    """Yield the distributions of effects of a factor that letters tie across predictors, one for each letter."""
    placed = [(one, term) for one in members for term in terms[one.parameter] if term.group.name == name]
    first, (_, of_first) = members[0], placed[0]
    letters = [part.letter for _, term in placed for part in term.group.parts if part.letter]
    for letter in dict.fromkeys(letters):
        effects: list[Symbol] = []
        means: list[Symbol] = []
        deviations: list[Symbol] = []
        for predictor, term in placed:
            for column in (c for part in term.group.parts if part.letter == letter for c in part.columns):
                effects.append(term.effects[column])
                means.append(term.means[column])
                deviations.append(standard_deviation(predictor, term.group, term.group.labels[column]))
        if len(effects) > 1:
            yield from _unstructured(first, of_first.group, effects, means, deviations)
        else:
            variance = replace(deviations[0], squared=True)
            yield Equation(effects[0], "~", Expression("call", (means[0], variance), "N"))


def structure_symbols(predictor: PredictorOutline, group: GroupOutline) -> Iterator[tuple[ParameterKey, Symbol]]:
    """Yield the keys and symbols of the shared SDs and of the parameters of the covariance structures of a group."""
    if group.heavy:
        yield predictor.names.structure("nu", group.name), _degrees(predictor, group)
    for structure in (part.structure for part in group.parts if part.structure is not None):
        if structure.covariance.equal:
            yield ParameterKey(predictor.names.sd(group.name), structure.label), _shared_sd(predictor, group, structure)
        for one in structure.parameters:
            number = one.name.removeprefix("pacf") if structure.covariance.lags else ""
            symbol = Symbol(one.symbol, number=number, label=group.name, parameter=predictor.ending)
            yield predictor.names.structure(one.name, group.name), symbol


def _degrees(predictor: PredictorOutline, group: GroupOutline) -> Symbol:
    return Symbol("nu", label=group.name, parameter=predictor.ending)


def _shared_sd(predictor: PredictorOutline, group: GroupOutline, structure: Structure, squared: bool = False) -> Symbol:
    return Symbol("sigma", label=group.name, column=structure.label, parameter=predictor.ending, squared=squared)


def _structured(
    predictor: PredictorOutline,
    group: GroupOutline,
    structure: Structure,
    chosen: tuple[Symbol, ...],
    labels: Sequence[str],
    number: str,
) -> Iterator[Equation]:
    """Yield the distribution of effects whose covariance has a structure, and what their correlations are."""
    record = structure.covariance
    equal = _shared_sd(predictor, group, structure, squared=True)
    if not structure.correlated:
        for effect in chosen:
            yield Equation(effect, "~", Expression("call", (ZERO, equal), "N"))
        return
    correlation, covariance = (
        Symbol(letter, number=number, label=group.name, parameter=predictor.ending) for letter in ("R", "Sigma")
    )
    inside: Node = Expression("product", (equal, correlation)) if record.equal else covariance
    left: Node = chosen[0] if len(chosen) == 1 else Expression("tuple", chosen)
    yield Equation(left, "~", Expression("call", (ZERO, inside), "N"))
    if not record.equal:
        diagonal = Symbol("D", number=number, label=group.name, parameter=predictor.ending)
        several = Symbol("sigma", label=group.name, column=structure.inside, index="k", parameter=predictor.ending)
        sds = (several,) if len(chosen) < 2 else tuple(standard_deviation(predictor, group, label) for label in labels)
        yield Equation(covariance, "=", Expression("product", (diagonal, correlation, diagonal)))
        yield Equation(diagonal, "=", Expression("call", sds, "diag"))
    if record.lags:
        same = Symbol("r", label=group.name, index="|k-l|")
        note = "k, l in steps; priors are of partial correlations"
        yield Equation(replace(correlation, index="kl"), "=", same, note)
        return
    symbols = tuple(Symbol(one.symbol, label=group.name, parameter=predictor.ending) for one in structure.parameters)
    entry = replace(correlation, index="kl")
    yield Equation(entry, "=", Expression("link", symbols, record.formula), record.note)


def short_name(predictor: PredictorOutline, group: GroupOutline) -> str:
    """Return the innermost column of a factor, or its whole name where another factor has the same one."""
    others = [other.short for other in predictor.groups if other.name != group.name and not other.single]
    return group.name if group.short in others else group.short


def _deviations(predictor: PredictorOutline, group: GroupOutline) -> tuple[Symbol, ...]:
    alone = sum(not other.single for other in predictor.groups) == 1
    name = _SINGLE if group.single else ("b" if alone else short_name(predictor, group))
    return tuple(
        Symbol(
            name,
            number="" if column.place or group.labels == ("Intercept",) else number_of(predictor, column.label, group),
            label=column.label if column.place else "",
            index=group.index,
            parameter=predictor.ending,
            word=True,
        )
        for column in group.columns
    )


def _coefficients(predictor: PredictorOutline, group: GroupOutline) -> tuple[Symbol, ...]:
    return tuple(
        Symbol("beta", number=number_of(predictor, label, group), index=group.index, parameter=predictor.ending)
        for label in group.labels
    )


def _is_free(predictor: PredictorOutline, group: GroupOutline) -> bool:
    """Return whether all columns of a group have a population coefficient."""
    if any(column.place for column in group.columns):
        return False
    return not (group.single or group.several or group.relation) and set(group.labels) <= set(predictor.labels)


def _find_parents(predictor: PredictorOutline) -> dict[str, str]:
    """Return the outer factor around which each factor varies, inner factors choosing first."""
    candidates = [
        group
        for group in predictor.groups
        if not (group.single or group.several or group.relation) and group.labels == ("Intercept",)
    ]
    depth = {group.name: len(group.inside) for group in candidates}
    inner_first = sorted(candidates, key=lambda group: (-group.levels, -depth[group.name]))
    parents: dict[str, str] = {}
    for start in inner_first:
        if start.name in parents.values():
            continue
        group = start
        while outer := [
            o for o in candidates if o.name in group.inside and o.name not in {*parents, *parents.values()}
        ]:
            group, inner = max(outer, key=lambda o: (o.levels, depth[o.name])), group
            parents[inner.name] = group.name
    return parents


def _chain(root: str, parents: Mapping[str, str]) -> list[str]:
    """Return the factors from the outermost to the innermost."""
    chain = [root]
    while inner := next((name for name, outer in parents.items() if outer == chain[-1]), ""):
        chain.append(inner)
    return chain
