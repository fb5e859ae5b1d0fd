"""Gaussian mixtures fitted by expectation-maximisation, and what is made of them."""

from ._base import GaussianMixtureBase
from ._bootstrap import MixtureBootstrap
from ._em_gaussian_mixture import EMGaussianMixture
from ._ensemble import GaussianMixtureEnsemble
from ._reduction import reduce_mixture
from ._regressor import GaussianMixtureRegressor

__all__ = [
    "EMGaussianMixture",
    "GaussianMixtureBase",
    "GaussianMixtureEnsemble",
    "GaussianMixtureRegressor",
    "MixtureBootstrap",
    "reduce_mixture",
]
