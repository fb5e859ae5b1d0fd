"""Mixtures of several sizes averaged, instead of one size chosen."""

from dataclasses import replace
from numbers import Integral, Real

import numpy as np
from sklearn.utils.validation import validate_data

from .._sklearn import Interval, fit_context, generator_of
from ..em import Workers
from ..gaussian import (
    STRUCTURES,
    CovariancePrior,
    Expectation,
    Frame,
    IllDefinedCovarianceError,
    MixtureParameters,
    Regularisation,
    Rows,
    maximise,
)
from ._base import GaussianMixtureBase
from ._complaints import ill_defined_message
from ._fitting import Table, fitted_arrays
from ._rows import counted_rows
from ._starts import initial_parameters


class GaussianMixtureEnsemble(GaussianMixtureBase):
    r"""Mean of Gaussian mixtures of several sizes.

    The density of a row is the mean of those of mixtures with different numbers of
    components,

    .. math::

        p(x) = \frac1M \sum_{m=1}^M \sum_{k=1}^{K_m} \pi_{mk} \,
        \mathcal N(x \mid \mu_{mk}, \Sigma_{mk}),

    itself a mixture of all their components. Each is fitted by a few steps of EM, in
    which every covariance is shrunk to the one within components. No size is chosen:
    what one of them describes badly another describes well, and for filling in missing
    cells the mean is better than any choice. It is what
    :class:`~skgen.GenerativeImputer` fits by default.

    Parameters
    ----------
    n_components : int or sequence of int, default=(1, 2, 3, 5, 8, 12, 20)
        The sizes, or a single one. Beyond the smallest of them, those are left out for
        which there are fewer than `rows_per_component` rows for each component.

    rows_per_component : int or None, default=None
        None is five times the number of columns.

    shrinkage : float, default=None
        Number of pseudo-rows of the covariance within components that each component
        is given in each step; None is the number of columns.

    reg_covar : float, default=1e-3
        Added to the variances in each step, in units of the columns' own variances.

    max_iter : int, default=15
        Number of EM steps of each mixture. More fit the training rows more closely,
        which is not what is wanted here.

    random_state : int, RandomState instance or None, default=None
        Seed of the starts and of draws. None draws from the operating system's entropy.

    Attributes
    ----------
    weights_ : ndarray of shape (n_all_components,)
        Weights of the components of all mixtures, those of each times 1 / M.

    means_ : ndarray of shape (n_all_components, n_features)
        Means.

    covariances_ : ndarray of shape (n_all_components, n_features, n_features)
        Covariances.

    precisions_ : ndarray of shape (n_all_components, n_features, n_features)
        Their inverses.

    precisions_cholesky_ : ndarray of shape (n_all_components, n_features, n_features)
        Upper triangular factors :math:`P` of these, :math:`P P^T`.

    n_components_ : ndarray of shape (n_mixtures,)
        The sizes that were fitted.

    covariance_type_ : str
        'full'.

    n_iter_ : int
        Number of EM steps of each mixture, `max_iter`.

    n_features_in_ : int
        Number of columns seen during `fit`.

    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns seen during `fit`, where they are all strings.

    See Also
    --------
    EMGaussianMixture : One mixture, fitted to its end.
    GenerativeImputer : Fills missing cells, by this model unless another is given.

    Notes
    -----
    Missing cells, NaN, are integrated out, in `fit` as in all answers.

    A step costs as much as one of a mixture with all the components together: with the
    default sizes, about 50.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from skgen.mixture import GaussianMixtureEnsemble
    >>> X = load_iris().data
    >>> X[::5, 2] = np.nan
    >>> ensemble = GaussianMixtureEnsemble(random_state=0).fit(X)
    >>> ensemble.n_components_
    array([1, 2, 3, 5])
    >>> bool(np.isnan(ensemble.impute(X)).any())
    False
    """

    _parameter_constraints: dict = {
        "n_components": [Interval(Integral, 1, None, closed="left"), "array-like"],
        "rows_per_component": [Interval(Integral, 1, None, closed="left"), None],
        "shrinkage": [Interval(Real, 0.0, None, closed="left"), None],
        "reg_covar": [Interval(Real, 0.0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    covariance_type = "full"

    def __init__(
        self,
        n_components=(1, 2, 3, 5, 8, 12, 20),
        *,
        rows_per_component=None,
        shrinkage=None,
        reg_covar=1e-3,
        max_iter=15,
        random_state=None,
    ):
        self.n_components = n_components
        self.rows_per_component = rows_per_component
        self.shrinkage = shrinkage
        self.reg_covar = reg_covar
        self.max_iter = max_iter
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, *, sample_weight=None):
        """Fit the mixtures.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, NaN where a cell is missing.

        y : Ignored
            Not used, present for API consistency by convention.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        self : GaussianMixtureEnsemble
            The fitted ensemble.

        Raises
        ------
        ValueError
            Where a column is observed in no row, `n_components` holds no or other than
            positive integers, or a covariance is singular with ``reg_covar=0``.
        """
        X = validate_data(
            self,
            X,
            dtype=[np.float64, np.float32],
            ensure_all_finite="allow-nan",
            ensure_min_samples=2,
        )
        sizes = _checked_sizes(self.n_components)
        names = getattr(self, "feature_names_in_", None)
        counted = counted_rows(X, sample_weight, sizes[0], names)
        generator = generator_of(self.random_state)
        count = counted.unit * (
            X.shape[1] if self.shrinkage is None else self.shrinkage
        )
        with Workers() as workers:
            table = Table(counted, workers)
            try:
                starts = _standardised(table, generator)
                self.n_components_ = self._affordable(sizes, starts.rows.X)
                found = [
                    self._fitted(table, starts, n_components, count, generator)
                    for n_components in self.n_components_
                ]
            except IllDefinedCovarianceError as error:
                raise ValueError(ill_defined_message(X.dtype)) from error
        for name, array in fitted_arrays(_mean_of(found), X.dtype).items():
            setattr(self, name, array)
        self.covariance_type_ = "full"
        self.n_iter_ = self.max_iter
        return self

    def _affordable(self, sizes, rows):
        """The sizes for which there are rows enough, at least the smallest."""
        needed = self.rows_per_component
        needed = 5 * rows.shape[1] if needed is None else needed
        most = min(len(rows) // needed, len(np.unique(rows, axis=0)))
        return sizes[(sizes <= most) | (sizes == sizes[0])]

    def _fitted(self, table, starts, n_components, count, generator):
        """One of the mixtures, in units of the data."""
        structure, n_features = STRUCTURES["full"], table.X.shape[1]
        held = Regularisation(ridge=np.full(n_features, self.reg_covar))
        parameters = initial_parameters("kmeans", starts, n_components, generator, held)
        expectation = table.expectation(structure, n_components)
        for _ in range(self.max_iter):
            prior = CovariancePrior.pooled(count, parameters) if count else None
            shrunk = replace(held, prior=prior)
            parameters = maximise(expectation(parameters), parameters, shrunk)
        return parameters.out_of_frame(table.frame(structure))


def _standardised(table, generator):
    """Rows without holes in units of the frame, in which k-means is to cluster them."""
    expectation = table.of_starts(STRUCTURES["full"], generator)
    rows, n_features = expectation.rows, table.X.shape[1]
    unit = Frame(np.zeros(n_features), np.ones(n_features))
    inside = Rows(rows.columns(slice(None)).T, rows.weights, unit)
    return Expectation(inside, expectation.structure, table.workers)


def _checked_sizes(n_components):
    sizes = np.unique(np.atleast_1d(np.asarray(n_components)))
    if sizes.ndim != 1 or sizes.dtype.kind not in "iu" or not len(sizes):
        raise ValueError(
            "n_components must be a sequence of positive integers, got "
            f"{n_components!r}."
        )
    if sizes[0] < 1:
        raise ValueError(f"n_components must be positive, got {sizes[0]}.")
    return sizes


def _mean_of(mixtures):
    """The mean of mixtures' densities, a mixture of all their components."""
    parts = zip(*((m.means, m.covariances, m.factors) for m in mixtures))
    weights = np.concatenate([m.weights for m in mixtures]) / len(mixtures)
    return MixtureParameters(
        mixtures[0].structure, weights, *(np.concatenate(part) for part in parts)
    )
