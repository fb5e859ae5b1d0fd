"""Axes that several covariances share: the likeliest ones, by rotations.

With S_k the scatter per row of a component and p_k its share of the rows, the axes D
that maximise the likelihood of covariances D A_k Dᵀ minimise

    Σ_k p_k Σ_j log (Dᵀ S_k D)_jj

where volumes vary (Flury and Gautschi, 1986, :doi:`10.1137/0907013`), and
d log Σ_k p_k Π_j (Dᵀ S_k D)_jj^(1/d) where they are equal. Here D ← D R with a rotation
R near the one that a quasi-Newton step for all pairs of axes at once asks for, as
Ablin, Cardoso and Gramfort (2018) diagonalise matrices jointly, in conjugate
directions. Each step counts only where the function falls.

Mixtures stand behind each other along the first axis of all arrays.
"""

import numpy as np

# Steps from the axes of the covariances before; from scratch, fewer for mixtures that
# stand behind each other, which only race; and how many of these all the starts make.
WARM_STEPS = 4
COLD_STEPS = 300
RACING_STEPS = 20
TRIAL_STEPS = 10

# Axes are known where covariances in them have no correlation above this.
UNCORRELATED = 1e-6

# The largest angle of a step, and the curvature below which a pair's is not trusted.
LARGEST_ANGLE = 0.5
SMALLEST_CURVATURE = 1e-3

# Slopes that are rounding errors, and lengths of steps at which none leads down.
FLAT = 1e-9
SHORTEST = 1e-6

# How much of the way before is gone again at most, and a gain that divides safely.
LARGEST_SHARE = 5.0
SMALLEST_GAIN = 1e-300


def in_axes(scatters, axes):
    """Variances along the axes of their group."""
    turned = np.swapaxes(axes, -1, -2) @ scatters
    return np.einsum("gkji,gkij->gkj", turned, np.broadcast_to(axes, turned.shape))


def common_orientation(shares, scatters, previous=None, one_volume=False):
    """Orthogonal axes that minimise the function above.

    Parameters
    ----------
    shares : ndarray of shape (n_groups, n_components)
        Shares p_k.

    scatters : ndarray of shape (n_groups, n_components, n_features, n_features)
        Scatters S_k per row.

    previous : ndarray or None, default=None
        Covariances of the same shape; where all of a group have the same axes, these
        are where the search starts. Elsewhere it starts several times.

    one_volume : bool, default=False
        Whether the components' volumes are equal.

    Returns
    -------
    axes : ndarray of shape (n_groups, 1, n_features, n_features)
        In columns.
    """
    warm = None
    if previous is not None:
        warm, known = _axes_of(previous)
        if known.all():
            return _descend(shares, scatters, warm, one_volume, WARM_STEPS)[0][:, None]
    axes = _best_start(shares, scatters, warm, one_volume)
    n_steps = RACING_STEPS if len(shares) > 1 else COLD_STEPS
    return _descend(shares, scatters, axes, one_volume, n_steps)[0][:, None]


def _axes_of(covariances):
    """Axes of each group, and whether all its covariances have them.

    A sum of covariances has the axes that all of them have, unless it happens to
    have the same variance along two: its coefficients are such that none happens.
    """
    n_components, n_features = covariances.shape[1:3]
    odd = 0.5 + (np.arange(1, n_components + 1) * 0.6180339887498949) % 1.0
    traces = np.trace(covariances, axis1=2, axis2=3)
    axes = np.linalg.eigh(np.einsum("gk,gkij->gij", odd / traces, covariances))[1]
    turned = np.swapaxes(axes, 1, 2)[:, None] @ covariances @ axes[:, None]
    variances = np.diagonal(turned, axis1=2, axis2=3)
    products = variances[..., :, None] * variances[..., None, :]
    correlations = np.abs(turned) / np.sqrt(products)
    correlations[..., np.arange(n_features), np.arange(n_features)] = 0.0
    known = (correlations < UNCORRELATED).all(axis=(1, 2, 3))
    spread = variances.max(axis=2) / variances.min(axis=2) - 1.0
    return axes, known & (spread > UNCORRELATED).any(axis=1)


def _best_start(shares, scatters, warm, one_volume):
    """The best axes after a few steps from the scatters' own and their mean's."""
    n_groups, _, n_features = scatters.shape[:3]
    pooled = np.einsum("gk,gkij->gij", shares, scatters)[:, None]
    starts = np.linalg.eigh(np.concatenate([pooled, scatters], axis=1))[1]
    if warm is not None:
        starts = np.concatenate([starts, warm[:, None]], axis=1)
    n_starts = starts.shape[1]
    axes, heights = _descend(
        np.repeat(shares, n_starts, axis=0),
        np.repeat(scatters, n_starts, axis=0),
        starts.reshape(-1, n_features, n_features),
        one_volume,
        TRIAL_STEPS,
    )
    best = heights.reshape(n_groups, n_starts).argmin(axis=1)
    return axes.reshape(starts.shape)[np.arange(n_groups), best]


