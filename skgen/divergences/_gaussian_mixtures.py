"""Gaussian mixtures as densities; one Gaussian is a mixture of one component."""

from functools import cached_property

import numpy as np

from ..em import Workers
from ..gaussian import STRUCTURES, Evaluation, Frame, MixtureParameters

# Rows beyond which densities are worth threads.
MANY_ROWS = 4096


class GaussianMixtureDensity:
    r"""The density :math:`\sum_k w_k \mathcal N(x \mid \mu_k, \Sigma_k)`.

    Parameters
    ----------
    parameters : MixtureParameters
        The mixture, in units of the data. Components of weight 0 are left out.
    """

    can_sample = True
    is_discrete = False

    def __init__(self, parameters):
        structure, weights = parameters.structure, parameters.weights
        present = weights > 0.0
        if not present.all() and not structure.shared:
            parameters = parameters.components(present)
        elif not present.all():
            parameters = MixtureParameters(
                structure,
                weights[present],
                parameters.means[present],
                parameters.covariances,
                parameters.factors,
            )
        self.parameters = parameters
        self.weights = parameters.weights / parameters.weights.sum()
        self.means = parameters.means
        self.n_components, self.n_features = self.means.shape

    @classmethod
    def of_covariances(cls, weights, means, covariances):
        """A mixture of full covariances; IllDefinedCovarianceError if not definite."""
        return cls(
            MixtureParameters.of_covariances(
                STRUCTURES["full"], weights, means, covariances
            )
        )

    @cached_property
    def covariances(self):
        """Matrices (n_components, n_features, n_features)."""
        return _as_matrices(self._spreads, self.n_features)

    @cached_property
    def roots(self):
        """Matrices L with Σ = L Lᵀ, lower triangular."""
        if not self.parameters.structure.matrices:
            return _as_matrices(np.sqrt(self._spreads), self.n_features)
        return np.linalg.cholesky(self.covariances)

    @cached_property
    def precision_roots(self):
        """Matrices P with Σ⁻¹ = P Pᵀ, upper triangular: the precisions' factors."""
        structure = self.parameters.structure
        factors = structure.each(self.parameters.factors, self.n_components)
        return _as_matrices(factors, self.n_features)

    @cached_property
    def log_determinants(self):
        """Log-determinants of the covariances."""
        diagonals = np.diagonal(self.precision_roots, axis1=1, axis2=2)
        return -2.0 * np.log(diagonals).sum(axis=1)

    @property
    def _spreads(self):
        structure = self.parameters.structure
        return structure.each(self.parameters.covariances, self.n_components)

    @cached_property
    def mean(self):
        """Mean of the whole mixture."""
        return self.weights @ self.means

    @cached_property
    def covariance(self):
        """Covariance of the whole mixture."""
        deviations = self.means - self.mean
        between = (self.weights[:, None] * deviations).T @ deviations
        return np.tensordot(self.weights, self.covariances, axes=1) + between

    def moment_matched(self):
        """The one Gaussian of the same mean and covariance."""
        return self.of_covariances(
            np.ones(1), self.mean[None], symmetric(self.covariance)[None]
        )

    def own_frame(self):
        """A frame about the mixture, one unit for all columns."""
        frame = self.parameters.own_frame()
        unit = np.sqrt(np.mean(frame.scale**2))
        return Frame(frame.center, np.full(self.n_features, unit))

    def in_frame(self, frame):
        """The same mixture in units of a frame."""
        return GaussianMixtureDensity(self.parameters.in_frame(frame))

    @cached_property
    def _evaluation_of(self):
        frame = self.parameters.own_frame()
        inside = self.parameters.in_frame(frame)
        return lambda workers: Evaluation(inside, frame, workers)

    @cached_property
    def _evaluation(self):
        return self._evaluation_of(Workers(n_threads=1))

    def log_density(self, X):
        """Log-density of rows."""
        if len(X) < MANY_ROWS:
            return self._evaluation.log_densities(X)
        with Workers() as workers:
            return self._evaluation_of(workers).log_densities(X)

    def place(self, components, normals):
        """Standard normal rows as rows of components, one number for each row."""
        spreads = self._spreads
        if self.parameters.structure.matrices:
            moved = np.empty_like(normals)
            order = np.argsort(components, kind="stable")
            bounds = np.searchsorted(
                components[order], np.arange(self.n_components + 1)
            )
            for k in np.flatnonzero(np.diff(bounds)):
                rows = order[bounds[k] : bounds[k + 1]]
                moved[rows] = normals[rows] @ self.roots[k].T
        else:
            deviations = np.sqrt(spreads).reshape(self.n_components, -1)
            moved = normals * deviations[components]
        return self.means[components] + moved

    def draw(self, n_samples, generator):
        """Rows drawn from the mixture."""
        components = generator.choice(self.n_components, n_samples, p=self.weights)
        return self.place(
            components, generator.standard_normal((n_samples, self.n_features))
        )


def _as_matrices(array, n_features):
    """Matrices, of which diagonals or single numbers may be all that is given."""
    if array.ndim == 3:
        return array
    diagonals = np.broadcast_to(array.reshape(len(array), -1), (len(array), n_features))
    return diagonals[:, :, None] * np.eye(n_features)


def symmetric(matrix):
    """A matrix freed from the asymmetry of rounding errors."""
    return 0.5 * (matrix + matrix.T)
