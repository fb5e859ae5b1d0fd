r"""Covariances whose eigenvalues are not too unlike: none collapses, none engulfs.

All eigenvalues of a mixture's components lie in [m, c m] for a ratio c (García-Escudero
et al., 2008, :doi:`10.1214/07-AOS515`). The likeliest such covariances have the
eigenvectors of the scatters, and their eigenvalues d_kj clipped to the interval of the
m that minimises Σ_k n_k Σ_j (log d_kj^m + d_kj / d_kj^m), which is known in closed form
between any two of the values at which m and c m pass an eigenvalue (Fritz,
García-Escudero and Mayo-Iscar, 2013, :doi:`10.1016/j.csda.2012.11.018`).
"""

import numpy as np


def within_ratio(structure, counts, covariances, ratio, n_groups=1, floor=0.0):
    """The likeliest covariances whose eigenvalues are within a ratio.

    Parameters
    ----------
    structure : CovarianceStructure
        One of the classical structures.

    counts : ndarray of shape (n_components,)
        Sum of responsibilities.

    covariances : ndarray
        The likeliest covariances without the constraint.

    ratio : float
        The largest eigenvalue of a mixture's components is at most this many times
        the smallest; at least 1.

    n_groups : int, default=1
        Number of mixtures: each has an interval of its own.

    floor : float, default=0.0
        The smallest eigenvalue allowed.

    Returns
    -------
    covariances : ndarray
        As the structure keeps them.
    """
    values, vectors = structure.spectrum(covariances)
    values = np.maximum(values, 0.0)
    per_covariance = counts.reshape(len(values), -1).sum(axis=1, keepdims=True)
    weights = np.broadcast_to(per_covariance, values.shape)
    smallest = [
        max(floor, smallest_eigenvalue(*group, ratio))
        for group in zip(values.reshape(n_groups, -1), weights.reshape(n_groups, -1))
    ]
    smallest = np.repeat(smallest, len(values) // n_groups)[:, None]
    return structure.of_spectrum(np.clip(values, smallest, ratio * smallest), vectors)


def smallest_eigenvalue(values, weights, ratio):
    """The m of the likeliest interval [m, ratio · m].

    The derivative of the function with respect to log m is
    Σ_{d < m} w (1 - d/m) + Σ_{d > cm} w (1 - d/(cm)): it never falls, so that the
    minimum lies where it changes its sign.

    Parameters
    ----------
    values : ndarray of shape (n_values,)
        Eigenvalues d, none negative.

    weights : ndarray of shape (n_values,)
        Their weights w: the counts of the components that they are of.

    ratio : float
        The largest ratio c, at least 1.

    Returns
    -------
    smallest : float
        One of those that change nothing where eigenvalues are within the ratio; 0
        where all of them are 0.
    """
    edges = np.sort(np.concatenate([values, values / ratio]))
    sums = _Outside(values, weights, ratio)
    numbers, masses = sums(edges)
    slopes = np.full(len(edges), -np.inf)
    positive = edges > 0.0
    slopes[positive] = numbers[positive] - masses[positive] / edges[positive]
    after = int(np.searchsorted(slopes, 0.0))
    if after == len(edges):
        return float(edges[-1])
    if after == 0 or slopes[after] == 0.0:
        return float(edges[after])
    number, mass = sums(0.5 * (edges[after - 1] + edges[after]))
    if number <= 0.0:
        return float(edges[after])
    return float(np.clip(mass / number, edges[after - 1], edges[after]))


class _Outside:
    """Weight outside of [m, c m], and its sum times what m should be for each."""

    def __init__(self, values, weights, ratio):
        order = np.argsort(values)
        self._values, self._ratio = values[order], ratio
        weights = weights[order]
        self._numbers = np.concatenate([[0.0], weights.cumsum()])
        self._masses = np.concatenate([[0.0], (weights * self._values).cumsum()])

    def __call__(self, m):
        below = np.searchsorted(self._values, m, side="left")
        above = np.searchsorted(self._values, m * self._ratio, side="right")
        numbers = self._numbers[below] + self._numbers[-1] - self._numbers[above]
        high = self._masses[-1] - self._masses[above]
        return numbers, self._masses[below] + high / self._ratio
