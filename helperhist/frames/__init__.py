"""A timeline as DataFrames; the only package that imports pandas.

Three shapes of all of it: :func:`table` (a row per name), :func:`long_frame` (a row per tag and
name) and :func:`matrix` (tags by names); the other functions count. Versions and tags are ordered
categories, so that they compare and sort as kernels do, not as text:
``table[table.since <= "5.10"]``.
"""

from pandas import DataFrame

from helperhist.frames.counts import by_lts, family_growth, growth, lead_times
from helperhist.frames.kfuncs import kfunc_churn, kfunc_growth, kfuncs
from helperhist.frames.pairs import by_prog_type, pair_growth, pairs
from helperhist.frames.shapes import long_frame, matrix, table, to_parquet

__all__ = [
    "DataFrame",
    "by_lts",
    "by_prog_type",
    "family_growth",
    "growth",
    "kfunc_churn",
    "kfunc_growth",
    "kfuncs",
    "lead_times",
    "long_frame",
    "matrix",
    "pair_growth",
    "pairs",
    "table",
    "to_parquet",
]
