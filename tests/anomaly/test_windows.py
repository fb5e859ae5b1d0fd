"""Windows against a reference: partitions, p-values of nothing new, planted shifts."""

import pickle
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import kstest

from skgen.anomaly._window_statistics import RowEvidence
from skgen.anomaly._windows import (
    LEAST_CALIBRATION,
    MOST_CALIBRATION,
    NullDistribution,
    WindowReference,
    WindowScores,
    resampled_pairs,
    windows_of,
)

from .mixture_evidence import evidence, mixture, sample


def reference(rng, parameters, n=200, **options):
    fit, calibration = (evidence(parameters, sample(rng, parameters, n)) for _ in "fc")
    options = {"n_simulated": 199, "random_state": 0} | options
    return WindowReference(*parameters, fit=fit, calibration=calibration, **options)


@cache
def example():
    """A reference of three components in four columns, and what it is made from."""
    rng = np.random.default_rng(0)
    parameters = mixture(rng, 3, 4)
    return reference(rng, parameters), parameters


def score(rows, window=100, **options):
    watch, parameters = example()
    windows = windows_of(len(rows), window=window, **options)
    return watch.score(evidence(parameters, rows), windows)


def rows_of_the_example(seed, n):
    return sample(np.random.default_rng(seed), example()[1], n)


def assert_same(ours, theirs):
    for one, other in zip(vars(ours).values(), vars(theirs).values()):
        assert_array_equal(one, other)


# ---- partitions ----


def test_consecutive_windows_are_named_by_their_first_rows_and_the_last_is_shorter():
    windows = windows_of(7, window=3)
    assert_array_equal(windows.names, [0, 3, 6])
    assert [rows.tolist() for rows in windows.rows()] == [[0, 1, 2], [3, 4, 5], [6]]


def test_a_window_larger_than_the_table_is_the_table():
    windows = windows_of(3, window=100)
    assert [rows.tolist() for rows in windows.rows()] == [[0, 1, 2]]


@pytest.mark.parametrize(
    "groups",
    [
        ["b", "a", "b", "c"],
        np.array([7, 3, 7, 0]),
        [2.5, 1.0, 2.5, -1.0],
        [("b", 1), ("a", 2), ("b", 1), ("b", 2)],
        [1, "1", 1, "2"],
    ],
)
def test_groups_are_in_order_of_appearance_and_keep_their_rows(groups):
    windows = windows_of(4, groups=groups)
    assert [rows.tolist() for rows in windows.rows()] == [[0, 2], [1], [3]]
    assert windows.names.tolist() == [groups[row] for row in (0, 1, 3)]


@given(labels=st.lists(st.integers(0, 5), min_size=1, max_size=30))
def test_every_row_is_in_the_window_of_its_label(labels):
    windows = windows_of(len(labels), groups=labels)
    assert sorted(np.concatenate(windows.rows())) == list(range(len(labels)))
    assert windows.names[windows.labels].tolist() == labels


@pytest.mark.parametrize("window", [0, -1, 2.0, "10", None, True])
def test_a_window_that_is_no_positive_integer_is_refused(window):
    with pytest.raises(ValueError, match="window must be a positive integer"):
        windows_of(5, window=window)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([1, 2], "one label for each of the 3 rows; got 2"),
        (np.ones((3, 1)), "one-dimensional; got 2"),
        ([1.0, np.nan, 2.0], "row 1 is nan"),
        (["a", "b", None], "row 2 is None"),
        (["a", float("nan"), "b"], "row 1 is nan"),
        (np.array(["2020", "NaT", "2021"], dtype="datetime64[D]"), "labels; that of"),
        ([np.datetime64("NaT"), 1, 2], "row 0 is .*NaT"),
        ([(1, 2), np.timedelta64("NaT"), "b"], "row 1 is .*NaT"),
        ([[1], [2], [3]], "hashable; that of row 0 is a list"),
    ],
)
def test_groups_that_are_no_labels_are_refused(groups, message):
    with pytest.raises(ValueError, match=message):
        windows_of(3, groups=groups)


@pytest.mark.parametrize("name", ["NA", "NaT"])
@pytest.mark.parametrize("kind", [list, "Series"])
def test_missing_labels_of_pandas_are_refused(name, kind):
    pandas = pytest.importorskip("pandas")
    labels = ["a", getattr(pandas, name), "b"]
    groups = labels if kind is list else pandas.Series(labels, dtype=object)
    with pytest.raises(ValueError, match=f"row 1 is <?{name}"):
        windows_of(3, groups=groups)


