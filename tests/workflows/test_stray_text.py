"""Text in a column of a population term: labels stay labels, and numbers with damage are refused."""

import numpy as np
import pandas as pd
import pytest

import bayesmixed as bm
from bayesmixed.tables.columns import read_cells

ROWS = 300
DATES = pd.date_range("2020-01-01", periods=30)

LABELS = {
    "A12": [f"A{k}" for k in range(40)],
    "12A": [f"{k}A" for k in range(40)],
    "1a": [f"{k}{c}" for k in range(1, 11) for c in "ab"],
    "1.1": [f"{a}.{b}" for a in range(1, 6) for b in range(1, 6)],
    "1-2": [f"{a}-{b}" for a in range(1, 6) for b in range(1, 6)],
    "1/2": [f"{a}/{b}" for a in range(1, 8) for b in range(1, 4)],
    "1_2": [f"1_{k}" for k in range(30)],
    "1:2": [f"{a}:{b}" for a in range(1, 6) for b in range(1, 6)],
    "20-29": [f"{10 * k}-{10 * k + 9}" for k in range(15)],
    "85+": [*(f"{5 * k}-{5 * k + 4}" for k in range(17)), "85+"],
    "month": [f"{y}-{m:02}" for y in (2020, 2021) for m in range(1, 13)],
    "quarter": [f"{y}Q{q}" for y in range(2000, 2010) for q in range(1, 5)],
    "season": [f"{y}/{(y + 1) % 100:02}" for y in range(1990, 2010)],
    "time of day": [f"{h:02}:{m:02}" for h in range(24) for m in (0, 30)],
    "zip": [f"{k:05}" for k in range(1000, 99999, 3001)],
    "Dutch postcode": [f"{k} AB" for k in range(1011, 1099, 4)],
    "British postcode": [f"SW{k}A 1AA" for k in range(20)],
    "007": [f"{k:03}" for k in range(60)],
    "ICD": [f"I{a}.{b}" for a in range(20, 25) for b in range(5)],
    "IP": [f"10.0.{a}.{b}" for a in range(3) for b in range(8)],
    "version": [f"1.{a}.{b}" for a in range(4) for b in range(5)],
    "ISBN": [f"978-3-16-{k}-0" for k in range(148410, 148440)],
    "phone": [f"+49 30 {k}" for k in range(1000, 1030)],
    "dose": [f"{k} mg/kg" for k in (1, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 80, 100, 200)],
    "dose in 4 groups": ["0.5 mg", "1 mg", "2 mg", "4 mg"],
    "p1r2": [f"p{a}r{b}" for a in range(5) for b in range(5)],
    "1st": [f"{k}th" for k in range(4, 30)],
    "well": [f"{r}{c}" for r in "ABCDEFGH" for c in range(1, 13)],
    "20C": [f"{k}C" for k in range(20, 38)],
    "day": [f"{k}d" for k in range(1, 20)],
    "hexadecimal": [f"{k:04x}" for k in range(40000, 49000, 461)],
    "chromosome": [*(f"chr{k}" for k in range(1, 23)), "chrX"],
    "latitude": [f"{k}N" for k in range(40, 60)],
    "house": [*(f"{k}{c}" for k in range(1, 12) for c in ("a", "b", "c"))],
    "range of doses": ["<10", "10-20", "20-30", ">30"],
    "words with a number": [f"treatment {k}" for k in range(20)],
    "whole numbers": [str(k) for k in range(100)],
    "strain": [f"{k}-{c}/N" for k in range(1, 10) for c in "XY"],
}

NUMBERS = [str(number) for number in np.random.default_rng(1).normal(50, 20, ROWS).round(2)]
STRAY = [
    "n.d.",
    "<0.1",
    "4 mg",
    "-",
    "missing",
    ">100",
    "1,3",
    "?",
    "1.2.3",
    "5..1",
    "3*",
    "~4",
    "O.5",
    "l2",
    "#REF!",
    "12 a",
]
DAMAGED = {
    **{f"stray {text}": [*NUMBERS[:3], text, *NUMBERS[4:-1], text] for text in STRAY},
    **{f"unit {unit}": [number + unit for number in NUMBERS] for unit in (" mg", "%", "kg", " €", " °C", " m/s", "ms")},
    "some with a unit": [f"{k % 40} cm" if k % 3 else f"{k % 40}" for k in range(ROWS)],
    "a tenth missing": [number if k % 10 else "n.d." for k, number in enumerate(NUMBERS)],
    "a third missing": [number if k % 3 else "n.d." for k, number in enumerate(NUMBERS)],
    "decimal commas": [number.replace(".", ",") for number in NUMBERS],
    "thousands": [f"{1000 + 7 * k:,}" for k in range(ROWS)],
    "bounds": [f"<{number.lstrip('-')}" for number in NUMBERS],
    "half of them bounds": [f"<{number.lstrip('-')}" if k % 2 else number for k, number in enumerate(NUMBERS)],
    "currency": [f"${number.lstrip('-')}" for number in NUMBERS],
    "dates": [str(date)[:10] for date in DATES] * (ROWS // 30),
    "dates with points": [date.strftime("%d.%m.%Y") for date in DATES] * (ROWS // 30),
    "times": [str(date) for date in pd.date_range("2020", periods=ROWS, freq="h")],
    "text of numbers": NUMBERS,
    "half steps": [f"{k}.5" for k in range(20)] * (ROWS // 20),
    "exponents": [f"{k}e-3" for k in range(ROWS)],
    "whole numbers and a stray": [*(str(k % 60 + 18) for k in range(ROWS - 1)), "forty"],
    "numbers and a stray": [*range(ROWS - 1), "n.d."],
}


def column(levels: list[str]) -> pd.DataFrame:
    drawn = np.random.default_rng(2).integers(len(levels), size=ROWS)
    return pd.DataFrame({"f": pd.Series([levels[k] for k in drawn], dtype=object)})


@pytest.mark.parametrize("kind", LABELS)
def test_labels_stay_labels_whatever_digits_they_hold(kind):
    read = read_cells(column(LABELS[kind]))["f"]
    assert set(read.cat.categories) <= set(LABELS[kind])


@pytest.mark.parametrize("kind", DAMAGED)
def test_numbers_with_damage_are_refused_and_may_be_declared_a_factor(kind):
    frame = pd.DataFrame({"f": pd.Series(DAMAGED[kind], dtype=object)})
    with pytest.raises(bm.DataError, match=r"Column 'f' holds .*C\(f\)"):
        read_cells(frame)
    assert read_cells(frame, ["f"])["f"].cat.categories.size > 12


@pytest.mark.parametrize(
    "labels",
    [["0", "1", "2", "3+"], ["0", "1-2", "3-5", ">5"], ["1", "2", "3 or more"], ["0", "1", "≥2"], ["1", "2", ">= 3"]],
)
def test_classes_of_counts_that_follow_each_other_are_levels(labels):
    column = pd.Series(np.resize(labels, ROWS), name="f")
    assert list(read_cells(pd.DataFrame({"f": column}))["f"].cat.categories) == labels


@pytest.mark.parametrize("stray", ["n.d.", "4+", "2+", "<0", ">3.5", "2-9", "3 mg"])
def test_numbers_with_text_that_continues_none_of_them_are_refused_with_both_ways_out(stray):
    column = pd.Series(np.resize(["0", "1", "2", stray], ROWS), name="a b")
    with pytest.raises(bm.DataError, match=r'C\(`a b`\), or factors=\["a b"\]'):
        read_cells(pd.DataFrame({"a b": column}))
