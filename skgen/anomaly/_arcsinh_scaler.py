"""Columns to a scale on which heavy tails and units do not matter."""

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from .._sklearn import check_row_weights
from ..gaussian import CONSTANT_ULPS

# The interquartile range of a normal distribution, in standard deviations.
NORMAL_QUARTILES = 1.3489795003921634

# Inverse hyperbolic sines count up to here for mean and deviation: a cell at 1e300
# among others near 1 must not rule them.
MOST_BENT = 20.0

LARGEST = np.finfo(np.float64).max / 4


class ArcsinhScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    r"""Inverse hyperbolic sine of robustly scaled columns, then standardised.

    .. math::

        t(x) = \frac{\operatorname{arcsinh}(u) - \bar a}{s_a}, \qquad
        u = \frac{x - \operatorname{median}}{\text{interquartile range} / 1.349}

    It is linear near the median and logarithmic in the tails: values far out stay far
    out without ruling the scale. Shifts and units of columns do not matter.

    Attributes
    ----------
    center_, scale_ : ndarray of shape (n_features,)
        Median and robust standard deviation of each column. Where half of a column is
        one value, its standard deviation; where all of it is, its rounding error, so
        that any other value lies far out.

    mean_, deviation_ : ndarray of shape (n_features,)
        Mean and standard deviation of the inverse hyperbolic sines, :math:`\bar a` and
        :math:`s_a`; the latter 1 where a column is constant.

    n_features_in_ : int
        Number of columns seen during `fit`.

    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns seen during `fit`, where they are all strings.

    See Also
    --------
    sklearn.preprocessing.RobustScaler : The same scale without the arcsinh.

    Examples
    --------
    >>> from skgen.anomaly import ArcsinhScaler
    >>> X = [[0.0], [1.0], [2.0], [3.0], [1000.0]]
    >>> ArcsinhScaler().fit_transform(X).ravel().round(2)
    array([-0.76, -0.61, -0.4 , -0.19,  1.96])
    """

    def fit(self, X, y=None, *, sample_weight=None):
        """Learn medians and scales.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        y : Ignored
            Not used, present for API consistency by convention.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows; a weight of 2 counts as the row twice.

        Returns
        -------
        self : ArcsinhScaler
            The fitted scaler.
        """
        X = validate_data(self, X, dtype=np.float64)
        weights = np.ones(len(X))
        if sample_weight is not None:
            weights = check_row_weights(sample_weight, X)
            X, weights = X[weights > 0.0], weights[weights > 0.0]
        low, self.center_, high = _quantiles(X, weights, (0.25, 0.5, 0.75))
        with np.errstate(over="ignore"):
            spread = np.clip((high - low) / NORMAL_QUARTILES, 0.0, LARGEST)
        self.scale_ = np.where(spread > 0.0, spread, _deviations(X, weights))
        bent = np.clip(np.arcsinh(self._robust(X)), -MOST_BENT, MOST_BENT)
        self.mean_ = np.average(bent, axis=0, weights=weights)
        variance = np.average((bent - self.mean_) ** 2, axis=0, weights=weights)
        half_range = X.max(axis=0) / 2 - X.min(axis=0) / 2
        varies = half_range > _rounding(X) / 2
        self.deviation_ = np.where(varies, np.sqrt(variance), 1.0)
        return self

    def transform(self, X):
        """Scale rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        X_scaled : ndarray of shape (n_samples, n_features)
            In float64.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return (np.arcsinh(self._robust(X)) - self.mean_) / self.deviation_

    def inverse_transform(self, X):
        """Take scaled rows back to their own units.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Scaled rows.

        Returns
        -------
        X_original : ndarray of shape (n_samples, n_features)
            The rows that `transform` maps there.
        """
        check_is_fitted(self)
        bent = np.asarray(X, dtype=np.float64) * self.deviation_ + self.mean_
        return np.sinh(np.clip(bent, -700.0, 700.0)) * self.scale_ + self.center_

    def log_slopes(self, X):
        """Log-derivative of the map of each column.

        Densities of rows are those of scaled rows times the derivatives.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        log_slopes : ndarray of shape (n_samples, n_features)
            Nats.
        """
        check_is_fitted(self)
        distances = np.hypot(1.0, self._robust(X))
        return -np.log(distances) - np.log(self.scale_) - np.log(self.deviation_)

    def _robust(self, X):
        with np.errstate(over="ignore"):
            return np.clip((X - self.center_) / self.scale_, -LARGEST, LARGEST)


def _quantiles(X, weights, levels):
    """Weighted quantiles of each column: the least value that enough rows reach."""
    order = np.argsort(X, axis=0, kind="stable")
    reached = np.cumsum(weights[order], axis=0)
    reached /= reached[-1]
    places = [(reached < level * (1.0 - 1e-12)).sum(axis=0) for level in levels]
    rows = [np.minimum(place, len(X) - 1) for place in places]
    columns = np.arange(X.shape[1])
    return [X[order[row, columns], columns] for row in rows]


def _rounding(X):
    return CONSTANT_ULPS * np.finfo(np.float64).eps * np.abs(X).max(axis=0)


def _deviations(X, weights):
    """Standard deviations; the rounding error of constant columns."""
    smallest = np.finfo(np.float64).tiny / np.finfo(np.float64).eps
    rounding = np.maximum(_rounding(X), smallest)
    unit = np.maximum(np.abs(X).max(axis=0), smallest)
    mean = np.average(X / unit, axis=0, weights=weights)
    variance = np.average((X / unit - mean) ** 2, axis=0, weights=weights)
    return np.maximum(unit * np.sqrt(variance), rounding)
