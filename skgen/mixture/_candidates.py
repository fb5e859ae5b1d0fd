"""Clusterings from which a mixture may start, all in a data set's own units."""

from dataclasses import dataclass
from itertools import cycle, islice

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.cluster import kmeans_plusplus

from ..gaussian import Rows

# Larger tables are sampled before their distinct rows are found.
MOST_SORTED_ROWS = 100_000

# A row's nearest neighbours, and how often their differences give a new metric in
# which to look for them.
N_NEIGHBOURS = 3
NEIGHBOUR_ROUNDS = 12
NEIGHBOUR_ROWS = 500

# Variance of those differences below this, relative to the mean, is a tie.
TIED_VARIANCE = 1e-6

# Axes along which the data have less than this share of their largest standard
# deviation are left out.
NEGLIGIBLE_SPREAD = 1e-5

# What is agglomerated: so many small clusters for each component, in so many columns.
FEWEST_SMALL_CLUSTERS = 50
SMALL_CLUSTERS_PER_COMPONENT = 5
MOST_MERGED_COLUMNS = 12

# Rows' worth of the typical small cluster's variance, per column, in every cluster.
PRIOR_ROWS = 0.3
LEAST_TYPICAL_VARIANCE = 1e-4
SMALLEST_COUNT = 1e-300

# The metrics in which clusters are merged, in turn.
MERGED_VIEWS = "neighbours", "standardised", "neighbours", "balanced"

# Distances and costs that differ by less than this tie, whatever the rounding.
TIED_DECIMALS = 7


@dataclass(frozen=True)
class Sketch:
    """Distinct rows in an order of their own, with weights.

    Whatever starts from a sketch does not depend on the rows' order, nor on
    whether a row is repeated or has a larger weight.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Distinct standardised rows, sorted.

    weights : ndarray of shape (n_rows,)
        Their total weights.
    """

    rows: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, rows, n_wanted, generator):
        """A sketch of a table: all distinct rows if few, else a weighted sample.

        Tables too large to be sorted are sampled first, by the rows' positions.
        """
        if rows.n_rows > max(MOST_SORTED_ROWS, n_wanted):
            positions = _draw(rows.n_rows, rows.weights, n_wanted, generator)
            rows = Rows(rows.X[positions], None, rows.frame)
        positions, weights = _distinct(rows)
        if len(positions) > n_wanted:
            drawn = _draw(len(weights), weights, n_wanted, generator)
            drawn, weights = np.unique(drawn, return_counts=True)
            positions = positions[drawn]
        return cls(rows.columns(positions).T, weights.astype(float))

    @property
    def effective_size(self):
        """Kish's effective number of distinct rows."""
        return self.weights.sum() ** 2 / np.square(self.weights).sum()


def _draw(n_rows, weights, n_drawn, generator):
    """Sorted positions, drawn with replacement in proportion to weights."""
    draws = np.sort(generator.uniform(size=n_drawn))
    if weights is None:
        return (draws * n_rows).astype(np.intp)
    shares = np.cumsum(weights)
    return np.searchsorted(shares[:-1], draws * shares[-1], side="right")


def _distinct(rows):
    """Positions of the distinct rows, in lexicographic order, and their weights.

    Further columns are looked at only while rows tie.
    """
    rank = np.zeros(rows.n_rows, dtype=np.intp)
    for column in rows.X.T:
        order = np.lexsort((column, rank))
        values, ranks = column[order], rank[order]
        new = np.r_[True, (values[1:] != values[:-1]) | (ranks[1:] != ranks[:-1])]
        rank[order] = np.cumsum(new) - 1
        if new.all():
            break
    return order[new], np.bincount(rank, rows.weights)


