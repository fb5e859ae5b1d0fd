"""What is believed of covariances before any row is seen, as rows that nobody saw."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class CovariancePrior:
    r"""Pseudo-rows that every component is given, about its own mean.

    With them the M-step has :math:`(n_k S_k + c W) / (n_k + c)` for a covariance. It
    maximises the log-likelihood less :math:`c \sum_k
    \mathrm{KL}(\mathcal N(0, W) \| \mathcal N(0, \Sigma_k))`: up to a constant, the
    log-density of inverse Wishart priors.

    Parameters
    ----------
    count : float
        Number of pseudo-rows c, in units of the rows' weights.

    covariance : ndarray
        Their covariance W, one, as the structure's storage keeps it: with one entry
        along the first axis.
    """

    count: float
    covariance: np.ndarray

    @classmethod
    def of_matrix(cls, structure, count, matrix):
        """The prior of a structure, from a covariance matrix."""
        storage, n_features, one = structure.storage, len(matrix), np.ones(1)
        rows = np.linalg.cholesky(matrix)
        second = np.asarray(storage.scatter(rows, np.ones(n_features)))[None]
        scatter = storage.centred(one, np.zeros((1, n_features)), second)
        return cls(count, storage.estimate(one, scatter))

    @classmethod
    def pooled(cls, count, parameters):
        """The covariance within the components of a mixture, as the prior of others."""
        structure, n_components = parameters.structure, len(parameters.means)
        each = structure.each(structure.stored(parameters.covariances), n_components)
        return cls(count, np.tensordot(parameters.weights, each, 1)[None])

    def __call__(self, structure, counts, scatters):
        """Counts and scatters of the rows and the pseudo-rows together.

        Both are in units of as many rows as there are pseudo-rows of a component, so
        that endless ones are no sums beyond the range of floats.
        """
        unit = max(1.0, self.count)
        believed = np.broadcast_to(self.covariance, scatters.shape)
        added = np.full_like(counts, self.count / unit)
        pseudo = structure.storage.scatters_of(added, believed)
        return counts / unit + added, scatters / unit + pseudo

    def log_density(self, parameters):
        """Log-density of the prior, less its largest value: nats, at most 0."""
        structure, (n_components, n_features) = (
            parameters.structure,
            parameters.means.shape,
        )
        factors = structure.each(parameters.factors, n_components)
        traces = structure.traces(factors, self.covariance, n_features)
        own = structure.log_determinants(
            structure.storage.factor(self.covariance), n_features
        )
        ratios = structure.log_determinants(factors, n_features) - own
        divergences = 0.5 * (traces - n_features) - ratios
        return -self.count * float(np.maximum(divergences, 0.0).sum())
