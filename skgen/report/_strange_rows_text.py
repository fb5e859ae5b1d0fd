"""The section of the report on strange rows, in words."""

import numpy as np

from ..display._style import compact
from ._strange_rows import USUAL
from ._words import beside, number, wrapped

# Columns named for a row: the first, and others of so many nats.
_MOST_COLUMNS = 3
_TELLING = 2.0

_NO_VERDICT = (
    "This is a ranking, not a verdict: a table cannot certify its own anomalies. "
    "p-values need a clean reference: KLAnomalyDetector(...).fit(clean).p_values(new)."
)


def strange_lines(analysis, strange):
    """Lines of the section; none where no row was judged.

    Parameters
    ----------
    analysis : Analysis

    strange : StrangeRows or None

    Returns
    -------
    lines : list of str
    """
    if strange is None:
        return []
    if strange.refusal is not None:
        return wrapped(strange.refusal)
    table = analysis.table
    lines = wrapped(_method(strange, len(table.values))) + wrapped(_NO_VERDICT)
    lines += ["", f"  {table.place:>6}     below  value (surprise), usually"]
    for i, row in enumerate(strange.rows):
        head = f"  {table.lines[row]:6d}  {compact(strange.below_median[i]):>8}  "
        lines += beside(head, _guilty(table, strange, i))
    return lines


def _method(strange, n_rows):
    told = (
        "Each row was scored by a KLAnomalyDetector fitted without it. The strangest "
        "come first, with the nats by which their scores are below the table's median; "
        "then the values that surprise most, given the row's others: by how many nats "
        f"more than is usual, and where {10 * USUAL:.0f} of 10 such values would lie."
    )
    if strange.n_rows_learnt < (n_rows * (strange.n_folds - 1)) // strange.n_folds:
        told += (
            f" Each of the {strange.n_folds} detectors was fitted to "
            f"{strange.n_rows_learnt:,} rows drawn at random."
        )
    return told


def _guilty(table, strange, i):
    """The values of the i-th strangest row that surprise most."""
    surprises, row = strange.surprises[i], table.values[strange.rows[i]]
    order = np.argsort(-surprises, kind="stable")[:_MOST_COLUMNS]
    told = [j for n, j in enumerate(order) if n == 0 or surprises[j] >= _TELLING]
    return [
        f"{table.columns[j]} {row[j]:.6g} ({surprises[j]:+.1f}), usually "
        f"{_range(table.values[:, j], strange.lows[i, j], strange.highs[i, j])}"
        for j in told
    ]


def _range(column, low, high):
    """A range in digits that tell its ends apart, and its middle from other values."""
    resolution = max(high - low, np.ptp(column) / 100) / 10
    if not 0.0 < resolution < np.inf:
        return f"{low:.4g} to {high:.4g}"
    return f"{number(low, resolution)} to {number(high, resolution)}"
