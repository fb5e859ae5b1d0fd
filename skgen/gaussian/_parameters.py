"""Parameters of Gaussian mixtures, and the M-step that makes them."""

from dataclasses import dataclass

import numpy as np

from ._covariance_structure import CovarianceStructure, IllDefinedCovarianceError
from ._frame import Frame
from ._prior import CovariancePrior
from ._ratio import within_ratio

LOG_2PI = np.log(2.0 * np.pi)

# A component with less than this share of the rows has nothing to say about its
# own parameters and keeps those it had.
EMPTY_SHARE = 1e-14

# Stands for the log of a weight of 0, which is legal: finite, since products of
# matrices make NaN of infinity, and below what any row's distance comes to.
LOG_NOTHING = -1e300

# Variances, in units of the columns' variances, that are rounding errors.
SMALLEST_VARIANCE = 1e-15


@dataclass(frozen=True)
class MixtureParameters:
    """Parameters of one or several Gaussian mixtures in a common frame.

    Parameters
    ----------
    structure : CovarianceStructure
        The covariances' structure.

    weights : ndarray of shape (n_components,)
        Mixing weights; they sum to one in each group.

    means : ndarray of shape (n_components, n_features)
        Means.

    covariances : ndarray
        Covariances, as the structure keeps them.

    factors : ndarray
        Factors of the precisions.

    n_groups : int, default=1
        Number of mixtures that stand behind each other.
    """

    structure: CovarianceStructure
    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray
    factors: np.ndarray
    n_groups: int = 1

    @classmethod
    def of_covariances(cls, structure, weights, means, covariances, n_groups=1):
        """Parameters from covariances; raises IllDefinedCovarianceError."""
        factors = structure.factor(covariances)
        return cls(structure, weights, means, covariances, factors, n_groups)

    @classmethod
    def of_factors(cls, structure, weights, means, factors):
        """Parameters of one mixture from factors of its precisions."""
        return cls(structure, weights, means, structure.covariances(factors), factors)

    @property
    def log_weights(self):
        """Logs of the weights, finite where a weight is 0."""
        logs = np.full(len(self.weights), LOG_NOTHING)
        np.log(self.weights, out=logs, where=self.weights > 0.0)
        return logs

    @property
    def log_scales(self):
        """Log of weight and normalising constant of each component."""
        n_components, n_features = self.means.shape
        log_determinants = self.structure.log_determinants(self.factors, n_features)
        repeats = n_components // len(log_determinants)
        return (
            self.log_weights
            + np.repeat(log_determinants, repeats)
            - 0.5 * n_features * LOG_2PI
        )

    @property
    def is_empty(self):
        """Which components no row belongs to."""
        return self.weights <= 2.0 * EMPTY_SHARE

    @property
    def amplification(self):
        """How much rounding errors grow when squares are taken about the origin.

        For each component the largest precision times the squared distance from
        the origin of a typical row: sums of squares lose that factor in accuracy.
        """
        largest = self.structure.each(
            self.structure.largest_precisions(self.factors), len(self.means)
        )
        distance = np.square(self.means).sum(axis=1) + self.means.shape[1]
        return largest * distance

    def select(self, groups):
        """The mixtures at some positions among the groups."""

        def chosen(array):
            by_group = array.reshape(self.n_groups, -1, *array.shape[1:])
            return by_group[groups].reshape(-1, *array.shape[1:])

        parts = (self.weights, self.means, self.covariances, self.factors)
        return MixtureParameters(
            self.structure, *(chosen(part) for part in parts), len(groups)
        )

    def components(self, chosen):
        """Some of the components, for densities: their weights stay as they are."""
        parts = (self.weights, self.means, self.covariances, self.factors)
        return MixtureParameters(self.structure, *(part[chosen] for part in parts))

    def in_frame(self, frame):
        """The same mixture, given in units of the data, in units of a frame."""
        factors = self.structure.rescale_factors(self.factors, frame.scale)
        means = frame.inside(self.means)
        return self.of_factors(self.structure, self.weights, means, factors)

    def out_of_frame(self, frame):
        """The same mixture, given in units of a frame, in units of the data."""
        structure = self.structure
        return MixtureParameters(
            structure,
            self.weights,
            frame.outside(self.means),
            structure.rescale(self.covariances, frame.scale),
            structure.rescale_factors(self.factors, 1.0 / frame.scale),
        )

    def own_frame(self):
        """The frame that the mixture itself gives: its mean and variances."""
        n_components, n_features = self.means.shape
        weights = self.weights / self.weights.sum()
        center = weights @ self.means
        variances = self.structure.variances(self.covariances, n_components, n_features)
        variances = weights @ (variances + (self.means - center) ** 2)
        if self.structure.isotropic:
            variances = np.full(n_features, variances.mean())
        return Frame(center, np.sqrt(variances))


