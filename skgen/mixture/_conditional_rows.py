"""p(y | x) of a Gaussian mixture over (x, y), asked at many rows of x, in blocks.

The mathematics of one row is in `_conditional`, rows with missing cells are brought
here by `_conditional_patterns`; nothing is validated here.
"""

import numpy as np
from scipy.special import ndtr, ndtri

from ..em import Workers
from ..gaussian import normalise
from ._conditional import part_of, split, within_reach

LOG_2PI = np.log(2.0 * np.pi)

# Numbers in a temporary array, of which there are a few: they stay in a core's cache.
BLOCK = 2**17

# Variances up to this multiple of the floor are at the floor, but for rounding errors.
ABOVE_FLOOR = 1.01

# Up to so many rows are answered without threads.
FEW_ROWS = 256

# Squared distances beyond this are cut: log-densities stay finite.
LARGEST_SQUARE = 1e300

# An interval that holds a quantile is small enough in units of rounding errors.
SMALLEST_INTERVAL = 4.0 * np.finfo(np.float64).eps


class ConditionalRows:
    """Answers about y given rows of x.

    What is said of a row depends on that row alone. Rows however far out have finite
    answers: further out than 1e140 standard deviations they are taken for nearer.

    Parameters
    ----------
    parameters : MixtureParameters
        The mixture over (x, y), in units of the data.

    n_given : int
        Number of columns of x, the first ones. Of none the answers are about p(y).

    floor : float, default=0.0
        Variance, in units of the columns' variances, at which components were held.
    """

    def __init__(self, parameters, n_given, floor=0.0):
        n_components, n_features = parameters.means.shape
        frame = parameters.own_frame()
        given = np.arange(n_given)
        rest = np.arange(n_given, n_features)
        self._given, self._rest = part_of(frame, given), part_of(frame, rest)
        parts = split(parameters.in_frame(frame), given)
        self._split = parts.without_slopes(ABOVE_FLOOR * floor)
        self._n_components, self._n_rest = n_components, n_features - n_given
        self._block = max(
            32, min(4096, BLOCK // (n_components * (self._n_rest + n_given)))
        )

    def means(self, X):
        """E[y | x], (n_samples, n_rest)."""
        out = np.empty((len(X), self._n_rest))

        def fill(block):
            shares, centres = self._shares_and_centres(X[block])
            out[block] = np.einsum("kn,kmn->nm", shares, centres)

        self._each(fill, len(X))
        return self._rest.outside(out)

    def means_and_deviations(self, X):
        r"""E[y | x] and the standard deviations, each (n_samples, n_rest).

        By the law of total variance, :math:`\sum_k \pi_{k|x} (V_k + (m_k - m)^2)`.
        """
        means, variances = (np.empty((len(X), self._n_rest)) for _ in range(2))
        within = self._variances()[:, :, None]

        def fill(block):
            shares, centres = self._shares_and_centres(X[block])
            mean = np.einsum("kn,kmn->mn", shares, centres)
            centres -= mean
            np.square(centres, out=centres)
            centres += within
            means[block] = mean.T
            variances[block] = np.einsum("kn,kmn->nm", shares, centres)

        self._each(fill, len(X))
        return self._rest.outside(means), np.sqrt(variances) * self._rest.scale

    def quantiles(self, X, levels):
        """Quantiles of the only y, (n_samples, n_levels)."""
        out = np.empty((len(X), len(levels)))
        deviations = np.sqrt(self._variances())

        def fill(block):
            shares, centres = self._shares_and_centres(X[block])
            for i, level in enumerate(levels):
                out[block, i] = _quantiles(shares, centres[:, 0], deviations, level)

        self._each(fill, len(X))
        return out * self._rest.scale + self._rest.center

    def log_densities(self, X, Y):
        """Log p(y | x) of each row, (n_samples,), in units of the data."""
        out = np.empty(len(X))
        factors = self._dense_factors()
        log_scales = np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)
        log_scales = log_scales - 0.5 * self._n_rest * LOG_2PI

        def fill(block):
            columns = self._columns(X[block])
            joint = self._split.log_joint(columns)
            # Far out these logs are huge: only their differences count.
            joint -= joint.max(axis=0)
            apart = within_reach(self._rest, Y[block]).T
            white = np.swapaxes(factors, 1, 2) @ (apart - self._split.means(columns))
            squares = np.einsum("kmn,kmn->kn", white, white)
            own = log_scales[:, None] - 0.5 * np.minimum(squares, LARGEST_SQUARE)
            out[block] = normalise(joint + own, 1)[0] - normalise(joint, 1)[0]

        self._each(fill, len(X))
        return out - self._rest.log_volume

    def draw(self, X, n_samples, generator):
        """Draws of y, (n_samples_X, n_rest, n_samples)."""
        return self.outcomes(X, *randomness(X, n_samples, self._n_rest, generator))

    def outcomes(self, X, levels, noise):
        """Draws of y made of `randomness`, (n_samples_X, n_rest, n_samples).

        The noise is written over.
        """
        half = np.linalg.inv(self._dense_factors())

        def fill(block):
            shares, centres = self._shares_and_centres(X[block])
            labels = _components_at(shares, levels[block])
            for k in range(self._n_components):
                rows, draws = np.nonzero(labels == k)
                own = noise[block][rows, draws] @ half[k if len(half) > 1 else 0]
                noise[block][rows, draws] = own + centres[k][:, rows].T

        self._each(fill, len(X))
        return np.swapaxes(self._rest.outside(noise), 1, 2)

    def _each(self, fill, n_rows):
        with Workers(n_threads=1 if n_rows <= FEW_ROWS else None) as workers:
            workers.each(fill, n_rows, self._block)

    def _columns(self, X):
        """Rows in their frame, on their side."""
        return np.ascontiguousarray(within_reach(self._given, X).T)

    def _shares_and_centres(self, X):
        """Of each component, (n_components, n_rows) and (.., n_rest, n_rows)."""
        columns = self._columns(X)
        return self._split.shares(columns), self._split.means(columns)

    def _variances(self):
        """Of each y in each component, given x."""
        rest = self._split.rest
        return rest.structure.variances(
            rest.covariances, self._n_components, self._n_rest
        )

    def _dense_factors(self):
        """Triangular factors of the precisions of y given x, as matrices."""
        rest = self._split.rest
        if rest.structure.matrices:
            return rest.factors
        roots = rest.structure.variances(rest.factors, self._n_components, self._n_rest)
        return roots[:, :, None] * np.eye(self._n_rest)


