"""What a fitted mixture says of its components and of single rows, as numbers.

The mixture is the last step of a pipeline behind a StandardScaler: its units are
standard deviations of the whole table.
"""

from dataclasses import dataclass

import numpy as np

from ..display._fitted_mixture import full_covariances
from ..gaussian import STRUCTURES


@dataclass(frozen=True)
class Component:
    """One component, in the units of the table and in standard deviations.

    Attributes
    ----------
    weight : float
    n_rows : int
        Rows for which this component has the greatest responsibility.
    means : ndarray of shape (n_columns,)
        In the units of the table.
    deviations : ndarray of shape (n_columns,)
        How far the means lie from the whole table's, in its standard deviations.
    """

    weight: float
    n_rows: int
    means: np.ndarray
    deviations: np.ndarray


@dataclass(frozen=True)
class RowSurprise:
    """How a row looks from its own most likely component.

    Attributes
    ----------
    row : int
        Position in the table.
    log_density : float
        In nats, of the standardised row.
    component : int
    observed, expected, spread : ndarray of shape (n_columns,)
        Each value; its conditional mean and standard deviation given the row's other
        values. In the units of the table.
    """

    row: int
    log_density: float
    component: int
    observed: np.ndarray
    expected: np.ndarray
    spread: np.ndarray

    @property
    def deviations(self):
        """Conditional standard deviations by which each value is off."""
        return (self.observed - self.expected) / self.spread


def describe_components(model, values):
    """Describe each component of a fitted pipeline of scaler and mixture.

    Parameters
    ----------
    model : Pipeline of StandardScaler and mixture
    values : ndarray of shape (n_rows, n_columns)

    Returns
    -------
    components : list of Component
        In the order of `predict`.
    """
    scaler, mixture = model[0], model[-1]
    means = scaler.mean_ + scaler.scale_ * mixture.means_
    # Scaling back leaves 1e-17 where a component is zero throughout.
    means[np.abs(means) < 1e-9 * scaler.scale_] = 0
    n_rows = np.bincount(model.predict(values), minlength=len(mixture.weights_))
    return [
        Component(*described)
        for described in zip(mixture.weights_, n_rows, means, mixture.means_)
    ]


def strangest_rows(model, values, n_rows=5):
    """The rows of least density, and what is unusual in each.

    Parameters
    ----------
    model : Pipeline of StandardScaler and mixture
    values : ndarray of shape (n_samples, n_columns)
    n_rows : int, default=5

    Returns
    -------
    rows : list of RowSurprise
        The least likely first.

    Notes
    -----
    In a Gaussian with precision matrix Λ a value given the others has the variance
    1 / Λ_jj and lies (Λ (x − μ))_j / Λ_jj from its conditional mean, so that no
    matrix but Λ is needed.
    """
    scaler, mixture = model[0], model[-1]
    scores = model.score_samples(values)
    rows = np.argsort(scores, kind="stable")[:n_rows]
    components = model.predict(values[rows])
    precisions = np.linalg.inv(full_covariances(mixture)[components])
    variances = 1 / np.diagonal(precisions, axis1=1, axis2=2)
    centred = scaler.transform(values[rows]) - mixture.means_[components]
    off = np.einsum("rij,rj->ri", precisions, centred) * variances
    expected = values[rows] - off * scaler.scale_
    spread = np.sqrt(variances) * scaler.scale_
    return [
        RowSurprise(int(row), float(scores[row]), int(component), *arrays)
        for row, component, *arrays in zip(
            rows, components, values[rows], expected, spread
        )
    ]


def n_parameters(covariance_type, n_components, n_columns):
    """Free parameters of a Gaussian mixture.

    Parameters
    ----------
    covariance_type : {"full", "tied", "diag", "spherical"}
    n_components, n_columns : int

    Returns
    -------
    n_parameters : int
    """
    of_covariances = STRUCTURES[covariance_type].n_parameters(n_components, n_columns)
    return of_covariances + n_components * (n_columns + 1) - 1