@dataclass(frozen=True)
class Regularisation:
    """What keeps covariances away from singular ones.

    Parameters
    ----------
    floor : float, default=0.0
        Smallest variance allowed in any direction, in units of the frame. A
        constraint: the M-step stays an exact maximiser and EM stays monotone.

    ridge : ndarray of shape (n_features,) or None, default=None
        Added to variances after each M-step, scikit-learn's way.

    prior : CovariancePrior or None, default=None
        Pseudo-rows of each component.

    largest_ratio : float or None, default=None
        The largest eigenvalue of a mixture's covariances is at most this many times
        the smallest, in units of the frame: a constraint, for the four classical
        structures.
    """

    floor: float = 0.0
    ridge: np.ndarray | None = None
    prior: CovariancePrior | None = None
    largest_ratio: float | None = None

    @property
    def is_constraint(self):
        """Whether the regularised M-step is a maximiser."""
        return self.ridge is None or not self.ridge.any()

    def covariances(self, structure, counts, scatters, previous=None, n_groups=1):
        """The regularised covariances of scatters; see `CovarianceStructure.estimate`.

        Raises
        ------
        IllDefinedCovarianceError
            Where nothing holds a covariance that is singular.
        """
        if self.prior is not None:
            counts, scatters = self.prior(structure, counts, scatters)
        floor = self.floor
        if not self.is_constraint:
            scatters, floor = self._with_ridge(structure.storage, counts, scatters), 0.0
        if self.largest_ratio is None:
            found = structure.estimate(counts, scatters, previous, n_groups, floor)
        else:
            free = structure.estimate(counts, scatters, previous, n_groups)
            bounds = self.largest_ratio, n_groups, floor
            found = within_ratio(structure, counts, free, *bounds)
        if self.is_constraint and floor == 0.0:
            _refuse_collapsed(structure, found)
        return found

    def _with_ridge(self, storage, counts, scatters):
        """Scatters whose covariances have the ridge on their variances."""
        ridge = storage.add_to_variances(np.zeros_like(scatters), self.ridge)
        return scatters + storage.scatters_of(counts, ridge)

    def log_prior(self, parameters):
        """Log-density of the prior, less its largest value."""
        return 0.0 if self.prior is None else self.prior.log_density(parameters)

    def __call__(self, structure, covariances):
        """Regularised covariances; raises IllDefinedCovarianceError."""
        if not self.is_constraint:
            return structure.add_to_variances(covariances, self.ridge)
        if self.floor > 0.0:
            return structure.raise_to_floor(covariances, self.floor)
        _refuse_collapsed(structure, covariances)
        return covariances


def _refuse_collapsed(structure, covariances):
    # Nothing holds them: what is left of a collapsed one is rounding errors.
    if structure.directions_below(covariances, SMALLEST_VARIANCE).any():
        raise IllDefinedCovarianceError("variance below rounding errors")


def maximise(statistics, previous, regularisation, *, noise=False):
    """The M-step: parameters of the largest expected log-likelihood.

    Parameters
    ----------
    statistics : GaussianStatistics
        Expected sufficient statistics.

    previous : MixtureParameters
        What empty components keep, and where iterations within the step start.

    regularisation : Regularisation
        Applied to the covariances.

    noise : bool, default=False
        Whether rows may belong to no component: what weights leave of 1 is the share
        of those.

    Returns
    -------
    parameters : MixtureParameters
        The new parameters.

    Raises
    ------
    IllDefinedCovarianceError
        Where a covariance is not positive definite, or counts are negative as
        an extrapolation may leave them.
    """
    structure, total = statistics.structure, statistics.total
    if (statistics.counts < 0.0).any():
        raise IllDefinedCovarianceError("negative count")
    empty = statistics.counts <= EMPTY_SHARE * total
    counts = np.maximum(statistics.counts, EMPTY_SHARE * total)
    first = np.where(empty[:, None], 0.0, statistics.first)
    means = statistics.reference + first / counts[:, None]
    scatters = structure.storage.centred(counts, first, statistics.second)
    if empty.any():
        means[empty] = previous.means[empty]
        if not structure.shared:
            kept = structure.stored(previous.covariances[empty])
            scatters[empty] = structure.storage.scatters_of(counts[empty], kept)
    groups = counts.reshape(previous.n_groups, -1)
    shared_out = total if noise else groups.sum(axis=1, keepdims=True)
    weights = np.minimum(groups / shared_out, 1.0).ravel()
    return MixtureParameters.of_covariances(
        structure,
        weights,
        means,
        regularisation.covariances(
            structure, counts, scatters, previous.covariances, previous.n_groups
        ),
        previous.n_groups,
    )
