"""What rows are given besides: labels or columns y, as inputs of the networks."""

import warnings
from dataclasses import dataclass, replace

import numpy as np
from sklearn.utils.multiclass import type_of_target

from .._warnings import warn_user
from ..neural import Marginals
from ..tables import TableSchema

# More kinds of rows of y than this are not summed over.
MOST_KINDS = 100


@dataclass(frozen=True)
class Conditions:
    """How y becomes inputs: categories one-hot, numbers standardised.

    Parameters
    ----------
    schema : TableSchema
        What the columns of y are.

    shift, scale : ndarray of shape (n_columns,)
        Of the columns that are numbers.

    kinds : ndarray of shape (n_kinds, n_inputs)
        The different rows of inputs seen in training; empty if there are too many.

    frequencies : ndarray of shape (n_kinds,)
        Their share of the weight.
    """

    schema: TableSchema
    shift: np.ndarray
    scale: np.ndarray
    kinds: np.ndarray
    frequencies: np.ndarray

    @classmethod
    def learn(cls, y, weights):
        """Learn what y holds.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, n_columns)
            Labels, numbers, or a table of them.

        weights : ndarray of shape (n_samples,)
            Weights of the rows.

        Returns
        -------
        conditions, inputs : Conditions, ndarray of shape (n_samples, n_inputs)
            And the inputs that y stands for.
        """
        table = _table(y)
        named = hasattr(table, "columns")
        names = None if named else _names(table.shape[1])
        schema = TableSchema.learn(
            table, categorical_features=_categorical(table), feature_names=names
        )
        schema = replace(schema, is_named=named and schema.is_named)
        codes = _complete(schema.encode(table))
        scaling = Marginals.learn(codes, weights, spikes=False)
        empty = np.empty((0, 0)), np.empty(0)
        conditions = cls(schema, scaling.shift, scaling.scale, *empty)
        _warn_of_many_labels(schema)
        inputs = conditions._inputs(codes)
        kinds, which = np.unique(inputs, axis=0, return_inverse=True)
        if len(kinds) <= MOST_KINDS:
            frequencies = np.bincount(which.ravel(), weights)
            conditions = cls(
                schema,
                scaling.shift,
                scaling.scale,
                kinds,
                frequencies / frequencies.sum(),
            )
        return conditions, inputs

    @property
    def n_inputs(self):
        """Number of inputs."""
        return sum(1 if c is None else len(c) for c in self.schema.categories)

    def encode(self, y, n_rows=None):
        """Inputs for y, a single value of which may stand for all rows.

        Parameters
        ----------
        y : scalar or array-like
            One value or row for all, or one for each row.

        n_rows : int, default=None
            Number of rows wanted; None takes those of y.

        Returns
        -------
        inputs : ndarray of shape (n_rows, n_inputs)
            For the networks.
        """
        table = _table([y] if np.ndim(y) == 0 else y, self.schema.n_features)
        inputs = self._inputs(_complete(self.schema.encode(table)))
        if n_rows is not None and len(inputs) == 1:
            inputs = np.repeat(inputs, n_rows, axis=0)
        if n_rows is not None and len(inputs) != n_rows:
            raise ValueError(
                f"y has {len(inputs)} rows, but {n_rows} are wanted: give one row of y "
                "for each, or one for all."
            )
        return inputs

    def every_kind(self):
        """The kinds of rows seen in training and their frequencies."""
        if not len(self.kinds):
            raise ValueError(
                f"y had more than {MOST_KINDS} different rows in fit, too many to sum "
                "over: give y. Where there is no way to, as in a transformer, fit "
                "without conditional=True, with y among the columns of X."
            )
        return self.kinds, self.frequencies

    def _inputs(self, codes):
        parts = []
        for j, categories in enumerate(self.schema.categories):
            if categories is None:
                parts.append((codes[:, [j]] - self.shift[j]) / self.scale[j])
            else:
                parts.append(codes[:, [j]] == np.arange(len(categories)))
        return np.hstack(parts).astype(np.float64)

    def state(self):
        """Plain things to make it of again."""
        return {
            "schema": self.schema.state(),
            "shift": self.shift,
            "scale": self.scale,
            "kinds": self.kinds,
            "frequencies": self.frequencies,
        }

    @classmethod
    def from_state(cls, state):
        """What `state` told."""
        return cls(**{**state, "schema": TableSchema.from_state(state["schema"])})


def _table(y, n_columns=None):
    """y as a table; labels become its only column."""
    if getattr(y, "ndim", None) == 2 or hasattr(y, "columns"):
        return y
    array = _array(y)
    if array.ndim == 1 and n_columns not in (None, 1):
        array = np.asarray(list(y), dtype=object)[None, :]
    elif array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise ValueError(
            f"y must have shape (n_samples,) or (n_samples, n_columns), got "
            f"{array.shape}."
        )
    return array if array.dtype.kind not in "US" else array.astype(object)


def _array(y):
    """y as an array, in which numbers beside strings stay numbers."""
    array = np.asarray(y)
    if array.dtype.kind in "US" and not hasattr(y, "dtype"):
        array = np.asarray(y, dtype=object)
    return array


def _warn_of_many_labels(schema):
    """Of numbers that were taken for labels, each of which becomes an input."""
    for column, categories in zip(schema.columns, schema.categories):
        if categories is None or len(categories) <= MOST_KINDS:
            continue
        if column.storage.nature in ("integer", "real"):
            warn_user(
                f"Column {column.name!r} of y holds {len(categories)} different whole "
                "numbers, which are taken for labels: each becomes an input, and no "
                "other may be given later. If they are quantities, divide them by a "
                "number such as their largest, so that they are not all whole.",
                UserWarning,
            )


def _names(n_columns):
    """What messages call the columns of y."""
    return ["y"] if n_columns == 1 else [f"y[:, {j}]" for j in range(n_columns)]


def _categorical(table):
    """Which columns are labels: all but those of numbers that are not all whole."""
    if hasattr(table, "columns"):
        columns = [np.asarray(table[name]) for name in table.columns]
    else:
        columns = list(np.asarray(table).T)
    return np.array([_is_label(column) for column in columns])


def _is_label(column):
    if column.dtype.kind == "O":
        try:
            column = np.array([each + 0.0 for each in column], dtype=np.float64)
        except TypeError:  # strings, None
            return True
    if column.dtype.kind in "USb":
        return True
    if column.dtype.kind == "f" and not np.isfinite(column).all():
        raise ValueError("y contains NaN or infinity: leave out such rows.")
    with warnings.catch_warnings():  # of many classes, that they may be numbers
        warnings.simplefilter("ignore")
        return type_of_target(column) != "continuous"


def _complete(codes):
    if np.isnan(codes).any():
        raise ValueError(
            "y contains missing values: leave out such rows, or fill them."
        )
    return codes
