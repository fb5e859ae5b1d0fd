"""What a Gaussian mixture answers once it is fitted, however that was done."""

import copy

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    DensityMixin,
    TransformerMixin,
)
from sklearn.utils.validation import check_is_fitted, validate_data

from .._sklearn import check_row_weights, generator_of, in_configured_container
from ..em import Workers
from ..gaussian import STRUCTURES, Evaluation, MixtureParameters

# Up to so many rows are evaluated without threads.
FEW_ROWS = 256


class GaussianMixtureBase(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, DensityMixin, BaseEstimator
):
    """Densities, responsibilities, samples and criteria of a fitted mixture.

    All of it reads ``weights_``, ``means_``, ``precisions_cholesky_`` and, for
    `sample`, ``covariances_``. A subclass brings `fit`, and the parameters
    ``covariance_type`` and ``random_state``.
    """

    def _parameters(self):
        """The fitted parameters, as they stand in the attributes."""
        structure = STRUCTURES[self.covariance_type]
        arrays = (self.weights_, self.means_, self.precisions_cholesky_)
        weights, means, factors = (np.asarray(a, dtype=np.float64) for a in arrays)
        return MixtureParameters.of_factors(
            structure, weights, means, structure.inside(factors)
        )

    def _ask(self, X, question):
        """Put a question of `Evaluation` to validated rows."""
        parameters = self._parameters()
        frame = parameters.own_frame()
        parameters = parameters.in_frame(frame)
        if len(X) <= FEW_ROWS:  # not worth the threads
            return question(Evaluation(parameters, frame, Workers(n_threads=1)), X)
        with Workers() as workers:
            return question(Evaluation(parameters, frame, workers), X)

    def _validated(self, X):
        check_is_fitted(self)
        return validate_data(self, X, dtype=[np.float64, np.float32], reset=False)

    def score_samples(self, X):
        r"""Log-density :math:`\log p(x)` of each row, in nats.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        log_density : ndarray of shape (n_samples,)
            Higher is more normal. A row's value does not depend on the others.
        """
        return self._ask(self._validated(X), Evaluation.log_densities)

    def score(self, X, y=None, *, sample_weight=None):
        """Mean log-density of the rows, in nats.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        y : Ignored
            Not used, present for API consistency by convention.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        log_likelihood : float
            The (weighted) mean of `score_samples`.
        """
        X = self._validated(X)
        log_density = self._ask(X, Evaluation.log_densities)
        if sample_weight is None:
            return float(log_density.mean(dtype=np.float64))
        weights = check_row_weights(sample_weight, X)
        return float(np.average(log_density, weights=weights))

    def predict(self, X):
        """The likeliest component of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Numbers of components.
        """
        return self._ask(self._validated(X), Evaluation.labels)

    def predict_proba(self, X):
        r"""Responsibility :math:`p(k \mid x)` of each component for each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        responsibilities : ndarray of shape (n_samples, n_components)
            They sum to one in each row.
        """
        return self._ask(self._validated(X), Evaluation.responsibilities)

    def transform(self, X):
        """Responsibilities, the mixture's latent view of the rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        responsibilities : ndarray of shape (n_samples, n_components)
            As :meth:`predict_proba` has them; `set_output` chooses the container.
        """
        return self._ask(self._validated(X), Evaluation.responsibilities)

    def sample(self, n_samples=1, *, random_state=None):
        """Draw rows from the fitted mixture.

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows.

        random_state : int, RandomState instance or None, default=None
            Seed of the draw; None takes the estimator's.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            Rows, ordered by component. Where `set_output` chose a container and the
            mixture was fitted on named columns, a table with these names.

        labels : ndarray of shape (n_samples,)
            The component of each row.

        Raises
        ------
        ValueError
            Where `n_samples` is below 1.
        """
        check_is_fitted(self)
        if n_samples < 1:
            raise ValueError(
                f"Invalid value for 'n_samples': {n_samples} . The sampling requires "
                "at least one sample."
            )
        generator = generator_of(
            self.random_state if random_state is None else random_state
        )
        structure = STRUCTURES[self.covariance_type]
        means = np.asarray(self.means_, dtype=np.float64)
        covariances = structure.each(
            structure.inside(np.asarray(self.covariances_, dtype=np.float64)),
            len(means),
        )
        weights = np.asarray(self.weights_, dtype=np.float64)
        counts = generator.multinomial(n_samples, weights / weights.sum())
        X = np.vstack(
            [
                mean + structure.draw(generator, covariance, count, len(mean))
                for mean, covariance, count in zip(means, covariances, counts)
            ]
        )
        labels = np.repeat(np.arange(len(means)), counts)
        return in_configured_container(X, self), labels

    # What an anomaly detector asks of any density, where the density knows an answer.

    def _log_densities_and_divergences(self, X):
        """log p(x), and KL(p(k|x) ‖ p(k)) of each row."""
        X = self._validated(X)
        return (
            self._ask(X, Evaluation.log_densities).astype(np.float64, copy=False),
            self._ask(X, Evaluation.posterior_divergences),
        )

    def _column_log_densities(self, X):
        """log p(x_j) of each cell."""
        return self._ask(self._validated(X), Evaluation.column_log_densities)

    def _conditional_log_densities(self, X):
        """log p(x_j | all other cells of the row) of each cell."""
        return self._ask(self._validated(X), Evaluation.conditional_log_densities)

    def _conditional_probabilities(self, X):
        """Pr(X_j ≤ x_j | all other cells of the row) of each cell."""
        return self._ask(self._validated(X), Evaluation.conditional_probabilities)

    def _covariance_matrices(self):
        """The covariance matrix of each component."""
        n_components, n_features = np.shape(self.means_)
        structure = STRUCTURES[self.covariance_type]
        covariances = np.asarray(self.covariances_, dtype=np.float64)
        each = structure.each(structure.inside(covariances), n_components)
        if structure.matrices:
            return each
        variances = structure.variances(each, n_components, n_features)
        return variances[:, :, None] * np.eye(n_features)

    def _n_parameters(self):
        """Number of free parameters of the mixture."""
        n_components, n_features = np.shape(self.means_)
        structure = STRUCTURES[self.covariance_type]
        of_covariances = structure.n_parameters(n_components, n_features)
        return of_covariances + n_components * n_features + n_components - 1

    def bic(self, X):
        r"""Bayesian information criterion on the rows: lower is better.

        :math:`-2 \log L + d \log n` for :math:`d` free parameters.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        bic : float
            The criterion.
        """
        log_density = self.score_samples(X)
        n_samples = len(log_density)
        log_likelihood = log_density.sum(dtype=np.float64)
        return float(-2 * log_likelihood + self._n_parameters() * np.log(n_samples))

    def aic(self, X):
        r"""Akaike information criterion on the rows: lower is better.

        :math:`-2 \log L + 2 d` for :math:`d` free parameters.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        aic : float
            The criterion.
        """
        log_likelihood = self.score_samples(X).sum(dtype=np.float64)
        return float(-2 * log_likelihood + 2 * self._n_parameters())

    def icl(self, X):
        r"""Integrated completed likelihood on the rows: lower is better.

        The BIC, less twice the sum over rows of :math:`\log \max_k p(k \mid x)`
        [1]_: it prefers components that do not overlap, where BIC asks only for a
        good density.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        icl : float
            The criterion.

        References
        ----------
        .. [1] Biernacki, C., Celeux, G. and Govaert, G. (2000). "Assessing a mixture
           model for clustering with the integrated completed likelihood". IEEE
           Transactions on Pattern Analysis and Machine Intelligence 22(7).
           :doi:`10.1109/34.865189`
        """
        largest = self.predict_proba(X).max(axis=1).astype(np.float64)
        return self.bic(X) - 2.0 * float(np.log(largest).sum())

    @property
    def _n_features_out(self):
        """Number of columns of `transform`."""
        return len(self.weights_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def generators_of(random_state, n_starts):
    """A generator for each start; the first few are the same whatever follows."""
    generator = generator_of(random_state)
    if n_starts == 1:
        return [generator]
    first = copy.deepcopy(generator)
    seeds = generator.randint(np.iinfo(np.int32).max, size=n_starts - 1)
    return [first, *(np.random.RandomState(seed) for seed in seeds)]
