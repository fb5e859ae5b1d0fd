"""What a variational autoencoder answers once it is fitted."""

from collections import Counter

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    DensityMixin,
    TransformerMixin,
)
from sklearn.utils.validation import check_is_fitted, validate_data

from .._sklearn import check_row_weights, generator_of
from ..neural import ColumnPlan, Marginals, chosen_device, rebuilt
from ..tables import TableSchema
from ._conditions import Conditions
from ._evaluation import Evaluation, Rows, decoded, sampled
from ._model import builder_of

# Draws of the latent vector where the caller does not say.
SCORING_DRAWS = 128
IMPUTATION_DRAWS = 256

# Draws where every column is hidden in turn.
COLUMN_DRAWS = 32


class AutoencoderBase(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, DensityMixin, BaseEstimator
):
    """Densities, latent means, samples and imputations of a fitted model.

    All of it reads the arrays that `fit` left; the networks are built from them on use.
    Rows are answered in the container of the table that was fitted: `_table_of`.
    """

    def transform(self, X, y=None):
        """Latent means: the mean of q(z|x) of each row.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows; NaN is not observed.

        y : array-like, default=None
            What the rows are given, for ``conditional=True``. Without it the means are
            averaged over the kinds of y seen in `fit`, weighted by p(y|x). If there
            were more than 100 of them, it is required, here and in all other methods.

        Returns
        -------
        latent_means : ndarray of shape (n_samples, n_components)
            `set_output` chooses the container. Of this method alone: rows of the
            table's own columns, as other methods return them, come in the container of
            the table that was fitted.
        """
        codes = self._read(X)
        means = self._evaluation(codes, y).latent_means(SCORING_DRAWS)
        return means.astype(codes.dtype, copy=False)

    def inverse_transform(self, X, y=None):
        """Decode latent vectors to the rows expected there.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Latent vectors.

        y : array-like, default=None
            What the rows are given; needed for ``conditional=True``.

        Returns
        -------
        X_original : array or data frame of shape (n_samples, n_features)
            Means of numbers (of 0 and 1, where they are stored as real numbers, the
            probability of 1), likeliest categories, in the units of the table that was
            fitted, in its container and dtypes, whatever `set_output` says.
        """
        check_is_fitted(self)
        latents = np.asarray(X, dtype=np.float64)
        if latents.ndim != 2 or latents.shape[1] != self._n_features_out:
            raise ValueError(
                f"X must have shape (n_samples, {self._n_features_out}), as "
                f"`transform` returns it, got {latents.shape}."
            )
        if not np.isfinite(latents).all():
            raise ValueError("X contains NaN or infinity; latent vectors are finite.")
        conditions = self._given(y, len(latents), needed=True)
        cells = decoded(self._model(np.float64), latents, conditions)
        return self._table_of(self._plan().restore(cells))

    def reconstruct(self, X, y=None):
        """Encode rows and decode them again, at their latent means.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows; cells not observed are filled in.

        y : array-like, default=None
            What the rows are given, for ``conditional=True``.

        Returns
        -------
        X_reconstructed : array or data frame of shape (n_samples, n_features)
            What ``inverse_transform(transform(X))`` returns. Where the model is
            conditional and `y` not given, averaged over the kinds of y by p(y|x). In
            the container and dtypes of the table that was fitted.
        """
        codes = self._read(X)
        cells = self._evaluation(codes, y).reconstructions(SCORING_DRAWS)
        return self._table_of(self._plan().restore(cells), X)

    def score_samples(self, X, y=None, *, n_importance_samples=None):
        r"""Importance-weighted bound on the log-density of each row, in nats.

        .. math::

            \log \frac1K \sum_{k=1}^K \frac{p(x \mid z_k)\, p(z_k)}{q(z_k \mid x)}
            \le \log p(x) \quad \text{on average, with } z_k \sim q(z \mid x)

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows; cells that are NaN are integrated out. A row of NaN has the
            log-density 0.

        y : array-like, default=None
            What the rows are given, for ``conditional=True``: log p(x|y) is told.
            Without it log p(x), by the frequencies of y in `fit`.

        n_importance_samples : int, default=None
            Number of draws K; None is 128. The bound rises with it on average.

        Returns
        -------
        log_density : ndarray of shape (n_samples,)
            In the units of X, so that it may be compared with other models'. Higher is
            more normal. A row's value does not depend on the others, but for rounding:
            the same quasi-random noise serves all rows and calls.
        """
        n_draws = _n_draws(n_importance_samples, SCORING_DRAWS)
        return self._evaluation(self._read(X), y).importance_bound(n_draws)

    def score(self, X, y=None, *, sample_weight=None):
        """Mean of `score_samples`, in nats.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows.

        y : array-like, default=None
            What the rows are given, for ``conditional=True``; ignored otherwise.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        log_likelihood : float
            The (weighted) mean.
        """
        codes = self._read(X)
        bounds = self._evaluation(codes, y).importance_bound(SCORING_DRAWS)
        if sample_weight is None:
            return float(bounds.mean())
        return float(
            np.average(bounds, weights=check_row_weights(sample_weight, codes))
        )

    def elbo(self, X, y=None, *, n_importance_samples=None):
        r"""The evidence lower bound of each row, and its two parts, in nats.

        .. math::

            \operatorname{E}_{q(z|x)}[\log p(x \mid z)]
            - \operatorname{KL}(q(z \mid x) \,\|\, p(z)) \le \log p(x)

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows; cells that are NaN are left out.

        y : array-like, default=None
            What the rows are given, for ``conditional=True``. Without it y is a latent
            variable as well, and the KL divergence is that of z and y.

        n_importance_samples : int, default=None
            Number of draws that the expectation is averaged over; None is 128.

        Returns
        -------
        bound : EvidenceLowerBound
            A tuple of arrays of shape (n_samples,), named ``elbo``,
            ``reconstruction`` and ``kl``; the first is the second less the third. With
            as many draws it never exceeds `score_samples`. From two draws on, the
            KL divergence is exact for ``prior='normal'``.
        """
        n_draws = _n_draws(n_importance_samples, SCORING_DRAWS)
        return self._evaluation(self._read(X), y).evidence_bound(n_draws)

    def sample(self, n_samples=1, *, y=None, random_state=None):
        """Draw rows from the model.

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows.

        y : scalar or array-like, default=None
            What the rows are given, for ``conditional=True``: one value or row for all,
            or one for each. Without it y is drawn by its frequencies in `fit`, which
            takes a y that had no more than 100 different rows there.

        random_state : int, RandomState instance or None, default=None
            Seed of the draw; None takes the estimator's.

        Returns
        -------
        X : array or data frame of shape (n_samples, n_features)
            Rows in the container and the dtypes of the table that was fitted, whatever
            `set_output` says.

        Raises
        ------
        ValueError
            Where `n_samples` is below 1, or `y` does not fit.
        """
        check_is_fitted(self)
        if not isinstance(n_samples, (int, np.integer)) or n_samples < 1:
            raise ValueError(
                f"Invalid value for 'n_samples': {n_samples!r}. The sampling requires "
                "at least one sample, told by an integer."
            )
        generator = self._generator(random_state)
        conditions = self._given(y, n_samples)
        if conditions is None and self._is_conditional:
            kinds, frequencies = self._conditions_coder().every_kind()
            conditions = kinds[generator.choice(len(kinds), n_samples, p=frequencies)]
        cells = sampled(self._model(np.float64), n_samples, conditions, generator)
        return self._table_of(self._plan().restore(cells))

    def impute(self, X, y=None, *, n_draws=None, random_state=None):
        r"""Fill in cells that are NaN, from p(x_missing | x_observed).

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows; NaN, or the container's missing value, is to be filled in.

        y : array-like, default=None
            What the rows are given, for ``conditional=True``.

        n_draws : int, default=None
            None returns conditional means (likeliest categories), by self-normalised
            importance sampling [1]_; a number asks for so many multiple imputations, by
            sampling importance resampling.

        random_state : int, RandomState instance or None, default=None
            Seed of the imputations drawn; None takes the estimator's. Means are not
            random.

        Returns
        -------
        X_imputed : array or data frame of shape (n_samples, n_features)
            For `n_draws`, an array of shape (n_draws, n_samples, n_features), or a list
            of `n_draws` data frames. In the container and dtypes of the table that was
            fitted, in which cells observed are returned as they are.

        References
        ----------
        .. [1] Mattei, P.-A. and Frellsen, J. (2019). "MIWAE: deep generative modelling
           and imputation of incomplete data sets". ICML. :arxiv:`1812.02633`
        """
        codes = self._read(X)
        n_draws = _n_draws(n_draws, None, "n_draws")
        evaluation, holes = self._evaluation(codes, y), np.isnan(codes)
        rows = np.flatnonzero(holes.any(axis=1))
        draws = [codes[rows]] * (n_draws or 1)
        if len(rows):
            some = evaluation.take(rows)
            draws = map(
                self._plan().restore, self._imputed(some, n_draws, random_state)
            )
        tables = []
        for cells in draws:
            filled = codes.astype(np.float64)
            filled[rows] = np.where(holes[rows], cells, codes[rows])
            tables.append(self._table_of(filled, X))
        if n_draws is None:
            return tables[0]
        return np.stack(tables) if isinstance(tables[0], np.ndarray) else tables

    # What an anomaly detector asks of any density, where the density knows an answer.

    def _log_densities_and_divergences(self, X):
        """The evidence lower bound, and KL(q(z|x) ‖ p(z)) of each row."""
        bound = self.elbo(X)
        return bound.elbo, bound.kl

    def _column_log_densities(self, X):
        """Bounds on log p(x_j) of each cell: of rows without the others."""
        codes = self._read(X)
        columns = np.arange(codes.shape[1])
        bounds = [self._bound_without(codes, columns != j) for j in columns]
        return np.column_stack(bounds)

    def _conditional_log_densities(self, X):
        """log p(x_j | all other cells) of each cell, as a difference of bounds."""
        codes = self._read(X)
        columns = np.arange(codes.shape[1])
        whole = self._bound_without(codes, columns < 0)
        bounds = [self._bound_without(codes, columns == j) for j in columns]
        return whole[:, None] - np.column_stack(bounds)

    def _bound_without(self, codes, hidden):
        seen = np.where(hidden, np.nan, codes)
        return self._evaluation(seen, None).importance_bound(COLUMN_DRAWS)

    def _imputed(self, evaluation, n_draws, random_state):
        """Standardised cells, (n_draws or 1, n_rows, n_columns)."""
        if n_draws is None:
            return evaluation.imputed_means(IMPUTATION_DRAWS)[None]
        generator = self._generator(random_state)
        return evaluation.imputed_draws(n_draws, IMPUTATION_DRAWS, generator)

    def _generator(self, random_state):
        return generator_of(self.random_state if random_state is None else random_state)

    def _read(self, X):
        """Validated rows as codes, in float32 or float64."""
        check_is_fitted(self)
        X = self._validated(X, reset=False)
        return TableSchema.from_state(self._schema_state).encode(X)

    def _validated(self, X, *, reset):
        """Rows, of which data frames are still as they were."""
        if hasattr(X, "columns"):
            if len(X) == 0:
                raise ValueError(
                    f"Found array with 0 sample(s) (shape={X.shape}) while a minimum "
                    f"of 1 is required by {type(self).__name__}."
                )
            _check_different(list(X.columns))
            return validate_data(self, X, reset=reset, skip_check_array=True)
        X = _as_cells(X)
        return validate_data(
            self,
            X,
            reset=reset,
            dtype=None if getattr(X, "dtype", "numeric") == "O" else "numeric",
            ensure_all_finite="allow-nan",
            ensure_min_samples=2 if reset else 1,
        )

    def _table_of(self, codes, like=None):
        """Codes in the container of the table that was fitted, whatever `set_output`
        says, under the index of rows that they answer to."""
        schema = TableSchema.from_state(self._schema_state)
        index = like.index if hasattr(like, "iloc") else None
        return schema.decode(codes, index=index)

    def _plan(self):
        return ColumnPlan(
            marginals=Marginals(**self._marginals_state), **self._plan_state
        )

    def _model(self, dtype):
        """The model, rebuilt from arrays, to be evaluated in float32 or float64."""
        import torch

        device = chosen_device(self.device)
        torch_dtype = torch.float32 if dtype == np.float32 else torch.float64
        build = builder_of(self._plan(), self._n_conditions, self._architecture)
        return rebuilt(build, self.parameters_, device, torch_dtype)

    def _evaluation(self, codes, y):
        """Questions about rows, given y or summed over it."""
        cells, mask, log_jacobian = self._plan().standardise(codes)
        conditions = self._given(y, len(codes))
        kinds, frequencies = None, np.ones(1)
        if conditions is not None:
            kinds = conditions[None]
        elif self._is_conditional:
            kinds, frequencies = self._conditions_coder().every_kind()
            kinds = kinds[:, None, :]
        rows = Rows(cells, mask, log_jacobian)
        model = self._model(codes.dtype)
        return Evaluation(model, rows, kinds, frequencies, self._noise_seed)

    def _conditions_coder(self):
        return Conditions.from_state(self._conditions_state)

    @property
    def _is_conditional(self):
        """Whether the fitted model is; the parameter may have been set since."""
        return self._conditions_state is not None

    @property
    def _n_conditions(self):
        return self._conditions_coder().n_inputs if self._is_conditional else 0

    def _given(self, y, n_rows, needed=False):
        """Inputs for y, or None where the model has none or y is not given."""
        if not self._is_conditional:
            return None
        if y is not None:
            return self._conditions_coder().encode(y, n_rows)
        if needed:
            raise ValueError(
                "y is required, since the model was fitted with conditional=True: give "
                "one value for all rows, or one for each."
            )
        return None

    @property
    def _n_features_out(self):
        """Number of columns of `transform`; not there before `fit`."""
        return self._architecture["n_latents"]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        tags.target_tags.required = bool(self.conditional)
        tags.non_deterministic = False
        return tags


def _as_cells(X):
    """Arrays of objects where there are strings, whose columns may be categories."""
    if hasattr(X, "dtype"):
        return X.astype(object) if X.dtype.kind in "US" else X
    try:
        array = np.asarray(X)
    except ValueError:  # ragged: scikit-learn tells
        return X
    return np.asarray(X, dtype=object) if array.dtype.kind in "US" else X


def _n_draws(given, default, name="n_importance_samples"):
    if given is None:
        return default
    if not isinstance(given, (int, np.integer)) or given < 1:
        raise ValueError(f"{name} must be an integer of at least 1, got {given!r}.")
    return int(given)


def _check_different(names):
    """Refuse columns of one name: what they hold could not be told apart."""
    several = [name for name, n in Counter(names).items() if n > 1]
    if several:
        raise ValueError(
            f"Columns of X have the same name: {several[:5]} stand there more than "
            "once. Rename them, or drop all but one of each."
        )
