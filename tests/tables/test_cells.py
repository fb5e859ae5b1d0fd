"""Cells of objects: what is missing, what is a number, and what is refused."""

import datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas
import pytest
from numpy.testing import assert_array_equal

from skgen.tables._cells import cells_of_objects, is_missing, missing_cell

MISSING = [
    None,
    float("nan"),
    np.nan,
    np.float32("nan"),
    Decimal("nan"),
    pandas.NA,
    pandas.NaT,
]


def objects(*values):
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


@pytest.mark.parametrize("value", MISSING, ids=repr)
def test_whatever_stands_for_none_is_missing(value):
    assert is_missing(value)
    cells = cells_of_objects(objects(1, value, 2.5), "x")
    assert_array_equal(cells.values, [1, np.nan, 2.5])


@pytest.mark.parametrize("value", [0, "", "nan", False, float("inf"), (), "None"])
def test_what_only_looks_empty_is_not_missing(value):
    assert not is_missing(value)


@pytest.mark.parametrize("value", [None, np.nan, pandas.NA, pandas.NaT], ids=repr)
def test_a_column_remembers_what_stood_for_missing_cells(value):
    storage = cells_of_objects(objects("a", value), "x").storage
    assert missing_cell(storage.missing) is value


@pytest.mark.parametrize(
    ("values", "nature"),
    [
        ([True, np.bool_(False), None], "bool"),
        ([1, np.int8(3), None], "integer"),
        ([True, 2], "integer"),
        ([1, 2.5], "real"),
        ([Decimal("1.5"), Fraction(1, 2)], "real"),
        ([None, None], "real"),
        (["1", "2"], "label"),
        ([1, "2"], "label"),
        ([("a", 1)], "label"),
    ],
)
def test_only_cells_that_are_all_numbers_are_numbers(values, nature):
    cells = cells_of_objects(objects(*values), "x")
    assert cells.nature == nature
    assert (cells.values.dtype == object) == (nature == "label")


@pytest.mark.parametrize(
    "value",
    [
        datetime.date(2020, 1, 1),
        datetime.timedelta(1),
        pandas.Timestamp("2020"),
        np.datetime64("2020"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_dates_among_objects_are_refused_with_a_remedy(value):
    with pytest.raises(ValueError, match=r"'x' holds dates or times .* days since"):
        cells_of_objects(objects(None, value), "x")


def test_complex_numbers_among_objects_are_refused():
    with pytest.raises(ValueError, match="Complex data not supported: column 'x'"):
        cells_of_objects(objects(1j, 2.0), "x")


def test_cells_that_cannot_be_hashed_are_refused_as_scikit_learn_asks():
    message = "Column 'x' holds a dict: argument must be a string, a number or"
    with pytest.raises(TypeError, match=message):
        cells_of_objects(objects(1.0, {"a": 1}), "x")
