"""The integer header of the flat data of a collapsed density."""

# Integer header after the twelve entries that all densities share.
(
    SIGMA,
    SIGMA_VALUE,
    TERMS,
    TERM_COUNT,
    REST,
    WIDEST,
    ENTRIES,
    BLOCKS,
    POINTERS,
    COLUMNS,
    CROSS,
    REST_MATRIX,
    LEVEL_SUMS,
    REST_SUMS,
    SQUARES,
    MEANS,
    COUNT,
    CLASS_COUNT,
    CLASS_BLOCKS,
    CLASS_SIZES,
    CLASS_PRODUCTS,
    WHOLE,
    KINDS,
) = range(12, 35)
HEADER_SIZE = 35
