"""The frame of reference in which Gaussians are fitted: centred, scaled columns."""

from dataclasses import dataclass

import numpy as np

# A column whose spread is below this many units of rounding of its largest value
# is constant: what varies is not data.
CONSTANT_ULPS = 8

# Stands for the weight of no rows where something is divided by it.
SMALLEST_TOTAL = 1e-300


@dataclass(frozen=True)
class Frame:
    """Where the data lie and how wide they spread, column by column.

    Sums of squares about a distant origin lose digits; in this frame the data
    have mean 0 and variance 1, so that offsets and units of columns do not matter.

    Parameters
    ----------
    center : ndarray of shape (n_features,)
        Mean of each column.

    scale : ndarray of shape (n_features,)
        Standard deviation of each column; 1 where a column is constant.
    """

    center: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, X, weights, *, isotropic=False, block_size=4096):
        """The frame of weighted rows.

        Two passes: the range of the columns, then moments of what the range maps
        to [-1, 1], so that neither huge nor tiny units overflow. Missing cells, NaN,
        are passed over.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            Rows.

        weights : ndarray of shape (n_samples,) or None
            Their weights; None for ones.

        isotropic : bool, default=False
            One scale for all columns, where a model knows only one variance.

        block_size : int, default=4096
            Rows at a time.

        Returns
        -------
        frame : Frame
            The frame.
        """
        low = np.fmin.reduce(X, axis=0).astype(float)
        high = np.fmax.reduce(X, axis=0).astype(float)
        middle, half_range = low / 2 + high / 2, high / 2 - low / 2
        largest = np.maximum(np.abs(low), np.abs(high))
        rounding = CONSTANT_ULPS * np.finfo(X.dtype).eps * largest
        constant = half_range * 2 <= rounding
        unit = np.where(constant, 1.0, half_range)
        mean, variance = _moments(X, weights, middle, unit, block_size)
        center = middle + unit * mean
        scale = np.where(constant, 1.0, unit * np.sqrt(variance))
        if isotropic:
            scale = np.full_like(scale, _common_scale(scale, constant))
        return cls(center, np.where(scale > 0, scale, 1.0))

    def inside(self, points):
        """Points in units of the data, in units of the frame."""
        return (points - self.center) / self.scale

    def outside(self, points):
        """The inverse of `inside`."""
        return points * self.scale + self.center

    @property
    def log_volume(self):
        """Log of the volume that one unit of the frame has in units of the data."""
        return np.log(self.scale).sum()


def _moments(X, weights, middle, unit, block_size):
    """Weighted mean and variance of ``(X - middle) / unit``, merged over blocks.

    Each block is centred on its own mean and merged by the update of Chan, Golub
    and LeVeque (1983), so that a mean far from the middle costs no digits.
    """
    total, mean, scatter = 0.0, 0.0, 0.0
    for start in range(0, X.shape[0], block_size):
        rows = (X[start : start + block_size] - middle) / unit
        w = (
            np.ones(len(rows))
            if weights is None
            else weights[start : start + len(rows)]
        )
        w_total, w_mean, w_scatter = _block_moments(rows, w)
        if not np.any(w_total):
            continue
        shift = w_mean - mean
        share = w_total / np.maximum(total + w_total, SMALLEST_TOTAL)
        scatter = scatter + w_scatter + shift**2 * total * share
        mean = mean + shift * share
        total = total + w_total
    return mean, scatter / total


def _block_moments(rows, w):
    """Weight, mean and scatter of the columns of a block, NaN passed over."""
    missing = np.isnan(rows)
    if not missing.any():
        total = w.sum()
        mean = w @ rows / max(total, SMALLEST_TOTAL)
        rows -= mean
        return total, mean, w @ (rows * rows)
    total = w @ ~missing
    mean = w @ np.where(missing, 0.0, rows) / np.maximum(total, SMALLEST_TOTAL)
    rows = np.where(missing, 0.0, rows - mean)
    return total, mean, w @ (rows * rows)


def _common_scale(scale, constant):
    """Root mean square of the columns' scales, the constant ones left out."""
    if constant.all():
        return 1.0
    varying = scale[~constant]
    largest = varying.max()
    total = np.square(varying / largest).sum() / len(scale)
    return largest * np.sqrt(total)
