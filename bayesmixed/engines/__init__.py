"""Engines that draw from the posterior of a design, and the choice between them."""

from bayesmixed.design import Design
from bayesmixed.engines import collapsed, kernel, pymc
from bayesmixed.errors import SpecError, did_you_mean

ENGINES = {"collapsed": collapsed, "kernel": kernel, "pymc": pymc}


def choose(design: Design, wish: str = "auto") -> tuple[str, str]:
    """Return the name of the engine for a design, and why.

    Raises
    ------
    SpecError
        The engine asked for does not exist or cannot sample this design; the message says why.
    """
    if wish != "auto":
        if wish not in ENGINES:
            raise SpecError(f"Engine '{wish}' is not known. {did_you_mean(wish, ['auto', *ENGINES])}")
        reason = ENGINES[wish].supports(design)
        if reason:
            raise SpecError(f"Engine '{wish}' cannot sample this model: {reason}.")
        return wish, "asked for"
    refused: list[str] = []
    for name, engine in ENGINES.items():
        reason = engine.supports(design)
        if reason is None:
            return name, f"not {'; '.join(refused)}" if refused else "the fastest engine for this model"
        refused.append(f"{name}: {reason}")
    raise SpecError(f"No engine can sample this model ({'; '.join(refused)}).")
