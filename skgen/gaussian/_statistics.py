"""Expected sufficient statistics of Gaussian components: small, and they add."""

import math
import operator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class GaussianStatistics:
    """Weighted moments of each component's rows about a reference point.

    Instances form a vector space: they add, subtract and scale, which is all that
    threads, weights, streams and acceleration ask of them.

    Parameters
    ----------
    structure : CovarianceStructure
        Knows the shape of second moments.

    counts : ndarray of shape (n_components,)
        Sum of responsibilities.

    first : ndarray of shape (n_components, n_features)
        Sum of responsibility times ``x - reference``.

    second : ndarray
        Sum of squares and products of ``x - reference``, as the structure keeps
        them.

    reference : ndarray of shape (n_components, n_features)
        The points about which moments are taken. Near a component's mean they
        cost no digits.

    total : float
        Sum of the rows' weights.

    log_likelihood : ndarray of shape (n_groups,)
        Weighted sum of the rows' log-densities, in nats, one for each mixture.
    """

    structure: object
    counts: np.ndarray
    first: np.ndarray
    second: np.ndarray
    reference: np.ndarray
    total: float
    log_likelihood: np.ndarray

    def about(self, reference):
        """The same moments about another reference."""
        shift = self.reference - reference
        if not shift.any():
            return self
        return GaussianStatistics(
            self.structure,
            self.counts,
            self.first + self.counts[:, None] * shift,
            self.structure.translate(self.counts, self.first, self.second, shift),
            reference,
            self.total,
            self.log_likelihood,
        )

    def __add__(self, other):
        return self._with(operator.add, other.about(self.reference))

    def __sub__(self, other):
        return self._with(operator.sub, other.about(self.reference))

    def _with(self, operation, other):
        return GaussianStatistics(
            self.structure,
            operation(self.counts, other.counts),
            operation(self.first, other.first),
            operation(self.second, other.second),
            self.reference,
            operation(self.total, other.total),
            operation(self.log_likelihood, other.log_likelihood),
        )

    def __mul__(self, factor):
        return GaussianStatistics(
            self.structure,
            self.counts * factor,
            self.first * factor,
            self.second * factor,
            self.reference,
            self.total * factor,
            self.log_likelihood * factor,
        )

    def norm(self):
        """Euclidean length of all moments together."""
        square = np.vdot(self.counts, self.counts)
        square += np.vdot(self.first, self.first)
        square += np.vdot(self.second, self.second)
        return math.sqrt(square)
