"""Containers of tables: numpy arrays, pandas and polars data frames.

A container reads the cells of each column and writes columns of the same dtypes.
Nothing here decides what a column means.
"""

import sys

import numpy as np
from scipy.sparse import issparse

from ._cells import (
    Cells,
    Storage,
    cells_of_objects,
    is_missing,
    missing_cell,
    nature_of_kind,
    reject_complex,
    reject_dates,
)

_NULLABLE_OF_KINDS = {"b": "boolean", "i": "Int64", "u": "UInt64", "f": "Float64"}


class ArrayContainer:
    """numpy arrays, and whatever numpy makes an array of."""

    kind = "numpy"

    @staticmethod
    def holds(X):
        return True

    @staticmethod
    def open(X):
        """The table as a two-dimensional array."""
        if issparse(X):
            raise TypeError(
                "Sparse data was passed for X, but dense data is required. Use "
                "'.toarray()' to convert to a dense numpy array."
            )
        array = np.asarray(X)
        if array.dtype.kind in "US" and not hasattr(X, "dtype"):
            array = np.asarray(X, dtype=object)  # numbers beside strings stay numbers
        if array.ndim != 2:
            raise ValueError(
                f"Expected 2D array, got {array.ndim}D array instead. Reshape your "
                "data either using array.reshape(-1, 1) if it has a single feature "
                "or array.reshape(1, -1) if it contains a single sample."
            )
        return array

    @staticmethod
    def names(X):
        return None

    @staticmethod
    def read(X, names):
        """Cells of each column."""
        return [_cells_of_array(X[:, j], name) for j, name in enumerate(names)]

    @staticmethod
    def write(columns, codes, index=None):
        """The array that holds codes of columns."""
        written = [
            _array_of_codes(column, codes[:, j]) for j, column in enumerate(columns)
        ]
        if all(values.dtype.kind != "O" for values in written):
            return np.column_stack(written)
        table = np.empty(codes.shape, dtype=object)
        for j, values in enumerate(written):
            table[:, j] = values
        return table


class PandasContainer:
    """pandas data frames."""

    kind = "pandas"

    @staticmethod
    def holds(X):
        pandas = sys.modules.get("pandas")
        return pandas is not None and isinstance(X, pandas.DataFrame)

    @staticmethod
    def open(X):
        return X

    @staticmethod
    def names(X):
        return X.columns.tolist()

    @staticmethod
    def read(X, names):
        """Cells of each column."""
        return [_cells_of_pandas(X.iloc[:, j], name) for j, name in enumerate(names)]

    @staticmethod
    def write(columns, codes, index=None):
        """The data frame that holds codes of columns."""
        import pandas

        if index is None:
            index = pandas.RangeIndex(len(codes))
        table = pandas.DataFrame(
            {
                j: _pandas_of_codes(column, codes[:, j], index)
                for j, column in enumerate(columns)
            },
            index=index,
        )
        table.columns = pandas.Index([column.name for column in columns])
        return table


class PolarsContainer:
    """polars data frames."""

    kind = "polars"

    @staticmethod
    def holds(X):
        polars = sys.modules.get("polars")
        return polars is not None and isinstance(X, polars.DataFrame)

    @staticmethod
    def open(X):
        return X

    @staticmethod
    def names(X):
        return list(X.columns)

    @staticmethod
    def read(X, names):
        """Cells of each column."""
        return [
            _cells_of_polars(series, name)
            for series, name in zip(X.get_columns(), names)
        ]

    @staticmethod
    def write(columns, codes, index=None):
        """The data frame that holds codes of columns."""
        import polars

        return polars.DataFrame(
            [_polars_of_codes(column, codes[:, j]) for j, column in enumerate(columns)]
        )


# In the order in which they are asked; the last takes everything.
_CONTAINERS = (PandasContainer, PolarsContainer, ArrayContainer)
CONTAINERS = {container.kind: container for container in _CONTAINERS}


def container_of(X):
    """The container that a table is."""
    return next(container for container in _CONTAINERS if container.holds(X))


# Numbers


