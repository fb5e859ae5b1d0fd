"""Laws of clusterings that are made for many sizes at once."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score
from strategies import two_cigars

from skgen.gaussian import Frame, Rows
from skgen.mixture._candidates import Sketch
from skgen.mixture._hierarchy import (
    MOST_LEAVES,
    MOST_WARD_ROWS,
    model_based_cuts,
    shared_clusterings,
    ward_cuts,
)


def sketch_of(rows, seed=0):
    standardised = Rows(rows, None, Frame.of(rows, None))
    return Sketch.of(standardised, 10_000, np.random.RandomState(seed))


def clouds(n_rows, seed=0):
    rng = np.random.RandomState(seed)
    labels = np.arange(n_rows) % 3
    return rng.randn(n_rows, 2) + 12.0 * np.array([[0, 0], [1, 0], [0, 1]])[labels]


def nested(finer, coarser):
    """Whether each of the finer clusters lies in one of the coarser."""
    return all(len(np.unique(coarser[finer == k])) == 1 for k in np.unique(finer))


@pytest.mark.parametrize("n_rows", [60, MOST_LEAVES + 100])
def test_cuts_of_a_hierarchy_are_nested_and_have_their_sizes(n_rows):
    rng = np.random.RandomState(0)
    rows = clouds(n_rows)
    (cut,) = model_based_cuts([rows], np.ones(n_rows), [2, 3, 5], rng)
    for size in (2, 3, 5):
        assert set(cut[size]) == set(range(size))
    assert nested(cut[3], cut[2])
    assert nested(cut[5], cut[3])


@pytest.mark.parametrize("n_rows", [60, MOST_WARD_ROWS + 60])
def test_every_clustering_finds_clusters_that_are_far_apart(n_rows):
    sketch = sketch_of(clouds(n_rows))
    found = shared_clusterings(sketch, [3], 0, np.random.RandomState(0))[3]
    truth = (sketch.rows > 0.5) @ [1, 2]
    for labels in found:
        assert adjusted_rand_score(truth, labels) > 0.99


def test_hierarchy_from_single_rows_finds_elongated_clusters():
    rows, labels = two_cigars()[:2]
    sketch = sketch_of(rows)
    order = np.lexsort(rows.T[::-1])
    found = shared_clusterings(sketch, [2], 0, np.random.RandomState(0))[2]
    best = max(adjusted_rand_score(np.asarray(labels)[order], one) for one in found)
    assert best > 0.95


def test_clusterings_that_differ_in_numbers_alone_are_kept_once():
    sketch = sketch_of(clouds(90))
    found = shared_clusterings(sketch, [1, 3, 90], 4, np.random.RandomState(0))
    assert len(found[1]) == len(found[90]) == 1
    pairs = [(a, b) for i, a in enumerate(found[3]) for b in found[3][:i]]
    assert all(adjusted_rand_score(a, b) < 1.0 for a, b in pairs)


def test_same_seed_same_clusterings():
    sketch = sketch_of(clouds(80))
    first, second = (
        shared_clusterings(sketch, [2, 4], 4, np.random.RandomState(1))
        for _ in range(2)
    )
    for size in (2, 4):
        assert np.array_equal(first[size], second[size])


def test_ward_cuts_of_a_sample_label_every_row():
    rows = clouds(MOST_WARD_ROWS + 500)
    labels = ward_cuts(rows, [3], np.random.RandomState(0))[3]
    assert adjusted_rand_score(np.arange(len(rows)) % 3, labels) > 0.99


def test_common_units_find_what_scaling_each_column_hides():
    rng = np.random.RandomState(0)
    wide = np.repeat([0.0, 1.0, 2.0], 40) * 100.0 + rng.randn(120)
    rows = np.c_[wide, rng.randn(120, 12)]
    sketch = sketch_of(rows)
    sizes = [3]
    without = shared_clusterings(sketch, sizes, 1, np.random.RandomState(0))[3]
    unscaled = sketch.rows * rows.std(axis=0)
    found = shared_clusterings(sketch, sizes, 1, np.random.RandomState(0), unscaled)[3]
    assert len(found) > len(without)
    truth = (unscaled[:, 0] / 100.0).round()
    scores = [adjusted_rand_score(truth, labels) for labels in found]
    assert max(scores) == 1.0
