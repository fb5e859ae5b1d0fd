"""What is computed of a window of rows: divergences, moments of features, gaps.

Rows come as `RowEvidence`, what a detector knows of them. Nothing here is random and
nothing is a p-value; those are in `_windows`. No estimator lives here.
"""

from dataclasses import dataclass, fields
from functools import cached_property
from itertools import product

import numpy as np
from scipy.linalg import solve_triangular

# Components that a reference is merged to: a window of a hundred rows says nothing of
# the covariance of a component that has two of them.
N_GROUPS = 4

# Coordinates and conditional scores count up to here, in standard deviations: one
# row must not decide about the mean of a window.
LARGEST_SCORE = 3.0

# Share of the diagonal in the covariance of features. Few rows know it badly, and
# shifts hide in directions of small variance no more than elsewhere.
SHRINKAGE = 0.5

# Variance of a feature, in units in which most have 1, that is told from none: what
# never varied among the fit rows is suspicious, but not infinitely so.
LEAST_VARIANCE = 0.05

# What is less than this, relative to what it was computed from, is a rounding error.
ROUNDING = 1e-9

# Weight of a component that nothing belongs to.
LEAST_WEIGHT = 1e-12


@dataclass(frozen=True)
class RowEvidence:
    """What is known of rows, from a detector and its reference mixture.

    Parameters
    ----------
    surprise : ndarray of shape (n,)
        Minus the detector's score, nats.

    responsibilities : ndarray of shape (n, n_components)
        Posterior probabilities of the mixture's components.

    coordinates : ndarray of shape (n, n_features)
        The columns in the units of the mixture.

    conditional_scores : ndarray of shape (n, n_features)
        Standard normal quantiles of each column's distribution function given the
        other columns, under the mixture.
    """

    surprise: np.ndarray
    responsibilities: np.ndarray
    coordinates: np.ndarray
    conditional_scores: np.ndarray

    def __len__(self):
        return len(self.surprise)

    def take(self, index):
        """Evidence of some rows, told by indices, a mask or a slice."""
        return RowEvidence(*(getattr(self, f.name)[index] for f in fields(self)))


class Groups:
    """A Gaussian mixture merged to a few groups, and how windows differ from it.

    Coordinates are told to each group in whitened units of its own, in which it has
    mean 0 and covariance I.

    Parameters
    ----------
    weights : ndarray of shape (n_components,)
        Those of the mixture.

    means : ndarray of shape (n_components, n_features)
        Those of the mixture.

    covariances : ndarray of shape (n_components, n_features, n_features)
        Those of the mixture.

    n_groups : int
        Groups to end with, where there are as many components.
    """

    def __init__(self, weights, means, covariances, n_groups=N_GROUPS):
        merged = merged_components(weights, means, covariances, n_groups)
        self.labels, self.weights, self.means, covariances = merged
        self.precision_roots = inverse_roots(covariances)

    def responsibilities(self, evidence):
        """Probabilities of the groups, shape (n, n_groups)."""
        return evidence.responsibilities @ np.eye(len(self.weights))[self.labels]

    def whitened(self, coordinates):
        """Coordinates in units of each group, shape (n_groups, n, n_features)."""
        return np.stack(
            [
                (coordinates - mean) @ root
                for mean, root in zip(self.means, self.precision_roots)
            ]
        )

    def divergences(self, statistics):
        """Parts of the divergence of windows from sums in them.

        Parameters
        ----------
        statistics : tuple of ndarray
            Those of `window_moments`, with axes for windows in front.

        Returns
        -------
        occupancy, mean, covariance : ndarray
            Those of `divergence_parts`.
        """
        return divergence_parts(*shrunk_moments(*statistics), self.weights)


