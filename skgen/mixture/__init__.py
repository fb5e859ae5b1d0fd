"""Gaussian mixtures fitted by expectation-maximisation."""

from ._em_gaussian_mixture import EMGaussianMixture

__all__ = ["EMGaussianMixture"]