def randomness(X, n_samples, n_rest, generator):
    """What draws at rows of X are made of.

    Parameters
    ----------
    X : ndarray of shape (n_samples_X, n_given)
        The rows, for their number.

    n_samples : int
        Number of draws at each row.

    n_rest : int
        Number of columns of y.

    generator : Generator or RandomState
        Source of randomness.

    Returns
    -------
    levels : ndarray of shape (n_samples_X, n_samples)
        Between 0 and 1: where a draw's component is found.

    noise : ndarray of shape (n_samples_X, n_samples, n_rest)
        Standard normal.
    """
    levels = generator.uniform(size=(len(X), n_samples))
    return levels, generator.standard_normal(size=(len(X), n_samples, n_rest))


def _components_at(shares, levels):
    """The component that each level falls to, (n_rows, n_samples)."""
    sums = np.cumsum(shares, axis=0)
    sums /= sums[-1]
    labels = np.zeros(levels.shape, dtype=np.intp)
    for share in sums[:-1]:
        labels += levels >= share[:, None]
    return labels


def _quantiles(shares, centres, deviations, level):
    """Quantiles of mixtures on the line, by bisection.

    Parameters
    ----------
    shares, centres : ndarray of shape (n_components, n_rows)
        Weights and means.

    deviations : ndarray of shape (n_components, 1)
        Standard deviations.

    level : float
        Between 0 and 1.
    """
    # The components' own quantiles enclose that of their mixture.
    ends = centres + ndtri(level) * deviations
    absent = shares == 0.0
    low = np.where(absent, np.inf, ends).min(axis=0)
    high = np.where(absent, -np.inf, ends).max(axis=0)
    narrow = deviations.min()
    while True:
        middle = 0.5 * (low + high)
        wide = high - low > SMALLEST_INTERVAL * (np.abs(middle) + narrow)
        if not wide.any():
            return middle
        below = (shares * ndtr((middle - centres) / deviations)).sum(axis=0)
        less = below < level
        low, high = np.where(less, middle, low), np.where(less, high, middle)