def candidates(sketch, n_components, n_merged, n_seeded, generator):
    """Clusterings of a sketch, of several kinds and in several metrics.

    Parameters
    ----------
    sketch : Sketch
        The rows.

    n_components : int
        Number of clusters.

    n_merged : int
        How many clusterings to make by agglomeration.

    n_seeded : int
        How many to make by k-means++.

    generator : RandomState
        Source of randomness.

    Returns
    -------
    labels : ndarray of shape (n_merged + n_seeded, n_rows)
        Clusterings; a single one where no cluster can have two distinct rows.
    """
    if len(sketch.rows) <= n_components:
        return np.arange(len(sketch.rows))[None]
    weights = sketch.weights * (sketch.effective_size / sketch.weights.sum())
    scalings = views(sketch, generator)
    labels = []
    if n_merged > 0:
        chosen = [scalings[name] for name in islice(cycle(MERGED_VIEWS), n_merged)]
        labels += agglomerations(chosen, weights, n_components, generator)
    for view in islice(cycle(scalings.values()), n_seeded):
        labels.append(labels_of_seeds(view, weights, n_components, generator))
    return np.array(labels)


def views(sketch, generator):
    r"""The rows in four metrics.

    standardised
        Columns of unit variance.

    whitened
        Principal axes of unit variance.

    balanced
        Principal axes over the square root of their spread, with which Scrucca and
        Raftery [1]_ found hierarchical starts to work best.

    neighbours
        Differences between near neighbours have unit variance. They mostly lie
        inside clusters, whose common shape they tell before clusters are known [2]_:
        parallel elongated clusters become round.

    References
    ----------
    .. [1] Scrucca, L. and Raftery, A. (2015). "Improved initialisation of
       model-based clustering using Gaussian hierarchical partitions". Advances in
       Data Analysis and Classification 9(4). :doi:`10.1007/s11634-015-0220-z`

    .. [2] Art, D., Gnanadesikan, R. and Kettenring, J. (1982). "Data-based metrics
       for cluster analysis". Utilitas Mathematica 21A.
    """
    spread, axes = principal_axes(sketch)
    kept = spread > NEGLIGIBLE_SPREAD * spread[-1]
    scores, spread = sketch.rows @ axes[:, kept], spread[kept]
    whitened = scores / spread
    return {
        "standardised": scores,
        "whitened": whitened,
        "balanced": scores / np.sqrt(spread),
        "neighbours": whitened @ _neighbour_metric(whitened, sketch.weights, generator),
    }


def principal_axes(sketch):
    """Standard deviations along the principal axes, ascending, and the axes."""
    share = sketch.weights / sketch.weights.sum()
    centred = sketch.rows - share @ sketch.rows
    variances, axes = np.linalg.eigh((centred.T * share) @ centred)
    return np.sqrt(np.maximum(variances, 0.0)), axes


def _neighbour_metric(rows, weights, generator):
    """A matrix that gives near neighbours' differences the same spread everywhere.

    Found by iteration: neighbours in the metric of neighbours' differences.
    """
    if len(rows) > NEIGHBOUR_ROWS:
        taken = generator.choice(len(rows), NEIGHBOUR_ROWS, replace=False)
        rows, weights = rows[taken], weights[taken]
    n_rows, n_features = rows.shape
    metric = np.eye(n_features)
    if n_rows <= N_NEIGHBOURS + 1:
        return metric
    for _ in range(NEIGHBOUR_ROUNDS):
        moved = rows @ metric
        squares = cdist(moved, moved, "sqeuclidean")
        np.fill_diagonal(squares, np.inf)
        radius = np.partition(squares, N_NEIGHBOURS - 1, axis=1)[:, N_NEIGHBOURS - 1]
        near = squares <= radius[:, None] * (1.0 + 1e-9)  # ties belong, every one
        linked = weights[:, None] * near
        linked = linked + linked.T
        # Σ a_ij (x_i - x_j)(x_i - x_j)ᵀ / 2 = Xᵀ (diag(Σ_j a_ij) - A) X
        scatter = (rows.T * linked.sum(axis=1) - rows.T @ linked) @ rows
        scatter *= n_features / np.trace(scatter)
        scatter.flat[:: n_features + 1] += TIED_VARIANCE
        metric = np.linalg.inv(np.linalg.cholesky(scatter)).T
    return metric


