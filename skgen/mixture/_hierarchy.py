"""Clusterings of many sizes at once: hierarchies, cut at each number of clusters."""

import numpy as np
from scipy.cluster.hierarchy import cut_tree, linkage
from scipy.spatial import cKDTree

from ._candidates import (
    Agglomeration,
    labels_of_nearest,
    labels_of_seeds,
    moments_of,
    views,
    widest_columns,
)

# Rows up to which every row is a leaf of a model-based hierarchy; fewer where the
# scatters of all pairs would have more entries than this, but never below the fewest.
MOST_LEAVES = 500
MOST_ENTRIES = 15_000_000
FEWEST_LEAVES = 100

# Metrics of model-based hierarchies and of Ward's.
MODEL_BASED_VIEWS = "balanced", "neighbours", "standardised"
WARD_VIEWS = "standardised", "whitened", "balanced"

# Clusterings by k-means++ of each size.
SEEDED_VIEWS = "standardised", "whitened", "balanced", "neighbours"
N_SEEDED_UNSCALED = 2

# Ward's method compares all pairs of so many rows at most.
MOST_WARD_ROWS = 3000


def shared_clusterings(sketch, sizes, n_seeded, generator, unscaled=None):
    """Clusterings of a sketch into each of several numbers of clusters.

    Three model-based hierarchies and three of Ward's, in metrics of their own, are
    made once and cut at each size [1]_ [2]_; k-means++ adds some. Rows in units common
    to all columns, where there are any, add one of Ward's and some by k-means++.

    Parameters
    ----------
    sketch : Sketch
        The rows.

    sizes : iterable of int
        Numbers of clusters, none above the number of rows.

    n_seeded : int
        Clusterings by k-means++ of each size.

    generator : RandomState
        Source of randomness.

    unscaled : ndarray of shape (n_rows, n_features), default=None
        The rows in units common to all columns.

    Returns
    -------
    clusterings : dict
        From each size to labels of shape (n_clusterings, n_rows), each clustering
        once.

    References
    ----------
    .. [1] Fraley, C. (1998). "Algorithms for model-based Gaussian hierarchical
       clustering". SIAM Journal on Scientific Computing 20(1).
       :doi:`10.1137/S1064827596311451`
    .. [2] Scrucca, L. and Raftery, A. (2015). "Improved initialisation of
       model-based clustering using Gaussian hierarchical partitions". Advances in
       Data Analysis and Classification 9(4). :doi:`10.1007/s11634-015-0220-z`
    """
    sizes = sorted(set(sizes))
    n_rows = len(sketch.rows)
    found = {size: [] for size in sizes}
    inner = [size for size in sizes if 1 < size < n_rows]
    if inner:
        metrics = views(sketch, generator)
        weights = sketch.weights * (sketch.effective_size / sketch.weights.sum())
        model_based = [metrics[name] for name in MODEL_BASED_VIEWS]
        _append(found, model_based_cuts(model_based, weights, inner, generator))
        for name in WARD_VIEWS:
            _append(found, [ward_cuts(metrics[name], inner, generator)])
        for number in range(n_seeded):
            view = metrics[SEEDED_VIEWS[number % len(SEEDED_VIEWS)]]
            for size in inner:
                found[size].append(labels_of_seeds(view, weights, size, generator))
        if unscaled is not None:
            _append(found, [ward_cuts(unscaled, inner, generator)])
            for _ in range(N_SEEDED_UNSCALED):
                for size in inner:
                    labels = labels_of_seeds(unscaled, weights, size, generator)
                    found[size].append(labels)
    for size in set(sizes) - set(inner):  # one cluster, or each row its own
        found[size] = [np.arange(n_rows) % size]
    return {size: _unlike(labels) for size, labels in found.items()}


def model_based_cuts(views, weights, sizes, generator):
    """Labels by agglomerations in some metrics, cut at each size.

    Few rows are merged one by one; of many rows Ward's method makes small clusters
    first.

    Parameters
    ----------
    views : list of ndarray of shape (n_rows, n_columns)
        The rows in metrics, of as many columns each.

    weights : ndarray of shape (n_rows,)
        Their weights.

    sizes : sequence of int
        Numbers of clusters.

    generator : RandomState
        Source of randomness.

    Returns
    -------
    cuts : list of dict
        For each metric, from each size to labels of shape (n_rows,).
    """
    views = [widest_columns(view, weights) for view in views]
    n_leaves = min(len(weights), _most_leaves(views[0].shape[1], max(sizes)))
    leaves = [_leaves(view, n_leaves, generator) for view in views]
    moments = (moments_of(*pair, weights, n_leaves) for pair in zip(views, leaves))
    typical = None
    if n_leaves == len(weights):
        typical = np.array([_typical_variance(view) for view in views])
    agglomeration = Agglomeration(*zip(*moments), typical)
    cuts = [{} for _ in views]
    while True:
        if agglomeration.n_clusters in sizes:
            for cut, merged, own in zip(cuts, agglomeration.labels, leaves):
                cut[agglomeration.n_clusters] = merged[own]
        if agglomeration.n_clusters <= min(sizes):
            return cuts
        agglomeration.merge()


def ward_cuts(view, sizes, generator):
    """Labels by Ward's method in a metric, for each size; many rows are sampled."""
    taken = view
    if len(view) > MOST_WARD_ROWS:
        taken = view[np.sort(generator.choice(len(view), MOST_WARD_ROWS, False))]
    cut = cut_tree(linkage(taken, "ward"), n_clusters=sizes).T
    if taken is view:
        return dict(zip(sizes, cut))
    return {size: _of_sample(view, taken, labels) for size, labels in zip(sizes, cut)}


def _of_sample(view, taken, labels):
    """Labels of all rows from those of some: that of the nearest cluster's mean."""
    counts = np.bincount(labels)
    means = [np.bincount(labels, column) / counts for column in taken.T]
    return labels_of_nearest(view, np.array(means).T)


def _most_leaves(n_columns, n_clusters):
    """How many clusters an agglomeration may start from: it compares all pairs."""
    affordable = int(np.sqrt(MOST_ENTRIES) / (n_columns + 1))
    return max(min(MOST_LEAVES, affordable), FEWEST_LEAVES, 5 * n_clusters)


def _leaves(view, n_leaves, generator):
    if n_leaves == len(view):
        return np.arange(n_leaves)
    return ward_cuts(view, [n_leaves], generator)[n_leaves]


def _typical_variance(view):
    """Half the mean squared distance to the nearest neighbour, per column."""
    distances = cKDTree(view).query(view, k=2)[0][:, 1]
    return 0.5 * np.square(distances).mean() / view.shape[1]


def _append(found, cuts):
    for cut in cuts:
        for size, labels in cut.items():
            found[size].append(labels)


def _unlike(clusterings):
    """Clusterings without those that another is but for its numbers."""
    canonical = {}
    for labels in clusterings:
        _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
        ranks = np.argsort(np.argsort(first))
        renumbered = ranks[inverse].astype(np.intp)
        canonical.setdefault(renumbered.tobytes(), renumbered)
    return np.array(list(canonical.values()))
