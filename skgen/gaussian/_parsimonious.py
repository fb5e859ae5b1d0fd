r"""Ten structures between those of scikit-learn: volume, shape and orientation.

A covariance is :math:`\Sigma_k = \lambda_k D_k A_k D_k^\top` with a volume
:math:`\lambda_k`, a shape :math:`A_k`, diagonal and of determinant 1, and an
orientation :math:`D_k`, orthogonal (Banfield and Raftery, 1993,
:doi:`10.2307/2532201`). Each of the three is equal (E) or variable (V) among the
components, or the identity (I): names give volume, shape and orientation in this
order. Estimates are those of Celeux and Govaert (1995),
:doi:`10.1016/0031-3203(94)00125-6`, with maximisers in place of their iterations of
orientations.

Within, ``shares`` of shape (n_groups, n_components) are each component's share of its
mixture's rows, and scatters are per row: S_k of shape (n_groups, n_components, ...).
"""

import numpy as np

from ._covariance_structure import IllDefinedCovarianceError
from ._orientation import common_orientation, in_axes
from ._structures import CLASSICAL, Diagonal, Full, Spherical

# A common shape is found when no volume changes by more, relatively.
SAME_VOLUMES = 1e-9
MOST_ROUNDS = 200


class _Parsimonious:
    """What the ten have in common: their estimate, in terms of shares.

    Scatters are raised to the floor before they are put together: the structure is
    that of the covariances, and they are held where single scatters are.
    """

    def fewest_rows(self, n_features):
        return 3

    def estimate(self, counts, scatters, previous=None, n_groups=1, floor=0.0):
        each = self.storage.estimate(counts, scatters, floor=floor)
        by_group = (n_groups, -1, *each.shape[1:])
        shares = counts.reshape(n_groups, -1)
        shares = shares / shares.sum(axis=1, keepdims=True)
        previous = None if previous is None else previous.reshape(by_group)
        each = each.reshape(by_group)
        try:
            with np.errstate(all="ignore"):
                found = self._of_shares(shares, each, previous)
        except np.linalg.LinAlgError as error:
            raise IllDefinedCovarianceError(str(error)) from None
        if not np.isfinite(found).all():
            raise IllDefinedCovarianceError("a component has no volume")
        return found.reshape(scatters.shape)


class EII(_Parsimonious, Spherical):
    """Balls of one size: a single variance."""

    storage = CLASSICAL["spherical"]

    def n_parameters(self, n_components, n_features):
        return 1

    def _of_shares(self, shares, scatters, previous):
        return _alike(_mean(shares, scatters), scatters)


class EEI(_Parsimonious, Diagonal):
    """Equal ellipsoids along the axes: one variance for each column."""

    storage = CLASSICAL["diag"]

    def n_parameters(self, n_components, n_features):
        return n_features

    def _of_shares(self, shares, scatters, previous):
        return _alike(_mean(shares, scatters), scatters)


class VEI(_Parsimonious, Diagonal):
    """Similar ellipsoids along the axes: a volume each, one shape."""

    storage = CLASSICAL["diag"]

    def n_parameters(self, n_components, n_features):
        return n_components + n_features - 1

    def _of_shares(self, shares, scatters, previous):
        start = None if previous is None else _geometric_mean(previous)
        volumes, shape = common_shape(shares, scatters, start)
        return volumes[..., None] * shape[:, None]


class EVI(_Parsimonious, Diagonal):
    """Ellipsoids of one volume along the axes: a shape each."""

    storage = CLASSICAL["diag"]

    def n_parameters(self, n_components, n_features):
        return 1 + n_components * (n_features - 1)

    def _of_shares(self, shares, scatters, previous):
        return _of_one_volume(shares, scatters)


class VEE(_Parsimonious, Full):
    """Similar ellipsoids, turned the same way: a volume each, one matrix."""

    storage = CLASSICAL["full"]

    def n_parameters(self, n_components, n_features):
        return n_components - 1 + n_features * (n_features + 1) // 2

    def _of_shares(self, shares, scatters, previous):
        start = None if previous is None else _root_determinants(previous)
        volumes, matrix = common_matrix(shares, scatters, start)
        return volumes[..., None, None] * matrix[:, None]


class EVE(_Parsimonious, Full):
    """Ellipsoids of one volume with the same axes: a shape each."""

    storage = CLASSICAL["full"]
    isotropic = True

    def n_parameters(self, n_components, n_features):
        n_angles = n_features * (n_features - 1) // 2
        return 1 + n_components * (n_features - 1) + n_angles

    def fewest_rows(self, n_features):
        return n_features + 1

    def _of_shares(self, shares, scatters, previous):
        axes = common_orientation(shares, scatters, previous, one_volume=True)
        return self.of_spectrum(_of_one_volume(shares, in_axes(scatters, axes)), axes)


class VVE(_Parsimonious, Full):
    """Ellipsoids with the same axes: a variance along each for each component."""

    storage = CLASSICAL["full"]
    isotropic = True

    def n_parameters(self, n_components, n_features):
        return n_components * n_features + n_features * (n_features - 1) // 2

    def fewest_rows(self, n_features):
        return n_features + 1

    def _of_shares(self, shares, scatters, previous):
        axes = common_orientation(shares, scatters, previous)
        return self.of_spectrum(in_axes(scatters, axes), axes)


