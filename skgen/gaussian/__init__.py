"""Gaussians: covariance structures, log-densities, statistics, the M-step.

What lives here knows arrays of rows and parameters, and no estimator.
"""

from ._covariance_structure import IllDefinedCovarianceError
from ._evaluation import Evaluation
from ._expectation import Expectation, Rows
from ._factor import Factor, check_n_factors, factor_means
from ._forms import FeatureForm, WhitenedForm, normalise
from ._frame import CONSTANT_ULPS, Frame
from ._holes import IncompleteExpectation
from ._noise import UniformNoise
from ._parameters import MixtureParameters, Regularisation, maximise
from ._parsimonious import STRUCTURES
from ._prior import CovariancePrior
from ._statistics import GaussianStatistics
from ._structures import CLASSICAL

__all__ = [
    "CLASSICAL",
    "CONSTANT_ULPS",
    "STRUCTURES",
    "CovariancePrior",
    "Evaluation",
    "Expectation",
    "Factor",
    "FeatureForm",
    "Frame",
    "GaussianStatistics",
    "IllDefinedCovarianceError",
    "IncompleteExpectation",
    "MixtureParameters",
    "Regularisation",
    "Rows",
    "UniformNoise",
    "WhitenedForm",
    "check_n_factors",
    "factor_means",
    "maximise",
    "normalise",
]