def merged_components(weights, means, covariances, n_groups):
    r"""Components merged two by two into Gaussians of the same moments.

    Always the pair for which Runnalls' (2007) bound of the divergence,
    :math:`\tfrac12 [(w_i + w_j) \log|P_{ij}| - w_i \log|P_i| - w_j \log|P_j|]`, is
    least.

    Parameters
    ----------
    weights, means, covariances : ndarray
        The components'.

    n_groups : int
        Groups to end with, where there are as many components.

    Returns
    -------
    labels : ndarray of shape (n_components,)
        The group of each component.

    weights, means, covariances : ndarray
        The groups' moments.
    """
    weights = np.maximum(weights, LEAST_WEIGHT)
    weights, means, covariances = weights / weights.sum(), means.copy(), covariances + 0
    labels = np.arange(len(weights))
    logs = log_determinants(covariances)
    costs = np.full((len(weights), len(weights)), np.inf)

    def merged(i, others):
        total = weights[i] + weights[others]
        share = (weights[others] / total)[:, None, None]
        shift = means[others] - means[i]
        between = share * (1 - share) * shift[:, :, None] * shift[:, None, :]
        return total, (1 - share) * covariances[i] + share * covariances[
            others
        ] + between

    def update(i, others):
        if len(others):
            total, covariance = merged(i, others)
            cost = total * log_determinants(covariance)
            cost -= weights[i] * logs[i] + weights[others] * logs[others]
            costs[np.minimum(i, others), np.maximum(i, others)] = cost

    present = list(labels)
    for i in present:
        update(i, np.arange(i + 1, len(weights)))
    while len(present) > n_groups:
        i, j = np.unravel_index(costs.argmin(), costs.shape)
        total, covariance = merged(i, np.array([j]))
        means[i] = (weights[i] * means[i] + weights[j] * means[j]) / total
        weights[i], covariances[i] = total[0], covariance[0]
        logs[i] = log_determinants(covariance)[0]
        labels[labels == j] = i
        costs[j], costs[:, j] = np.inf, np.inf
        present.remove(j)
        update(i, np.array([other for other in present if other != i], dtype=int))
    groups = np.searchsorted(present, labels)
    return groups, weights[present], means[present], covariances[present]


def log_determinants(covariances):
    """Logarithms of determinants, shape (..., d, d) to (...)."""
    diagonals = np.diagonal(cholesky_factors(covariances), axis1=-2, axis2=-1)
    return 2 * np.log(diagonals).sum(axis=-1)


def cholesky_factors(covariances):
    """Lower triangular factors, or an error that says what is wrong."""
    try:
        return np.linalg.cholesky(covariances)
    except np.linalg.LinAlgError as error:
        raise ValueError(
            "the covariances of the reference must be positive definite, and one is "
            "not: add a little to its diagonal, or drop constant columns"
        ) from error


def inverse_roots(covariances):
    """Matrices A with A Aᵀ the inverse of each covariance, upper triangular."""
    identity = np.eye(covariances.shape[-1])
    return np.stack(
        [
            solve_triangular(factor, identity, lower=True).T
            for factor in cholesky_factors(covariances)
        ]
    )


def window_moments(responsibilities, whitened, counts=None):
    """Sums of responsibilities, of rows and of their squares, in each group.

    Parameters
    ----------
    responsibilities : ndarray of shape (n, n_groups)
        Probabilities of the groups.

    whitened : ndarray of shape (n_groups, n, n_features)
        Rows in units of each group.

    counts : ndarray of shape (n,) or None
        How often each row is in the window; None for once.

    Returns
    -------
    sums : ndarray of shape (n_groups,)
        Rows in each group.

    firsts : ndarray of shape (n_groups, n_features)
        Sums of rows.

    seconds : ndarray of shape (n_groups, n_features, n_features)
        Sums of their products.
    """
    shares = responsibilities if counts is None else responsibilities * counts[:, None]
    weighted = shares.T[:, :, None] * whitened
    return shares.sum(axis=0), weighted.sum(axis=1), weighted.mT @ whitened