class EEV(_Parsimonious, Full):
    """Equal ellipsoids, each turned its own way: one set of eigenvalues."""

    storage = CLASSICAL["full"]
    isotropic = True

    def n_parameters(self, n_components, n_features):
        return n_features + n_components * (n_features * (n_features - 1) // 2)

    def fewest_rows(self, n_features):
        return n_features + 2

    def _of_shares(self, shares, scatters, previous):
        values, axes = np.linalg.eigh(scatters)
        return self.of_spectrum(_alike(_mean(shares, values), values), axes)


class VEV(_Parsimonious, Full):
    """Similar ellipsoids, each turned its own way: a volume each, one shape."""

    storage = CLASSICAL["full"]
    isotropic = True

    def n_parameters(self, n_components, n_features):
        n_angles = n_features * (n_features - 1) // 2
        return n_components + n_features - 1 + n_components * n_angles

    def fewest_rows(self, n_features):
        return n_features + 2

    def _of_shares(self, shares, scatters, previous):
        values, axes = np.linalg.eigh(scatters)
        start = None if previous is None else _root_determinants(previous)
        volumes, shape = common_shape(shares, values, start)
        return self.of_spectrum(volumes[..., None] * shape[:, None], axes)


class EVV(_Parsimonious, Full):
    """Ellipsoids of one volume: a shape and an orientation each."""

    storage = CLASSICAL["full"]

    def n_parameters(self, n_components, n_features):
        return 1 + n_components * (n_features * (n_features + 1) // 2 - 1)

    def fewest_rows(self, n_features):
        return n_features + 2

    def _of_shares(self, shares, scatters, previous):
        roots = _root_determinants(scatters)
        return scatters * (_mean(shares, roots)[:, None] / roots)[..., None, None]


#: The structures under all their names: scikit-learn's first, then mclust's.
STRUCTURES = {
    **CLASSICAL,
    "EII": EII(),
    "VII": CLASSICAL["spherical"],
    "EEI": EEI(),
    "VEI": VEI(),
    "EVI": EVI(),
    "VVI": CLASSICAL["diag"],
    "EEE": CLASSICAL["tied"],
    "VEE": VEE(),
    "EVE": EVE(),
    "VVE": VVE(),
    "EEV": EEV(),
    "VEV": VEV(),
    "EVV": EVV(),
    "VVV": CLASSICAL["full"],
}


def common_shape(shares, variances, start=None):
    """Volumes and the common shape, of any length, of the likeliest variances.

    Minimises over both Σ_k p_k Σ_j (log(v_k a_j) + s_kj / (v_k a_j)), a convex
    function of the logs of the volumes, by turns.

    Parameters
    ----------
    shares : ndarray of shape (n_groups, n_components)
        Shares p_k.

    variances : ndarray of shape (n_groups, n_components, n_features)
        Variances s_kj of the rows.

    start : ndarray of shape (n_groups, n_components) or None, default=None
        First volumes.

    Returns
    -------
    volumes : ndarray of shape (n_groups, n_components)
    shape : ndarray of shape (n_groups, n_features)
    """

    def shape_of(volumes):
        return _mean(shares / volumes, variances)

    def volumes_of(shape):
        return (variances / shape[:, None]).mean(axis=2)

    start = variances.mean(axis=2) if start is None else start
    return _by_turns(start, shape_of, volumes_of)


def common_matrix(shares, scatters, start=None):
    """Volumes and the common matrix of the likeliest proportional covariances.

    As `common_shape`, for matrices; their shape is (n_groups, n_components,
    n_features, n_features).
    """
    n_features = scatters.shape[-1]

    def matrix_of(volumes):
        return _mean(shares / volumes, scatters)

    def volumes_of(matrix):
        inverse = np.linalg.inv(matrix)
        return np.einsum("gij,gkij->gk", inverse, scatters) / n_features

    if start is None:
        start = np.trace(scatters, axis1=2, axis2=3) / n_features
    return _by_turns(start, matrix_of, volumes_of)


def _by_turns(volumes, common_of, volumes_of):
    """Volumes and what is common, until volumes no longer change."""
    for _ in range(MOST_ROUNDS):
        before, volumes = volumes, volumes_of(common_of(volumes))
        # what is common has any length: ratios of volumes are all that counts
        ratios = volumes / before
        ratios /= ratios[:, :1]
        if not (np.abs(ratios - 1.0) > SAME_VOLUMES).any():
            break
    return volumes, common_of(volumes)


def _mean(shares, each):
    """Weighted sums over the components of each group."""
    return np.einsum("gk,gk...->g...", shares, each)


def _alike(common, each):
    """What is common to a group, for each of its components."""
    return np.broadcast_to(common[:, None], each.shape)


def _of_one_volume(shares, variances):
    """The likeliest variances of which the products are all the same."""
    means = _geometric_mean(variances)
    return variances * (_mean(shares, means)[:, None] / means)[..., None]


def _geometric_mean(variances):
    return np.exp(np.log(variances).mean(axis=-1))


def _root_determinants(matrices):
    """Determinants to the power 1 / n_features: NaN where they are not positive."""
    signs, logs = np.linalg.slogdet(matrices)
    roots = np.exp(logs / matrices.shape[-1])
    return np.where((signs > 0.0) & (roots > 0.0), roots, np.nan)
