"""Which columns of a fitted mixture a user means, by name or by number."""

from numbers import Integral

import numpy as np


def positions_of(columns, mixture):
    """Positions of the columns that a user asks for, in that order.

    Parameters
    ----------
    columns : str, int or array-like
        A name, a number, several of them, or a boolean mask over all columns.

    mixture : estimator
        The fitted mixture.

    Returns
    -------
    positions : ndarray of int
        At least one, none of them twice.

    Raises
    ------
    ValueError
        Where a column is unknown, asked for twice, or none is asked for.
    """
    asked = [columns] if np.ndim(columns) == 0 else list(columns)
    if asked and all(isinstance(each, (bool, np.bool_)) for each in asked):
        asked = _of_mask(asked, mixture)
    if not asked:
        raise ValueError(
            "At least one column is required; got none. Name the columns to keep."
        )
    positions = [position_of(column, mixture) for column in asked]
    _check_each_once(asked, positions)
    return np.array(positions, dtype=np.intp)


def given_values(given, mixture):
    """Positions and values of the columns that are given.

    Parameters
    ----------
    given : dict
        Values of columns, by name or number.

    mixture : estimator
        The fitted mixture.

    Returns
    -------
    positions : ndarray of int of shape (n_given,)
        The columns.

    values : ndarray of shape (n_given,)
        Their values.

    Raises
    ------
    TypeError
        Where `given` is not a mapping.

    ValueError
        Where a column is unknown or given twice, a value is not a finite number,
        or all or none of the columns are given.
    """
    if not hasattr(given, "items"):
        raise TypeError(
            "given must map columns to values, such as {'age': 40.0} or {0: 40.0}; got "
            f"{type(given).__name__}."
        )
    items = dict(given.items())
    if not items:
        raise ValueError(
            "given must hold the value of at least one column; got none. Given "
            "nothing, the distribution is the mixture itself."
        )
    positions = [position_of(column, mixture) for column in items]
    _check_each_once(list(items), positions)
    if len(positions) == mixture.n_features_in_:
        raise ValueError(
            f"given must leave at least one column open; got values of all "
            f"{len(positions)}. For the density of a whole row call score_samples."
        )
    values = [_checked_value(column, value) for column, value in items.items()]
    return np.array(positions, dtype=np.intp), np.array(values)


def position_of(column, mixture):
    """Position of one column; ValueError where there is no such."""
    if isinstance(column, str):
        return _position_of_name(column, mixture)
    n_features = mixture.n_features_in_
    if not isinstance(column, Integral) or isinstance(column, bool):
        raise ValueError(
            f"A column must be a name or an integer; got {column!r} of type "
            f"{type(column).__name__}."
        )
    if not 0 <= column < n_features:
        raise ValueError(
            f"A column's number must be from 0 to {n_features - 1}; got {column}."
            + (" Count from the first column on." if column < 0 else "")
        )
    return int(column)


def _position_of_name(column, mixture):
    names = getattr(mixture, "feature_names_in_", None)
    if names is None:
        raise ValueError(
            f"Columns have names only where the mixture was fitted on a table that "
            f"names them; got {column!r}. Pass the column's number, from 0 to "
            f"{mixture.n_features_in_ - 1}."
        )
    found = np.flatnonzero(names == column)
    if not found.size:
        raise ValueError(
            f"A column must be one of those seen in fit, {_listed(names)}; got "
            f"{column!r}."
        )
    return int(found[0])


def _listed(names, most=12):
    """Names between commas, not all of very many."""
    shown = ", ".join(repr(str(name)) for name in names[:most])
    return shown if len(names) <= most else f"{shown}, … ({len(names)} in all)"


def _of_mask(mask, mixture):
    if len(mask) != mixture.n_features_in_:
        raise ValueError(
            f"A boolean mask must have an entry for each of the "
            f"{mixture.n_features_in_} columns; got {len(mask)}."
        )
    return np.flatnonzero(mask).tolist()


def _check_each_once(asked, positions):
    _, first = np.unique(positions, return_index=True)
    twice = [each for i, each in enumerate(asked) if i not in first]
    if twice:
        raise ValueError(
            f"Each column must be asked for once; got {twice[0]!r} again. Drop the "
            "repetition."
        )


def _checked_value(column, value):
    """A finite number."""
    array = np.asarray(value)
    if array.ndim or array.dtype.kind not in "biuf":
        raise ValueError(
            f"The value of column {column!r} must be a number; got {value!r} of type "
            f"{type(value).__name__}."
        )
    if not np.isfinite(array):
        raise ValueError(
            f"The value of column {column!r} must be finite; got {value!r}. Leave out "
            "a column whose value is not known."
        )
    return float(array)
