"""Containers: dtypes that come back, and those that are refused."""

import numpy as np
import pandas
import polars
import pytest
from frames import round_trip
from pandas.testing import assert_frame_equal
from polars.testing import assert_frame_equal as assert_polars_equal

from skgen.tables import TableSchema


@pytest.mark.parametrize(
    "column",
    [
        pandas.Categorical([3, None, 1], categories=[1, 2, 3]),
        pandas.Categorical(["b", None, "a"], ["b", "a"], ordered=True),
        pandas.cut([1.0, 2.0, 9.0], 3),
        pandas.Categorical(pandas.to_datetime(["2020-01-01", None, "2021-01-01"])),
        pandas.Series([1, "a", None], dtype=object),
        pandas.Series([1, 2, None], dtype=object),
        pandas.Series([1.5, 2, pandas.NA], dtype=object),
        pandas.Series([True, False, None], dtype=object),
        pandas.Series(["a", pandas.NA, ""], dtype=object),
        pandas.Series([2**70, 1, 3], dtype=object),
        pandas.Series([("a", 1), None, ("b",)], dtype=object),
        pandas.Series([None, None, None], dtype=object),
        pandas.Series([1.0, 2.0, np.nan]),
        pandas.Series([1, 2, 3], dtype="float16"),
        pandas.Series([7, 7, 7]),
        pandas.Series([0, 0, 0]),
    ],
    ids=lambda column: f"{column.dtype} {list(column)}",
)
def test_a_pandas_column_comes_back_as_it_was(column):
    frame = pandas.DataFrame({"x": column, "y": [1.5, 2.5, 3.5]})
    assert_frame_equal(round_trip(frame), frame)


@pytest.mark.parametrize(
    "dtype", ["int64", "uint8", "float", "double", "bool", "string", "large_string"]
)
def test_a_column_that_pyarrow_keeps_comes_back_as_it_was(dtype):
    pytest.importorskip("pyarrow")
    cells = ["a", None] if dtype.endswith("string") else [1, None]
    if dtype == "string":
        import pyarrow

        column = pandas.Series(cells, dtype=pandas.ArrowDtype(pyarrow.string()))
    else:
        column = pandas.Series(cells, dtype=f"{dtype}[pyarrow]")
    frame = pandas.DataFrame({"x": column})
    assert_frame_equal(round_trip(frame), frame)


@pytest.mark.parametrize(
    "column",
    [
        polars.Series(["a", None, "b"]),
        polars.Series(["a", None, "b"], dtype=polars.Categorical),
        polars.Series(["a", None, "b"], dtype=polars.Enum(["z", "b", "a"])),
        polars.Series([1.25, None, 2]).cast(polars.Decimal(10, 2)),
        polars.Series([1, None, 3], dtype=getattr(polars, "Int128", polars.Int8)),
        polars.Series([1, 2, 3], dtype=polars.Float32),
        polars.Series([1.0, float("nan"), 3.0]),
        polars.Series([1.0, None, 3.0]),
        polars.Series([None, None, None]),
        polars.Series([True, None, False]),
        polars.Series([b"a", None, b"b"]),
        polars.Series([7, 7, 7]),
        polars.Series([1, "a", None], dtype=polars.Object),
        polars.Series([1, 2, None], dtype=polars.Object),
    ],
    ids=lambda column: f"{column.dtype} {column.to_list()}",
)
def test_a_polars_column_comes_back_as_it_was(column):
    frame = polars.DataFrame({"x": column, "y": [1.5, 2.5, 3.5]})
    decoded = round_trip(frame)
    if column.dtype == polars.Object:  # which polars cannot compare
        assert decoded.schema == frame.schema
        assert decoded["x"].to_list() == frame["x"].to_list()
    else:
        assert_polars_equal(decoded, frame)


def test_polars_columns_may_be_named_categorical():
    frame = polars.DataFrame({"x": [3, None, 1], "b": [True, None, False]})
    decoded = round_trip(frame, categorical_features=["x", "b"])
    assert_polars_equal(decoded, frame)


def test_pandas_columns_may_be_named_categorical():
    frame = pandas.DataFrame({"x": [3, 2, 1], "b": [True, True, False]})
    frame["n"] = pandas.array([3, None, 1], dtype="Int64")
    frame["f"] = [0.5, np.nan, 1.5]
    decoded = round_trip(frame, categorical_features=["x", "b", "n", "f"])
    assert_frame_equal(decoded, frame)


@pytest.mark.parametrize(
    "X",
    [
        pandas.DataFrame({"x": pandas.to_datetime(["2020-01-01"])}),
        pandas.DataFrame({"x": pandas.to_timedelta([1], unit="D")}),
        pandas.DataFrame({"x": pandas.period_range("2020", periods=1, freq="D")}),
        polars.DataFrame({"x": pandas.to_datetime(["2020-01-01"]).to_pydatetime()}),
    ],
    ids=lambda X: str(
        X.dtypes[0] if isinstance(X, polars.DataFrame) else X.dtypes["x"]
    ),
)
def test_dates_are_refused_with_a_remedy(X):
    with pytest.raises(ValueError, match=r"'x' holds dates or times .* convert it to"):
        TableSchema.learn(X)


def test_dates_in_arrays_are_refused_with_a_remedy():
    X = np.array([["2020-01-01"]], dtype="datetime64[D]")
    with pytest.raises(ValueError, match=r"'x0' holds dates or times .* convert it to"):
        TableSchema.learn(X)


@pytest.mark.parametrize(
    "make", [np.array, lambda x: pandas.DataFrame(x, columns=["x0"])]
)
def test_complex_numbers_are_refused(make):
    with pytest.raises(ValueError, match="Complex data not supported: column 'x0'"):
        TableSchema.learn(make([[1j], [2.0]]))


def test_sparse_columns_of_pandas_are_refused():
    frame = pandas.DataFrame({"x": pandas.arrays.SparseArray([0, 1])})
    with pytest.raises(TypeError, match="Sparse data was passed in column 'x'"):
        TableSchema.learn(frame)


def test_nested_columns_of_polars_are_refused():
    with pytest.raises(TypeError, match="Column 'x' holds a list"):
        TableSchema.learn(polars.DataFrame({"x": [[1], [2]]}))
