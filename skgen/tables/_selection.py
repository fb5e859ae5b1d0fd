"""Which columns are categorical: what ``categorical_features`` may say."""

import numpy as np


def categorical_mask(categorical_features, names, is_named, by_dtype):
    """Whether each column is categorical.

    Parameters
    ----------
    categorical_features : "from_dtype", None or array-like
        By dtype; none; or names, indices or a boolean mask.
    names : list
        Names of the columns.
    is_named : bool
        Whether the names are the table's own.
    by_dtype : list of bool
        What the dtypes say.

    Returns
    -------
    mask : ndarray of shape (n_features,), of bool
    """
    if isinstance(categorical_features, str) and categorical_features == "from_dtype":
        return np.asarray(by_dtype, dtype=bool)
    if categorical_features is None:
        return np.zeros(len(names), dtype=bool)
    if np.ndim(categorical_features) == 0:
        raise ValueError(_expected(repr(categorical_features)))
    if len(categorical_features) == 0:
        return np.zeros(len(names), dtype=bool)
    chosen = np.asarray(categorical_features)
    if chosen.dtype.kind == "b":
        return _of_mask(chosen, len(names))
    if chosen.dtype.kind in "iu":
        return _of_indices(chosen, len(names))
    if all(isinstance(name, str) for name in categorical_features):
        return _of_names(list(categorical_features), names, is_named)
    raise ValueError(_expected(f"an array-like of dtype {chosen.dtype}"))


def _expected(got):
    return (
        "categorical_features must be 'from_dtype', None or an array-like of column "
        f"names, of indices or of booleans, got {got}."
    )


def _of_mask(mask, n_features):
    if mask.shape != (n_features,):
        raise ValueError(
            "categorical_features set as a boolean mask must have shape "
            f"({n_features},), got {mask.shape}: give one boolean per column."
        )
    return mask


def _of_indices(indices, n_features):
    low, high = indices.min(), indices.max()
    if low < 0 or high >= n_features:
        raise ValueError(
            "categorical_features set as integer indices must be in [0, "
            f"{n_features - 1}], got {low if low < 0 else high}."
        )
    mask = np.zeros(n_features, dtype=bool)
    mask[indices] = True
    return mask


def _of_names(chosen, names, is_named):
    if not is_named:
        raise ValueError(
            "categorical_features should be passed as an array of integers or as a "
            "boolean mask when the table has no column names, got the names "
            f"{chosen[:5]}."
        )
    for name in chosen:
        if name not in names:
            raise ValueError(
                f"categorical_features has an item {name!r} which is not a column "
                f"name of the table; it has {list(names)[:10]}."
            )
    return np.isin(np.asarray(names, dtype=object), chosen)
