"""p(y | x) of a Gaussian mixture over (x, y), at rows of x with missing cells.

What is missing is integrated out: rows that lack the same cells ask the mixture over
what they have. Their answers come from `_conditional_rows`; nothing is validated here.
"""

from functools import partial

import numpy as np

from ._conditional import marginal_parameters
from ._conditional_rows import ConditionalRows, randomness


class ConditionalPatterns:
    """Answers about y given the observed cells of rows of x.

    They are those of `ConditionalRows`, and the very same ones for complete rows. Given
    a row without any observed cell, y has its marginal distribution.

    Parameters
    ----------
    parameters : MixtureParameters
        The mixture over (x, y), in units of the data.

    n_given : int
        Number of columns of x, the first ones.

    floor : float, default=0.0
        Variance, in units of the columns' variances, at which components were held.
    """

    def __init__(self, parameters, n_given, floor=0.0):
        self._parameters, self._floor = parameters, floor
        self._rest = np.arange(n_given, parameters.means.shape[1])

    def means(self, X):
        """E[y | x], (n_samples, n_rest)."""
        return self._answers(ConditionalRows.means, X)

    def means_and_deviations(self, X):
        """E[y | x] and the standard deviations, each (n_samples, n_rest)."""

        def question(law, rows):
            return np.stack(law.means_and_deviations(rows), axis=1)

        both = self._answers(question, X)
        return both[:, 0], both[:, 1]

    def quantiles(self, X, levels):
        """Quantiles of the only y, (n_samples, n_levels)."""
        return self._answers(partial(ConditionalRows.quantiles, levels=levels), X)

    def log_densities(self, X, Y):
        """Log p(y | x) of each row, (n_samples,), in units of the data."""
        return self._answers(ConditionalRows.log_densities, X, Y)

    def draw(self, X, n_samples, generator):
        """Draws of y, (n_samples_X, n_rest, n_samples)."""
        # Taken row by row, whatever is missing, what is random of a row does not depend
        # on the holes of the others.
        drawn = randomness(X, n_samples, len(self._rest), generator)
        return self._answers(ConditionalRows.outcomes, X, *drawn)

    def _answers(self, question, X, *of_rows):
        """What a question finds at every row, pattern by pattern."""
        out = None
        for seen, rows in patterns_of(X):
            given = (each[rows] for each in of_rows)
            found = question(self._law(seen), X[np.ix_(rows, seen)], *given)
            if out is None:
                out = np.empty((len(X), *found.shape[1:]))
            out[rows] = found
        return out

    def _law(self, seen):
        """p(y | x) for the columns of x that are seen."""
        positions = np.concatenate([seen, self._rest])
        parameters = self._parameters
        if len(positions) < parameters.means.shape[1]:
            parameters = marginal_parameters(parameters, positions)
        return ConditionalRows(parameters, len(seen), self._floor)


def patterns_of(X):
    """Rows that lack the same cells.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Rows, NaN where a cell is missing.

    Returns
    -------
    patterns : list of tuple (seen, rows)
        Positions of the columns that a pattern has, and of its rows.
    """
    observed = ~np.isnan(X)
    bits = np.packbits(observed, axis=1)
    _, pattern = np.unique(bits, axis=0, return_inverse=True)
    order = np.argsort(pattern.ravel(), kind="stable")
    starts = np.flatnonzero(np.diff(pattern.ravel()[order])) + 1
    groups = np.split(order, starts)
    return [(np.flatnonzero(observed[rows[0]]), rows) for rows in groups]
