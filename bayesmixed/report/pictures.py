"""Pictures inside of a report: matplotlib figures as data, and the bar of variance shares."""

import base64
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING

import pandas as pd

from bayesmixed.display.palette import GREY, SERIES
from bayesmixed.plots.figures import close

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def embed(figure: "Figure", text: str) -> str:
    """Return a figure as HTML that holds its pixels, with its alternative text, and close it."""
    held = BytesIO()
    figure.savefig(held, format="png", dpi=120)
    close(figure)
    source = base64.b64encode(held.getvalue()).decode("ascii")
    return f'<figure><img src="data:image/png;base64,{source}" alt="{escape(text)}"></figure>'


def draw_shares(correlations: pd.DataFrame) -> str:
    """Return the shares of the latent variance as one bar, from the table of `icc`; "" where there are none."""
    shares = correlations[correlations["effect"] == "share"]
    if not len(shares):
        return ""
    scale = shares["scale"].iloc[0]
    parts, legend, place = [], [], 0.0
    for i, (name, share) in enumerate(zip(shares["term"], shares["mean"], strict=True)):
        colour = GREY if name == "Residual" else SERIES[i % len(SERIES)]
        parts.append(f'<rect x="{place:.2f}" y="0" width="{100 * share:.2f}" height="10" fill="{colour}"/>')
        legend.append(f'<li><span style="background:{colour}"></span>{escape(name)}: {100 * share:.0f} %</li>')
        place += 100 * share
    said = ", ".join(f"{n} {100 * s:.0f} %" for n, s in zip(shares["term"], shares["mean"], strict=True))
    label = escape(f"Posterior mean shares of the variance on the {scale} scale: {said}")
    return (
        f'<figure class="shares"><svg viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="{label}">'
        f"{''.join(parts)}</svg><ul>{''.join(legend)}</ul>"
        f"<figcaption>Shares of the variance on the {escape(scale)} scale, posterior means.</figcaption></figure>"
    )
