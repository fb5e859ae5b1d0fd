r"""Each column through its own distribution function to normal scores, and back.

A column is first standardised. Where its distribution has spikes or gaps, as rounded
and zero-inflated columns have, a one-dimensional Gaussian mixture F takes the place of
the normal distribution, and

.. math:: T(x) = \Phi^{-1}(F(x))

is what the networks see. T is smooth and increasing, so that densities change by its
derivative alone, whatever cells of a row are hidden. The number of components is found
as Figueiredo and Jain (2002, doi:10.1109/34.990138) do, by components that vanish.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr, logsumexp, ndtri_exp

HALF_LOG_TAU = 0.5 * np.log(2.0 * np.pi)

# Standard deviations count up to so many of those that a column's quartiles suggest.
MOST_SPREAD = 10.0

LEAST_SCALE = 0.02  # of a component, in standard deviations of the column
GRID = 0.01  # cells closer than this, in standard deviations, count as one
MOST_COMPONENTS = 32
N_STEPS = 200
LEAST_CHANGE = 1e-6  # nats per row, at which steps end

# Nats per row, on cells held out, that many components must gain on a few wide ones,
# which tell mere skewness: a column without spikes is better left smooth, since bumps
# in F bend what was straight between two columns.
LEAST_GAIN = 0.1
FEW_COMPONENTS, MANY_COMPONENTS = 4, 8
SMOOTH_SCALE = 0.2  # of the wide ones, in standard deviations of the column

# Knots of the inverse: normal scores from −LIMIT to LIMIT; it is affine beyond.
LIMIT = 8.0
N_KNOTS = 1601

# Further from the mean than so many standard deviations maps are straight lines: of the
# two squares that make up their slope no digit would be left.
FAR = 1e3

# Scores end here, so that none is infinite.
LARGEST_SCORE = 1e150


@dataclass(frozen=True)
class Marginals:
    """Maps of columns to normal scores.

    Parameters
    ----------
    shift, scale : ndarray of shape (n_columns,)
        What is subtracted from cells, and what they are then divided by.

    constant : ndarray of shape (n_columns,)
        Whether a column does not vary.

    log_weights, means, scales : ndarray of shape (n_columns, n_components)
        Mixtures of the standardised columns; weights may be zero. A single standard
        normal component leaves the standardised column as it is.
    """

    shift: np.ndarray
    scale: np.ndarray
    constant: np.ndarray
    log_weights: np.ndarray
    means: np.ndarray
    scales: np.ndarray

    @classmethod
    def learn(cls, cells, weights, *, spikes):
        """Learn the maps of columns.

        Parameters
        ----------
        cells : ndarray of shape (n_rows, n_columns)
            Columns; NaN where not observed.

        weights : ndarray of shape (n_rows,)
            Weights of the rows.

        spikes : bool or array-like of bool of shape (n_columns,)
            For which columns mixtures are tried; others are standardised only.

        Returns
        -------
        marginals : Marginals
            The maps.
        """
        shift, scale, constant = location_scale(cells, weights)
        n_columns = cells.shape[1]
        spikes = np.broadcast_to(spikes, n_columns) & ~constant
        found = [
            spiky_mixture((cells[:, j] - shift[j]) / scale[j], weights)
            if spikes[j]
            else None
            for j in range(n_columns)
        ]
        width = max([1, *(len(each[0]) for each in found if each is not None)])
        log_weights = np.full((n_columns, width), -np.inf)
        means, scales = np.zeros((n_columns, width)), np.ones((n_columns, width))
        log_weights[:, 0] = 0.0
        for j, each in enumerate(found):
            if each is not None:
                size = slice(len(each[0]))
                log_weights[j, size] = np.log(each[0])
                means[j, size], scales[j, size] = each[1], each[2]
        return cls(shift, scale, constant, log_weights, means, scales)

    def is_smooth(self, j):
        """Whether a column is standardised only."""
        return np.isneginf(self.log_weights[j, 1:]).all()

    def scores(self, cells):
        """Normal scores of cells, and the log-derivatives of the maps.

        Parameters
        ----------
        cells : ndarray of shape (n_rows, n_columns)
            Columns; NaN stays NaN.

        Returns
        -------
        scores, log_derivative : ndarray of shape (n_rows, n_columns)
            float64.
        """
        with np.errstate(over="ignore"):
            scores = (cells.astype(np.float64) - self.shift) / self.scale
        scores = np.clip(scores, -LARGEST_SCORE, LARGEST_SCORE)
        log_derivative = np.broadcast_to(-np.log(self.scale), scores.shape).copy()
        for j in range(len(self.shift)):
            if not self.is_smooth(j):
                values, which = np.unique(scores[:, j], return_inverse=True)
                each, more = self._score_column(values, j)
                scores[:, j] = each[which]
                log_derivative[:, j] += more[which]
        return scores, log_derivative

    def _score_column(self, column, j):
        near = np.clip(column, -FAR, FAR)
        scores, log_derivative = self._score_near(near, j)
        return scores + np.exp(log_derivative) * (column - near), log_derivative

    def _score_near(self, column, j):
        kept = np.isfinite(self.log_weights[j])
        log_weights, scales = self.log_weights[j, kept], self.scales[j, kept]
        residuals = (column[:, None] - self.means[j, kept]) / scales
        below = logsumexp(log_weights + log_ndtr(residuals), axis=1)
        above = logsumexp(log_weights + log_ndtr(-residuals), axis=1)
        # of the two tails the lighter one tells the score without cancellation
        scores = np.where(
            below < above,
            ndtri_exp(np.minimum(below, -np.log(2.0) * 0.5)),
            -ndtri_exp(np.minimum(above, -np.log(2.0) * 0.5)),
        )
        log_density = logsumexp(
            log_weights - np.log(scales) - 0.5 * np.square(residuals), axis=1
        )
        return scores, log_density + 0.5 * np.square(scores)

    def knots(self, j):
        """Standardised cells of a column at evenly spaced normal scores."""
        kept = np.isfinite(self.log_weights[j])
        spread = np.linspace(-LIMIT - 2.0, LIMIT + 2.0, 81)
        cells = self.means[j, kept] + spread[:, None] * self.scales[j, kept]
        cells = np.sort(cells, axis=None)
        scores = self._score_column(cells, j)[0]
        return np.interp(np.linspace(-LIMIT, LIMIT, N_KNOTS), scores, cells)


def interpolate(knots, scores):
    """Standardised cells at normal scores, in tensors; affine beyond the knots.

    Parameters
    ----------
    knots : Tensor of shape (N_KNOTS,)
        What `Marginals.knots` returned.

    scores : Tensor
        Normal scores.

    Returns
    -------
    cells : Tensor
        Of the shape of `scores`.
    """
    position = (scores + LIMIT) * ((N_KNOTS - 1) / (2.0 * LIMIT))
    left = position.floor().clamp(0, N_KNOTS - 2)
    index = left.long()
    return knots[index] + (position - left) * (knots[index + 1] - knots[index])


def location_scale(cells, weights):
    """Weighted means of what is observed, and scales: standard deviations as a rule.

    A scale is at most ten times what the middle half of a column suggests: what a
    few cells far away do to the standard deviation must not blur all others. That of a
    constant column is the size of its value, or 1 for zero.

    Computed without squares of large numbers, so that they do not overflow.

    Parameters
    ----------
    cells : ndarray of shape (n_rows, n_columns)
        Columns; NaN where not observed.

    weights : ndarray of shape (n_rows,)
        Weights of the rows.

    Returns
    -------
    location, scale : ndarray of shape (n_columns,)
        float64.

    constant : ndarray of shape (n_columns,)
        Whether a column does not vary, beyond rounding.
    """
    seen = ~np.isnan(cells)
    shares = weights[:, None] * seen
    shares = shares / shares.sum(axis=0)
    values = np.where(seen, cells.astype(np.float64), 0.0)
    size = np.maximum(np.abs(values).max(axis=0), np.finfo(np.float64).tiny)
    mean = (shares * (values / size)).sum(axis=0) * size
    centred = np.where(seen, values - mean, 0.0)
    reach = np.abs(centred).max(axis=0)
    spread = np.maximum(reach, np.finfo(np.float64).tiny)
    scale = np.sqrt((shares * np.square(centred / spread)).sum(axis=0)) * spread
    constant = reach <= 1e-12 * size
    # all weight on a single value: what varies has hardly any
    scale = np.where(scale <= 1e-12 * size, spread, scale)
    quartiles = np.array([_quartiles(*each) for each in zip(cells.T, shares.T)])
    low, median, high = quartiles.T
    middle = (high - low) / 1.349  # the standard deviation of such a normal column
    is_spread = middle > 1e-12 * np.maximum(np.abs(low), np.abs(high))
    bounded = is_spread & (scale > MOST_SPREAD * middle)
    scale = np.where(bounded, MOST_SPREAD * middle, scale)
    unit = np.where(np.abs(median) > 0.0, np.abs(median), 1.0)
    # of a column with cells far away the median is the better middle, too, and of a
    # constant it has every digit
    location = np.where(bounded | constant, median, mean)
    return location, np.where(constant, unit, scale), constant


def _quartiles(column, shares):
    """Weighted quartiles, the median between them."""
    order = np.argsort(column)  # NaN last, without weight
    cumulative = np.cumsum(shares[order])
    places = np.searchsorted(cumulative, [0.25, 0.5, 0.75])
    return column[order][np.minimum(places, len(column) - 1)].astype(np.float64)


def spiky_mixture(column, weights):
    """A mixture that tells a standardised column's spikes; None if it has none.

    Parameters
    ----------
    column : ndarray of shape (n_rows,)
        Standardised cells; NaN where not observed.

    weights : ndarray of shape (n_rows,)
        Weights of the rows.

    Returns
    -------
    mixture : tuple of ndarray or None
        Weights, means and scales.
    """
    seen = ~np.isnan(column)
    column, weights = column[seen], weights[seen]
    n_components = min(MOST_COMPONENTS, len(column) // 20)
    if n_components < MANY_COMPONENTS:
        return None
    half = np.random.RandomState(0).permutation(len(column)) % 2 == 0
    values, counts = _counted(column[half], weights[half])
    rich = _fit(values, counts, min(n_components, len(values)))
    plain = _fit(values, counts, FEW_COMPONENTS, SMOOTH_SCALE)
    gain = _mean_log_density(rich, column[~half], weights[~half])
    gain -= _mean_log_density(plain, column[~half], weights[~half])
    return _fit(*_counted(column, weights), n_components) if gain > LEAST_GAIN else None


def _counted(column, weights):
    """Cells on a grid, and how many of them there are."""
    values, inverse = np.unique(np.rint(column / GRID), return_inverse=True)
    counts = np.bincount(inverse, weights)
    return values * GRID, counts * (len(column) / counts.sum())


def _mean_log_density(mixture, column, weights):
    weights_, means, scales = mixture
    log_joint = _log_joint(column, np.log(weights_), means, scales)
    return np.average(logsumexp(log_joint, axis=1), weights=weights)


def _fit(values, counts, n_components, least_scale=LEAST_SCALE):
    """Weights, means and scales by EM; components that tell too little vanish."""
    quantiles = (np.arange(n_components) + 0.5) / n_components
    cumulative = (np.cumsum(counts) - 0.5 * counts) / counts.sum()
    means = np.interp(quantiles, cumulative, values)
    scales = np.full(n_components, max(2.0 / n_components, least_scale))
    log_weights = np.full(n_components, -np.log(n_components))
    bound = -np.inf
    for _ in range(N_STEPS):
        log_joint = _log_joint(values, log_weights, means, scales)
        log_density = logsumexp(log_joint, axis=1)
        previous, bound = bound, counts @ log_density / counts.sum()
        if abs(bound - previous) < LEAST_CHANGE:
            break
        responsibilities = np.exp(log_joint - log_density[:, None])
        shares = counts @ responsibilities
        kept = shares > 1.0  # half of the two parameters that a component has
        responsibilities, shares = responsibilities[:, kept], shares[kept]
        log_weights = np.log((shares - 1.0) / (shares - 1.0).sum())
        joint = counts[:, None] * responsibilities
        means = values @ joint / shares
        squares = (np.square(values[:, None] - means) * joint).sum(axis=0) / shares
        scales = np.sqrt(squares + GRID**2 / 12.0 + 0.5 * least_scale**2)
    return np.exp(log_weights), means, scales


def _log_joint(values, log_weights, means, scales):
    residuals = (values[:, None] - means) / scales
    return log_weights - np.log(scales) - HALF_LOG_TAU - 0.5 * np.square(residuals)
