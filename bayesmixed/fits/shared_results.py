"""Results that several answers about one fit share: computed once, and forgotten with the fit."""

import weakref
from typing import Any

from bayesmixed.fits.fitting import Fit

_RESULTS: dict[int, dict[Any, Any]] = {}


def shared_results(fit: Fit) -> dict[Any, Any]:
    """Return what was kept for a fit, by keys of those who keep it; empty at first."""
    key = id(fit)
    if key not in _RESULTS:
        _RESULTS[key] = {}
        weakref.finalize(fit, _RESULTS.pop, key, None)
    return _RESULTS[key]
