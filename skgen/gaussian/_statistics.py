"""Expected sufficient statistics of Gaussian components: small, and they add."""

from dataclasses import dataclass, replace

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
        return replace(
            self,
            first=self.first + self.counts[:, None] * shift,
            second=self.structure.translate(
                self.counts, self.first, self.second, shift
            ),
            reference=reference,
        )

    def __add__(self, other):
        other = other.about(self.reference)
        return replace(
            self,
            counts=self.counts + other.counts,
            first=self.first + other.first,
            second=self.second + other.second,
            total=self.total + other.total,
            log_likelihood=self.log_likelihood + other.log_likelihood,
        )

    def __mul__(self, factor):
        return replace(
            self,
            counts=self.counts * factor,
            first=self.first * factor,
            second=self.second * factor,
            total=self.total * factor,
            log_likelihood=self.log_likelihood * factor,
        )

    def __sub__(self, other):
        return self + other * -1.0

    def norm(self):
        """Euclidean length of all moments together."""
        parts = (self.counts, self.first, self.second)
        return float(np.sqrt(sum(np.vdot(part, part) for part in parts)))
