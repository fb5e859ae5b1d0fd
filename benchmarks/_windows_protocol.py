"""The protocol of drifting windows: how rows are split, and six ways to shift them.

Nothing here fits or scores. Rows are inliers of a table of anomaly detection; a
detector sees the first half of them, is calibrated on a quarter, and is shown windows
of the last quarter, as they are or shifted.
"""

import numpy as np

WINDOW = 100  # rows

# How strong a shift is, by its kind: chosen once, so that the least of the p-values
# of surprise and of the Kullback-Leibler parts tells about .69 of them at level .05.
MAGNITUDES = {
    "mean": 0.11,  # standard deviations
    "correlation": 0.25,  # share of the rows whose values are swapped
    "scale": 1.18,  # factor
    "shrink": 0.875,  # factor
    "contamination": 0.08,  # share of anomalies
    "mix": 0.3,  # share of rows from the surroundings of one row
}


def split(X, y, seed):
    """Inliers in random order as fit, calibration and test rows, and the anomalies.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        The rows.

    y : ndarray of shape (n_samples,)
        1 for anomalies, 0 for inliers.

    seed : int
        Of the order.

    Returns
    -------
    fit, calibration, test, anomalies : ndarray
        Half, a quarter and a quarter of the inliers; all anomalies.
    """
    inliers = X[y == 0]
    inliers = inliers[np.random.RandomState(seed).permutation(len(inliers))]
    ends = [len(inliers) // 2, len(inliers) // 2 + len(inliers) // 4]
    return *np.split(inliers, ends), X[y == 1]


class Shifts:
    """Windows of the test rows, shifted.

    Parameters
    ----------
    fit : ndarray of shape (n_fit, n_features)
        Tell mean and standard deviation of the columns.

    test : ndarray of shape (n_test, n_features)
        Where windows are drawn from, without replacement.

    anomalies : ndarray of shape (n_anomalies, n_features)
        What contaminates.

    rng : RandomState
        Draws rows, columns and signs.
    """

    def __init__(self, fit, test, anomalies, rng):
        self.mean, self.deviation = fit.mean(axis=0), fit.std(axis=0)
        self.test, self.anomalies, self.rng = test, anomalies, rng

    def window(self, kind=None, magnitude=None):
        """A window of `WINDOW` rows.

        Parameters
        ----------
        kind : str or None
            A key of `MAGNITUDES`; None for rows as they are.

        magnitude : float or None
            None for that of `MAGNITUDES`.

        Returns
        -------
        rows : ndarray of shape (WINDOW, n_features)
            The rows.
        """
        rows = self.test[self._some(len(self.test), WINDOW)]
        if kind is None:
            return rows
        if magnitude is None:
            magnitude = MAGNITUDES[kind]
        return getattr(self, "_" + kind)(rows, magnitude)

    def _some(self, n, size):
        return self.rng.choice(n, size, replace=False)

    def _columns(self, share):
        n = len(self.mean)
        return self._some(n, max(1, round(share * n)))

    def _mean(self, rows, magnitude):
        """A third of the columns moves, each one up or down."""
        moved = self._columns(1 / 3)
        signs = self.rng.choice([-1.0, 1.0], len(moved))
        rows[:, moved] += magnitude * signs * self.deviation[moved]
        return rows

    def _correlation(self, rows, magnitude):
        """Half of the columns, each by itself, swap values between some rows."""
        for column in self._columns(1 / 2):
            swapped = self._some(WINDOW, round(magnitude * WINDOW))
            rows[swapped, column] = rows[self.rng.permutation(swapped), column]
        return rows

    def _scale(self, rows, magnitude):
        """A third of the columns spreads."""
        moved = self._columns(1 / 3)
        rows[:, moved] += (magnitude - 1) * (rows[:, moved] - self.mean[moved])
        return rows

    def _shrink(self, rows, magnitude):
        """All columns draw near to their mean."""
        return self.mean + magnitude * (rows - self.mean)

    def _contamination(self, rows, magnitude):
        """Some rows are anomalies."""
        taken = self._some(len(self.anomalies), round(magnitude * WINDOW))
        rows[: len(taken)] = self.anomalies[taken]
        return rows

    def _mix(self, rows, magnitude):
        """Some rows are from the nearest quarter of one row: all known, too many."""
        units = np.where(self.deviation > 0, self.deviation, 1.0)
        away = (self.test - self.test[self.rng.randint(len(self.test))]) / units
        near = np.square(away).sum(axis=1).argsort()[: len(self.test) // 4]
        taken = self.rng.choice(near, round(magnitude * WINDOW))
        rows[: len(taken)] = self.test[taken]
        return rows
