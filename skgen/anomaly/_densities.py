"""What a fitted density can tell of rows, whatever kind of density it is.

Every kind answers the same questions. Mixtures and autoencoders know the answers
themselves; any other estimator with ``score_samples`` is asked about rows in which one
cell was replaced, and the default model beside it tells of columns and of windows.
"""

import inspect
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import logsumexp
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from ._reference import as_mixture, fit_reference, one_gaussian

# Cells that stand in for one cell when it is integrated out, and rows at a time.
N_NODES = 64
MARGIN = 0.25  # of the range, on both sides of it
BLOCK_ROWS = 65_536

# Stands for the logarithm of 0, which differences and products turn into NaN.
LOG_0 = -1e100

# Rows by which a transformer is seen to treat columns apart.
PROBE_ROWS = 200


def fit_density(estimator, X, fit_params, seed, start=None):
    """Fit a density to reference rows.

    Parameters
    ----------
    estimator : estimator or None
        With ``fit`` and ``score_samples``; None for the default model.

    X : array-like of shape (n_samples, n_features)
        Reference rows.

    fit_params : dict
        Parameters of ``fit``, ``sample_weight`` among them where there are weights.

    seed : int
        Seed of the default model, and of what has none of its own in an estimator.

    start : Reference, default=None
        What was found on some of the rows before, for the default model.

    Returns
    -------
    density : Density

    reference : Reference or None
        What may serve as `start`.
    """
    if estimator is None:
        weights = fit_params.get("sample_weight")
        reference = fit_reference(X, weights, seed, start)
        return _density_of(reference), reference
    return _fit_given(estimator, X, fit_params, seed), None


def _fit_given(estimator, X, fit_params, seed):
    fitted = _seeded(clone(estimator), seed).fit(X, **fit_params)
    before, model = _parts(fitted)
    inner = X if before is None else before.transform(X)
    mixture = as_mixture(model)
    if mixture is not None:
        grid = None if _keeps_columns(before, X) else _nodes(X)
        return MixtureDensity(fitted, before, grid, mixture)
    # what a mixture with noise says of parts leaves the noise out
    tells_parts = hasattr(model, "_log_densities_and_divergences")
    if tells_parts and not hasattr(model, "noise_weight_"):
        grid = None if _keeps_columns(before, X) else _nodes(X)
        latent = one_gaussian(np.asarray(model.transform(inner), dtype=np.float64))
        return LatentDensity(fitted, before, grid, model, latent)
    companion = _companion(inner, fit_params.get("sample_weight"), seed)
    return PlainDensity(fitted, before, _nodes(X), companion)


