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

from .._sklearn import (
    check_row_weights,
    generator_of,
    in_configured_container,
)
from ..em import Workers
from ..gaussian import STRUCTURES, Evaluation, MixtureParameters, UniformNoise
from ._conditional import marginal_parameters
from ._conditional_patterns import patterns_of
from ._questions import MixtureQuestions
from ._structure import structure_of

# Up to so many rows are evaluated without threads.
FEW_ROWS = 256


class GaussianMixtureBase(
    MixtureQuestions,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    DensityMixin,
    BaseEstimator,
):
    """Densities, responsibilities, samples and criteria of a fitted mixture.

    What is asked of some columns given others stands in `MixtureQuestions`.

    All of it reads ``weights_``, ``means_``, ``precisions_cholesky_`` and, for
    `sample`, ``covariances_``. A subclass brings `fit`, and the parameters
    ``covariance_type`` and ``random_state``.
    """

    def _structure(self):
        """The structure as which the fitted covariances are stored."""
        fitted = getattr(self, "covariance_type_", self.covariance_type)
        return STRUCTURES.get(fitted, STRUCTURES["full"]).storage

    def _noise(self, frame):
        """What rows may come from besides the components, or None."""
        if not hasattr(self, "noise_weight_"):
            return None
        return UniformNoise.around(*np.float64(self.noise_support_), frame)

    def _parameters(self):
        """The fitted parameters, as they stand in the attributes."""
        structure = self._structure()
        arrays = (self.weights_, self.means_, self.precisions_cholesky_)
        weights, means, factors = (np.asarray(a, dtype=np.float64) for a in arrays)
        return MixtureParameters.of_factors(
            structure, weights, means, structure.inside(factors)
        )

    def _ask(self, X, question):
        """Put a question of `Evaluation` to validated rows."""
        parameters = self._parameters()
        frame = parameters.own_frame()
        parameters, noise = parameters.in_frame(frame), self._noise(frame)
        if len(X) <= FEW_ROWS:  # not worth the threads
            workers = Workers(n_threads=1)
            return question(Evaluation(parameters, frame, workers, noise), X)
        with Workers() as workers:
            return question(Evaluation(parameters, frame, workers, noise), X)

    def _validated(self, X, *, holes=True):
        check_is_fitted(self)
        return validate_data(
            self,
            X,
            dtype=[np.float64, np.float32],
            ensure_all_finite="allow-nan" if holes else True,
            reset=False,
        )

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
        structure = self._structure()
        means = np.asarray(self.means_, dtype=np.float64)
        covariances = structure.each(
            structure.inside(np.asarray(self.covariances_, dtype=np.float64)),
            len(means),
        )
        weights = np.asarray(self.weights_, dtype=np.float64)
        noise = getattr(self, "noise_weight_", None)
        shares = weights / weights.sum()
        if noise is not None:
            shares = np.append(shares * (1.0 - noise), noise)
        counts = generator.multinomial(n_samples, shares)
        drawn = [
            mean + structure.draw(generator, covariance, count, len(mean))
            for mean, covariance, count in zip(means, covariances, counts)
        ]
        names = np.arange(len(means))
        if noise is not None:
            low, high = np.float64(self.noise_support_)
            drawn.append(generator.uniform(low, high, size=(counts[-1], len(low))))
            names = np.append(names, -1)
        labels = np.repeat(names, counts)
        return in_configured_container(np.vstack(drawn), self), labels

    # What an anomaly detector asks of any density, where the density knows an answer.

    def _log_densities_and_divergences(self, X):
        """log p(x), and KL(p(k|x) ‖ p(k)) of each row; of what is observed."""
        X = self._validated(X)
        return (
            self._ask(X, Evaluation.log_densities).astype(np.float64, copy=False),
            self._ask(X, Evaluation.posterior_divergences),
        )

    def _column_log_densities(self, X):
        """log p(x_j) of each cell, 0 where it is missing."""
        X = self._validated(X)
        return np.where(np.isnan(X), 0.0, self._ask(X, Evaluation.column_log_densities))

    def _conditional_log_densities(self, X):
        """log p(x_j | all other observed cells of the row), 0 where it is missing."""
        X = self._validated(X)
        if not np.isnan(X).any():
            return self._ask(X, Evaluation.conditional_log_densities)
        out = np.zeros(X.shape)
        for seen, rows in patterns_of(X):
            if seen.size:
                known = np.asarray(X[np.ix_(rows, seen)], dtype=np.float64)
                marginal = self._over(
                    marginal_parameters(self._parameters(), seen), seen
                )
                found = marginal._ask(known, Evaluation.conditional_log_densities)
                out[np.ix_(rows, seen)] = found
        return out

    def _conditional_probabilities(self, X):
        """Pr(X_j ≤ x_j | all other cells of the row) of each cell."""
        return self._ask(
            self._validated(X, holes=False), Evaluation.conditional_probabilities
        )

    def _covariance_matrices(self):
        """The covariance matrix of each component."""
        n_components, n_features = np.shape(self.means_)
        structure = self._structure()
        covariances = np.asarray(self.covariances_, dtype=np.float64)
        each = structure.each(structure.inside(covariances), n_components)
        if structure.matrices:
            return each
        variances = structure.variances(each, n_components, n_features)
        return variances[:, :, None] * np.eye(n_features)

    def _n_parameters(self):
        """Number of free parameters of the mixture."""
        n_components, n_features = np.shape(self.means_)
        fitted = getattr(self, "covariance_type_", self.covariance_type)
        structure = structure_of(fitted, getattr(self, "n_factors", 1), n_features)
        of_covariances = structure.n_parameters(n_components, n_features)
        # of noise its weight and, as in mclust, its volume
        of_noise = 2 if hasattr(self, "noise_weight_") else 0
        return of_covariances + n_components * n_features + n_components - 1 + of_noise

    def bic(self, X):
        r"""Bayesian information criterion on the rows: lower is better.

        :math:`-2 \log L + d \log n` for :math:`d` free parameters and :math:`n` rows
        of which a cell is observed.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        bic : float
            The criterion.
        """
        X = self._validated(X)
        log_likelihood = self._ask(X, Evaluation.log_densities).sum(dtype=np.float64)
        n_samples = len(X) - int(np.isnan(X).all(axis=1).sum())
        penalty = self._n_parameters() * np.log(max(n_samples, 1))
        return float(-2 * log_likelihood + penalty)

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
        validated = self._validated(X)
        seen = ~np.isnan(validated).all(axis=1)
        found = self._ask(validated[seen], Evaluation.responsibilities)
        largest = found.max(axis=1).astype(np.float64)
        return self.bic(X) - 2.0 * float(np.log(largest).sum())

    @property
    def _n_features_out(self):
        """Number of columns of `transform`."""
        return len(self.weights_) + hasattr(self, "noise_weight_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        tags.input_tags.allow_nan = True
        return tags


def generators_of(random_state, n_starts):
    """A generator for each start; the first few are the same whatever follows."""
    generator = generator_of(random_state)
    if n_starts == 1:
        return [generator]
    first = copy.deepcopy(generator)
    seeds = generator.randint(np.iinfo(np.int32).max, size=n_starts - 1)
    return [first, *(np.random.RandomState(seed) for seed in seeds)]
