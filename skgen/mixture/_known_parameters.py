"""Weights, means and covariances of a whole mixture that users hand in, checked."""

import numpy as np
from sklearn.utils import check_array

from ..gaussian import STRUCTURES, IllDefinedCovarianceError, MixtureParameters

# Sums of weights as far from 1 as this are rounding errors of float64, and what
# float32 leaves of them.
TOLERANCES = {np.dtype(np.float32): 1e-6, np.dtype(np.float64): 1e-8}

# A covariance matrix may differ from its transpose by so much, in units of standard
# deviations.
ASYMMETRY = 1e-6

DTYPES = [np.float64, np.float32]


def known_parameters(weights, means, covariances, covariance_type):
    """The parameters of a mixture, in float64.

    Parameters
    ----------
    weights, means, covariances : array-like
        As the fitted attributes have them.

    covariance_type : str
        Name of the covariances' structure.

    Returns
    -------
    parameters : MixtureParameters
        In units of the data.

    Raises
    ------
    ValueError
        Where they are not those of a mixture.
    """
    if covariance_type not in STRUCTURES:
        raise ValueError(
            f"covariance_type must be one of {', '.join(map(repr, STRUCTURES))}; got "
            f"{covariance_type!r}."
        )
    structure = STRUCTURES[covariance_type]
    means = _checked_means(means)
    weights = _checked_weights(weights, len(means))
    covariances = _array(covariances, "covariances")
    shape = structure.shape(*means.shape)
    if covariances.shape != shape:
        raise ValueError(
            f"covariances must have shape {shape} for covariance_type="
            f"{covariance_type!r} and means of shape {means.shape}; got "
            f"{covariances.shape}."
        )
    covariances = structure.inside(covariances)
    if structure.matrices:
        covariances = _checked_matrices(covariances, structure.shared)
    elif not (covariances > 0.0).all():
        raise ValueError(
            f"covariances must be positive; got a variance of {covariances.min():g}. "
            "Drop columns that are constant, or give them a small variance."
        )
    return _with_factors(structure, weights, means, covariances)


def _array(given, name):
    """A finite array of float64."""
    array = check_array(
        given, dtype=DTYPES, ensure_2d=False, allow_nd=True, input_name=name
    )
    return array.astype(np.float64)


def _checked_means(means):
    means = _array(means, "means")
    if means.ndim == 1:
        raise ValueError(
            "means must have shape (n_components, n_features); got the one-dimensional "
            f"shape {means.shape}. For one feature pass means.reshape(-1, 1), for one "
            "component means.reshape(1, -1)."
        )
    if means.ndim != 2:
        raise ValueError(
            "means must have shape (n_components, n_features); got shape "
            f"{means.shape}."
        )
    return means


def _checked_weights(given, n_components):
    weights = _array(given, "weights")
    if weights.shape != (n_components,):
        raise ValueError(
            f"weights must have shape ({n_components},), one for each row of means; "
            f"got {weights.shape}."
        )
    if (weights < 0.0).any():
        raise ValueError(f"weights must not be negative; got {weights.min():g}.")
    dtype = getattr(given, "dtype", np.dtype(np.float64))
    if abs(weights.sum() - 1.0) > TOLERANCES.get(dtype, 1e-8):
        raise ValueError(
            f"weights must sum to 1; got a sum of {weights.sum():.9g}. Divide them by "
            "their sum."
        )
    return weights


def _checked_matrices(covariances, shared):
    """Covariance matrices, symmetric to the last bit."""
    variances = np.diagonal(covariances, axis1=1, axis2=2)
    for number, (matrix, diagonal) in enumerate(zip(covariances, variances)):
        name = "covariances" if shared else f"covariances[{number}]"
        if not (diagonal > 0.0).all():
            raise ValueError(
                f"{name} must be positive definite; got a variance of "
                f"{diagonal.min():g}. Drop columns that are constant, or give them a "
                "small variance."
            )
        deviations = np.sqrt(diagonal)
        correlations = matrix / deviations[:, None] / deviations
        if np.abs(correlations - correlations.T).max() > ASYMMETRY:
            raise ValueError(
                f"{name} must be symmetric; it differs from its transpose. Pass the "
                "mean of both if the difference is noise."
            )
    return 0.5 * (covariances + np.swapaxes(covariances, 1, 2))


def _with_factors(structure, weights, means, covariances):
    """Parameters with factors of precisions, which must be floats as well."""
    try:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            parameters = MixtureParameters.of_covariances(
                structure, weights, means, covariances
            )
            precisions = structure.precisions(parameters.factors)
    except IllDefinedCovarianceError:
        raise ValueError(_singular_message(structure, covariances)) from None
    if not np.isfinite(precisions).all():
        raise ValueError(
            "The precisions, inverse covariances, cannot be held in float64. Rescale "
            "the columns."
        )
    return parameters


def _singular_message(structure, covariances):
    """Which matrix has no Cholesky factor, and how far it is from having one."""
    smallest = np.empty(len(covariances))
    for number, matrix in enumerate(covariances):
        deviations = np.sqrt(np.diagonal(matrix))
        correlations = matrix / deviations[:, None] / deviations
        smallest[number] = np.linalg.eigvalsh(correlations)[0]
    worst = int(smallest.argmin())
    name = "covariances" if structure.shared else f"covariances[{worst}]"
    return (
        f"{name} must be positive definite; the smallest eigenvalue of its "
        f"correlations is {smallest[worst]:.3g}. Add a small number to its diagonal, "
        "or drop columns that are linear combinations of others."
    )