def labels_of_seeds(view, weights, n_clusters, generator):
    """Labels of the nearest among seeds of k-means++."""
    seeds, _ = kmeans_plusplus(
        view, n_clusters, sample_weight=weights, random_state=generator
    )
    return labels_of_nearest(view, seeds)


def _nearest_row(view, weights, n_clusters, generator):
    """Labels of the nearest among rows drawn at random."""
    share = weights / weights.sum()
    drawn = generator.choice(len(view), n_clusters, replace=False, p=share)
    return labels_of_nearest(view, view[drawn])


def labels_of_nearest(view, centres):
    """Labels of the nearest centre of each row."""
    distances = np.square(centres).sum(axis=1) - 2.0 * view @ centres.T
    return distances.round(TIED_DECIMALS).argmin(axis=1)


def agglomerations(views, weights, n_clusters, generator):
    r"""Labels by model-based agglomeration of small clusters, for each view.

    Time and again the two clusters are merged whose union costs the classification
    likelihood of Gaussians least: the increase of :math:`\sum_k n_k \log|\Sigma_k|`
    [1]_. A prior of a few rows keeps covariances of small clusters definite.

    References
    ----------
    .. [1] Fraley, C. (1998). "Algorithms for model-based Gaussian hierarchical
       clustering". SIAM Journal on Scientific Computing 20(1).
       :doi:`10.1137/S1064827596311451`
    """
    n_small = n_small_clusters(len(weights), n_clusters)
    views = [widest_columns(view, weights) for view in views]
    small = [_nearest_row(view, weights, n_small, generator) for view in views]
    agglomeration = Agglomeration(
        *zip(*(moments_of(*pair, weights, n_small) for pair in zip(views, small)))
    )
    while agglomeration.n_clusters > n_clusters:
        agglomeration.merge()
    return [merged[own] for merged, own in zip(agglomeration.labels, small)]