def test_no_rows_are_refused():
    with pytest.raises(ValueError, match="at least one row"):
        windows_of(0)


# ---- p-values of nothing new ----


def p_values_of_nothing_new(n_calibration, size):
    """P-values of one window for each of many tables with a reference of their own."""
    p_values = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        parameters = mixture(rng, 2, 2)
        watch = reference(
            rng, parameters, n_calibration, n_simulated=99, random_state=seed
        )
        rows = evidence(parameters, sample(rng, parameters, size))
        p_values.extend(watch.score(rows, windows_of(size, window=size)).p_value)
    return np.array(p_values)


# 35 rows are between simulated sizes. A window of 500 knows more than the calibration
# rows: most of what differs is theirs, and drawn windows must meet it as well. Compared
# with the very rows they are from, they let three of four such windows alarm.
@pytest.mark.parametrize(
    ("n_calibration", "size"), [(200, 2), (200, 35), (200, 50), (150, 500)]
)
def test_p_values_of_nothing_new_are_no_smaller_than_uniform(n_calibration, size):
    p_values = p_values_of_nothing_new(n_calibration, size)
    for level in (0.05, 0.1, 0.2, 0.5):
        error = np.sqrt(level * (1 - level) / len(p_values))
        assert np.mean(p_values <= level + 1e-9) <= level + 2.5 * error
    assert kstest(p_values, "uniform", alternative="greater").pvalue > 0.01


# ---- planted shifts ----


def test_divergence_grows_with_a_planted_shift():
    rows = rows_of_the_example(1, 400)
    divergences = [score(rows + shift, 400).kl[0] for shift in (0.0, 0.2, 0.5, 1.5)]
    assert (np.diff(divergences) > 0).all()


@pytest.mark.parametrize(
    "shifted",
    [
        lambda rows: rows + 0.7,
        lambda rows: rows * 1.5,
        lambda rows: rows * 0.5,
        lambda rows: np.random.default_rng(0).permuted(rows, axis=0),
        lambda rows: rows[rows[:, 0].argsort()],
    ],
    ids=["mean", "scale", "shrink", "correlation", "mix"],
)
def test_a_shift_that_is_plain_to_see_is_seen(shifted):
    rows = rows_of_the_example(2, 200)
    assert score(shifted(rows)).p_value.max() <= 0.01


def test_parts_add_up_and_none_is_negative():
    scores = score(rows_of_the_example(3, 350))
    parts = np.array([scores.kl_occupancy, scores.kl_mean, scores.kl_covariance])
    assert (parts >= 0).all()
    assert_allclose(scores.kl, parts.sum(axis=0))
    assert_array_equal(scores.n_rows, [100, 100, 100, 50])


def test_gap_is_the_distance_from_the_mean_surprise_of_calibration_rows():
    rng = np.random.default_rng(4)
    parameters = mixture(rng, 1, 2)
    X, Y = sample(rng, parameters, 120), sample(rng, parameters, 40)
    calibration, rows = evidence(parameters, X), evidence(parameters, Y)
    watch = WindowReference(*parameters, fit=calibration, calibration=calibration)
    expected = abs(rows.surprise.mean() - calibration.surprise.mean())
    scores = watch.score(rows, windows_of(40))
    assert_allclose(scores.typicality_gap, [expected])


def test_strangeness_goes_on_growing_beyond_all_drawn_windows():
    drawn = np.random.default_rng(5).exponential(size=(2, 99, 2))
    null = NullDistribution(*drawn)
    strange = null.strangeness(np.array([[20.0, 0.1], [40.0, 0.1]]))
    assert strange[1] > strange[0] + 5
    assert_array_equal(null.p_values(np.array([[20.0, 0.1]])), [0.01])


def test_p_values_are_exact_for_few_drawn_windows():
    rng = np.random.default_rng(6)
    p_values = np.concatenate(
        [
            NullDistribution(*rng.exponential(size=(2, 39, 4))).p_values(
                rng.exponential(size=(5, 4))
            )
            for _ in range(1000)
        ]
    )
    for level in (0.05, 0.1):
        assert_allclose(np.mean(p_values <= level + 1e-9), level, atol=0.012)


# ---- the same again ----


