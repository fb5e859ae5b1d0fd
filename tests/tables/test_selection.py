"""Which columns are categorical: what ``categorical_features`` may say."""

import numpy as np
import pandas
import polars
import pytest

from skgen.tables import TableSchema

FRAME = pandas.DataFrame({"u": [1, 3], "v": [2.5, 7.0], "w": [3, 8]})


def kinds(categorical_features, X=FRAME):
    return TableSchema.learn(X, categorical_features=categorical_features).kinds


@pytest.mark.parametrize(
    "chosen",
    [
        ["u", "w"],
        ("w", "u"),
        np.array(["u", "w"]),
        np.array(["u", "w"], dtype=object),
        pandas.Index(["u", "w"]),
        [0, 2],
        np.array([2, 0]),
        [True, False, True],
        np.array([True, False, True]),
    ],
    ids=repr,
)
def test_names_indices_and_masks_choose_the_same_columns(chosen):
    expected = ("categorical", "numeric", "categorical")
    assert kinds(chosen) == expected
    assert kinds(chosen, polars.DataFrame(FRAME.to_dict("list"))) == expected


@pytest.mark.parametrize("chosen", [None, [], "from_dtype", [False] * 3])
def test_numbers_are_not_categorical_unless_chosen(chosen):
    assert kinds(chosen) == ("numeric",) * 3


@pytest.mark.parametrize("chosen", [[1], [False, True, False]])
def test_columns_of_arrays_are_chosen_by_index_and_mask(chosen):
    assert kinds(chosen, FRAME.to_numpy())[1] == "categorical"


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ("auto", "must be 'from_dtype', None or an array-like .* got 'auto'"),
        ([0.5], "must be 'from_dtype', None or an array-like .* dtype float64"),
        ([True], r"boolean mask must have shape \(3,\), got \(1,\)"),
        ([3], r"integer indices must be in \[0, 2\], got 3"),
        ([-1], r"integer indices must be in \[0, 2\], got -1"),
        (["k"], "has an item 'k' which is not a column name of the table"),
        (3, "must be 'from_dtype', None or an array-like .* got 3"),
    ],
)
def test_a_choice_of_no_columns_is_refused(chosen, message):
    with pytest.raises(ValueError, match=message):
        kinds(chosen)


def test_names_of_columns_without_names_are_refused():
    with pytest.raises(ValueError, match="array of integers or as a boolean mask when"):
        kinds(["u"], FRAME.to_numpy())
