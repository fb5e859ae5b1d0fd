"""What every covariance structure answers: the interface.

A structure is stateless. It knows the shapes of covariances and second moments,
how to make the one from the other, and how a Gaussian's log-density reads as a
product of features of x and natural parameters. Components stand along the first
axis; several mixtures of equal size may stand behind each other (groups), which is
how starts are raced side by side. Only a shared covariance needs to know of groups:
it has one matrix for each, so that inside this room its arrays have three axes.
"""

from abc import ABC, abstractmethod

import numpy as np


class IllDefinedCovarianceError(ArithmeticError):
    """A covariance is not positive definite."""


class CovarianceStructure(ABC):
    """Interface of the structures.

    Factors of precisions are scikit-learn's ``precisions_cholesky_``: upper
    triangular P with precision P Pᵀ where covariances are matrices, reciprocals
    of standard deviations otherwise.
    """

    #: Whether columns must share one scale for the structure to survive scaling.
    isotropic = False

    #: Whether all components of a mixture share one covariance.
    shared = False

    #: Whether covariances are matrices.
    matrices = False

    @abstractmethod
    def shape(self, n_components, n_features):
        """Shape of the covariances as users see them, scikit-learn's."""

    @abstractmethod
    def n_parameters(self, n_components, n_features):
        """Number of free parameters of the covariances."""

    def fewest_rows(self, n_features):
        """Rows below which a component describes an accident, not a cluster."""
        return 3

    @property
    def storage(self):
        """The classical structure whose arrays hold this one's covariances."""
        return self

    @abstractmethod
    def centred(self, counts, first, second):
        """Scatters: second moments about the components' own means.

        They have the shape of the covariances of the storage: a shared covariance
        has one scatter for each mixture, a single variance the mean over columns.
        """

    def scatters_of(self, counts, covariances):
        """Scatters of so many rows that have the covariances."""
        return covariances * counts.reshape(-1, *[1] * (covariances.ndim - 1))

    @abstractmethod
    def estimate(self, counts, scatters, previous=None, n_groups=1, floor=0.0):
        """Covariances by maximum likelihood, no variance of them below ``floor``.

        Parameters
        ----------
        counts : ndarray of shape (n_components,)
            Sum of responsibilities.

        scatters : ndarray
            What `centred` returns.

        previous : ndarray or None, default=None
            Covariances that the new ones are at least as likely as, where the
            maximiser is found by iteration.

        n_groups : int, default=1
            Number of mixtures that stand behind each other.

        floor : float, default=0.0
            Smallest variance in any direction.

        Returns
        -------
        covariances : ndarray
            As the structure keeps them.

        Raises
        ------
        IllDefinedCovarianceError
            Where the likelihood has no maximiser.
        """

    def unit(self, n_components, n_features, n_groups=1):
        """Covariances that are 1 for each column and 0 between columns."""
        n_matrices = 1 if self.shared else n_components
        shape = self.shape(n_matrices, n_features)[0 if self.shared else 1 :]
        one = np.eye(n_features) if self.matrices else np.ones(shape)
        return np.broadcast_to(one, (n_matrices * n_groups, *shape)).copy()

    def stored(self, covariances):
        """Covariances as the storage keeps them."""
        return covariances

    @abstractmethod
    def translate(self, counts, first, second, shift):
        """Second moments about references moved by ``-shift``."""

    @abstractmethod
    def scatter(self, differences, responsibilities):
        """Second moments of (n_features, n_rows), weighted by responsibilities."""

    @abstractmethod
    def add_to_variances(self, covariances, amount):
        """Covariances with ``amount``, one value a column, added to the variances."""

    @abstractmethod
    def raise_to_floor(self, covariances, floor):
        """The likeliest covariances without a variance below ``floor``.

        For a Gaussian with scatter S, the maximiser under Σ ⪰ floor · I has the
        eigenvectors of S and its eigenvalues raised to the floor.
        """

    @abstractmethod
    def spectrum(self, covariances):
        """Eigenvalues, one row for each covariance, and what else `of_spectrum` takes.

        Variances that are not matrices are their own eigenvalues.
        """

    @abstractmethod
    def of_spectrum(self, values, vectors):
        """The inverse of `spectrum`."""

    @abstractmethod
    def directions_below(self, covariances, floor):
        """In how many directions each covariance has a variance below ``floor``."""

    @abstractmethod
    def factor(self, covariances):
        """Factors of the precisions; IllDefinedCovarianceError where impossible."""

    @abstractmethod
    def factor_precisions(self, precisions):
        """Factors of the precisions, from the precisions themselves."""

    @abstractmethod
    def are_factors(self, array):
        """Whether an array of the right shape may be factors of precisions."""

    @abstractmethod
    def precisions(self, factors):
        """The precisions, from their factors."""

    @abstractmethod
    def covariances(self, factors):
        """The covariances, from factors of the precisions."""

    @abstractmethod
    def rescale(self, covariances, scale):
        """Covariances of columns multiplied by ``scale``."""

    @abstractmethod
    def rescale_factors(self, factors, scale):
        """Factors of precisions of columns divided by ``scale``."""

    @abstractmethod
    def variances(self, covariances, n_components, n_features):
        """Variance of each column in each component."""

    @abstractmethod
    def times(self, precisions, columns):
        """Products of precisions with columns (n_features, n_rows), one for each."""

    @abstractmethod
    def log_determinants(self, factors, n_features):
        """Log-determinants of the factors."""

    @abstractmethod
    def traces(self, factors, covariance, n_features):
        """Traces of the precisions, given by factors, times a covariance."""

    @abstractmethod
    def n_quadratic(self, n_features):
        """Number of quadratic features of a row."""

    @abstractmethod
    def fill_quadratic(self, columns, out):
        """Write the quadratic features of ``columns`` (n_features, n_rows)."""

    @abstractmethod
    def natural(self, means, factors):
        """Coefficients of the linear and quadratic features of a log-density."""

    @abstractmethod
    def second_from_sums(self, sums, n_features):
        """Second moments about 0, from sums over the quadratic features."""

    @abstractmethod
    def draw(self, generator, covariance, n_samples, n_features):
        """Rows of a centred Gaussian."""

    def inside(self, array):
        """Users' covariances, precisions or factors, as this room keeps them."""
        return array[None] if self.shared else array

    def outside(self, array):
        """The inverse of `inside`."""
        return array[0] if self.shared else array

    def each(self, array, n_components):
        """One covariance, precision or factor for each component."""
        if not self.shared:
            return array
        return np.repeat(array, n_components // len(array), axis=0)

    def largest_precisions(self, factors):
        """Upper bounds of the precisions' largest eigenvalues."""
        return np.square(factors).sum(axis=tuple(range(1, factors.ndim)))
