"""The strangest rows of a table, each judged by a detector that has not seen it.

Computes and keeps results; words are in ``_strange_rows_text``.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import KFold

from ..anomaly import KLAnomalyDetector
from ..gaussian._columns import Conditionals

N_FOLDS = 5

# Rows that one detector learns from at most: seconds, not minutes, on two cores.
MOST_ROWS_LEARNT = 10_000

# Rows that are described, at most: none above the median is strange.
MOST_DESCRIBED = 10

# Share of values in the range that is called usual.
USUAL = 0.9


@dataclass(frozen=True)
class StrangeRows:
    """What detectors find strange in a table, or why none was asked.

    Attributes
    ----------
    refusal : str or None
        Why no row was judged; everything below is None then.
    scores : ndarray of shape (n_rows,)
        Scores of all rows in nats, the lower, the stranger.
    rows : ndarray of shape (n_described,)
        Positions of the rows of the lowest scores, the lowest first.
    below_median : ndarray of shape (n_described,)
        How far their scores are below the median of all scores, in nats.
    surprises : ndarray of shape (n_described, n_columns)
        Surprise of their cells, in nats above what is usual in the column.
    lows, highs : ndarray of shape (n_described, n_columns)
        Where 9 of 10 values lie in rows with the same other values, by the model.
    n_folds, n_rows_learnt : int
        How many detectors were fitted, and to how many rows each at most.
    """

    refusal: str | None = None
    scores: np.ndarray | None = None
    rows: np.ndarray | None = None
    below_median: np.ndarray | None = None
    surprises: np.ndarray | None = None
    lows: np.ndarray | None = None
    highs: np.ndarray | None = None
    n_folds: int | None = None
    n_rows_learnt: int | None = None


def strange_rows(table, *, seed=0, progress=None):
    """Judge each row of a table by a detector that was fitted without it.

    Parameters
    ----------
    table : Table

    seed : int, default=0
        Seed of the folds and of the detectors.

    progress : callable, default=None
        Called with a phrase, what is done and what there is to do.

    Returns
    -------
    strange : StrangeRows

    Notes
    -----
    Rows are parted into five folds, and each fold is judged by a KLAnomalyDetector that
    was fitted to the others, or to 10,000 of them: a row in the fit vouches for itself,
    and for small tables nothing is strange then. Copies of a row may vouch for it, and
    so may anomalies that resemble one another.

    Rows are ranked, not tested: p-values need rows that are known to be normal, and
    those of one table compared with each other have none.
    """
    progress = progress or (lambda phrase, done, total: None)
    n_folds = min(N_FOLDS, len(table.values))
    if n_folds < 2 or np.ptp(table.values, axis=0).max() == 0.0:
        return StrangeRows(refusal="All rows are equal: none is strange.")
    folds = KFold(n_folds, shuffle=True, random_state=seed)
    try:
        return _judge(table.values, list(folds.split(table.values)), seed, progress)
    except (ValueError, np.linalg.LinAlgError) as error:
        first_line = str(error).strip().split("\n")[0]
        return StrangeRows(refusal=f"No detector could be fitted: {first_line}")


def _judge(values, folds, seed, progress):
    """Score all rows fold by fold, then describe the strangest."""
    phrase = "judging rows by those not among them"
    scores, judges = np.empty(len(values)), np.empty(len(values), dtype=object)
    for k, (others, fold) in enumerate(folds):
        progress(phrase, k, len(folds))
        learnt = _some(others, seed)
        detector = KLAnomalyDetector(calibration=None, random_state=seed)
        judges[fold] = detector.fit(values[learnt])
        scores[fold] = detector.score_samples(values[fold])
    n_described = min(MOST_DESCRIBED, len(values) // 2)
    rows = np.argsort(scores, kind="stable")[:n_described]
    ranges = [usual_range(judges[row], values[row]) for row in rows]
    surprises = [judges[row].transform(values[[row]])[0] for row in rows]
    progress(phrase, len(folds), len(folds))
    return StrangeRows(
        scores=scores,
        rows=rows,
        below_median=np.median(scores) - scores[rows],
        surprises=np.array(surprises),
        lows=np.array([low for low, _ in ranges]),
        highs=np.array([high for _, high in ranges]),
        n_folds=len(folds),
        n_rows_learnt=len(learnt),
    )


def _some(rows, seed):
    if len(rows) <= MOST_ROWS_LEARNT:
        return rows
    return np.random.default_rng(seed).choice(rows, MOST_ROWS_LEARNT, replace=False)


def usual_range(detector, row):
    """Where 9 of 10 cells of each column lie, in rows with the same other cells.

    Parameters
    ----------
    detector : fitted KLAnomalyDetector
        With the default model.

    row : ndarray of shape (n_columns,)

    Returns
    -------
    low, high : ndarray of shape (n_columns,)
        In the units of the table.

    Notes
    -----
    The coordinates of the model are monotone in the cell, and quantiles go through.
    """
    scaler, mixture = detector.estimator_[0], detector.estimator_[-1]
    parameters = mixture._parameters()
    frame = parameters.own_frame()
    given_others = Conditionals(parameters.in_frame(frame))
    columns = frame.inside(scaler.transform(row[None])).T
    tail = (1.0 - USUAL) / 2.0
    levels = (given_others.quantiles(columns, it).T for it in (tail, 1.0 - tail))
    return tuple(scaler.inverse_transform(frame.outside(it))[0] for it in levels)