def _companion(rows, sample_weight, seed):
    """The default model for rows of numbers; None for others."""
    try:
        numbers = np.asarray(rows, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    if numbers.ndim != 2 or not np.isfinite(numbers).all():
        return None
    return _density_of(fit_reference(numbers, sample_weight, seed))


def _density_of(reference):
    pipeline, columns, _ = reference
    return MixtureDensity(pipeline, pipeline[:-1], None, pipeline[-1], columns)


@dataclass(frozen=True)
class Density(ABC):
    """A fitted density.

    Parameters
    ----------
    estimator : estimator
        The whole estimator, as fitted.

    before : Pipeline or None
        What is done to rows before the last step of a pipeline sees them.

    nodes : ndarray of shape (N_NODES, n_features) or None
        Cells to integrate over where `before` mixes columns, or the model does not
        know conditional densities; else None.
    """

    estimator: Any
    before: Any
    nodes: Any

    def inner(self, X):
        """Rows as the last step of a pipeline sees them."""
        return X if self.before is None else self.before.transform(X)

    @abstractmethod
    def log_densities(self, X):
        """Log-density of rows, and KL(q(h|x) ‖ p(h)), or None where there is no h."""

    @abstractmethod
    def columns(self, X):
        """Log-densities of single columns: of those that the last step sees."""

    def known_conditionals(self, X):
        """Log-density of each cell given the others, where the model knows it."""
        raise NotImplementedError(f"{type(self).__name__} integrates over nodes")

    @abstractmethod
    def evidence(self, X):
        """The mixture by which windows are judged, and what it is to be asked about."""

    def conditionals(self, X):
        """Log-density of each cell, given the others of its row."""
        if self.nodes is None:
            return self.known_conditionals(X)
        if not len(self.nodes):
            raise ValueError(
                f"The surprise of single cells under {type(self.estimator).__name__} "
                "is integrated over their column, which takes numbers: encode the "
                "other columns before the detector."
            )
        return _integrated_conditionals(self.estimator, X, self.nodes)

    def sample(self, n_samples, random_state):
        """Rows drawn from the model, in the units of X."""
        model = _parts(self.estimator)[1]
        if not hasattr(model, "sample"):
            raise AttributeError(
                f"{type(model).__name__} has no method sample: fit the detector with "
                "an estimator that can draw rows."
            )
        if "random_state" in inspect.signature(model.sample).parameters:
            drawn = model.sample(n_samples, random_state=random_state)
        else:
            drawn = model.sample(n_samples)
        rows = drawn[0] if isinstance(drawn, tuple) else drawn
        if self.before is None:
            return rows
        if not hasattr(self.before, "inverse_transform"):
            raise AttributeError(
                "Samples cannot be brought back to the units of the table: the steps "
                f"before {type(model).__name__} have no inverse_transform."
            )
        return self.before.inverse_transform(rows)


@dataclass(frozen=True)
class MixtureDensity(Density):
    """A Gaussian mixture, maybe behind transformers.

    Parameters
    ----------
    mixture : GaussianMixtureBase
        The mixture.

    column_mixtures : ColumnMixtures or None, default=None
        Mixtures of columns alone, where they are not those of `mixture`.
    """

    mixture: Any
    column_mixtures: Any = None

    def log_densities(self, X):
        return self.mixture._log_densities_and_divergences(self._numbers(X))

    def columns(self, X):
        rows = self._numbers(X)
        if self.column_mixtures is None:
            return self.mixture._column_log_densities(rows)
        return self.column_mixtures.log_densities(rows)

    def known_conditionals(self, X):
        return self.mixture._conditional_log_densities(self._numbers(X))

    def evidence(self, X):
        rows = self._numbers(X).astype(np.float64, copy=False)
        if np.isnan(rows).any():
            raise ValueError(
                "Windows are compared by means and covariances, which need rows "
                "without missing cells, but X has NaN: fill them, by "
                "GenerativeImputer for example."
            )
        return self.mixture, rows

    def _numbers(self, X):
        return np.asarray(self.inner(X))


@dataclass(frozen=True)
class LatentDensity(Density):
    """A model with a latent vector and a bound, maybe behind transformers.

    Parameters
    ----------
    model : VariationalAutoencoder
        The model.

    latent : GaussianMixtureBase
        One Gaussian for the latent means of the reference rows.
    """

    model: Any
    latent: Any

    def log_densities(self, X):
        return self.model._log_densities_and_divergences(self.inner(X))

    def columns(self, X):
        return self.model._column_log_densities(self.inner(X))

    def known_conditionals(self, X):
        return self.model._conditional_log_densities(self.inner(X))

    def evidence(self, X):
        means = self.model.transform(self.inner(X))
        return self.latent, np.asarray(means, dtype=np.float64)


@dataclass(frozen=True)
class PlainDensity(Density):
    """An estimator of which nothing is known but ``score_samples``.

    Parameters
    ----------
    companion : MixtureDensity or None
        The default model, fitted to the same rows; None where they are no numbers.
    """

    companion: MixtureDensity | None

    def log_densities(self, X):
        told = np.asarray(self.estimator.score_samples(X), dtype=np.float64)
        return np.maximum(told, LOG_0), None

    def columns(self, X):
        rows = self._numbers(X)
        (scaler,) = self.companion.before.named_steps.values()
        return self.companion.columns(rows) + scaler.log_slopes(rows)

    def evidence(self, X):
        return self.companion.evidence(self._numbers(X))

    def _numbers(self, X):
        if self.companion is None:
            raise ValueError(
                f"{type(self.estimator).__name__} tells no more than score_samples; "
                "columns and windows are then judged by numbers, and the rows hold "
                "other things, or NaN. Encode and impute them before, or choose "
                "VariationalAutoencoder as the estimator."
            )
        return np.asarray(self.inner(X), dtype=np.float64)


def _seeded(estimator, seed):
    """The estimator with a seed wherever it has none."""
    params = estimator.get_params(deep=True)
    names = [name for name in params if name.split("__")[-1] == "random_state"]
    return estimator.set_params(**{n: seed for n in names if params[n] is None})


def _parts(estimator):
    """What comes before the model, None if nothing, and the model."""
    estimator = getattr(estimator, "best_estimator_", estimator)  # of a search
    if not isinstance(estimator, Pipeline):
        return None, estimator
    inner_before, model = _parts(estimator[-1])
    if inner_before is None and len(estimator) == 1:
        return None, model
    if inner_before is None:
        return estimator[:-1], model
    return Pipeline([*estimator.steps[:-1], *inner_before.steps]), model


def _keeps_columns(before, X):
    """Whether transformers treat every column apart, and keep their order."""
    if before is None:
        return True
    try:
        rows = _probes(np.asarray(X, dtype=np.float64))
    except (TypeError, ValueError):
        return False
    whole = np.asarray(before.transform(_in_container_of(X, rows)))
    if whole.shape != rows.shape:
        return False
    elsewhere = np.roll(rows, 1, axis=0)
    elsewhere = np.where((elsewhere == rows).all(axis=0), rows + 1.0, elsewhere)
    for others in _halves(rows.shape[1]):
        moved = np.where(others, elsewhere, rows)
        told = np.asarray(before.transform(_in_container_of(X, moved)))
        if not np.array_equal(told[:, ~others], whole[:, ~others], equal_nan=True):
            return False
    return True


def _probes(rows):
    """Some of the rows: those where columns are least and greatest, and others."""
    drawn = np.random.RandomState(0).permutation(len(rows))[:PROBE_ROWS]
    extremes = [np.argmin(rows, axis=0), np.argmax(rows, axis=0)]
    return rows[np.unique(np.concatenate([drawn, *extremes]))]


def _halves(n_columns):
    """Masks such that of any two columns either is in some mask without the other."""
    numbers = np.arange(n_columns)
    for bit in range((n_columns - 1).bit_length()):
        is_set = (numbers >> bit) % 2 == 1
        yield from (is_set, ~is_set)


def _in_container_of(X, rows):
    """Numbers as a table like X: what was fitted on names wants to see them again."""
    if not hasattr(X, "columns"):
        return rows
    return type(X)(dict(zip(X.columns, rows.T)))


def _nodes(X):
    """Cells of each column to integrate over.

    Half are quantiles of the column's distinct values, half are evenly spaced. There
    are none for a table of other things than numbers.
    """
    try:
        X = np.asarray(X, dtype=np.float64)
    except (TypeError, ValueError):
        return np.empty((0, np.shape(X)[1]))
    low, high = np.nanmin(X, axis=0), np.nanmax(X, axis=0)
    room = MARGIN * np.where(high > low, high - low, 1.0)
    levels = np.linspace(0.0, 1.0, N_NODES // 2)
    quantiles = [np.nanquantile(np.unique(column), levels) for column in X.T]
    even = np.linspace(low - room, high + room, N_NODES // 2)
    return np.sort(np.vstack([np.transpose(quantiles), even]), axis=0)


def _integrated_conditionals(estimator, X, nodes):
    """Log-densities of cells given the others, less what is expected of them.

    The density without a cell is integrated over the nodes; so is the conditional
    entropy, by which the result is centred.
    """
    rows = np.asarray(X, dtype=np.float64)

    def log_densities(some):
        told = estimator.score_samples(_in_container_of(X, some))
        return np.maximum(np.asarray(told, dtype=np.float64), LOG_0)

    out = np.empty(rows.shape)
    size = max(1, BLOCK_ROWS // len(nodes))
    for start in range(0, len(rows), size):
        block = slice(start, start + size)
        for j, cells in enumerate(nodes.T):
            out[block, j] = _given_others(log_densities, rows[block], j, cells)
    return log_densities(rows)[:, None] - out


def _given_others(log_densities, rows, j, cells):
    """Log-density without column j, less the conditional entropy of that column."""
    varied = np.repeat(rows, len(cells), axis=0)
    varied[:, j] = np.tile(cells, len(rows))
    log_joint = log_densities(varied)
    log_joint = log_joint.reshape(len(rows), len(cells))
    log_widths = np.log(np.maximum(np.gradient(cells), 1e-300))
    log_without = logsumexp(log_joint + log_widths, axis=1)
    given = log_joint - log_without[:, None]
    entropy = -(np.exp(given + log_widths) * given).sum(axis=1)
    return log_without - entropy
