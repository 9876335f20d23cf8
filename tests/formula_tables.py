"""Tables on which formulas are evaluated."""

import numpy as np
import pandas as pd

from bayesmixed.tables.factors import as_table

K = np.arange(1, 25)


FRAME = pd.DataFrame(
    {
        "y": np.sin(K),
        "k": K % 7,
        "small": (K % 7).astype(np.int8),
        "x": K / 10.0,
        "z": np.cos(K) + 2.0,
        "f": [("o'neil", "b]", "T.b", "(0, 9]")[i % 4] for i in K],
        "t": K % 2 == 0,
        "lambda": K * 0.5,
        "a/b": K * 1.5,
        "a:b": np.cos(K),
        "1": K * 2.0,
        'a"b': K * 3.0,
        "x~y": K * 5.0,
        "Intercept": K**0.5,
        "big": 2**53 + K,
    }
)


TABLE = as_table(FRAME, [], [name for name in FRAME.columns if name != "big"])


k, x, z = FRAME["k"].to_numpy(dtype=float), FRAME["x"].to_numpy(), FRAME["z"].to_numpy()
