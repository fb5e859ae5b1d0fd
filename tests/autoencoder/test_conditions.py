"""What rows are given besides, `skgen.autoencoder._conditions`."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skgen.autoencoder._conditions import MOST_KINDS, Conditions

LABELS = np.array(["b", "a", "c", "a"])


def learnt(y, weights=None):
    weights = np.ones(len(y)) if weights is None else weights
    return Conditions.learn(y, weights)


@pytest.mark.parametrize(
    "y",
    [
        LABELS,
        LABELS.astype(object),
        list(LABELS),
        np.array([1, 0, 2, 0]),
        np.array([1.0, 0.0, 2.0, 0.0]),
        pd.Series(LABELS),
        LABELS[:, None],
        pd.DataFrame({"y": LABELS}),
    ],
    ids=["str", "object", "list", "int", "float", "series", "column", "frame"],
)
def test_labels_are_read_one_hot(y):
    conditions, inputs = learnt(y)
    assert_array_equal(inputs, [[0, 1, 0], [1, 0, 0], [0, 0, 1], [1, 0, 0]])
    assert conditions.n_inputs == 3
    assert_array_equal(conditions.encode(y), inputs)


def test_booleans_are_labels():
    _, inputs = learnt(np.array([True, False, True]))
    assert inputs.shape in {(3, 1), (3, 2)}
    assert len(np.unique(inputs, axis=0)) == 2


def test_continuous_numbers_are_standardised():
    y = np.array([0.5, 1.5, 4.25, 9.75])
    conditions, inputs = learnt(y)
    assert_allclose(inputs[:, 0], (y - y.mean()) / y.std())
    assert_allclose(conditions.encode(4.25), inputs[[2]])


def test_columns_are_read_each_in_its_way():
    y = pd.DataFrame({"kind": LABELS, "size": [0.5, 1.5, 4.25, 9.75]})
    conditions, inputs = learnt(y)
    assert conditions.n_inputs == 4
    assert_array_equal(inputs[:, :3].sum(axis=1), 1.0)
    assert_allclose(inputs[:, 3].std(), 1.0)
    assert_array_equal(conditions.encode(y.iloc[[1]], 3), inputs[[1, 1, 1]])


@pytest.mark.parametrize("dtype", [int, float, object])
def test_many_whole_numbers_are_labels_with_a_warning(dtype):
    ages = np.arange(MOST_KINDS + 1).astype(dtype)
    with pytest.warns(UserWarning, match="'y' of y holds 101 .* taken for labels"):
        _, inputs = learnt(ages)
    assert inputs.shape == (101, 101)


@pytest.mark.parametrize("y", [np.arange(100), np.arange(101) / 101, [*"ab"] * 60])
def test_no_warning_of_few_numbers_quantities_and_strings(y):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        learnt(y)


def test_many_strings_are_labels_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _, inputs = learnt([f"s{i}" for i in range(101)])
    assert inputs.shape == (101, 101)


@pytest.mark.parametrize("container", [list, tuple, lambda rows: rows])
def test_rows_in_lists_may_hold_labels_beside_numbers(container):
    y = pd.DataFrame({"size": [0.5, 1.5, 4.25, 9.75], "kind": LABELS})
    conditions, inputs = learnt(y)
    one = container([0.5, "b"])
    assert_array_equal(conditions.encode([one], 2), inputs[[0, 0]])
    assert_array_equal(conditions.encode(one, 2), inputs[[0, 0]])
    two = container([container([0.5, "b"]), container([9.75, "a"])])
    assert_array_equal(conditions.encode(two, 2), inputs[[0, 3]])
    listed, _ = learnt([list(row) for row in y.to_numpy()])
    assert listed.schema.kinds == ("numeric", "categorical")


def test_kinds_and_frequencies_are_weighted():
    conditions, _ = learnt(LABELS, np.array([1.0, 2.0, 3.0, 4.0]))
    kinds, frequencies = conditions.every_kind()
    by_label = dict(zip(kinds.argmax(axis=1), frequencies))
    assert_allclose([by_label[j] for j in range(3)], [0.6, 0.1, 0.3])


def test_too_many_kinds_cannot_be_summed_over():
    conditions, _ = learnt(np.random.default_rng(0).normal(size=MOST_KINDS + 1))
    with pytest.raises(ValueError, match="too many to sum over: give y"):
        conditions.every_kind()


def test_one_value_stands_for_all_rows():
    conditions, inputs = learnt(LABELS)
    for one in ("c", ["c"], np.array(["c"])):
        assert_array_equal(conditions.encode(one, 5), inputs[[2] * 5])


def test_a_wrong_number_of_rows_is_told():
    conditions, _ = learnt(LABELS)
    with pytest.raises(ValueError, match=r"y has 2 rows, but 5 are wanted"):
        conditions.encode(["a", "b"], 5)


def test_unseen_labels_are_told():
    conditions, _ = learnt(LABELS)
    with pytest.raises(ValueError, match="z"):
        conditions.encode(["a", "z"])


@pytest.mark.parametrize("y", [[0.5, np.nan, 1.5], [0.5, np.inf, 1.5]])
def test_missing_values_are_told(y):
    with pytest.raises(ValueError, match="leave out such rows"):
        learnt(np.array(y))


def test_missing_labels_are_told():
    with pytest.raises(ValueError, match="missing"):
        learnt(pd.DataFrame({"y": pd.Series(["a", None, "b"], dtype="category")}))


def test_state_tells_everything():
    conditions, inputs = learnt(LABELS)
    again = Conditions.from_state(conditions.state())
    assert_array_equal(again.encode(LABELS), inputs)
    for here, there in zip(again.every_kind(), conditions.every_kind()):
        assert_array_equal(here, there)
