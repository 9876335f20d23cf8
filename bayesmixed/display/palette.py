"""Colours of all pictures: those of Okabe & Ito, which people with colour blindness tell apart, and greys."""

BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
SERIES = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
"""For things in a row, the first ones first."""
INK, DARK, GREY, LIGHT = "#222222", "#333333", "#767676", "#999999"
