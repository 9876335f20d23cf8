"""JointDesign: models of several responses on their data, with the correlations between them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bayesmixed.design.design import Design, RealisedPrior
from bayesmixed.design.latent_columns import with_predictors
from bayesmixed.display.columns_of_text import fill_lines
from bayesmixed.equations import CommonCorrelations, DisplayedTogether, JointOutline, state_prior
from bayesmixed.errors import SpecError, did_you_mean
from bayesmixed.parameter_keys import VariableNames
from bayesmixed.prior_distributions import Prior
from bayesmixed.spec.joint_specs import RESCOR, JointSpec, dependencies, name_predictor
from bayesmixed.terms.block_parts import Part
from bayesmixed.terms.blocks import GroupBlock
from bayesmixed.terms.correlation_matrices import CorrelationMatrix
from bayesmixed.terms.predictors import Predictor
from bayesmixed.terms.ties import tie_predictors


@dataclass(frozen=True, slots=True)
class Member:
    """A term whose effects are correlated with those of other responses.

    Attributes
    ----------
    response, parameter : str
        Where it is.
    predictor : Predictor
        Whose variables end in the response.
    group : GroupBlock
        The term.
    """

    response: str
    parameter: str
    predictor: Predictor
    group: GroupBlock


@dataclass(frozen=True, slots=True)
class JointDesign(DisplayedTogether):
    """A spec of several responses on its data.

    Attributes
    ----------
    spec : JointSpec
        What was asked for.
    parts : mapping of str to Design
        By response; each is the design of a model of this response alone, on the rows that have it.
    priors : mapping
        Of the correlations of several responses, by their names in the draws: "corr_g", "rescor".

    Examples
    --------
    >>> import bayesmixed as bm
    >>> data = bm.datasets.load("sleepstudy").assign(speed=lambda one: 1000 / one["Reaction"])
    >>> design = bm.prepare_joint(["Reaction ~ Days + (1 |p| Subject)", "speed ~ Days + (1 |p| Subject)"], data)
    >>> list(design.parts), list(design.priors), design.matrices["corr_Subject"].labels
    (['Reaction', 'speed'], ['corr_Subject'], ('Reaction[Intercept]', 'speed[Intercept]'))
    """

    spec: JointSpec
    parts: Mapping[str, Design]
    priors: Mapping[str, RealisedPrior]

    @property
    def named(self) -> dict[str, Design]:
        """The designs with variables whose names end in the response, and letters that tie effects of all responses."""
        return name_parts(self.parts)

    @property
    def matrices(self) -> dict[str, CorrelationMatrix]:
        """The matrices of correlations of several responses, by their names in the draws."""
        found = {name: members[0].predictor.correlations(members[0].group) for name, members in self.members().items()}
        return {**found, RESCOR: self.residual_matrix} if self.spec.rescor else found

    @property
    def residual_matrix(self) -> CorrelationMatrix:
        """The correlations of the residuals of the responses of a row."""
        names = tuple(self.parts)
        return CorrelationMatrix(
            "residuals", RESCOR, "response", ("sigma",), (names,), (Part(tuple(range(len(names))), True),)
        )

    def __getitem__(self, response: str) -> Design:
        return self.parts[self.find_response(response)]

    def __iter__(self) -> Iterator[str]:
        return iter(self.parts)

    def __len__(self) -> int:
        return len(self.parts)

    def find_response(self, response: str) -> str:
        """Return the name in results of a response, given as there or as in its formula, cbind(a, b) (SpecError)."""
        text = str(response).replace(", ", ",")
        for name, part in self.parts.items():
            if response == name or text == part.spec.response.replace(", ", ","):
                return name
        raise SpecError(f"There is no response '{response}'. {did_you_mean(str(response), self.parts)}")

    def dependencies(self) -> dict[str, list[str]]:
        """Return the other responses that stand in the formulas of each one."""
        return dependencies_of(self.parts)

    def members(self) -> dict[str, tuple[Member, ...]]:
        """Return the terms that each matrix of several responses ties, by its name."""
        return members_of(self.named)

    def blocks(self, response: str) -> set[str]:
        """Return the matrices of a response that are blocks of those of several."""
        members = [one for found in self.members().values() for one in found if one.response == response]
        terms = {(one.parameter, one.group.name) for one in members}
        return {
            matrix.name
            for matrix, own in self.parts[response].correlations()
            if any((predictor.parameter, group.name) in terms for predictor, group in own)
        }

    def joint_outline(self) -> JointOutline:
        """Return what the equations need to know."""
        common = []
        members = self.members()
        for name, entry in self.priors.items():
            if name == RESCOR:
                found = tuple((response, "", response) for response in self.parts)
            else:
                found = tuple((one.response, one.parameter, one.predictor.parameter) for one in members[name])
            prior = state_prior(entry.prior, entry.about, entry.source)
            common.append(CommonCorrelations("residuals" if name == RESCOR else self.matrices[name].term, found, prior))
        return JointOutline({name: part.outline() for name, part in self.parts.items()}, tuple(common))

    def __str__(self) -> str:
        lines = [f"{name}: {design.row_text}" for name, design in self.parts.items()]
        lines += [
            f"prior {key} ~ {entry.prior}   ({entry.source}; {entry.about})" for key, entry in self.priors.items()
        ]
        return fill_lines([str(self.spec), *lines])


def name_parts(parts: Mapping[str, Design]) -> dict[str, Design]:
    """Return designs whose variables end in their response, "sd_g_y1", with the matrices that letters of all formulas make."""
    every: dict[str, Predictor] = {}
    for response, design in parts.items():
        for name, predictor in design.predictors.items():
            key = _key(response, name, design)
            groups = tuple(replace(group, tie=None) for group in predictor.groups)
            every[key] = replace(
                predictor, parameter=key, suffix=f"{predictor.suffix}_{response}", groups=groups, own_levels=True
            )
    owner = {
        _key(response, name, design): (response, predictor)
        for response, design in parts.items()
        for name, predictor in design.predictors.items()
    }

    def names_of(members: Sequence[Predictor]) -> VariableNames:
        """Return the names of a matrix: without an ending where it is of several responses."""
        several = len({owner[one.parameter][0] for one in members}) > 1
        return owner[members[0].parameter][1].names if several else members[0].names

    tied = tie_predictors(every, names_of)
    found = {}
    for response, design in parts.items():
        own = {name: tied[_key(response, name, design)] for name in design.predictors}
        found[response] = replace(with_predictors(design, own), ending=f"_{response}")
    return found


def _key(response: str, parameter: str, design: Design) -> str:
    """Return what a predictor is called among several responses; those of categories by their own names."""
    return name_predictor(response, parameter, "" if design.family.template else design.mu.parameter)


def dependencies_of(parts: Mapping[str, Design]) -> dict[str, list[str]]:
    """Return the other responses that stand in the formulas of each one."""
    names = [str(name) for part in parts.values() for name in part.table.data.columns]
    return dependencies({name: part.spec for name, part in parts.items()}, names)


def members_of(named: Mapping[str, Design]) -> dict[str, tuple[Member, ...]]:
    """Return the terms that each matrix of several responses ties, by its name."""
    found: dict[str, list[Member]] = {}
    for response, design in named.items():
        for parameter, predictor in design.predictors.items():
            for group in predictor.groups:
                if group.tied:
                    one = Member(response, parameter, predictor, group)
                    found.setdefault(predictor.corr(group), []).append(one)
    several = {name: tuple(own) for name, own in found.items() if len({one.response for one in own}) > 1}
    return several


def own_places(matrix: CorrelationMatrix, members: Sequence[Member], response: str) -> list[int]:
    """Return which columns of a matrix of several responses are those of one."""
    places = np.arange(matrix.width)
    return [
        int(place)
        for one in members
        if one.response == response
        for place in places[matrix.place(one.predictor.parameter)]
    ]


def with_own_correlations(design: JointDesign) -> JointDesign:
    """Return the design whose parts have, of each matrix of several responses, the prior of their own block.

    A block of K of W columns of a matrix with the distribution LKJ(eta) has the distribution LKJ(eta + (W - K) / 2).
    """
    parts = dict(design.parts)
    for name, members in design.members().items():
        matrix, whole = design.matrices[name], design.priors[name]
        for response in dict.fromkeys(one.response for one in members):
            priors = dict(parts[response].priors)
            for own, _ in parts[response].correlations():
                if own.term == matrix.term and own.name in priors:
                    prior = whole.prior
                    if prior.name == "LKJ":
                        eta = prior.arguments[0] + 0.5 * (matrix.widest - own.widest)
                        prior = Prior(name="LKJ", arguments=(eta,))
                    priors[own.name] = replace(priors[own.name], prior=prior, source=whole.source)
            parts[response] = replace(parts[response], priors=priors)
    return replace(design, parts=parts)
