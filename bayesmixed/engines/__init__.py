"""Engines that draw from the posterior of a design, and the choice between them."""

from bayesmixed.design.design import Design
from bayesmixed.engines import collapsed, kernel, marginal, pymc
from bayesmixed.engines.contract import Engine
from bayesmixed.errors import SpecError, check_choice

ENGINES: dict[str, Engine] = {
    "collapsed": collapsed,
    "marginal": marginal,
    "kernel": kernel,
    "pymc": pymc,
}
"""By name, in the order in which "auto" tries them."""


def refusal(engine: Engine, design: Design) -> str | None:
    """Return why an engine cannot sample a design, or None."""
    if engine.NEEDS_ROWS and design.streamed:
        return "its rows are streamed from a file; bm.prepare(spec, path, stream=False) reads them into memory"
    return engine.supports(design)


def choose(design: Design, wish: str = "auto") -> tuple[str, str]:
    """Return the name of the engine for a design, and why.

    Raises
    ------
    SpecError
        The engine asked for does not exist or cannot sample this design; the message says why.
    """
    if wish != "auto":
        check_choice("Engine {}", wish, ["auto", *ENGINES])
        reason = refusal(ENGINES[wish], design)
        if reason:
            raise SpecError(f"Engine '{wish}' cannot sample this model: {reason}.")
        return wish, "asked for"
    refused: list[str] = []
    for name, engine in ENGINES.items():
        reason = refusal(engine, design) or engine.slower(design)
        if reason is None:
            return name, f"not {'; '.join(refused)}" if refused else "the fastest engine for this model"
        refused.append(f"{name}: {reason}")
    raise SpecError(f"No engine can sample this model ({'; '.join(refused)}).")