def moments_of_counts(responsibilities, whitened, counts, block=1 << 22):
    """`window_moments` of many windows at once, told by how often they have each row.

    Parameters
    ----------
    responsibilities : ndarray of shape (n, n_groups)
        Probabilities of the groups.

    whitened : ndarray of shape (n_groups, n, n_features)
        Rows in units of each group.

    counts : ndarray of shape (n_windows, n)
        How often each row is in each window.

    block : int
        Products of rows held in memory at a time.

    Returns
    -------
    sums, firsts, seconds : ndarray
        Those of `window_moments`, with an axis for windows in front.
    """
    n_groups, n_rows, n_features = whitened.shape
    counts = counts.astype(float)
    firsts = np.zeros((len(counts), n_groups, n_features))
    seconds = np.zeros((len(counts), n_groups, n_features**2))
    step = max(1, block // n_features**2)
    for g, start in product(range(n_groups), range(0, n_rows, step)):
        some = slice(start, start + step)
        weighted = responsibilities[some, g, None] * whitened[g, some]
        products = weighted[:, :, None] * whitened[g, some, None]
        firsts[:, g] += counts[:, some] @ weighted
        seconds[:, g] += counts[:, some] @ products.reshape(len(products), -1)
    shape = *firsts.shape, n_features
    return counts @ responsibilities, firsts, seconds.reshape(shape)


def shrunk_moments(sums, firsts, seconds):
    """Shares, means and covariances of the groups in windows.

    As if each group had had pseudo-rows of the reference: one for its mean, and two
    more than there are columns for its covariance. A group without rows has then the
    moments of the reference.

    Parameters
    ----------
    sums, firsts, seconds : ndarray
        Those of `window_moments`, with axes for windows in front.

    Returns
    -------
    shares, means, covariances : ndarray
        In units of the groups.
    """
    n_features = firsts.shape[-1]
    rows = sums[..., None]
    means = firsts / np.maximum(rows, LEAST_WEIGHT)
    scatters = seconds - means[..., :, None] * firsts[..., None, :]
    scatters += (n_features + 2) * np.eye(n_features)
    covariances = scatters / (rows + n_features + 2)[..., None]
    return sums / sums.sum(axis=-1, keepdims=True), firsts / (rows + 1), covariances


def divergence_parts(shares, means, covariances, weights):
    r"""D(window ‖ reference) of mixtures with as many groups, in three parts.

    .. math::

        \sum_g v_g \log \frac{v_g}{w_g}
        + \sum_g v_g \tfrac12 |m_g|^2
        + \sum_g v_g \tfrac12 [\operatorname{tr} S_g - d - \log |S_g|]

    for shares v, means m and covariances S in units in which the reference has
    means 0 and covariances I. Group and row together diverge so by the chain rule; rows
    alone by no more.

    Parameters
    ----------
    shares : ndarray of shape (..., n_groups)
        Of the window.

    means : ndarray of shape (..., n_groups, n_features)
        Of the window.

    covariances : ndarray of shape (..., n_groups, n_features, n_features)
        Of the window.

    weights : ndarray of shape (n_groups,)
        Shares of the reference.

    Returns
    -------
    occupancy, mean, covariance : ndarray of shape (...)
        The parts, nats, none negative.
    """
    logs = np.log(np.maximum(shares, LEAST_WEIGHT) / weights)
    traces = np.trace(covariances, axis1=-2, axis2=-1)
    excess = traces - means.shape[-1] - log_determinants(covariances)
    parts = (
        (shares * logs).sum(axis=-1),
        0.5 * (shares * np.square(means).sum(axis=-1)).sum(axis=-1),
        0.5 * (shares * excess).sum(axis=-1),
    )
    return tuple(np.maximum(part, 0.0) for part in parts)


def mixture_deviations(weights, means, covariances):
    """Standard deviations of a mixture's columns, shape (n_features,)."""
    within = weights @ np.diagonal(covariances, axis1=1, axis2=2)
    return np.sqrt(within + weights @ np.square(means - weights @ means))


class RowFeatures:
    """Numbers of a row whose means over a window tell of shifts, and T² of the means.

    They are the surprise, within the range of the fit rows; the conditional scores and
    the standardised coordinates, and the squares of both. Nothing but moments is kept
    of the fit rows.

    Parameters
    ----------
    fit : RowEvidence
        The rows that the reference was fitted to, or some of them.

    deviations : ndarray of shape (n_features,)
        Standard deviations of the mixture: units of coordinates that are constant in
        the fit rows.
    """

    def __init__(self, fit, deviations):
        self._means = fit.coordinates.mean(axis=0)
        self._units = fit.coordinates.std(axis=0)
        constant = self._units <= ROUNDING * np.abs(self._means)
        self._units[constant] = deviations[constant]
        low, high = np.percentile(fit.surprise, [0.5, 99.5])
        room = 0.25 * (high - low)
        self._range = low - room, high + room
        clipped = np.clip(fit.surprise, *self._range)
        self._center, self._scale = clipped.mean(), clipped.std() or 1.0
        rows = self.of(fit)
        covariance = np.cov(rows, rowvar=False).reshape(rows.shape[1], -1)
        self._roots = [
            (block, inverse_roots(shrunk(covariance[block, block])[None])[0])
            for block in feature_blocks(fit.coordinates.shape[1])
        ]

    def of(self, evidence):
        """Features of rows, shape (n, 1 + 4 n_features)."""
        surprise = np.clip(evidence.surprise, *self._range)
        scores, coordinates = (
            np.clip(part, -LARGEST_SCORE, LARGEST_SCORE)
            for part in (
                evidence.conditional_scores,
                (evidence.coordinates - self._means) / self._units,
            )
        )
        surprise = (surprise - self._center) / self._scale
        squares = np.square(scores), np.square(coordinates)
        return np.column_stack([surprise, squares[0], scores, coordinates, squares[1]])

    def squared_distances(self, deviations):
        """T² of all features, of coordinates, and of conditional scores.

        Parameters
        ----------
        deviations : ndarray of shape (n, 1 + 4 n_features)
            Means of features over windows, less those of the reference.

        Returns
        -------
        distances : ndarray of shape (n, 3)
            Squared Mahalanobis distances.
        """
        return np.column_stack(
            [
                np.square(deviations[:, block] @ root).sum(axis=1)
                for block, root in self._roots
            ]
        )


def feature_blocks(n_features):
    """Which features have a T² of their own: all, coordinates, conditional scores."""
    scores, coordinates = 1 + n_features, 1 + 2 * n_features
    return slice(None), slice(coordinates, None), slice(scores, coordinates)


def shrunk(covariance):
    """A covariance half way to its diagonal, with a floor for variances."""
    variances = np.diag(covariance)
    missing = np.maximum(LEAST_VARIANCE - variances, 0.0)
    return (1 - SHRINKAGE) * covariance + np.diag(SHRINKAGE * variances + missing)


class SortedSample:
    """The empirical distribution function of a reference, and distances from it.

    Parameters
    ----------
    values : ndarray of shape (n,)
        The sample, ascending.
    """

    def __init__(self, values):
        self.values = values

    @cached_property
    def _last(self):
        """Whether a value is the last of its equals."""
        return np.append(self.values[1:] > self.values[:-1], True)

    def distance(self, values):
        """Kolmogorov and Smirnov's distance of another sample from this one."""
        values = np.sort(values)
        gaps = [
            np.searchsorted(values, values, side) / len(values)
            - np.searchsorted(self.values, values, side) / len(self.values)
            for side in ("left", "right")
        ]
        return np.abs(gaps).max()

    def distances_of_resamples(self, differences):
        """Distances between samples told by how often they have each value.

        Parameters
        ----------
        differences : ndarray of shape (n_pairs, n)
            Shares of the values in one sample less those in the other.

        Returns
        -------
        distances : ndarray of shape (n_pairs,)
            Kolmogorov and Smirnov's.
        """
        return np.abs(differences.cumsum(axis=1)[:, self._last]).max(axis=1)
