"""Noise: rows that belong to no component, spread evenly over a box."""

from dataclasses import dataclass

import numpy as np

from ._parameters import LOG_NOTHING

# The box is wider than the rows by this share, and by so many units of rounding, so
# that none is left outside whatever the frame is.
MARGIN = 1e-9
MARGIN_ULPS = 8


@dataclass(frozen=True)
class UniformNoise:
    """A uniform density over a box, in units of a frame.

    Its weight is what the components' weights leave of 1.

    Parameters
    ----------
    low, high : ndarray of shape (n_features,)
        Corners of the box.
    """

    low: np.ndarray
    high: np.ndarray

    @classmethod
    def around(cls, low, high, frame):
        """The box from corners in units of the data, a little wider."""
        low, high = frame.inside(low), frame.inside(high)
        largest = np.maximum(np.abs(low), np.abs(high))
        margin = MARGIN * (high - low) + MARGIN_ULPS * np.finfo(float).eps * largest
        return cls(low - margin, high + margin)

    def log_joint(self, columns, weights):
        """Log of the noise's weight times its density, for rows on their side.

        Parameters
        ----------
        columns : ndarray of shape (n_features, n_rows)
            Rows in units of the frame. A cell that is missing, NaN, is integrated out.

        weights : ndarray of shape (n_components,)
            Weights of the components.

        Returns
        -------
        log_joint : ndarray of shape (n_rows,)
            Next to nothing outside the box.
        """
        left = 1.0 - weights.sum()
        if left <= 0.0:
            return np.full(columns.shape[1], LOG_NOTHING)
        log_widths = np.log(self.high - self.low)
        missing = np.isnan(columns)
        densities = log_widths @ missing - log_widths.sum() + np.log(left)
        low, high = self.low[:, None], self.high[:, None]
        outside = (columns < low) | (columns > high)
        return np.where(outside.any(axis=0), LOG_NOTHING, densities)
