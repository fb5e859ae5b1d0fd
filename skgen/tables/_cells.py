"""The cells of one column as they came, before it is decided what they mean.

Here stands what is missing, what is a number and what cannot be read at all; what a
column is, of all it could be, stands in ``_columns``.
"""

import datetime
import numbers
import sys
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

_DATES = (
    datetime.date,
    datetime.time,
    datetime.timedelta,
    np.datetime64,
    np.timedelta64,
)
_NATURES_OF_KINDS = {"b": "bool", "i": "integer", "u": "integer", "f": "real"}


@dataclass(frozen=True)
class Storage:
    """How a container keeps a column, in plain words that can be stored.

    Attributes
    ----------
    dtype : str
        The container's own name of its dtype.
    nature : {"bool", "integer", "real", "label"}
        What the cells are as Python values.
    missing : {"nan", "none", "NA", "NaT"}
        What stands for a missing cell where the dtype leaves a choice.
    ordered : bool
        Whether pandas declares an order of the categories.
    category_dtype : str
        pandas' name of the dtype of declared categories, or the empty string.
    """

    dtype: str
    nature: str
    missing: str = "nan"
    ordered: bool = False
    category_dtype: str = ""


@dataclass(frozen=True)
class Cells:
    """One column as it came.

    Attributes
    ----------
    values : ndarray of shape (n_rows,)
        Booleans or numbers, missing ones as NaN; or objects, missing ones as they
        were.
    storage : Storage
        How the container keeps them.
    declared : tuple or None
        Categories that the dtype declares, seen or not.
    """

    values: np.ndarray
    storage: Storage = field(repr=False)
    declared: tuple | None = None

    @property
    def nature(self):
        return self.storage.nature


def nature_of_kind(kind):
    """What numbers of a numpy ``dtype.kind`` are, or None for no numbers."""
    return _NATURES_OF_KINDS.get(kind)


def is_missing(value):
    """Whether a cell stands for none: None, NaN, ``pandas.NA``, ``NaT``."""
    if value is None or type(value).__name__ in {"NAType", "NaTType"}:
        return True
    return isinstance(value, float | np.floating | Decimal) and bool(value != value)


def missing_cell(token):
    """What ``Storage.missing`` names."""
    if token in {"NA", "NaT"}:
        return getattr(sys.modules.get("pandas") or __import__("pandas"), token)
    return {"nan": np.nan, "none": None}[token]


def cells_of_objects(values, name, dtype="object", nature=None):
    """Cells of an array of objects: numbers where all that are there are numbers.

    Parameters
    ----------
    values : ndarray of shape (n_rows,), of dtype object
        Cells.
    name : str
        The column's name, for messages.
    dtype : str
        The container's name of the dtype.
    nature : str, default=None
        What the cells are, where the dtype tells.
    """
    distinct = distinct_values(values, name)
    known = [value for value in distinct if not is_missing(value)]
    nature = nature or _nature_of_objects(known, name)
    storage = Storage(dtype, nature, missing=_missing_token(distinct))
    if nature != "label":
        values = _numbers(values, distinct)
    return Cells(values, storage)


def distinct_values(values, name):
    """Distinct cells in order of appearance, as keys of a dictionary."""
    try:
        return dict.fromkeys(values)
    except TypeError:
        cell = next(v for v in values if not _is_hashable(v))
        raise TypeError(
            f"Column {name!r} holds a {type(cell).__name__}: argument must be a "
            "string, a number or another hashable value. Spread such cells over "
            "columns of their own."
        ) from None


def reject_dates(name, dtype):
    """Tell what to do with a column of dates, times or durations."""
    raise ValueError(
        f"Column {name!r} holds dates or times (dtype {dtype}), which have no unit "
        "that a model could know: convert it to numbers, such as days since a "
        "reference, or to categories, such as weekdays."
    )


def reject_complex(name):
    """Tell that complex numbers are no cells."""
    raise ValueError(
        f"Complex data not supported: column {name!r} holds complex numbers. Give "
        "their real and imaginary parts as two columns."
    )


def _is_hashable(value):
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _nature_of_objects(known, name):
    """What Python values are, taken together; numbers where there are none."""
    types = {type(value) for value in known}
    for date in (t for t in types if issubclass(t, _DATES)):
        reject_dates(name, date.__name__)
    if types and _all_of(types, bool, np.bool_):
        return "bool"
    if types and _all_of(types, numbers.Integral, np.bool_):
        return "integer"
    if _all_of(types, numbers.Real, np.bool_, Decimal):
        return "real"
    if _all_of(types, numbers.Number, np.bool_):
        reject_complex(name)
    return "label"


def _all_of(types, *wanted):
    return all(issubclass(t, wanted) for t in types)


def _missing_token(distinct):
    """The name of the first missing cell."""
    for value in filter(is_missing, distinct):
        names = {"NoneType": "none", "NAType": "NA", "NaTType": "NaT"}
        return names.get(type(value).__name__, "nan")
    return "nan"


def _numbers(values, distinct):
    number_of = {v: np.nan if is_missing(v) else float(v) for v in distinct}
    return np.fromiter(map(number_of.__getitem__, values), np.float64, len(values))
