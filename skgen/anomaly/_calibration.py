"""From scores to p-values, thresholds and selections: split-conformal calibration.

Pure functions of arrays. Scores are higher for more normal rows; calibration scores
are those of normal rows that the model has not been fitted on. For a new normal row,
exchangeable with them, Pr(p ≤ α) ≤ α whatever the model and the distribution.

References
----------
.. [1] Bates, S., Candès, E., Lei, L., Romano, Y. and Sesia, M. (2023). "Testing for
   outliers with conformal p-values". Annals of Statistics 51(1). :arxiv:`2104.08279`
.. [2] Benjamini, Y. and Hochberg, Y. (1995). "Controlling the false discovery rate".
   Journal of the Royal Statistical Society B 57(1).
   :doi:`10.1111/j.2517-6161.1995.tb02031.x`
"""

import numpy as np

# p-values are fractions, and so are the lines that Benjamini and Hochberg compare them
# with: what is equal on paper must not be told apart by rounding errors.
ROUNDING = 1e-12


def conformal_p_values(scores, calibration_scores, weights=None):
    r"""Probability that a normal row is at least as strange, as calibration has it.

    .. math:: p(s) = \frac{w + \sum_i w_i [s_i \le s]}{w + \sum_i w_i},
       \qquad w = \frac{\sum_i w_i^2}{\sum_i w_i}

    for calibration scores :math:`s_i`, which without weights is
    :math:`(1 + \#\{s_i \le s\}) / (n + 1)`.

    The new row's weight :math:`w` is not known. What stands in is the mean weight of
    rows that come as often as their weights say: the smallest p-value is then
    :math:`1 / (m + 1)` for :math:`m = (\sum_i w_i)^2 / \sum_i w_i^2`, Kish's effective
    number of rows. The units of the weights do not matter, and a row of weight 0 is as
    good as none. A row of weight 2 counts more than others, but not as two: copies
    of a row say nothing new of how strange a normal row may be.

    Parameters
    ----------
    scores : array-like of shape (n_samples,)
        Scores of new rows: the lower, the stranger.

    calibration_scores : array-like of shape (n_calibration,)
        Scores of the calibration rows, in any order.

    weights : array-like of shape (n_calibration,), default=None
        Weights of the calibration rows, not negative; None for equal ones.

    Returns
    -------
    p_values : ndarray of shape (n_samples,)
        In (0, 1]; ties count as stranger, and without calibration rows all are 1.
    """
    calibration = np.asarray(calibration_scores, dtype=np.float64)
    weights, own = _weights(weights, len(calibration))
    order = np.argsort(calibration)
    below = np.concatenate([[0.0], np.cumsum(weights[order])])
    places = np.searchsorted(calibration[order], scores, side="right")
    return (own + below[places]) / (own + below[-1])


def conformal_offset(calibration_scores, fpr, weights=None):
    """The threshold below which rows are flagged, for a false-positive rate.

    A score is below the threshold where its p-value is at most `fpr`, and nowhere
    else: both come from the same comparison, ties and rounding errors included.

    Parameters
    ----------
    calibration_scores : array-like of shape (n_calibration,)
        Scores of the calibration rows, in any order.

    fpr : float
        The share of new normal rows that may be flagged in expectation, in (0, 1).

    weights : array-like of shape (n_calibration,), default=None
        Weights of the calibration rows, not negative; None for equal ones.

    Returns
    -------
    offset : float
        The smallest calibration score that is not flagged itself: what is strictly
        below it is.

    Raises
    ------
    ValueError
        Where the calibration rows are too few for any p-value to be that small.
    """
    calibration = np.asarray(calibration_scores, dtype=np.float64)
    check_enough(len(calibration), fpr, weights)
    p_values = conformal_p_values(calibration, calibration, weights)
    return float(calibration[p_values > fpr].min())


def rows_needed(fpr):
    """Fewest calibration rows by which a p-value can be as small as `fpr`.

    Parameters
    ----------
    fpr : float
        A false-positive rate, in (0, 1).

    Returns
    -------
    n_rows : int
        The smallest n with 1 / (n + 1) at most `fpr`.
    """
    nearest = round(1.0 / fpr)  # 1 / fpr may be off by rounding, this is not
    return nearest - 1 if 1.0 / nearest <= fpr else nearest


def benjamini_hochberg(p_values, fdr):
    """Which rows to call anomalies, so that few of those called are none.

    The step-up procedure of [2]_: all p-values up to the largest that is at most
    its rank times ``fdr / n``. Conformal p-values that share their calibration rows
    depend on each other in a way that leaves the guarantee standing [1]_.

    Parameters
    ----------
    p_values : array-like of shape (n_samples,)
        A p-value for each row.

    fdr : float
        The false discovery rate: the share of normal rows among those selected that
        is allowed, in expectation.

    Returns
    -------
    selected : ndarray of bool of shape (n_samples,)
        The rows selected; rows of equal p-values share their fate.
    """
    p_values = np.asarray(p_values, dtype=np.float64)
    ascending = np.sort(p_values)
    ranks = np.arange(1, len(ascending) + 1)
    line = ranks * (fdr / max(len(ascending), 1)) * (1.0 + ROUNDING)
    passed = ascending[ascending <= line]
    return p_values <= passed[-1] if passed.size else np.zeros(p_values.shape, bool)


def _weights(weights, n_rows):
    """Weights of calibration rows in units of the largest, and of a new row."""
    if weights is None:
        return np.ones(n_rows), 1.0
    weights = np.asarray(weights, dtype=np.float64)
    largest = weights.max(initial=0.0)
    if largest == 0.0:
        return weights, 1.0
    weights = weights / largest
    return weights, np.square(weights).sum() / weights.sum()


def check_enough(n_rows, fpr, weights):
    """Refuse calibration rows by which no p-value can be as small as ``fpr``."""
    given, own = _weights(weights, n_rows)
    total = given.sum()
    if own / (own + total) <= fpr:
        return
    worth = np.floor(10.0 * total / own) / 10.0  # rounded up it would not do
    uneven = f", worth {worth:g} by their weights" if worth != n_rows else ""
    raise ValueError(
        f"fpr={fpr:g} needs at least {rows_needed(fpr)} calibration rows, but there "
        f"are {n_rows}{uneven}. Give more rows, or a larger share of them as "
        f"`calibration`, or raise fpr to 1/{worth + 1:g} or more."
    )