def n_small_clusters(n_rows, n_clusters):
    """How many small clusters an agglomeration starts from."""
    wanted = max(FEWEST_SMALL_CLUSTERS, SMALL_CLUSTERS_PER_COMPONENT * n_clusters)
    return min(wanted, max(n_clusters, n_rows // 2))


def widest_columns(view, weights):
    """The view along the principal axes where it is widest: clusters lie apart."""
    if view.shape[1] <= MOST_MERGED_COLUMNS:
        return view
    _, axes = principal_axes(Sketch(view, weights))
    return view @ axes[:, -MOST_MERGED_COLUMNS:]


def moments_of(view, labels, weights, n_clusters):
    """Weight, mean and scatter of each cluster."""
    given = np.zeros((n_clusters, len(view)))
    given[labels, np.arange(len(view))] = weights
    counts = given.sum(axis=1)
    means = given @ view / np.maximum(counts, SMALLEST_COUNT)[:, None]
    apart = view - means[labels]
    products = apart[:, :, None] * apart[:, None, :]
    return counts, means, np.einsum("kn,nij->kij", given, products, optimize=True)


class Agglomeration:
    """Agglomerations side by side, all of the same number of clusters.

    Parameters
    ----------
    counts : sequence of ndarray of shape (n_clusters,)
        Weight of each cluster, for each agglomeration.

    means : sequence of ndarray of shape (n_clusters, n_features)
        Their means.

    scatters : sequence of ndarray of shape (n_clusters, n_features, n_features)
        Their second moments about the means.

    typical : ndarray of shape (n_agglomerations,), default=None
        Variance of a typical small cluster, per column; None takes the mean of those
        that there are, which single rows do not have.
    """

    def __init__(self, counts, means, scatters, typical=None):
        self._counts, self._means = np.array(counts), np.array(means)
        self._scatters = np.array(scatters)
        n_runs, self.n_clusters, n_features = self._means.shape
        self._runs = np.arange(n_runs)
        self.labels = np.tile(np.arange(self.n_clusters), (n_runs, 1))
        self._prior_rows = PRIOR_ROWS * (n_features + 1)
        if typical is None:
            typical = np.trace(self._scatters.sum(axis=1), axis1=1, axis2=2)
            typical = typical / (n_features * self._counts.sum(axis=1))
        prior = self._prior_rows * np.maximum(typical, LEAST_TYPICAL_VARIANCE)
        self._prior = prior[:, None, None, None] * np.eye(n_features)
        self._costs = self._cost(self._counts, self._scatters)
        self._increases = np.full((n_runs, self.n_clusters, self.n_clusters), np.inf)
        for one in range(self.n_clusters - 1):
            self._compare(np.full(n_runs, one), np.arange(one + 1, self.n_clusters))

    def merge(self):
        """In each agglomeration, merge the two clusters whose union costs least."""
        runs, last = self._runs, self.n_clusters - 1
        cheapest = self._increases.reshape(len(runs), -1).argmin(axis=1)
        pair = np.divmod(cheapest, self.n_clusters)
        kept, gone = np.minimum(*pair), np.maximum(*pair)
        counts, means, scatters = self._unions(kept, gone[:, None])
        self._counts[runs, kept] = counts[:, 0]
        self._means[runs, kept] = means[:, 0]
        self._scatters[runs, kept] = scatters[:, 0]
        self._costs[runs, kept] = self._cost(counts, scatters)[:, 0]
        moves = np.tile(np.arange(self.n_clusters), (len(runs), 1))
        moves[:, last], moves[runs, gone] = gone, kept
        self.labels = np.take_along_axis(moves, self.labels, axis=1)
        self._counts = self._last_to(gone, self._counts)
        self._means = self._last_to(gone, self._means)
        self._scatters = self._last_to(gone, self._scatters)
        self._costs = self._last_to(gone, self._costs)
        rows_moved = self._last_to(gone, self._increases).swapaxes(1, 2)
        self._increases = np.ascontiguousarray(self._last_to(gone, rows_moved))
        self.n_clusters = last
        self._compare(kept, np.arange(last))

    def _last_to(self, places, array):
        """The array, the last cluster moved to a place in each agglomeration."""
        array[self._runs, places] = array[:, -1]
        return array[:, :-1]

    def _compare(self, one, others):
        """Note what the unions of ``one`` with each of the ``others`` would cost."""
        runs = self._runs[:, None]
        increase = self._cost(*self._unions(one, others)[::2])
        increase -= self._costs[runs, one[:, None]] + self._costs[runs, others]
        increase = increase.round(TIED_DECIMALS)
        increase[others == one[:, None]] = np.inf
        self._increases[runs, one[:, None], others] = increase
        self._increases[runs, others, one[:, None]] = increase

    def _unions(self, one, others):
        """Moments of the unions of cluster ``one`` with each of the ``others``."""
        runs, one = self._runs[:, None], one[:, None]
        counts = self._counts[runs, one] + self._counts[runs, others]
        share = self._counts[runs, others] / np.maximum(counts, SMALLEST_COUNT)
        apart = self._means[runs, others] - self._means[runs, one]
        between = (self._counts[runs, one] * share)[..., None] * apart
        scatters = self._scatters[runs, one] + self._scatters[runs, others]
        scatters += between[..., :, None] * apart[..., None, :]
        return counts, self._means[runs, one] + share[..., None] * apart, scatters

    def _cost(self, counts, scatters):
        """The number of rows times the log-determinant of the shrunk covariance."""
        n_rows = counts + self._prior_rows
        covariances = (scatters + self._prior) / n_rows[..., None, None]
        return counts * np.linalg.slogdet(covariances)[1]
