"""What an anomaly detector answers once it is fitted."""

from numbers import Integral

import numpy as np
from scipy.special import ndtr, ndtri
from sklearn.base import (
    BaseEstimator,
    OneToOneFeatureMixin,
    OutlierMixin,
    TransformerMixin,
)
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted, validate_data

from .._sklearn import (
    check_row_weights,
    generator_of,
    in_configured_container,
    safe_indexing,
)
from ._answers import Explanations, RowComponents
from ._calibration import benjamini_hochberg, conformal_p_values
from ._window_statistics import RowEvidence
from ._windows import LEAST_CALIBRATION, WindowReference, windows_of

# Quantiles of conditional distribution functions are kept within so many standard
# deviations: beyond, one cell would rule a window.
LARGEST_QUANTILE = 4.0

# Scores that lie this close, relative to their size, are ties: what rows share a block
# moves the last digits of a score, in float32 models by as much.
TIE, LARGEST_FINITE = 1e-6, 1e100


class DetectorBase(OneToOneFeatureMixin, TransformerMixin, OutlierMixin, BaseEstimator):
    """Scores, labels, p-values, explanations and verdicts on windows.

    All of it reads what `fit` left: ``_density``, the model of the reference rows that
    scores; ``_calibrated``, the one that has not seen the calibration rows, on which
    whatever carries a guarantee rests; ``_watch_rows``, of which the reference of
    windows is made when it is needed. Both models are one where `fpr` is given.
    """

    def score_components(self, X):
        """The parts of each row's surprise.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        components : RowComponents
            Arrays ``log_density``, ``reconstruction``, ``posterior_divergence``,
            ``marginal`` and ``dependence``, all in nats. The first is minus the sum of
            the next two, and the last two add up to it: ``log_density`` is
            ``dependence - marginal``.
        """
        check_is_fitted(self)
        return _components(self._density, self._rows(X))

    def score_samples(self, X):
        r"""How normal each row is, in nats.

        .. math:: -\big[(1 - \tau)\, M(x) + \tau\, (R(x) + \beta\, K(x))\big]

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            Higher is more normal, in float64. A row's score does not depend on the
            others.
        """
        check_is_fitted(self)
        return self._scores(self._density, self._rows(X))

    def score(self, X, y=None, *, sample_weight=None):
        """Mean of `score_samples`, in nats.

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
        score : float
            The (weighted) mean.
        """
        scores = self.score_samples(X)
        if sample_weight is None:
            return float(scores.mean())
        return float(
            np.average(scores, weights=check_row_weights(sample_weight, scores))
        )

    def decision_function(self, X):
        """Score of each row, less the threshold.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        decision : ndarray of shape (n_samples,)
            ``score_samples(X) - offset_``; negative for anomalies.
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X):
        """Which rows are anomalies.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            -1 for anomalies, 1 for the others.
        """
        return np.where(self.decision_function(X) < 0.0, -1, 1)

    def p_values(self, X):
        r"""Probability that a normal row is at least as strange, for each row.

        .. math:: p(x) = \frac{1 + \#\{i : s_i \le s(x)\}}{n + 1}

        by the scores :math:`s_i` of n calibration rows. For new normal rows
        :math:`\Pr(p \le \alpha) \le \alpha`, whatever the model [1]_. The scores are
        those of the model that has not seen the calibration rows; where `fpr` is None,
        that is not quite the one of `score_samples`, which has seen all rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows that were not in `fit`.

        Returns
        -------
        p_values : ndarray of shape (n_samples,)
            In (0, 1]; small for anomalies.

        Raises
        ------
        ValueError
            Where nothing was kept for calibration.

        References
        ----------
        .. [1] Bates, S., Candès, E., Lei, L., Romano, Y. and Sesia, M. (2023).
           "Testing for outliers with conformal p-values". Annals of Statistics 51(1).
           :arxiv:`2104.08279`
        """
        check_is_fitted(self)
        return self._p_values(self._rows(X))

    def select(self, X, *, fdr=0.1):
        """The rows to call anomalies, so that few of those called are none.

        Benjamini and Hochberg's procedure on `p_values`: of the rows selected, a share
        of at most `fdr` are normal, in expectation [1]_.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows that were not in `fit`, judged together: here alone a row's fate
            depends on the others.

        fdr : float, default=0.1
            The false discovery rate allowed, between 0 and 1.

        Returns
        -------
        selected : ndarray of bool of shape (n_samples,)
            The rows selected.

        References
        ----------
        .. [1] Bates, S., Candès, E., Lei, L., Romano, Y. and Sesia, M. (2023).
           "Testing for outliers with conformal p-values". Annals of Statistics 51(1).
           :arxiv:`2104.08279`
        """
        if not 0.0 < fdr < 1.0:
            raise ValueError(f"fdr must lie between 0 and 1, got {fdr!r}.")
        return benjamini_hochberg(self.p_values(X), fdr)

    def transform(self, X):
        r"""Surprise of each cell given the others of its row.

        .. math:: -\log p(x_j \mid x_{-j}) - \overline{-\log p(x_j \mid x_{-j})}

        the bar being the mean over the rows of `fit`. Exact for Gaussian mixtures;
        for an autoencoder the difference of two bounds, one with the cell hidden; for
        other densities by numerical integration over the cell, and less the
        conditional entropy of the column instead of a mean.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        surprises : ndarray of shape (n_samples, n_features)
            Nats above what is usual; the highest of a row names the guilty column.
            0 where a cell is missing. `set_output` chooses the container.
        """
        check_is_fitted(self)
        return self._surprises(self._rows(X))

    def explain(self, X, *, n_rows=None, n_columns=3):
        """The strangest rows and their guilty columns.

        Give rows that were not in `fit`: a row that was vouches for itself, and in a
        small table none of its cells is surprising then.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        n_rows : int, default=None
            How many of the strangest rows to explain; None explains those that
            `predict` flags.

        n_columns : int, default=3
            How many columns to name for each row.

        Returns
        -------
        explanations : Explanations
            Arrays ``rows``, ``scores``, ``p_values``, ``columns``, ``surprises`` and
            ``values``, the strangest row first. Printed, it is a table; ``to_frame()``
            makes a data frame of it.

        Raises
        ------
        ValueError
            Where `n_rows` is below 0 or `n_columns` below 1.
        """
        check_is_fitted(self)
        _check_least("n_rows", n_rows, 0)
        _check_least("n_columns", n_columns, 1)
        rows = self._rows(X)
        scores = self._scores(self._density, rows)
        if n_rows is None:
            n_rows = int((scores < self.offset_).sum())
        chosen = np.argsort(scores, kind="stable")[:n_rows]
        n_columns = min(n_columns, self.n_features_in_)
        if not len(chosen):
            nothing = np.empty((0, n_columns))
            empty = np.empty(0)
            p_values = empty if len(self.calibration_scores_) else None
            return Explanations(chosen, empty, p_values, nothing, nothing, nothing)
        some = safe_indexing(rows, chosen)
        surprises = self._surprises(some)
        order = np.argsort(-surprises, axis=1, kind="stable")[:, :n_columns]
        names = getattr(self, "feature_names_in_", np.arange(self.n_features_in_))
        return Explanations(
            chosen,
            scores[chosen],
            self._p_values(some) if len(self.calibration_scores_) else None,
            names[order],
            np.take_along_axis(surprises, order, axis=1),
            np.take_along_axis(np.asarray(some), order, axis=1),
        )

    def score_windows(self, X, groups=None, *, window=100):
        """Whether windows of rows come from the reference distribution.

        For each window the Kullback-Leibler divergence from the reference mixture, in
        three parts, the typicality gap, and one p-value for all that was looked at: the
        smallest of many, against windows drawn from the calibration rows. With 100 of
        these small p-values may come a little too often: those up to 0.01 in 2 % of
        windows, for one column of heavy tails.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, in order of time where they have one; none of them was in `fit`.

        groups : array-like of shape (n_samples,), default=None
            The window of each row. With None, windows are runs of `window` rows.

        window : int, default=100
            Rows of a window, where there are no `groups`. The last window has what is
            left.

        Returns
        -------
        windows : WindowScores
            One entry for each window, in the order of their first rows.

        Raises
        ------
        ValueError
            Where nothing, or too little, was kept for calibration.
        """
        check_is_fitted(self)
        rows = self._rows(X)
        reference = self._window_reference()
        windows = windows_of(rows.shape[0], groups, window)
        return reference.score(self._evidence(rows)[1], windows)

    def sample(self, n_samples=1, *, random_state=None):
        """Draw normal rows from the model.

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows.

        random_state : int, RandomState instance or None, default=None
            Seed of the draw; None takes the estimator's.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            Rows in the units of the table that was fitted.
        """
        check_is_fitted(self)
        seed = self.random_state if random_state is None else random_state
        drawn = self._density.sample(n_samples, generator_of(seed))
        return in_configured_container(drawn, self)

    def _scores(self, density, rows):
        """Minus the weighted sum of parts; the columns only where they count."""
        tau = self.dependence_weight_
        if tau == 1.0:
            log_density, divergence = density.log_densities(rows)
            if divergence is None:
                return log_density
            return log_density - (self.beta_ - 1.0) * divergence
        return -_components(density, rows).surprise(self.beta_, tau)

    def _p_values(self, rows):
        if not len(self.calibration_scores_):
            raise ValueError(self._lacks_calibration("p-values"))
        scores = self._scores(self._calibrated, rows)
        weights = self._calibration_weights
        eased = scores + slack(scores)
        return conformal_p_values(eased, self.calibration_scores_, weights)

    def _window_reference(self):
        """What windows are judged by; made at the first call, of rows of `fit`."""
        if self._watch_rows is None:
            raise ValueError(
                f"score_windows needs at least {LEAST_CALIBRATION} rows kept from the "
                f"fit for calibration, and there are {len(self.calibration_scores_)}: "
                f"calibration={self.calibration!r}, and {self.n_reference_rows_} rows "
                "were given. Give more rows, or a larger share as calibration."
            )
        if self._watch is None:
            fitted, calibration, seed = self._watch_rows
            mixture, of_fitted = self._evidence(fitted)
            self._watch = WindowReference(
                mixture.weights_,
                mixture.means_,
                mixture._covariance_matrices(),
                fit=of_fitted,
                calibration=self._evidence(calibration)[1],
                random_state=seed,
            )
        return self._watch

    def _evidence(self, rows):
        """The mixture that windows are judged by, and what it has to say of rows."""
        density = self._calibrated
        mixture, coordinates = density.evidence(rows)
        least = ndtr(-LARGEST_QUANTILE)
        below = np.clip(
            mixture._conditional_probabilities(coordinates), least, 1.0 - least
        )
        return mixture, RowEvidence(
            -self._scores(density, rows),
            mixture.predict_proba(coordinates),
            coordinates,
            ndtri(below),
        )

    def _surprises(self, rows):
        """Surprises of cells; none for cells that are missing."""
        surprises = -self._density.conditionals(rows) - self._mean_surprises
        return np.where(missing_cells(rows), 0.0, surprises)

    def _lacks_calibration(self, what):
        return (
            f"{what} needs rows kept from the fit for calibration, and there are none: "
            f"calibration={self.calibration!r} and {self.n_reference_rows_} rows were "
            "given. Fit with calibration='split', and at least 8 rows."
        )

    def _rows(self, X, *, reset=False):
        """Validated rows; data frames of a user's estimator as they are."""
        if self.estimator is None:
            return validate_data(self, X, dtype=np.float64, reset=reset)
        if hasattr(X, "columns"):
            return validate_data(self, X, reset=reset, skip_check_array=True)
        return validate_data(
            self,
            X,
            reset=reset,
            dtype=None if getattr(X, "dtype", "numeric") == "O" else "numeric",
            ensure_all_finite="allow-nan" if takes_holes(self.estimator) else True,
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        if self.estimator is not None:
            tags.input_tags = get_tags(self.estimator).input_tags
            tags.input_tags.allow_nan = takes_holes(self.estimator)
        tags.transformer_tags.preserves_dtype = []
        return tags


def takes_holes(estimator):
    """Whether NaN may be handed to an estimator, which may refuse them further on.

    A pipeline's own tags do not tell: its first step's do.
    """
    if isinstance(estimator, Pipeline):
        return takes_holes(estimator[0])
    if isinstance(estimator, str) or estimator is None:  # "passthrough"
        return True
    return get_tags(estimator).input_tags.allow_nan


def _check_least(name, value, least):
    if value is not None and (not isinstance(value, Integral) or value < least):
        raise ValueError(
            f"{name} must be an integer of {least} or more, got {value!r}."
        )


def missing_cells(rows):
    """Which cells hold nothing: NaN, None and the like, told by being no equals."""
    if hasattr(rows, "isna"):
        return np.asarray(rows.isna())
    cells = np.asarray(rows)
    return (cells != cells) | np.equal(cells, None)


def slack(scores):
    """How far another score may lie, and count as the same; finite."""
    return TIE * (1.0 + np.minimum(np.abs(scores), LARGEST_FINITE))


def _components(density, rows):
    log_density, divergence = density.log_densities(rows)
    if divergence is None:
        divergence = np.zeros_like(log_density)
    marginal = -density.columns(rows).sum(axis=1)
    return RowComponents(
        log_density,
        -log_density - divergence,
        divergence,
        marginal,
        marginal + log_density,
    )
