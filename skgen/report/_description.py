"""What a fitted mixture says of its components, as numbers.

The mixture is the last step of a pipeline behind a StandardScaler: its units are
standard deviations of the whole table.
"""

from dataclasses import dataclass

import numpy as np

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
