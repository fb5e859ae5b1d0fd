"""Gaussian mixtures fitted by expectation-maximisation, and reduced to smaller ones."""

from ._base import GaussianMixtureBase
from ._em_gaussian_mixture import EMGaussianMixture
from ._reduction import reduce_mixture

__all__ = ["EMGaussianMixture", "GaussianMixtureBase", "reduce_mixture"]