def numbers_in(dtype, values):
    """Numbers as near as a numpy dtype can hold them.

    Whole numbers are rounded and clipped to the dtype's range; with a NaN among them
    they stay float64.
    """
    dtype = np.dtype(dtype)
    if values.dtype.kind != "f":  # categories that are numbers already
        return values.astype(dtype)
    if dtype.kind == "f":
        return _clip(values, np.finfo(dtype)).astype(dtype)
    if dtype.kind == "b":
        values = np.clip(np.rint(values), 0, 1)
    else:
        values = _clip(np.rint(values), np.iinfo(dtype))
    return values if np.isnan(values).any() else values.astype(dtype)


def _clip(values, limits):
    low, high = np.float64(limits.min), np.float64(limits.max)
    if isinstance(limits, np.iinfo) and int(high) > limits.max:
        high = np.nextafter(high, 0)  # float64 rounds 2 ** 63 - 1 up
    return np.clip(values, low, high)


def _objects(column, values):
    """Python values of a column's storage, missing ones by its token."""
    convert = {"bool": bool, "integer": int, "real": float}.get(column.storage.nature)
    lost = missing_cell(column.storage.missing)
    objects = np.empty(len(values), dtype=object)
    objects[:] = [
        lost if is_missing(value) else (convert(value) if convert else value)
        for value in values.tolist()
    ]
    return objects


# numpy


def _cells_of_array(values, name):
    kind = values.dtype.kind
    if kind == "c":
        reject_complex(name)
    if kind in "Mm":
        reject_dates(name, values.dtype)
    nature = nature_of_kind(kind)
    if nature is None:
        label = "label" if kind in "US" else None
        objects = values.astype(object)
        return cells_of_objects(objects, name, values.dtype.str, nature=label)
    return Cells(values, Storage(values.dtype.str, nature))


def _array_of_codes(column, codes):
    values = column.values(codes)
    dtype = np.dtype(column.storage.dtype)
    if nature_of_kind(dtype.kind):
        return numbers_in(dtype, values)
    objects = _objects(column, values)
    if dtype.kind in "US" and not np.isnan(codes).any():
        return objects.astype(dtype)
    return objects


# pandas


def _cells_of_pandas(series, name):
    import pandas

    dtype = series.dtype
    if isinstance(dtype, pandas.CategoricalDtype):
        return _cells_of_categorical(series, name)
    if isinstance(dtype, pandas.SparseDtype):
        raise TypeError(
            f"Sparse data was passed in column {name!r}, but dense data is required. "
            "Use '.sparse.to_dense()' to convert it."
        )
    if dtype.kind in "Mm" or isinstance(dtype, pandas.PeriodDtype):
        reject_dates(name, dtype)
    if dtype.kind == "c":
        reject_complex(name)
    nature = nature_of_kind(dtype.kind)
    if nature is None:
        label = "label" if isinstance(dtype, pandas.StringDtype) else None
        objects = series.to_numpy(dtype=object)
        return cells_of_objects(objects, name, _pandas_token(dtype), nature=label)
    return Cells(_pandas_numbers(series), Storage(_pandas_token(dtype), nature))


def _cells_of_categorical(series, name):
    dtype = series.dtype
    storage = Storage(
        "category",
        "label",
        ordered=bool(dtype.ordered),
        category_dtype=_pandas_token(dtype.categories.dtype),
    )
    declared = tuple(dtype.categories.tolist())
    return Cells(series.to_numpy(dtype=object), storage, declared)


def _pandas_numbers(series):
    dtype = series.dtype
    if isinstance(dtype, np.dtype):
        return series.to_numpy()
    if series.isna().any():
        return series.to_numpy(dtype=np.float64, na_value=np.nan)
    return series.to_numpy(dtype=dtype.numpy_dtype)


def _pandas_token(dtype):
    """A dtype's name, with what pandas leaves out of the name of strings."""
    import pandas

    if not isinstance(dtype, pandas.StringDtype):
        return str(dtype)
    missing = "NA" if dtype.na_value is pandas.NA else "nan"
    return f"strings/{dtype.storage}/{missing}"


def _pandas_dtype(token):
    import pandas

    if token == "string[pyarrow]":  # pandas reads it as its own string dtype
        import pyarrow

        return pandas.ArrowDtype(pyarrow.string())
    if not token.startswith("strings/"):
        return pandas.api.types.pandas_dtype(token)
    _, storage, missing = token.split("/")
    if missing == "NA":
        return pandas.StringDtype(storage)
    return pandas.StringDtype(storage, na_value=np.nan)


