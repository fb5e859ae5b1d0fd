"""Gaussians: covariance structures, log-densities, statistics, the M-step.

What lives here knows arrays of rows and parameters, and no estimator.
"""

from ._evaluation import Evaluation
from ._expectation import Expectation, Rows
from ._forms import FeatureForm, WhitenedForm, normalise
from ._frame import CONSTANT_ULPS, Frame
from ._parameters import MixtureParameters, Regularisation, maximise
from ._prior import CovariancePrior
from ._statistics import GaussianStatistics
from ._structures import STRUCTURES, IllDefinedCovarianceError

__all__ = [
    "CONSTANT_ULPS",
    "STRUCTURES",
    "CovariancePrior",
    "Evaluation",
    "Expectation",
    "FeatureForm",
    "Frame",
    "GaussianStatistics",
    "IllDefinedCovarianceError",
    "MixtureParameters",
    "Regularisation",
    "Rows",
    "WhitenedForm",
    "maximise",
    "normalise",
]