@pytest.mark.parametrize(("shift", "unit"), [(1000.0, 1.0), (0.0, 1e-3), (-3.0, 50.0)])
def test_shift_and_scale_of_coordinates_change_no_p_value(shift, unit):
    rng = np.random.default_rng(18)
    weights, means, covariances = parameters = mixture(rng, 3, 2)
    units = np.array([unit, 1.0])
    other = weights, shift + means * units, covariances * np.outer(units, units)
    fit, kept, rows = (sample(rng, parameters, n) for n in (300, 150, 200))
    rows[100:] += 0.3  # p-values of something new as well

    def p_values(parameters, shift, units):
        fitted, calibration, windows = (
            evidence(parameters, shift + part * units) for part in (fit, kept, rows)
        )
        watch = WindowReference(
            *parameters, fit=fitted, calibration=calibration, random_state=0
        )
        return watch.score(windows, windows_of(200, window=50)).p_value

    expected = p_values(parameters, 0.0, np.ones(2))
    assert 0.001 < expected.min() < 0.2 < expected.max()
    assert_allclose(p_values(other, shift, units), expected, atol=0.002)


@pytest.mark.parametrize("constant", [0.0, 1000.1, 1e-6])
@pytest.mark.parametrize("move", [1.0, -0.1])
def test_a_constant_column_in_any_units_is_seen_when_it_moves(constant, move):
    rng = np.random.default_rng(20)
    unit = constant or 1.0
    parameters = np.ones(1), np.array([[0, constant]]), np.diag([1, 1e-4 * unit**2])

    def rows(n, moved=0.0):
        column = np.full(n, constant + moved * unit)
        X = np.column_stack([rng.normal(size=n), column])
        # surprise and conditional scores do not tell
        return RowEvidence(np.square(X[:, 0]), np.ones((n, 1)), X, 0 * X)

    weights, means, covariance = parameters
    watch = WindowReference(
        weights,
        means,
        covariance[None],
        fit=rows(200),
        calibration=rows(100),
        random_state=0,
    )
    same, moved = (watch.score(rows(50, by), windows_of(50)) for by in (0.0, move))
    assert same.p_value[0] > 0.01
    assert moved.p_value[0] == 0.001


def test_scores_are_the_same_whatever_was_asked_before():
    rows = rows_of_the_example(6, 130)
    rng = np.random.default_rng(0)
    fresh = reference(rng, mixture(rng, 3, 4))
    fresh.score(evidence(example()[1], rows[:17]), windows_of(17, window=5))
    theirs = fresh.score(evidence(example()[1], rows), windows_of(130))
    assert_same(score(rows), theirs)


def test_a_window_is_scored_alone_as_among_others():
    rows = rows_of_the_example(7, 300)
    assert_allclose(score(rows).p_value[1], score(rows[100:200]).p_value[0])


def test_order_of_rows_within_a_window_does_not_matter():
    rows = rows_of_the_example(8, 90)
    ours, theirs = score(rows), score(rows[::-1])
    assert_allclose(ours.kl, theirs.kl)
    assert_array_equal(ours.p_value, theirs.p_value)


def test_groups_and_windows_of_the_same_rows_score_the_same():
    rows = rows_of_the_example(9, 60)
    groups = np.repeat(["x", "y"], 30)
    ours, theirs = score(rows, groups=groups), score(rows, 30)
    assert_array_equal(ours.p_value, theirs.p_value)
    assert ours.names.tolist() == ["x", "y"]


def test_a_pickled_reference_scores_the_same():
    rows = rows_of_the_example(10, 100)
    watch, parameters = example()
    copy = pickle.loads(pickle.dumps(watch))
    theirs = copy.score(evidence(parameters, rows), windows_of(100))
    assert_same(score(rows), theirs)


def test_a_reference_does_not_keep_the_fit_rows():
    rng = np.random.default_rng(11)
    parameters = mixture(rng, 2, 3)
    few, many = (
        evidence(parameters, sample(rng, parameters, n)) for n in (100, 100_000)
    )
    watch = WindowReference(*parameters, fit=many, calibration=few)
    assert len(pickle.dumps(watch)) < 40_000


# ---- behaviour ----


@pytest.mark.parametrize("size", [1, 2, 3, 12, 13, 199, 201, 5_000, 70_000])
def test_windows_of_any_size_have_p_values(size):
    scores = score(rows_of_the_example(12, size), window=size)
    assert 0 < scores.p_value[0] <= 1
    assert np.isfinite(scores.kl).all()