def _descend(shares, scatters, axes, one_volume, n_steps):
    """Axes after some steps, and the function there, one for each group."""
    height_of = _height_of_one_volume if one_volume else _height
    turned = _turn(scatters, axes)
    height, weights = height_of(shares, _diagonals(turned))
    lengths = np.ones((len(axes), 1, 1))
    heading = _Heading()
    for _ in range(n_steps):
        step, slope = _step(weights, turned)
        if not (np.abs(slope) > FLAT).any():
            break
        step = lengths * heading(step, slope)
        rotation = _rotation(step)
        candidate = _turn(turned, rotation)
        new_height, new_weights = height_of(shares, _diagonals(candidate))
        better = new_height <= height
        longer = better[:, None, None]
        lengths = np.where(longer, np.minimum(1.0, 2.0 * lengths), 0.25 * lengths)
        heading.went(np.where(longer, step, 0.0))
        axes = np.where(longer, axes @ rotation, axes)
        turned = np.where(longer[..., None], candidate, turned)
        height = np.where(better, new_height, height)
        weights = np.where(better[:, None], new_weights, weights)
        if lengths.max() < SHORTEST:
            break
    return axes, height


class _Heading:
    """Conjugate directions: a quasi-Newton step, and some of the way before.

    Polak and Ribière's rule with the curvatures for a preconditioner, as if axes did
    not turn between steps; without the way before where that leads up, or led nowhere.
    """

    def __init__(self):
        self._before = None

    def __call__(self, step, slope):
        direction = step
        if self._before is not None:
            last_step, last_slope, way = self._before
            gained = -_inner(step, slope - last_slope)
            share = gained / np.maximum(-_inner(last_step, last_slope), SMALLEST_GAIN)
            direction = step + np.clip(share, 0.0, LARGEST_SHARE) * way
            direction = np.where(_inner(direction, slope) < 0.0, direction, step)
        self._before = step, slope, None
        return np.clip(direction, -LARGEST_ANGLE, LARGEST_ANGLE)

    def went(self, way):
        self._before = (*self._before[:2], way)


def _inner(first, second):
    return (first * second).sum(axis=(1, 2), keepdims=True)


def _turn(matrices, axes):
    return np.swapaxes(axes, 1, 2)[:, None] @ matrices @ axes[:, None]


def _diagonals(matrices):
    return np.diagonal(matrices, axis1=2, axis2=3)


def _height(shares, variances):
    """The function where volumes vary, and each component's weight in its slope."""
    return (shares * np.log(variances).sum(axis=2)).sum(axis=1), shares


def _height_of_one_volume(shares, variances):
    means = np.exp(np.log(variances).mean(axis=2))
    weights = shares * means
    total = weights.sum(axis=1)
    return variances.shape[2] * np.log(total), weights / total[:, None]


def _step(weights, turned):
    """Angles of the quasi-Newton step, and slopes: antisymmetric, one for each pair.

    For the rotation of axes i and j alone, with m = (Dᵀ S_k D)_ij and variances u, the
    slope is 2 Σ_k w_k m (1/u_j - 1/u_i), the curvature
    Σ_k w_k (2 (u_i - u_j)² / (u_i u_j) - 4 m² (1/u_i² + 1/u_j²)).
    """
    variances = _diagonals(turned)
    slopes = turned / variances[:, :, None, :]
    n_groups, _, n_features = variances.shape
    flat = slopes.reshape(n_groups, -1, n_features * n_features)
    weighted = weights[:, None, :]
    shape = (n_groups, n_features, n_features)
    slope = (weighted @ flat).reshape(shape)
    squares = (weighted @ np.square(flat)).reshape(shape)
    inverses = weights[:, :, None] / variances
    ratios = np.swapaxes(variances, 1, 2) @ inverses
    total = weights.sum(axis=1)[:, None, None]
    curvature = 2.0 * (ratios - total) - 4.0 * squares
    curvature = curvature + np.swapaxes(curvature, 1, 2)
    slope = 2.0 * (slope - np.swapaxes(slope, 1, 2))
    step = -slope / np.maximum(np.abs(curvature), SMALLEST_CURVATURE * total)
    return np.clip(step, -LARGEST_ANGLE, LARGEST_ANGLE), slope


def _rotation(angles):
    """Cayley's rotation by small angles."""
    half = 0.5 * angles
    one = np.eye(angles.shape[-1])
    return np.linalg.solve(one - half, one + half)
