"""The one gate to scikit-learn's underscored parts.

Whatever skgen needs of scikit-learn that carries an underscore is imported here
and nowhere else, so that one file tells what a new scikit-learn can break.
Public names of scikit-learn are imported where they are used.
"""

import numpy as np
from sklearn.base import _fit_context as fit_context
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils import check_random_state
from sklearn.utils._openmp_helpers import (
    _openmp_effective_n_threads as effective_n_threads,
)
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils._set_output import ADAPTERS_MANAGER, _get_output_config
from sklearn.utils.parallel import _get_threadpool_controller as threadpool_controller
from sklearn.utils.validation import _check_method_params as params_of_rows
from sklearn.utils.validation import _check_sample_weight as check_sample_weight

__all__ = [
    "HasMethods",
    "Interval",
    "StrOptions",
    "check_row_weights",
    "effective_n_threads",
    "fit_context",
    "generator_of",
    "in_configured_container",
    "keep_container",
    "params_of_rows",
    "safe_indexing",
    "threadpool_controller",
]


def in_configured_container(X, estimator):
    """Rows in the container that ``set_output`` chose, under the fitted names.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Rows that an estimator made.

    estimator : estimator
        The estimator.

    Returns
    -------
    X : ndarray or data frame
        The array itself by default, or where no names were seen in ``fit``.
    """
    dense = _get_output_config("transform", estimator)["dense"]
    names = getattr(estimator, "feature_names_in_", None)
    if dense == "default" or names is None:
        return X
    return ADAPTERS_MANAGER.adapters[dense].create_container(X, X, columns=names)


def keep_container(made, estimator):
    """Let an estimator made from another put out the container chosen for that."""
    chosen = getattr(estimator, "_sklearn_output_config", None)
    if chosen is not None:
        made._sklearn_output_config = dict(chosen)


def check_row_weights(sample_weight, X):
    """Weights of rows: finite, none negative, the largest in [1/2, 1).

    Their unit does not matter; a power of two changes it without rounding.
    """
    weights = check_sample_weight(
        sample_weight, X, dtype=np.float64, ensure_non_negative=True
    )
    return np.ldexp(weights, -np.frexp(weights.max())[1])


def generator_of(random_state):
    """A generator; for None a fresh one, so that no global state is touched."""
    return (
        np.random.RandomState()
        if random_state is None
        else check_random_state(random_state)
    )
