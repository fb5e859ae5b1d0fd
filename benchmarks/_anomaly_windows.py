"""Windows of rows, shifted and as they are: how often a detector sounds the alarm."""

import time

import numpy as np
from _anomaly_protocols import labelled_sets
from _windows_protocol import MAGNITUDES, WINDOW, Shifts, split

from skgen import KLAnomalyDetector

LEVEL = 0.05

# Of what there are fewer there are no windows.
LEAST_TEST_ROWS = WINDOW
LEAST_ANOMALIES = 8


def alarms_by_set(data, *, full):
    """Share of windows with a p-value of at most `LEVEL`, by set and kind of shift.

    The detector is calibrated on a third of the rows that it is given, so that it is
    fitted to half of the inliers, as the protocol wants.

    Parameters
    ----------
    data : path-like or None
        The folder of data.

    full : bool
        Whether all sets and eight seeds are wanted, or few.

    Yields
    ------
    row : dict
        Set, numbers of windows, shares by kind ("none" are false alarms), and seconds
        for a window.
    """
    n_seeds, n_quiet, n_shifted = (8, 25, 10) if full else (2, 20, 5)
    for name, X, y in labelled_sets(data, full=full):
        if np.sum(y == 0) // 4 < LEAST_TEST_ROWS:
            continue
        runs = [_alarms(X, y, seed, n_quiet, n_shifted) for seed in range(n_seeds)]
        yield {"set": name} | {
            key: float(np.mean([run[key] for run in runs if key in run]))
            for key in runs[0]
        }


def _alarms(X, y, seed, n_quiet, n_shifted):
    fit, calibration, test, anomalies = split(X, y, seed)
    given = np.vstack([fit, calibration])
    detector = KLAnomalyDetector(
        fpr=0.1, calibration=len(calibration) / len(given), random_state=seed
    ).fit(given)
    shifts = Shifts(fit, test, anomalies, np.random.RandomState(1000 + seed))
    shares, seconds, n_windows = {}, 0.0, 0
    for kind in (None, *MAGNITUDES):
        if kind == "contamination" and len(anomalies) < LEAST_ANOMALIES:
            continue
        n = n_shifted if kind else n_quiet
        rows = np.vstack([shifts.window(kind) for _ in range(n)])
        began = time.perf_counter()
        p_values = detector.score_windows(rows, window=WINDOW).p_value
        seconds, n_windows = seconds + time.perf_counter() - began, n_windows + n
        shares[kind or "none"] = float(np.mean(p_values <= LEVEL))
    return shares | {"s per window": seconds / n_windows}