def _pandas_of_codes(column, codes, index):
    import pandas

    storage = column.storage
    if storage.dtype == "category":
        return _categorical_of_codes(column, codes, index)
    values, dtype = column.values(codes), _pandas_dtype(storage.dtype)
    if nature_of_kind(dtype.kind) is None:
        return pandas.Series(_objects(column, values), index=index, dtype=dtype)
    if isinstance(dtype, np.dtype):
        return pandas.Series(numbers_in(dtype, values), index=index)
    values = numbers_in(dtype.numpy_dtype, values)
    nullable = pandas.array(values, dtype=_NULLABLE_OF_KINDS[dtype.kind])
    return pandas.Series(nullable, index=index).astype(dtype)


def _categorical_of_codes(column, codes, index):
    import pandas

    categories = pandas.Index(
        list(column.categories), dtype=_pandas_dtype(column.storage.category_dtype)
    )
    dtype = pandas.CategoricalDtype(categories, ordered=column.storage.ordered)
    numbers = np.where(np.isnan(codes), -1, column.category_numbers(codes))
    values = pandas.Categorical.from_codes(numbers, dtype=dtype)
    return pandas.Series(values, index=index)


# polars


def _cells_of_polars(series, name):
    import polars

    dtype = series.dtype
    if dtype.is_temporal():
        reject_dates(name, dtype)
    if dtype.is_numeric() or dtype in (polars.Boolean, polars.Null):
        return _polars_numbers(series)
    is_label = dtype in (polars.String, polars.Categorical, polars.Enum)
    objects = np.empty(len(series), dtype=object)
    objects[:] = series.to_list()
    nature = "label" if is_label else None
    cells = cells_of_objects(objects, name, _polars_token(dtype), nature=nature)
    if dtype == polars.Enum:
        return Cells(cells.values, cells.storage, tuple(dtype.categories.to_list()))
    return cells


def _polars_numbers(series):
    import polars

    dtype = series.dtype
    nature = "bool" if dtype == polars.Boolean else "real"
    if dtype.is_integer():
        nature = "integer"
    if dtype in (polars.Int64, polars.UInt64) and not series.null_count():
        values = series.to_numpy()
    else:
        values = series.cast(polars.Float64).to_numpy()
    has_nan = dtype.is_float() and bool(series.is_nan().any())
    missing = "nan" if has_nan and not series.null_count() else "none"
    return Cells(values, Storage(_polars_token(dtype), nature, missing))


def _polars_token(dtype):
    if dtype.is_decimal():
        return f"Decimal/{dtype.precision}/{dtype.scale}"
    return str(dtype.base_type())


def _polars_dtype(column):
    import polars

    token, *parts = column.storage.dtype.split("/")
    if token == "Decimal":
        return polars.Decimal(*map(int, parts))
    if token == "Enum":
        return polars.Enum(column.categories)
    return getattr(polars, token)


def _polars_of_codes(column, codes):
    import polars

    values, dtype = column.values(codes), _polars_dtype(column)
    if column.storage.nature == "label":
        labels = values.tolist()
        if dtype == polars.Object:
            return polars.Series(column.name, labels, dtype=dtype)
        return polars.Series(column.name, labels).cast(dtype)
    if dtype == polars.Object:
        return polars.Series(column.name, _objects(column, values), dtype=dtype)
    return _polars_of_numbers(column, values, dtype)


def _polars_of_numbers(column, values, dtype):
    import polars

    if dtype == polars.Null and np.isnan(values).all():
        return polars.Series(column.name, [None] * len(values), dtype=dtype)
    values = numbers_in(_numpy_dtype_of_polars(dtype), values)
    keep_nan = column.storage.missing == "nan"
    series = polars.Series(column.name, values, nan_to_null=not keep_nan)
    return series if dtype == polars.Null else series.cast(dtype)


def _numpy_dtype_of_polars(dtype):
    """The numpy dtype that holds what a polars dtype holds, or nearly."""
    import polars

    nearly = {
        polars.Boolean: "bool",
        polars.Null: "float64",
        getattr(polars, "Int128", None): "int64",
        getattr(polars, "UInt128", None): "uint64",
    }
    if dtype.is_decimal():
        return np.dtype("float64")
    return np.dtype(nearly.get(dtype) or str(dtype).lower())
