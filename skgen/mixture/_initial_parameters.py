"""Initial weights, means and precisions that users hand in, checked."""

import numpy as np
from sklearn.utils import check_array

DTYPES = [np.float64, np.float32]


def check_initial_parameters(mixture, structure, n_features):
    """The user's initial weights, means and precisions, or None for each."""
    n_components = mixture.n_components
    weights, means, precisions = None, None, None
    if mixture.weights_init is not None:
        weights = check_weights(mixture.weights_init, n_components)
    if mixture.means_init is not None:
        means = check_means(mixture.means_init, n_components, n_features)
    if mixture.precisions_init is not None:
        precisions = check_precisions(
            mixture.precisions_init,
            mixture.covariance_type,
            structure,
            n_components,
            n_features,
        )
    return weights, means, precisions


def check_last_solution(mixture, structure):
    """The last fit must be one from which a warm start can go on."""
    means = (mixture.n_components, mixture.n_features_in_)
    factors = structure.shape(*means)
    if (
        mixture.means_.shape != means
        or mixture.precisions_cholesky_.shape != factors
        or not structure.are_factors(structure.inside(mixture.precisions_cholesky_))
    ):
        raise ValueError(
            f"warm_start=True goes on from the last fit, which left means_ of "
            f"shape {mixture.means_.shape} and precisions_cholesky_ of shape "
            f"{mixture.precisions_cholesky_.shape}, but n_components and "
            f"covariance_type={mixture.covariance_type!r} now ask for {means} and "
            f"{factors}. Set warm_start=False, or keep them as they were."
        )


def check_weights(weights, n_components):
    """Weights of shape (n_components,), in [0, 1], that sum to one."""
    weights = check_array(weights, dtype=DTYPES, ensure_2d=False)
    _check_shape(weights, (n_components,), "weights")
    if (weights < 0.0).any() or (weights > 1.0).any():
        raise ValueError(
            "The parameter 'weights' should be in the range [0, 1], but got "
            f"max value {weights.min():.5f}, min value {weights.max():.5f}"
        )
    tolerance = 1e-6 if weights.dtype == np.float32 else 1e-8
    if abs(1.0 - float(weights.sum())) > tolerance:
        raise ValueError(
            "The parameter 'weights' should be normalized, but got "
            f"sum(weights) = {weights.sum():.5f}"
        )
    return weights.astype(np.float64)


def check_means(means, n_components, n_features):
    """Means of shape (n_components, n_features)."""
    means = check_array(means, dtype=DTYPES, ensure_2d=False)
    _check_shape(means, (n_components, n_features), "means")
    return means.astype(np.float64)


def check_precisions(precisions, covariance_type, structure, n_components, n_features):
    """Positive (definite) precisions of the structure's shape."""
    precisions = check_array(
        precisions,
        dtype=DTYPES,
        ensure_2d=False,
        allow_nd=structure.matrices and not structure.shared,
    )
    shape = structure.shape(n_components, n_features)
    _check_shape(precisions, shape, f"{covariance_type} precision")
    precisions = precisions.astype(np.float64)
    if not structure.matrices:
        if (precisions <= 0.0).any():
            raise ValueError(f"'{covariance_type} precision' should be positive")
        return precisions
    symmetric = np.allclose(precisions, np.swapaxes(precisions, -1, -2))
    if not symmetric or (np.linalg.eigvalsh(precisions) <= 0.0).any():
        raise ValueError(
            f"'{covariance_type} precision' should be symmetric, positive-definite"
        )
    return precisions


def _check_shape(parameter, shape, name):
    if parameter.shape != shape:
        raise ValueError(
            f"The parameter '{name}' should have the shape of {shape}, but got "
            f"{parameter.shape}"
        )
