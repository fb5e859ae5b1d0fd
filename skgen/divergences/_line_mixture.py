"""A mixture of Gaussians of one feature, seen as `Univariate` sees distributions."""

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

# Standard deviations from a component's mean at which panels are cut.
CUTS = np.array([0.0, 1.0, 3.0, 6.0, 12.0, 37.0])


class LineMixture:
    """What quadrature over the line asks of a mixture; see `Univariate`.

    Parameters
    ----------
    mixture : GaussianMixtureDensity
        Of one feature.

    frame : tuple of (loc, scale), default=(0.0, 1.0)
        Points x of this view are points loc + scale · x of the mixture.
    """

    is_discrete = False

    def __init__(self, mixture, frame=(0.0, 1.0)):
        self.distribution = self.mixture = mixture
        self.own_frame = (
            float(mixture.mean[0]),
            float(np.sqrt(mixture.covariance[0, 0])),
        )
        self._loc, self._scale = frame
        self._means = (mixture.means[:, 0] - self._loc) / self._scale
        self._deviations = mixture.roots[:, 0, 0] / self._scale

    def seen_in(self, frame):
        """The same mixture in other coordinates."""
        return LineMixture(self.mixture, frame)

    def support(self):
        """Lowest and highest point."""
        return -np.inf, np.inf

    def atom(self):
        """The one point that has all the probability: there is none."""
        return None

    def ends_at(self, x, side):
        """Whether x is an end of the support."""
        return False

    def log_density(self, x):
        """Logarithm of the density."""
        x = np.asarray(x, dtype=np.float64)
        rows = (self._loc + self._scale * x).reshape(-1, 1)
        return self.mixture.log_density(rows).reshape(x.shape)

    def quantile(self, u):
        """Where the distribution function is u."""
        return self._solved(lambda x: self._share_below(x) - u)

    def upper_quantile(self, u):
        """Where u is left above."""
        return self._solved(lambda x: u - self._share_above(x))

    def median(self):
        """Where the distribution function is one half."""
        return self.quantile(0.5)

    def landmarks(self):
        """Points near and far around every component."""
        steps = np.concatenate([-CUTS, CUTS])
        return (self._means + self._deviations * steps[:, None]).ravel()

    def _share_below(self, x):
        return self.mixture.weights @ ndtr((x - self._means) / self._deviations)

    def _share_above(self, x):
        return self.mixture.weights @ ndtr((self._means - x) / self._deviations)

    def _solved(self, function):
        landmarks = self.landmarks()
        return float(brentq(function, landmarks.min(), landmarks.max()))
