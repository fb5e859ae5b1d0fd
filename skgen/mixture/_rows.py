"""Rows as they come in through `fit`: which count, and what must be seen of them."""

from typing import NamedTuple

import numpy as np

from .._sklearn import check_row_weights


class CountedRows(NamedTuple):
    """Rows of positive weight of which a cell is observed.

    Parameters
    ----------
    X : ndarray of shape (n_counted, n_features)
        The rows themselves where all count, else a copy of some.

    weights : ndarray of shape (n_counted,) or None
        Their weights.

    unit : float
        What a sample weight of 1 has become in these.

    share : float
        Their share of all rows of positive weight, by weight.

    has_holes : bool
        Whether a cell of them is missing.
    """

    X: np.ndarray
    weights: np.ndarray | None
    unit: float
    share: float
    has_holes: bool


def counted_rows(X, sample_weight, n_components, names=None):
    """Rows of positive weight of which a cell is observed.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Validated rows.

    sample_weight : array-like of shape (n_samples,) or None
        Their weights.

    n_components : int
        As many rows are needed, and two.

    names : ndarray of shape (n_features,), default=None
        Names of the columns.

    Returns
    -------
    counted : CountedRows
        The rows.

    Raises
    ------
    ValueError
        Where there are too few, or a column is observed in none of them.
    """
    weights, counted, unit, share = None, None, 1.0, 1.0
    if sample_weight is not None:
        weights = check_row_weights(sample_weight, X)
        counted = weights > 0.0
        unit = weights.max() / np.asarray(sample_weight, dtype=float).max()
    holes = has_holes(X)
    if holes:
        _check_observed(X, names)
        seen = ~np.isnan(X).all(axis=1)
        share = float(np.average(seen, weights=weights))
        counted = seen if counted is None else counted & seen
    if counted is not None and not counted.all():
        X = X[counted]
        weights = None if weights is None else weights[counted]
    if len(X) < max(2, n_components):
        if counted is not None and not counted.all():
            kinds = "positive sample_weight" if sample_weight is not None else ""
            raise ValueError(
                f"Expected at least {max(2, n_components)} samples of "
                f"{kinds or 'which a cell is observed'} for n_components = "
                f"{n_components}, but got {len(X)}."
            )
        raise ValueError(
            "Expected n_samples >= n_components but got n_components = "
            f"{n_components}, n_samples = {len(X)}"
        )
    if holes:
        _check_observed(X, names)  # what is left of them
    return CountedRows(X, weights, unit, share, holes and has_holes(X))


def has_holes(X):
    """Whether a cell is missing, found without an array of as many answers."""
    return X.size > 0 and bool(np.isnan(X.min()))


def _check_observed(X, names):
    """Every column must be observed somewhere."""
    unseen = np.flatnonzero(np.isnan(X).all(axis=0))
    if unseen.size:
        columns = unseen.tolist() if names is None else list(names[unseen])
        raise ValueError(
            f"Every column must be observed in some row of positive weight, but "
            f"columns {columns} hold NaN alone: drop them."
        )
