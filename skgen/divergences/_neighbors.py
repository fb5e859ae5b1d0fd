r"""Divergences of two samples by the distances of their rows to nearest neighbours.

Around a row the density is as large as its k-th neighbour is near. Each function
here takes two samples on one scale, as `on_one_scale` makes them, and gives a number
for every row of the first, or their mean. A row is no neighbour of its own: hence
the n − 1.
"""

import numpy as np
from scipy.spatial import cKDTree
from scipy.special import digamma
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import gen_batches

#: Distances that differ by less, relatively, are called equal: those of a lattice
#: are equal in the mathematics and not after its columns are scaled.
SAME_DISTANCE = 1e-9

#: Interquartile range of the unit Gaussian.
GAUSSIAN_RANGE = 1.3489795003921634

#: Below this share of a row's squared norm, a squared distance that was computed
#: from inner products has lost half of its digits and is computed anew.
LOST_TO_ROUNDING = 1e-6

#: Bounds the memory of counting: 8 MB, which caches hold.
PRODUCTS_AT_ONCE = 2**20


def on_one_scale(X, Y):
    """Both samples moved and scaled alike, column by column.

    A divergence does not change when a column is moved or scaled; distances do. Each
    column is divided by the root of the mean square of its spreads within X and
    within Y, as `robust_spread` finds them, which is 1 for samples of unit Gaussians
    however far apart. A column that is one constant in both is left out.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Sample of p.

    Y : ndarray of shape (m, d)
        Sample of q.

    Returns
    -------
    X : ndarray of shape (n, d')
        X anew.

    Y : ndarray of shape (m, d')
        Y anew.

    Raises
    ------
    ApartError
        If a column is one constant in X and another in Y.
    """
    lowest = np.minimum(X.min(axis=0), Y.min(axis=0))
    highest = np.maximum(X.max(axis=0), Y.max(axis=0))
    varies = lowest < highest
    # halves first, so that columns near the largest float do not overflow
    middle = (0.5 * lowest + 0.5 * highest)[varies]
    reach = (0.5 * highest - 0.5 * lowest)[varies]
    X, Y = ((Z[:, varies] - middle) / reach for Z in (X, Y))
    spread = np.sqrt(0.5 * robust_spread(X) ** 2 + 0.5 * robust_spread(Y) ** 2)
    if np.any(spread == 0.0):
        raise ApartError
    return X / spread, Y / spread


def robust_spread(X):
    """Spread of each column that a few rows far out do not move; 1 for unit Gaussians.

    By standard deviations one outlier would squeeze its column, and all the other
    rows would be compared by the other columns only. A column of which half the rows
    agree has no range between its quartiles, and is known by standard deviation.
    """
    lower, upper = np.quantile(X, [0.25, 0.75], axis=0)
    between = upper - lower
    return np.where(between > 0.0, between / GAUSSIAN_RANGE, X.std(axis=0))


class ApartError(Exception):
    """A column alone tells every row of one sample from every row of the other."""


def kullback_leibler(X, Y, n_neighbors):
    r"""Estimate of D(p ‖ q), in nats, from samples on one scale."""
    if X.shape[1] == 0:  # one row over and over, the same in both
        return 0.0
    return log_ratios(X, Y, n_neighbors).mean()


def jensen_shannon(X, Y, n_neighbors):
    r"""Estimate of the Jensen-Shannon divergence, in nats, from samples on one scale.

    Balls of one size would hold rows of the larger sample only, were that one much
    larger. So its k is larger by as much.
    """
    if X.shape[1] == 0:
        return 0.0
    smaller = min(len(X), len(Y))
    halves = [
        log_shares(own, other, round(n_neighbors * len(own) / smaller)).mean()
        for own, other in ((X, Y), (Y, X))
    ]
    return 0.5 * sum(halves)


