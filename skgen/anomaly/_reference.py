"""The default model of normal rows: a mixture in coordinates that tame heavy tails.

Every column is scaled by `ArcsinhScaler`. In these coordinates the density is the mean
of Gaussian mixtures of different size, which is one mixture; columns taken alone
have one-dimensional mixtures of their own. All covariances are shrunk towards the
pooled one by pseudo-rows, which is what keeps a mixture of many components usable.
"""

import copy
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp
from sklearn.base import clone
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import Pipeline

from .._sklearn import check_row_weights, generator_of
from ..mixture import EMGaussianMixture, GaussianMixtureBase
from ._arcsinh_scaler import ArcsinhScaler

# Sizes of the mixtures that are averaged, where there are enough rows.
N_COMPONENTS = (8, 16, 32)
COLUMN_COMPONENTS = 4

# A component is given no fewer rows than this on average.
ROWS_PER_COMPONENT = 20

# What the covariances of one mixture may hold: wide tables get fewer components.
MOST_NUMBERS = 2_000_000

# Added to variances, which are 1 over all rows: values repeated in the table must not
# become spikes of infinite density.
FLOOR = 0.01

# More steps change no ranking to speak of.
MAX_ITER = 25
TOL = 1e-3

# Steps from parameters found on some of the rows already.
FEW_ITER = 8

# Numbers held at a time where columns are told apart.
BLOCK_NUMBERS = 1 << 20

# Columns of more rows are fitted to means of so many equal groups of sorted values.
COLUMN_POINTS = 1000


class Reference(NamedTuple):
    """The default model.

    Parameters
    ----------
    pipeline : Pipeline
        `ArcsinhScaler` and an `EMGaussianMixture`, fitted.

    columns : ColumnMixtures
        A mixture for each scaled column.

    mixtures : list of EMGaussianMixture
        Those whose mean is the mixture of the pipeline.
    """

    pipeline: Pipeline
    columns: "ColumnMixtures"
    mixtures: list


