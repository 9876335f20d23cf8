"""Fits of several responses on disk: the trees of all of them side by side in one tree."""

import json
from collections.abc import Mapping, Sequence

import xarray as xr

from bayesmixed.design.design import RealisedPrior
from bayesmixed.errors import DataError
from bayesmixed.fits.joint_fits import JointFit
from bayesmixed.prior_texts import as_prior
from bayesmixed.spec.files import joint_to_toml

JOINT = "joint_spec"
"""Attribute of a file of several responses."""
_PRIORS, _SHARED, _MARK = "joint_priors", "shared", "response_{}"


def join_trees(joint: JointFit, trees: Sequence[xr.DataTree], number: int) -> xr.DataTree:
    """Return one tree of those of all responses; `number` is the format."""
    groups: dict[str, xr.Dataset] = {_SHARED: joint.shared}
    for place, tree in enumerate(trees):
        mark = _MARK.format(place)
        groups[mark] = tree.to_dataset()
        groups |= {f"{mark}_{name}": child.to_dataset() for name, child in tree.children.items()}
    priors = {name: (entry.prior.to_text(), entry.source, entry.about) for name, entry in joint.design.priors.items()}
    attributes = {"bayesmixed_format": number, JOINT: joint_to_toml(joint.design.spec), _PRIORS: json.dumps(priors)}
    return xr.DataTree.from_dict({**groups, "/": xr.Dataset(attrs=attributes)})


def split_tree(tree: xr.DataTree, count: int) -> tuple[list[xr.DataTree], xr.Dataset]:
    """Return the trees of all responses, and the correlations between them.

    Raises
    ------
    DataError
        A response is missing.
    """
    trees = []
    for place in range(count):
        mark = _MARK.format(place)
        if mark not in tree.children:
            raise DataError(f"it lacks the fit of response {place + 1} of {count}.")
        groups = {
            name.removeprefix(f"{mark}_"): child.to_dataset()
            for name, child in tree.children.items()
            if name.startswith(f"{mark}_")
        }
        trees.append(xr.DataTree.from_dict({**groups, "/": tree[mark].to_dataset()}))
    if _SHARED not in tree.children:
        raise DataError("it lacks the correlations between responses.")
    return trees, tree[_SHARED].to_dataset()


def stored_priors(tree: xr.DataTree) -> Mapping[str, RealisedPrior]:
    """Return the priors of the correlations between responses."""
    found = json.loads(tree.attrs[_PRIORS])
    return {name: RealisedPrior(as_prior(text, name), source, about) for name, (text, source, about) in found.items()}


def check_shared(joint: JointFit) -> None:
    """Compare the draws of correlations between responses with the model (DataError)."""
    sizes = {"chain": joint.settings.chains, "draw": joint.settings.draws}
    for name, matrix in joint.design.matrices.items():
        if name not in joint.shared:
            raise DataError(f"the posterior lacks '{name}'.")
        draws = joint.shared[name]
        shape = (*sizes.values(), matrix.width, matrix.width)
        if draws.dims != (*sizes, *matrix.dims) or draws.shape != shape:
            raise DataError(f"draws of '{name}' have another shape than the model.")
        if [str(label) for label in draws[matrix.dim].values] != list(matrix.labels):
            raise DataError(f"the posterior has other labels of '{matrix.dim}' than the data.")
