"""Normal points that are spread evenly and never change: scores must not be random."""

import numpy as np
from scipy.special import ndtri
from scipy.stats import qmc

# Where scipy's Sobol' sequences end.
MOST_DIMENSIONS = 21201


def normal_points(n_points, n_dimensions, seed):
    """Scrambled Sobol' points, made normal, with means 0 and variances 1.

    From two points on, their moments are mended so that averages over them of what is
    quadratic in each dimension by itself are exact: the mean of log p(z) − log q(z) is
    then minus the closed-form KL divergence for a standard normal prior.

    Parameters
    ----------
    n_points, n_dimensions : int
        Shape of the points.

    seed : int
        Scrambles them.

    Returns
    -------
    points : ndarray of shape (n_points, n_dimensions)
        float64.
    """
    if n_dimensions > MOST_DIMENSIONS:
        points = np.random.RandomState(seed).standard_normal((n_points, n_dimensions))
    else:
        sobol = qmc.Sobol(n_dimensions, rng=np.random.default_rng(seed))
        uniform = sobol.random_base2(int(np.ceil(np.log2(n_points))))[:n_points]
        points = ndtri(np.clip(uniform, 1e-12, 1.0 - 1e-12))
    if n_points == 1:
        return points
    points = points - points.mean(axis=0)
    return points / np.sqrt(np.square(points).mean(axis=0))
