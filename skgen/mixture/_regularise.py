"""What keeps a mixture's covariances from becoming singular, as the user asked."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from sklearn.utils import check_array

from ..gaussian import CovariancePrior, Regularisation

# What reg_covar="auto" means: no variance, in any direction, below this share of
# the columns' variances.
AUTO_FLOOR = 1e-10


class Prior(NamedTuple):
    """Pseudo-rows: 'pooled', a covariance in units of the data or None; how many."""

    covariance: object
    count: float


def regularisation_of(reg_covar, frame):
    """The regularisation that `reg_covar` asks for, in units of a frame."""
    if reg_covar == "auto":
        return Regularisation(floor=AUTO_FLOOR)
    with np.errstate(over="ignore"):
        ridge = reg_covar / frame.scale / frame.scale
    if not np.isfinite(ridge).all():
        raise ValueError(
            f"reg_covar={reg_covar} is too large for columns of standard "
            f"deviation {frame.scale.min():.3g}. Rescale the columns, or set "
            "reg_covar='auto', which knows no units."
        )
    return Regularisation(ridge=ridge)


def with_prior(regularisation, prior, count, start, frame):
    """The same with pseudo-rows.

    Parameters
    ----------
    regularisation : Regularisation
        Without a prior.

    prior : 'pooled' or ndarray of shape (n_features, n_features)
        Covariance of the pseudo-rows, in units of the data.

    count : float
        How many each component is given, in units of the rows' weights.

    start : MixtureParameters
        What 'pooled' refers to.

    frame : Frame
        The frame of reference.
    """
    if isinstance(prior, str):
        found = CovariancePrior.pooled(count, start)
    else:
        inside = prior / frame.scale[:, None] / frame.scale
        found = CovariancePrior.of_matrix(start.structure, count, inside)
    return replace(regularisation, prior=found)


def check_covariance_prior(prior, n_features):
    """A symmetric, positive definite matrix; None and 'pooled' as they are."""
    if prior is None or isinstance(prior, str):
        return prior
    prior = check_array(prior, dtype=np.float64, input_name="covariance_prior")
    if prior.shape != (n_features, n_features):
        raise ValueError(
            f"covariance_prior must have the shape ({n_features}, {n_features}) of a "
            f"covariance of the columns of X, got {prior.shape}."
        )
    scale = np.sqrt(np.abs(np.diagonal(prior)))
    scale[scale == 0.0] = 1.0
    unit = prior / scale[:, None] / scale
    variances = np.linalg.eigvalsh(unit)
    rounding = 10 * n_features * np.finfo(np.float64).eps * variances[-1]
    if not np.allclose(unit, unit.T) or variances[0] <= rounding:
        raise ValueError(
            "covariance_prior must be symmetric and positive definite: a covariance "
            "matrix of the columns in which no direction is without variance."
        )
    return prior
