"""A fitted mixture as plain arrays, whatever its covariance type or pipeline.

What reads a mixture's parameters to draw or to describe them starts here; nothing
here fits, and nothing here draws.
"""

from dataclasses import dataclass, replace

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

_EXPAND = {
    "full": lambda covariances, n_components, n_features: covariances,
    "tied": lambda covariances, n_components, n_features: np.broadcast_to(
        covariances, (n_components, n_features, n_features)
    ),
    "diag": lambda covariances, n_components, n_features: (
        covariances[:, :, np.newaxis] * np.eye(n_features)
    ),
    "spherical": lambda covariances, n_components, n_features: (
        covariances[:, np.newaxis, np.newaxis] * np.eye(n_features)
    ),
}


def full_covariances(mixture):
    """Covariances of a fitted mixture as one matrix per component.

    Parameters
    ----------
    mixture : fitted mixture
        With `means_`, `covariances_` and `covariance_type`.

    Returns
    -------
    covariances : ndarray of shape (n_components, n_features, n_features)
    """
    covariances = np.asarray(mixture.covariances_)
    if covariances.ndim == 3:
        return covariances
    if hasattr(mixture, "_covariance_matrices"):
        return mixture._covariance_matrices()
    if mixture.covariance_type not in _EXPAND:
        raise ValueError(
            f"covariance_type must be one of {sorted(_EXPAND)} or covariances_ hold "
            f"one matrix per component, got {mixture.covariance_type!r} with shape "
            f"{covariances.shape}."
        )
    return np.array(
        _EXPAND[mixture.covariance_type](covariances, *mixture.means_.shape)
    )


def last_step(estimator):
    """Return the model itself: `estimator`, or the last step of a pipeline."""
    return estimator[-1] if isinstance(estimator, Pipeline) else estimator


def last_step_prefix(estimator):
    """What to put before a parameter's name to set it on the last step."""
    return f"{estimator.steps[-1][0]}__" if isinstance(estimator, Pipeline) else ""


def scale_note(estimator):
    """Say in which units the last step of `estimator` sees the data, or ''."""
    if not isinstance(estimator, Pipeline):
        return ""
    earlier = [
        step for _, step in estimator.steps[:-1] if step not in (None, "passthrough")
    ]
    names = [type(step).__name__ for step in earlier]
    return f"after {', '.join(names)}" if names else ""


def transformed(estimator, X):
    """Return X as the last step of `estimator` sees it, as an array."""
    if isinstance(estimator, Pipeline) and len(estimator.steps) > 1:
        X = estimator[:-1].transform(X)
    return np.asarray(X)


@dataclass(frozen=True)
class FittedMixture:
    """A Gaussian mixture's parameters and the rows it is shown with.

    Attributes
    ----------
    points : ndarray of shape (n_samples, n_features)
    labels : ndarray of shape (n_samples,)
        Component of the greatest responsibility for each row.
    weights : ndarray of shape (n_components,)
    means : ndarray of shape (n_components, n_features)
    covariances : ndarray of shape (n_components, n_features, n_features)
    """

    points: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray

    def projected(self, directions):
        """The mixture of X @ directions, again Gaussian: means and AᵀΣA.

        Parameters
        ----------
        directions : ndarray of shape (n_features, n_axes)

        Returns
        -------
        projected : FittedMixture
        """
        return replace(
            self,
            points=self.points @ directions,
            means=self.means @ directions,
            covariances=directions.T @ self.covariances @ directions,
        )

    def shifted(self, origin):
        """The same mixture with `origin`, of shape (n_features,), moved to zero."""
        return replace(self, points=self.points - origin, means=self.means - origin)


def read_mixture(estimator, X):
    """Read a fitted mixture, or a pipeline that ends in one, as arrays.

    Parameters
    ----------
    estimator : fitted mixture or Pipeline
    X : array-like of shape (n_samples, n_features)
        Rows as `estimator.predict` takes them.

    Returns
    -------
    mixture : FittedMixture
        In the units of the pipeline's last step.

    Raises
    ------
    TypeError
        When the model has no means, covariances and weights.
    """
    model = last_step(estimator)
    check_is_fitted(model)
    missing = [
        name
        for name in ("weights_", "means_", "covariances_")
        if not hasattr(model, name)
    ]
    if missing:
        raise TypeError(
            "estimator must be a fitted Gaussian mixture or a Pipeline that ends in "
            f"one, got {type(model).__name__} without {', '.join(missing)}."
        )
    return FittedMixture(
        points=transformed(estimator, X),
        labels=np.asarray(estimator.predict(X)),
        weights=np.asarray(model.weights_),
        means=np.asarray(model.means_),
        covariances=full_covariances(model),
    )


def feature_names(estimator, X, names=None):
    """Names of the columns that the last step of `estimator` sees.

    Parameters
    ----------
    estimator : fitted mixture or Pipeline
    X : array-like of shape (n_samples, n_features)
    names : sequence of str or None, default=None
        Names of X's columns; None takes them from X when it has some.

    Returns
    -------
    names : list of str
        ``x0``, ``x1``, … when nobody knows better, as scikit-learn names them.
    """
    if names is None:
        names = getattr(X, "columns", None)
    if names is None:
        names = [f"x{j}" for j in range(np.shape(X)[1])]
    names = [str(name) for name in names]
    if len(names) != np.shape(X)[1]:
        raise ValueError(
            f"feature_names must name each of X's {np.shape(X)[1]} columns, "
            f"got {len(names)} names."
        )
    if isinstance(estimator, Pipeline) and len(estimator.steps) > 1:
        return _names_after(estimator, names)
    return names


def _names_after(pipeline, names):
    """Names behind the pipeline's transformers; numbered when they give none."""
    try:
        return [str(name) for name in pipeline[:-1].get_feature_names_out(names)]
    except (AttributeError, ValueError):
        return [f"x{j}" for j in range(pipeline[-1].means_.shape[1])]