def halved(X, Y, statistic, n_replicates, rng):
    """A statistic of random halves of both samples, again and again.

    Its spread is that of the statistic of the whole samples, to first order (Politis
    & Romano 1994; Shao & Wu 1989 on deleting half). Rows drawn with replacement would
    be their own nearest neighbours.

    Returns
    -------
    replicates : ndarray of shape (n_replicates,)
        One for each pair of halves.
    """
    return np.array(
        [
            statistic(*(Z[rng.permutation(len(Z))[: len(Z) // 2]] for Z in (X, Y)))
            for _ in range(n_replicates)
        ]
    )


def log_ratios(own, other, n_neighbors):
    r"""Estimate of log p / q at the rows of a sample of p (Wang et al. 2009, eq. 5).

    With :math:`\rho` the distance to the k-th other row of the own sample and
    :math:`\nu` to the k-th row of the other one,
    :math:`d \log(\nu / \rho) + \log(m / (n - 1))`. Where either distance is shared
    by further rows, or 0, as in rounded and discrete data, distances say little, and
    rows are counted within the larger of both: :math:`\psi(l) - \psi(k') +
    \log(m / (n - 1))` for l and k' of them (section IV there).

    Parameters
    ----------
    own : ndarray of shape (n, d)
        Sample of p.

    other : ndarray of shape (m, d)
        Sample of q.

    n_neighbors : int
        The k.

    Returns
    -------
    log_ratios : ndarray of shape (n,)
        One for each row of `own`.
    """
    (n, _), m = own.shape, len(other)
    rows, where = distinct_rows(own)
    near, near_is_shared = nth_distances(own, rows, n_neighbors + 1)
    far, far_is_shared = nth_distances(other, rows, n_neighbors)
    counted = near_is_shared | far_is_shared
    ratios = np.empty(len(rows))
    apart = ~counted
    ratios[apart] = filled_dimensions(own, other) * np.log(far[apart] / near[apart])
    if counted.any():
        centres, radius = rows[counted], np.maximum(near, far)[counted]
        within_own = counts_within(own, centres, radius) - 1
        within_other = counts_within(other, centres, radius)
        ratios[counted] = digamma(within_own) - digamma(within_other)
    return ratios[where] + np.log(m / (n - 1))


def log_shares(own, other, n_neighbors):
    r"""Estimate of log p / ((p + q) / 2) at the rows of a sample of p (Ross 2014).

    The ball around a row that ends at its k-th other row of the own sample holds,
    the row itself with it and the last one without, k of them, and k' rows of the
    other sample: :math:`\psi(k) - \psi(k + k' n / m) + \psi(2 n) - \psi(n)`. The
    factor n / m, 1 in Ross's paper, lets both samples weigh the same.

    Parameters
    ----------
    own : ndarray of shape (n, d)
        Sample of p.

    other : ndarray of shape (m, d)
        Sample of q.

    n_neighbors : int
        The k.

    Returns
    -------
    log_shares : ndarray of shape (n,)
        One for each row of `own`.
    """
    n, m = len(own), len(other)
    rows, where = distinct_rows(own)
    radius, counted = nth_distances(own, rows, n_neighbors + 1)
    within_own = np.full(len(rows), float(n_neighbors))
    # on a lattice the last row is one of many, and no ball can leave it alone out
    if counted.any():
        within_own[counted] = counts_within(own, rows[counted], radius[counted])
    within_other = counts_within(other, rows, radius) * (n / m)
    shares = digamma(within_own) - digamma(within_own + within_other)
    return shares[where] + digamma(2 * n) - digamma(n)


def distinct_rows(X):
    """The different rows, and for each row which of them it is.

    What is estimated at a row depends on nothing but its place, so that a discrete
    sample needs few searches, however large.
    """
    if len(np.unique(X[:, 0])) == len(X):  # by far the quicker answer
        return X, slice(None)
    rows, where = np.unique(X, axis=0, return_inverse=True)
    return rows, where.reshape(-1)


def nth_distances(points, queries, n):
    """Distance of each query to its n-th nearest point, and whether others share it.

    Parameters
    ----------
    points : ndarray of shape (n_points, d)
        Where neighbours are sought, `n` of them at least.

    queries : ndarray of shape (n_queries, d)
        Whose neighbours.

    n : int
        Which neighbour, from 1.

    Returns
    -------
    distances : ndarray of shape (n_queries,)
        Those of the n-th.

    shared : ndarray of shape (n_queries,)
        Whether the next one is as near, or the n-th no distance away.
    """
    search = by_tree if tree_is_quicker(*points.shape) else by_products
    last_two = search(points, queries, n)
    distances, following = last_two[:, 0], last_two[:, 1]
    shared = following <= distances * (1.0 + SAME_DISTANCE)
    return distances, shared | (distances == 0.0)


def tree_is_quicker(n_points, d):
    """Whether a tree finds neighbours before inner products do.

    Measured with as many queries as points: in 8 dimensions they tie at 10,000
    points for queries among them and at more for queries beside them, in 10 at
    40,000 or more. Below 8 neither takes long.
    """
    return d < 8 or n_points > 80_000 * 2.0 ** (d - 10)


def by_tree(points, queries, n):
    """Distances to the n-th and the next neighbour, infinite where there is none."""
    return cKDTree(points).query(queries, k=[n, n + 1], workers=-1)[0]


def by_products(points, queries, n):
    """What `by_tree` gives, in time that hardly grows with the dimension."""
    available = min(n + 1, len(points))
    search = NearestNeighbors(n_neighbors=available, algorithm="brute").fit(points)
    indices = search.kneighbors(queries, return_distance=False)
    squares = np.empty(indices.shape)
    # inner products found the neighbours; their distances they know to few digits
    for column, neighbours in enumerate(indices.T):
        offsets = queries - points[neighbours]
        squares[:, column] = np.einsum("ij,ij->i", offsets, offsets)
    squares.sort(axis=1)
    distances = np.full((len(queries), 2), np.inf)
    distances[:, : available - n + 1] = np.sqrt(squares[:, n - 1 :])
    doubtful = lost_to_rounding(squares[:, n - 1], queries)
    if doubtful.any():
        distances[doubtful] = by_tree(points, queries[doubtful], n)
    return distances


def counts_within(points, centres, radii):
    """How many points lie within a distance of each centre, the border included."""
    # a tree counts sooner than it searches: measured with 20,000 points
    count = count_by_tree if points.shape[1] <= 10 else count_by_products
    return count(points, centres, radii * (1.0 + SAME_DISTANCE))


def count_by_tree(points, centres, radii):
    """How many points lie within each radius."""
    return cKDTree(points).query_ball_point(
        centres, radii, return_length=True, workers=-1
    )


def count_by_products(points, centres, radii):
    """What `count_by_tree` gives, in time that hardly grows with the dimension."""
    counts = np.empty(len(centres), dtype=np.intp)
    # |c - x|² ≤ r² where c·x - |x|² / 2 ≥ (|c|² - r²) / 2
    half_squares = 0.5 * np.einsum("ij,ij->i", points, points)
    least = 0.5 * (np.einsum("ij,ij->i", centres, centres) - radii**2)
    for batch in gen_batches(len(centres), max(1, PRODUCTS_AT_ONCE // len(points))):
        products = centres[batch] @ points.T
        products -= half_squares
        counts[batch] = np.count_nonzero(products >= least[batch, None], axis=1)
    doubtful = lost_to_rounding(radii**2, centres)
    if doubtful.any():
        counts[doubtful] = count_by_tree(points, centres[doubtful], radii[doubtful])
    return counts


def lost_to_rounding(squared_distances, rows):
    """Where distances from rows are too short for inner products to tell."""
    norms = np.einsum("ij,ij->i", rows, rows)
    return squared_distances < LOST_TO_ROUNDING * norms


def filled_dimensions(own, other):
    """Number of dimensions that the rows of both samples fill.

    A column that is a sum of others adds none, though it lengthens each distance.
    """
    deviations = [Z - Z.mean(axis=0) for Z in (own, other)]
    scatter = sum(Z.T @ Z / len(Z) for Z in deviations)
    # as correlations: beside a column with an outlier the others would count as none
    sizes = np.sqrt(np.diag(scatter))
    sizes[sizes == 0.0] = 1.0
    scatter = scatter / np.outer(sizes, sizes)
    return np.linalg.matrix_rank(scatter, hermitian=True)
