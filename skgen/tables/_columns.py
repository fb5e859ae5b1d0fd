"""What one column is: its kind, the code of each cell, and the cell of each code."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from ._cells import Storage, cells_of_objects, distinct_values, is_missing

# So many categories are named in a message.
_FEW = 5


@dataclass(frozen=True)
class _NumberKind:
    """Which numbers a kind of column may hold, and the nearest of them to any."""

    allows: Callable
    limit: Callable
    requirement: str


_NUMBER_KINDS = {
    "numeric": _NumberKind(
        allows=lambda x: np.abs(x) < np.inf,
        limit=lambda x: x,
        requirement="finite numbers",
    ),
    "binary": _NumberKind(
        allows=lambda x: (x == 0) | (x == 1),
        limit=lambda x: np.clip(x, 0, 1),
        requirement="0 and 1 only, as in the table it was learnt from",
    ),
    "count": _NumberKind(
        allows=lambda x: (x >= 0) & (x < np.inf) & (np.floor(x) == x),
        limit=lambda x: np.maximum(x, 0),
        requirement="counts 0, 1, 2, ..., as in the table it was learnt from",
    ),
}

KINDS = (*_NUMBER_KINDS, "categorical")


@dataclass(frozen=True)
class Column:
    """One column of a learnt table.

    Attributes
    ----------
    name : str
        Its name; a pandas column may have one that is no string.
    kind : {"numeric", "binary", "count", "categorical"}
        What its codes are.
    storage : Storage
        How its container keeps it.
    categories : tuple or None
        What its codes 0, 1, ... stand for, where it is categorical.
    """

    name: object
    kind: str
    storage: Storage
    categories: tuple | None = None

    @classmethod
    def learn(cls, name, cells, categorical):
        """The column that cells suggest."""
        if categorical:
            categories = cells.declared or _observed_categories(cells, name)
            return cls(name, "categorical", cells.storage, categories)
        if cells.nature == "label":
            _reject_labels(name, cells)
        numbers = cells.values.astype(np.float64, copy=False)
        check_numbers("numeric", numbers, name)
        return cls(name, _kind_of_numbers(numbers, cells.nature), cells.storage)

    def with_kind(self, kind):
        """The column, to hold what another kind may hold; none of categories."""
        if kind == self.kind:
            return self
        if kind not in _NUMBER_KINDS or self.kind not in _NUMBER_KINDS:
            raise ValueError(
                f"Column {self.name!r} is {self.kind} and cannot be {kind}: only kinds "
                f"of numbers, {sorted(_NUMBER_KINDS)}, stand for one another."
            )
        return replace(self, kind=kind)

    def encode(self, cells):
        """Codes of cells, missing ones as NaN; ndarray of shape (n_rows,)."""
        if self.kind == "categorical":
            return self._codes_of_labels(cells.values)
        if cells.nature == "label":  # by dtype, yet they may be numbers or all missing
            cells = cells_of_objects(cells.values, self.name)
        if cells.nature == "label":
            self._reject_labels_of_numbers(cells.values)
        numbers = cells.values.astype(np.float64, copy=False)
        check_numbers(self.kind, numbers, self.name)
        return numbers

    def values(self, codes):
        """Values of codes: numbers with NaN, or objects with None for missing ones."""
        if self.kind != "categorical":
            values = _NUMBER_KINDS[self.kind].limit(codes)
            # a real number may stand for a mean, the probability of 1 for example
            return values if self.storage.nature == "real" else np.rint(values)
        missing = np.isnan(codes)
        values = self.category_array()[self.category_numbers(codes)]
        if missing.any():
            is_label = self.storage.nature == "label"
            values = values.astype(object if is_label else np.float64)
            values[missing] = None if is_label else np.nan
        return values

    def category_numbers(self, codes):
        """Whole numbers of categories, nearest to codes; 0 for missing ones."""
        last = len(self.categories) - 1
        return np.clip(np.rint(np.nan_to_num(codes)), 0, last).astype(np.intp)

    def category_array(self):
        """The categories as an array, of objects unless they are numbers."""
        if self.storage.nature != "label":
            return np.asarray(self.categories)
        array = np.empty(len(self.categories), dtype=object)
        array[:] = self.categories
        return array

    def _codes_of_labels(self, values):
        values = values.tolist()
        known = {category: code for code, category in enumerate(self.categories)}
        code_of = {
            value: np.nan if is_missing(value) else known.get(value, -1)
            for value in distinct_values(values, self.name)
        }
        codes = np.fromiter(map(code_of.__getitem__, values), np.float64, len(values))
        if codes.size and np.fmin.reduce(codes) < 0:
            self._reject_unseen(next(v for v, code in code_of.items() if code == -1))
        return codes

    def _reject_unseen(self, value):
        few = ", ".join(map(repr, self.categories[:_FEW]))
        more = len(self.categories) - _FEW
        raise ValueError(
            f"Column {self.name!r} holds the category {value!r}, which was not there "
            f"when the table was learnt; known are {few}"
            f"{f' and {more} more' if more > 0 else ''}. Replace it by one of these, "
            "or make the cell missing."
        )

    def _reject_labels_of_numbers(self, values):
        value = next(v for v in values if not is_missing(v) and not _is_number(v))
        raise ValueError(
            f"Column {self.name!r} was learnt as {self.kind} and must hold numbers, "
            f"got {value!r}. Convert it to numbers, or make the cell missing."
        )


def check_numbers(kind, numbers, name):
    """Raise where numbers are none that a kind of column may hold."""
    rule = _NUMBER_KINDS[kind]
    wrong = ~(rule.allows(numbers) | np.isnan(numbers))
    if not wrong.any():
        return
    number = numbers[wrong][0]
    if np.isinf(number):
        raise ValueError(
            f"Input X contains infinity in column {name!r}, which must hold "
            f"{rule.requirement}: replace it by a number, or make the cell missing."
        )
    raise ValueError(
        f"Column {name!r} is {kind} and must hold {rule.requirement}, got "
        f"{number:g}. Correct the cell, make it missing, fit on a table that has such "
        "values, or name another likelihood for the column where the model has that "
        "parameter."
    )


def _kind_of_numbers(numbers, nature):
    """The kind that numbers suggest; constant ones suggest nothing."""
    if nature == "bool":
        return "binary"
    low, high = np.fmin.reduce(numbers), np.fmax.reduce(numbers)
    if low == 0 and high == 1 and _are_zeros_and_ones(numbers):
        return "binary"
    if nature == "integer" and low == 0 and high > 1:
        return "count"
    return "numeric"


def _are_zeros_and_ones(numbers):
    return bool(np.all((numbers == 0) | (numbers == 1) | np.isnan(numbers)))


def _observed_categories(cells, name):
    """Distinct values that are there, sorted where they can be."""
    distinct = distinct_values(cells.values.tolist(), name)
    convert = {"bool": bool, "integer": int, "real": float}.get(cells.nature, _itself)
    values = [convert(value) for value in distinct if not is_missing(value)]
    if not values:
        raise ValueError(
            f"Column {name!r} is categorical and every cell of it is missing, so "
            "that its categories are unknown: drop it, or give it a dtype that "
            "declares them."
        )
    try:
        return tuple(sorted(values))
    except TypeError:  # of types that do not compare
        return tuple(values)


def _itself(value):
    return value


def _is_number(value):
    return isinstance(value, int | float | Decimal | np.number | np.bool_)


def _reject_labels(name, cells):
    value = next((v for v in cells.values if not is_missing(v)), None)
    raise ValueError(
        f"Column {name!r} of dtype {cells.storage.dtype} holds {value!r} and is not "
        "among the categorical columns, so that its cells must be numbers. Convert "
        "it, name it in categorical_features, or set "
        "categorical_features='from_dtype'."
    )