@pytest.mark.parametrize(("k", "d"), [(1, 1), (1, 5), (48, 1), (48, 6), (2, 60)])
def test_any_number_of_components_and_columns_will_do(k, d):
    rng = np.random.default_rng(13)
    parameters = mixture(rng, k, d)
    watch = reference(rng, parameters, 100, n_simulated=19)
    same, other = (
        watch.score(evidence(parameters, rows), windows_of(40, window=20))
        for rows in (sample(rng, parameters, 40), rng.normal(20, 1, size=(40, d)))
    )
    assert_array_equal(other.p_value, 0.05)
    assert np.isfinite(same.kl).all()


def test_a_constant_column_that_moves_is_seen():
    rng = np.random.default_rng(14)

    def rows(n, constant=0.0):
        X = np.column_stack([rng.normal(size=n), np.full(n, constant)])
        return RowEvidence(np.square(X).sum(axis=1), np.ones((n, 1)), X, X)

    covariances = np.diag([1.0, 0.01])[None]
    watch = WindowReference(
        np.ones(1),
        np.zeros((1, 2)),
        covariances,
        fit=rows(100),
        calibration=rows(100),
        random_state=0,
    )
    same, moved = (
        watch.score(rows(50, constant), windows_of(50)) for constant in (0.0, 0.5)
    )
    assert same.p_value[0] > 0.01
    assert moved.p_value[0] == 0.001


def test_rows_all_alike_are_nothing_new_to_rows_all_alike():
    def alike(n):
        return RowEvidence(np.full(n, 0.1), np.ones((n, 1)), *np.zeros((2, n, 2)))

    parameters = np.ones(1), np.zeros((1, 2)), np.eye(2)[None]
    watch = WindowReference(*parameters, fit=alike(100), calibration=alike(100))
    assert_array_equal(watch.score(alike(20), windows_of(20)).p_value, 1.0)


def test_too_few_calibration_rows_are_refused_with_their_number():
    parameters = mixture(np.random.default_rng(15), 2, 2)
    rows = evidence(parameters, np.zeros((LEAST_CALIBRATION - 1, 2)))
    with pytest.raises(
        ValueError, match=rf"{LEAST_CALIBRATION} calibration rows.*share"
    ):
        WindowReference(*parameters, fit=rows, calibration=rows)


def test_rows_that_are_not_finite_are_refused():
    watch, parameters = example()
    rows = evidence(parameters, np.zeros((3, 4)))
    rows.coordinates[1, 2] = np.nan
    with pytest.raises(ValueError, match="coordinates of the windows' rows must be"):
        watch.score(rows, windows_of(3))


def test_of_very_many_calibration_rows_some_are_kept():
    rng = np.random.default_rng(16)
    n = MOST_CALIBRATION + 500
    rows = RowEvidence(*rng.normal(size=(1, n)), np.ones((n, 1)), *np.zeros((2, n, 1)))
    watch = WindowReference(
        np.ones(1), np.zeros((1, 1)), np.ones((1, 1, 1)), fit=rows, calibration=rows
    )
    assert len(pickle.dumps(watch)) < 50 * MOST_CALIBRATION


@pytest.mark.parametrize("size", [3, 20, 1000])
def test_drawn_windows_have_as_many_rows_as_they_should(size):
    windows, references = resampled_pairs(np.random.default_rng(0), 20, size, 300)
    for counts, n_rows in ((windows, size), (references, 20)):
        assert counts.shape == (300, 20)
        assert_array_equal(counts.sum(axis=1), n_rows)
        assert_allclose(counts.mean(axis=0), n_rows / 20, rtol=0.5)


def test_a_window_and_its_reference_are_drawn_from_the_same_resample():
    windows, references = resampled_pairs(np.random.default_rng(1), 50, 5000, 40)
    # hardly a row of the resample is missing among 5000
    assert not references[windows == 0].any()
    assert_allclose((windows == 0).mean(), np.exp(-1), atol=0.05)


def test_scores_are_a_frame_for_pandas():
    pytest.importorskip("pandas")
    scores = score(rows_of_the_example(17, 250))
    frame = scores.to_frame()
    assert isinstance(scores, WindowScores)
    assert len(scores) == len(frame) == 3
    assert frame.index.tolist() == [0, 100, 200]
    assert_array_equal(frame["kl"], scores.kl)
    assert_array_equal(frame["p_value"], scores.p_value)