def fit_reference(X, sample_weight, random_state, start=None):
    """Fit the default model.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Finite rows.

    sample_weight : ndarray of shape (n_samples,) or None
        Their weights, in any unit.

    random_state : int, RandomState instance or None
        Seed.

    start : Reference, default=None
        The same model of some of the rows, to go on from.

    Returns
    -------
    reference : Reference
    """
    generator = generator_of(random_state)
    if sample_weight is not None:
        sample_weight = _as_rows(check_row_weights(sample_weight, X))
    # Arrays, whatever container the user's configuration asks of transformers.
    scaler = ArcsinhScaler().set_output(transform="default")
    scaler.fit(X, sample_weight=sample_weight)
    rows = scaler.transform(X)
    if start is None:
        widest = max(1, MOST_NUMBERS // rows.shape[1] ** 2)
        sizes = sorted({min(size, widest) for size in N_COMPONENTS})
        mixtures = [_mixture(rows, sample_weight, size, generator) for size in sizes]
    else:
        mixtures = [_onwards(m, rows, sample_weight) for m in start.mixtures]
    columns = [
        _mixture(*_condensed(column, sample_weight), COLUMN_COMPONENTS, generator)
        for column in rows.T
    ]
    steps = [("scaler", scaler), ("mixture", _mean_of(mixtures))]
    return Reference(Pipeline(steps), ColumnMixtures.of(columns), mixtures)


@dataclass(frozen=True)
class ColumnMixtures:
    """A one-dimensional mixture for each column; arrays (n_components, n_columns).

    Parameters
    ----------
    log_scales : ndarray
        Logarithms of weight and normalising constant of each component; those that a
        column does not have are -inf.

    means, deviations : ndarray
        Of the components.
    """

    log_scales: np.ndarray
    means: np.ndarray
    deviations: np.ndarray

    @classmethod
    def of(cls, mixtures):
        """Those of fitted mixtures of one column each."""
        shape = max(len(each.weights_) for each in mixtures), len(mixtures)
        log_scales, means = np.full(shape, -np.inf), np.zeros(shape)
        deviations = np.ones(shape)
        for j, each in enumerate(mixtures):
            here = slice(len(each.weights_)), j
            means[here], deviations[here] = each.means_[:, 0], _deviations(each)
            with np.errstate(divide="ignore"):  # a weight of 0 is legal
                log_scales[here] = np.log(each.weights_) - np.log(deviations[here])
        return cls(log_scales - 0.5 * np.log(2.0 * np.pi), means, deviations)

    def log_densities(self, rows):
        """Log-density of each cell under the mixture of its column."""
        out = np.empty(rows.shape)
        size = max(1, BLOCK_NUMBERS // self.means.size)
        for start in range(0, len(rows), size):
            some = slice(start, start + size)
            distances = (rows[some, None] - self.means) / self.deviations
            out[some] = logsumexp(self.log_scales - 0.5 * distances**2, axis=1)
        return out


def _deviations(mixture):
    return np.sqrt(mixture.covariances_[:, 0, 0])


def _as_rows(weights):
    """Weights in units of rows: their sum is Kish's effective number of rows.

    Pseudo-rows are counted in these units, which must not be the user's.
    """
    return weights * (weights.sum() / np.square(weights).sum())


def _mixture(rows, sample_weight, n_components, generator):
    n_distinct = len(np.unique(rows, axis=0))
    few = min(len(rows) // ROWS_PER_COMPONENT, n_distinct, n_components)
    mixture = EMGaussianMixture(
        max(1, few),
        init_params="kmeans",
        covariance_prior="pooled",
        reg_covar=FLOOR,
        tol=TOL,
        max_iter=MAX_ITER,
        random_state=generator.randint(np.iinfo(np.int32).max),
    )
    return _fitted(mixture, rows, sample_weight)


def _onwards(mixture, rows, sample_weight):
    start = clone(mixture).set_params(
        weights_init=mixture.weights_,
        means_init=mixture.means_,
        precisions_init=mixture.precisions_,
        max_iter=FEW_ITER,
    )
    return _fitted(start, rows, sample_weight)


def _fitted(mixture, rows, sample_weight):
    # Runs are short on purpose, and small components are held by the prior.
    mixture._fit(rows, None, sample_weight, complain=False)
    return mixture


def _condensed(column, sample_weight):
    """A sorted column as groups of equal weight, (n_points, 1), and their weights."""
    weights = np.ones(len(column)) if sample_weight is None else sample_weight
    if len(column) <= COLUMN_POINTS:
        return column[:, None], weights
    order = np.argsort(column, kind="stable")
    reached = np.cumsum(weights[order])
    groups = np.minimum(
        (reached - weights[order] / 2) * COLUMN_POINTS / reached[-1], COLUMN_POINTS - 1
    ).astype(int)
    totals = np.bincount(groups, weights[order], COLUMN_POINTS)
    sums = np.bincount(groups, weights[order] * column[order], COLUMN_POINTS)
    filled = totals > 0.0
    return (sums[filled] / totals[filled])[:, None], totals[filled]


def as_mixture(model):
    """A fitted Gaussian mixture, scikit-learn's included, as ours; None for others.

    Beside noise, components are not the whole density.
    """
    if hasattr(model, "noise_weight_"):
        return None
    if isinstance(model, GaussianMixtureBase):
        nameless = copy.copy(model).set_output(transform="default")
        vars(nameless).pop("feature_names_in_", None)  # it will be asked about arrays
        return nameless
    if not isinstance(model, GaussianMixture):
        return None
    weights = np.asarray(model.weights_, dtype=np.float64)
    return EMGaussianMixture.from_parameters(
        weights / weights.sum(),
        np.asarray(model.means_),
        model.covariances_,
        covariance_type=model.covariance_type,
    )


def one_gaussian(rows):
    """One Gaussian for rows, as a mixture of one component."""
    return EMGaussianMixture(1, reg_covar="auto").fit(rows)


def _mean_of(mixtures):
    """The mean of mixtures' densities, a mixture of all their components."""
    return EMGaussianMixture.from_parameters(
        np.concatenate([each.weights_ for each in mixtures]) / len(mixtures),
        np.concatenate([each.means_ for each in mixtures]),
        np.concatenate([each.covariances_ for each in mixtures]),
    )
